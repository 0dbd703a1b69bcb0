//! Digests that say nothing to whoever doesn't have their key.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::wording::hex;

/// Makes digests that say nothing to those who don't have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

/// 64 hex digits, HMAC-SHA256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Key {
    /// `random` has to be unpredictable.
    pub fn new(random: [u8; 32]) -> Key {
        Key(hex(&random))
    }

    /// # Errors
    /// The system has no randomness.
    pub fn random() -> Result<Key, getrandom::Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        Ok(Key::new(random))
    }

    pub fn digest(&self, bytes: &[u8]) -> Digest {
        // A key of any length will do.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else {
            unreachable!("HMAC takes keys of every length")
        };
        mac.update(bytes);
        Digest(hex(&mac.finalize().into_bytes()))
    }
}

impl Digest {
    /// Enough to tell two apart: 8 hex digits.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }

    /// Enough to be sure of, and short enough for a label (63 characters): 40 hex digits.
    pub fn label(&self) -> &str {
        &self.0[..40]
    }
}
