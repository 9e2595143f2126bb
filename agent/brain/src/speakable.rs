//! Numbers, times and durations in words, so that any voice says them right.

use std::time::Duration;

use jiff::Zoned;
use jiff::civil::Weekday;

/// A whole number: 1204 is "one thousand two hundred and four".
#[must_use]
pub fn number(value: u64) -> String {
    if value < 100 {
        return below_hundred(value);
    }
    for &(size, name) in SCALES {
        if value >= size {
            let head = format!("{} {name}", number(value / size));
            return match value % size {
                0 => head,
                rest if rest < 100 => format!("{head} and {}", below_hundred(rest)),
                rest => format!("{head} {}", number(rest)),
            };
        }
    }
    unreachable!("the smallest scale is one hundred")
}

/// With at most one decimal: 0.44 is "zero point four".
#[must_use]
pub fn decimal(value: f64) -> String {
    let tenths = (value.max(0.0) * 10.0).round() as u64;
    match tenths % 10 {
        0 => number(tenths / 10),
        tenth => format!("{} point {}", number(tenths / 10), number(tenth)),
    }
}

/// Bytes in the unit that a person would use: "three point two gigabytes".
#[must_use]
pub fn bytes(value: u64) -> String {
    let named = |size: u64, unit: &str| {
        let amount = value as f64 / size as f64;
        let words = if amount >= 10.0 { number(amount.round() as u64) } else { decimal(amount) };
        plural_word(&words, unit)
    };
    match value {
        1_000_000_000_000.. => named(1_000_000_000_000, "terabyte"),
        1_000_000_000.. => named(1_000_000_000, "gigabyte"),
        1_000_000.. => named(1_000_000, "megabyte"),
        1_000.. => named(1_000, "kilobyte"),
        _ => counted(value, "byte"),
    }
}

/// "one note", "three notes", "no notes".
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        _ => plural_word(&number(count), noun),
    }
}

/// "two minutes and five seconds"; the two largest units, seconds rounded.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    let parts = [
        (seconds / 86_400, "day"),
        (seconds / 3_600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let mut words = parts.iter().skip_while(|(count, _)| *count == 0).take(2);
    let Some(&(count, unit)) = words.next() else { return "less than a second".into() };
    match words.next() {
        Some(&(next, smaller)) if next > 0 => {
            format!("{} and {}", counted(count, unit), counted(next, smaller))
        }
        _ => counted(count, unit),
    }
}

/// The time on a twelve-hour clock: "nine thirty", "nine oh five", "noon".
#[must_use]
pub fn clock(hour: i8, minute: i8) -> String {
    let hour_word = || below_hundred(u64::from(hour.rem_euclid(12).unsigned_abs() + 11) % 12 + 1);
    match (hour, minute) {
        (0, 0) => "midnight".into(),
        (12, 0) => "noon".into(),
        (_, 0) => format!("{} o'clock", hour_word()),
        (_, 1..=9) => format!("{} oh {}", hour_word(), below_hundred(minute.unsigned_abs().into())),
        _ => format!("{} {}", hour_word(), below_hundred(minute.unsigned_abs().into())),
    }
}

/// The time with its part of the day: "nine thirty in the morning".
#[must_use]
pub fn time_of_day(at: &Zoned) -> String {
    let time = clock(at.hour(), at.minute());
    match (at.hour(), at.minute()) {
        (0 | 12, 0) => time,
        (0..=11, _) => format!("{time} in the morning"),
        (12..=17, _) => format!("{time} in the afternoon"),
        _ => format!("{time} in the evening"),
    }
}

/// "Friday, the twentieth of November".
#[must_use]
pub fn date(at: &Zoned) -> String {
    let month = MONTHS[usize::from(at.month().unsigned_abs().clamp(1, 12)) - 1];
    format!("{}, the {} of {month}", weekday(at.weekday()), ordinal(at.day().unsigned_abs().into()))
}

/// When something is due, seen from now: "at nine thirty", "tomorrow at noon", "on Friday at noon".
#[must_use]
pub fn when(now: &Zoned, due: &Zoned) -> String {
    let days = (due.date() - now.date()).get_days();
    let time = clock(due.hour(), due.minute());
    match days {
        0 => format!("at {time}"),
        1 => format!("tomorrow at {time}"),
        _ => format!("on {} at {time}", weekday(due.weekday())),
    }
}

/// A day of the week.
#[must_use]
pub fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

