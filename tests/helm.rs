//! Every way in which helm fails, from its own words: one file a case under `fixtures/helm`.
//!
//! A file begins with comments: the command that made the text, or `from` and where its wording is
//! known from; `status:` where it is not exit code 1. The rest is what helm printed to stderr.

#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml exempts test functions, not what they call"
)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use stackctl::helm::{About, Binary, Helm, Marks, Target, Version, Workspace, refusal};
use stackctl::names::RunId;
use stackctl::plan::{Plan, Selection};
use stackctl::profile;
use stackctl::runner::ports::{Cancel, Deployer, History, Refusal};

#[test]
fn every_failure_is_told() {
    insta::assert_snapshot!(folder("helm"));
}

/// Only the words of a failure depend on it.
#[tokio::test]
async fn a_removal_that_went_well_asks_for_no_version() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    fs::create_dir(folder.path().join("web")).unwrap();
    file(
        "web/Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    );
    let text = "name: shop\nnamespace: shop\nreleases: {web: {chart: ./web}}\n";
    let profile = profile::load(&file("shop.yaml", text), &|_| None).unwrap();
    let plan = Plan::new(&profile, &Selection::All).unwrap();
    let script = "#!/bin/sh\n[ \"$1\" = uninstall ] || { echo too many processes >&2; exit 1; }\n";
    let path = file("helm", script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let helm = Helm {
        binary: Binary::find(Some(&path)).unwrap(),
        target: Target::default(),
        marks: Marks {
            stack: plan.stack.clone(),
            home: plan.namespace.clone(),
            run: RunId::foreign("20260101-000000-0001"),
        },
        charts: HashMap::new(),
        secrets: HashMap::new(),
        workspace: Workspace::new().unwrap(),
        leash: None,
        sealed: HashMap::new(),
        frozen: HashMap::new(),
    };
    let (step, limit) = (&plan.steps()[0], Duration::from_secs(60));
    let removed = helm.remove(step, History::Deleted, limit, Cancel::default());
    assert_eq!(removed.await, Ok(()));
}

/// What a chart's objects hold, in every fixture that has a secret in it.
#[test]
fn no_secret_is_told() {
    let mut seen = 0;
    for (name, text) in cases() {
        seen += usize::from(text.contains("hunter2"));
        let told = told(&read(&text));
        assert!(!told.contains("hunter2"), "{name}:\n{told}");
    }
    assert!(seen > 5, "{seen} fixtures hold a secret");
}

#[test]
fn nothing_of_helms_noise_is_told_as_the_reason() {
    let refusal = read("WARNING: Kubernetes configuration file is group-readable. Location: x\n");
    assert!(
        refusal.sentence.contains("gave no reason"),
        "{}",
        refusal.sentence
    );
    assert!(refusal.output.is_empty());
}

fn folder(of: &str) -> String {
    assert_eq!(of, "helm");
    let mut out = String::new();
    for (name, text) in cases() {
        writeln!(out, "# {name}\n{}", told(&read(&text))).unwrap();
    }
    out
}

fn cases() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/helm");
    let mut cases: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    cases.sort();
    cases
}

fn read(text: &str) -> Refusal {
    let status = text
        .lines()
        .find_map(|line| line.strip_prefix("# status: "));
    let status = match status.map(|status| status.split_once(' ').unwrap()) {
        Some(("signal", number)) => ExitStatus::from_raw(number.parse().unwrap()),
        Some(("code", number)) => ExitStatus::from_raw(number.parse::<i32>().unwrap() << 8),
        Some(other) => panic!("{other:?}"),
        None => ExitStatus::from_raw(1 << 8),
    };
    let printed: Vec<String> = text
        .lines()
        .skip_while(|line| line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let about = About {
        release: &"web".parse().unwrap(),
        namespace: &"shop".parse().unwrap(),
        chart: "charts/web",
        connection: &Target {
            kubeconfig: None,
            context: Some("prod".into()),
        },
        version: Version { major: 4, minor: 3 },
        uninstalls: text.starts_with("# helm uninstall"),
    };
    refusal(&about, status, &printed)
}

fn told(refusal: &Refusal) -> String {
    let mut out = format!("{}\n", refusal.sentence);
    if !refusal.chain.is_empty() {
        writeln!(out, "  chain: {}", refusal.chain.join(" > ")).unwrap();
    }
    for hint in &refusal.hints {
        writeln!(out, "  hint: {hint}").unwrap();
    }
    writeln!(out, "  trouble: {:?}", refusal.trouble).unwrap();
    for line in &refusal.output {
        writeln!(out, "  | {line}").unwrap();
    }
    out
}
