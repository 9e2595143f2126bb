use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::time::Duration;

use crate::clock::WallClock;
use crate::entry::{Delivery, Entry, LaneInfo, Pending, Position, Published};
use crate::error::{GroupError, PublishError, StoreError};
use crate::lane::Lane;
use crate::limits::Retention;
use crate::store::LaneStore;

/// Opening is not tried more often: it may hold up whoever asks for half a second.
const AGAIN_MS: u64 = 1_000;

/// Opens the store, or says that it cannot be had yet.
type Open = Box<dyn Fn() -> Option<Arc<dyn LaneStore>> + Send + Sync>;

/// Stands for a store that cannot be opened yet: another process holds its file, its disk is full.
///
/// Every call is answered [`StoreError::Unavailable`] until the store can be opened, which is tried
/// again by whoever calls, once a second. From then on it is that store.
pub struct AwaitedStore {
    open: Open,
    opened: OnceLock<Arc<dyn LaneStore>>,
    clock: WallClock,
    tried_ms: Mutex<Option<u64>>,
}

impl AwaitedStore {
    /// A store that `open` gives when it can.
    #[must_use]
    pub fn new(
        clock: WallClock,
        open: impl Fn() -> Option<Arc<dyn LaneStore>> + Send + Sync + 'static,
    ) -> Self {
        let (open, opened, tried_ms) = (Box::new(open), OnceLock::new(), Mutex::new(None));
        Self { open, opened, clock, tried_ms }
    }

    fn here(&self) -> Result<&dyn LaneStore, StoreError> {
        if let Some(store) = self.opened.get() {
            return Ok(&**store);
        }
        let mut tried_ms = match self.tried_ms.try_lock() {
            Ok(tried_ms) => tried_ms,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody tries just now; nobody else waits for that.
            Err(TryLockError::WouldBlock) => return Err(StoreError::Unavailable),
        };
        let now_ms = self.clock.now_ms();
        // A clock that goes back does not keep it from being tried.
        if tried_ms.is_some_and(|tried| now_ms.abs_diff(tried) < AGAIN_MS) {
            return Err(StoreError::Unavailable);
        }
        let opened = (self.open)();
        *tried_ms = Some(self.clock.now_ms());
        match opened {
            Some(store) => Ok(&**self.opened.get_or_init(|| store)),
            None => Err(StoreError::Unavailable),
        }
    }
}

impl LaneStore for AwaitedStore {
    fn publish(&self, lane: &Lane, key: &str, body: &[u8]) -> Result<Published, PublishError> {
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
        self.here()?.read(lane, after, max)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;
    use crate::limits::Limits;
    use crate::memory::MemoryStore;
    use crate::tag::Tag;

    #[test]
    fn a_store_that_can_be_opened_at_once_keeps_the_contract() {
        conformance::check_store(&|limits, clock| {
            let beneath: Arc<dyn LaneStore> = Arc::new(MemoryStore::with_clock(limits, clock));
            Box::new(AwaitedStore::new(WallClock::system(), move || Some(beneath.clone())))
        });
    }

    #[test]
    fn until_it_can_be_opened_it_is_away_and_it_is_tried_once_a_second() {
        let beneath: Arc<dyn LaneStore> = Arc::new(MemoryStore::new(Limits::default()));
        let (clock, hand) = WallClock::by_hand();
        let tries = Arc::new(Mutex::new(0));
        let counted = tries.clone();
        let store = AwaitedStore::new(clock, move || {
            let mut tries = counted.lock().expect("no panic");
            *tries += 1;
            (*tries > 2).then(|| beneath.clone())
        });
        let lane = Lane::new(Tag::xen_out(), "journal").expect("a good name");
        let asked = || store.publish(&lane, "k", b"kept").map(|_| ());
        let away = Err(PublishError::Store(StoreError::Unavailable));
        let tried = |times| *tries.lock().expect("no panic") == times;
        assert!((asked(), asked()) == (away, away) && tried(1));
        hand.advance(Duration::from_millis(999));
        assert!(asked() == away && tried(1));
        hand.advance(Duration::from_millis(1));
        assert!(asked() == away && tried(2));
        hand.advance(Duration::from_secs(1));
        assert!((asked(), asked()) == (Ok(()), Ok(())) && tried(3));
    }
}
