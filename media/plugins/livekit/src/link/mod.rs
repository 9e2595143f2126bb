//! Whether we are in the room, and what is done when we are not: a core without I/O.
//!
//! A session that is interrupted is *resumed* first: the same participant, over a new signalling
//! connection, with what was published and subscribed to. What cannot be resumed, or what the
//! server wants anew, is *joined* again as a new participant, after waits that grow and are
//! scattered at random, so that a server that comes back is not met by everybody at once.

mod core;
#[cfg(test)]
mod tests;

pub(crate) use core::TRY_MAX;

pub use core::{Ending, Link, LinkInput, LinkOutput, Lost, Refusal, Try, TryId};
