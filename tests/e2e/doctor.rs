//! Whether an `up` could work here.

use std::io::Write;

use crate::support::{Ended, Stack, deployment, sandbox, stackctl};

const CLAIM: &str = "apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: gold, resources: {requests: {storage: 1Mi}}}
";

fn profile(stack: &Stack) -> String {
    let profile = stack.profile();
    profile.to_str().expect("a path in UTF-8").to_owned()
}

#[test]
fn a_good_place_has_nothing_in_the_way() {
    let stack = Stack::new("doctor-good").release("web", &deployment("web", ""), "");
    let told = Ended::of(&["doctor", "--profile", &profile(&stack)]).expect_code(0);
    for good in ["helm", "cluster", "namespace", "rights"] {
        let mut lines = told.stdout.lines();
        let is_good = lines.any(|line| {
            line.starts_with(&format!("+ {good}")) || line.starts_with(&format!("✔ {good}"))
        });
        assert!(is_good, "{good}\n{}", told.stdout);
    }
    assert!(
        told.stdout.contains("nothing stands in the way"),
        "{}",
        told.stdout
    );
}

/// All that is wrong is told at once.
#[test]
fn what_would_stop_an_up_is_told_with_what_helps() {
    let chart = format!("{}---\n{CLAIM}", deployment("web", ""));
    let stack = Stack::new("doctor-bad").release("web", &chart, "");
    let config = std::fs::read_to_string(sandbox().kubeconfig()).expect("a kubeconfig");
    let mut config: serde_json::Value = serde_saphyr::from_str(&config).expect("YAML");
    config["users"][0]["user"]["as"] = "stranger".into();
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(config.to_string().as_bytes())
        .expect("written");
    let mut command = stackctl(&["doctor", "-o", "json", "--profile", &profile(&stack)]);
    let output = command
        .env("KUBECONFIG", file.path())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let checks: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let says: Vec<String> = checks
        .as_array()
        .expect("checks")
        .iter()
        .map(|it| {
            format!(
                "{}: {}",
                it["state"].as_str().unwrap_or_default(),
                it["says"].as_str().unwrap_or_default()
            )
        })
        .collect();
    let all = says.join("\n");
    for wanted in [
        "problem: may not create, delete, get and patch `deployments.apps` in namespace `doctor-bad` (helm, for deployment/web)",
        "warning: may not list and watch `events` in namespace `doctor-bad` (stackctl): causes that only events tell stay unnamed",
        "problem: may not create, delete, get, list, patch, update and watch `secrets` in namespace `doctor-bad` (stackctl)",
    ] {
        assert!(all.contains(wanted), "{wanted}\n{all}");
    }

    // With all rights, what is left is the storage class.
    let told = Ended::of(&["doctor", "--profile", &profile(&stack)]).expect_code(4);
    assert!(
        told.stdout.contains("there is no storage class `gold`"),
        "{}",
        told.stdout
    );
}
