//! Notices that the peer's media starts and stops.

use std::time::Duration;

use media_core::MonoTime;

use crate::event::AudioEvent;

/// Watches one leg's incoming RTP.
pub(crate) struct Watchdog {
    timeout: Duration,
    /// Last packet, or last moment at which none was due.
    last: Option<MonoTime>,
    flowing: bool,
    reported: bool,
}

impl Watchdog {
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, last: None, flowing: false, reported: false }
    }

    /// Called once per tick. `arrived`: RTP from the peer came in this tick. `expected`: the
    /// peer is to send at all; on hold it is not.
    pub fn tick(&mut self, now: MonoTime, arrived: bool, expected: bool) -> Option<AudioEvent> {
        let last = *self.last.get_or_insert(now);
        if arrived {
            self.last = Some(now);
            self.reported = false;
            let started = !std::mem::replace(&mut self.flowing, true);
            return started.then_some(AudioEvent::MediaStarted { at: now });
        }
        if !expected {
            self.last = Some(now);
            return None;
        }
        if self.reported || now.since(last) < self.timeout {
            return None;
        }
        self.reported = true;
        self.flowing = false;
        Some(AudioEvent::MediaTimeout { at: now })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTED: fn(u64) -> Option<AudioEvent> =
        |ms| Some(AudioEvent::MediaStarted { at: MonoTime::from_millis(ms) });
    const TIMEOUT: fn(u64) -> Option<AudioEvent> =
        |ms| Some(AudioEvent::MediaTimeout { at: MonoTime::from_millis(ms) });

    fn at(dog: &mut Watchdog, ms: u64, arrived: bool, expected: bool) -> Option<AudioEvent> {
        dog.tick(MonoTime::from_millis(ms), arrived, expected)
    }

    #[test]
    fn one_silence_is_reported_once_and_its_end_too() {
        let mut dog = Watchdog::new(Duration::from_millis(100));
        assert_eq!(at(&mut dog, 1_000, true, true), STARTED(1_000));
        assert_eq!(at(&mut dog, 1_020, true, true), None);
        assert_eq!(at(&mut dog, 1_100, false, true), None);
        assert_eq!(at(&mut dog, 1_120, false, true), TIMEOUT(1_120));
        assert_eq!(at(&mut dog, 1_400, false, true), None);
        assert_eq!(at(&mut dog, 1_420, true, true), STARTED(1_420));
    }

    #[test]
    fn a_peer_that_never_sends_is_noticed_and_one_on_hold_is_not() {
        let mut dog = Watchdog::new(Duration::from_millis(100));
        assert_eq!(at(&mut dog, 1_000, false, true), None);
        assert_eq!(at(&mut dog, 1_090, false, false), None);
        assert_eq!(at(&mut dog, 1_180, false, true), None);
        assert_eq!(at(&mut dog, 1_190, false, true), TIMEOUT(1_190));
    }
}
