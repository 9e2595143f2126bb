//! Tagged lanes: bounded streams with positions, consumer groups and replay.
//!
//! Owns: the strict tags ([`Tag`]), the names of lanes ([`Lane`]), the trait that every store
//! stands behind ([`LaneStore`]), the store for one machine ([`MemoryStore`]), and the door through
//! which other programs hand in what they want said ([`intake`]).
//!
//! Whatever moves between the parts of xenline is an [`Entry`] in a lane. Delivery is at least
//! once: an entry that a consumer took stays pending in its group until it is acknowledged, and is
//! delivered again when the consumer gives up. Publishing is idempotent: the same key in the same
//! lane gives the same position, and one entry.
//!
//! Calls return at once and may come from any thread. Nothing here has a clock, but for the threads
//! of the passive [`tap`], and nothing grows without a limit: a full lane refuses, and says which
//! limit it met. What it never does: wake a reader (readers ask), order entries across lanes, or
//! drop what a group has not acknowledged.
//!
//! Panics here are our own bugs; bad names, unknown tags and full lanes are typed errors.
#![forbid(unsafe_code)]

pub mod conformance;
pub mod intake;
mod lane;
mod memory;
mod store;
mod stream;
mod tag;
#[cfg(feature = "tap")]
pub mod tap;

pub use lane::{Lane, LaneError};
pub use memory::MemoryStore;
pub use store::{
    Delivery, Entry, GroupError, LaneStore, Limits, Pending, Position, PublishError, Published,
};
pub use tag::{Tag, TagError, Tags};
