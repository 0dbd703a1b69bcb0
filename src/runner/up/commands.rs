//! The profile's own commands around a release: those before helm, and those once it is ready.

use futures::FutureExt;
use tokio::time::Instant;

use super::{Done, Up};
use crate::plan::Command;
use crate::runner::ports::DeployError;

impl Up<'_> {
    /// Runs the next command before helm, or helm after the last one. A place among the helms is
    /// taken already.
    pub(super) fn prepare(&mut self, at: usize) {
        let step = self.releases[at].step;
        let command = step.before.get(self.releases[at].prepared);
        // What goes back brings nothing that they would prepare.
        let Some(command) = command.filter(|_| self.releases[at].back.is_none()) else {
            self.deploy(at);
            return;
        };
        self.tell_command(at, command, "before helm");
        let release = &self.releases[at];
        let limit = release.remaining(Instant::now()).min(command.timeout);
        let cancel = release.cancel.clone();
        let deployer = self.deployer;
        let prepared = async move {
            match deployer.command(step, command, limit, cancel).await {
                Ok(()) => Done::Prepared(at),
                Err(error) => Done::Deployed(at, Err(error)),
            }
        };
        self.work.push(prepared.boxed_local());
    }

    /// One command before helm has ended well.
    pub(super) fn prepared(&mut self, at: usize) {
        self.releases[at].prepared += 1;
        self.prepare(at);
    }

    /// Runs the next command of a release that is ready but for them. Returns whether there is one.
    pub(super) fn conclude(&mut self, at: usize) -> bool {
        let release = &mut self.releases[at];
        let step = release.step;
        let command = step.after.get(release.concluded);
        let Some(command) = command.filter(|_| release.back.is_none()) else {
            return false;
        };
        if release.helm_works || self.helms >= self.parallel {
            return true;
        }
        release.helm_works = true;
        self.helms += 1;
        self.tell_command(at, command, "once all is ready");
        let release = &self.releases[at];
        let limit = release.remaining(Instant::now()).min(command.timeout);
        let (deployer, cancel) = (self.deployer, release.cancel.clone());
        let concluded = async move {
            Done::Concluded(at, deployer.command(step, command, limit, cancel).await)
        };
        self.work.push(concluded.boxed_local());
        true
    }

    pub(super) fn concluded(&mut self, at: usize, ended: Result<(), DeployError>) {
        match ended {
            Ok(()) => self.releases[at].concluded += 1,
            Err(DeployError::Refused(said)) => self.refused(at, said),
            // Whoever asked it to end has told why.
            Err(DeployError::Cancelled) => {}
        }
    }

    fn tell_command(&mut self, at: usize, command: &Command, when: &str) {
        self.tell_waiting(at, format!("{} {when}", command.title()));
    }
}
