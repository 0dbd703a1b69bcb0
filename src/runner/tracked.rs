use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::asking::{Backoff, Limits};
use super::hold::Stage;
use super::lease::Gate;
use super::patience::Patience;
use super::ports::{Cancel, Refusal, Trouble};
use super::shown::Shown;
use crate::event::{Evidence, Verdict, VerdictClass};
use crate::memory::ReleaseEnd;
use crate::plan::Step;
use crate::snapshot::{Contents, Hook, LastingHook, ObjectRef, Uid};
use crate::verdict::{Assessment, Baseline, Cause, Finding, Hope, LogOf};

/// How long a helm that was asked to end may take for it: it writes down that it was cancelled.
pub const GRACE: Duration = Duration::from_secs(10);

/// What an earlier run has left of a release.
#[derive(Debug, Clone)]
pub struct LeftBehind {
    /// Of its last revision.
    pub last: Contents,
    /// Of its first.
    pub first: Contents,
    /// Something is there that may hold data. Only of a first install that failed is that known.
    pub holds_data: bool,
}

/// What the run knows of one release.
#[derive(Debug)]
pub struct Tracked<'p> {
    pub step: &'p Step,
    pub phase: Phase,
    /// Of one that waits: when the last of its needs has to be met.
    pub deadline: Option<Instant>,
    /// Needs on parts of other releases that are not met though helm is through with these: by
    /// position, what is waited for.
    pub unmet: BTreeMap<usize, String>,
    /// The newest revision before this run began with it.
    pub found: u32,
    /// The newest revision before the helm that is at work.
    pub before: u32,
    pub baseline: Baseline,
    /// The revision that helm is making or has made.
    pub revision: Option<u32>,
    /// The revision that it goes back to.
    pub back: Option<u32>,
    /// Pods of the revision before that were taken out of the way.
    pub unstuck: HashSet<Uid>,
    /// It needs no helm.
    pub settled: Option<Before>,
    pub contents: Option<Contents>,
    /// What its hooks have made for others.
    pub hooks: Vec<LastingHook>,
    /// Of one that is unchanged.
    pub past: Past,
    /// Those of its hooks' objects that helm has deleted again.
    pub lost_hooks: Vec<ObjectRef>,
    /// What an earlier run has left of it, until it is put right.
    pub left_behind: Option<LeftBehind>,
    /// Hooks of an earlier run that are starting are waited for until then.
    pub starts_until: Option<Instant>,
    /// A helm of this run has begun to remove it, to install it anew.
    pub taken_away: bool,
    /// The contents of this revision have been asked for.
    pub asked: Option<u32>,
    /// Helm returned well.
    pub helm_done: bool,
    /// When a record is closed for a helm that returned well and has not written that down.
    pub unrecorded: Option<Instant>,
    /// How often a helm of it got no answer from the API server.
    pub unanswered: u32,
    /// Everything of it has been looked at once since helm returned.
    pub looked_at: bool,
    /// Of looking that did not work, and why it did not.
    pub looking: Backoff,
    pub unseen: Option<String>,
    pub cancel: Cancel,
    /// Its helm, or a command around it, is at work, though the release may be given up.
    pub helm_works: bool,
    /// When a helm that was asked to end is made to.
    pub kill_at: Option<Instant>,
    pub assessment: Assessment,
    /// Commands before it that have ended well.
    pub prepared: usize,
    /// Commands after it that have ended well.
    pub concluded: usize,
    pub patience: Patience,
    pub shown: Shown,
    pub doom: Option<Doom>,
    /// How it ended, unless it is ready.
    pub end: Option<ReleaseEnd>,
}

/// What there is of a release that is as it is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// It was seen ready.
    pub verified: bool,
    /// And what it consisted of then is remembered.
    pub remembered: bool,
}

/// What others need of an unchanged release, and what need not be there any more.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Jobs and hooks that have done their work.
    pub done: Vec<ObjectRef>,
    /// Objects of hooks that nobody puts back.
    pub gone: Vec<ObjectRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Waiting,
    /// Helm is at work.
    Deploying,
    /// Helm is through; the objects come up.
    Converging,
    Ready,
    /// Failed, blocked or cancelled.
    Ended,
}

