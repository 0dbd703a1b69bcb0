//! Every cause from Kubernetes' own objects: one folder a cause, one file a case.
//!
//! A file is a list of YAML documents. The first says what release is judged (`release`, `objects`
//! and `hooks` as `apiVersion Kind name`, the hooks' `event`, `applied`); after it come objects as
//! `kubectl get -o yaml` shows them, applied in order, so that a later one replaces an earlier one
//! of its uid. `before: true` stands where helm was started, `gone: <uid>` where a pod or Job was
//! removed, `repeats: {pod: <uid>, container, line}` where a container keeps printing a line.
//! `base.yaml` comes before all cases of its folder.

#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml exempts test functions, not what they call"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stackctl::budget::{Budgets, DEFAULT_TIMEOUT};
use stackctl::cluster::convert::from_json;
use stackctl::event::Evidence;
use stackctl::names::ReleaseId;
use stackctl::snapshot::{Contents, Hook, ObjectRef, Observation, Snapshot, World};
use stackctl::verdict::{
    Assessment, Baseline, Cause, CompletedRule, Hope, Repeating, Scope, Waiting, assess,
    nobody_knows,
};

macro_rules! causes {
    ($($test:ident: $folder:literal),+ $(,)?) => {
        $(#[test]
        fn $test() {
            insta::assert_snapshot!($folder, folder($folder));
        })+

        #[test]
        fn every_folder_is_judged() {
            let mut found: Vec<String> = fs::read_dir(fixtures())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            let mut judged = vec![$($folder),+];
            judged.sort_unstable();
            assert_eq!(found, judged);
        }
    };
}

causes! {
    activity: "activity",
    activity_of_jobs: "activity-job",
    claim_lost: "claim-lost",
    claim_unbound: "claim-unbound",
    command: "command",
    config: "config",
    crash: "crash",
    failed_create: "failed-create",
    image: "image",
    hook: "hook",
    later_hook: "hook-later",
    job: "job",
    lost: "lost",
    object: "object",
    pod: "pod",
    progress: "progress",
    revision: "revision",
    scheduling: "scheduling",
    stuck: "stuck",
    volume: "volume",
    waiting: "waiting",
}

/// What is shown while a container is about to be made says nothing of why it is not there.
#[test]
fn placeholders_of_the_kubelet_are_no_reasons() {
    for case in fs::read_dir(fixtures()).unwrap() {
        let name = case.unwrap().file_name().into_string().unwrap();
        let shown = folder(&name);
        let told = shown.lines().filter(|line| !line.starts_with("pod "));
        for line in told {
            for placeholder in ["PodInitializing", "ContainerCreating"] {
                assert!(!line.contains(placeholder), "{name}: {line}");
            }
        }
    }
}

#[test]
fn the_page_names_every_cause_and_every_budget() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verdicts.md");
    let page = fs::read_to_string(page).unwrap();
    let titles: Vec<&str> = page
        .lines()
        .filter_map(|l| l.strip_prefix("### "))
        .collect();
    let causes: Vec<String> = Cause::ALL
        .iter()
        .map(|cause| format!("{} (`{}`)", cause.title(), cause.as_str()))
        .collect();
    assert_eq!(titles, causes);
    for (place, cause) in Cause::ALL.iter().enumerate() {
        assert_eq!(*cause as usize, place, "one is missing in `Cause::ALL`");
    }

    // Without `..`, so that a new budget is missed here.
    let Budgets {
        restarts,
        image_pull,
        missing_object,
        unschedulable,
        failed_create,
        failed_mount,
        no_activity,
    } = Budgets::default();
    let budgets = [
        ("imagePull", image_pull),
        ("missingObject", missing_object),
        ("unschedulable", unschedulable),
        ("failedCreate", failed_create),
        ("failedMount", failed_mount),
        ("noActivity", no_activity),
        ("timeout", DEFAULT_TIMEOUT),
    ];
    let rows = budgets.map(|(key, time)| format!("| `{key}` | {}s |", time.as_secs()));
    for row in rows
        .into_iter()
        .chain([format!("| `restarts` | {restarts} |")])
    {
        assert!(page.contains(&row), "no row {row} in docs/verdicts.md");
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/verdict")
}

fn folder(name: &str) -> String {
    let folder = fixtures().join(name);
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "base.yaml")
        .collect();
    cases.sort();
    let base = folder.join("base.yaml");
    let mut text = String::new();
    for case in cases {
        let title = case.file_stem().unwrap().to_str().unwrap();
        let mut documents = Vec::new();
        if base.exists() {
            documents.extend(read(&base));
        }
        documents.extend(read(&case));
        writeln!(text, "=== {title}\n{}", judge(&documents)).unwrap();
    }
    text
}

