use crate::api::{
    Api, CONFIG_MAPS, CRON_JOBS, DEPLOYMENTS, PODS, TOPICS, deployment, done, pod, running,
    shop as shop_api, shop_of_silent_objects, shop_with, silent, waiting,
};
use crate::folder::{Folder, Running, assert_not_asked};

#[test]
fn a_cluster_that_does_not_answer() {
    insta::assert_snapshot!(Folder::shop().run(&["status"]), @r"
    stderr:
    error: connecting to 127.0.0.1:1 (context `staging`): Connection refused (os error 111)
    hint: is the cluster running, and reachable from here (VPN, proxy, firewall)?
    hint: choose another with `--kube-context`
    exit code 4
    ");
}

#[test]
fn neither_profile_nor_helm_is_needed_to_ask_the_cluster() {
    let ran = Folder::empty().cluster("127.0.0.1:1").run(&["status"]);
    assert!(ran.stderr.contains("connecting to 127.0.0.1:1"), "{ran}");
}

#[test]
fn a_profile_that_is_wrong_is_told_before_the_cluster_is_asked() {
    let (folder, cluster) = Folder::shop_of_a_cluster();
    insta::assert_snapshot!(folder.run(&["status", "--profile", "shup"]), @r"
    stderr:
    error: there is no profile `shup`
    hint: did you mean `shop`?
    exit code 3
    ");
    let folder = folder.variable("STACKCTL_PROFILE", "shup");
    insta::assert_snapshot!(folder.run(&["status"]), @r"
    stderr:
    error: there is no profile `shup`
    hint: did you mean `shop`?
    hint: the name is from `$STACKCTL_PROFILE`
    exit code 3
    ");
    assert_not_asked(&cluster);
}

/// All releases would be missing: what is looked at is not where helm keeps its records.
#[test]
fn records_that_are_kept_elsewhere() {
    let folder = Folder::shop().variable("HELM_DRIVER", "sql");
    insta::assert_snapshot!(folder.run(&["status"]), @r"
    stderr:
    error: `HELM_DRIVER` is `sql`, and stackctl reads releases from Secrets only
    hint: unset `HELM_DRIVER`, unless releases are kept there already
    exit code 4
    ");
}

#[test]
fn a_form_that_there_is_not() {
    insta::assert_snapshot!(Folder::shop().run(&["status", "-o", "xml"]), @r"
    stderr:
    error: invalid value 'xml' for '--output <FORMAT>'
      [possible values: text, json, yaml]

      tip: a similar value exists: 'yaml'

    For more information, try '--help'.
    exit code 2
    ");
}

fn shop(api: &Api) -> Folder {
    Folder::shop().cluster(api.address())
}

/// Ages depend on the day.
fn without_ages(text: &str) -> String {
    // From 2001: the years have two digits for long.
    let age = |word: &str| {
        let years = word.strip_suffix('y');
        years.is_some_and(|years| years.parse::<u32>().is_ok())
    };
    let line = |line: &str| {
        let words = line
            .split(' ')
            .map(|word| if age(word) { "AGE" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn trouble_is_told_with_its_proof() {
    let api = shop_api();
    let ran = shop(&api).run(&["status"]);
    insta::assert_snapshot!(without_ages(&ran.to_string()));
}

#[test]
fn data_carries_the_whole_verdict() {
    let api = shop_api();
    let ran = shop(&api).run(&["status", "web", "-o", "json"]);
    insta::assert_snapshot!(ran);
    let yaml = shop(&api).run(&["status", "web", "-o", "yaml"]);
    let data: serde_json::Value = serde_saphyr::from_str(&yaml.stdout).unwrap();
    assert_eq!(
        data,
        serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap()
    );
}

#[test]
fn the_exit_code_tells_how_the_releases_stand_where_that_is_wanted() {
    let api = shop_api();
    let code = |args: &[&str]| shop(&api).run(&[&["status"], args].concat()).code;
    assert_eq!(code(&[]), Some(0));
    assert_eq!(code(&["--exit-code"]), Some(5));
    assert_eq!(code(&["web", "--exit-code", "-o", "json"]), Some(5));
    assert_eq!(code(&["api", "--exit-code"]), Some(0));
    assert_eq!(code(&["api", "mail", "--exit-code"]), Some(6));
    let empty = Api::start();
    let folder = Folder::empty().cluster(empty.address());
    insta::assert_snapshot!(folder.run(&["status", "--exit-code"]), @r"
    stdout:
    no stack is recorded in context `staging`
    exit code 6
    ");
}

#[test]
fn what_has_gone_without_a_word_is_told() {
    let api = shop_of_silent_objects();
    api.list(CRON_JOBS, "", [silent("nightly")]);
    let ran = shop(&api).run(&["status", "api", "--exit-code"]);
    insta::assert_snapshot!(without_ages(&ran.to_string()));
    let ran = shop(&api).run(&["status", "api", "--exit-code", "-o", "json"]);
    assert_eq!(ran.code, Some(6), "{ran}");
    let data: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let row = &data["stacks"][0]["releases"][0];
    assert_eq!(row["state"], "progressing", "{ran}");
    let reason =
        "configmap/settings and topic/main are not in the cluster; `stackctl up` puts them back";
    assert_eq!(row["reason"], reason, "{ran}");
    api.list(CONFIG_MAPS, "", [silent("settings")])
        .list(TOPICS, "", [silent("main")]);
    let ran = shop(&api).run(&["status", "api", "--exit-code"]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)), "{ran}");
}

/// `up` takes it to be there, and so does `status`, which says so.
#[test]
fn what_may_not_be_looked_for_is_not_gone() {
    let api = shop_of_silent_objects();
    api.list(CRON_JOBS, "", [silent("nightly")])
        .list(TOPICS, "", [silent("main")])
        .deny(CONFIG_MAPS, "");
    let ran = shop(&api).run(&["status", "api", "--exit-code"]);
    insta::assert_snapshot!(without_ages(&ran.to_string()));
}

/// helm reads it otherwise than we do.
#[test]
fn a_document_that_can_not_be_read_is_told() {
    let more = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {b: \"it\\'s\"}\n";
    let api = shop_with(more);
    let ran = shop(&api).run(&["status", "api", "--exit-code"]);
    insta::assert_snapshot!(without_ages(&ran.to_string()));
}

/// That the API server does not say is no answer.
#[test]
fn what_was_not_answered_is_not_known() {
    let api = shop_of_silent_objects();
    api.object(CRON_JOBS, serde_json::json!("of no use"));
    let ran = shop(&api).run(&["status", "api", "--exit-code"]);
    assert_eq!(ran.code, Some(4), "{ran}");
    let says =
        "warning: whether all that `api` has made is there is not known: listing cronjobs.batch";
    assert!(ran.stderr.contains(says), "{ran}");
    assert!(ran.stdout.contains("unknown"), "{ran}");
}

#[test]
fn what_may_not_be_read_is_told() {
    let api = shop_api();
    api.deny(
        "/api/v1/namespaces/shop/secrets/sh.helm.release.v1.api.v1",
        "",
    )
    .deny("/apis/apps/v1/namespaces/shop/replicasets", "")
    .deny("/api/v1/namespaces/shop/pods/web-7d9f-x2x/log", "");
    let folder = shop(&api);
    let ran = folder.run(&["status"]);
    insta::assert_snapshot!(without_ages(&ran.to_string()));
    let ran = folder.run(&["status", "api", "mail", "--exit-code", "-o", "json"]);
    assert_eq!(ran.code, Some(4), "{ran}");
    let data: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        data["stacks"][0]["releases"][0]["state"], "unknown",
        "{ran}"
    );
    assert_eq!(data["unseen"].as_array().unwrap().len(), 2, "{ran}");
}

#[test]
fn credentials_for_one_namespace_alone_are_told() {
    let api = shop_api();
    api.deny("/api/v1/secrets", "");
    let folder = shop(&api);
    let ran = folder.run(&["status", "api", "-n", "shop"]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)), "{ran}");
    // The context names no namespace: `default` is looked in.
    insta::assert_snapshot!(folder.run(&["status"]), @r#"
    stdout:
    no stack is recorded in context `staging`
    stderr:
    warning: stacks in other namespaces than `default` are not seen: listing the records of releases in all namespaces: User "ci" cannot read /api/v1/secrets (Forbidden)
    exit code 0
    "#);
}

#[test]
fn a_watch_tells_every_change_on_a_line() {
    let api = shop_api();
    let folder = shop(&api);
    let mut watch = Running::of(&folder, &["status", "--watch"]);
    // Without the time since the start.
    let text = |line: String| line.trim_start().split_once("  ").unwrap().1.to_owned();
    let first: Vec<String> = (0..3).map(|_| text(watch.line())).collect();
    insta::assert_snapshot!(first.join("\n"), @r#"
    api   ready 1/1
    web   failed 0/1: init container `migrate` of pod web-7d9f-x2x failed 5 times, last with exit code 3
    mail  missing
    "#);
    let mut through = done();
    through["restartCount"] = serde_json::json!(5);
    let healed = pod("web", "3", &through, &running("web-main"));
    api.modify(PODS, &healed)
        .modify(DEPLOYMENTS, &deployment("web", 1));
    let told = watch.line_with("web   ready");
    assert!(told.ends_with("web   ready 1/1"), "{told}");
    assert_eq!(watch.interrupted(), Some(130));
    let asked = api.asked();
    let lists = asked
        .iter()
        .filter(|call| call.starts_with(&format!("{PODS}?")));
    let polls = lists.filter(|call| !call.contains("watch=true")).count();
    assert_eq!(polls, 1, "{asked:#?}");
}

/// But for what no watch shows: it is asked for at the beginning, and then now and then.
#[test]
fn a_watch_asks_for_what_it_can_not_see() {
    let api = shop_of_silent_objects();
    let folder = shop(&api);
    let mut watch = Running::of(&folder, &["status", "api", "--watch"]);
    let told = watch.line_with("api  progressing");
    assert!(told.contains("cronjob/nightly"), "{told}");
    let restarted = pod("api", "3", &done(), &waiting());
    let mut unready = deployment("api", 0);
    unready["metadata"]["resourceVersion"] = serde_json::json!("9");
    api.modify(PODS, &restarted).modify(DEPLOYMENTS, &unready);
    watch.line_with("0/1");
    assert_eq!(watch.interrupted(), Some(130));
    let asked = api.asked();
    let lists = asked.iter().filter(|call| call.starts_with(CONFIG_MAPS));
    assert_eq!(lists.count(), 1, "{asked:#?}");
}

#[test]
fn a_watch_for_programs_is_an_object_a_line() {
    let api = shop_api();
    let folder = shop(&api);
    let mut watch = Running::of(&folder, &["status", "web", "--watch", "-o", "json"]);
    let line: serde_json::Value = serde_json::from_str(&watch.line()).unwrap();
    assert_eq!(line["stack"], "shop");
    assert_eq!(line["release"]["release"], "web");
    assert_eq!(line["release"]["verdict"]["class"], "likely");
    assert_eq!(watch.interrupted(), Some(130));
    let ran = folder.run(&["status", "--watch", "-o", "yaml"]);
    insta::assert_snapshot!(ran, @r#"
    stderr:
    error: `--watch` writes text or JSON, a line for each change
    hint: use `-o json`
    exit code 2
    "#);
    let ran = folder.run(&["status", "--watch", "--exit-code"]);
    assert_eq!(ran.code, Some(2), "{ran}");
}

#[test]
fn there_is_nothing_to_watch_where_no_stack_is() {
    let api = Api::start();
    let folder = Folder::empty().cluster(api.address());
    insta::assert_snapshot!(folder.run(&["status", "--watch"]), @r#"
    stderr:
    error: no stack is recorded in context `staging`
    hint: a stack that is yet to come is named with `--profile NAME`
    exit code 2
    "#);
}
