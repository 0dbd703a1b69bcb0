//! The corpus: what helm renders for charts in the manner of public ones that run everywhere, in
//! `tests/fixtures/check-corpus`. An error on one of them is wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stackctl::check::{Counts, Known, Report, check};

use super::{cluster, stack};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/check-corpus")
}

/// Each manifest by its chart's name.
fn charts() -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder()).unwrap().flatten();
    let chart = |file: std::fs::DirEntry| {
        let name = file
            .path()
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        (name, std::fs::read_to_string(file.path()).unwrap())
    };
    files.map(chart).collect()
}

fn report(manifests: &[&str], known: Option<Known>) -> Report {
    let (mut stack, profile) = stack(manifests, "", true);
    stack.known = known.map(|known| Known {
        served: stack.kinds(),
        ..known
    });
    check(&stack, &profile)
}

fn told(report: &Report, severity: &str) -> Vec<String> {
    let all = report.findings.iter();
    all.filter(|it| it.severity.as_str() == severity)
        .map(|it| format!("{}: {}", it.rule, it.message))
        .collect()
}

#[test]
fn no_chart_of_the_corpus_has_an_error() {
    for (name, manifest) in charts() {
        for known in [None, cluster(&[])] {
            let asked = known.is_some();
            let report = report(&[&manifest], known);
            assert_eq!(told(&report, "error"), [""; 0], "{name}, asked {asked}");
        }
    }
}

/// The page says how much the rules find in the corpus.
#[test]
fn the_page_tells_the_rate() {
    let mut all = Counts::default();
    // Rules that ask for more care than most charts take, and are right.
    let advice = [
        "pod-not-restricted",
        "requests-missing",
        "readiness-missing",
        "job-unbounded",
    ];
    let charts = charts();
    for manifest in charts.values() {
        let mut report = report(&[manifest], None);
        report.findings.retain(|it| !advice.contains(&it.rule));
        let counts = report.counts();
        all.errors += counts.errors;
        all.warnings += counts.warnings;
        all.notes += counts.notes;
    }
    let rate = format!(
        "On {} charts: {} errors, {} warnings and {} notes",
        charts.len(),
        all.errors,
        all.warnings,
        all.notes
    );
    let page = std::fs::read_to_string(folder().join("../../../docs/checks.md")).unwrap();
    assert!(page.contains(&rate), "docs/checks.md lacks `{rate}`");
}

