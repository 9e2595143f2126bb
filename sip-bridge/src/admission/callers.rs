use core::time::Duration;
use std::collections::BTreeMap;

use media_core::MonoTime;

/// How often each caller has called within the minute.
#[derive(Debug, Default)]
pub(super) struct Callers {
    minutes: BTreeMap<Box<str>, Minute>,
}

#[derive(Clone, Copy, Debug)]
struct Minute {
    since: MonoTime,
    calls: u32,
}

impl Callers {
    /// Counts a call; gives how many there were in that caller's minute, this one included.
    pub fn count(&mut self, now: MonoTime, caller: &str) -> u32 {
        if let Some(minute) = self.minutes.get_mut(caller) {
            if minute.is_over(now) {
                *minute = Minute { since: now, calls: 0 };
            }
            minute.calls = minute.calls.saturating_add(1);
            return minute.calls;
        }
        if self.minutes.len() >= CALLERS_MAX {
            self.minutes.retain(|_, minute| !minute.is_over(now));
        }
        // A trunk that brings so many callers in a minute is held by its calls a second.
        if self.minutes.len() < CALLERS_MAX {
            self.minutes.insert(caller.into(), Minute { since: now, calls: 1 });
        }
        1
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.minutes.len()
    }
}

impl Minute {
    fn is_over(self, now: MonoTime) -> bool {
        now.since(self.since) >= WINDOW
    }
}

const WINDOW: Duration = Duration::from_secs(60);
/// 20 calls a second, each of another caller, are 1,200 in a minute.
pub(super) const CALLERS_MAX: usize = 4_096;
