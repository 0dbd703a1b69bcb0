use super::*;
use crate::plan::Leftover;
use crate::snapshot::{Marks, Record, RecordStatus};

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
            forward_only: false,
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
        back: None,
    };
    let verified = ready.iter().map(|(name, revision)| {
        let verified = Verified {
            record: Some(uid(name, *revision, "")),
            revision: *revision,
            objects: Vec::new(),
            hooks: Vec::new(),
        };
        (id(name), verified)
    });
    record.end(&run, end, verified.collect());
}

fn revisions(api: u32, web: u32) -> BTreeMap<ReleaseId, u32> {
    [(id("api"), api), (id("web"), web)].into()
}

/// All revisions up to these, as helm keeps them.
fn now(api: u32, web: u32) -> Vec<Record> {
    let all = |name: &'static str, last| (1..=last).map(move |revision| kept(name, revision, ""));
    all("api", api).chain(all("web", web)).collect()
}

/// A revision of a release, or of one of its name that was there at another `time`.
fn kept(release: &str, revision: u32, time: &str) -> Record {
    Record {
        namespace: "shop".into(),
        release: release.into(),
        revision,
        uid: uid(release, revision, time),
        status: RecordStatus::Deployed,
        modified: None,
        marks: Marks {
            stack: Some("shop".into()),
            ..Marks::default()
        },
    }
}

fn uid(release: &str, revision: u32, time: &str) -> Uid {
    Uid::from(format!("{release}.v{revision}{time}"))
}

/// The run to go back to, with those that were passed over.
fn back(
    record: &StackRecord,
    records: &[Record],
    to: Option<&str>,
) -> Result<(String, Vec<Unreachable>), NoWayBack> {
    let now = Present::of_record(record, records);
    let back = record.way_back(&now, to)?;
    Ok((back.set.run.to_string(), back.passed_over))
}

fn run_of(record: &StackRecord, records: &[Record], to: Option<&str>) -> Result<String, NoWayBack> {
    back(record, records, to).map(|(run, passed_over)| {
        assert_eq!(passed_over, []);
        run
    })
}

#[test]
fn only_what_was_ready_together_is_a_way_back() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1)]);
    assert_eq!(run_of(&record, &now(1, 1), None), Err(NoWayBack::Nothing));
    run(&mut record, "2", Outcome::Ready, &[("web", 1)]);
    run(&mut record, "3", Outcome::Ready, &[]);
    run(&mut record, "4", Outcome::Failed, &[("api", 2)]);
    let runs: Vec<&str> = record.sets.iter().map(|set| set.run.as_str()).collect();
    assert_eq!(runs, ["2"], "the third changed nothing, the fourth failed");
    assert_eq!(record.sets[0].releases, revisions(1, 1));
    assert_eq!(run_of(&record, &now(2, 2), None).as_deref(), Ok("2"));
    assert_eq!(run_of(&record, &now(1, 1), None), Err(NoWayBack::Nothing));
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
        back: None,
    };
    let failed = |revision| end(vec![ended("api", revision, ReleaseEnd::Failed)]);
    record.end(&RunId::foreign("2"), failed(None), Vec::new());
    assert!(record.release(&id("api")).unwrap().verified.is_some());
    record.end(&RunId::foreign("3"), failed(Some(2)), Vec::new());
    assert!(record.release(&id("api")).unwrap().verified.is_none());
    run(&mut record, "4", Outcome::Ready, &[("web", 2)]);
    assert_eq!(record.sets.len(), 1, "api was not ready at revision 2");
    let removed = end(vec![ended("web", None, ReleaseEnd::Removed)]);
    record.end(&RunId::foreign("5"), removed.clone(), Vec::new());
    assert_eq!(record.sets.len(), 1, "it is known which web that was");
    record.sets[0].identities.clear();
    record.orphans.push(record.releases.remove(1));
    record.end(&RunId::foreign("6"), removed, Vec::new());
    assert!(record.sets.is_empty(), "helm counts anew");
}

#[test]
fn a_rollback_that_is_typed_again_goes_to_the_same_set() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
    run(&mut record, "2", Outcome::Ready, &[("api", 2), ("web", 2)]);
    let back = |record: &StackRecord, now: Vec<Record>| run_of(record, &now, None);
    assert_eq!(back(&record, now(2, 2)).as_deref(), Ok("1"));
    let target = record.sets[0].clone();
    record.go_back(&target);
    begin(&mut record, "3", Verb::Rollback);
    // `web` is back, and the run was killed.
    assert_eq!(back(&record, now(2, 3)).as_deref(), Ok("1"));
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
    assert_eq!(back(&record, now(4, 3)).as_deref(), Ok("4"));

    run(&mut another, "4", Outcome::Failed, &[("api", 4)]);
    assert_eq!(another.target, None, "an up wants what its profile says");
    assert_eq!(back(&another, now(4, 3)).as_deref(), Ok("1"));
}

