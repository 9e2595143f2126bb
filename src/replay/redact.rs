//! Words out, their shape stays.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};

use sha2::{Digest, Sha256};

/// Replaces words consistently: within one call the same word, whatever its case, is always
/// replaced by the same other one, and different words by different ones. Each letter becomes a
/// letter and each digit a digit with as many bytes; spaces, punctuation and everything else stay.
/// So lengths, word and clause boundaries and the equality of texts are what they were, and with
/// them every decision of the governor.
///
/// The replacement depends on a random key that is kept nowhere: it cannot be undone, nor
/// compared between calls. Letters whose other case has another length (as the Kelvin sign's) may
/// lose an equality.
pub struct Redactor {
    key: [u8; 16],
    /// By the word's shape and its lower case.
    replaced: BTreeMap<(Vec<Class>, String), String>,
    taken: BTreeSet<String>,
}

/// Words remembered. A person's vocabulary is half of that; beyond it two words may be
/// replaced by the same one.
const WORDS_MAX: usize = 50_000;

impl Redactor {
    /// With a key of its own that nobody knows.
    #[must_use]
    pub fn new() -> Self {
        // The standard library's hashers are keyed by the system's randomness.
        let [a, b] = [0, 1].map(|n: u8| RandomState::new().hash_one(n).to_le_bytes());
        let mut key = [0; 16];
        key[..8].copy_from_slice(&a);
        key[8..].copy_from_slice(&b);
        Self::with_key(key)
    }

    /// With a key that is known, for logs that have to come out the same each time.
    #[must_use]
    pub fn with_key(key: [u8; 16]) -> Self {
        Self { key, replaced: BTreeMap::new(), taken: BTreeSet::new() }
    }

    /// The text without its words.
    #[must_use]
    pub fn text(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(begin) = rest.find(char::is_alphanumeric) {
            let (between, from) = rest.split_at(begin);
            let end = from.find(|c: char| !c.is_alphanumeric()).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            out.push_str(between);
            out.push_str(&self.word(word));
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn word(&mut self, word: &str) -> String {
        let shape: Vec<Class> = word.chars().map(Class::of).collect();
        let lower = word.to_lowercase();
        let name = (shape, lower);
        let other = match self.replaced.get(&name) {
            Some(other) => other.clone(),
            None => self.replacement(name),
        };
        let cased = word.chars().zip(other.chars());
        cased.map(|(old, new)| if old.is_uppercase() { upper(new) } else { new }).collect()
    }

    /// The first word from where the key points that no other word has.
    fn replacement(&mut self, name: (Vec<Class>, String)) -> String {
        let hash = Sha256::new().chain_update(self.key).chain_update(&name.1).finalize();
        let mut letters: Vec<u32> = name
            .0
            .iter()
            .enumerate()
            .map(|(n, class)| {
                let byte = usize::from(hash[n % 32]) + 256 * usize::from(hash[(n + 7) % 32]);
                (byte + n / 32) as u32 % class.size()
            })
            .collect();
        let mut other = spelled(&name.0, &letters);
        if self.replaced.len() >= WORDS_MAX {
            return other;
        }
        // Bounded: one more try for each word of this shape that is known.
        for _ in 0..self.taken.len() {
            if !self.taken.contains(&other) {
                break;
            }
            advance(&name.0, &mut letters);
            other = spelled(&name.0, &letters);
        }
        self.taken.insert(other.clone());
        self.replaced.insert(name, other.clone());
        other
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new()
    }
}

/// What may stand for a character: a digit for a digit, and letters by their bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Class {
    Digit,
    OneByte,
    TwoBytes,
    ThreeBytes,
    FourBytes,
}

impl Class {
    fn of(c: char) -> Self {
        match c.len_utf8() {
            1 if c.is_ascii_digit() => Class::Digit,
            1 => Class::OneByte,
            2 => Class::TwoBytes,
            3 => Class::ThreeBytes,
            _ => Class::FourBytes,
        }
    }

