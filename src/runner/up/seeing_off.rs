//! Objects of a release that are being deleted when it is about to be upgraded. helm takes them to be
//! there, and what it writes on them goes with them. So they are waited for, and helm makes them anew.

use std::time::Duration;

use futures::FutureExt;

use super::{Done, Up};
use crate::runner::ports::{ObserveError, Refusal, Trouble};
use crate::runner::removal::going;
use crate::snapshot::{Lingering, ObjectRef};

/// Before it is asked again what is still there.
const PAUSE: Duration = Duration::from_secs(1);

impl Up<'_> {
    /// Lets the release begin, once nothing of its last revision is going any more.
    pub(super) fn see_off(&mut self, at: usize) {
        match self.releases[at].before {
            0 => self.prepare(at),
            _ => self.ask_what_goes(at, None, Duration::ZERO),
        }
    }

    /// Of these objects, or else of all of the last revision.
    fn ask_what_goes(&mut self, at: usize, of: Option<Vec<ObjectRef>>, pause: Duration) {
        let (observer, step) = (self.observer, self.releases[at].step);
        let revision = self.releases[at].before;
        let limits = self.releases[at].limits();
        let asked = async move {
            limits.within(tokio::time::sleep(pause)).await;
            let lingering = async {
                let objects = match of {
                    Some(objects) => objects,
                    None => {
                        let contents = limits.read_contents(observer, step, revision);
                        contents.await?.objects
                    }
                };
                let lingering = || observer.lingering(&objects);
                limits.until_answered(lingering).await
            };
            Done::StillGoing(at, lingering.await)
        };
        self.work.push(asked.boxed_local());
    }

    pub(super) fn still_going(&mut self, at: usize, all: Result<Vec<Lingering>, ObserveError>) {
        match all {
            Ok(mut all) => {
                all.retain(|it| it.is_going);
                if all.is_empty() {
                    self.prepare(at);
                    return;
                }
                self.wait_for(at, going(&all));
                let objects = all.into_iter().map(|it| it.object).collect();
                self.ask_what_goes(at, Some(objects), PAUSE);
            }
            Err(error) if error.passes().is_some() => {
                let refusal = Refusal {
                    trouble: Trouble::Unreachable,
                    sentence: format!("what of it is being deleted can't be told: {error}"),
                    ..Refusal::default()
                };
                self.push_refusal(at, refusal);
            }
            // helm will say what it makes of a record that can't be read.
            Err(_) => self.prepare(at),
        }
    }
}
