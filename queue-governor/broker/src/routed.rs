use std::sync::Arc;
use std::time::Duration;

use crate::entry::{Delivery, Entry, LaneInfo, Pending, Position, Published};
use crate::error::{GroupError, PublishError, StoreError};
use crate::lane::Lane;
use crate::limits::{Limits, Retention};
use crate::memory::MemoryStore;
use crate::store::LaneStore;
use crate::tag::Tag;

/// Keeps the lanes of one tag in memory and all others in the store beneath.
///
/// For what ends with this process anyway, and must not wait for a disk or a connection: what a
/// caller says is gone with the call, and the call with the process.
pub struct RoutedStore {
    tag: Tag,
    memory: MemoryStore,
    beneath: Arc<dyn LaneStore>,
}

impl RoutedStore {
    /// Lanes of `tag` in memory, within `limits`; the others in `beneath`.
    #[must_use]
    pub fn new(tag: Tag, limits: Limits, beneath: Arc<dyn LaneStore>) -> Self {
        Self { tag, memory: MemoryStore::new(limits), beneath }
    }

    fn of(&self, lane: &Lane) -> &dyn LaneStore {
        if *lane.tag() == self.tag { &self.memory } else { &*self.beneath }
    }
}

impl LaneStore for RoutedStore {
    fn publish(&self, lane: &Lane, key: &str, body: &[u8]) -> Result<Published, PublishError> {
        self.of(lane).publish(lane, key, body)
    }

    fn publish_many(
        &self,
        lane: &Lane,
        entries: &[(String, Vec<u8>)],
    ) -> Result<Vec<Published>, PublishError> {
        self.of(lane).publish_many(lane, entries)
    }

    fn read(&self, lane: &Lane, after: Position, max: usize) -> Result<Vec<Entry>, StoreError> {
        self.of(lane).read(lane, after, max)
    }

    fn lanes(&self) -> Result<Vec<LaneInfo>, StoreError> {
        let mut lanes = self.beneath.lanes()?;
        // Of that tag the store beneath may hold some from before; nobody reaches them here.
        lanes.retain(|info| *info.lane.tag() != self.tag);
        lanes.extend(self.memory.lanes()?);
        lanes.sort_by(|a, b| a.lane.cmp(&b.lane));
        Ok(lanes)
    }

    fn join(&self, lane: &Lane, group: &str, from: Position) -> Result<(), GroupError> {
        self.of(lane).join(lane, group, from)
    }

    fn take(
        &self,
        lane: &Lane,
        group: &str,
        consumer: &str,
        max: usize,
    ) -> Result<Vec<Delivery>, GroupError> {
        self.of(lane).take(lane, group, consumer, max)
    }

    fn ack(&self, lane: &Lane, group: &str, position: Position) -> Result<bool, GroupError> {
        self.of(lane).ack(lane, group, position)
    }

    fn pending(&self, lane: &Lane, group: &str) -> Result<Vec<Pending>, GroupError> {
        self.of(lane).pending(lane, group)
    }

    fn give_up(&self, lane: &Lane, group: &str, consumer: &str) -> Result<usize, GroupError> {
        self.of(lane).give_up(lane, group, consumer)
    }

    fn give_up_idle(&self, lane: &Lane, group: &str, idle: Duration) -> Result<usize, GroupError> {
        self.of(lane).give_up_idle(lane, group, idle)
    }

    fn trim(&self, lane: &Lane, upto: Position) -> Result<usize, StoreError> {
        self.of(lane).trim(lane, upto)
    }

    fn retain(&self, lane: &Lane, keep: &Retention) -> Result<usize, StoreError> {
        self.of(lane).retain(lane, keep)
    }

    fn remove(&self, lane: &Lane) -> Result<bool, StoreError> {
        self.of(lane).remove(lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    fn routed(limits: Limits) -> (RoutedStore, Arc<MemoryStore>) {
        let beneath = Arc::new(MemoryStore::new(limits));
        (RoutedStore::new(Tag::call(), limits, beneath.clone()), beneath)
    }

    #[test]
    fn one_tag_stays_in_memory_and_the_others_go_beneath() {
        let (store, beneath) = routed(Limits::default());
        let spoken = Lane::new(Tag::call(), "17").unwrap();
        let written = Lane::new(Tag::xen_out(), "journal").unwrap();
        store.publish(&spoken, "k", b"said").unwrap();
        store.publish(&written, "k", b"kept").unwrap();
        let names = |store: &dyn LaneStore| {
            let lanes = store.lanes().unwrap().into_iter();
            lanes.map(|info| info.lane.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(&store), ["call:17", "xen-out:journal"]);
        assert_eq!(names(&*beneath), ["xen-out:journal"]);
    }

    #[test]
    fn a_routed_store_keeps_the_contract_on_its_other_side() {
        conformance::check_store(&|limits, clock| {
            let beneath = Arc::new(MemoryStore::with_clock(limits, clock));
            Box::new(RoutedStore::new(Tag::xen_out(), limits, beneath))
        });
    }
}
