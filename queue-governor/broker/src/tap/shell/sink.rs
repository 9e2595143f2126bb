use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Speak, TapCounts};
use crate::entry::Position;
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
    /// Until the watching side is gone.
    pub(super) fn run(self, inbox: &Receiver<Sorted>) {
        let mut lost = 0;
        while let Ok(mut sorted) = inbox.recv() {
            // A word to the caller does not wait for a disk.
            if let Some(alert) = sorted.alert.take() {
                (self.speak)(alert);
            }
            sorted.event.lost_before += lost;
            lost = if self.write(&sorted) { 0 } else { sorted.event.lost_before + 1 };
        }
    }

    fn write(&self, sorted: &Sorted) -> bool {
        let Ok(body) = serde_json::to_vec(&sorted.event) else { return false };
        match self.lanes.publish(&sorted.lane, &sorted.key, &body) {
            Ok(published) => {
                self.trim(sorted, published.position);
                true
            }
            Err(error) => {
                tracing::debug!(lane = %sorted.lane, %error, "an event was not written");
                self.counts.lock().unwrap_or_else(PoisonError::into_inner).unwritten += 1;
                false
            }
        }
    }

    fn trim(&self, sorted: &Sorted, last: Position) {
        if last.0.is_multiple_of(TRIM_EVERY) {
            let keep = u64::try_from(self.keep).unwrap_or(u64::MAX);
            if let Err(error) = self.lanes.trim(&sorted.lane, Position(last.0.saturating_sub(keep)))
            {
                tracing::debug!(lane = %sorted.lane, %error, "old events stay a while longer");
            }
        }
    }
}

/// Trimming costs more than one entry is worth.
const TRIM_EVERY: u64 = 64;
