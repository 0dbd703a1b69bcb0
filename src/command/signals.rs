//! The signals that ask us to end.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;

use crate::error::{Failure, Kind};
use crate::event::CancelReason;

/// SIGINT, SIGTERM and SIGHUP, which from now on end nothing by themselves: files of ours would be
/// left behind.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// # Errors
    /// The system has no room for them.
    pub fn catch() -> Result<Signals, Failure> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// What comes before the run: nothing has been touched yet, so it is dropped at the first signal.
    ///
    /// # Errors
    /// Its own, or that it was interrupted.
    pub async fn unless_any<T>(
        &mut self,
        before: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            reason = self.next() => Err(told(reason)),
            done = before => done,
        }
    }

    /// Ends with the exit code of the first that comes.
    pub async fn told_to_end(mut self) -> Failure {
        told(self.next().await)
    }

    /// Makes reasons to cancel of them for as long as it is polled. Never ends.
    pub async fn forward(mut self, cancel: UnboundedSender<CancelReason>) {
        loop {
            let reason = self.next().await;
            // The run has ended already; so will we.
            let _ = cancel.send(reason);
        }
    }

    async fn next(&mut self) -> CancelReason {
        tokio::select! {
            _ = self.interrupt.recv() => CancelReason::Interrupt,
            _ = self.terminate.recv() => CancelReason::Terminate,
            _ = self.hangup.recv() => CancelReason::Terminate,
        }
    }
}

fn told(reason: CancelReason) -> Failure {
    Failure::told(match reason {
        CancelReason::Interrupt => Kind::Interrupted,
        CancelReason::Superseded | CancelReason::LockLost => Kind::Locked,
        CancelReason::NamespaceGone => Kind::ReleaseFailed,
        CancelReason::Terminate | CancelReason::Deadline => Kind::Terminated,
    })
}