/// "twentieth", "twenty first".
#[must_use]
pub fn ordinal(value: u64) -> String {
    let cardinal = number(value);
    let (head, last) = cardinal.rsplit_once(' ').map_or(("", &*cardinal), |(h, l)| (h, l));
    let last = match last {
        "one" => "first".into(),
        "two" => "second".into(),
        "three" => "third".into(),
        "five" => "fifth".into(),
        "eight" => "eighth".into(),
        "nine" => "ninth".into(),
        "twelve" => "twelfth".into(),
        word if word.ends_with('y') => format!("{}ieth", &word[..word.len() - 1]),
        word => format!("{word}th"),
    };
    if head.is_empty() { last } else { format!("{head} {last}") }
}

/// Digits one by one: "12" is "one two". Anything else is left out.
#[must_use]
pub fn digits(text: &str) -> String {
    let words: Vec<_> =
        text.chars().filter_map(|c| c.to_digit(10)).map(|d| SMALL[d as usize]).collect();
    words.join(" ")
}

/// "a", "a and b", "a, b and c".
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// Text that begins a sentence.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// Text in which every sentence begins with a capital.
#[must_use]
pub fn sentences(text: &str) -> String {
    let mut begins = true;
    text.chars()
        .map(|c| {
            let capital = begins && c.is_alphabetic();
            begins = match c {
                '.' | '!' | '?' => true,
                c => begins && !c.is_alphanumeric(),
            };
            if capital { c.to_uppercase().next().unwrap_or(c) } else { c }
        })
        .collect()
}

fn plural_word(count: &str, noun: &str) -> String {
    if count == "one" { format!("one {noun}") } else { format!("{count} {noun}s") }
}

fn below_hundred(value: u64) -> String {
    match value {
        0..20 => SMALL[value as usize].into(),
        _ => match value % 10 {
            0 => TENS[(value / 10 % 10) as usize].into(),
            ones => format!("{} {}", TENS[(value / 10 % 10) as usize], SMALL[ones as usize]),
        },
    }
}

pub(crate) const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

pub(crate) const TENS: [&str; 10] =
    ["", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

const SCALES: &[(u64, &str)] = &[
    (1_000_000_000_000_000_000, "quintillion"),
    (1_000_000_000_000_000, "quadrillion"),
    (1_000_000_000_000, "trillion"),
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
    (100, "hundred"),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        for (value, words) in [
            (0, "zero"),
            (13, "thirteen"),
            (40, "forty"),
            (99, "ninety nine"),
            (100, "one hundred"),
            (1204, "one thousand two hundred and four"),
            (1_000_017, "one million and seventeen"),
        ] {
            assert_eq!(number(value), words);
        }
        assert!(number(u64::MAX).starts_with("eighteen quintillion"));
    }

    #[test]
    fn fractions_have_one_decimal_or_none() {
        assert_eq!(decimal(0.44), "zero point four");
        assert_eq!(decimal(2.0), "two");
        assert_eq!(bytes(3_240_000_000), "three point two gigabytes");
        assert_eq!(bytes(1_000_000), "one megabyte");
        assert_eq!(bytes(12), "twelve bytes");
    }

    #[test]
    fn durations_keep_their_two_largest_units() {
        assert_eq!(duration(Duration::from_secs(125)), "two minutes and five seconds");
        assert_eq!(duration(Duration::from_secs(3600)), "one hour");
        assert_eq!(duration(Duration::from_secs(3605)), "one hour");
        assert_eq!(duration(Duration::from_millis(3600)), "four seconds");
        assert_eq!(duration(Duration::from_millis(300)), "less than a second");
    }

    #[test]
    fn the_clock_has_twelve_hours() {
        assert_eq!(clock(9, 30), "nine thirty");
        assert_eq!(clock(21, 5), "nine oh five");
        assert_eq!(clock(0, 20), "twelve twenty");
        assert_eq!(clock(12, 20), "twelve twenty");
        assert_eq!(clock(13, 0), "one o'clock");
        assert_eq!(clock(0, 0), "midnight");
    }

    #[test]
    fn ordinals_end_in_their_own_way() {
        for (value, words) in [
            (1, "first"),
            (12, "twelfth"),
            (20, "twentieth"),
            (21, "twenty first"),
            (30, "thirtieth"),
        ] {
            assert_eq!(ordinal(value), words);
        }
    }
}
