//! Ten runs at once, from ten processes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::ListParams;

use stackctl_sandbox::Sandbox;

use crate::support::{
    Cluster, Stack, deployment, eventually, heal, kill_component, moment, own_sandbox, sandbox,
    stackctl_on,
};

const RUNS: usize = 10;

/// Two releases that take a moment to come up.
fn stack(sandbox: &'static Sandbox, name: &str) -> Stack {
    let slowly = moment(2);
    let chart = |name: &str| {
        let env =
            "          env: [{name: WORD, value: \"{{ .Values.word }}\"}]\n          command:";
        deployment(name, &slowly).replace("          command:", env)
    };
    Stack::on(sandbox, name)
        .release("api", &chart("api"), "set: {word: \"${WORD}\"}")
        .release(
            "web",
            &chart("web"),
            "needs: [api], set: {word: \"${WORD}\"}",
        )
}

fn start(stack: &Stack, profile: &Path, word: &str) -> Child {
    let profile = profile.to_str().expect("a path in UTF-8");
    let args = [
        "up",
        "--profile",
        profile,
        "--lock-wait",
        "10m",
        "-o",
        "json",
        "--progress",
        "quiet",
    ];
    let mut command = stackctl_on(stack.sandbox(), &args);
    command
        .env("WORD", word)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().expect("stackctl starts")
}

/// The revisions that helm has made of each release, and those that are not the last and not
/// superseded.
fn revisions(stack: &Stack) -> BTreeMap<String, Vec<String>> {
    Cluster::of(stack.sandbox()).block_on(async |client| {
        let secrets: Api<Secret> = Api::namespaced(client, stack.namespace());
        let of_helm = ListParams::default().labels("owner=helm");
        let mut revisions: BTreeMap<String, Vec<(u32, String)>> = BTreeMap::new();
        for secret in secrets.list(&of_helm).await.expect("a list") {
            let labels = secret.metadata.labels.unwrap_or_default();
            let revision = labels["version"].parse().expect("a number");
            let entry = revisions.entry(labels["name"].clone()).or_default();
            entry.push((revision, labels["status"].clone()));
        }
        let sorted = revisions.into_iter().map(|(name, mut all)| {
            all.sort();
            (name, all.into_iter().map(|(_, status)| status).collect())
        });
        sorted.collect()
    })
}

/// How many releases each run had helm work on.
fn worked(runs: Vec<Child>) -> Vec<usize> {
    let mut worked = Vec::new();
    for run in runs {
        let output = run.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}\n{said}", output.status);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let releases = report["releases"].as_array().expect("releases");
        worked.push(
            releases
                .iter()
                .filter(|it| it["unchanged"] == false)
                .count(),
        );
    }
    worked.sort_unstable();
    worked
}

/// Kills the API server once helm is through with this revision of `api`, whose pods are yet to come
/// up, and brings it back.
fn restart_api_server(stack: &Stack, revision: usize) {
    let sandbox = stack.sandbox();
    eventually("helm is through", Duration::from_secs(300), || {
        let statuses = revisions(stack).remove("api")?;
        (statuses.len() == revision && statuses[revision - 1] == "deployed").then_some(())
    });
    kill_component(sandbox, "kube-apiserver");
    heal(sandbox);
}

/// Ten that want the same: one works, and nine have nothing to do.
fn same(stack: &Stack, meanwhile: impl FnOnce()) {
    let profile = stack.profile();
    let runs = (0..RUNS).map(|_| start(stack, &profile, "one")).collect();
    meanwhile();
    let mut expected = vec![0; RUNS - 1];
    expected.push(2);
    assert_eq!(worked(runs), expected);
    let deployed = || vec!["deployed".to_owned()];
    let wanted = [
        ("api".to_owned(), deployed()),
        ("web".to_owned(), deployed()),
    ];
    assert_eq!(revisions(stack), BTreeMap::from(wanted));
}

/// Ten with values of their own: one after another.
fn own(stack: &Stack, meanwhile: impl FnOnce()) {
    let words: Vec<String> = (0..RUNS).map(|at| format!("word-{at}")).collect();
    let profile = stack.profile();
    let runs = words.iter().map(|word| start(stack, &profile, word));
    let runs = runs.collect();
    meanwhile();
    assert_eq!(worked(runs), vec![2; RUNS]);
    for (name, statuses) in revisions(stack) {
        let (last, before) = statuses.split_last().expect("revisions");
        assert_eq!(
            (before.len(), last.as_str()),
            (RUNS - 1, "deployed"),
            "{name}"
        );
        assert!(
            before.iter().all(|it| it == "superseded"),
            "{name}: {before:?}"
        );
    }
}

#[test]
fn of_ten_that_want_the_same_one_works_and_nine_have_nothing_to_do() {
    same(&stack(sandbox(), "many-same"), || {});
}

#[test]
fn ten_with_values_of_their_own_come_one_after_another() {
    own(&stack(sandbox(), "many-own"), || {});
}

#[test]
fn an_api_server_that_restarts_changes_neither() {
    let (_turn, sandbox) = own_sandbox();
    let stack_of_same = stack(sandbox, "many-same");
    same(&stack_of_same, || restart_api_server(&stack_of_same, 1));
    let stack_of_own = stack(sandbox, "many-own");
    own(&stack_of_own, || restart_api_server(&stack_of_own, 4));
}
