use std::time::Duration;

use crate::error::PublishError;

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

impl Limits {
    /// Keys that a lane recognises: at least those of the entries that it holds.
    pub(crate) fn keys_max(&self) -> usize {
        self.keys_remembered_max.max(self.lane_entries_max)
    }

    /// Whether an entry may enter any lane at all.
    pub(crate) fn check(&self, key: &str, body: &[u8]) -> Result<(), PublishError> {
        if body.len() > self.entry_bytes_max {
            return Err(PublishError::BodyTooLarge {
                bytes: body.len(),
                max: self.entry_bytes_max,
            });
        }
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(PublishError::BadKey);
        }
        Ok(())
    }

    /// What is in the way of a lane of this size; `None`: it may be.
    pub(crate) fn exceeded(&self, entries: usize, bytes: usize) -> Option<PublishError> {
        if entries > self.lane_entries_max {
            Some(PublishError::LaneFull(self.lane_entries_max))
        } else if bytes > self.lane_bytes_max {
            Some(PublishError::LaneBytesFull(self.lane_bytes_max))
        } else {
            None
        }
    }
}

/// What a lane keeps of that which nobody needs any more. Absent: no bound of that kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retention {
    /// Entries that are older go.
    pub age: Option<Duration>,
    /// The oldest go, until no more than so many are left.
    pub entries: Option<usize>,
    /// The oldest go, until no more than so many bytes of keys and bodies are left.
    pub bytes: Option<usize>,
}

impl Retention {
    /// Whether the oldest entry, published at `at_ms`, goes from a lane of this size.
    pub(crate) fn drops(&self, at_ms: u64, now_ms: u64, entries: usize, bytes: usize) -> bool {
        self.age.is_some_and(|age| at_ms < before(now_ms, age))
            || self.entries.is_some_and(|max| entries > max)
            || self.bytes.is_some_and(|max| bytes > max)
    }
}

/// The time so long before `now_ms`, in ms.
pub(crate) fn before(now_ms: u64, ago: Duration) -> u64 {
    now_ms.saturating_sub(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX))
}

/// An id of ours, or a hash in hex, with room.
pub(crate) const KEY_BYTES_MAX: usize = 256;