/// A release that is given up, while the last of its evidence comes in.
#[derive(Debug, Clone)]
pub struct Doom {
    /// When it is said, evidence or not.
    pub until: Instant,
    pub finding: Option<Finding>,
    /// The finding had not used up its hope when helm gave up.
    pub was_open: bool,
    pub helm: Option<Refusal>,
}

impl<'p> Tracked<'p> {
    pub fn new(step: &'p Step, gate: &Gate) -> Tracked<'p> {
        Tracked {
            step,
            phase: Phase::Waiting,
            deadline: None,
            unmet: BTreeMap::new(),
            found: 0,
            before: 0,
            baseline: Baseline::default(),
            revision: None,
            back: None,
            unstuck: HashSet::new(),
            settled: None,
            contents: None,
            hooks: Vec::new(),
            past: Past::default(),
            lost_hooks: Vec::new(),
            left_behind: None,
            starts_until: None,
            taken_away: false,
            asked: None,
            helm_done: false,
            unrecorded: None,
            unanswered: 0,
            looked_at: false,
            looking: Backoff::default(),
            unseen: None,
            cancel: Cancel::behind(gate),
            helm_works: false,
            kill_at: None,
            assessment: Assessment::default(),
            prepared: 0,
            concluded: 0,
            patience: Patience::default(),
            shown: Shown::default(),
            doom: None,
            end: None,
        }
    }

    /// One that goes back to this revision.
    pub fn back(step: &'p Step, revision: u32, gate: &Gate) -> Tracked<'p> {
        Tracked {
            back: Some(revision),
            ..Tracked::new(step, gate)
        }
    }

    /// It was seen ready before the run, and nothing of it is new.
    pub fn is_proven(&self) -> bool {
        self.settled.is_some_and(|before| before.verified)
    }

    /// Helm is at work on it or its objects are coming up.
    pub fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Deploying | Phase::Converging)
    }

    /// How long the cluster is asked about it.
    pub fn limits(&self) -> Limits {
        Limits {
            cancel: self.cancel.gently.clone(),
            until: self.deadline,
        }
    }

    /// How long its record is tried to be marked: a while even where it was ready at the last
    /// moment.
    pub fn marking(&self, now: Instant) -> Limits {
        Limits {
            cancel: self.cancel.now.clone(),
            until: self.deadline.map(|end| end.max(now + GRACE)),
        }
    }

    /// Asks a helm that is at work to end, and gives it a while for that.
    pub fn stop_helm(&mut self, now: Instant) {
        self.cancel.gently.cancel();
        if self.helm_works {
            self.kill_at.get_or_insert(now + GRACE);
        }
    }

    /// Ends a helm by force whose time to end by itself has passed. Returns whether it had to.
    pub fn kill_helm(&mut self, now: Instant) -> bool {
        let is_due = self.kill_at.is_some_and(|at| at <= now);
        if is_due {
            self.kill_at = None;
            self.cancel.now.cancel();
        }
        is_due
    }

    pub fn stage(&self) -> Stage {
        match self.phase {
            _ if self.doom.is_some() => Stage::Over,
            Phase::Waiting => Stage::Waiting,
            Phase::Deploying => Stage::Deploying,
            Phase::Converging => Stage::Converging,
            Phase::Ready => Stage::Ready,
            Phase::Ended => Stage::Over,
        }
    }

    /// What there is left of its deadline.
    pub fn remaining(&self, now: Instant) -> Duration {
        self.deadline
            .map_or(self.step.timeout, |end| end.saturating_duration_since(now))
    }
}

impl Doom {
    pub fn new(until: Instant, finding: Option<Finding>, helm: Option<Refusal>) -> Doom {
        Doom {
            until,
            finding,
            was_open: false,
            helm,
        }
    }

