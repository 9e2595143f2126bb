use crate::speakable;
use jiff::civil::Weekday;
use std::time::Duration;

/// What the caller filled in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Slots {
    /// `<n>`
    pub number: Option<u32>,
    /// `<duration>`
    pub duration: Option<Duration>,
    /// `<time>`
    pub time: Option<TimeOfDay>,
    /// `<day>`
    pub day: Option<Day>,
    /// `<name>`, in lower case.
    pub name: Option<String>,
    /// `<digits>`
    pub digits: Option<String>,
    /// `<text>`: the words that the phrase left open.
    pub text: Option<String>,
}

/// A time as people say it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeOfDay {
    /// 0 to 23; 1 to 12 if the half of the day was not said.
    pub hour: i8,
    /// 0 to 59.
    pub minute: i8,
    /// Whether the half of the day was said or is clear.
    pub exact: bool,
}

/// A day as people say it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Day {
    /// Today.
    Today,
    /// Tomorrow.
    Tomorrow,
    /// The next day of that name.
    Next(Weekday),
}

/// A slot of a phrase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    Number,
    Duration,
    Time,
    Day,
    Name,
    Digits,
    Text,
}

impl Slot {
    pub(super) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "<n>" => Slot::Number,
            "<duration>" => Slot::Duration,
            "<time>" => Slot::Time,
            "<day>" => Slot::Day,
            "<name>" => Slot::Name,
            "<digits>" => Slot::Digits,
            "<text>" => Slot::Text,
            _ => return None,
        })
    }

    /// How the index sees a value of this slot.
    pub(super) fn terms(self) -> &'static [&'static str] {
        match self {
            Slot::Number | Slot::Time | Slot::Digits => &[super::words::NUMBER],
            Slot::Duration => &[super::words::NUMBER, UNIT],
            Slot::Day => &[DAY],
            Slot::Name => &[NAME],
            Slot::Text => &[],
        }
    }

    /// Takes the value from the start of `words`; returns how many it used.
    pub(super) fn take(self, words: &[String], slots: &mut Slots) -> Option<usize> {
        match self {
            Slot::Number => number(words).map(|(value, used)| (slots.number = Some(value), used).1),
            Slot::Duration => {
                duration(words).map(|(value, used)| (slots.duration = Some(value), used).1)
            }
            Slot::Time => time(words).map(|(value, used)| (slots.time = Some(value), used).1),
            Slot::Day => day(words.first()?).map(|value| (slots.day = Some(value), 1).1),
            Slot::Name => NAMES.contains(&words.first()?.as_str()).then(|| {
                slots.name = words.first().cloned();
                1
            }),
            Slot::Digits => digits(words).map(|(value, used)| (slots.digits = Some(value), used).1),
            Slot::Text => (!words.is_empty()).then(|| {
                slots.text = Some(words.join(" "));
                words.len()
            }),
        }
    }
}

/// The length of the number, time or string of digits that `words` begins with.
pub(super) fn number_like(words: &[String]) -> Option<usize> {
    let lengths =
        [number(words).map(|it| it.1), time(words).map(|it| it.1), digits(words).map(|it| it.1)];
    lengths.into_iter().flatten().max()
}

/// The term for a word that is a day, a unit of time or a name.
pub(super) fn kind_of(word: &str) -> Option<&'static str> {
    if unit(word).is_some() {
        Some(UNIT)
    } else if day(word).is_some() {
        Some(DAY)
    } else if NAMES.contains(&word) {
        Some(NAME)
    } else {
        None
    }
}

fn number(words: &[String]) -> Option<(u32, usize)> {
    let first = words.first()?;
    if let Some(small) = SMALL.iter().position(|word| word == first) {
        return Some((u32::try_from(small).ok()? + 1, 1));
    }
    let tens = (u32::try_from(TENS.iter().position(|word| word == first)?).ok()? + 2) * 10;
    let ones = words.get(1).and_then(|word| SMALL[..9].iter().position(|small| small == word));
    match ones {
        Some(ones) => Some((tens + u32::try_from(ones).ok()? + 1, 2)),
        None => Some((tens, 1)),
    }
}

