//! One written token as spoken words. Everything espeak-ng would read by its own rules, and read
//! badly on a telephone: numbers, times, dates, money, units, machine-made names.

use super::numbers::{cardinal, digits, is_digits, number, ordinal, whole_number, year};
use super::{identifier, units};

/// What stands around a token.
#[derive(Clone, Copy, Default)]
pub(crate) struct Context<'t> {
    /// The token before.
    pub before: Option<&'t str>,
    /// The token after.
    pub after: Option<&'t str>,
}

/// `core` (a token without its punctuation) as words. May hold commas, for short pauses inside.
pub(crate) fn spoken(core: &str, context: Context<'_>) -> String {
    None.or_else(|| time(core, context))
        .or_else(|| date(core))
        .or_else(|| money(core))
        .or_else(|| plain_number(core, context))
        .or_else(|| ordinal_number(core))
        .or_else(|| unit_after_number(core, context))
        .or_else(|| measured(core))
        .or_else(|| telephone(core))
        .or_else(|| range(core, context))
        .or_else(|| version(core))
        .unwrap_or_else(|| other(core))
}

/// `14:35`, `7:00`, `09:05:30`.
fn time(core: &str, context: Context<'_>) -> Option<String> {
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
    let half_follows = context.after.is_some_and(|a| HALF_DAYS.contains(&a));
    let mut words = cardinal(hour);
    match minute {
        0 if half_day.is_some() || half_follows => {}
        0 if (1..=12).contains(&hour) => words.push_str(" o'clock"),
        0 => words.push_str(" hundred hours"),
        1..=9 => words = format!("{words} oh {}", cardinal(minute)),
        _ => words = format!("{words} {}", cardinal(minute)),
    }
    if let Some(s) = s {
        let second = two_digits(s).filter(|s| *s < 60)?;
        let name = if second == 1 { "second" } else { "seconds" };
        words = format!("{words} and {} {name}", cardinal(second));
    }
    Some(half_day.map_or(words.clone(), |half| format!("{words} {half}")))
}

/// `2026-11-20`.
fn date(core: &str) -> Option<String> {
    let mut fields = core.split('-');
    let (y, m, d) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() || y.len() != 4 || !is_digits(y) {
        return None;
    }
    let month = MONTHS.get(usize::try_from(two_digits(m)?.checked_sub(1)?).ok()?)?;
    let day = two_digits(d).filter(|d| (1..=31).contains(d))?;
    Some(format!("{month} {}, {}", ordinal(day), year(y.parse().ok()?)))
}

/// `$4.50`, `£1`, `€1,200`.
fn money(core: &str) -> Option<String> {
    let symbol = core.chars().next()?;
    let [whole, wholes, part, parts] = units::currency(symbol)?;
    let amount = &core[symbol.len_utf8()..];
    let (major, minor) = amount.split_once('.').unwrap_or((amount, ""));
    let major = whole_number(major)?;
    let minor = if minor.is_empty() { 0 } else { two_digits(minor)? };
    let of = |n: u64, one: &str, many: &str| {
        format!("{} {}", cardinal(n), if n == 1 { one } else { many })
    };
    Some(match (major, minor) {
        (0, 1..) => of(minor, part, parts),
        (_, 0) => of(major, whole, wholes),
        _ => format!("{} and {}", of(major, whole, wholes), of(minor, part, parts)),
    })
}

/// `1,024`, `-3.5`, `2026` after "in", `5060` after "port", `0451`, `4915112345`.
fn plain_number(core: &str, context: Context<'_>) -> Option<String> {
    let before = context.before.unwrap_or_default().to_lowercase();
    if is_digits(core) {
        let spelled = core.len() > 1 && core.starts_with('0')
            || core.len() >= CODE_DIGITS_MIN
            || (core.len() > 2 && CODE_WORDS.contains(&before.as_str()))
            || (core.len() > 2 && continues_a_code(&before));
        if spelled {
            return Some(digits(core));
        }
        let n: u64 = core.parse().ok()?;
        let dated = YEAR_WORDS.contains(&before.as_str()) || MONTHS.contains(&before.as_str());
        if core.len() == 4 && dated && (1_100..2_100).contains(&n) {
            return Some(year(n));
        }
    }
    number(core)
}

/// Whether `before` is a part of a number written in groups: "+1 555 0100".
fn continues_a_code(before: &str) -> bool {
    let digits = before.strip_prefix('+');
    digits.is_some_and(is_digits) || (before.len() > 2 && is_digits(before))
}

/// `1st`, `22nd`.
fn ordinal_number(core: &str) -> Option<String> {
    let at = core.find(|c: char| !c.is_ascii_digit())?;
    let (n, suffix) = core.split_at(at);
    matches!(suffix, "st" | "nd" | "rd" | "th").then_some(())?;
    Some(ordinal(n.parse().ok().filter(|n| *n < 1_000_000)?))
}

/// `GB` behind `5`.
fn unit_after_number(core: &str, context: Context<'_>) -> Option<String> {
    let before = context.before?;
    number(before).or_else(|| time(before, Context::default()))?;
    // Words that are also units stay words: "in 5 m" is rare, "the 3 a" is not a unit at all.
    let (one, many) = units::unit(core)?;
    Some(if before == "1" { one } else { many }.to_owned())
}

/// `300MB`, `93.5%`, `20ms`, `21°C`.
fn measured(core: &str) -> Option<String> {
    let at = core.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+')))?;
    let (amount, unit) = core.split_at(at);
    let (one, many) = units::unit(unit)?;
    Some(format!("{} {}", number(amount)?, if amount == "1" { one } else { many }))
}