    /// helm has given up one of these hooks that was not through: what it had, and might have got over,
    /// is the cause.
    pub fn learn_of_hook(&mut self, hooks: &[Hook], findings: &[Finding]) {
        let is_unclear = |said: &Refusal| said.trouble == Trouble::Unclear;
        if self.finding.is_none() && self.helm.as_ref().is_some_and(is_unclear) {
            let is_of_hook = |it: &&Finding| hooks.iter().any(|hook| hook.object == it.object);
            let of_hooks: Vec<&Finding> = findings.iter().filter(is_of_hook).collect();
            let mut failed = of_hooks.iter().filter(|it| it.cause == Cause::HookFailed);
            let found = failed
                .find(|it| it.hope == Hope::Retried)
                .or(of_hooks.first());
            self.finding = found.map(|it| (*it).clone());
            self.was_open = self.finding.is_some();
        }
    }

    /// What is told of it: the cause that was found, with helm's words as further proof, or else
    /// helm's words alone, as where they leave nothing open. Of a hook that failed, helm says no
    /// more than that, where it comes to that at all.
    pub fn verdict(self, log: Option<Evidence>) -> Verdict {
        match (self.finding, self.helm) {
            (_, Some(said)) if said.trouble != Trouble::Unclear => said.verdict(),
            (Some(finding), helm) => {
                let of_hook = finding.cause == Cause::HookFailed;
                let mut verdict = finding.verdict;
                if let (true, Some(said)) = (self.was_open, &helm) {
                    verdict.sentence = format!("{}: {}", said.sentence, verdict.sentence);
                }
                verdict.evidence.splice(0..0, log);
                if let Some(said) = helm.filter(|_| !of_hook) {
                    verdict.evidence.push(Evidence::Helm { lines: said.output });
                }
                verdict
            }
            (None, Some(said)) => said.verdict(),
            (None, None) => Verdict {
                class: VerdictClass::Certain,
                sentence: "it failed without a word".into(),
                chain: Vec::new(),
                evidence: Vec::new(),
                hints: Vec::new(),
            },
        }
    }
}

/// The verdict when the time is up: the trouble that had not used up its budget yet, or what the
/// release waited for. `what` it was not is `ready` or `started`.
pub fn expired(what: &str, limit: &str, assessment: &Assessment, log: Option<Evidence>) -> Verdict {
    let mut evidence: Vec<Evidence> = log.into_iter().collect();
    let waiting = assessment.waiting.as_ref();
    if let Some(trouble) = assessment.findings.first() {
        let verdict = trouble.verdict.clone();
        evidence.extend(verdict.evidence);
        let mut sentence = format!("not {what} {limit}: {}", verdict.sentence);
        // The trouble may as well be the shadow of a hook that takes its time.
        let hook = waiting.filter(|waiting| waiting.on.starts_with("hook "));
        if let (Hope::AfterHooks, Some(waiting)) = (trouble.hope, hook) {
            sentence = format!("{sentence}; helm was still at {}", waiting.on);
        }
        return Verdict {
            class: VerdictClass::Likely,
            sentence,
            evidence,
            ..verdict
        };
    }
    // Something is at work, which nobody can tell of a gate or of a paused rollout.
    let works = waiting.is_some_and(|waiting| waiting.log_of.is_some());
    let longer = works.then(|| "if it only needs longer, raise its `timeout`".to_owned());
    Verdict {
        class: VerdictClass::Expired,
        sentence: match waiting {
            Some(waiting) if what == "started" => {
                format!("not started {limit}: it waits for {}", waiting.on)
            }
            Some(waiting) => format!("not {what} {limit}: {}", waiting.on),
            None => format!("not {what} {limit}"),
        },
        chain: waiting.map_or_else(Vec::new, |waiting| waiting.chain.clone()),
        evidence,
        hints: longer.into_iter().collect(),
    }
}

/// Whose last lines tell most of why a release is not ready.
pub fn telling_log(assessment: &Assessment) -> Option<&LogOf> {
    match assessment.findings.first() {
        Some(trouble) => trouble.log_of.as_ref(),
        None => assessment.waiting.as_ref()?.log_of.as_ref(),
    }
}
