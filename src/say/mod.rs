//! The say-queue: what other programs of this machine want said, from their hands to a line.
//!
//! It comes in by the line's socket ([`crate::control`]), by a spool directory or by a file of
//! lines ([`spool`]), is judged at the door (`lane_broker::intake`), and becomes a claim like
//! everybody else's. [`SayQueue`] is the core that knows where each claim is: waiting for a call,
//! with the governor of a line, or ended. It decides nothing about who speaks.

mod caller;
mod claim;
mod queue;
mod sound;
pub mod spool;

pub use caller::{FOR_CALLERS_MAX, NOBODY, caller_name, is_unnamed, named};
pub use claim::{Names, OPERATOR, SAID, SPOOLED, claim_of, content_of, sound_bytes};
pub use queue::{HowItEnded, SayQueue, Withdrawal};
pub use sound::{SoundError, read_sound};
