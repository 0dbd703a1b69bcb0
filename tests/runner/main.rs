//! The runner on a paused clock, with a helm and a cluster that do what a table says.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod asking;
mod backward;
mod clearing;
mod commands;
mod door;
mod evidence;
mod fakes;
mod holding;
mod kinds;
mod later_hooks;
mod lease;
mod leaving;
mod providers;
mod prune;
mod scripted;
mod seeing_off;
mod sooner;
mod unanswered;
mod unchanged;
mod unwatched;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use fakes::{
    Fake, Fate, HELM, Hand, deployed, failed, half_removed, profile_file, scheduled, unwatched,
};
use jiff::Timestamp;
use proptest::prelude::*;
use scripted::Scripted;
use stackctl::event::{CancelReason, Event, EventKind, Outcome, Verdict, VerdictClass};
use stackctl::memory::{EndedRelease, Left, WentBack};
use stackctl::names::{Namespace, ReleaseId, ReleaseName, RunId};
use stackctl::plan::{Plan, Selection};
use stackctl::profile::{self, Profile};
use stackctl::runner::ports::ObserveError;
use stackctl::runner::{
    Back, Channels, Emitter, Ended, Gate, Known, OnFailure, Settings, back, down, up,
};
use stackctl::verdict::CompletedRule;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A stack and what becomes of its releases.
struct Case {
    profile: Profile,
    plan: Plan,
    fake: Fake,
    parallel: usize,
    timeout: Option<Duration>,
    recover: bool,
    known: HashMap<ReleaseId, Known>,
    on_failure: OnFailure,
    unsure: Vec<RunId>,
    /// Releases that the profile does not name, to be pruned.
    orphans: Option<Plan>,
    volumes: bool,
    left: Vec<Left>,
    /// Releases that were known to be the stack's.
    listed: BTreeSet<(Namespace, ReleaseName)>,
    /// When signals come, in milliseconds from the start.
    signals: Vec<(u64, CancelReason)>,
    _folder: tempfile::TempDir,
}

enum Way {
    Up,
    Down,
    Back(Back),
}

struct Ran {
    outcome: Outcome,
    ends: Vec<EndedRelease>,
    /// What there is to be remembered of.
    verified: Vec<String>,
    together: bool,
    back: Option<WentBack>,
    left: Vec<Left>,
    /// As others read it on the Lease.
    progress: String,
    events: Vec<Event>,
}

impl Case {
    fn new(releases: &[(&str, Fate, &[&str])]) -> Case {
        Case::with(releases, |_| {})
    }

    /// With a profile that is changed before it becomes a plan.
    fn with(releases: &[(&str, Fate, &[&str])], change: impl FnOnce(&mut Profile)) -> Case {
        let graph: Vec<(&str, Vec<&str>)> = releases
            .iter()
            .map(|(id, _, needs)| (*id, needs.to_vec()))
            .collect();
        let (folder, file) = profile_file(&graph);
        let mut profile = profile::load(&file, &|_| None).unwrap();
        change(&mut profile);
        Case {
            plan: Plan::new(&profile, &Selection::All).unwrap(),
            profile,
            fake: Fake::new(releases.iter().map(|(id, fate, _)| (id.to_string(), *fate))),
            parallel: 8,
            timeout: None,
            recover: false,
            known: HashMap::new(),
            on_failure: OnFailure::Stay,
            unsure: Vec::new(),
            orphans: None,
            volumes: false,
            left: Vec::new(),
            listed: BTreeSet::new(),
            signals: Vec::new(),
            _folder: folder,
        }
    }

    /// Leaves some of its releases out.
    fn replan(&mut self, selection: &Selection) {
        self.plan = Plan::new(&self.profile, selection).unwrap();
    }

    fn settings(&self) -> Settings {
        Settings {
            parallel: self.parallel,
            timeout: self.timeout,
            recover: self.recover,
            known: self.known.clone(),
            on_failure: self.on_failure.clone(),
            orphans: self.orphans.clone(),
            prune: self.orphans.is_some(),
            volumes: self.volumes,
            left: self.left.clone(),
            listed: self.listed.clone(),
            ..settings()
        }
    }

