//! Quantities: money, shares, measures, ranges.

use super::normalise::{Context, plain_number};
use super::numbers::{cardinal, is_digits, number, two_digits, whole_number};
use super::{units, when};

/// `$4.50`, `£1`, `€1,200`, `-$20`, `$3.2M`, `$5-10`, `$10/month`.
pub(super) fn money(core: &str, context: Context<'_>) -> Option<String> {
    if let Some((sum, each)) = core.split_once('/') {
        return Some(format!("{} per {}", money(sum, context)?, per(each)?));
    }
    if let Some(sum) = core.strip_prefix(['-', '−']) {
        return Some(format!("minus {}", money(sum, Context::default())?));
    }
    let symbol = core.chars().next()?;
    let [whole, wholes, part, parts] = units::currency(symbol)?;
    let amount = &core[symbol.len_utf8()..];
    if let Some((a, b)) = amount.split_once(['-', '–']) {
        return Some(format!(
            "{} to {} {wholes}",
            number(a)?,
            number(b.trim_start_matches(symbol))?
        ));
    }
    // The currency is said behind the "million" that follows.
    if context.after.is_some_and(|after| SCALES.iter().any(|(_, name)| *name == after)) {
        return number(amount);
    }
    let scale = amount.find(|c: char| c.is_ascii_alphabetic());
    if let Some((amount, scale)) = scale.map(|at| amount.split_at(at)) {
        let (_, name) = SCALES.iter().find(|(written, _)| *written == scale)?;
        return Some(format!("{} {name} {wholes}", number(amount)?));
    }
    let (major, minor) = amount.split_once('.').unwrap_or((amount, ""));
    let major = whole_number(major)?;
    let minor = match minor {
        "" => 0,
        minor if minor.len() == 2 => two_digits(minor)?,
        _ => return Some(format!("{} {wholes}", number(amount)?)),
    };
    let of = |n: u64, one: &str, many: &str| {
        format!("{} {}", cardinal(n), if n == 1 { one } else { many })
    };
    Some(match (major, minor) {
        (0, 1..) => of(minor, part, parts),
        (_, 0) => of(major, whole, wholes),
        _ => format!("{} and {}", of(major, whole, wholes), of(minor, part, parts)),
    })
}

/// `million` behind `$3`.
pub(super) fn scale_of_money(core: &str, context: Context<'_>) -> Option<String> {
    SCALES.iter().find(|(_, name)| *name == core)?;
    let [_, wholes, ..] = units::currency(context.before?.chars().next()?)?;
    Some(format!("{core} {wholes}"))
}

/// `GB` behind `5` or `5-10`.
pub(super) fn unit_after_number(core: &str, context: Context<'_>) -> Option<String> {
    let before = context.before?;
    number(before)
        .or_else(|| when::time(before, Context::default()))
        .or_else(|| range(before, Context::default()))?;
    // Words that are also units stay words: "in 5 m" is rare, "the 3 a" is not a unit at all.
    let (one, many) = units::unit(core)?;
    Some(if before == "1" { one } else { many }.to_owned())
}

/// `300MB`, `93.5%`, `20ms`, `21°C`, `10-20%`.
pub(super) fn measured(core: &str) -> Option<String> {
    let figure = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '–' | '−' | '+');
    let at = core.find(|c: char| !figure(c))?;
    let (amount, unit) = core.split_at(at);
    let (one, many) = units::unit(unit)?;
    let words = number(amount).or_else(|| range(amount, Context::default()))?;
    Some(format!("{words} {}", if amount == "1" { one } else { many }))
}

/// `±5%`, `~20`: a sign before something that is said as a quantity.
pub(super) fn about(core: &str) -> Option<(&'static str, &str)> {
    let sign = core.chars().next()?;
    let (_, words) = ABOUT.iter().find(|(written, _)| *written == sign)?;
    let rest = &core[sign.len_utf8()..];
    let first = rest.chars().next()?;
    (first.is_ascii_digit() || units::currency(first).is_some()).then_some((*words, rest))
}

/// `5-10`, `5–10`, `2019-2024`, `3/4` and `24/7`.
pub(super) fn range(core: &str, context: Context<'_>) -> Option<String> {
    if let Some((a, b)) = core.split_once(['-', '–']) {
        return when::range(a, b).or_else(|| {
            Some(format!("{} to {}", plain_number(a, context)?, plain_number(b, context)?))
        });
    }
    let (a, b) = core.split_once('/')?;
    if let Some((_, _, words)) = FRACTIONS.iter().find(|(over, under, _)| (a, b) == (*over, *under))
    {
        return Some((*words).into());
    }
    if let Some(number) = number(a).filter(|_| !is_digits(b)) {
        return Some(format!("{number} per {}", per(b)?));
    }
    let (n, of) = (whole_number(a)?, whole_number(b)?);
    let pair = n == of || PAIRS.contains(&(n, of)) && !counts(context);
    let word = if pair || is_day(n, of, context) { "" } else { "of " };
    Some(format!("{} {word}{}", cardinal(n), cardinal(of)))
}

/// Whether `9/11` in front of what comes next is a count of that: `9/11 checks`.
fn counts(context: Context<'_>) -> bool {
    let after = context.after.unwrap_or_default();
    after.len() > 3 && after.ends_with('s') && after.chars().all(char::is_lowercase)
}

/// Whether `9/11` is a day, as in `until 9/11`. Which of the two is the month depends on who wrote
/// it, so that they are said as they stand.
fn is_day(n: u64, of: u64, context: Context<'_>) -> bool {
    let before = context.before.unwrap_or_default().to_lowercase();
    let is_date = (1..=31).contains(&n) && (1..=31).contains(&of) && n.min(of) <= 12;
    is_date && BEFORE_A_DAY.contains(&before.as_str()) && !counts(context)
}

/// What stands under the stroke: `month`, `s`.
fn per(each: &str) -> Option<&str> {
    match each {
        "s" | "sec" => Some("second"),
        "m" | "min" => Some("minute"),
        "h" | "hr" => Some("hour"),
        "d" => Some("day"),
        "mo" => Some("month"),
        "y" | "yr" => Some("year"),
        word => (word.len() > 2 && word.chars().all(char::is_alphabetic)).then_some(word),
    }
}

const SCALES: [(&str, &str); 9] = [
    ("k", "thousand"),
    ("K", "thousand"),
    ("M", "million"),
    ("m", "million"),
    ("bn", "billion"),
    ("B", "billion"),
    ("b", "billion"),
    ("tn", "trillion"),
    ("T", "trillion"),
];
const ABOUT: [(char, &str); 4] =
    [('±', "plus or minus"), ('~', "about"), ('≈', "about"), ('≤', "at most")];
/// Everybody knows them as two numbers.
const PAIRS: [(u64, u64); 2] = [(24, 7), (9, 11)];
const BEFORE_A_DAY: [&str; 7] = ["on", "since", "until", "before", "after", "by", "due"];
const FRACTIONS: [(&str, &str, &str); 5] = [
    ("1", "2", "one half"),
    ("1", "3", "one third"),
    ("2", "3", "two thirds"),
    ("1", "4", "one quarter"),
    ("3", "4", "three quarters"),
];
