//! Whether the API server answers at all. Many watches break at once when it does not, which is one
//! thing to say, not a dozen.

use std::sync::Mutex as PlainMutex;
use std::time::Duration;

use kube::Client;
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::{error, locked};
use crate::snapshot::Observation;

/// Between two questions while there is no answer.
const PAUSE: Duration = Duration::from_secs(2);
/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// An outage that is over sooner is not worth a word.
const WORTH_A_WORD: Duration = Duration::from_secs(10);

pub(super) struct Reach {
    client: Client,
    sender: UnboundedSender<Observation>,
    /// One asks, the others wait for its answer.
    asking: Mutex<()>,
    /// When the last answer came to such a question.
    answered: PlainMutex<Option<Instant>>,
}

impl Reach {
    pub fn new(client: Client, sender: UnboundedSender<Observation>) -> Reach {
        Reach {
            client,
            sender,
            asking: Mutex::new(()),
            answered: PlainMutex::new(None),
        }
    }

    /// Waits until the API server answers, and tells of an outage that lasts and of its end.
    /// Returns whether there was one.
    pub async fn answers(&self) -> bool {
        let begun = Instant::now();
        let _asking = self.asking.lock().await;
        if locked(&self.answered).is_some_and(|at| at >= begun) {
            return begun.elapsed() >= WORTH_A_WORD;
        }
        let mut told = false;
        while let Err(why) = self.ask().await {
            let since = begun.elapsed();
            if !told && since >= WORTH_A_WORD {
                told = true;
                drop(self.sender.send(Observation::Unreachable { since, why }));
            }
            tokio::time::sleep(PAUSE).await;
        }
        *locked(&self.answered) = Some(Instant::now());
        if told {
            drop(self.sender.send(Observation::Reachable));
        }
        told
    }

    /// Any answer will do, a denial too, unless somebody else gives it in the server's place.
    async fn ask(&self) -> Result<(), String> {
        match tokio::time::timeout(PATIENCE, self.client.apiserver_version()).await {
            Ok(Err(kube::Error::Api(status))) if !is_absence(status.code) => Ok(()),
            Ok(Ok(_) | Err(kube::Error::SerdeError(_))) => Ok(()),
            Ok(Err(error)) => Err(error::cause(&error)),
            Err(_) => Err(format!("no answer within {}s", PATIENCE.as_secs())),
        }
    }
}

/// What a proxy says where there is no server behind it, and 0 where nobody says anything.
pub(super) fn is_absence(code: u16) -> bool {
    matches!(code, 0 | 502..=504)
}