    fn run(&self, way: &Way) -> Ran {
        self.try_run(way).unwrap()
    }

    fn try_run(&self, way: &Way) -> Result<Ran, ObserveError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (events, mut happened) = unbounded_channel();
            let (cancel, cancelled) = unbounded_channel();
            for (at, reason) in self.signals.clone() {
                let cancel = cancel.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(at)).await;
                    let _ = cancel.send(reason);
                });
            }
            let channels = Channels {
                unsure: self.unsure.clone(),
                ..channels(events, cancelled)
            };
            let progress = channels.emitter.progress();
            let settings = self.settings();
            let (plan, fake) = (&self.plan, &self.fake);
            let ended = match way {
                Way::Up => up(plan, fake, fake, &settings, channels).await,
                Way::Down => down(plan, fake, fake, &settings, channels).await,
                Way::Back(to) => back(plan, to, fake, fake, &settings, channels).await,
            };
            let mut all = Vec::new();
            while let Ok(event) = happened.try_recv() {
                all.push(event);
            }
            Ok(Ran {
                progress: progress.borrow().to_string(),
                ..Ran::of(ended?, all)
            })
        })
    }

    fn up(&self) -> Ran {
        self.run(&Way::Up)
    }

    /// With every release in the cluster before, told of from the plan's last to its first.
    fn down(&self) -> Ran {
        for step in self.plan.steps().iter().rev() {
            deployed(&self.fake, step);
        }
        self.run(&Way::Down)
    }
}

fn start() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

/// Of a run that has its stack to itself.
fn channels(events: UnboundedSender<Event>, cancel: UnboundedReceiver<CancelReason>) -> Channels {
    Channels {
        emitter: Emitter::new(events, start()),
        cancel,
        gate: Gate::open(),
        unsure: Vec::new(),
    }
}

fn settings() -> Settings {
    Settings {
        run: RunId::new(start(), 1),
        context: "test".into(),
        recover: false,
        parallel: 8,
        timeout: None,
        completed: CompletedRule::default(),
        charts: HashMap::new(),
        volumes: false,
        left: Vec::new(),
        orphans: None,
        prune: false,
        on_failure: OnFailure::Stay,
        listed: BTreeSet::new(),
        known: HashMap::new(),
    }
}

/// Brings up releases with these needs in a scripted cluster; `begin` is called first.
fn try_scripted(
    releases: &[(&str, &[&str])],
    cluster: &Scripted,
    begin: impl FnOnce(),
) -> Result<Ran, ObserveError> {
    let graph: Vec<(&str, Vec<&str>)> = releases
        .iter()
        .map(|(id, needs)| (*id, needs.to_vec()))
        .collect();
    let (_folder, file) = profile_file(&graph);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("timeout: 60s", "timeout: 20m")).unwrap();
    let plan = Plan::new(&profile::load(&file, &|_| None).unwrap(), &Selection::All).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        begin();
        let (events, mut happened) = unbounded_channel();
        let (_signals, cancel) = unbounded_channel();
        let channels = channels(events, cancel);
        let ended = up(&plan, cluster, cluster, &settings(), channels).await?;
        let mut events = Vec::new();
        while let Ok(event) = happened.try_recv() {
            events.push(event);
        }
        Ok(Ran::of(ended, events))
    })
}

fn run_scripted(releases: &[(&str, &[&str])], cluster: &Scripted) -> Ran {
    try_scripted(releases, cluster, || {}).unwrap()
}

impl Ran {
    fn warnings(&self) -> Vec<&str> {
        let warnings = self.events.iter().filter_map(|event| match &event.kind {
            EventKind::Warning { message, .. } => Some(message.as_str()),
            _ => None,
        });
        warnings.collect()
    }

    fn of(ended: Ended, events: Vec<Event>) -> Ran {
        let verified = ended.verified.into_iter();
        Ran {
            outcome: ended.outcome,
            ends: ended.releases,
            verified: verified.map(|it| it.id.to_string()).collect(),
            together: ended.together,
            back: ended.back,
            left: ended.left,
            progress: String::new(),
            events,
        }
    }

