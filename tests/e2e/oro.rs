//! The oro stack from nothing to its web page, looked at from all sides, and down again; and what
//! is said when one of its init containers fails.

use std::fs;
use std::path::{Path, PathBuf};

use stackctl::event::{EventKind, Evidence, Health};

use crate::support::{Cluster, Ended, compared, helm_test, sandbox};

/// What the profile brings up.
const RELEASES: [&str; 9] = [
    "database",
    "mail",
    "volume-init",
    "install",
    "php-fpm",
    "websocket",
    "webserver",
    "orocommerce",
    "order-food",
];

/// The repository's own profile in another namespace, with `values` laid over those of php-fpm.
fn oro(folder: &Path, namespace: &str, values: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("profiles/oro.yaml")).expect("the profile");
    let at = |folder: &str| root.join(folder).display().to_string();
    let text = text
        .replace("../charts", &at("charts"))
        .replace(
            "values/oro/php-fpm.yaml",
            &format!("values/oro/php-fpm.yaml, {values}"),
        )
        .replace("values/oro/", &at("profiles/values/oro/"))
        .replace("namespace: oro", &format!("namespace: {namespace}"));
    let file = folder.join("oro.yaml");
    fs::write(&file, text).expect("a profile");
    file
}

#[test]
fn the_oro_stack_comes_up_in_order_and_goes_down_again() {
    let cluster = Cluster::of(sandbox());
    let namespace = "oro-e2e";
    cluster.restricted_namespace(namespace);
    let folder = tempfile::tempdir().expect("a folder");
    let profile = oro(folder.path(), namespace, "{}");

    let up = Ended::up(&profile, &[]).expect_code(0);
    order(&up);
    assert_eq!(
        up.inits_done("order-food"),
        ["1/2 database-migration", "2/2 database-load"]
    );
    assert!(!up.log("order-food", "database-migration").is_empty());

    let page = cluster.page(namespace, "webserver:http", "/");
    assert!(page.contains("<html"), "{page}");
    let products = cluster.page(namespace, "order-food:http", "/api/product");
    assert!(products.contains("\"name\""), "{products}");

    status(namespace);
    logs(namespace);
    for release in RELEASES {
        helm_test(namespace, release);
    }
    again(&profile);
    down(&cluster, &profile, namespace);
    cluster.remove_namespace(namespace);
    eprintln!(
        "compared with the API server's Table so far: {}",
        compared()
    );
}

/// php-fpm and websocket beside each other after volume-init and install, webserver after both,
/// order-food as soon as the database is there.
fn order(up: &Ended) {
    for id in ["php-fpm", "websocket"] {
        assert!(up.started(id) >= up.ready("volume-init"), "{id}");
        assert!(up.started(id) >= up.ready("install"), "{id}");
    }
    assert!(up.started("websocket") < up.ready("php-fpm"));
    assert!(up.started("php-fpm") < up.ready("websocket"));
    // It needs no more of php-fpm than its Service.
    let answers = |kind: &EventKind| match kind {
        EventKind::ObjectChanged { kind, health, .. } => {
            kind == "Service" && *health == Health::Ready
        }
        _ => false,
    };
    assert!(Some(up.started("webserver")) >= up.when("php-fpm", answers));
    assert!(up.started("webserver") >= up.ready("websocket"));
    assert!(up.started("order-food") >= up.ready("database"));
    let moment = up.started("order-food") - up.ready("database");
    assert!(
        moment < 500,
        "order-food started {moment} ms after its database was ready"
    );
    assert!(up.started("order-food") < up.ready("install"));
}

