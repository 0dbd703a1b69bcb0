use std::time::Duration;

use futures::StreamExt;
use serde_json::json;

use super::logs::{LOG, POD, ended, over, running, status, text};
use super::server::{Answer, Server, Step, refused};
use crate::cluster::convert;
use crate::cluster::{LogInstance, LogLine, LogRequest};
use crate::runner::ports::ObserveError;
use crate::snapshot::Snapshot;

fn request() -> LogRequest {
    LogRequest {
        namespace: "shop".parse().unwrap(),
        pod: "web".to_owned(),
        container: "migrate".to_owned(),
        instance: Some("containerd://one".to_owned()),
        previous: false,
        follow: true,
        tail_lines: Some(20),
        since: Some(Duration::from_secs(60)),
    }
}

async fn tailed(server: &Server, request: LogRequest) -> Vec<String> {
    let cluster = server.cluster();
    let line = |line: Result<LogLine, ObserveError>| match line {
        Ok(line) => format!("{} {}", line.at, line.text),
        Err(error) => error.to_string(),
    };
    let lines = cluster.tail(request).map(line).collect();
    tokio::time::timeout(Duration::from_secs(3600), lines)
        .await
        .unwrap()
}

fn replaced() -> Answer {
    status(
        "containerd://two",
        &json!({"running": {}}),
        &ended("containerd://one"),
    )
}

#[tokio::test(start_paused = true)]
async fn a_tail_goes_on_after_a_break() {
    let server = Server::default();
    server
        .on(
            LOG,
            Answer::Stream(vec![text(&["0Z one\n", "1Z tw"]), Step::Break]),
        )
        .on(POD, running())
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z two\n"])]))
        .on(POD, running())
        .on(POD, over())
        .on(LOG, Answer::Stream(vec![text(&["1Z two\n", "2Z three"])]))
        .on(POD, over());
    assert_eq!(
        tailed(&server, request()).await,
        [
            "2026-10-01T12:00:00Z one",
            "2026-10-01T12:00:01Z two",
            "2026-10-01T12:00:02Z three"
        ]
    );
    let calls = server.calls(LOG);
    for part in ["tailLines=20", "sinceSeconds=60", "follow=true"] {
        assert!(calls[0].query.contains(part), "{}", calls[0].query);
    }
    for part in ["tailLines", "sinceSeconds"] {
        assert!(!calls[1].query.contains(part), "{}", calls[1].query);
    }
    // It has ended: what may have been cut off its end is read once, and not waited for.
    assert!(
        !calls[2].query.contains("follow=true"),
        "{}",
        calls[2].query
    );
    server.finish();
}

/// A load balancer, say, ends what has been open for long.
#[tokio::test(start_paused = true)]
async fn a_tail_that_is_cut_in_peace_goes_on() {
    let server = Server::default();
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z tw"])]))
        .on(POD, running())
        .on(POD, running())
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z two\n"])]))
        .on(POD, running())
        .on(POD, over())
        .on(LOG, Answer::Stream(vec![text(&["1Z two\n"])]))
        .on(POD, over());
    let lines = tailed(&server, request()).await;
    assert_eq!(
        lines,
        ["2026-10-01T12:00:00Z one", "2026-10-01T12:00:01Z two"]
    );
    server.finish();
}

/// The next instance has a run of its own, which is followed by itself.
#[tokio::test(start_paused = true)]
async fn a_tail_of_an_instance_that_was_replaced_ends_with_its_own_lines() {
    let server = Server::default();
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n"]), Step::Break]))
        .on(POD, running())
        .on(
            LOG,
            Answer::Stream(vec![text(&["5Z of the next\n"]), Step::Hang]),
        )
        .on(POD, replaced())
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z two\n"])]))
        .on(POD, replaced());
    let lines = tailed(&server, request()).await;
    assert_eq!(
        lines,
        ["2026-10-01T12:00:00Z one", "2026-10-01T12:00:01Z two"]
    );
    assert!(server.calls(LOG)[2].query.contains("previous=true"));
    server.finish();
}