    fn verdict(&self, id: &str) -> &Verdict {
        let verdict = |event: &'_ Event| match &event.kind {
            EventKind::ReleaseFailed { release, .. } => release.as_str() == id,
            _ => false,
        };
        match &self.events.iter().find(|e| verdict(e)).unwrap().kind {
            EventKind::ReleaseFailed { verdict, .. } => verdict,
            _ => unreachable!(),
        }
    }

    /// The first event of a release that the test is true for, in milliseconds from the start.
    fn when(&self, id: &str, is: impl Fn(&EventKind) -> bool) -> Option<u64> {
        let of = |event: &&Event| event.kind.release().is_some_and(|r| r.as_str() == id);
        let mut own = self.events.iter().filter(of);
        own.find(|event| is(&event.kind))
            .map(|event| event.elapsed_ms)
    }

    fn started(&self, id: &str) -> Option<u64> {
        self.when(id, |kind| matches!(kind, EventKind::ReleaseStarted { .. }))
    }

    fn removed(&self, id: &str) -> Option<u64> {
        self.when(id, |kind| matches!(kind, EventKind::ReleaseRemoved { .. }))
    }

    fn ready(&self, id: &str) -> Option<u64> {
        self.when(id, |kind| matches!(kind, EventKind::ReleaseReady { .. }))
    }

    /// How each release ended, in a word.
    fn ends(&self) -> BTreeMap<String, &'static str> {
        let mut ends = BTreeMap::new();
        for event in &self.events {
            let word = match &event.kind {
                EventKind::ReleaseReady { .. } => "ready",
                EventKind::ReleaseRemoved { .. } => "removed",
                EventKind::ReleaseFailed { verdict, .. } => match verdict.class {
                    VerdictClass::Expired => "expired",
                    VerdictClass::Certain | VerdictClass::Likely => "failed",
                },
                EventKind::ReleaseBlocked { .. } => "blocked",
                EventKind::ReleaseCancelled { .. } => "cancelled",
                _ => continue,
            };
            if let Some(release) = event.kind.release() {
                ends.insert(release.to_string(), word);
            }
        }
        ends
    }
}

#[test]
fn a_release_starts_the_moment_its_own_needs_are_met() {
    let case = Case::new(&[
        ("slow", Fate::Ready(5000), &[]),
        ("quick", Fate::Ready(100), &[]),
        ("on-quick", Fate::Ready(0), &["quick"]),
        ("on-both", Fate::Ready(0), &["slow", "quick"]),
    ]);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(ran.ready("quick"), Some(HELM + 100));
    assert_eq!(ran.started("on-quick"), ran.ready("quick"));
    assert_eq!(ran.started("on-both"), ran.ready("slow"));
    assert!(case.fake.is_verified("slow"));
}

#[test]
fn only_so_many_helms_work_at_once_and_watching_takes_no_place() {
    let mut case = Case::new(&[
        ("a", Fate::Ready(60_000 - HELM * 3), &[]),
        ("b", Fate::Ready(0), &[]),
        ("c", Fate::Ready(0), &[]),
    ]);
    case.parallel = 1;
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(case.fake.most_at_work(), 1);
    assert_eq!(ran.ready("c"), Some(3 * HELM));
}

#[test]
fn a_failure_blocks_what_needs_it_and_nothing_else() {
    let case = Case::new(&[
        ("bad", Fate::Fails(1000), &[]),
        ("good", Fate::Ready(2000), &[]),
        ("after-bad", Fate::Ready(0), &["bad"]),
        ("far", Fate::Ready(0), &["after-bad", "good"]),
        ("after-good", Fate::Ready(0), &["good"]),
    ]);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Failed);
    let ends = ran.ends();
    assert_eq!(ends["bad"], "failed");
    assert_eq!(ends["after-bad"], "blocked");
    assert_eq!(ends["far"], "blocked");
    assert_eq!(ends["after-good"], "ready");
    assert_eq!(ran.started("after-bad"), None);
    assert!(!case.fake.is_verified("bad"));
}

