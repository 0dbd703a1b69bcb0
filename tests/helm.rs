//! Every way in which helm fails, from its own words: one file a case under `fixtures/helm`.
//!
//! A file begins with comments: the command that made the text, or `from` and where its wording is
//! known from; `status:` where it is not exit code 1. The rest is what helm printed to stderr.

#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml exempts test functions, not what they call"
)]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use stackctl::helm::{About, Target, Version, refusal};
use stackctl::runner::ports::Refusal;

#[test]
fn every_failure_is_told() {
    insta::assert_snapshot!(folder("helm"));
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
