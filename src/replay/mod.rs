//! A call's log, and what is made of it: everything that hearing and the governor decided on, with
//! what they decided, so that a call can be decided again on a desk.
//!
//! Owns the file `call.xlr` in a call's folder: [`CallLog`] writes it while the call runs,
//! [`Log`] reads it, [`replay`] runs it through the cores of *this* build and says where they
//! decide differently. Both cores are pure: the same inputs at the same times give the same
//! decisions, to the bit, on any machine. So a log of a call that went wrong is a test of it:
//! copied into `tests/replays` it is run with every test.
//!
//! # The file
//!
//! gzip of lines of JSON (`zcat call.xlr`): a [`Header`] with the format's version and both cores'
//! configuration, then one [`Entry`] a line, then [`Entry::End`]. A file without its end is one
//! whose process died, and is told apart from a whole one.
//!
//! # What it does not hold
//!
//! No sound: of it only what the ear decides on is kept, three small numbers per 16 ms. No phone
//! number. And no words, unless `[recording] words` says so: each is replaced by another of the
//! same length, the same for the same word, so that what was equal stays equal and every clause
//! ends where it ended ([`Redactor`]). How long the words are, and which come again, can still be
//! seen. Names of claims, tags and jobs stay as they are; do not put secrets into those.

mod ear;
mod entry;
mod read;
mod redact;
mod run;
mod visit;
mod write;

pub use entry::{Entry, GovernorStep, Header};
pub use read::{Log, LogError, Whole};
pub use redact::Redactor;
pub use run::{Core, Difference, Replayed, replay};
pub use write::CallLog;

/// The log's name in a call's folder.
pub const LOG_FILE: &str = "call.xlr";
/// The format that is written. A reader takes this one and says so where it meets another.
pub const LOG_VERSION: u32 = 1;