#[test]
fn what_helm_refuses_fails_with_its_words() {
    let ran = Case::new(&[("a", Fate::Refused, &[])]).up();
    assert_eq!(ran.outcome, Outcome::Failed);
    let verdict = ran.events.iter().find_map(|event| match &event.kind {
        EventKind::ReleaseFailed { verdict, .. } => Some(verdict.clone()),
        _ => None,
    });
    assert_eq!(verdict.unwrap().sentence, "helm says: no");
}

#[test]
fn a_half_done_first_install_is_not_taken_for_one_that_can_be_upgraded() {
    let case = Case::new(&[("a", Fate::HalfInstalledWithData, &[])]);
    failed(&case.fake, &case.plan.steps()[0]);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(case.fake.most_at_work(), 0, "helm was started");
    let verdict = ran.events.iter().find_map(|event| match &event.kind {
        EventKind::ReleaseFailed { verdict, .. } => Some(verdict.clone()),
        _ => None,
    });
    let verdict = verdict.unwrap();
    assert!(
        verdict
            .sentence
            .contains("before hook job/seed had succeeded"),
        "{verdict:?}"
    );
    assert!(
        verdict.hints[0].starts_with("`helm uninstall a -n test`"),
        "{verdict:?}"
    );
}

/// helm was ended at a hook, before it had made any of the rest.
#[test]
fn a_first_install_that_has_made_nothing_with_data_is_made_anew() {
    let case = Case::new(&[("a", Fate::HalfInstalledWithData, &[])]);
    failed(&case.fake, &case.plan.steps()[0]);
    case.fake.by_hand("data", Hand::Deletes);
    case.up();
    assert_eq!(case.fake.removals(), ["a Deleted"]);
    assert_eq!(case.fake.most_at_work(), 1);
}

#[test]
fn a_deadline_is_no_failure_of_another_kind() {
    let ran = Case::new(&[("a", Fate::Stuck, &[]), ("b", Fate::Ready(0), &["a"])]).up();
    assert_eq!(ran.outcome, Outcome::DeadlinePassed);
    assert_eq!(ran.ends()["a"], "expired");
    assert_eq!(ran.ends()["b"], "blocked");
    let failed = |kind: &EventKind| matches!(kind, EventKind::ReleaseFailed { .. });
    assert_eq!(ran.when("a", failed), Some(60_000));
}

#[test]
fn the_runs_own_deadline_ends_what_is_under_way_and_starts_nothing() {
    let mut case = Case::new(&[("a", Fate::Stuck, &[]), ("b", Fate::Ready(0), &["a"])]);
    case.timeout = Some(Duration::from_secs(10));
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::DeadlinePassed);
    assert_eq!(ran.ends()["a"], "expired");
    assert_eq!(ran.ends()["b"], "cancelled");
    assert_eq!(ran.events.last().unwrap().elapsed_ms, 10_000);
}

#[test]
fn ready_that_is_lost_again_is_no_success() {
    let ran = Case::new(&[("a", Fate::Lost, &[]), ("b", Fate::Ready(3000), &[])]).up();
    assert_eq!(ran.outcome, Outcome::DeadlinePassed);
    assert_eq!(ran.ends()["a"], "expired");
    let degraded = |kind: &EventKind| matches!(kind, EventKind::ReleaseDegraded { .. });
    assert_eq!(ran.when("a", degraded), Some(HELM + 1100));
}

#[test]
fn what_a_degraded_release_holds_up_waits_for_it_again() {
    let ran = Case::new(&[
        ("a", Fate::Flaps, &[]),
        ("b", Fate::Ready(1500), &[]),
        ("c", Fate::Ready(0), &["a", "b"]),
    ])
    .up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(ran.started("c"), Some(HELM + 2100));
}

