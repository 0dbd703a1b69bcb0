//! `stackctl check` with the real helm: each rule on a chart with its defect, and the project's own
//! profiles without one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{Ended, Stack, sandbox};

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

/// What goes through `--values` is read by Go as CSV, and then as an address.
#[test]
fn helm_reads_values_whatever_their_paths_are_called() {
    let folder = tempfile::tempdir().expect("a folder");
    let odd = folder.path().join("a, \"b\" c, 100%");
    let temporary = folder.path().join("t, \"m\" %25p");
    let chart = odd.join("we,b");
    for folder in [&chart.join("templates"), &temporary] {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    let write = |path: PathBuf, text: &str| std::fs::write(path, text).expect("a file");
    write(
        chart.join("Chart.yaml"),
        "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    );
    write(
        chart.join("templates/map.yaml"),
        "{{ .Values.a }} {{ .Values.b }} {{ .Values.c }}",
    );
    write(
        odd.join("va\"l,ues.yaml"),
        "a: \"{apiVersion: v1, kind: ConfigMap, metadata: {name:\"\n",
    );
    let profile = odd.join("shop.yaml");
    let text = "name: shop\nnamespace: shop\nreleases:\n  web:\n    chart: we,b\n    \
                values: ['va\"l,ues.yaml', {b: seven}]\n    set: {c: '}}'}\n";
    write(profile.clone(), text);
    let output = Command::new(env!("CARGO_BIN_EXE_stackctl"))
        .args(["check", "--profile"])
        .arg(&profile)
        .env("STACKCTL_HELM", sandbox().helm())
        .env("TMPDIR", &temporary)
        .output()
        .expect("stackctl runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

const BUDGET: &str = r#"
apiVersion: policy/{{ if .Capabilities.APIVersions.Has "policy/v1beta1" }}v1beta1{{ else }}v1{{ end }}
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
"#;

const TASKS: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tasks.check-cluster.example.com}
spec:
  group: check-cluster.example.com
  names: {kind: Task, plural: tasks}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
";

/// helm knows versions that are long gone, and is newer than the cluster: what a chart asks for is
/// asked of the cluster, even where it can't render the whole release yet.
#[test]
fn a_cluster_says_what_it_serves() {
    let task =
        "---\napiVersion: check-cluster.example.com/v1\nkind: Task\nmetadata: {name: nightly}\n";
    let old = BUDGET.replace(".Has \"policy/v1beta1\"", ".Has \"v1\"");
    let newer = "{{ if semverCompare \">=1.35-0\" .Capabilities.KubeVersion.Version }}
---\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: newer}\n{{ end }}\n";
    let stack = Stack::new("check-cluster")
        .release("definition", TASKS, "")
        .release("web", BUDGET, "")
        .release("app", &format!("{task}{newer}"), "needs: [definition]");
    let profile = stack.profile();
    let check = |more: &[&str]| {
        let profile = profile.to_str().expect("UTF-8");
        let args = ["check", "-o", "json", "--profile", profile];
        let ended = Ended::of(&[&args[..], more].concat());
        let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("findings");
        let told = |it: &Value| format!("{} {} {}", it["rule"], it["severity"], it["message"]);
        let told: Vec<String> = findings.iter().map(told).collect();
        (ended.code, told.join("\n"))
    };
    let (code, told) = check(&[]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(told.matches("api-not-served").count(), 2, "{told}");
    let (code, told) = check(&["--cluster"]);
    assert_eq!((code, told.as_str()), (0, ""));

    let stack = stack.release("old", &old, "");
    stack.profile();
    let (code, told) = check(&["--cluster"]);
    assert_eq!(code, 3, "{told}");
    let refused = "which this cluster does not serve\"";
    assert!(told.contains(refused), "{told}");
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
