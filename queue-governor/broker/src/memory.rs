use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::lane::Lane;
use crate::store::{
    Delivery, Entry, GroupError, LaneStore, Limits, Pending, Position, PublishError, Published,
};
use crate::stream::Stream;

/// The store for one machine: in memory, behind one lock that is held for microseconds.
///
/// It forgets everything when the process ends; what must survive that belongs in a journal.
#[derive(Debug, Default)]
pub struct MemoryStore {
    limits: Limits,
    lanes: Mutex<HashMap<Lane, Stream>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, lanes: Mutex::default() }
    }

    /// How many lanes there are.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Lane, Stream>> {
        // No call leaves a stream half changed, so a panic elsewhere does not spoil them.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        lane: &Lane,
        call: impl FnOnce(&mut Stream) -> Result<T, GroupError>,
    ) -> Result<T, GroupError> {
        call(self.lock().get_mut(lane).ok_or(GroupError::NoLane)?)
    }
}

/// The lane's stream, made where there is none and one more fits.
fn open<'a>(
    lanes: &'a mut HashMap<Lane, Stream>,
    lane: &Lane,
    limits: &Limits,
) -> Option<&'a mut Stream> {
    if lanes.len() >= limits.lanes_max && !lanes.contains_key(lane) {
        return None;
    }
    Some(lanes.entry(lane.clone()).or_default())
}

impl LaneStore for MemoryStore {
    fn publish(&self, lane: &Lane, key: &str, body: &[u8]) -> Result<Published, PublishError> {
        let mut lanes = self.lock();
        let full = PublishError::TooManyLanes(self.limits.lanes_max);
        open(&mut lanes, lane, &self.limits).ok_or(full)?.publish(&self.limits, key, body)
    }

    fn read(&self, lane: &Lane, after: Position, max: usize) -> Vec<Entry> {
        self.lock().get(lane).map(|stream| stream.read(after, max)).unwrap_or_default()
    }

    fn join(&self, lane: &Lane, group: &str, from: Position) -> Result<(), GroupError> {
        let mut lanes = self.lock();
        let stream = open(&mut lanes, lane, &self.limits).ok_or(GroupError::NoLane)?;
        stream.join(&self.limits, group, from)
    }

    fn take(
        &self,
        lane: &Lane,
        group: &str,
        consumer: &str,
        max: usize,
    ) -> Result<Vec<Delivery>, GroupError> {
        self.with(lane, |stream| stream.take(group, consumer, max))
    }

    fn ack(&self, lane: &Lane, group: &str, position: Position) -> Result<bool, GroupError> {
        self.with(lane, |stream| stream.ack(group, position))
    }

    fn pending(&self, lane: &Lane, group: &str) -> Result<Vec<Pending>, GroupError> {
        self.with(lane, |stream| stream.pending(group))
    }

    fn give_up(&self, lane: &Lane, group: &str, consumer: &str) -> Result<usize, GroupError> {
        self.with(lane, |stream| stream.give_up(group, consumer))
    }

    fn trim(&self, lane: &Lane, upto: Position) -> usize {
        self.lock().get_mut(lane).map_or(0, |stream| stream.trim(upto))
    }

    fn remove(&self, lane: &Lane) -> bool {
        self.lock().remove(lane).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[test]
    fn the_embedded_store_keeps_the_contract() {
        conformance::check_store(&|limits| Box::new(MemoryStore::new(limits)));
    }
}