#[test]
fn a_run_may_be_named() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
    run(&mut record, "2", Outcome::Ready, &[("api", 2)]);
    run(&mut record, "3", Outcome::Ready, &[("web", 2)]);
    let back = |to| run_of(&record, &now(2, 2), to);
    assert_eq!(back(None).as_deref(), Ok("2"));
    assert_eq!(back(Some("1")).as_deref(), Ok("1"));
    let known = ["3", "2", "1"].map(RunId::foreign).to_vec();
    assert_eq!(back(Some("9")), Err(NoWayBack::Unknown(known)));
}

fn obstacle(release: &str, why: Why) -> Obstacle {
    let release = id(release);
    Obstacle { release, why }
}

fn unreachable(run: &str, obstacles: Vec<Obstacle>) -> Unreachable {
    let run = RunId::foreign(run);
    Unreachable { run, obstacles }
}

/// helm counts anew: its revision 1 is not the one that was verified.
#[test]
fn what_was_installed_anew_since_can_not_be_gone_back_to() {
    let mut record = record();
    run(&mut record, "0", Outcome::Ready, &[("api", 1), ("web", 1)]);
    run(&mut record, "1", Outcome::Ready, &[("api", 2), ("web", 2)]);
    let anew = vec![obstacle("web", Why::InstalledAnew)];
    let all = [("1", anew.clone()), ("0", anew)].map(|(run, why)| unreachable(run, why));
    for last in [1, 2, 3] {
        let mut records = now(3, 0);
        records.extend((1..=last).map(|revision| kept("web", revision, " anew")));
        let none = Err(NoWayBack::Unreachable(all.to_vec()));
        assert_eq!(back(&record, &records, None), none, "{last}");
        let first = Err(NoWayBack::Unreachable(vec![all[1].clone()]));
        assert_eq!(back(&record, &records, Some("0")), first, "{last}");
    }
    let verified = &mut record.releases[1].verified;
    verified.as_mut().unwrap().revision = 1;
    verified.as_mut().unwrap().record = Some(uid("web", 1, " anew"));
    run(&mut record, "2", Outcome::Ready, &[("api", 3)]);
    run(&mut record, "3", Outcome::Ready, &[("api", 4)]);
    let mut records = now(5, 0);
    records.push(kept("web", 1, " anew"));
    assert_eq!(run_of(&record, &records, None).as_deref(), Ok("3"));
}

/// The same numbers may be other releases.
#[test]
fn a_set_of_the_same_revisions_of_other_records_is_another_set() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
    let verified = record.releases[0].verified.as_mut().unwrap();
    verified.record = Some(uid("api", 1, " anew"));
    run(&mut record, "2", Outcome::Ready, &[]);
    let runs: Vec<&str> = record.sets.iter().map(|set| set.run.as_str()).collect();
    assert_eq!(runs, ["1", "2"]);
}

#[test]
fn a_set_with_a_release_that_is_not_there_is_passed_over() {
    let mut record = record();
    let web = record.releases.pop().unwrap();
    run(&mut record, "1", Outcome::Ready, &[("api", 1)]);
    record.releases.push(web);
    run(&mut record, "2", Outcome::Ready, &[("api", 2), ("web", 1)]);
    run(&mut record, "3", Outcome::Ready, &[("api", 3)]);
    let gone = |run| unreachable(run, vec![obstacle("web", Why::Gone)]);
    let found = Ok(("1".to_owned(), vec![gone("3"), gone("2")]));
    assert_eq!(back(&record, &now(3, 0), None), found);
    let mut records = now(3, 0);
    let mut uninstalled = kept("web", 1, "");
    uninstalled.status = RecordStatus::Uninstalled;
    records.push(uninstalled);
    assert_eq!(
        back(&record, &records, None),
        found,
        "helm keeps its history"
    );
    records[3].status = RecordStatus::Uninstalling;
    let going = unreachable("2", vec![obstacle("web", Why::Going)]);
    let refused = Err(NoWayBack::Unreachable(vec![going]));
    assert_eq!(back(&record, &records, Some("2")), refused);
}

