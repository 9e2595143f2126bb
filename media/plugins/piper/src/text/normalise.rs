//! One written token as spoken words. Everything espeak-ng would read by its own rules, and read
//! badly on a telephone: numbers, times, dates, money, units, machine-made names.

use super::numbers::{digits, is_digits, number, ordinal};
use super::{amount, code, identifier, when};

/// What stands around a token.
#[derive(Clone, Copy, Default)]
pub(crate) struct Context<'t> {
    /// The token before.
    pub before: Option<&'t str>,
    /// The token after.
    pub after: Option<&'t str>,
    /// What the token before has begun.
    pub carried: Carried,
}

/// What a token begins that the next one goes on with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Carried {
    /// Nothing.
    #[default]
    Nothing,
    /// A telephone number with its country's code.
    Telephone,
    /// A day of a month; a year may follow.
    DayOfMonth,
}

/// `core` (a token without its punctuation) as words. May hold commas, for short pauses inside.
pub(crate) fn spoken(core: &str, context: Context<'_>) -> String {
    if let Some((sign, rest)) = amount::about(core) {
        return format!("{sign} {}", spoken(rest, context));
    }
    None.or_else(|| when::time(core, context))
        .or_else(|| when::date(core))
        .or_else(|| when::span(core))
        .or_else(|| when::day_of_month(core, context))
        .or_else(|| when::short_month(core, context))
        .or_else(|| when::decade(core, context))
        .or_else(|| amount::money(core, context))
        .or_else(|| amount::scale_of_money(core, context))
        .or_else(|| code::country(core, context))
        .or_else(|| code::telephone_group(core, context))
        .or_else(|| code::address(core))
        .or_else(|| code::version(core, context))
        .or_else(|| plain_number(core, context))
        .or_else(|| ordinal_number(core))
        .or_else(|| amount::unit_after_number(core, context))
        .or_else(|| amount::measured(core))
        .or_else(|| when_range(core))
        .or_else(|| code::telephone(core))
        .or_else(|| code::hex(core))
        .or_else(|| amount::range(core, context))
        .unwrap_or_else(|| other(core))
}

/// What `core` has begun, once it is spoken.
pub(crate) fn carried(core: &str, context: Context<'_>) -> Carried {
    let goes_on = context.carried == Carried::Telephone
        && core.chars().all(|c| c.is_ascii_digit() || "-./()".contains(c));
    if goes_on || code::country(core, context).is_some() {
        Carried::Telephone
    } else if when::day_of_month(core, context).is_some() {
        Carried::DayOfMonth
    } else {
        Carried::Nothing
    }
}

/// `2019-2024` has eight digits, and is no telephone number.
fn when_range(core: &str) -> Option<String> {
    core.split_once(['-', '–']).and_then(|(a, b)| when::range(a, b))
}

/// `1,024`, `-3.5`, `2026` after "in", `5060` after "port", `0451`, `4915112345`.
pub(super) fn plain_number(core: &str, context: Context<'_>) -> Option<String> {
    if is_digits(core) {
        let before = context.before.unwrap_or_default().to_lowercase();
        let spelled = core.len() > 1 && core.starts_with('0')
            || core.len() >= code::CODE_DIGITS_MIN
            || (core.len() > 2 && CODE_WORDS.contains(&before.as_str()))
            || (core.len() > 2 && continues_a_code(&before));
        if spelled && context.carried != Carried::DayOfMonth {
            return Some(digits(core));
        }
        if let Some(year) = when::year_number(core, context) {
            return Some(year);
        }
    }
    number(core)
}

/// Whether `before` is a part of a number written in groups: "0800 123 4567".
fn continues_a_code(before: &str) -> bool {
    before.len() > 2 && is_digits(before)
}

/// `1st`, `22nd`.
fn ordinal_number(core: &str) -> Option<String> {
    let at = core.find(|c: char| !c.is_ascii_digit())?;
    let (n, suffix) = core.split_at(at);
    matches!(suffix.to_ascii_lowercase().as_str(), "st" | "nd" | "rd" | "th").then_some(())?;
    Some(ordinal(n.parse().ok().filter(|n| *n < 1_000_000)?))
}

fn other(core: &str) -> String {
    // A possessive or contraction keeps its apostrophe for espeak-ng's dictionary.
    let core = core.replace('’', "'");
    if let Some(number) = core.strip_prefix('#').and_then(number) {
        return format!("number {number}");
    }
    if let Some((_, words)) = KNOWN.iter().find(|(written, _)| *written == core) {
        return (*words).into();
    }
    dotted_letters(&core).unwrap_or_else(|| match identifier::looks_like_one(&core) {
        true => identifier::spoken(&core),
        false => identifier::word(&core),
    })
}

/// `U.S`, `a.k.a`: single letters with stops between.
fn dotted_letters(core: &str) -> Option<String> {
    let letter = |part: &str| part.len() == 1 && part.chars().all(char::is_alphabetic);
    let dotted = core.contains('.') && core.split('.').all(letter);
    dotted.then(|| core.split('.').map(|letter| letter.to_uppercase() + ".").collect())
}

const CODE_WORDS: [&str; 9] =
    ["port", "code", "pin", "extension", "room", "ticket", "id", "channel", "number"];
/// What is written one way and said another.
const KNOWN: [(&str, &str); 14] = [
    ("&", "and"),
    ("+", "plus"),
    ("=", "equals"),
    ("%", "percent"),
    ("e.g", "for example"),
    ("i.e", "that is"),
    ("etc", "et cetera"),
    ("vs", "versus"),
    ("No.", "number"),
    ("Ph.D", "P.H.D."),
    ("IoT", "I.O.T."),
    ("WiFi", "Wi Fi"),
    ("iOS", "i O.S."),
    ("macOS", "mac O.S."),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn say(core: &str) -> String {
        spoken(core, Context::default())
    }

    fn after(before: &str, core: &str) -> String {
        spoken(core, Context { before: Some(before), ..Context::default() })
    }

    #[test]
    fn times_are_read_as_people_say_them() {
        assert_eq!(say("14:35"), "fourteen thirty five");
        assert_eq!(say("7:00"), "seven o'clock");
        assert_eq!(say("07:05"), "seven oh five");
        assert_eq!(say("00:00"), "midnight");
        assert_eq!(say("5pm"), "five pee em");
        assert_eq!(say("9:30am"), "nine thirty eigh em");
        assert_eq!(say("09:05:30"), "nine oh five and thirty seconds");
        let context = Context { after: Some("p.m"), ..Context::default() };
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
