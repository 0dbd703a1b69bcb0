use super::*;
use crate::plan::Leftover;

#[test]
fn of_a_stack_that_is_gone_what_was_left_is_remembered() {
    let left = |release: &str, names: &[&str]| Left {
        release: release.parse().unwrap(),
        namespace: "shop".parse().unwrap(),
        objects: names
            .iter()
            .map(|name| Remaining {
                object: crate::snapshot::ObjectRef {
                    api_version: "v1".into(),
                    kind: "PersistentVolumeClaim".into(),
                    namespace: Some("shop".into()),
                    name: (*name).into(),
                },
                uid: (*name).into(),
            })
            .collect(),
    };
    let mut record = record();
    record.leave(&[left("api", &["data-api-0"]), left("web", &["data-web-0"])]);
    record.leave(&[left("web", &[])]);
    let gone = record.remains();
    assert!(gone.is_gone());
    assert_eq!(gone.left, [left("api", &["data-api-0"])]);
    let text = serde_json::to_vec(&gone).unwrap();
    assert_eq!(Document::read(&text).unwrap().1, gone);
}

fn id(text: &str) -> ReleaseId {
    text.parse().unwrap()
}

fn record() -> StackRecord {
    let (stack, namespace) = ("shop".parse().unwrap(), "shop".parse().unwrap());
    let mut record = StackRecord::new(stack, namespace, "shop.yaml");
    for name in ["api", "web"] {
        record.releases.push(StackRelease {
            id: id(name),
            release: name.parse().unwrap(),
            namespace: "shop".parse().unwrap(),
            chart: String::new(),
            needs: Vec::new(),
            verified: None,
        });
    }
    record
}

/// A run that has brought these up.
fn run(record: &mut StackRecord, name: &str, outcome: Outcome, ready: &[(&str, u32)]) {
    begin(record, name, Verb::Up);
    end(record, name, outcome, ready);
}

fn begin(record: &mut StackRecord, name: &str, verb: Verb) {
    let mut by = Holder::unknown(RunId::foreign(name), Timestamp::UNIX_EPOCH);
    by.verb = verb;
    record.begin(by);
}

fn end(record: &mut StackRecord, name: &str, outcome: Outcome, ready: &[(&str, u32)]) {
    let run = RunId::foreign(name);
    let end = RunEnd {
        at: Timestamp::UNIX_EPOCH,
        outcome,
        releases: Vec::new(),
        together: outcome == Outcome::Ready,
    };
    let verified = ready.iter().map(|(name, revision)| {
        let verified = Verified {
            revision: *revision,
            objects: Vec::new(),
            hooks: Vec::new(),
        };
        (id(name), verified)
    });
    record.end(&run, end, verified.collect());
}

fn now(api: u32, web: u32) -> BTreeMap<ReleaseId, u32> {
    [(id("api"), api), (id("web"), web)].into()
}

#[test]
fn only_what_was_ready_together_is_a_way_back() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1)]);
    assert_eq!(record.way_back(&now(1, 1), None), Err(NoWayBack::Nothing));
    run(&mut record, "2", Outcome::Ready, &[("web", 1)]);
    run(&mut record, "3", Outcome::Ready, &[]);
    run(&mut record, "4", Outcome::Failed, &[("api", 2)]);
    let runs: Vec<&str> = record.sets.iter().map(|set| set.run.as_str()).collect();
    assert_eq!(runs, ["2"], "the third changed nothing, the fourth failed");
    let back = record.way_back(&now(2, 2), None).unwrap();
    assert_eq!(back.releases, now(1, 1));
    assert_eq!(record.way_back(&now(1, 1), None), Err(NoWayBack::Nothing));
}

