//! `stackctl check` with the real helm: each rule on a chart with its defect, and the project's own
//! profiles without one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::sandbox;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn check(profile: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stackctl"))
        .args(["check", "--output", "json", "--profile"])
        .arg(profile)
        .env("STACKCTL_HELM", sandbox().helm())
        .env("ORO_DOMAIN", "shop.example.com")
        .env("ORO_DB_HOST", "db.example.com")
        .env("ORO_MAIL_HOST", "mail.example.com")
        .env("ORO_REDIS_HOST", "redis.example.com")
        .env("ORO_RUNTIME_DIGEST", format!("sha256:{}", "0".repeat(64)))
        .output()
        .expect("stackctl runs")
}

fn findings(profile: &Path) -> Vec<Value> {
    let output = check(profile);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!(
            "{}: {}",
            profile.display(),
            String::from_utf8_lossy(&output.stderr)
        )
    });
    report["findings"].as_array().expect("findings").clone()
}

#[test]
fn each_defect_is_found_by_its_rule_alone() {
    let folder = root().join("tests/fixtures/check");
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("fixtures").flatten() {
        let rule = entry.file_name().into_string().expect("a name");
        let profile = entry.path().join("profile.yaml");
        if !profile.is_file() {
            continue;
        }
        let found = findings(&profile);
        let rules: BTreeSet<&str> = found.iter().filter_map(|it| it["rule"].as_str()).collect();
        if rules != BTreeSet::from([rule.as_str()]) {
            wrong.push(format!("{rule}: {found:#?}"));
        }
        if let Some(file) = found.iter().find_map(|it| it["file"].as_str()) {
            assert!(Path::new(file).is_file(), "{rule}: {file}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn our_own_profiles_have_no_defect() {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("profiles"))
        .expect("profiles")
        .flatten()
    {
        let profile = entry.path();
        if profile
            .extension()
            .is_none_or(|extension| extension != "yaml")
        {
            continue;
        }
        let findings = findings(&profile).into_iter();
        let bad = findings.filter(|it| it["severity"] != "note" || it["accepted"].is_string());
        found.extend(bad.map(|it| format!("{}: {it:#}", profile.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
