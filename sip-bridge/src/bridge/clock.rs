use std::time::{Instant, SystemTime, UNIX_EPOCH};

use media_core::MonoTime;

/// The one place of the crate that reads clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin: Instant,
}

#[allow(clippy::disallowed_methods)] // This is where time comes from.
impl Clock {
    pub(super) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    pub(super) fn now(self) -> MonoTime {
        MonoTime::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// The moment `at` for tokio's timers.
    pub(super) fn instant(self, at: MonoTime) -> tokio::time::Instant {
        (self.origin + at.since(MonoTime::ZERO)).into()
    }

    /// Wall-clock milliseconds since 1970.
    pub(super) fn unix_ms() -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
