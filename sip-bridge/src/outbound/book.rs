use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::Micros;

/// The account of one day, to be kept across restarts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    /// Days since 1970, UTC.
    pub day: u64,
    /// Seconds used, or promised to calls that are open.
    pub seconds: u64,
    /// Money spent or promised, in millionths.
    pub spent: Micros,
}

impl Book {
    /// A later day begins at nothing. A clock that was set back takes nothing off; one that was days
    /// ahead and is set right again keeps its amounts for the day that it is. Returns whether another
    /// day begins.
    pub(super) fn turn_to(&mut self, now_unix_s: u64) -> bool {
        let today = now_unix_s / DAY_S;
        let begins = today > self.day;
        if begins {
            *self = Book { day: today, ..Book::default() };
        } else if self.day > today + 1 {
            self.day = today;
        }
        begins
    }

    /// How much of the day is over at this time; `None`: the day has not begun by this clock.
    pub(super) fn since_midnight(&self, now_unix_s: u64) -> Option<Duration> {
        now_unix_s.checked_sub(self.day * DAY_S).map(Duration::from_secs)
    }

    /// So many minutes may be used, or are.
    pub(super) fn charge(&mut self, minutes: u64, per_minute: Micros) {
        self.seconds = self.seconds.saturating_add(minutes * MINUTE_S);
        self.spent = self.spent.saturating_add(minutes.saturating_mul(per_minute));
    }

    /// So many minutes were not used.
    pub(super) fn refund(&mut self, minutes: u64, per_minute: Micros) {
        self.seconds = self.seconds.saturating_sub(minutes * MINUTE_S);
        self.spent = self.spent.saturating_sub(minutes.saturating_mul(per_minute));
    }
}

const DAY_S: u64 = 86_400;
pub(super) const MINUTE_S: u64 = 60;
