use std::time::Duration;

/// How long to wait before the next start: doubled each time, up to a cap.
#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        let min = min.max(SHORTEST);
        Self { min, max: max.max(min), next: min }
    }

    pub(super) fn next_delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = self.next.saturating_mul(2).min(self.max);
        delay
    }

    pub(super) fn reset(&mut self) {
        self.next = self.min;
    }
}

/// A zero would never grow, and a brain that cannot start would take a core.
const SHORTEST: Duration = Duration::from_millis(10);
