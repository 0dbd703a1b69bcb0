use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::server::{Answer, Server, Step, Told, refused};
use crate::runner::ports::{Life, LogPart, LogTarget, Observer};

pub(super) const LOG: &str = "GET /api/v1/namespaces/shop/pods/web/log";
pub(super) const POD: &str = "GET /api/v1/namespaces/shop/pods/web";

fn target(life: watch::Receiver<Life>) -> LogTarget {
    LogTarget {
        namespace: "shop".to_owned(),
        pod: "web".to_owned(),
        container: "migrate".to_owned(),
        container_id: "containerd://one".to_owned(),
        previous: false,
        life,
    }
}

pub(super) fn text(lines: &[&str]) -> Step {
    let stamped = |line: &&str| format!("2026-10-01T12:00:0{line}");
    Step::Text(lines.iter().map(stamped).collect())
}

pub(super) fn status(id: &str, state: &Value, last: &Value) -> Answer {
    let status = json!({
        "name": "migrate", "image": "", "imageID": "", "ready": false, "restartCount": 0,
        "containerID": id, "state": state, "lastState": last,
    });
    Answer::Json(
        200,
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web", "namespace": "shop", "uid": "u"},
            "status": {"initContainerStatuses": [status]},
        }),
    )
}

pub(super) fn ended(id: &str) -> Value {
    json!({"terminated": {"exitCode": 0, "containerID": id}})
}

pub(super) fn running() -> Answer {
    status("containerd://one", &json!({"running": {}}), &json!({}))
}

pub(super) fn over() -> Answer {
    status("containerd://one", &ended("containerd://one"), &json!({}))
}

async fn lines(server: &Server) -> Vec<String> {
    lines_of(server, watch::channel(Life::Runs).1).await
}

