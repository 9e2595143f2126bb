//! Names that machines made: paths, hosts, addresses, `snake_case`, `camelCase`, `eth0`, `CPU`.

use super::numbers;

/// `name` as words: parted at case changes and signs, acronyms spelled, digits read.
pub(crate) fn spoken(name: &str) -> String {
    let (is_url, name) = match name.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (name.starts_with("www."), name),
    };
    let is_path = is_url || name.starts_with(['/', '~', '.']) || name.matches('/').count() > 1;
    let mut words: Vec<String> = Vec::new();
    for part in parts(name) {
        match part {
            Part::Sign(':') if is_url || name.starts_with("localhost:") => {
                words.push("port".into())
            }
            Part::Letters("etc") if is_path => words.push("E.T.C.".into()),
            Part::Sign(c) => words.extend(sign(c, is_path).map(str::to_owned)),
            Part::Digits(d) if d.len() <= 2 && (d.len() == 1 || !d.starts_with('0')) => {
                words.extend(d.parse().ok().map(numbers::cardinal));
            }
            Part::Digits(d) => words.push(numbers::digits(d)),
            Part::Letters(w) => words.push(word(w)),
        }
    }
    words.join(" ")
}

/// A run of letters: spelled if it is an acronym, otherwise as it stands.
pub(crate) fn word(letters: &str) -> String {
    let upper = letters.len() > 1 && letters.chars().all(|c| c.is_ascii_uppercase());
    if !upper || SAID_AS_WORDS.contains(&letters) {
        return letters.to_owned();
    }
    let has_vowel = letters.contains(['A', 'E', 'I', 'O', 'U']);
    match letters {
        "API" => "API".to_owned(), // espeak-ng knows it, and misreads it with dots
        "OK" => "okay".to_owned(),
        _ if letters.len() > 3 && has_vowel => letters.to_lowercase(),
        _ if letters.len() > 6 => letters.to_lowercase(),
        _ => letters.chars().flat_map(|c| [c, '.']).collect(),
    }
}

/// Whether `text` is such a name rather than a word: it mixes letters with digits, signs or
/// changing case.
pub(crate) fn looks_like_one(text: &str) -> bool {
    let parts = parts(text);
    parts.len() > 1 || matches!(parts.first(), Some(Part::Digits(_)))
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Part<'t> {
    Letters(&'t str),
    Digits(&'t str),
    Sign(char),
}

fn parts(name: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let length = run(rest, first);
        let (head, tail) = rest.split_at(length);
        parts.push(match first {
            c if c.is_ascii_digit() => Part::Digits(head),
            c if c.is_alphabetic() => Part::Letters(head),
            c => Part::Sign(c),
        });
        rest = tail;
    }
    parts
}

/// Bytes of the first part of `text`, which starts with `first`.
fn run(text: &str, first: char) -> usize {
    let until = |stop: &dyn Fn(char) -> bool| text.find(stop).unwrap_or(text.len());
    if first.is_ascii_digit() {
        return until(&|c| !c.is_ascii_digit());
    }
    if !first.is_alphabetic() {
        return first.len_utf8();
    }
    let letters = until(&|c| !(c.is_alphabetic() || c == '\'' || c == '’'));
    if is_plural_acronym(&text[..letters]) {
        return letters;
    }
    let mut before = first;
    for (at, c) in text[..letters].char_indices().skip(1) {
        if c.is_uppercase() && before.is_lowercase() {
            return at; // camelCase
        }
        if c.is_lowercase() && before.is_uppercase() && at > before.len_utf8() {
            return at - before.len_utf8(); // HTTPServer
        }
        before = c;
    }
    letters
}

/// `CPUs`, which espeak-ng itself says right.
fn is_plural_acronym(letters: &str) -> bool {
    letters
        .strip_suffix('s')
        .is_some_and(|acronym| acronym.len() > 1 && acronym.bytes().all(|b| b.is_ascii_uppercase()))
}

/// What a sign between parts is called; most are better not said.
fn sign(c: char, is_path: bool) -> Option<&'static str> {
    match c {
        '.' => Some("dot"),
        '@' => Some("at"),
        '/' if is_path => Some("slash"),
        '\\' => Some("backslash"),
        '&' => Some("and"),
        '+' => Some("plus"),
        '=' => Some("equals"),
        '%' => Some("percent"),
        '#' => Some("hash"),
        '~' if is_path => Some("home"),
        ':' => Some("colon"),
        _ => None, // '_', '-', '/', quotes: a word boundary says enough
    }
}

/// Acronyms that people pronounce.
const SAID_AS_WORDS: &[&str] = &[
    "RAM", "ROM", "LAN", "WAN", "PIN", "SIM", "NASA", "RAID", "BIOS", "ACK", "CAD", "NAT", "NO",
    "YES", "STOP", "GO", "ON", "OFF", "THE", "AND", "NOT", "NOW", "ALL", "NEW", "TO", "IN", "IS",
    "IT", "OR", "WE", "HE", "ME", "MY", "SO", "IF", "AT", "BY", "DO", "BE", "AN", "AS", "OF", "UP",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parted_where_a_reader_parts_them() {
        for (name, expected) in [
            ("user_id", "user id"),
            ("backup-2024.tar.gz", "backup two zero two four dot tar dot gz"),
            ("/var/log/syslog", "slash var slash log slash syslog"),
            ("eth0", "eth zero"),
            ("sha256", "sha two five six"),
            ("getUserName", "get User Name"),
            ("HTTPServer", "H.T.T.P. Server"),
            ("john.doe@example.com", "john dot doe at example dot com"),
            ("https://example.com/a", "example dot com slash a"),
            ("192.168.0.10", "one nine two dot one six eight dot zero dot ten"),
            ("CPU", "C.P.U."),
            ("don't", "don't"),
            ("and/or", "and or"),
        ] {
            assert_eq!(spoken(name), expected, "{name}");
        }
    }

    #[test]
    fn plain_words_are_not_names() {
        for word in ["hello", "Hello", "don't", "Ünïcode", "CPU", "CPUs"] {
            assert!(!looks_like_one(word), "{word}");
        }
        for name in ["eth0", "a_b", "fooBar", "x.y"] {
            assert!(looks_like_one(name), "{name}");
        }
    }
}
