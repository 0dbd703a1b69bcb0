use crate::api::{
    Api, DEPLOYMENTS, PODS, deployment, done, pod, record, replica_set, running, shop as shop_api,
    stack,
};
use crate::folder::{Folder, Running, assert_not_asked};

#[test]
fn a_cluster_that_does_not_answer() {
    insta::assert_snapshot!(Folder::shop().run(&["logs", "--init", "-f"]), @r"
    stderr:
    error: connecting to 127.0.0.1:1 (context `staging`): Connection refused (os error 111)
    hint: is the cluster running, and reachable from here (VPN, proxy, firewall)?
    hint: choose another with `--kube-context`
    exit code 4
    ");
}

#[test]
fn what_is_wrong_on_the_command_line_is_told_before_the_cluster_is_asked() {
    let (folder, cluster) = Folder::shop_of_a_cluster();
    insta::assert_snapshot!(folder.run(&["logs", "-c", "web["]), @r"
    stderr:
    error: `web[` is not a regular expression: unclosed character class
    exit code 2
    ");
    insta::assert_snapshot!(folder.run(&["logs", "--follow", "--previous"]), @r"
    stderr:
    error: the argument '--follow' cannot be used with '--previous'

    Usage: stackctl logs --follow [RELEASE]...

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(folder.run(&["logs", "--tail", "-1"]), @r"
    stderr:
    error: unexpected argument '-1' found

      tip: to pass '-1' as a value, use '-- -1'

    Usage: stackctl logs [OPTIONS] [RELEASE]...

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(folder.run(&["logs", "-o", "yaml"]), @r"
    stderr:
    error: invalid value 'yaml' for '--output <FORMAT>'
      [possible values: text, json]

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(folder.run(&["logs", "-p", "shup"]), @r"
    stderr:
    error: there is no profile `shup`
    hint: did you mean `shop`?
    exit code 3
    ");
    assert_not_asked(&cluster);
}

#[test]
fn records_that_are_kept_elsewhere() {
    let ran = Folder::shop().variable("HELM_DRIVER", "sql").run(&["logs"]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("`HELM_DRIVER` is `sql`"), "{ran}");
}

#[test]
fn of_init_containers_those_that_are_done_too() {
    let api = shop_api();
    let folder = Folder::empty().cluster(api.address());
    insta::assert_snapshot!(folder.run(&["logs", "--init"]), @r#"
    stdout:
    api api-7d9f-x2x migrate | up to date
    web web-7d9f-x2x migrate | connecting
    web web-7d9f-x2x migrate | relation "orders" does not exist
    exit code 0
    "#);
    insta::assert_snapshot!(folder.run(&["logs", "api", "--timestamps"]), @r#"
    stdout:
    api api-7d9f-x2x migrate | 2026-10-01T12:00:01.000000000Z up to date
    api api-7d9f-x2x main | 2026-10-01T12:00:03.000000000Z listening
    exit code 0
    "#);
    insta::assert_snapshot!(folder.run(&["logs", "web", "-o", "json"]), @r#"
    stdout:
    {"release":"web","namespace":"shop","pod":"web-7d9f-x2x","container":"migrate","role":"init","at":"2026-10-01T12:00:00.5Z","line":"connecting"}
    {"release":"web","namespace":"shop","pod":"web-7d9f-x2x","container":"migrate","role":"init","at":"2026-10-01T12:00:00.7Z","line":"\u001b[31mrelation \"orders\" does not exist\u001b[0m"}
    exit code 0
    "#);
}

#[test]
fn which_part_is_wanted_is_asked_of_the_cluster() {
    let api = shop_api();
    let folder = Folder::empty().cluster(api.address());
    let ran = folder.run(&[
        "logs", "api", "-c", "^main$", "--since", "90s", "--tail", "7",
    ]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let asked = api.asked();
    let logs: Vec<&String> = asked.iter().filter(|call| call.contains("/log?")).collect();
    assert_eq!(logs.len(), 1, "{logs:?}");
    for part in [
        "container=main",
        "sinceSeconds=90",
        "tailLines=7",
        "timestamps=true",
    ] {
        assert!(logs[0].contains(part), "{logs:?}");
    }
    assert!(!logs[0].contains("follow=true"), "{logs:?}");
}

/// A container that waits for its next start has crashed just now: that run is meant.
#[test]
fn of_a_crashed_container_what_it_said_before_its_restart() {
    let api = shop_api();
    let folder = Folder::empty().cluster(api.address());
    let ran = folder.run(&["logs", "--previous"]);
    let ends: Vec<&str> = ran
        .stdout
        .lines()
        .filter_map(|l| l.split('|').nth(1))
        .collect();
    assert_eq!(
        ends,
        [" connecting", " relation \"orders\" does not exist"],
        "{ran}"
    );
}

#[test]
fn long_lines_pass_in_full_and_nothing_moves_the_cursor() {
    let api = shop_api();
    let long = "x".repeat(100_000);
    let wild = format!("2026-10-01T12:00:09Z \u{1b}[2J{long}\u{9b}31m\u{7}");
    api.say("api-7d9f-x2x", "main", &wild);
    let folder = Folder::empty().cluster(api.address());
    let ran = folder.run(&["logs", "api", "-c", "main"]);
    assert!(
        ran.stdout.ends_with(&format!("| {long}\n")),
        "{}",
        ran.stdout.len()
    );
    let ran = folder.run(&[
        "logs", "api", "-c", "main", "-o", "json", "--color", "always",
    ]);
    let moves = |c: char| c.is_control() && c != '\n';
    assert!(!ran.stdout.contains(moves));
    let last: serde_json::Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["line"], format!("\u{1b}[2J{long}\u{9b}31m\u{7}"));
}

#[test]
fn no_stack_and_no_log_are_told() {
    let empty = Api::start();
    let folder = Folder::empty().cluster(empty.address());
    insta::assert_snapshot!(folder.run(&["logs", "-f"]), @r#"
    stderr:
    error: no stack is recorded in context `staging`
    hint: a stack that is yet to come is named with `--profile NAME`
    exit code 2
    "#);
    assert_eq!(
        folder.run(&["logs"]).to_string(),
        folder.run(&["logs", "-f"]).to_string()
    );
    let api = shop_api();
    let folder = Folder::empty().cluster(api.address());
    insta::assert_snapshot!(folder.run(&["logs", "mail"]), @r#"
    stderr:
    no container of these releases has such a log
    exit code 0
    "#);
    insta::assert_snapshot!(folder.run(&["logs", "--hooks"]), @r#"
    stderr:
    no container of these releases has such a log
    exit code 0
    "#);
}

#[test]
fn what_is_followed_at_once_is_bounded() {
    let api = Api::start();
    let names = ["a", "b", "c"];
    let pods = names.map(|name| pod(name, "2", &done(), &running(name)));
    let records = names.map(|name| record(name, "deployed"));
    for (_, path, secret) in &records {
        api.object(path, secret.clone());
    }
    api.list("/api/v1/secrets", "managed-by", [stack(&names)])
        .list(
            "/api/v1/namespaces/shop/secrets",
            "helm",
            records.map(|(meta, ..)| meta),
        )
        .list(DEPLOYMENTS, "", names.map(|name| deployment(name, 1)))
        .list(
            "/apis/apps/v1/namespaces/shop/replicasets",
            "",
            names.map(replica_set),
        )
        .list(PODS, "", pods.clone());
    let folder = Folder::empty().cluster(api.address());
    insta::assert_snapshot!(folder.run(&["logs", "-f", "--max-log-requests", "2"]), @r#"
    stderr:
    error: 3 logs would be followed at once, and `--max-log-requests` is 2
    hint: `--max-log-requests 3` opens them all
    hint: or follow fewer: name releases, or use `--init`, `--hooks` or `-c REGEX`
    exit code 2
    "#);
    // What has ended takes no part of it.
    for pod in &pods {
        let name = pod["metadata"]["name"].as_str().unwrap();
        api.object(&format!("{PODS}/{name}"), pod.clone());
        api.say(name, "main", "2026-10-01T12:00:03Z up");
        api.say(name, "migrate", "2026-10-01T12:00:03Z migrated");
    }
    let mut logs = Running::of(&folder, &["logs", "-f", "--max-log-requests", "3"]);
    let mut lines: Vec<String> = (0..6).map(|_| logs.line()).collect();
    lines[3..].sort();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    a a-7d9f-x2x migrate | migrated
    b b-7d9f-x2x migrate | migrated
    c c-7d9f-x2x migrate | migrated
    a a-7d9f-x2x main | up
    b b-7d9f-x2x main | up
    c c-7d9f-x2x main | up
    "#);
    assert_eq!(logs.interrupted(), Some(130));
}

#[test]
fn restarts_join_and_no_line_is_lost_or_doubled() {
    let api = shop_api();
    let folder = Folder::empty().cluster(api.address());
    let mut logs = Running::of(&folder, &["logs", "-f", "web"]);
    assert!(logs.line().ends_with("| connecting"));
    assert!(logs.line().ends_with("does not exist"));
    // The init container is through, and the main one starts.
    let healed = pod("web", "3", &done(), &running("web-main"));
    api.object(&format!("{PODS}/web-7d9f-x2x"), healed.clone())
        .say("web-7d9f-x2x", "main", "2026-10-01T12:00:08Z listening")
        .modify(PODS, &healed);
    assert_eq!(
        logs.line_with(" main "),
        "web web-7d9f-x2x main | listening"
    );
    api.say("web-7d9f-x2x", "main", "2026-10-01T12:00:08Z served one")
        .say("web-7d9f-x2x", "main", "2026-10-01T12:00:09Z served two");
    for said in ["served one", "served two"] {
        let expected = format!("web web-7d9f-x2x main | {said}");
        assert_eq!(logs.line_with(" main "), expected);
    }
    assert_eq!(logs.interrupted(), Some(130));
}

#[test]
fn containers_that_are_yet_to_come_are_waited_for_in_so_many_words() {
    let api = shop_api();
    let folder = Folder::empty().cluster(api.address());
    let mut logs = Running::of(&folder, &["logs", "-f", "mail"]);
    insta::assert_snapshot!(logs.said(), @"no container has such a log yet: waiting for those of stack `shop` in namespace `shop`");
    assert_eq!(logs.interrupted(), Some(130));
}

/// `stackctl logs -f | head -1`.
#[test]
fn a_follower_whose_reader_went_away_ends() {
    let api = shop_api();
    let folder = Folder::empty().cluster(api.address());
    let mut logs = Running::of(&folder, &["logs", "-f", "api"]);
    logs.line();
    logs.line();
    let speaking = api.clone();
    std::thread::spawn(move || {
        for second in 10..60 {
            speaking.say(
                "api-7d9f-x2x",
                "main",
                &format!("2026-10-01T12:00:{second}Z x"),
            );
        }
    });
    assert_eq!(logs.unread(), Some(0));
}
