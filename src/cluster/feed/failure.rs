use std::time::Duration;

use kube::runtime::watcher;

use super::Label;
use crate::cluster::error;

/// What a watcher's error comes down to.
pub(super) struct Failure {
    /// `list` or `watch`.
    pub verb: &'static str,
    /// The status that the API answered with, 0 where it did not.
    pub code: u16,
    pub cause: String,
    pub wished_pause: Duration,
}

impl From<&watcher::Error> for Failure {
    fn from(error: &watcher::Error) -> Failure {
        let (verb, inner) = match error {
            watcher::Error::InitialListFailed(inner) => ("list", inner),
            watcher::Error::WatchStartFailed(inner) | watcher::Error::WatchFailed(inner) => {
                ("watch", inner)
            }
            watcher::Error::WatchError(status) => return Failure::said("watch", status),
            watcher::Error::NoResourceVersion => {
                return Failure {
                    verb: "watch",
                    code: 0,
                    cause: "the API server sends no resourceVersion".to_owned(),
                    wished_pause: Duration::ZERO,
                };
            }
        };
        match inner {
            kube::Error::Api(status) => Failure::said(verb, status),
            other => Failure {
                verb,
                code: 0,
                cause: error::cause(other),
                wished_pause: Duration::ZERO,
            },
        }
    }
}

impl Failure {
    fn said(verb: &'static str, status: &kube::core::Status) -> Failure {
        Failure {
            verb,
            code: status.code,
            cause: error::said(status),
            wished_pause: error::wished_pause(status),
        }
    }

    /// `can't watch pods in namespace `shop`: ...`
    pub fn why(&self, label: &Label) -> String {
        let (verb, what, cause) = (self.verb, label.text(), &self.cause);
        match self.code {
            401 | 403 => format!("not allowed to {verb} {what}: {cause}"),
            _ => format!("can't {verb} {what}: {cause}"),
        }
    }
}
