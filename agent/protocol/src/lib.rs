//! Versioned messages between the line and its brain.
//!
//! The brain is a separate process, in any language. It connects to a Unix socket whose path it
//! finds in [`SOCKET_VARIABLE`], and both sides speak newline-delimited JSON: one message per
//! line, UTF-8, at most [`LINE_BYTES_MAX`] bytes with its newline, and each an object whose
//! `type` names the message. The JSON Schema of both directions lies in `schema/`, and every
//! message is documented with an example that a test decodes and validates.
//!
//! # A conversation
//!
//! 1. The line sends `hello`, the brain sends `hello`; the order does not matter. The major
//!    versions must be equal ([`Version::speaks`]).
//! 2. `line_opened` for every line that is open, then what callers said: `caller_turn`.
//! 3. The brain answers with `say` (a *claim*: a request to be heard) and then `turn_done`, which
//!    acknowledges the turn. Turns that were not acknowledged are sent again to the next brain.
//! 4. Every claim is answered by `claim_accepted` or `claim_ended`, later by `claim_started`, and
//!    by exactly one `claim_ended` with the words that the caller heard. An accepted claim outlives a
//!    crash of the line unless `kept` is false.
//! 5. What people and programs write comes as `text_message`, from every lane but the calls' own,
//!    and is answered with `send` and acknowledged with `text_done` like a turn. Every `send` is
//!    answered by `message_accepted` and by exactly one `message_ended`.
//! 6. `ping` is answered by `pong` with the same number, soon. A brain that does not is killed.
//! 7. `operator_took` and `operator_released` say whether the brain is heard at present;
//!    `operator_whisper` is for the brain alone.
//!    `transfer` has the caller called by somebody else; `transfer_ended` says what became of that.
//! 8. On `shutdown`, or when the socket closes, the brain ends.
//!
//! # What is promised to older peers
//!
//! A minor version only adds: message types, optional fields, values of open enumerations. So a
//! reader ignores fields it does not know, and skips messages it does not know
//! ([`DecodeError::may_be_skipped`]).
//!
//! # What this crate does not do
//!
//! No sockets, no clock, no threads: bytes in, messages out. Arbitrary bytes are an error, never a
//! panic ([`exercise_decoder`] is the entry for fuzzing). It does not decide who may speak, and it
//! does not check that ids refer to something.
#![forbid(unsafe_code)]

mod brain;
mod caller;
mod claim;
mod codec;
mod dial;
mod ids;
mod line;
pub mod schema;
mod text;
mod transfer;
mod version;

pub use brain::{BrainMessage, JobOutcome, OnInterrupt, Say, Source};
pub use caller::{Attestation, Caller, Diversion};
pub use claim::ClaimEnding;
pub use codec::{
    DecodeError, EncodeError, LineSplitter, Message, Overlong, decode, encode, exercise_decoder,
};
pub use dial::{DialOutcome, Redial, Said, Speaker, Unsaid};
pub use ids::{ClaimId, DialId, IdError, JobId, LineId, MessageId, Position, TurnId};
pub use line::LineMessage;
pub use text::{Channel, MessageEnding, Send};
pub use transfer::TransferOutcome;
pub use version::{VERSION, Version};

/// The environment variable that tells the brain where the line listens.
pub const SOCKET_VARIABLE: &str = "XENLINE_BRAIN_SOCKET";

/// Longest line in bytes, its newline included. A reply that takes ten minutes to speak is 10 KiB;
/// beyond this it is a mistake or an attack, and a reader needs a bound before it parses.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