fn duration(words: &[String]) -> Option<(Duration, usize)> {
    let text: Vec<&str> = words.iter().take(3).map(String::as_str).collect();
    match text.as_slice() {
        ["half", "an", "hour", ..] => return Some((Duration::from_secs(1800), 3)),
        ["a" | "an", name, ..] => {
            return unit(name).map(|seconds| (Duration::from_secs(seconds), 2));
        }
        _ => {}
    }
    let (count, used) = number(words)?;
    let seconds = unit(words.get(used)?)?;
    Some((Duration::from_secs(u64::from(count) * seconds), used + 1))
}

fn unit(word: &str) -> Option<u64> {
    match word {
        "second" | "seconds" => Some(1),
        "minute" | "minutes" => Some(60),
        "hour" | "hours" => Some(3600),
        _ => None,
    }
}

fn time(words: &[String]) -> Option<(TimeOfDay, usize)> {
    let first = words.first()?.as_str();
    match first {
        "noon" | "midday" => return Some((TimeOfDay { hour: 12, minute: 0, exact: true }, 1)),
        "midnight" => return Some((TimeOfDay { hour: 0, minute: 0, exact: true }, 1)),
        _ => {}
    }
    let (hour, minute, used) = relative_time(words).or_else(|| plain_time(words))?;
    let (half, more) = half_of_day(&words[used..]);
    let hour = match half {
        Some(Half::Morning) => hour % 12,
        Some(Half::Later) => hour % 12 + 12,
        None => hour,
    };
    Some((TimeOfDay { hour, minute, exact: half.is_some() }, used + more))
}

/// "half past six", "quarter to four", "ten past nine".
fn relative_time(words: &[String]) -> Option<(i8, i8, usize)> {
    let (minutes, used) = match words.first()?.as_str() {
        "half" => (30, 1),
        "quarter" => (15, 1),
        "a" if words.get(1).is_some_and(|word| word == "quarter") => (15, 2),
        _ => number(words).and_then(|(n, used)| Some((i8::try_from(n).ok()?, used)))?,
    };
    let direction = words.get(used)?.as_str();
    let hour = hour(words.get(used + 1)?)?;
    match direction {
        "past" if minutes < 60 => Some((hour, minutes, used + 2)),
        "to" if minutes < 60 => Some(((hour + 10) % 12 + 1, 60 - minutes, used + 2)),
        _ => None,
    }
}

/// "seven", "seven thirty", "seven oh five", "seven oclock".
fn plain_time(words: &[String]) -> Option<(i8, i8, usize)> {
    let hour = hour(words.first()?)?;
    let Some(next) = words.get(1).map(String::as_str) else { return Some((hour, 0, 1)) };
    if matches!(next, "oclock" | "clock") {
        return Some((hour, 0, 2));
    }
    if matches!(next, "oh" | "o") {
        return match words.get(2).and_then(|word| SMALL[..9].iter().position(|it| it == word)) {
            Some(minute) => Some((hour, i8::try_from(minute).ok()? + 1, 3)),
            None if words.get(2).is_some_and(|word| word == "clock") => Some((hour, 0, 3)),
            None => Some((hour, 0, 1)),
        };
    }
    match number(&words[1..]) {
        Some((minute @ 10..60, used)) => Some((hour, i8::try_from(minute).ok()?, used + 1)),
        _ => Some((hour, 0, 1)),
    }
}

enum Half {
    Morning,
    Later,
}

fn half_of_day(words: &[String]) -> (Option<Half>, usize) {
    let text: Vec<&str> = words.iter().take(3).map(String::as_str).collect();
    match text.as_slice() {
        ["in", "the", "morning", ..] => (Some(Half::Morning), 3),
        ["in", "the", "afternoon" | "evening", ..] => (Some(Half::Later), 3),
        ["at", "night", ..] | ["p", "m", ..] => (Some(Half::Later), 2),
        ["a", "m", ..] => (Some(Half::Morning), 2),
        ["am", ..] => (Some(Half::Morning), 1),
        ["pm", ..] => (Some(Half::Later), 1),
        _ => (None, 0),
    }
}

