//! Times of day, spans, dates.

use super::normalise::{Carried, Context};
use super::numbers::{cardinal, is_digits, number, ordinal, two_digits, year};
use super::units;

/// `14:35`, `7:00`, `09:05:30`, `5pm`.
pub(super) fn time(core: &str, context: Context<'_>) -> Option<String> {
    let lower = core.to_ascii_lowercase();
    let (clock, suffix) = match lower.trim_end_matches("am").trim_end_matches("pm") {
        clock if clock.len() + 2 == lower.len() => (clock, units::unit(&lower[clock.len()..])),
        _ => (lower.as_str(), None),
    };
    let mut fields = clock.split(':');
    let (h, m, s) = (fields.next()?, fields.next(), fields.next());
    if fields.next().is_some() || !is_digits(h) || h.len() > 2 {
        return None;
    }
    let hour = h.parse().ok().filter(|h| *h < 24)?;
    let half_day = suffix.map(|(one, _)| one);
    let Some(m) = m else { return half_day.map(|half| format!("{} {half}", cardinal(hour))) };
    let minute: u64 = two_digits(m).filter(|m| *m < 60)?;
    let second = s.map(|s| two_digits(s).filter(|s| *s < 60).ok_or(())).transpose().ok()?;
    let half_follows = context.after.is_some_and(|a| HALF_DAYS.contains(&a));
    let mut words = cardinal(hour);
    match minute {
        0 if half_day.is_some() || half_follows => {}
        0 if hour == 0 && second.unwrap_or(0) == 0 => words = "midnight".into(),
        0 if (1..=12).contains(&hour) => words.push_str(" o'clock"),
        0 => words.push_str(" hundred hours"),
        1..=9 => words = format!("{words} oh {}", cardinal(minute)),
        _ => words = format!("{words} {}", cardinal(minute)),
    }
    match second {
        None | Some(0) => {}
        Some(1) => words.push_str(" and one second"),
        Some(second) => words = format!("{words} and {} seconds", cardinal(second)),
    }
    Some(half_day.map_or(words.clone(), |half| format!("{words} {half}")))
}

/// `1h30m`, `2d4h`: two or more numbers, each with a unit of time.
pub(super) fn span(core: &str) -> Option<String> {
    let mut words = Vec::new();
    let mut rest = core;
    while !rest.is_empty() {
        let letters = rest.find(|c: char| !c.is_ascii_digit())?;
        let (amount, tail) = rest.split_at(letters);
        let digits = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(digits);
        let (_, one, many) = SPANS.iter().find(|(written, _, _)| *written == unit)?;
        words.push(format!("{} {}", number(amount)?, if amount == "1" { one } else { many }));
        rest = tail;
    }
    (words.len() > 1).then(|| words.join(" "))
}

/// `2026-11-20`, `11/28/2026`, `28.11.2026`, `2026-11-20T14:35:00Z`.
pub(super) fn date(core: &str) -> Option<String> {
    if let Some((day, clock)) = core.split_once('T') {
        let clock = clock.trim_end_matches('Z');
        let clock = clock.split_once(['+', '.']).map_or(clock, |(clock, _)| clock);
        return Some(format!("{}, {}", date(day)?, time(clock, Context::default())?));
    }
    let sign = core.chars().find(|c| !c.is_ascii_digit())?;
    let mut fields = core.split(sign);
    let fields = (fields.next()?, fields.next()?, fields.next()?, fields.next());
    let (y, m, d) = match (sign, fields) {
        ('-', (y, m, d, None)) if m.len() == 2 && d.len() == 2 => (y, m, d),
        ('/', (m, d, y, None)) | ('.', (d, m, y, None)) => (y, m, d),
        _ => return None,
    };
    if y.len() != 4 || ![y, m, d].into_iter().all(is_digits) {
        return None;
    }
    let month = MONTHS.get(m.parse::<usize>().ok()?.checked_sub(1)?)?;
    let day = d.parse().ok().filter(|d| (1..=31).contains(d))?;
    Some(format!("{month} {}, {}", ordinal(day), year(y.parse().ok()?)))
}