fn read(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    serde_saphyr::from_multiple(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn judge(documents: &[Value]) -> String {
    let mut world = World::default();
    let mut before = Baseline::default();
    let mut repeating = Repeating::default();
    let (head, rest) = documents.split_first().unwrap();
    let mut applied = head["applied"] != false;
    for document in rest {
        if let Some(value) = document.get("applied") {
            applied = value == true;
        } else if document.get("before").is_some() {
            before = Baseline::of(&world);
        } else if let Some(then) = document.get("until") {
            before = Baseline::until(&world, then.as_str().unwrap().parse().unwrap());
        } else if let Some(uid) = document.get("gone") {
            let uid = uid.as_str().unwrap().into();
            let gone = match world.pods.get(&uid) {
                Some(pod) => Snapshot::Pod(pod.clone()),
                None => Snapshot::Job(world.jobs[&uid].clone()),
            };
            world.apply(&Observation::Gone(gone));
        } else if let Some(repeats) = document.get("repeats") {
            let text = |key: &str| repeats[key].as_str().unwrap().to_owned();
            let key = (text("pod").as_str().into(), text("container"));
            repeating.insert(key, text("line"));
        } else {
            let snapshot = from_json(document.clone());
            let snapshot = snapshot.unwrap_or_else(|| panic!("no object: {document}"));
            world.apply(&Observation::Seen(snapshot));
        }
    }
    let contents = Contents {
        revision: 1,
        chart: "chart-0.1.0".to_owned(),
        objects: objects(&head["objects"]),
        hooks: objects(&head["hooks"])
            .into_iter()
            .map(|object| Hook {
                object,
                events: vec![head["event"].as_str().unwrap_or("pre-upgrade").to_owned()],
                weight: 0,
                ran: false,
                succeeded: false,
                stays: true,
            })
            .collect(),
        ..Contents::default()
    };
    let id: ReleaseId = head["release"].as_str().unwrap().parse().unwrap();
    let scope = Scope {
        id: &id,
        contents: &contents,
        applied,
        helm_at_work: !applied,
        before: &before,
        completed: CompletedRule::Old,
        repeating: &repeating,
        providers: nobody_knows(),
    };
    shown(&assess(&world, &scope, &Budgets::default()))
}

fn objects(list: &Value) -> Vec<ObjectRef> {
    let words = list.as_array().into_iter().flatten();
    words
        .map(|text| {
            let mut words = text.as_str().unwrap().split(' ').map(str::to_owned);
            ObjectRef {
                api_version: words.next().unwrap(),
                kind: words.next().unwrap(),
                namespace: None,
                name: words.next().unwrap(),
            }
        })
        .collect()
}

fn shown(assessment: &Assessment) -> String {
    let mut lines = Vec::new();
    match &assessment.waiting {
        None => lines.push("ready".to_owned()),
        Some(Waiting { on, since, .. }) => {
            let since = since.map_or_else(String::new, |since| format!(" (since {since})"));
            lines.push(format!("waits for: {on}{since}"));
        }
    }
    assert_eq!(assessment.ready, assessment.waiting.is_none());
    for object in &assessment.objects {
        lines.push(format!(
            "{} {:?} {}/{} {}",
            object.object, object.health, object.ready, object.desired, object.reason
        ));
    }
    for hook in &assessment.hooks {
        lines.push(format!("hook {} {:?}", hook.object, hook.phase));
    }
    for pod in &assessment.pods {
        let outgoing = if pod.outgoing { " outgoing" } else { "" };
        lines.push(format!(
            "pod {} of {}: {} {} {}{outgoing}",
            pod.pod, pod.owner, pod.ready, pod.status, pod.restarts
        ));
    }
    for finding in &assessment.findings {
        let hope = match finding.hope {
            Hope::Certain => "certain".to_owned(),
            Hope::Likely(time) => format!("likely after {}s", time.as_secs()),
            Hope::AfterHooks => "judged after the hooks".to_owned(),
            Hope::Retried => "judged when the time is up".to_owned(),
        };
        lines.push(format!("{hope}: {}", finding.verdict.sentence));
        lines.push(format!("  key: {}", finding.key));
        lines.push(format!("  chain: {}", finding.verdict.chain.join(" > ")));
        for evidence in &finding.verdict.evidence {
            lines.push(format!("  {}", proof(evidence)));
        }
        if let Some(log) = &finding.log_of {
            let (pod, container) = (&log.pod, &log.container);
            lines.push(format!("  log: {pod} {container} attempt {}", log.attempt));
        }
        if let Some(missing) = &finding.missing {
            let namespace = missing.namespace.as_deref().unwrap_or("no namespace");
            lines.push(format!(
                "  missing: {} {} in {namespace}",
                missing.api_version, missing
            ));
        }
        for hint in &finding.verdict.hints {
            lines.push(format!("  hint: {hint}"));
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines.join("\n") + "\n"
}

fn proof(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Status {
            object,
            reason,
            message,
        } => format!("status of {object}: {reason}: {message}"),
        Evidence::ClusterEvent {
            object,
            reason,
            message,
            count,
        } => format!("event on {object}: {reason} x{count}: {message}"),
        other => format!("{other:?}"),
    }
}
