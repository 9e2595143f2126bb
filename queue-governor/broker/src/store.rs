use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::lane::Lane;

/// Where an entry stands in its lane. The first one has position 1; 0 is before all of them.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Position(pub u64);

impl Position {
    /// Before the first entry: reading after it replays the whole lane.
    pub const START: Position = Position(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One thing that was published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Where it stands.
    pub position: Position,
    /// The key that it was published under.
    pub key: Arc<str>,
    /// What it says; the lane does not look inside.
    pub body: Arc<[u8]>,
}

/// The answer to a publication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Published {
    /// Where the entry stands.
    pub position: Position,
    /// Whether that key had been published before; then nothing was added.
    pub duplicate: bool,
}

/// An entry as a consumer gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The entry.
    pub entry: Entry,
    /// How many times it has been delivered, this time included.
    pub deliveries: u32,
}

/// An entry that was taken and not acknowledged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    /// Where it stands.
    pub position: Position,
    /// Who took it last; `None` after that consumer gave up.
    pub consumer: Option<Box<str>>,
    /// How many times it has been delivered.
    pub deliveries: u32,
}

/// Why a publication was refused. Nothing was added.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PublishError {
    /// The body is larger than an entry may be.
    #[error("{bytes} bytes in one entry, {max} at most (entry_bytes_max)")]
    BodyTooLarge {
        /// Size of the body.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The key is empty or longer than 256 bytes.
    #[error("an idempotency key has 1 to {KEY_BYTES_MAX} bytes")]
    BadKey,
    /// The lane holds as many entries as it may, and some group still needs the oldest.
    #[error("the lane holds {0} entries that were not acknowledged (lane_entries_max)")]
    LaneFull(usize),
    /// The same, by bytes.
    #[error("the lane would hold more than {0} bytes not acknowledged (lane_bytes_max)")]
    LaneBytesFull(usize),
    /// There are as many lanes as there may be.
    #[error("there are {0} lanes already (lanes_max)")]
    TooManyLanes(usize),
    /// The store is behind a connection, and that is down.
    #[error("the store does not answer")]
    Unavailable,
}

/// Why a group could not be served.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GroupError {
    /// No such lane.
    #[error("no such lane")]
    NoLane,
    /// No such group in that lane; [`LaneStore::join`] makes one.
    #[error("no such group in this lane; join it first")]
    NoGroup,
    /// The lane has as many groups as it may.
    #[error("the lane has {0} groups already (groups_max)")]
    TooManyGroups(usize),
    /// The store is behind a connection, and that is down.
    #[error("the store does not answer")]
    Unavailable,
}

/// How much a store holds before it refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Lanes at once: calls, plus what is registered.
    pub lanes_max: usize,
    /// Entries in one lane.
    pub lane_entries_max: usize,
    /// Bytes of bodies and keys in one lane.
    pub lane_bytes_max: usize,
    /// Bytes of one body.
    pub entry_bytes_max: usize,
    /// Keys of trimmed entries that a lane still recognises.
    pub keys_remembered_max: usize,
    /// Consumer groups of one lane.
    pub groups_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lanes_max: 1_024,            // 200 calls, their side lanes, and room
            lane_entries_max: 10_000,    // hours of talk without a brain to hear it
            lane_bytes_max: 4 << 20,     // a lane of full entries is full long before memory is
            entry_bytes_max: 64 << 10,   // the longest message of the brain protocol
            keys_remembered_max: 10_000, // a producer that retries does so within minutes
            groups_max: 16,              // the brain, the recorder, the console, and room
        }
    }
}

/// A store of lanes. Object-safe, shared between threads, and quick: no call waits for an entry.
pub trait LaneStore: Send + Sync {
    /// Adds an entry, or finds the one that was added under this key before.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was added.
    fn publish(&self, lane: &Lane, key: &str, body: &[u8]) -> Result<Published, PublishError>;

    /// Up to `max` entries after `after`, oldest first, whoever acknowledged them. An unknown lane
    /// is an empty one.
    fn read(&self, lane: &Lane, after: Position, max: usize) -> Vec<Entry>;

    /// Makes a consumer group that starts after `from`, and the lane where there is none. Joining
    /// a group that exists changes nothing.
    ///
    /// # Errors
    /// [`GroupError::TooManyGroups`], or [`GroupError::NoLane`] when no further lane fits.
    fn join(&self, lane: &Lane, group: &str, from: Position) -> Result<(), GroupError>;

    /// Up to `max` entries for `consumer`: first those that another consumer gave up, then new
    /// ones. They stay pending until [`ack`](Self::ack).
    ///
    /// # Errors
    /// [`GroupError::NoLane`] or [`GroupError::NoGroup`].
    fn take(
        &self,
        lane: &Lane,
        group: &str,
        consumer: &str,
        max: usize,
    ) -> Result<Vec<Delivery>, GroupError>;

    /// Settles a pending entry for the group. `false` if it was not pending.
    ///
    /// # Errors
    /// [`GroupError::NoLane`] or [`GroupError::NoGroup`].
    fn ack(&self, lane: &Lane, group: &str, position: Position) -> Result<bool, GroupError>;

    /// What the group took and did not acknowledge, oldest first.
    ///
    /// # Errors
    /// [`GroupError::NoLane`] or [`GroupError::NoGroup`].
    fn pending(&self, lane: &Lane, group: &str) -> Result<Vec<Pending>, GroupError>;

    /// The consumer is gone: what it holds is delivered to the next one that takes. Says how many.
    ///
    /// # Errors
    /// [`GroupError::NoLane`] or [`GroupError::NoGroup`].
    fn give_up(&self, lane: &Lane, group: &str, consumer: &str) -> Result<usize, GroupError>;

    /// Drops entries up to and including `upto`, but none that a group still needs. Says how many.
    fn trim(&self, lane: &Lane, upto: Position) -> usize;

    /// Drops a lane with all that is in it: its call is over. `false` if there was none.
    fn remove(&self, lane: &Lane) -> bool;
}

/// An id of ours, or a hash in hex, with room.
pub(crate) const KEY_BYTES_MAX: usize = 256;
