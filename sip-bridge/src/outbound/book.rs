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
    /// ahead and is set right again keeps its amounts for the day that it is.
    pub(super) fn turn_to(&mut self, now_unix_s: u64) {
        let today = now_unix_s / DAY_S;
        if today > self.day {
            *self = Book { day: today, ..Book::default() };
        } else if self.day > today + 1 {
            self.day = today;
        }
    }
}

const DAY_S: u64 = 86_400;