    /// First of the characters, and how many there are: digits, Latin and Cyrillic small letters,
    /// and two blocks of ideographs, which have no case.
    fn range(self) -> (char, u32) {
        match self {
            Class::Digit => ('0', 10),
            Class::OneByte => ('a', 26),
            Class::TwoBytes => ('а', 32),
            Class::ThreeBytes => ('\u{4e00}', 0x4000),
            Class::FourBytes => ('\u{20000}', 0x4000),
        }
    }

    fn size(self) -> u32 {
        self.range().1
    }

    fn letter(self, number: u32) -> char {
        let (first, size) = self.range();
        char::from_u32(first as u32 + number % size).unwrap_or(first)
    }
}

fn spelled(shape: &[Class], letters: &[u32]) -> String {
    shape.iter().zip(letters).map(|(class, number)| class.letter(*number)).collect()
}

/// The next word of this shape; after the last one, the first.
fn advance(shape: &[Class], letters: &mut [u32]) {
    for (class, letter) in shape.iter().zip(letters).rev() {
        *letter = (*letter + 1) % class.size();
        if *letter != 0 {
            return;
        }
    }
}

/// The capital, if it has as many bytes.
fn upper(c: char) -> char {
    let mut capital = c.to_uppercase();
    match (capital.next(), capital.next()) {
        (Some(one), None) if one.len_utf8() == c.len_utf8() => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::with_key([7; 16])
    }

    #[test]
    fn the_shape_of_a_text_stays_and_its_words_do_not() {
        let text = "It's 3.5 °C in Köln, (really): call +49 221 555-0100 — don't wait… 日本 ok?";
        let mut redactor = redactor();
        let other = redactor.text(text);
        assert_eq!(other.len(), text.len());
        for ((at, old), (other_at, new)) in text.char_indices().zip(other.char_indices()) {
            assert_eq!((at, old.len_utf8()), (other_at, new.len_utf8()), "{other}");
            assert_eq!(old.is_alphanumeric(), new.is_alphanumeric(), "{other}");
            assert_eq!(old.is_ascii_digit(), new.is_ascii_digit(), "{other}");
            if !old.is_alphanumeric() {
                assert_eq!(old, new, "{other}");
            }
        }
        for word in ["Köln", "221", "0100", "wait", "日本", "really"] {
            assert!(!other.contains(word), "{other}");
        }
    }

    #[test]
    fn the_same_word_is_replaced_by_the_same_and_another_by_another() {
        let mut redactor = redactor();
        assert_eq!(redactor.text("The Backup"), redactor.text("The Backup"));
        let (one, two) = (redactor.text("the backup is DONE"), redactor.text("THE backup Is done"));
        assert_eq!(one.to_lowercase(), two.to_lowercase());
        let letters: BTreeSet<String> =
            ('a'..='z').map(|letter| redactor.text(&letter.to_string())).collect();
        assert_eq!(letters.len(), 26, "one letter each");
        let numbers: BTreeSet<String> =
            (0..100).map(|n| redactor.text(&format!("{n:02}"))).collect();
        assert_eq!(numbers.len(), 100);
    }

    #[test]
    fn a_text_that_is_cut_between_words_gives_what_the_whole_is_cut_to() {
        let mut redactor = redactor();
        let text = "The backup is done. It took four minutes.";
        let whole = redactor.text(text);
        for at in text.char_indices().filter(|(_, c)| *c == ' ').map(|(at, _)| at) {
            assert_eq!(redactor.text(&text[at..]), whole[at..]);
            assert_eq!(redactor.text(&text[..at]), whole[..at]);
        }
    }

    #[test]
    fn two_calls_have_nothing_in_common() {
        let text = "a sentence of some words that nobody else is to read";
        assert_ne!(Redactor::new().text(text), Redactor::new().text(text));
    }
}
