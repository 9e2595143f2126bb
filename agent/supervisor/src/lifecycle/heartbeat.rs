use std::time::{Duration, Instant};

/// Pings at an interval, one at a time, and notices one that is not answered.
#[derive(Debug)]
pub(super) struct Heartbeat {
    every: Duration,
    limit: Duration,
    seq: u64,
    next_ping: Instant,
    /// When the open ping is given up.
    lost_at: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Beat {
    Ping(u64),
    Lost,
}

impl Heartbeat {
    pub(super) fn new(now: Instant, every: Duration, limit: Duration) -> Self {
        let every = every.max(SHORTEST);
        Self { every, limit, seq: 0, next_ping: now + every, lost_at: None }
    }

    pub(super) fn next_timeout(&self) -> Instant {
        self.lost_at.unwrap_or(self.next_ping)
    }

    pub(super) fn on_time(&mut self, now: Instant) -> Option<Beat> {
        if let Some(lost_at) = self.lost_at {
            return (lost_at <= now).then_some(Beat::Lost);
        }
        if now < self.next_ping {
            return None;
        }
        self.seq += 1;
        self.lost_at = Some(now + self.limit);
        self.next_ping = now + self.every;
        Some(Beat::Ping(self.seq))
    }

    /// An answer to an older ping proves nothing about now.
    pub(super) fn on_pong(&mut self, seq: u64) {
        if seq == self.seq {
            self.lost_at = None;
        }
    }
}

/// More pings than this would only show how fast the brain answers pings.
const SHORTEST: Duration = Duration::from_millis(10);
