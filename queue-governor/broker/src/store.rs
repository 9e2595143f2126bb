use std::time::Duration;

use crate::entry::{Delivery, Entry, LaneInfo, Pending, Position, Published};
use crate::error::{GroupError, PublishError, StoreError};
use crate::lane::Lane;
use crate::limits::Retention;

/// A store of lanes. Object-safe, shared between threads, and quick: no call waits for an entry.
///
/// A store on a disk waits for that disk, one behind a connection no longer than its timeout:
/// call it from where a few milliseconds may be spent, never from an audio thread.
pub trait LaneStore: Send + Sync {
    /// Adds an entry, or finds the one that was added under this key before. When it returns, the
    /// entry is as safe as the store can make it.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was added.
    fn publish(&self, lane: &Lane, key: &str, body: &[u8]) -> Result<Published, PublishError>;

    /// Adds entries in this order, each `(key, body)` as [`publish`](Self::publish) would, in one
    /// transaction: all of them or none, and a disk is waited for once.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was added.
    fn publish_many(
        &self,
        lane: &Lane,
        entries: &[(String, Vec<u8>)],
    ) -> Result<Vec<Published>, PublishError>;

    /// Up to `max` entries after `after`, oldest first, whoever acknowledged them. An unknown lane
    /// is an empty one.
    ///
    /// # Errors
    /// [`StoreError`]: so that a store that cannot be read is not taken for an empty lane.
    fn read(&self, lane: &Lane, after: Position, max: usize) -> Result<Vec<Entry>, StoreError>;

    /// Every lane and what it holds, in order of their names.
    ///
    /// # Errors
    /// [`StoreError`].
    fn lanes(&self) -> Result<Vec<LaneInfo>, StoreError>;

    /// Makes a consumer group that starts after `from`, and the lane where there is none. Joining
    /// a group that exists changes nothing.
    ///
    /// # Errors
    /// [`GroupError::TooManyGroups`] or [`GroupError::TooManyLanes`].
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

    /// Consumers that took something `idle` ago or earlier and did not acknowledge it are taken
    /// for dead: those entries are delivered to the next one that takes. Says how many.
    ///
    /// # Errors
    /// [`GroupError::NoLane`] or [`GroupError::NoGroup`].
    fn give_up_idle(&self, lane: &Lane, group: &str, idle: Duration) -> Result<usize, GroupError>;

    /// Drops entries up to and including `upto`, but none that a group still needs. Says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    fn trim(&self, lane: &Lane, upto: Position) -> Result<usize, StoreError>;

    /// Drops the oldest entries that this retention does not keep, but none that a group still
    /// needs. Says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    fn retain(&self, lane: &Lane, keep: &Retention) -> Result<usize, StoreError>;

    /// Drops a lane with all that is in it: its call is over. `false` if there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove(&self, lane: &Lane) -> Result<bool, StoreError>;
}

/// A publication: its key and its body.
pub(crate) type Item<'a> = (&'a str, &'a [u8]);

/// What [`LaneStore::publish_many`] is given, as stores handle it inside.
pub(crate) fn items(entries: &[(String, Vec<u8>)]) -> Vec<Item<'_>> {
    entries.iter().map(|(key, body)| (key.as_str(), body.as_slice())).collect()
}