async fn lines_of(server: &Server, life: watch::Receiver<Life>) -> Vec<String> {
    let cluster = server.cluster();
    let text = |part| match part {
        LogPart::Line(line) => line,
        LogPart::Lost(why) => format!("lost: {why}"),
    };
    let lines = cluster.log(target(life)).map(text).collect::<Vec<String>>();
    tokio::time::timeout(Duration::from_secs(900), lines)
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_log_is_read_to_the_end_of_its_container() {
    let server = Server::default();
    server
        .on(
            LOG,
            Answer::Stream(vec![
                text(&["0Z one\n", "1Z two\n"]),
                Step::Wait(Duration::from_secs(30)),
                text(&["2Z three"]),
            ]),
        )
        .on(POD, running())
        .on(LOG, Answer::Stream(vec![text(&["2Z three"])]))
        .on(POD, over());
    assert_eq!(lines(&server).await, ["one", "two", "three"]);
    let query = &server.calls(LOG)[0].query;
    for part in ["container=migrate", "follow=true", "timestamps=true"] {
        assert!(query.contains(part), "{query}");
    }
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_log_that_breaks_in_mid_line_goes_on_without_doubles() {
    let server = Server::default();
    server
        .on(
            LOG,
            Answer::Stream(vec![
                text(&["0Z one\n", "1.5Z two\n", "1.6Z thr"]),
                Step::Break,
            ]),
        )
        .on(POD, running())
        .on(LOG, refused(500, "InternalError", "dial tcp: node is away"))
        .on(
            LOG,
            Answer::Stream(vec![text(&["1.5Z two\n", "1.6Z three\n", "1.6Z three\n"])]),
        )
        .on(POD, over());
    assert_eq!(lines(&server).await, ["one", "two", "three", "three"]);
    let query = &server.calls(LOG)[2].query;
    assert!(
        query.contains("sinceTime=2026-10-01T12%3A00%3A01"),
        "{query}"
    );
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_cut_in_peace_goes_on() {
    let server = Server::default();
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z tw"])]))
        .on(POD, running())
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z two"])]))
        .on(POD, over());
    assert_eq!(lines(&server).await, ["one", "two"]);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn whose_the_log_of_a_last_instance_is_need_not_be_asked() {
    let server = Server::default();
    server.on(LOG, Answer::Stream(vec![text(&["0Z one\n"])]));
    let (_life, told) = watch::channel(Life::Last);
    assert_eq!(lines_of(&server, told).await, ["one"]);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn that_it_has_ended_is_told_by_the_watch() {
    let server = Server::default();
    server
        .on(
            LOG,
            Answer::Stream(vec![
                text(&["0Z one\n"]),
                Step::Wait(Duration::from_secs(8)),
            ]),
        )
        .on(POD, running())
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z two\n"])]));
    let (life, told) = watch::channel(Life::Runs);
    let watching = async {
        tokio::time::sleep(Duration::from_millis(8010)).await;
        life.send(Life::Last).unwrap();
    };
    let before = tokio::time::Instant::now();
    let (lines, ()) = tokio::join!(lines_of(&server, told), watching);
    assert_eq!(lines, ["one", "two"]);
    assert!(before.elapsed() < Duration::from_millis(8100));
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_may_not_be_read_is_not_asked_without_end() {
    let server = Server::default();
    for _ in 0..15 {
        server
            .on(LOG, Answer::Stream(vec![text(&["0Z one\n"])]))
            .on(POD, refused(403, "Forbidden", "pods is forbidden"));
    }
    assert_eq!(lines(&server).await, ["one"]);
    server.finish();
}

/// The connection may be cut just before the container ends.
#[tokio::test(start_paused = true)]
async fn what_was_printed_between_the_cut_and_the_end_is_read() {
    let server = Server::default();
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n"])]))
        .on(POD, running())
        .on(
            LOG,
            Answer::Stream(vec![text(&["0Z one\n", "1Z two\n", "2Z why"])]),
        )
        .on(POD, over());
    assert_eq!(lines(&server).await, ["one", "two", "why"]);
    server.finish();
}

/// A hook that is deleted once it is done: its pod is gone before it could be asked for.
#[tokio::test(start_paused = true)]
async fn a_stream_that_was_opened_outlives_its_pod() {
    let server = Server::default();
    let gone = || refused(404, "NotFound", "pods \"web\" not found");
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z two\n"])]))
        .on(POD, gone());
    assert_eq!(lines(&server).await, ["one", "two"]);
    server.finish();

    let server = Server::default();
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z two"])]))
        .on(POD, running())
        .on(LOG, gone());
    assert_eq!(lines(&server).await, ["one", "two"], "nothing is lost");
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_is_said() {
    let server = Server::default();
    server
        .on(
            LOG,
            Answer::Stream(vec![text(&["0Z one\n", "1Z tw"]), Step::Break]),
        )
        .on(POD, running())
        .on(LOG, refused(404, "NotFound", "pods \"web\" not found"));
    assert_eq!(lines(&server).await, ["one", "lost: its pod is gone"]);
    server.finish();
}

/// However long it is away: that is the run's to judge.
#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_takes_no_lines_with_it() {
    let server = Server::default();
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n"]), Step::Break]))
        .on(POD, running());
    for _ in 0..30 {
        server.on(LOG, Answer::Nobody);
    }
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z two\n"])]))
        .on(POD, over());
    assert_eq!(lines(&server).await, ["one", "two"]);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_silent_container_is_not_given_up() {
    let server = Server::default();
    for _ in 0..20 {
        server.on(
            LOG,
            Answer::Stream(vec![Step::Wait(Duration::from_secs(1)), Step::Break]),
        );
        server.on(POD, running());
    }
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n"])]))
        .on(POD, over());
    assert_eq!(lines(&server).await, ["one"]);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_container_that_has_not_started_is_waited_for() {
    let server = Server::default();
    let message = "container \"migrate\" in pod \"web\" is waiting to start: PodInitializing";
    server
        .on(LOG, refused(400, "BadRequest", message))
        .on(LOG, refused(400, "BadRequest", message))
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n"])]))
        .on(POD, over());
    assert_eq!(lines(&server).await, ["one"]);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn it_is_not_waited_for_for_ever() {
    let server = Server::default();
    for _ in 0..15 {
        server.on(
            LOG,
            refused(400, "BadRequest", "is waiting to start: ImagePullBackOff"),
        );
    }
    assert_eq!(
        lines(&server).await,
        ["lost: its log can't be read: it did not start"]
    );
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_was_replaced_is_read_as_the_previous() {
    let server = Server::default();
    let replaced = || {
        status(
            "containerd://two",
            &json!({"running": {}}),
            &ended("containerd://one"),
        )
    };
    server
        .on(
            LOG,
            Answer::Stream(vec![text(&["9Z of another\n"]), Step::Hang]),
        )
        .on(POD, replaced())
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n"])]))
        .on(POD, replaced());
    assert_eq!(lines(&server).await, ["one"]);
    assert!(server.calls(LOG)[1].query.contains("previous=true"));
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn while_it_waits_for_its_next_start_the_last_instance_is_the_present_one() {
    let server = Server::default();
    let waiting = || {
        let state = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        status("containerd://one", &state, &ended("containerd://one"))
    };
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n"])]))
        .on(POD, waiting());
    assert_eq!(lines(&server).await, ["one"]);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn logs_of_instances_and_pods_that_are_gone_end() {
    let server = Server::default();
    let later = status(
        "containerd://three",
        &json!({"running": {}}),
        &ended("containerd://two"),
    );
    server
        .on(LOG, Answer::Stream(vec![text(&["9Z of another\n"])]))
        .on(POD, later);
    assert_eq!(
        lines(&server).await,
        ["lost: its log has made room for a later one"]
    );
    server.finish();

    let server = Server::default();
    server.on(LOG, refused(404, "NotFound", "pods \"web\" not found"));
    assert_eq!(lines(&server).await, ["lost: its pod is gone"]);

    let server = Server::default();
    let words = "unable to retrieve container logs for containerd://one";
    server
        .on(LOG, Answer::Stream(vec![Step::Text(words.to_owned())]))
        .on(POD, over());
    assert_eq!(lines(&server).await, ["lost: the node has removed its log"]);
}

#[tokio::test(start_paused = true)]
async fn that_logs_may_not_be_read_is_told_once() {
    let server = Server::default();
    let denied = || {
        refused(
            403,
            "Forbidden",
            "pods \"web\" is forbidden: User \"ci\" cannot get pods/log",
        )
    };
    server.on(LOG, denied()).on(LOG, denied());
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    for _ in 0..2 {
        let (_life, told) = watch::channel(Life::Runs);
        let parts = cluster.log(target(told)).collect::<Vec<_>>().await;
        assert_eq!(parts, [LogPart::Lost("its log may not be read".to_owned())]);
    }
    let text = "interrupted logs of pods in namespace `shop`: forbidden: \
        pods \"web\" is forbidden: User \"ci\" cannot get pods/log";
    assert_eq!(told.now(), [text]);
}
