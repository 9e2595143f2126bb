use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::Deserialize;

/// A day of the calendar, in UTC, as `2026-11-28`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Day(u32);

/// What is not a day.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a day like 2026-11-28")]
pub struct NotADay(String);

const DAY_S: u64 = 86_400;

impl Day {
    /// The day of `now`; before 1970 it is its first.
    #[must_use]
    pub fn of(now: SystemTime) -> Self {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self(u32::try_from(seconds / DAY_S).unwrap_or(u32::MAX))
    }

    /// The days from `earlier` to this one; 0 where it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }

    /// The day so many later.
    #[must_use]
    pub fn plus(self, days: u32) -> Self {
        Self(self.0.saturating_add(days))
    }
}

impl TryFrom<String> for Day {
    type Error = NotADay;

    fn try_from(text: String) -> Result<Self, NotADay> {
        text.parse()
    }
}

impl FromStr for Day {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Self, NotADay> {
        let wrong = || NotADay(text.to_owned());
        let mut parts = text.split('-').map(|part| part.parse::<u32>().ok());
        let (Some(Some(year)), Some(Some(month)), Some(Some(day)), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let plausible =
            (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        let found = Self(days(year, month, day));
        // The 31st of a shorter month reads back as another day.
        if plausible && found.to_string() == text { Ok(found) } else { Err(wrong()) }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = crate::calls::utc(u64::from(self.0) * DAY_S * 1_000);
        f.write_str(utc.split(' ').next().unwrap_or_default())
    }
}

/// Days since the Unix epoch: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
/// `days_from_civil`. From 1970 on.
fn days(year: u32, month: u32, day: u32) -> u32 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_counted() {
        let day = |text: &str| text.parse::<Day>().expect("a day");
        assert_eq!(day("1970-01-01"), Day(0));
        assert_eq!(day("2026-11-28").to_string(), "2026-11-28");
        assert_eq!(day("2024-03-01").since(day("2024-02-28")), 2);
        assert_eq!(day("2026-11-28").since(day("2026-12-01")), 0);
        assert_eq!(day("2026-12-31").plus(1), day("2027-01-01"));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2026-11", "2026-13-01", "2026-02-30", "2026-11-28-1", "28.11.2026"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