#[test]
fn a_release_of_another_name_or_place_is_another() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
    let leftover = |name: &str, release: &str, namespace: &str| Leftover {
        id: id(name),
        release: release.parse().unwrap(),
        namespace: namespace.parse().unwrap(),
        needs: Vec::new(),
    };
    let (stack, namespace) = (record.stack.clone(), record.namespace.clone());
    let all = [
        leftover("api", "api-v2", "shop"),
        leftover("web", "web", "shop"),
    ];
    let plan = Plan::of_leftovers(stack, namespace, &all);
    record.take_in("shop.yaml", &plan, &HashMap::new());
    let verified = |name: &str| record.release(&id(name)).unwrap().verified.is_some();
    assert!(!verified("api") && verified("web"));
    let orphans = record.orphans.iter().map(|it| it.release.as_str());
    assert_eq!(orphans.collect::<Vec<_>>(), ["api"]);
}

#[test]
fn a_revision_that_failed_takes_the_place_of_the_one_that_was_ready() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
    let ended = |name: &str, revision, end| EndedRelease {
        id: id(name),
        revision,
        end,
    };
    let end = |releases| RunEnd {
        at: Timestamp::UNIX_EPOCH,
        outcome: Outcome::Failed,
        releases,
        together: false,
    };
    let failed = |revision| end(vec![ended("api", revision, ReleaseEnd::Failed)]);
    record.end(&RunId::foreign("2"), failed(None), Vec::new());
    assert!(record.release(&id("api")).unwrap().verified.is_some());
    record.end(&RunId::foreign("3"), failed(Some(2)), Vec::new());
    assert!(record.release(&id("api")).unwrap().verified.is_none());
    run(&mut record, "4", Outcome::Ready, &[("web", 2)]);
    assert_eq!(record.sets.len(), 1, "api was not ready at revision 2");
    let removed = end(vec![ended("web", None, ReleaseEnd::Removed)]);
    record.end(&RunId::foreign("5"), removed, Vec::new());
    assert!(record.sets.is_empty(), "helm counts anew");
}

#[test]
fn a_rollback_that_is_typed_again_goes_to_the_same_set() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
    run(&mut record, "2", Outcome::Ready, &[("api", 2), ("web", 2)]);
    let back = |record: &StackRecord, now| record.way_back(&now, None).cloned();
    let target = back(&record, now(2, 2)).unwrap();
    assert_eq!(target.run.as_str(), "1");
    record.go_back(&target);
    begin(&mut record, "3", Verb::Rollback);
    // `web` is back, and the run was killed.
    assert_eq!(back(&record, now(2, 3)).unwrap().run.as_str(), "1");
    let mut another = record.clone();

    end(&mut record, "4", Outcome::Ready, &[("api", 3), ("web", 3)]);
    assert_eq!(record.target, None);
    let nothing = Err(NoWayBack::Nothing);
    assert_eq!(
        back(&record, now(3, 3)),
        nothing,
        "2 was left, 1 is what there is"
    );
    run(&mut record, "5", Outcome::Ready, &[("api", 4)]);
    assert_eq!(back(&record, now(4, 3)).unwrap().run.as_str(), "4");

    run(&mut another, "4", Outcome::Failed, &[("api", 4)]);
    assert_eq!(another.target, None, "an up wants what its profile says");
    assert_eq!(back(&another, now(4, 3)).unwrap().run.as_str(), "1");
}

#[test]
fn a_run_may_be_named() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
    run(&mut record, "2", Outcome::Ready, &[("api", 2)]);
    run(&mut record, "3", Outcome::Ready, &[("web", 2)]);
    let back = |to| record.way_back(&now(2, 2), to).map(|set| set.run.as_str());
    assert_eq!(back(None), Ok("2"));
    assert_eq!(back(Some("1")), Ok("1"));
    let known = ["3", "2", "1"].map(RunId::foreign).to_vec();
    assert_eq!(back(Some("9")), Err(NoWayBack::Unknown(known)));
}

#[test]
fn old_runs_and_sets_are_forgotten() {
    let mut record = record();
    for revision in 1..40 {
        let ready = [("api", revision), ("web", 1)];
        run(&mut record, &revision.to_string(), Outcome::Ready, &ready);
    }
    assert_eq!((record.runs.len(), record.sets.len()), (RUNS, SETS));
    assert_eq!(record.sets[0].run.as_str(), "30");
}
