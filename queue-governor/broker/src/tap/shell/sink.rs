use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Speak, TapCounts};
use crate::entry::{Position, Published};
use crate::lane::Lane;
use crate::store::LaneStore;
use crate::tap::Sorted;

/// The writing side. It may be as slow as its store: what does not fit into the queue before it is
/// dropped there.
pub(super) struct Sink {
    pub lanes: Arc<dyn LaneStore>,
    pub speak: Speak,
    pub keep: usize,
    pub counts: Arc<Mutex<TapCounts>>,
}

impl Sink {
    /// Until the watching side is gone. What waits is written together: a store on a disk waits for
    /// it once.
    pub(super) fn run(self, inbox: &Receiver<Sorted>) {
        let mut lost = 0;
        while let Ok(first) = inbox.recv() {
            let mut lanes: BTreeMap<Lane, Vec<Sorted>> = BTreeMap::new();
            for mut sorted in std::iter::once(first).chain(inbox.try_iter()).take(BATCH_MAX) {
                // A word to the caller does not wait for a disk.
                sorted.alerts.drain(..).for_each(&self.speak);
                lanes.entry(sorted.lane.clone()).or_default().push(sorted);
            }
            for (lane, events) in lanes {
                lost = self.write(&lane, events, lost);
            }
        }
    }

    /// Writes the events of one lane; says how many are lost and not told yet.
    fn write(&self, lane: &Lane, mut events: Vec<Sorted>, lost: u64) -> u64 {
        if let Some(first) = events.first_mut() {
            first.event.lost_before += lost;
        }
        let entry =
            |sorted: &Sorted| Some((sorted.key.clone(), serde_json::to_vec(&sorted.event).ok()?));
        let entries: Vec<(String, Vec<u8>)> = events.iter().filter_map(entry).collect();
        match self.lanes.publish_many(lane, &entries) {
            Ok(published) => {
                self.trim(lane, &published);
                0
            }
            Err(error) => {
                tracing::debug!(%lane, %error, "events were not written");
                self.counts.lock().unwrap_or_else(PoisonError::into_inner).unwritten +=
                    events.len() as u64;
                events.iter().map(|sorted| sorted.event.lost_before + 1).sum()
            }
        }
    }

    fn trim(&self, lane: &Lane, published: &[Published]) {
        let due = |new: &&Published| new.position.0.is_multiple_of(TRIM_EVERY);
        let Some(Published { position, .. }) = published.iter().rfind(due) else { return };
        let keep = u64::try_from(self.keep).unwrap_or(u64::MAX);
        if let Err(error) = self.lanes.trim(lane, Position(position.0.saturating_sub(keep))) {
            tracing::debug!(%lane, %error, "old events stay a while longer");
        }
    }
}

/// One transaction of a quarter of a megabyte at most.
const BATCH_MAX: usize = 64;
/// Trimming costs more than one entry is worth.
const TRIM_EVERY: u64 = 64;
