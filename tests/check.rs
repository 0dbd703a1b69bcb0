//! The rules of `stackctl check` on what only looks like a defect, and their page. The defects
//! themselves are charts in `tests/fixtures/check`, which helm renders end to end.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::path::Path;

use stackctl::check::{RULES, Release, Stack, check};
use stackctl::plan::{Plan, Selection};
use stackctl::profile;

/// What the rules find in a release, or in two where the second one needs the first.
fn found(manifests: &[&str]) -> Vec<String> {
    let (stack, profile) = stack(manifests, "");
    let report = check(&stack, &profile);
    report
        .findings
        .iter()
        .map(|it| it.rule.to_owned())
        .collect()
}

fn stack(manifests: &[&str], extra: &str) -> (Stack, profile::Profile) {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "name: shop\nnamespace: shop\nreleases:\n".to_owned();
    for at in 0..manifests.len() {
        let chart = folder.path().join(format!("r{at}"));
        std::fs::create_dir(&chart).unwrap();
        std::fs::write(
            chart.join("Chart.yaml"),
            "apiVersion: v2\nname: r\nversion: 0.1.0\n",
        )
        .unwrap();
        let needs = if at > 0 {
            format!(", needs: [r{}]", at - 1)
        } else {
            String::new()
        };
        text += &format!("  r{at}: {{chart: ./r{at}{needs}}}\n");
    }
    text += extra;
    let file = folder.path().join("profile.yaml");
    let profile = profile::read(&file, text.as_bytes(), &|_| None).unwrap();
    let plan = Plan::new(&profile, &Selection::All).unwrap();
    let release = |(at, manifest): (usize, &&str)| {
        Release::new(&plan, &profile, at, manifest, Vec::new()).unwrap()
    };
    let releases = manifests.iter().enumerate().map(release).collect();
    let known = None;
    (Stack { releases, known }, profile)
}

const POD: &str = "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}";
const CONTAINER: &str = "image: \"registry.example.com/app:1.0\", \
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}, \
    resources: {requests: {cpu: 10m, memory: 16Mi}}";

fn deployment(name: &str, spec: &str, container: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  \
         template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec: {{{POD}, {spec}\
         containers: [{{name: {name}, {CONTAINER}{container}}}]}}\n"
    )
}

fn service(name: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}}}\n"
    )
}

const PROBED: &str = ", readinessProbe: {httpGet: {port: 80}}";

#[test]
fn a_host_may_be_named_in_many_ways() {
    let database = deployment("database", "", PROBED) + &service("database");
    for host in [
        "postgres://u@database:5432/shop",
        "postgres://database.shop/shop",
        "postgres://database.shop.svc.cluster.local./shop",
        "postgres://db.example.com/shop",
        "postgres://10.0.0.7/shop",
        "php://stderr",
        "native:",
    ] {
        let env = format!(", env: [{{name: URL, value: \"{host}\"}}]");
        assert_eq!(
            found(&[&database, &deployment("web", "", &env)]),
            [""; 0],
            "{host}"
        );
    }
    let env = ", env: [{name: URL, value: \"postgres://db/shop\"}, {name: DB_HOST, value: db}]";
    assert_eq!(
        found(&[&database, &deployment("web", "", env)]),
        ["host-unknown"]
    );
}

#[test]
fn a_hook_may_use_a_hook_of_lower_weight() {
    let hook = |weight: &str| {
        format!("annotations: {{helm.sh/hook: pre-install, helm.sh/hook-weight: \"{weight}\"}}")
    };
    let manifest = format!(
        "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: seed, {}}}\n---\n\
         apiVersion: batch/v1\nkind: Job\nmetadata: {{name: seed, {}}}\nspec: {{backoffLimit: 1, \
         activeDeadlineSeconds: 60, template: {{spec: {{{POD}, restartPolicy: Never, \
         serviceAccountName: seed, containers: [{{name: seed, {CONTAINER}}}]}}}}}}\n",
        hook("-5"),
        hook("0")
    );
    assert_eq!(found(&[&manifest]), [""; 0]);
    assert_eq!(
        found(&[&manifest.replace("\"-5\"", "\"0\"")]),
        ["hook-order"]
    );
}

#[test]
fn a_claim_for_one_node_may_be_one_pods() {
    let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n\
        spec: {accessModes: [ReadWriteOnce]}\n";
    let volume = "volumes: [{name: d, persistentVolumeClaim: {claimName: data}}], ";
    assert_eq!(
        found(&[&(claim.to_owned() + &deployment("web", volume, ""))]),
        [""; 0]
    );
}

#[test]
fn an_optional_secret_may_be_missing_and_any_other_is_to_be_made_before() {
    let env = |optional: &str| format!(", envFrom: [{{secretRef: {{name: extra{optional}}}}}]");
    assert_eq!(
        found(&[&deployment("web", "", &env(", optional: true"))]),
        [""; 0]
    );
    let (stack, profile) = stack(&[&deployment("web", "", &env(""))], "");
    let report = check(&stack, &profile);
    assert_eq!(report.counts().notes, 1);
    assert_eq!(report.counts().errors, 0);
}

#[test]
fn what_the_profile_accepts_is_counted_apart() {
    let floating = deployment("web", "", "").replace("app:1.0", "app:latest");
    let accept = "accept: [{rule: image-floating, object: Deployment/web, reason: no other}]\n";
    let (stack, profile) = stack(&[&floating], accept);
    let report = check(&stack, &profile);
    assert_eq!(report.findings[0].accepted.as_deref(), Some("no other"));
    assert_eq!((report.counts().warnings, report.counts().accepted), (0, 1));
}

#[test]
fn the_page_has_every_rule() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks.md");
    let page = std::fs::read_to_string(page).unwrap();
    for rule in RULES {
        let (severity, id) = (rule.severity.as_str(), rule.id);
        let (what, why, remedy) = (rule.summary, rule.why, rule.remedy);
        let row = format!("| `{id}` | {severity} | {what} | {why} | {remedy} |\n");
        assert!(page.contains(&row), "docs/checks.md lacks\n{row}");
    }
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(
        rows,
        RULES.len(),
        "docs/checks.md has rules that there are not"
    );
}

/// Each rule has a chart on which it fires, end to end.
#[test]
fn every_rule_has_a_chart() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/check");
    for rule in RULES {
        assert!(
            folder.join(rule.id).join("profile.yaml").is_file(),
            "{}",
            rule.id
        );
    }
}
