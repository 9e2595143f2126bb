//! A store that is away now and then, for tests.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use lane_broker::{
    Delivery, Entry, GroupError, Lane, LaneInfo, LaneStore, Limits, MemoryStore, Pending, Position,
    PublishError, Published, Retention, StoreError,
};

/// Keeps in memory, and answers only while it is there.
pub(crate) struct Absent {
    beneath: MemoryStore,
    away: AtomicBool,
    full: AtomicBool,
    /// Until it goes away.
    reads: AtomicUsize,
}

impl Default for Absent {
    fn default() -> Self {
        Self::with(Limits::default())
    }
}

impl Absent {
    pub fn with(limits: Limits) -> Self {
        Self {
            beneath: MemoryStore::new(limits),
            away: AtomicBool::new(false),
            full: AtomicBool::new(false),
            reads: AtomicUsize::new(usize::MAX),
        }
    }

    pub fn go_away(&self) {
        self.away.store(true, Ordering::Release);
    }

    /// Goes away after so many more reads.
    pub fn go_away_after(&self, reads: usize) {
        self.reads.store(reads, Ordering::Release);
    }

    /// Takes acknowledgements, and nothing new: it is full.
    pub fn refuse_to_write(&self) {
        self.full.store(true, Ordering::Release);
    }

    pub fn come_back(&self) {
        self.away.store(false, Ordering::Release);
    }

    fn here(&self) -> Result<&MemoryStore, StoreError> {
        match self.away.load(Ordering::Acquire) {
            true => Err(StoreError::Unavailable),
            false => Ok(&self.beneath),
        }
    }
}

impl LaneStore for Absent {
    fn publish(&self, lane: &Lane, key: &str, body: &[u8]) -> Result<Published, PublishError> {
        if self.full.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable.into());
        }
        self.here()?.publish(lane, key, body)
    }

    fn publish_many(
        &self,
        lane: &Lane,
        entries: &[(String, Vec<u8>)],
    ) -> Result<Vec<Published>, PublishError> {
        self.here()?.publish_many(lane, entries)
    }

    fn read(&self, lane: &Lane, after: Position, max: usize) -> Result<Vec<Entry>, StoreError> {
        let read = self.here()?.read(lane, after, max);
        if self.reads.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.go_away();
        }
        read
    }

    fn lanes(&self) -> Result<Vec<LaneInfo>, StoreError> {
        self.here()?.lanes()
    }

    fn join(&self, lane: &Lane, group: &str, from: Position) -> Result<(), GroupError> {
        self.here()?.join(lane, group, from)
    }

    fn take(
        &self,
        lane: &Lane,
        group: &str,
        consumer: &str,
        max: usize,
    ) -> Result<Vec<Delivery>, GroupError> {
        self.here()?.take(lane, group, consumer, max)
    }

    fn ack(&self, lane: &Lane, group: &str, position: Position) -> Result<bool, GroupError> {
        self.here()?.ack(lane, group, position)
    }

    fn pending(&self, lane: &Lane, group: &str) -> Result<Vec<Pending>, GroupError> {
        self.here()?.pending(lane, group)
    }

    fn give_up(&self, lane: &Lane, group: &str, consumer: &str) -> Result<usize, GroupError> {
        self.here()?.give_up(lane, group, consumer)
    }

    fn give_up_idle(&self, lane: &Lane, group: &str, idle: Duration) -> Result<usize, GroupError> {
        self.here()?.give_up_idle(lane, group, idle)
    }

    fn trim(&self, lane: &Lane, upto: Position) -> Result<usize, StoreError> {
        self.here()?.trim(lane, upto)
    }

    fn retain(&self, lane: &Lane, keep: &Retention) -> Result<usize, StoreError> {
        self.here()?.retain(lane, keep)
    }

    fn remove(&self, lane: &Lane) -> Result<bool, StoreError> {
        self.here()?.remove(lane)
    }
}
