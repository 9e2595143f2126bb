//! What a conversation says is to be done.

use std::time::Duration;

use brain_protocol::LineMessage;
use media_core::Generation;
use media_engine::Speech;
use queue_governor::{ClaimId, Record};
use sip_bridge::HangupReason;

use super::transfer::TransferTo;
use crate::replay::Entry;
use crate::report::CallEvent;

/// What is to be done.
#[derive(Debug)]
pub enum Action {
    /// Write this down. Grants, answers and what is told that come after it wait until it is safe.
    Journal(Record),
    /// Let this be heard.
    Grant {
        /// With this generation.
        generation: Generation,
        /// What.
        speech: Speech,
        /// With the voice of last resort.
        fallback: bool,
    },
    /// Silence this generation.
    Revoke(Generation),
    /// Hold it at the sample.
    Pause(Generation),
    /// Let it go on.
    Resume(Generation),
    /// Tell the brain.
    Tell(LineMessage),
    /// Tell whoever handed the claim in how it stands.
    Answer {
        /// The claim.
        claim: ClaimId,
        /// What is said about it.
        news: News,
    },
    /// Put it on the record.
    Record {
        /// Milliseconds since the answer.
        t_ms: f64,
        /// What.
        event: CallEvent,
    },
    /// Put it into the call's log.
    Log(Entry),
    /// Put the caller through.
    Transfer(TransferTo),
    /// End the call.
    HangUp {
        /// After so long.
        after: Duration,
        /// What the peer and the call's record are told.
        reason: HangupReason,
    },
}

/// How an external claim stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The governor has taken it in.
    Accepted,
    /// It was not taken in just now: too many wait, or this call is over.
    NotNow {
        /// Which of them.
        reason: String,
    },
    /// It came to its one ending.
    Ended {
        /// `spoken`, `interrupted`, …
        ending: String,
        /// Where the ending alone does not say why.
        reason: Option<String>,
        /// What the caller heard of it.
        heard: String,
    },
}
