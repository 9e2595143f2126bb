//! Cuts text at white space, and each piece into its core and its punctuation.

use std::ops::Range;

/// What a piece of text ends with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Mark {
    /// Nothing: speech goes on.
    #[default]
    None,
    /// Comma, semicolon, colon, dash, closing bracket: a short pause.
    Weak,
    /// Full stop: a long pause.
    Stop,
    /// A long pause, said with emphasis.
    Exclamation,
    /// A long pause after a question.
    Question,
}

impl Mark {
    /// The character that tells a voice about it.
    pub(crate) const fn symbol(self) -> Option<char> {
        match self {
            Mark::None => None,
            Mark::Weak => Some(','),
            Mark::Stop => Some('.'),
            Mark::Exclamation => Some('!'),
            Mark::Question => Some('?'),
        }
    }

    pub(crate) fn ends_sentence(self) -> bool {
        self > Mark::Weak
    }
}

/// One piece of text between white space (or around a dash).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Token<'t> {
    /// Where it lies in the text, punctuation included.
    pub source: Range<usize>,
    /// Without the punctuation around it. Empty where there is only punctuation.
    pub core: &'t str,
    /// The strongest mark at its end.
    pub mark: Mark,
}

pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found: Vec<Token<'_>> = Vec::new();
    for piece in
        text.split_whitespace().flat_map(at_dashes).flat_map(at_joining_commas).flat_map(at_length)
    {
        let start = piece.as_ptr() as usize - text.as_ptr() as usize;
        let token = token(piece, start);
        match found.last_mut() {
            // Lone punctuation belongs to the word before it.
            Some(last) if token.core.is_empty() => {
                last.source.end = token.source.end;
                last.mark = last.mark.max(token.mark);
            }
            None if token.core.is_empty() => {}
            last => {
                // One takes a breath before a bracket, too.
                if let Some(last) = last.filter(|_| piece.starts_with(['(', '['])) {
                    last.mark = last.mark.max(Mark::Weak);
                }
                if let Some(last) = found.last_mut().filter(|last| last.core == "No") {
                    number_sign(text, last, &token);
                }
                found.push(token);
            }
        }
    }
    found
}

fn token(piece: &str, start: usize) -> Token<'_> {
    let front = piece.trim_start_matches(OPENING);
    let core = front.trim_end_matches(is_closing);
    let tail = &front[core.len()..];
    let mut mark = tail.chars().map(mark_of).max().unwrap_or_default();
    let dotted = tail.starts_with('.') && !tail.starts_with("..");
    if dotted && mark == Mark::Stop && is_abbreviation(core) {
        mark = Mark::None;
    }
    let said = core.chars().any(char::is_alphanumeric) || SAID_SIGNS.contains(&core);
    let core = if said { core } else { "" };
    Token { source: start..start + piece.len(), core, mark }
}

/// "No. 5": the stop shortens, and belongs to the word.
fn number_sign<'t>(text: &'t str, no: &mut Token<'t>, next: &Token<'_>) {
    let dotted = text[no.source.clone()].ends_with("No.");
    if dotted && next.core.starts_with(|c: char| c.is_ascii_digit()) {
        no.core = &text[no.source.end - "No.".len()..no.source.end];
        no.mark = Mark::None;
    }
}

/// "word—word" are two pieces; the dash stays with the first.
fn at_dashes(piece: &str) -> impl Iterator<Item = &str> {
    piece.split_inclusive('—')
}

/// "yes,no" are two pieces; "1,024" is one.
fn at_joining_commas(piece: &str) -> impl Iterator<Item = &str> {
    let joins = piece
        .bytes()
        .zip(piece.bytes().skip(1))
        .any(|(comma, after)| comma == b',' && after.is_ascii_alphabetic());
    let mut rest = Some(piece);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        match text.find(',').filter(|at| joins && at + 1 < text.len()) {
            Some(at) => {
                rest = Some(&text[at + 1..]);
                Some(&text[..=at])
            }
            None => Some(text),
        }
    })
}

/// Nothing that people write is one word of more characters; what machines write is read in pieces.
fn at_length(piece: &str) -> impl Iterator<Item = &str> {
    let mut rest = piece;
    std::iter::from_fn(move || {
        let end = rest.char_indices().nth(WORD_CHARS_MAX).map_or(rest.len(), |(at, _)| at);
        let (head, tail) = rest.split_at(end);
        rest = tail;
        (!head.is_empty()).then_some(head)
    })
}

fn is_closing(c: char) -> bool {
    mark_of(c) != Mark::None || CLOSING.contains(&c)
}

const fn mark_of(c: char) -> Mark {
    match c {
        ',' | ';' | ':' | '—' | '–' | ')' | ']' => Mark::Weak,
        '.' | '…' => Mark::Stop,
        '!' => Mark::Exclamation,
        '?' => Mark::Question,
        _ => Mark::None,
    }
}

/// Whether a full stop after `core` only shortens it.
fn is_abbreviation(core: &str) -> bool {
    let lower = core.to_lowercase();
    ABBREVIATIONS.contains(&lower.as_str())
        // "p.m", "e.g": the stops inside say the same of the last one.
        || (lower.len() == 3 && lower.as_bytes()[1] == b'.')
}

const WORD_CHARS_MAX: usize = 48; // bounds one synthesis: 48 digits are 16 s
/// Signs that are words when they stand alone.
const SAID_SIGNS: &[&str] = &["&", "+", "=", "%"];
const OPENING: &[char] =
    &['"', '\'', '“', '‘', '(', '[', '{', '«', '¿', '¡', '*', '`', '_', '<', '>', '|'];
const CLOSING: &[char] = &['"', '\'', '”', '’', '}', '»', '*', '`', '_', '<', '>', '|'];
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "st", "vs", "approx", "prof", "jr", "sr", "fig", "vol", "ph.d", "jan",
    "feb", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(text: &str) -> Vec<(&str, Mark)> {
        tokens(text).into_iter().map(|t| (t.core, t.mark)).collect()
    }

    #[test]
    fn punctuation_becomes_a_mark_and_the_source_keeps_it() {
        let found = tokens("Hello, \"world\"!");
        assert_eq!(
            cores("Hello, \"world\"!"),
            [("Hello", Mark::Weak), ("world", Mark::Exclamation)]
        );
        assert_eq!((found[0].source.clone(), found[1].source.clone()), (0..6, 7..15));
    }

    #[test]
    fn dots_inside_words_and_after_abbreviations_end_nothing() {
        assert_eq!(
            cores("Dr. Who at 3.5 p.m. on a.b.c."),
            [
                ("Dr", Mark::None),
                ("Who", Mark::None),
                ("at", Mark::None),
                ("3.5", Mark::None),
                ("p.m", Mark::None),
                ("on", Mark::None),
                ("a.b.c", Mark::Stop),
            ]
        );
    }

    #[test]
    fn dashes_and_joining_commas_part_words() {
        assert_eq!(cores("wait—stop"), [("wait", Mark::Weak), ("stop", Mark::None)]);
        assert_eq!(cores("wait — stop"), [("wait", Mark::Weak), ("stop", Mark::None)]);
        assert_eq!(
            cores("yes,no 1,024"),
            [("yes", Mark::Weak), ("no", Mark::None), ("1,024", Mark::None)]
        );
    }

    #[test]
    fn nothing_speakable_gives_no_token() {
        for text in ["", "   ", "…", "\u{1F600}", "--- *** ...", "\u{0}"] {
            assert!(tokens(text).is_empty(), "{text:?}");
        }
    }
}