/// `3` after "May" or "Nov."
pub(super) fn day_of_month(core: &str, context: Context<'_>) -> Option<String> {
    context.before.and_then(month)?;
    let day = core.parse().ok().filter(|day| (1..=31).contains(day))?;
    (core.len() <= 2 && is_digits(core)).then(|| ordinal(day))
}

/// `Nov` beside a number.
pub(super) fn short_month(core: &str, context: Context<'_>) -> Option<String> {
    let beside = [context.before, context.after].into_iter();
    let beside_a_number = beside.flatten().any(|c| c.starts_with(|c: char| c.is_ascii_digit()));
    let name = month(core).filter(|name| name.len() > core.len())?;
    beside_a_number.then(|| name.to_owned())
}

/// `2026` where a year stands, behind "in", a month or a day of one.
pub(super) fn year_number(core: &str, context: Context<'_>) -> Option<String> {
    let before = context.before.unwrap_or_default();
    let dated = context.carried == Carried::DayOfMonth
        || month(before).is_some()
        || YEAR_WORDS.contains(&before.to_lowercase().as_str());
    year_like(core).filter(|_| dated)
}

/// `1990s` behind "the".
pub(super) fn decade(core: &str, context: Context<'_>) -> Option<String> {
    let years = core.strip_suffix('s').filter(|years| years.ends_with('0'))?;
    let before = context.before.unwrap_or_default().to_lowercase();
    let words = year_like(years).filter(|_| DECADE_WORDS.contains(&before.as_str()))?;
    Some(match words.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => words + "s",
    })
}

/// `2019-2024`, `9:00-17:00`, `Mon-Fri`.
pub(super) fn range(a: &str, b: &str) -> Option<String> {
    let weekday = |day: &str| {
        WEEKDAYS.iter().find(|(short, _)| *short == day).map(|(_, name)| (*name).to_owned())
    };
    let end = |end: &str| year_like(end).or_else(|| time(end, Context::default()).or(weekday(end)));
    Some(format!("{} to {}", end(a)?, end(b)?))
}

fn year_like(core: &str) -> Option<String> {
    let years = (core.len() == 4 && is_digits(core)).then(|| core.parse().ok())?;
    years.filter(|years| (1_100..2_100).contains(years)).map(year)
}

/// A month's name, or the beginning that people write for it, with a capital.
fn month(name: &str) -> Option<&'static str> {
    let (first, rest) = (name.chars().next()?, name.to_lowercase());
    let short = rest.len() == 3 || rest == "sept";
    let named = |month: &&&str| **month == rest || (short && month.starts_with(&rest));
    MONTHS.iter().find(named).copied().filter(|_| first.is_ascii_uppercase())
}

const HALF_DAYS: [&str; 6] = ["am", "pm", "AM", "PM", "a.m", "p.m"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [(&str, &str); 9] = [
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Tues", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Thu", "Thursday"),
    ("Thurs", "Thursday"),
    ("Fri", "Friday"),
    ("Sat", "Saturday"),
    ("Sun", "Sunday"),
];
const YEAR_WORDS: [&str; 8] = ["in", "since", "until", "year", "of", "from", "by", "before"];
const DECADE_WORDS: [&str; 4] = ["the", "early", "mid", "late"];
/// Inside a span `m` is no meter.
const SPANS: [(&str, &str, &str); 9] = [
    ("d", "day", "days"),
    ("h", "hour", "hours"),
    ("hr", "hour", "hours"),
    ("m", "minute", "minutes"),
    ("min", "minute", "minutes"),
    ("s", "second", "seconds"),
    ("sec", "second", "seconds"),
    ("ms", "millisecond", "milliseconds"),
    ("us", "microsecond", "microseconds"),
];
