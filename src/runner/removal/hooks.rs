//! Hooks that helm runs while it removes a release: judged, and told, as those of an install.

use tokio::time::Instant;

use super::{Down, Phase};
use crate::event::Verdict;
use crate::plan::Step;
use crate::runner::hold::Held;
use crate::runner::logs::{LogItem, LogKeeper};
use crate::runner::patience::Patience;
use crate::runner::ports::{Refusal, Trouble};
use crate::runner::shown::Shown;
use crate::runner::tracked::{Doom, expired, telling_log};
use crate::runner::up::{LAST_WORDS, PROOF_LINES, REST_OF_LOG};
use crate::snapshot::{Contents, Observation, Pod, Snapshot, World};
use crate::verdict::{self, Assessment, Baseline, Cause, Finding, Scope};

/// The hooks of one removal.
#[derive(Debug)]
pub(super) struct DeleteHooks {
    /// Of the release, nothing but them.
    contents: Contents,
    before: Baseline,
    assessment: Assessment,
    shown: Shown,
    patience: Patience,
    /// It has failed, while its evidence comes in.
    doom: Option<Doom>,
}

impl DeleteHooks {
    /// When it has to be looked at again if nothing changes.
    pub fn wakes(&self) -> Option<Instant> {
        let next = self.patience.next(&self.assessment.findings);
        self.doom.as_ref().map(|doom| doom.until).or(next)
    }

    pub fn has_failed(&self) -> bool {
        self.doom.is_some()
    }

    fn verdict(&self, step: &Step, logs: &LogKeeper, world: &World) -> Option<Verdict> {
        let mut doom = self.doom.clone()?;
        let has_cause = doom.finding.is_some();
        if let Some(finding) = &mut doom.finding {
            verdict::name_event(finding, &self.contents);
        }
        let log_of = doom.finding.as_ref().and_then(|it| it.log_of.as_ref());
        let log = log_of.and_then(|log| logs.evidence(log, PROOF_LINES, world));
        let helm_hints = doom.helm.as_ref().map(|said| said.hints.clone());
        let mut verdict = doom.verdict(log);
        if has_cause {
            // Of a release that helm has no record of any more, there are no logs to be found.
            if helm_hints.is_some() && !verdict.sentence.starts_with("pre-") {
                verdict
                    .hints
                    .retain(|hint| !hint.starts_with("`stackctl logs"));
            }
            // A helm that was asked to end has left it half removed, and would run the hook again.
            let hints = helm_hints.filter(|hints| !hints.is_empty());
            let hints = hints.unwrap_or_else(|| vec![without_hooks(step)]);
            verdict.hints.retain(|hint| !hints.contains(hint));
            verdict.hints.extend(hints);
        }
        Some(verdict)
    }
}

fn without_hooks(step: &Step) -> String {
    let (release, namespace) = (&step.release, &step.namespace);
    format!("`helm uninstall {release} -n {namespace} --no-hooks` removes the release without it")
}