#[test]
fn a_signal_lets_helm_end_and_starts_nothing_new() {
    let mut case = Case::new(&[
        ("working", Fate::Hangs, &[]),
        ("coming-up", Fate::Stuck, &[]),
        ("done", Fate::Ready(0), &[]),
        ("later", Fate::Ready(0), &["working"]),
    ]);
    case.signals = vec![(2000, CancelReason::Interrupt)];
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Interrupted);
    assert_eq!(ran.ends()["done"], "ready");
    for id in ["working", "coming-up", "later"] {
        assert_eq!(ran.ends()[id], "cancelled", "{id}");
    }
    assert_eq!(ran.events.last().unwrap().elapsed_ms, 2000);
}

#[test]
fn down_goes_backwards_and_waits_until_all_is_gone() {
    let case = Case::new(&[("a", Fate::Ready(0), &[]), ("b", Fate::Ready(0), &["a"])]);
    let ran = case.down();
    assert_eq!(ran.outcome, Outcome::Removed);
    assert_eq!(ran.removed("b"), Some(HELM + 500));
    assert_eq!(ran.started("a"), ran.removed("b"));
}

/// Far more than tokio lets a task take from a channel at once.
#[test]
fn down_leaves_none_of_many_out() {
    let ids: Vec<String> = (0..200).map(|at| format!("r{at}")).collect();
    let releases: Vec<(&str, Fate, &[&str])> =
        (ids.iter().map(|id| (id.as_str(), Fate::Ready(0), &[][..]))).collect();
    let case = Case::new(&releases);
    let ran = case.down();
    assert_eq!(ran.outcome, Outcome::Removed);
    for id in &ids {
        assert!(ran.removed(id) >= Some(HELM + 500), "{id}");
    }
}

/// As Kubernetes' controllers do that hear of their owner's end after that of its first pod.
#[test]
fn down_waits_for_a_pod_that_comes_while_its_owner_goes() {
    let case = Case::new(&[("a", Fate::Replaced, &[])]);
    let ran = case.down();
    assert_eq!(ran.outcome, Outcome::Removed);
    assert_eq!(ran.removed("a"), Some(HELM + 1000));
}

#[test]
fn down_waits_for_what_a_cron_job_has_started() {
    let case = Case::new(&[("a", Fate::Scheduled, &[])]);
    scheduled(&case.fake, &case.plan.steps()[0]);
    let ran = case.run(&Way::Down);
    assert_eq!(ran.outcome, Outcome::Removed);
    assert_eq!(ran.removed("a"), Some(HELM + 1000));
}

#[test]
fn down_waits_for_the_pods_of_what_is_not_watched() {
    for kind in ["ReplicationController", "Widget"] {
        let case = Case::new(&[("a", Fate::Unwatched(kind), &[])]);
        unwatched(&case.fake, &case.plan.steps()[0], kind);
        let ran = case.run(&Way::Down);
        assert_eq!(ran.outcome, Outcome::Removed);
        assert_eq!(ran.removed("a"), Some(HELM + 1000), "{kind}");
    }
}

#[test]
fn what_helm_leaves_is_removed_before_its_history_is() {
    let case = Case::new(&[("a", Fate::HalfInstalled, &[])]);
    let ran = case.down();
    assert_eq!(ran.outcome, Outcome::Removed);
    let done = ["a marked", "a Kept", "job/seed deleted", "a Deleted"];
    assert_eq!(case.fake.removals(), done);
}

#[test]
fn a_removal_that_was_killed_is_finished() {
    let case = Case::new(&[("a", Fate::HalfInstalled, &[])]);
    half_removed(&case.fake, &case.plan.steps()[0]);
    let ran = case.run(&Way::Down);
    assert_eq!(ran.outcome, Outcome::Removed);
    assert_eq!(case.fake.removals(), ["job/seed deleted", "a Deleted"]);
}

