//! The namespace of a release that comes after others: one of these may bring it, and helm takes over
//! none that is there without it. So it is looked at, and made where it is still missing, when the
//! release is about to start.

use std::time::Duration;

use futures::FutureExt;

use super::{Done, Up};
use crate::runner::ports::{Ensured, ObserveError, Refusal, Trouble};
use crate::wording;

/// Before a namespace that is going is looked at again.
const PAUSE: Duration = Duration::from_secs(1);

impl Up<'_> {
    /// Lets the release begin once it has a namespace. It has its place among the helms.
    pub(super) fn go_to_the_door(&mut self, at: usize) {
        self.tell_a_change_of_stacks(at);
        let release = &self.releases[at];
        if release.back.is_some() || !self.plan.may_be_brought(&release.step.namespace) {
            self.clear_the_way(at);
            return;
        }
        self.ask_for_the_namespace(at, Duration::ZERO);
    }

    fn tell_a_change_of_stacks(&mut self, at: usize) {
        let step = self.releases[at].step;
        let last = (self.world).last_record(step.namespace.as_str(), step.release.as_str());
        let Some(owner) = last.and_then(|it| it.other_owner(&self.stack)) else {
            return;
        };
        let said = format!(
            "release `{}` in `{}` was of {owner}, and is of this one from now on",
            step.release, step.namespace
        );
        self.warn(at, said);
    }

    fn ask_for_the_namespace(&mut self, at: usize, pause: Duration) {
        let release = &self.releases[at];
        let (observer, make) = (self.observer, self.plan.create_namespace);
        let (step, limits, gate) = (release.step, release.limits(), self.gate.clone());
        let ensured = async move {
            let ensure = async || {
                gate.opened().await;
                observer.ensure(&step.namespace, make).await
            };
            limits.within(tokio::time::sleep(pause)).await;
            Done::Ensured(at, limits.until_answered(ensure).await)
        };
        self.work.push(ensured.boxed_local());
    }

    pub(super) fn ensured(&mut self, at: usize, ensured: Result<Ensured, ObserveError>) {
        let namespace = &self.releases[at].step.namespace;
        match ensured {
            Ok(Ensured::Made | Ensured::Existed | Ensured::Assumed) => self.clear_the_way(at),
            Ok(Ensured::Going(kept)) => {
                let why = match kept.as_slice() {
                    [] => String::new(),
                    kept => format!(": {}", kept.join("; ")),
                };
                let on = format!("namespace {namespace}, which is being deleted, to be gone{why}");
                self.wait_for(at, on);
                self.ask_for_the_namespace(at, PAUSE);
            }
            Ok(Ensured::Missing) => {
                let needs = self.releases[at].step.needs.iter();
                let needs: Vec<String> = needs
                    .map(|&need| format!("`{}`", self.plan.steps()[need].id))
                    .collect();
                let refusal = Refusal {
                    trouble: Trouble::Clear,
                    sentence: format!(
                        "there is no namespace `{namespace}`, and {} did not bring it",
                        wording::list(&needs)
                    ),
                    hints: vec![
                        "make it, or let the profile say `createNamespace: true`".to_owned(),
                    ],
                    ..Refusal::default()
                };
                self.push_refusal(at, refusal);
            }
            Err(error) => {
                let refusal = Refusal {
                    trouble: match error.passes() {
                        Some(_) => Trouble::Unreachable,
                        None => Trouble::Clear,
                    },
                    sentence: error.to_string(),
                    ..Refusal::default()
                };
                self.push_refusal(at, refusal);
            }
        }
    }
}
