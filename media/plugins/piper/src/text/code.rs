//! Numbers that are names: telephone numbers, network addresses, versions, ids in hex. What a
//! listener writes down is said sign by sign, in groups.

use super::identifier;
use super::normalise::{Carried, Context};
use super::numbers::{cardinal, digits, groups, is_digits};

/// `+44` before the rest of the number.
pub(super) fn country(core: &str, context: Context<'_>) -> Option<String> {
    let prefix = core.strip_prefix('+').filter(|prefix| is_digits(prefix) && prefix.len() <= 3)?;
    let after = context.after.filter(|after| after.len() > 1)?;
    let goes_on = after.bytes().all(|b| b.is_ascii_digit() || b"-./()".contains(&b));
    goes_on.then(|| format!("plus {}", digits(prefix)))
}

/// `20` behind `+44`, and what follows.
pub(super) fn telephone_group(core: &str, context: Context<'_>) -> Option<String> {
    (context.carried == Carried::Telephone && is_digits(core)).then(|| digits(core))
}

/// `+49-30-123456`, `555-1234`: at least seven digits with nothing but separators between.
pub(super) fn telephone(core: &str) -> Option<String> {
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

/// `192.168.0.10`, with a port or a prefix length; `2001:db8::1`; `00:1a:2b:3c:4d:5e`.
pub(super) fn address(core: &str) -> Option<String> {
    let end = core.find([':', '/']).unwrap_or(core.len());
    let (host, rest) = core.split_at(end);
    let octet = |part: &str| part.len() <= 3 && part.parse::<u8>().is_ok();
    if host.split('.').count() == 4 && host.split('.').all(octet) {
        let host = identifier::spoken(host);
        return match (rest.chars().next(), rest.get(1..)) {
            (None, _) => Some(host),
            (Some(':'), Some(port)) if is_digits(port) => {
                Some(format!("{host} port {}", digits(port)))
            }
            (Some('/'), Some(bits)) if is_digits(bits) && bits.len() <= 2 => {
                Some(format!("{host} slash {}", cardinal(bits.parse().ok()?)))
            }
            _ => None,
        };
    }
    let parts: Vec<&str> = core.split(':').collect();
    let hex = |part: &&str| part.len() <= 4 && part.bytes().all(|b| b.is_ascii_hexdigit());
    if parts.len() < 3 || !parts.iter().all(hex) || parts.iter().all(|part| part.is_empty()) {
        return None;
    }
    if parts.len() == 6 && parts.iter().all(|part| part.len() == 2) {
        return Some(parts.iter().map(|part| signs(part)).collect::<Vec<_>>().join(", "));
    }
    let spelled = parts.iter().map(|part| signs(part)).collect::<Vec<_>>().join(" colon ");
    // Six hours and a half is "06:30:00"; a network address has a letter or a gap.
    let named = core.contains("::") || core.contains(|c: char| c.is_ascii_alphabetic());
    named.then(|| spelled.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `v1.2.3`, `1.24.0`, `2.0.0-rc.12`, and `3.12` behind "version".
pub(super) fn version(core: &str, context: Context<'_>) -> Option<String> {
    let marked = core.strip_prefix(['v', 'V']);
    let (numbers, suffix) = match marked.unwrap_or(core).split_once(['-', '+']) {
        Some((numbers, suffix)) => (numbers, Some(suffix)),
        None => (marked.unwrap_or(core), None),
    };
    // "3.10-3.12" is a range.
    if suffix.is_some_and(|suffix| suffix.bytes().all(|b| b.is_ascii_digit() || b == b'.')) {
        return None;
    }
    let fields: Vec<&str> = numbers.split('.').collect();
    if !fields.iter().all(|field| is_digits(field) && field.len() <= 6) {
        return None;
    }
    let before = context.before.unwrap_or_default().to_lowercase();
    let named = VERSION_WORDS.contains(&before.as_str());
    if marked.is_none() && fields.len() < if named { 2 } else { 3 } {
        return None;
    }
    let field = |field: &&str| match field.strip_prefix('0') {
        Some(rest) if !rest.is_empty() => digits(field),
        _ => field.parse().map(cardinal).unwrap_or_default(),
    };
    let mut words = fields.iter().map(field).collect::<Vec<_>>().join(" point ");
    if let Some(suffix) = suffix {
        words = format!("{words} {}", identifier::spoken(&suffix.replace('.', "-")));
    }
    Some(if marked.is_some() { format!("version {words}") } else { words })
}

/// `a3f9c1e`, `e29b41d4-a716-4466`, `0x1f4`.
pub(super) fn hex(core: &str) -> Option<String> {
    if let Some(rest) = core.strip_prefix("0x").filter(|rest| is_hex(rest)) {
        return Some(format!("hex {}", signs(rest)));
    }
    let parts: Vec<&str> = core.split('-').collect();
    let an_id = parts.iter().all(|part| is_hex(part)) && parts.iter().any(|part| mixed(part));
    an_id.then(|| parts.iter().map(|part| signs(part)).collect::<Vec<_>>().join(", "))
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether digits and letters take turns as they do in no word: `beef42` is a name, `b4e2f1` none.
fn mixed(part: &str) -> bool {
    let kinds = part.as_bytes().windows(2);
    let turns = kinds.filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    part.len() >= HEX_SIGNS_MIN && turns > 1
}

/// Hex digits one by one, in groups of three with a short pause between.
fn signs(text: &str) -> String {
    let sign = |c: char| match c.to_ascii_lowercase() {
        // A lone "a" is an article to espeak-ng.
        'a' => "eigh".to_owned(),
        digit if digit.is_ascii_digit() => digits(digit.encode_utf8(&mut [0; 4])),
        letter => letter.to_string(),
    };
    let words: Vec<String> = text.chars().map(sign).collect();
    if words.len() <= 4 {
        return words.join(" ");
    }
    let mut rest = words.as_slice();
    let mut spoken = Vec::new();
    for size in groups(words.len()) {
        let (group, tail) = rest.split_at(size);
        spoken.push(group.join(" "));
        rest = tail;
    }
    spoken.join(", ")
}

/// From here on a number is a code, not a quantity.
pub(super) const CODE_DIGITS_MIN: usize = 7;
/// The short name that git gives a commit has seven.
const HEX_SIGNS_MIN: usize = 6;
const VERSION_WORDS: [&str; 18] = [
    "version",
    "release",
    "python",
    "kernel",
    "linux",
    "ubuntu",
    "debian",
    "fedora",
    "node",
    "rust",
    "openssl",
    "postgres",
    "postgresql",
    "redis",
    "nginx",
    "firmware",
    "android",
    "ios",
];
