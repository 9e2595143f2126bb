use crate::limits::KEY_BYTES_MAX;

/// Why the store itself could not do it, whatever was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// It is behind a connection that is down or slow, or another process holds it. What was asked
    /// may still have been done: publish again under the same key.
    #[error("the store of lanes does not answer; it is asked again at the next call")]
    Unavailable,
    /// No room where it is kept. Nothing was changed.
    #[error("no room left for lanes; free some where they are kept, it goes on by itself")]
    Full,
    /// The disk refuses. Nothing was changed.
    #[error("the disk refuses to read or write the lanes; see the system's log")]
    Disk,
    /// What is kept makes no sense.
    #[error("what the lanes are kept in is damaged; `xenline check` says what to do")]
    Damaged,
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
    /// The store could not; [`StoreError::Unavailable`] alone leaves open whether it was added.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a group could not be served.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GroupError {
    /// No such lane.
    #[error("no such lane")]
    NoLane,
    /// No such group in that lane; [`LaneStore::join`](crate::LaneStore::join) makes one.
    #[error("no such group in this lane; join it first")]
    NoGroup,
    /// The lane has as many groups as it may.
    #[error("the lane has {0} groups already (groups_max)")]
    TooManyGroups(usize),
    /// There are as many lanes as there may be.
    #[error("there are {0} lanes already (lanes_max)")]
    TooManyLanes(usize),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}