/// Without a profile the stack is found in the cluster.
fn status(namespace: &str) {
    let status = Ended::of(&["status", "-n", namespace, "-o", "json"]).expect_code(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
    let stack = &status["stacks"][0];
    assert_eq!(stack["stack"], "oro");
    let releases = stack["releases"].as_array().expect("releases");
    assert_eq!(releases.len(), RELEASES.len());
    for release in releases {
        assert_eq!(release["state"], "ready", "{release:#}");
    }
}

fn logs(namespace: &str) {
    let logs = Ended::of(&["logs", "--init", "-n", namespace]).expect_code(0);
    let at = |what: &str| {
        let found = logs.stdout.lines().position(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("no {what} in {}", logs.stdout))
    };
    assert!(at(" database-migration |") < at(" database-load |"));
    assert!(!logs.stdout.contains(" main |"));
}

/// A second run has nothing to do; one that is to upgrade every release ends as well as the first.
fn again(profile: &Path) {
    let unchanged = Ended::up(profile, &[]).expect_code(0);
    let mut kinds = unchanged.events.iter().map(|event| &event.kind);
    let made = kinds.find(|kind| matches!(kind, EventKind::ReleaseDeployed { .. }));
    assert_eq!(made, None);
    let up = Ended::up(profile, &["--force"]).expect_code(0);
    order(&up);
    let revision = |id: &str| {
        up.events.iter().find_map(|event| match &event.kind {
            EventKind::ReleaseDeployed { release, revision } if release.as_str() == id => {
                Some(*revision)
            }
            _ => None,
        })
    };
    assert_eq!(revision("php-fpm"), Some(2));
}

fn down(cluster: &Cluster, profile: &Path, namespace: &str) {
    let profile = profile.to_str().expect("a path in UTF-8");
    let unasked = Ended::of(&["down", "--profile", profile]).expect_code(2);
    assert!(unasked.stderr.contains("--yes"), "{}", unasked.stderr);
    Ended::of(&["down", "--profile", profile, "--yes", "--progress", "json"]).expect_code(0);
    let pods = cluster.pods(namespace);
    assert!(pods.is_empty(), "{pods:#?}");
    let status = Ended::of(&["status", "-n", namespace]).expect_code(0);
    assert!(status.stdout.contains("no stack"), "{}", status.stdout);
}

#[test]
fn an_init_container_that_fails_is_named_with_its_proof() {
    let cluster = Cluster::of(sandbox());
    let namespace = "oro-exit";
    cluster.remove_namespace(namespace);
    let folder = tempfile::tempdir().expect("a folder");
    let script = "echo cache warm-up failed: var/cache is full >&2; exit 3";
    let values = format!("{{cacheWarmup: {{command: [sh, -c], args: [\"{script}\"]}}}}");
    let profile = oro(folder.path(), namespace, &values);

    let up = Ended::up(&profile, &[]).expect_code(5);
    let verdict = up.verdict("php-fpm");
    assert!(
        verdict.sentence.contains("`cache-warmup`"),
        "{}",
        verdict.sentence
    );
    assert!(
        verdict.sentence.contains("exit code 3"),
        "{}",
        verdict.sentence
    );
    assert!(
        verdict.sentence.contains("php-fpm-"),
        "{}",
        verdict.sentence
    );
    let proof = verdict.evidence.iter().any(|evidence| {
        matches!(evidence, Evidence::Log { lines, .. }
            if lines.iter().any(|line| line.contains("var/cache is full")))
    });
    assert!(proof, "{verdict:#?}");

    let failed = up.when("php-fpm", |kind| {
        matches!(kind, EventKind::ReleaseFailed { .. })
    });
    let first_exit = up.when("php-fpm", |kind| match kind {
        EventKind::PodChanged(pod) => pod.containers.iter().any(|c| c.state == "exit 3"),
        _ => false,
    });
    let (failed, first_exit) = (failed.expect("a failure"), first_exit.expect("an exit"));
    assert!(
        failed - first_exit < 15_000,
        "{first_exit} ms to {failed} ms"
    );

    let mut blocked = up.blocked();
    blocked.sort();
    assert_eq!(blocked, ["orocommerce", "webserver"]);
    up.ready("websocket");
    up.ready("order-food");
    cluster.remove_namespace(namespace);
}