/// `+49-30-123456`, `555-1234`: at least seven digits with nothing but separators between.
fn telephone(core: &str) -> Option<String> {
    let plain = core.chars().all(|c| c.is_ascii_digit() || "+-.()/".contains(c));
    let count = core.bytes().filter(u8::is_ascii_digit).count();
    let grouped = core.trim_start_matches('+').contains(['-', '(', '/']);
    if !plain || count < CODE_DIGITS_MIN || !(grouped || core.starts_with('+')) {
        return None;
    }
    let groups: Vec<String> =
        core.split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()).map(digits).collect();
    let plus = if core.starts_with('+') { "plus " } else { "" };
    Some(format!("{plus}{}", groups.join(", ")))
}

/// `5-10`, `5–10` and `3/4`.
fn range(core: &str, context: Context<'_>) -> Option<String> {
    if let Some((a, b)) = core.split_once(['-', '–']) {
        return Some(format!("{} to {}", plain_number(a, context)?, plain_number(b, context)?));
    }
    let (a, b) = core.split_once('/')?;
    match (a, b) {
        ("1", "2") => Some("one half".into()),
        ("1", "4") => Some("one quarter".into()),
        ("3", "4") => Some("three quarters".into()),
        _ => Some(format!("{} of {}", cardinal(whole_number(a)?), cardinal(whole_number(b)?))),
    }
}

/// `v1.2.3`.
fn version(core: &str) -> Option<String> {
    let rest = core.strip_prefix(['v', 'V'])?;
    let fields: Option<Vec<String>> =
        rest.split('.').map(|f| is_digits(f).then(|| f.parse().ok().map(cardinal))?).collect();
    Some(format!("version {}", fields?.join(" point ")))
}

fn other(core: &str) -> String {
    // A possessive or contraction keeps its apostrophe for espeak-ng's dictionary.
    let core = core.replace('’', "'");
    if let Some(number) = core.strip_prefix('#').and_then(number) {
        return format!("number {number}");
    }
    match core.as_str() {
        "&" => "and".into(),
        "+" => "plus".into(),
        "=" => "equals".into(),
        "%" => "percent".into(),
        "e.g" => "for example".into(),
        "i.e" => "that is".into(),
        "etc" => "et cetera".into(),
        "vs" => "versus".into(),
        _ if identifier::looks_like_one(&core) => identifier::spoken(&core),
        _ => identifier::word(&core),
    }
}

fn two_digits(text: &str) -> Option<u64> {
    (text.len() == 2 && is_digits(text)).then(|| text.parse().ok())?
}

/// From here on a number is a code, not a quantity.
const CODE_DIGITS_MIN: usize = 7;

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
const YEAR_WORDS: [&str; 8] = ["in", "since", "until", "year", "of", "from", "by", "before"];
const CODE_WORDS: [&str; 9] =
    ["port", "code", "pin", "extension", "room", "ticket", "id", "channel", "number"];

#[cfg(test)]
mod tests {
    use super::*;

    fn say(core: &str) -> String {
        spoken(core, Context::default())
    }

    fn after(before: &str, core: &str) -> String {
        spoken(core, Context { before: Some(before), after: None })
    }

    #[test]
    fn times_are_read_as_people_say_them() {
        assert_eq!(say("14:35"), "fourteen thirty five");
        assert_eq!(say("7:00"), "seven o'clock");
        assert_eq!(say("07:05"), "seven oh five");
        assert_eq!(say("00:00"), "zero hundred hours");
        assert_eq!(say("5pm"), "five pee em");
        assert_eq!(say("9:30am"), "nine thirty eigh em");
        assert_eq!(say("09:05:30"), "nine oh five and thirty seconds");
        let context = Context { before: None, after: Some("p.m") };
        assert_eq!(spoken("7:00", context), "seven");
        assert_eq!(after("7", "p.m"), "pee em");
    }

    #[test]
    fn dates_money_and_ordinals() {
        assert_eq!(say("2026-11-20"), "november twentieth, twenty twenty six");
        assert_eq!(say("$4.50"), "four dollars and fifty cents");
        assert_eq!(say("£1"), "one pound");
        assert_eq!(say("$0.05"), "five cents");
        assert_eq!(say("22nd"), "twenty second");
    }

    #[test]
    fn quantities_codes_and_years_differ() {
        assert_eq!(say("2048"), "two thousand forty eight");
        assert_eq!(after("in", "2026"), "twenty twenty six");
        assert_eq!(after("port", "5060"), "five zero six zero");
        assert_eq!(say("0451"), "zero four five one");
        assert_eq!(
            say("+49-30-1234567"),
            "plus four nine, three zero, one two three, four five six seven"
        );
    }

    #[test]
    fn units_follow_their_number() {
        assert_eq!(say("300MB"), "three hundred megabytes");
        assert_eq!(after("1", "GB"), "gigabyte");
        assert_eq!(say("93.5%"), "ninety three point five percent");
        assert_eq!(say("20ms"), "twenty milliseconds");
        assert_eq!(after("a", "m"), "m");
    }

    #[test]
    fn ranges_versions_and_the_rest() {
        assert_eq!(say("5-10"), "five to ten");
        assert_eq!(say("3/4"), "three quarters");
        assert_eq!(say("12/15"), "twelve of fifteen");
        assert_eq!(say("v1.2.3"), "version one point two point three");
        assert_eq!(say("#7"), "number seven");
        assert_eq!(say("don’t"), "don't");
        assert_eq!(say("hello"), "hello");
    }

    proptest::proptest! {
        #[test]
        fn any_token_becomes_words_without_a_panic(core in "\\PC{1,24}", before in "\\PC{0,6}") {
            after(&before, &core);
        }

        #[test]
        fn digits_and_signs_in_any_order_do_not_panic(core in "[-+0-9.,:/$%a-cmpvMB#@°]{1,16}") {
            say(&core);
        }
    }
}
