use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::TapCounts;
use crate::tap::{Observation, Sorted, Sorter};

/// Where everything that is seen goes in: the sorter, and the queue behind it that never blocks.
pub(super) struct Intake {
    sorter: Sorter,
    out: SyncSender<Sorted>,
    began: Instant,
    counts: Arc<Mutex<TapCounts>>,
    warned: Option<(Instant, u64)>,
}

impl Intake {
    pub(super) fn new(
        sorter: Sorter,
        out: SyncSender<Sorted>,
        began: Instant,
        counts: Arc<Mutex<TapCounts>>,
    ) -> Self {
        Self { sorter, out, began, counts, warned: None }
    }

    /// Whether one more observation is looked at; to be asked before it is read.
    pub(super) fn admit(&mut self) -> bool {
        self.sorter.admit(self.began.elapsed())
    }

    /// An admitted observation.
    pub(super) fn take(&mut self, seen: Observation) {
        let Some(sorted) = self.sorter.handle(self.began.elapsed(), seen) else { return };
        match self.out.try_send(sorted) {
            Ok(()) => {}
            Err(TrySendError::Full(sorted) | TrySendError::Disconnected(sorted)) => {
                self.sorter.bounced(sorted);
            }
        }
    }

    /// An admitted observation that turned out to be none.
    pub(super) fn ignore(&mut self) {
        self.sorter.ignore();
    }

    /// Something was lost before it came here.
    pub(super) fn lost(&mut self, observations: u64) {
        self.sorter.lost(observations);
    }

    /// Shows the counts, and tells the operator about losses now and then.
    pub(super) fn report(&mut self) {
        let counts = self.sorter.counts();
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).sorter = counts;
        let (at, told) = self.warned.unwrap_or((self.began, 0));
        let due = self.warned.is_none() || at.elapsed() >= WARN_EVERY;
        if due && counts.lost > told {
            let lost = counts.lost - told;
            tracing::warn!(
                lost,
                "the tap cannot keep up and drops events: narrow what [tap] watches, or raise per_second_max or queue_max"
            );
            self.warned = Some((Instant::now(), counts.lost));
        }
    }
}

/// A warning for each lost event would be the next flood.
const WARN_EVERY: Duration = Duration::from_secs(60);
