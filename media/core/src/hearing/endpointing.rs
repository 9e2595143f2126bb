use super::Completeness;
use crate::EndReason;

/// Decides when the caller has finished, from what was said and how long it has been quiet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Endpointing {
    /// Silence after something complete, in milliseconds.
    pub complete_ms: u32,
    /// Silence after anything else.
    pub incomplete_ms: u32,
    /// Silence inside a string of digits.
    pub digits_ms: u32,
    /// Silence after which nothing is waited for any more.
    pub silence_cap_ms: u32,
}

impl Endpointing {
    /// Silence to wait for after an utterance of this kind, in milliseconds.
    #[must_use]
    pub fn wait_ms(&self, completeness: Completeness) -> u32 {
        let wait = match completeness {
            Completeness::Complete => self.complete_ms,
            Completeness::Open | Completeness::Nothing => self.incomplete_ms,
            Completeness::Digits => self.digits_ms,
        };
        wait.min(self.silence_cap_ms)
    }

    /// Whether the utterance is over, and why. `completeness` is `None` while the recogniser has
    /// not answered yet.
    #[must_use]
    pub fn decide(&self, completeness: Option<Completeness>, silence_ms: u32) -> Option<EndReason> {
        match completeness {
            Some(kind) if silence_ms >= self.wait_ms(kind) => Some(match kind {
                Completeness::Complete => EndReason::Complete,
                _ => EndReason::Silence,
            }),
            None if silence_ms >= self.silence_cap_ms => Some(EndReason::Silence),
            _ => None,
        }
    }
}
