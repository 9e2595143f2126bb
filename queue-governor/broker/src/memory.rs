use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::WallClock;
use crate::entry::{Delivery, Entry, LaneInfo, Pending, Position, Published};
use crate::error::{GroupError, PublishError, StoreError};
use crate::lane::Lane;
use crate::limits::{Limits, Retention};
use crate::store::{Item, LaneStore, items};
use crate::stream::Stream;

/// The store for one process: in memory, behind one lock that is held for microseconds.
///
/// It forgets everything when the process ends; what must survive that belongs in a store on disk.
#[derive(Debug, Default)]
pub struct MemoryStore {
    limits: Limits,
    clock: WallClock,
    lanes: Mutex<BTreeMap<Lane, Stream>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::with_clock(limits, WallClock::system())
    }

    /// An empty store that reads the time from `clock`.
    #[must_use]
    pub fn with_clock(limits: Limits, clock: WallClock) -> Self {
        Self { limits, clock, lanes: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Lane, Stream>> {
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

/// Whether the lane is there, or one more fits.
fn fits(lanes: &BTreeMap<Lane, Stream>, lane: &Lane, limits: &Limits) -> bool {
    lanes.len() < limits.lanes_max || lanes.contains_key(lane)
}

impl MemoryStore {
    fn publish_items(
        &self,
        lane: &Lane,
        items: &[Item<'_>],
    ) -> Result<Vec<Published>, PublishError> {
        items.iter().try_for_each(|(key, body)| self.limits.check(key, body))?;
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut lanes = self.lock();
        if !fits(&lanes, lane, &self.limits) {
            return Err(PublishError::TooManyLanes(self.limits.lanes_max));
        }
        let now_ms = self.clock.now_ms();
        if let Some(stream) = lanes.get_mut(lane) {
            return stream.publish(&self.limits, now_ms, items);
        }
        let mut stream = Stream::default();
        let published = stream.publish(&self.limits, now_ms, items)?;
        // Not before: a refusal makes no lane.
        lanes.insert(lane.clone(), stream);
        Ok(published)
    }
}

impl LaneStore for MemoryStore {
    fn publish(&self, lane: &Lane, key: &str, body: &[u8]) -> Result<Published, PublishError> {
        self.publish_items(lane, &[(key, body)]).map(|published| published[0])
    }

    fn publish_many(
        &self,
        lane: &Lane,
        entries: &[(String, Vec<u8>)],
    ) -> Result<Vec<Published>, PublishError> {
        self.publish_items(lane, &items(entries))
    }

    fn read(&self, lane: &Lane, after: Position, max: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(self.lock().get(lane).map(|stream| stream.read(after, max)).unwrap_or_default())
    }

    fn lanes(&self) -> Result<Vec<LaneInfo>, StoreError> {
        Ok(self.lock().iter().map(|(lane, stream)| stream.info(lane)).collect())
    }

    fn join(&self, lane: &Lane, group: &str, from: Position) -> Result<(), GroupError> {
        let mut lanes = self.lock();
        if !fits(&lanes, lane, &self.limits) {
            return Err(GroupError::TooManyLanes(self.limits.lanes_max));
        }
        lanes.entry(lane.clone()).or_default().join(&self.limits, group, from)
    }

    fn take(
        &self,
        lane: &Lane,
        group: &str,
        consumer: &str,
        max: usize,
    ) -> Result<Vec<Delivery>, GroupError> {
        self.with(lane, |stream| stream.take(group, consumer, self.clock.now_ms(), max))
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

    fn give_up_idle(&self, lane: &Lane, group: &str, idle: Duration) -> Result<usize, GroupError> {
        self.with(lane, |stream| stream.give_up_idle(group, self.clock.now_ms(), idle))
    }

    fn trim(&self, lane: &Lane, upto: Position) -> Result<usize, StoreError> {
        Ok(self.lock().get_mut(lane).map_or(0, |stream| stream.trim(upto)))
    }

    fn retain(&self, lane: &Lane, keep: &Retention) -> Result<usize, StoreError> {
        let now_ms = self.clock.now_ms();
        Ok(self.lock().get_mut(lane).map_or(0, |stream| stream.retain(keep, now_ms)))
    }

    fn remove(&self, lane: &Lane) -> Result<bool, StoreError> {
        Ok(self.lock().remove(lane).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[test]
    fn the_store_in_memory_keeps_the_contract() {
        conformance::check_store(&|limits, clock| Box::new(MemoryStore::with_clock(limits, clock)));
    }
}
