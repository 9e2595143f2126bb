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
    /// When it was published, in ms since 1970, by the store's clock.
    pub at_ms: u64,
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

/// What a lane holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LaneInfo {
    /// Which lane.
    pub lane: Lane,
    /// Entries in it.
    pub entries: usize,
    /// Bytes of their keys and bodies.
    pub bytes: usize,
    /// The newest position ever given in this lane; 0 before the first publication.
    pub last: Position,
    /// When the oldest entry was published, in ms since 1970; `None` in an empty lane.
    pub oldest_ms: Option<u64>,
    /// Its consumer groups, by name.
    pub groups: Vec<GroupInfo>,
}

/// How far a consumer group has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupInfo {
    /// Its name.
    pub name: Box<str>,
    /// Everything up to here was taken at least once.
    pub taken: Position,
    /// Entries that were taken and not acknowledged.
    pub pending: usize,
}
