//! A moment for people, in UTC: the calendar without the tables of a time zone.

/// `2026-11-28 13:05:09`, from milliseconds of the Unix epoch.
pub(crate) fn utc(unix_ms: u64) -> String {
    let seconds = unix_ms / 1_000;
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of a day since the Unix epoch. Counts in eras of 400 years that begin with
/// March, so that the leap day is a year's last: H. Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`.
fn civil(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (400 * era + year + next_year, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_date_says() {
        assert_eq!(utc(0), "1970-01-01 00:00:00");
        assert_eq!(utc(951_826_554_000), "2000-02-29 12:15:54");
        assert_eq!(utc(1_740_787_200_000), "2025-03-01 00:00:00");
        assert_eq!(utc(1_795_870_989_123), "2026-11-28 13:03:09");
    }
}