impl Down<'_> {
    /// Takes note of the hooks that helm is going to run.
    pub(super) fn expect_hooks(&mut self, at: usize) {
        let contents = self.releases[at].contents.of_removal();
        self.releases[at].hooks = (!contents.hooks.is_empty()).then(|| DeleteHooks {
            contents,
            before: Baseline::of(&self.world),
            assessment: Assessment::default(),
            shown: Shown::default(),
            patience: Patience::default(),
            doom: None,
        });
    }

    /// Judges the hooks of a release that helm is removing, and follows their logs.
    pub(super) fn judge_hooks(&mut self, at: usize) {
        let (step, phase) = (self.releases[at].step, self.releases[at].phase);
        let Some(hooks) = &mut self.releases[at].hooks else {
            return;
        };
        if !matches!(phase, Phase::Removing | Phase::Failing) {
            return;
        }
        let scope = Scope {
            id: &step.id,
            contents: &hooks.contents,
            applied: false,
            helm_at_work: true,
            before: &hooks.before,
            completed: self.completed,
            repeating: self.logs.repeating(),
            providers: verdict::nobody_knows(),
        };
        let mut assessment = verdict::assess(&self.world, &scope, &step.budgets);
        // Without a hook at work it is what is removed that is waited for.
        let has_begun = !assessment.hooks.is_empty();
        assessment.waiting.take_if(|_| !has_begun);
        for change in hooks.shown.changes(&step.id, &assessment) {
            self.emitter.emit(change);
        }
        hooks.assessment = assessment;
        let assessment = &hooks.assessment;
        for (uid, view) in assessment.pod_uids.iter().zip(&assessment.pods) {
            if let Some(pod) = self.world.pods.get(uid) {
                self.logs
                    .follow(self.observer, at, pod, view, &hooks.before);
            }
        }
        let held = match self.outage.is_on() {
            true => Held::ALL,
            false => Held::default(),
        };
        let now = Instant::now();
        let lost = hooks.patience.exhausted(&assessment.findings, held, now);
        if let Some(finding) = lost {
            self.hook_is_lost(at, finding, now);
        }
    }

    fn hook_is_lost(&mut self, at: usize, finding: Finding, now: Instant) {
        let log = finding.log_of.as_ref();
        let until = match log.is_some_and(|log| self.logs.is_ending(log)) {
            true => now + REST_OF_LOG,
            false => now + LAST_WORDS,
        };
        let release = &mut self.releases[at];
        let Some(hooks) = &mut release.hooks else {
            return;
        };
        match &mut hooks.doom {
            Some(doom) if doom.finding.is_none() => {
                doom.finding = Some(finding);
                doom.until = doom.until.max(until);
            }
            Some(_) => {}
            None => {
                // helm sees by itself that a hook has failed, and after it writes down what it has
                // removed by then. One that can't come to an end it would wait for.
                let ends = matches!(finding.cause, Cause::HookFailed);
                hooks.doom = Some(Doom::new(until, Some(finding), None));
                if !ends {
                    release.stop_helm();
                }
            }
        }
    }

    /// helm has ended badly. Where a hook may be the cause, the cluster is given a moment to show it.
    pub(super) fn refused(&mut self, at: usize, said: Refusal) {
        let release = &mut self.releases[at];
        let Some(hooks) = release
            .hooks
            .as_mut()
            .filter(|_| said.trouble == Trouble::Unclear)
        else {
            self.fail(at, said.verdict());
            return;
        };
        release.phase = Phase::Failing;
        let doom = hooks
            .doom
            .get_or_insert_with(|| Doom::new(Instant::now() + LAST_WORDS, None, None));
        doom.helm = Some(said);
    }

    /// Ends a removal that has failed, once its evidence is together or has had its time.
    pub(super) fn say_why(&mut self, at: usize) {
        let release = &self.releases[at];
        let hooks = release.hooks.as_ref();
        let Some((hooks, doom)) = hooks.and_then(|it| Some((it, it.doom.as_ref()?))) else {
            return;
        };
        let log_of = doom.finding.as_ref().and_then(|it| it.log_of.as_ref());
        let complete = match (&doom.finding, log_of) {
            (Some(_), Some(log)) => !self.logs.is_open(log),
            (found, None) => found.is_some(),
            (None, Some(_)) => false,
        };
        if !complete && Instant::now() < doom.until {
            return;
        }
        if let Some(verdict) = hooks.verdict(release.step, &self.logs, &self.world) {
            self.fail(at, verdict);
        }
    }

    /// What is to be said where the time was up while helm was at one of its hooks. None where it was
    /// not.
    pub(super) fn expired_at_hook(&self, at: usize, limit: &str) -> Option<Verdict> {
        let release = &self.releases[at];
        let hooks = release.hooks.as_ref()?;
        if hooks
            .doom
            .as_ref()
            .is_some_and(|doom| doom.finding.is_some())
        {
            return hooks.verdict(release.step, &self.logs, &self.world);
        }
        hooks.assessment.waiting.as_ref()?;
        let log_of = telling_log(&hooks.assessment);
        let log = log_of.and_then(|log| self.logs.evidence(log, PROOF_LINES, &self.world));
        let mut verdict = expired("gone", &format!("after {limit}"), &hooks.assessment, log);
        verdict.hints.push(without_hooks(release.step));
        Some(verdict)
    }

    /// A pod's deletion tells its last state, which may be the only word on how it ended.
    pub(super) fn look_at_the_end_of(&mut self, pod: &Pod) {
        if self.releases.iter().all(|release| release.hooks.is_none()) {
            return;
        }
        let last = Snapshot::Pod(pod.clone());
        self.world.apply(&Observation::Seen(last));
        for at in 0..self.releases.len() {
            self.judge_hooks(at);
        }
    }

    /// Tells a line of a hook's log.
    pub(super) fn log(&mut self, item: LogItem) {
        let Some(heard) = self.logs.keep(item, Instant::now()) else {
            return;
        };
        let release = &self.releases[heard.step];
        let Some(line) = heard.line.filter(|_| release.phase != Phase::Ended) else {
            return;
        };
        self.emitter.emit(line.of(release.step.id.clone()));
    }
}
