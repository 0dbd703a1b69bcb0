//! What becomes of a release, given what was seen of it.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::deploying::earlier;
use super::{LAST_WORDS, PROOF_LINES, REST_OF_LOG, Up};
use crate::event::{EventKind, Health, Verdict};
use crate::runner::hold::{Held, Stage, Standing};
use crate::runner::others::Others;
use crate::runner::sooner::Turn;
use crate::runner::tracked::{Doom, Phase, Tracked, expired, telling_log};
use crate::verdict::{self, LogOf, Scope};
use crate::wording;

impl Up<'_> {
    /// Looks again at the releases that something has happened to, and lets every release go on
    /// where it can.
    pub(super) fn judge(&mut self) {
        let now = Instant::now();
        self.end_at_deadline();
        self.kill_helms(now);
        self.close_unrecorded(now);
        self.unjudged.extend(self.logs.turns(now));
        let due = self.starts_until().filter(|(_, until)| *until <= now);
        let due: Vec<usize> = due.map(|(at, _)| at).collect();
        self.unjudged.extend(due);
        self.unjudged_pods.clear();
        for at in std::mem::take(&mut self.unjudged) {
            if self.is_judged(at) {
                self.go_on_clearing(at);
                self.read_record(at);
                self.assess(at);
                self.unstick(at);
                self.follow_logs(at);
            }
        }
        // One release's turn may end what another was held back for.
        loop {
            self.turned = false;
            let held = self.held();
            for (at, held) in held.into_iter().enumerate() {
                if self.is_judged(at) {
                    self.decide(at, held, now);
                }
                self.meet_sooner(at);
            }
            if !self.turned {
                break;
            }
        }
        for at in 0..self.releases.len() {
            if self.releases[at].phase == Phase::Waiting {
                self.wait_for_needs(at, now);
            }
        }
    }

    /// Tells what a release waits for that has yet to start, once only parts of others keep it from
    /// that. Nobody else's time ends the wait for a part of what is ready, so its own does.
    fn wait_for_needs(&mut self, at: usize, now: Instant) {
        let release = &self.releases[at];
        let open = release.step.needs.iter();
        let open: Vec<usize> = open
            .copied()
            .filter(|&need| !self.queue.is_met(at, need))
            .collect();
        let told = open.iter().map(|need| release.unmet.get(need).cloned());
        let on = told.collect::<Option<Vec<String>>>();
        let Some(on) = on.filter(|on| !on.is_empty()) else {
            self.releases[at].deadline = None;
            return;
        };
        let settled = |&need: &usize| self.releases[need].phase == Phase::Ready;
        let settled = open.iter().all(settled);
        let on = on.join(" and ");
        let waiting = release.assessment.waiting.as_ref();
        if waiting.is_none_or(|waiting| waiting.on != on) {
            self.tell_waiting(at, on);
        }
        let release = &mut self.releases[at];
        let end = earlier(now + release.step.timeout, self.deadline);
        release.deadline = settled.then(|| *release.deadline.get_or_insert(end));
        if release.deadline.is_some_and(|end| end <= now) {
            self.expire(at);
        }
    }

    /// Lets those start that need no more of this release than there is.
    fn meet_sooner(&mut self, at: usize) {
        if self.goes_back {
            return;
        }
        for (dependent, turn) in self.sooner.turns(at, &self.releases[at]) {
            if self.releases[dependent].phase != Phase::Waiting {
                continue;
            }
            let met = turn == Turn::Met;
            self.holds.set_met(dependent, at, met);
            self.releases[dependent].unmet.remove(&at);
            match turn {
                Turn::Met => self.queue.meet(dependent, at),
                Turn::Open(on) => {
                    self.queue.unmeet(dependent, at);
                    let on = on.map(|on| (at, on));
                    self.releases[dependent].unmet.extend(on);
                }
                Turn::Never(verdict) => self.fail(dependent, *verdict),
            }
        }
    }

    fn is_judged(&self, at: usize) -> bool {
        self.releases[at].is_active() || self.releases[at].phase == Phase::Ready
    }

    /// What is borne of each release's troubles, because others may end them.
    fn held(&self) -> Vec<Held> {
        let is_to_come = |r: &Tracked| matches!(r.phase, Phase::Waiting | Phase::Deploying);
        let waits_for_needs = self.goes_back && self.releases.iter().any(is_to_come);
        if self.outage.is_on() || waits_for_needs {
            return vec![Held::ALL; self.releases.len()];
        }
        let releases = self.releases.iter();
        let standings: Vec<Standing> = releases
            .map(|r| Standing::new(r.stage(), &r.assessment.findings))
            .collect();
        let given_up = |r: &Tracked| r.helm_works && r.stage() == Stage::Over;
        let place = self.helms < self.parallel || self.releases.iter().any(given_up);
        self.holds.held(&standings, place)
    }

    pub(super) fn assess(&mut self, at: usize) {
        let release = &self.releases[at];
        let Some(contents) = &release.contents else {
            return;
        };
        let others = Others {
            at,
            releases: &self.releases,
            holds: &self.holds,
        };
        let scope = Scope {
            id: &release.step.id,
            contents,
            applied: release.helm_done && release.phase != Phase::Deploying,
            helm_at_work: release.phase == Phase::Deploying,
            before: &release.baseline,
            completed: self.completed,
            repeating: self.logs.repeating(),
            providers: &others,
        };
        let assessment = verdict::assess(&self.world, &scope, &release.step.budgets);
        let release = &mut self.releases[at];
        for change in release.shown.changes(&release.step.id, &assessment) {
            self.emitter.emit(change);
        }
        release.assessment = assessment;
    }

    pub(super) fn follow_logs(&mut self, at: usize) {
        let mut logs = std::mem::take(&mut self.logs);
        let release = &self.releases[at];
        for (pod, view) in self.pods(release) {
            logs.follow(self.observer, at, pod, view, &release.baseline);
        }
        let findings = release.assessment.findings.iter();
        let proofs = findings.filter_map(|finding| finding.log_of.as_ref());
        let is_old = |of: &&LogOf| of.attempt <= release.baseline.ended(&of.pod_uid, &of.container);
        for proof in proofs.filter(is_old) {
            logs.look_up(self.observer, at, proof, &self.world);
        }
        self.logs = logs;
    }

    /// Ready, lost, doomed, out of time, or none of these yet.
    pub(super) fn decide(&mut self, at: usize, held: Held, now: Instant) {
        let release = &mut self.releases[at];
        let hopeless = release
            .patience
            .exhausted(&release.assessment.findings, held, now);
        if release.phase == Phase::Ready {
            if !release.assessment.ready && self.cancelled.is_none() {
                self.degrade(at, now);
            }
            return;
        }
        if let Some(finding) = hopeless {
            let log = finding.log_of.as_ref();
            let until = match log.is_some_and(|log| self.logs.is_ending(log)) {
                true => now + REST_OF_LOG,
                false => now + LAST_WORDS,
            };
            match &mut release.doom {
                Some(doom) if doom.finding.is_none() => {
                    doom.finding = Some(finding);
                    doom.until = doom.until.max(until);
                }
                Some(_) => {}
                None => {
                    release.doom = Some(Doom::new(until, Some(finding), None));
                    self.turned = true;
                    if release.helm_works {
                        release.stop_helm(now);
                    }
                }
            }
        }
        if release.doom.is_some() {
            self.say_why(at, now);
        } else if release.deadline.is_some_and(|end| end <= now) {
            self.expire(at);
        } else if release.phase == Phase::Converging
            && release.looked_at
            && release.assessment.ready
            && !self.conclude(at)
        {
            self.ready(at);
        }
    }

    /// Ends a doomed release once its evidence is together, or has had its time.
    pub(super) fn say_why(&mut self, at: usize, now: Instant) {
        let release = &mut self.releases[at];
        let Some(doom) = &mut release.doom else {
            return;
        };
        if now >= doom.until {
            let hooks = release.contents.as_ref().map(|it| it.hooks.as_slice());
            doom.learn_of_hook(hooks.unwrap_or_default(), &release.assessment.findings);
        }
        let log_of = doom.finding.as_ref().and_then(|f| f.log_of.as_ref());
        let complete = match (&doom.finding, log_of) {
            (Some(_), Some(log)) => !self.logs.is_open(log),
            (found, None) => found.is_some(),
            (None, Some(_)) => false,
        };
        if !complete && now < doom.until {
            return;
        }
        let log = log_of.and_then(|log| self.logs.evidence(log, PROOF_LINES, &self.world));
        let verdict = doom.clone().verdict(log);
        self.fail(at, verdict);
    }

    pub(super) fn expire(&mut self, at: usize) {
        let release = &self.releases[at];
        let by_run = self.deadline.is_some_and(|end| end <= Instant::now());
        let limit = if by_run {
            "when the run's time was up".to_owned()
        } else {
            format!("after {}", wording::duration(release.step.timeout))
        };
        let log_of = telling_log(&release.assessment);
        let log = log_of.and_then(|log| self.logs.evidence(log, PROOF_LINES, &self.world));
        let what = match release.phase {
            Phase::Waiting => "started",
            _ => "ready",
        };
        let mut verdict = expired(what, &limit, &release.assessment, log);
        // By what is known all may be well.
        if let (Some(unseen), None) = (&release.unseen, &release.assessment.waiting) {
            verdict.sentence = format!("not {what} {limit}: its objects can't be read: {unseen}");
        }
        verdict.hints.extend(self.rights_to_see(at));
        self.releases[at].stop_helm(Instant::now());
        self.fail(at, verdict);
    }

    /// What would show more of what a release waits for.
    fn rights_to_see(&self, at: usize) -> BTreeSet<String> {
        let release = &self.releases[at];
        let own = [at];
        let waited_for = match release.phase {
            Phase::Waiting => release.step.needs.as_slice(),
            _ => &own,
        };
        let objects = waited_for
            .iter()
            .flat_map(|&it| &self.releases[it].assessment.objects);
        let hidden = objects.filter_map(|it| match it.health {
            Health::Ready if it.ready >= it.desired => None,
            Health::Ready => self.world.hides_endpoints(self.world.service(&it.object)?),
            _ => self.world.hides(&it.object),
        });
        let hint = |watched| {
            format!(
                "with `list` and `watch` on {watched} it would be seen; `stackctl doctor` tells which \
                 rights are lacking"
            )
        };
        hidden.map(hint).collect()
    }

    pub(super) fn fail(&mut self, at: usize, verdict: Verdict) {
        self.failures.push(verdict.class);
        self.end(at, |release| EventKind::ReleaseFailed { release, verdict });
        if self.goes_back {
            self.queue.succeed(at);
            return;
        }
        for blocked in self.queue.fail(at) {
            let by = self.releases[blocked]
                .step
                .needs
                .iter()
                .map(|&need| &self.releases[need])
                .filter(|need| need.phase == Phase::Ended)
                .map(|need| need.step.id.clone())
                .collect();
            self.end(blocked, |release| EventKind::ReleaseBlocked { release, by });
        }
    }

    pub(super) fn ready(&mut self, at: usize) {
        let release = &mut self.releases[at];
        release.phase = Phase::Ready;
        self.turned = true;
        let revision = release.revision;
        self.emitter.emit(EventKind::ReleaseReady {
            release: release.step.id.clone(),
        });
        let unproven = revision.filter(|_| !release.is_proven());
        self.tell_old_pods(at);
        self.queue.succeed(at);
        if let Some(revision) = unproven {
            self.mark_verified(at, revision);
        }
    }

    /// Says which pods are not as the revision that helm has just made says.
    fn tell_old_pods(&mut self, at: usize) {
        let release = &self.releases[at];
        if release.settled.is_some() {
            return;
        }
        let objects = release.contents.iter().flat_map(|it| &it.objects);
        let old = objects.filter_map(|object| {
            let left = verdict::left_old(self.world.workload(object)?)?;
            Some(format!("{}: {left}", object.short()))
        });
        for message in old.collect::<Vec<String>>() {
            self.warn(at, message);
        }
    }

    pub(super) fn degrade(&mut self, at: usize, now: Instant) {
        let release = &mut self.releases[at];
        release.phase = Phase::Converging;
        self.turned = true;
        release.deadline = Some(earlier(now + release.step.timeout, self.deadline));
        let waiting = release.assessment.waiting.as_ref();
        self.emitter.emit(EventKind::ReleaseDegraded {
            release: release.step.id.clone(),
            reason: waiting.map_or_else(|| "it is not ready any more".into(), |w| w.on.clone()),
        });
        if !self.goes_back {
            self.queue.reopen(at);
        }
    }
}
