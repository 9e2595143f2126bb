use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a store reads the time from: when an entry was published, when it was taken. Wall time,
/// because both outlive the process; a clock that is set makes entries look older or younger.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl WallClock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        }))
    }

    /// A clock that stands still until it is moved, and the hand that moves it. For tests.
    #[must_use]
    pub fn by_hand() -> (Self, ClockHand) {
        let hand = ClockHand(Arc::new(AtomicU64::new(HAND_STARTS_MS)));
        let shown = hand.clone();
        (Self(Arc::new(move || shown.0.load(Ordering::SeqCst))), hand)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        (self.0)()
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WallClock").field(&self.now_ms()).finish()
    }
}

/// Moves a clock that was made [`by_hand`](WallClock::by_hand).
#[derive(Clone, Debug)]
pub struct ClockHand(Arc<AtomicU64>);

impl ClockHand {
    /// Later by so much.
    pub fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

/// A day in 2020: ages can be subtracted from it, and it lies in the past of every server.
const HAND_STARTS_MS: u64 = 1_580_000_000_000;