#[test]
fn a_release_that_was_another_then_can_not_go_back() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
    record.releases[0].release = "api-v2".parse().unwrap();
    let mut records = now(1, 2);
    records.push(kept("api-v2", 1, ""));
    let elsewhere = Why::Elsewhere("api".parse().unwrap(), "shop".parse().unwrap());
    let refused = |why| {
        let unreachable = unreachable("1", vec![obstacle("api", why)]);
        Err(NoWayBack::Unreachable(vec![unreachable]))
    };
    assert_eq!(back(&record, &records, Some("1")), refused(elsewhere));
    // The profile has dropped it: it is as it was, or changed since.
    record.releases.remove(0);
    assert_eq!(run_of(&record, &records, Some("1")).as_deref(), Ok("1"));
    records.push(kept("api", 2, ""));
    assert_eq!(back(&record, &records, Some("1")), refused(Why::Unnamed));
}

#[test]
fn what_helm_does_not_keep_and_what_another_stack_has_can_not_be_gone_back_to() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
    let mut records = now(3, 2);
    records.retain(|it| it.release != "api" || it.revision > 1);
    let forgotten = unreachable("1", vec![obstacle("api", Why::Forgotten(1))]);
    let refused = Err(NoWayBack::Unreachable(vec![forgotten]));
    assert_eq!(back(&record, &records, None), refused);
    let mut records = now(2, 2);
    records[1].marks.stack = Some("other".into());
    records[1].marks.revision = Some(2);
    let taken = unreachable(
        "1",
        vec![obstacle("api", Why::Taken("stack `other`".into()))],
    );
    let refused = Err(NoWayBack::Unreachable(vec![taken]));
    assert_eq!(back(&record, &records, None), refused);
}

/// Of what an earlier version has written nothing is known but numbers.
#[test]
fn a_set_without_identities_is_judged_by_its_numbers_until_it_is_verified_again() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
    record.sets[0].identities.clear();
    for release in &mut record.releases {
        release.verified.as_mut().unwrap().record = None;
    }
    let mut records = now(2, 1);
    records[0].uid = "another".into();
    assert_eq!(run_of(&record, &records, None).as_deref(), Ok("1"));
    for name in ["api", "web"] {
        record.identify(&id(name), 1, &uid(name, 1, ""));
        record.identify(&id(name), 2, &uid(name, 2, ""));
    }
    run(&mut record, "2", Outcome::Ready, &[]);
    let runs: Vec<&str> = record.sets.iter().map(|set| set.run.as_str()).collect();
    assert_eq!(runs, ["2"], "the same, and more is known of it");
    let anew = unreachable("2", vec![obstacle("api", Why::InstalledAnew)]);
    let refused = Err(NoWayBack::Unreachable(vec![anew]));
    assert_eq!(back(&record, &records, None), refused);
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

/// It has been made again: whoever wants to go back further does.
#[test]
fn what_a_failed_run_went_back_to_is_what_there_is() {
    let mut record = record();
    run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
    run(&mut record, "2", Outcome::Ready, &[("api", 2), ("web", 2)]);
    begin(&mut record, "3", Verb::Up);
    let end = RunEnd {
        at: Timestamp::UNIX_EPOCH,
        outcome: Outcome::Failed,
        releases: Vec::new(),
        together: true,
        back: Some(WentBack {
            to: RunId::foreign("2"),
            failed: vec![id("web")],
        }),
    };
    let verified = ["api", "web"].map(|name| {
        let verified = Verified {
            revision: 4,
            record: Some(uid(name, 4, "")),
            objects: Vec::new(),
            hooks: Vec::new(),
        };
        (id(name), verified)
    });
    record.end(&RunId::foreign("3"), end, verified.into());
    assert_eq!(record.newest_set().unwrap().run.as_str(), "3");
    assert_eq!(run_of(&record, &now(4, 4), None).as_deref(), Ok("1"));
}

#[test]
fn what_the_last_profile_says_can_not_go_back_is_in_no_sets_way() {
    let mut record = record();
    run(
        &mut record,
        "one",
        Outcome::Ready,
        &[("api", 1), ("web", 1)],
    );
    run(
        &mut record,
        "two",
        Outcome::Ready,
        &[("api", 2), ("web", 2)],
    );
    // helm has forgotten the revision of `web`.
    let mut records = now(2, 2);
    records.retain(|it| it.release != "web" || it.revision != 1);
    assert!(run_of(&record, &records, None).is_err());
    record.releases[1].forward_only = true;
    assert_eq!(run_of(&record, &records, None).as_deref(), Ok("one"));
    record.releases[0].forward_only = true;
    assert_eq!(run_of(&record, &records, None), Err(NoWayBack::Nothing));
}