#[test]
fn down_says_what_does_not_go() {
    let case = Case::new(&[("a", Fate::Ready(0), &[]), ("b", Fate::Stuck, &["a"])]);
    let ran = case.down();
    assert_eq!(ran.outcome, Outcome::DeadlinePassed);
    assert_eq!(ran.ends()["b"], "expired");
    assert_eq!(ran.ends()["a"], "blocked");
    let waits = ran.events.iter().find_map(|event| match &event.kind {
        EventKind::ReleaseWaiting { on, .. } => Some(on.as_str()),
        _ => None,
    });
    assert_eq!(waits, Some("job/b to be gone"));
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => (0u64..3000).prop_map(Fate::Ready),
        1 => (0u64..3000).prop_map(Fate::Fails),
        1 => Just(Fate::Refused),
        1 => Just(Fate::Stuck),
        1 => Just(Fate::Lost),
        2 => Just(Fate::Flaps),
        1 => Just(Fate::Hangs),
    ]
}

type Node = (Fate, Vec<prop::sample::Index>);

fn graph() -> impl Strategy<Value = Vec<Node>> {
    let node = (
        fate(),
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    );
    prop::collection::vec(node, 1..10)
}

fn signals() -> impl Strategy<Value = Vec<(u64, CancelReason)>> {
    let reason = prop_oneof![Just(CancelReason::Interrupt), Just(CancelReason::Terminate)];
    prop::collection::vec((0u64..8000, reason), 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever happens and whenever it is interrupted: every release ends exactly once, nothing
    /// starts before its needs are ready, and the run's end is the last word.
    #[test]
    fn every_release_ends_once_and_in_order(
        nodes in graph(),
        signals in signals(),
        parallel in 1usize..4,
    ) {
        let ids: Vec<String> = (0..nodes.len()).map(|at| format!("r{at}")).collect();
        let needs: Vec<Vec<&str>> = nodes
            .iter()
            .enumerate()
            .map(|(at, (_, picks))| {
                let mut needs: Vec<&str> = picks
                    .iter()
                    .filter(|_| at > 0)
                    .map(|pick| ids[pick.index(at.max(1))].as_str())
                    .collect();
                needs.sort_unstable();
                needs.dedup();
                needs
            })
            .collect();
        let releases: Vec<(&str, Fate, &[&str])> = nodes
            .iter()
            .enumerate()
            .map(|(at, (fate, _))| (ids[at].as_str(), *fate, needs[at].as_slice()))
            .collect();
        let mut case = Case::new(&releases);
        case.signals = signals;
        case.parallel = parallel;
        let ran = case.up();
        check(&ran, &releases)?;
        prop_assert!(case.fake.most_at_work() <= parallel);
    }
}

fn check(ran: &Ran, releases: &[(&str, Fate, &[&str])]) -> Result<(), TestCaseError> {
    let mut open: BTreeMap<&str, bool> = releases.iter().map(|(id, ..)| (*id, true)).collect();
    let mut ready: Vec<&str> = Vec::new();
    for (at, event) in ran.events.iter().enumerate() {
        prop_assert_eq!(event.seq, at as u64 + 1);
        let Some(id) = event.kind.release().map(ReleaseId::as_str) else {
            continue;
        };
        match &event.kind {
            EventKind::ReleaseStarted { .. } => {
                let needs = releases.iter().find(|(of, ..)| *of == id).unwrap().2;
                prop_assert!(
                    needs.iter().all(|need| ready.contains(need)),
                    "{id} was too early"
                );
            }
            EventKind::ReleaseDegraded { .. } => {
                prop_assert_eq!(open.insert(id, true), Some(false));
            }
            kind if kind.is_terminal() => {
                prop_assert_eq!(open.insert(id, false), Some(true), "{} ended twice", id);
                if matches!(kind, EventKind::ReleaseReady { .. }) {
                    ready.push(id);
                }
            }
            _ => {}
        }
    }
    prop_assert!(open.values().all(|open| !open), "{:?} never ended", open);
    let last = ran.events.last().map(|event| &event.kind);
    let Some(EventKind::RunFinished { counts, .. }) = last else {
        return Err(TestCaseError::fail("the last event is not the run's end"));
    };
    let total = counts.ready + counts.failed + counts.blocked + counts.cancelled;
    prop_assert_eq!(total as usize, releases.len());
    Ok(())
}
