//! Tagged lanes: bounded streams with positions, consumer groups and replay.
//!
//! Owns: the strict tags ([`Tag`]), the names of lanes ([`Lane`]), the trait that every store
//! stands behind ([`LaneStore`]) and the stores: in memory ([`MemoryStore`]), in one file
//! ([`SqliteStore`], feature `sqlite`) and on Redis Streams (`RedisStore`, feature `redis`); one that cannot be opened
//! yet is stood in for ([`AwaitedStore`]). Beside them the door through which other programs hand in what they want said ([`intake`]).
//!
//! Whatever moves between the parts of xenline is an [`Entry`] in a lane. Delivery is at least
//! once: an entry that a consumer took stays pending in its group until it is acknowledged, and is
//! delivered again when the consumer gives up, or has been silent for too long. Publishing is
//! idempotent: the same key in the same lane gives the same position, and one entry.
//!
//! Calls may come from any thread. Nothing grows without a limit: a full lane refuses, and says
//! which limit it met. A store reads the time from its [`WallClock`] alone; nothing else here has a
//! clock, but for the threads of the passive [`tap`]. What a lane never does: wake a reader (readers
//! ask), order entries across lanes, or drop what a group has not acknowledged.
//!
//! Panics here are our own bugs; bad names, unknown tags, full lanes and stores that are down are
//! typed errors.
#![forbid(unsafe_code)]

mod awaited;
mod clock;
pub mod conformance;
mod entry;
mod error;
pub mod intake;
mod lane;
mod limits;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod routed;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod stream;
mod tag;
#[cfg(feature = "tap")]
pub mod tap;

pub use awaited::AwaitedStore;
pub use clock::{ClockHand, WallClock};
pub use entry::{Delivery, Entry, GroupInfo, LaneInfo, Pending, Position, Published};
pub use error::{GroupError, PublishError, StoreError};
pub use lane::{Lane, LaneError};
pub use limits::{Limits, Retention};
pub use memory::MemoryStore;
#[cfg(feature = "redis")]
pub use redis::{RedisOpenError, RedisStore};
pub use routed::RoutedStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{Durability, OpenError, SqliteOptions, SqliteStore};
pub use store::LaneStore;
pub use tag::{Tag, TagError, Tags};
