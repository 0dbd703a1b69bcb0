//! Ten runs at once, from ten processes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::ListParams;

use crate::support::{Cluster, Stack, deployment, sandbox, stackctl};

const RUNS: usize = 10;

fn stack(name: &str) -> Stack {
    let chart = |name: &str| {
        let env =
            "          env: [{name: WORD, value: \"{{ .Values.word }}\"}]\n          command:";
        deployment(name, "").replace("          command:", env)
    };
    Stack::new(name)
        .release("api", &chart("api"), "set: {word: \"${WORD}\"}")
        .release(
            "web",
            &chart("web"),
            "needs: [api], set: {word: \"${WORD}\"}",
        )
}

fn start(profile: &Path, word: &str) -> Child {
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
    let mut command = stackctl(&args);
    command
        .env("WORD", word)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().expect("stackctl starts")
}

/// The revisions that helm has made of each release, and those that are not the last and not
/// superseded.
fn revisions(namespace: &str) -> BTreeMap<String, Vec<String>> {
    Cluster::of(sandbox()).block_on(async |client| {
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
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

#[test]
fn of_ten_that_want_the_same_one_works_and_nine_have_nothing_to_do() {
    let stack = stack("many-same");
    let profile = stack.profile();
    let runs = (0..RUNS).map(|_| start(&profile, "one")).collect();
    let mut expected = vec![0; RUNS - 1];
    expected.push(2);
    assert_eq!(worked(runs), expected);
    let deployed = || vec!["deployed".to_owned()];
    let wanted = [
        ("api".to_owned(), deployed()),
        ("web".to_owned(), deployed()),
    ];
    assert_eq!(revisions(stack.namespace()), BTreeMap::from(wanted));
}

#[test]
fn ten_with_values_of_their_own_come_one_after_another() {
    let stack = stack("many-own");
    let words: Vec<String> = (0..RUNS).map(|at| format!("word-{at}")).collect();
    let profile = stack.profile();
    let runs = words.iter().map(|word| start(&profile, word)).collect();
    assert_eq!(worked(runs), vec![2; RUNS]);
    for (name, statuses) in revisions(stack.namespace()) {
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