fn hour(word: &str) -> Option<i8> {
    let position = SMALL[..12].iter().position(|small| *small == word)?;
    i8::try_from(position + 1).ok()
}

fn day(word: &str) -> Option<Day> {
    Some(match word {
        "today" => Day::Today,
        "tomorrow" => Day::Tomorrow,
        "monday" => Day::Next(Weekday::Monday),
        "tuesday" => Day::Next(Weekday::Tuesday),
        "wednesday" => Day::Next(Weekday::Wednesday),
        "thursday" => Day::Next(Weekday::Thursday),
        "friday" => Day::Next(Weekday::Friday),
        "saturday" => Day::Next(Weekday::Saturday),
        "sunday" => Day::Next(Weekday::Sunday),
        _ => return None,
    })
}

fn digits(words: &[String]) -> Option<(String, usize)> {
    let found: String = words.iter().map_while(|word| digit(word)).collect();
    let used = found.len();
    // A lone "oh" is a sound, not a number.
    if used == 0 || (used == 1 && words.first().is_some_and(|word| word == "oh")) {
        return None;
    }
    Some((found, used))
}

fn digit(word: &str) -> Option<char> {
    match word {
        "zero" | "oh" => Some('0'),
        _ => {
            let position = SMALL[..9].iter().position(|small| *small == word)?;
            char::from_digit(u32::try_from(position).ok()? + 1, 10)
        }
    }
}

/// One to nineteen, and twenty to ninety: what is spoken is also what is heard.
const SMALL: &[&str] = speakable::SMALL.split_at(1).1;
const TENS: &[&str] = speakable::TENS.split_at(2).1;

/// Those that the built-in recogniser knows.
const NAMES: [&str; 12] = [
    "john", "mary", "david", "sarah", "michael", "anna", "robert", "laura", "peter", "emma",
    "alice", "james",
];

const UNIT: &str = "#unit";
const DAY: &str = "#day";
const NAME: &str = "#name";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genes::normalised;

    fn read(slot: Slot, text: &str) -> Option<Slots> {
        let words = normalised(text);
        let mut slots = Slots::default();
        slot.take(&words, &mut slots).filter(|used| *used == words.len()).map(|_| slots)
    }

    #[test]
    fn every_way_to_say_a_time_is_read() {
        for (text, hour, minute, exact) in [
            ("seven", 7, 0, false),
            ("seven thirty", 7, 30, false),
            ("seven oh five", 7, 5, false),
            ("seven o'clock", 7, 0, false),
            ("7:45", 7, 45, false),
            ("quarter to four", 3, 45, false),
            ("quarter to one", 12, 45, false),
            ("half past six", 6, 30, false),
            ("ten past nine", 9, 10, false),
            ("six in the evening", 18, 0, true),
            ("five in the morning", 5, 0, true),
            ("twelve thirty in the morning", 0, 30, true),
            ("noon", 12, 0, true),
            ("midnight", 0, 0, true),
            ("ten p m", 22, 0, true),
        ] {
            let slots = read(Slot::Time, text).unwrap_or_else(|| panic!("{text} was not read"));
            assert_eq!(slots.time, Some(TimeOfDay { hour, minute, exact }), "{text}");
        }
    }

    #[test]
    fn numbers_durations_and_digits_are_read() {
        assert_eq!(read(Slot::Number, "forty two").unwrap().number, Some(42));
        assert_eq!(read(Slot::Number, "42").unwrap().number, Some(42));
        assert_eq!(read(Slot::Digits, "oh one two").unwrap().digits.as_deref(), Some("012"));
        assert_eq!(read(Slot::Digits, "oh"), None);
        for (text, seconds) in [("ten minutes", 600), ("an hour", 3600), ("half an hour", 1800)] {
            assert_eq!(
                read(Slot::Duration, text).unwrap().duration,
                Some(Duration::from_secs(seconds))
            );
        }
    }

    #[test]
    fn words_that_are_no_value_are_left_alone() {
        for slot in [Slot::Number, Slot::Time, Slot::Digits, Slot::Day, Slot::Name, Slot::Duration]
        {
            assert_eq!(read(slot, "purple"), None);
            assert_eq!(read(slot, ""), None);
        }
    }
}