/// Lines of the last second that were older than the last twenty come again, and were not wanted.
#[tokio::test(start_paused = true)]
async fn what_was_left_out_at_first_does_not_come_after_a_break() {
    let server = Server::default();
    server
        .on(
            LOG,
            Answer::Stream(vec![text(&["0.5Z two\n"]), Step::Break]),
        )
        .on(POD, running())
        .on(
            LOG,
            Answer::Stream(vec![text(&["0.1Z one\n", "0.5Z two\n", "0.7Z three\n"])]),
        )
        .on(POD, running())
        .on(
            POD,
            Answer::Json(
                404,
                json!({"code": 404, "status": "Failure", "message": "", "reason": "NotFound"}),
            ),
        );
    let lines = tailed(&server, request()).await;
    assert_eq!(
        lines,
        ["2026-10-01T12:00:00.5Z two", "2026-10-01T12:00:00.7Z three"]
    );
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_once_and_followed_logs_go_on_after_it() {
    let server = Server::default();
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n"]), Step::Break]))
        .on(POD, running());
    for _ in 0..20 {
        server.on(LOG, refused(502, "", "dial tcp: node is away"));
    }
    server
        .on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z two\n"])]))
        .on(POD, running())
        .on(POD, over())
        .on(LOG, Answer::Stream(vec![text(&["1Z two\n"])]))
        .on(POD, over());
    let lines = tailed(&server, request()).await;
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[1].contains("node is away"), "{lines:?}");
    assert_eq!(lines[2], "2026-10-01T12:00:01Z two");
    server.finish();

    let server = Server::default();
    server.on(LOG, refused(502, "", "dial tcp: node is away"));
    let once = LogRequest {
        follow: false,
        ..request()
    };
    let lines = tailed(&server, once).await;
    assert!(lines[0].contains("node is away"), "{lines:?}");
    assert_eq!(lines.len(), 1);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_tail_of_whichever_instance_there_is_asks_no_pod() {
    let server = Server::default();
    server.on(LOG, Answer::Stream(vec![text(&["0Z one\n", "1Z two"])]));
    let any = LogRequest {
        instance: None,
        follow: false,
        ..request()
    };
    assert_eq!(tailed(&server, any).await.len(), 2);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn the_runs_of_a_container_are_told_apart() {
    let all = |answer: Answer| -> Vec<String> {
        let Answer::Json(_, pod) = answer else {
            unreachable!()
        };
        let Some(Snapshot::Pod(pod)) = convert::from_json(pod) else {
            panic!("no pod");
        };
        let instance = |run: LogInstance| {
            let previous = if run.previous { " previous" } else { "" };
            let over = if run.over { " over" } else { "" };
            format!("{}{previous}{over}", run.id)
        };
        let status = pod.status_of("migrate").unwrap();
        LogInstance::all(status).into_iter().map(instance).collect()
    };
    assert_eq!(all(running()), ["containerd://one"]);
    assert_eq!(all(over()), ["containerd://one over"]);
    assert_eq!(
        all(replaced()),
        ["containerd://one previous over", "containerd://two"]
    );
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    assert_eq!(
        all(status(
            "containerd://one",
            &waiting,
            &ended("containerd://one")
        )),
        ["containerd://one over"]
    );
    assert_eq!(all(status("", &waiting, &json!({}))), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_tail_says_why_there_is_none() {
    let server = Server::default();
    let message = "container \"migrate\" in pod \"web\" is waiting to start: PodInitializing";
    server.on(LOG, refused(400, "BadRequest", message));
    let answers: Vec<_> = server.cluster().tail(request()).collect().await;
    let text = format!(
        "reading the log of container `migrate` of pod `web` in `shop`: {message} (BadRequest)"
    );
    assert_eq!(answers, [Err(ObserveError::Unexpected(text))]);
}
