//! Notices that the peer's media starts, pauses and stops.

use std::time::Duration;

use media_core::MonoTime;

use crate::event::AudioEvent;

/// How long a peer's silence is one, and how long it is the end.
#[derive(Clone, Copy)]
pub(crate) struct Silence {
    /// Zero: it is none before it is the end.
    pub quiet: Duration,
    pub timeout: Duration,
}

/// Watches one leg's incoming RTP.
pub(crate) struct Watchdog {
    silence: Silence,
    /// Last packet, or last moment at which none was due.
    last: Option<MonoTime>,
    flowing: bool,
    reported: bool,
    quiet: bool,
}

impl Watchdog {
    pub fn new(silence: Silence) -> Self {
        Self { silence, last: None, flowing: false, reported: false, quiet: false }
    }

    /// Called once per tick. `arrived`: RTP from the peer came in this tick. `expected`: the
    /// peer is to send at all; on hold it is not.
    pub fn tick(&mut self, now: MonoTime, arrived: bool, expected: bool) -> Option<AudioEvent> {
        let last = *self.last.get_or_insert(now);
        if arrived {
            self.last = Some(now);
            self.reported = false;
            let back = std::mem::take(&mut self.quiet);
            let started = !std::mem::replace(&mut self.flowing, true);
            return match started {
                true => Some(AudioEvent::MediaStarted { at: now }),
                false => back.then_some(AudioEvent::MediaBack { at: now }),
            };
        }
        if !expected {
            self.last = Some(now);
            return None;
        }
        let silent_for = now.since(last);
        let Silence { quiet, timeout } = self.silence;
        if !self.reported && silent_for < timeout {
            let is_quiet = !quiet.is_zero() && silent_for >= quiet;
            let fell_quiet = is_quiet && !std::mem::replace(&mut self.quiet, is_quiet);
            return fell_quiet.then_some(AudioEvent::MediaQuiet { at: now });
        }
        if self.reported {
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

    fn dog(quiet: u64, timeout: u64) -> Watchdog {
        let (quiet, timeout) = (Duration::from_millis(quiet), Duration::from_millis(timeout));
        Watchdog::new(Silence { quiet, timeout })
    }

    fn at(dog: &mut Watchdog, ms: u64, arrived: bool, expected: bool) -> Option<AudioEvent> {
        dog.tick(MonoTime::from_millis(ms), arrived, expected)
    }

    #[test]
    fn a_peer_that_falls_quiet_is_told_at_once_and_that_it_is_back_too() {
        let mut dog = dog(40, 100);
        let at_ms = MonoTime::from_millis;
        assert_eq!(at(&mut dog, 1_000, true, true), STARTED(1_000));
        assert_eq!(at(&mut dog, 1_020, false, true), None);
        let quiet = AudioEvent::MediaQuiet { at: at_ms(1_040) };
        assert_eq!(at(&mut dog, 1_040, false, true), Some(quiet));
        assert_eq!(at(&mut dog, 1_060, false, true), None);
        let back = AudioEvent::MediaBack { at: at_ms(1_080) };
        assert_eq!(at(&mut dog, 1_080, true, true), Some(back));
        let quiet = AudioEvent::MediaQuiet { at: at_ms(1_120) };
        assert_eq!(at(&mut dog, 1_120, false, true), Some(quiet));
        assert_eq!(at(&mut dog, 1_180, false, true), TIMEOUT(1_180));
        assert_eq!(at(&mut dog, 1_200, true, true), STARTED(1_200));
        // On hold nobody is to send.
        assert_eq!(at(&mut dog, 1_230, false, false), None);
        assert_eq!(at(&mut dog, 1_290, false, false), None);
    }

    #[test]
    fn one_silence_is_reported_once_and_its_end_too() {
        let mut dog = dog(0, 100);
        assert_eq!(at(&mut dog, 1_000, true, true), STARTED(1_000));
        assert_eq!(at(&mut dog, 1_020, true, true), None);
        assert_eq!(at(&mut dog, 1_100, false, true), None);
        assert_eq!(at(&mut dog, 1_120, false, true), TIMEOUT(1_120));
        assert_eq!(at(&mut dog, 1_400, false, true), None);
        assert_eq!(at(&mut dog, 1_420, true, true), STARTED(1_420));
    }

    #[test]
    fn a_peer_that_never_sends_is_noticed_and_one_on_hold_is_not() {
        let mut dog = dog(0, 100);
        assert_eq!(at(&mut dog, 1_000, false, true), None);
        assert_eq!(at(&mut dog, 1_090, false, false), None);
        assert_eq!(at(&mut dog, 1_180, false, true), None);
        assert_eq!(at(&mut dog, 1_190, false, true), TIMEOUT(1_190));
    }
}