/// A chart of the corpus, what is written instead of what, and what is then found more.
const PLANTED: [(&str, &str, &str, &str); 22] = [
    (
        "ingress-nginx",
        "name: ingress-nginx-admission\n  namespace: shop\n  annotations: {helm.sh/hook: \"pre-install,pre-upgrade,post-install,post-upgrade\"",
        "name: ingress-nginx-admission\n  namespace: shop\n  annotations: {helm.sh/hook-weight: \"1\", helm.sh/hook: \"pre-install,pre-upgrade,post-install,post-upgrade\"",
        "error hook-order",
    ),
    (
        "cert-manager",
        "helm.sh/hook: post-install, helm.sh/hook-weight: \"-5\"",
        "helm.sh/hook: post-install, helm.sh/hook-weight: \"5\"",
        "error hook-order",
    ),
    (
        "airflow",
        "{helm.sh/hook: \"post-install,post-upgrade\", helm.sh/hook-weight: \"1\"",
        "{helm.sh/hook: \"pre-install,post-upgrade\", helm.sh/hook-weight: \"1\"",
        "error hook-needs-own-object",
    ),
    (
        "kong",
        "{helm.sh/hook: pre-upgrade,",
        "{helm.sh/hook: \"pre-install,pre-upgrade\",",
        "error hook-needs-own-object",
    ),
    (
        "longhorn",
        "helm.sh/hook: pre-upgrade",
        "helm.sh/hook: pre-install",
        "error hook-needs-own-object",
    ),
    (
        "gatekeeper",
        "helm.sh/hook-weight: \"1\"",
        "helm.sh/hook-weight: \"1.5\"",
        "error hook-weight",
    ),
    (
        "velero",
        "\"before-hook-creation,hook-succeeded\"",
        "\"before-hook-creaton\"",
        "error hook-policy",
    ),
    (
        "legacy",
        "helm.sh/hook: Post-Install",
        "helm.sh/hook: Post-Instal",
        "error hook-name",
    ),
    (
        "legacy",
        ".Capabilities.APIVersions",
        ".Values.budgets",
        "error api-not-served",
    ),
    (
        "argo-cd",
        "restartPolicy: OnFailure, containers: [{name: secret-init",
        "containers: [{name: secret-init",
        "error job-restart-policy",
    ),
    (
        "redis",
        "command: [/bin/bash]",
        "command: [-ec]",
        "error command-dashes",
    ),
    (
        "redis",
        "registry.example.com/redis:7.4.2",
        "docker.io/bitnami/redis:7.4.2",
        "error image-withdrawn",
    ),
    (
        "mongodb",
        "{exec: {command: [/scripts/readiness-probe.sh]}}",
        "{path: /healthz, port: 27017}",
        "error probe-without-handler",
    ),
    (
        "kyverno",
        "enableDefaultRegistryMutation: \"true\"",
        "enableDefaultRegistryMutation: true",
        "error not-text",
    ),
    (
        "linkerd",
        "metadata: {name: linkerd-heartbeat,",
        "metadata: {generateName: linkerd-heartbeat-,",
        "error not-text",
    ),
    (
        "harbor",
        "\"http://harbor-core:80/service/token\"",
        "\"http://harbor-cor:80/service/token\"",
        "warning host-unknown",
    ),
    (
        "keycloak",
        "value: postgres.databases.svc.cluster.local",
        "value: postgres.shop.svc.cluster.local",
        "warning host-unknown",
    ),
    (
        "keycloak",
        "selector: {app: keycloak}, ports",
        "selector: {app: keyclaok}, ports",
        "warning service-selects-nothing",
    ),
    (
        "harbor",
        "configMap: {name: harbor-core}}, {name: secret-key",
        "configMap: {name: harbor-croe}}, {name: secret-key",
        "warning reference-missing",
    ),
    (
        "eck",
        "replicas: 0",
        "replicas: 1",
        "error reference-missing",
    ),
    (
        "redis",
        "{name: REDIS_REPLICATION_MODE, value: master}",
        "{name: REDIS_PASSWORD, value: hunter2}",
        "warning secret-in-plain",
    ),
    (
        "keycloak",
        "postgres.databases.svc 5432",
        "postgres 5432",
        "warning wait-names-nothing",
    ),
];

/// What is found without a cluster, and with one that has nothing of what is asked for.
fn found(manifest: &str) -> Vec<String> {
    let reports = [None, cluster(&[])].map(|known| report(&[manifest], known));
    let findings = reports.iter().flat_map(|report| &report.findings);
    findings
        .map(|it| format!("{} {}", it.severity.as_str(), it.rule))
        .collect()
}

#[test]
fn a_mistake_that_is_planted_is_found() {
    let charts = charts();
    for (chart, from, to, expected) in PLANTED {
        let manifest = &charts[chart];
        assert!(manifest.contains(from), "{chart}: {from}");
        let mut found_now = found(&manifest.replacen(from, to, 1));
        for before in found(manifest) {
            if let Some(at) = found_now.iter().position(|it| *it == before) {
                found_now.remove(at);
            }
        }
        assert!(
            found_now.iter().any(|it| it == expected),
            "{chart}: {to}: {found_now:?}"
        );
    }
}

/// A monitor of one chart is of a kind that another one brings.
#[test]
fn between_charts_a_need_is_missed() {
    let charts = charts();
    let kafka = &charts["strimzi"];
    let topic = "---\napiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\nmetadata: {name: more}\n";
    let (stack, profile) = stack(&[kafka, topic], "", false);
    let errors = told(&check(&stack, &profile), "error");
    let expected = "need-unstated: Kafka `more` is of `kafka.strimzi.io/v1beta2`, which release \
        `r0` brings, and `r1` does not need it";
    assert_eq!(errors, [expected]);
    assert_eq!(
        told(&report(&[kafka, topic], None), "error"),
        [""; 0],
        "with the need"
    );
}
