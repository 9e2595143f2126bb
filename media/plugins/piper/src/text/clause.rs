//! Groups spoken words into clauses: what is synthesised in one piece.

use std::ops::Range;

use super::normalise::{Carried, Context, carried, spoken};
use super::token::{Mark, Token, tokens};

/// A word of the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Word {
    /// Byte range in the text, punctuation included.
    pub source: Range<usize>,
    /// How it is said. Holds commas where a short pause belongs inside.
    pub spoken: String,
    /// What it ends with.
    pub mark: Mark,
}

/// Words that are synthesised in one piece. Never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Clause {
    pub words: Vec<Word>,
}

impl Clause {
    /// What the clause ends with: the mark of its last word.
    pub(crate) fn mark(&self) -> Mark {
        self.words.last().map(|w| w.mark).unwrap_or_default()
    }
}

/// Cuts `text` into clauses. The first is short, because the caller hears nothing until it is
/// synthesised; later ones run to the end of the sentence, because a voice that sees a whole
/// sentence has the better melody, and there is audio to play meanwhile.
pub(crate) fn clauses(text: &str) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut open: Vec<Word> = Vec::new();
    for word in words(text) {
        let limit = if clauses.is_empty() { FIRST_WORDS } else { LATER_WORDS };
        if open.len() >= limit.cut_from && cuts_before(&word) || open.len() >= limit.max {
            clauses.push(Clause { words: std::mem::take(&mut open) });
        }
        let ends = word.mark.ends_sentence()
            || (word.mark == Mark::Weak && open.len() + 1 >= limit.pause_from);
        open.push(word);
        if ends {
            clauses.push(Clause { words: std::mem::take(&mut open) });
        }
    }
    if !open.is_empty() {
        clauses.push(Clause { words: open });
    }
    clauses
}

fn words(text: &str) -> Vec<Word> {
    let tokens = tokens(text);
    let core_of = |t: &Token<'_>| (!t.core.is_empty()).then(|| t.core.to_owned());
    let mut words = Vec::with_capacity(tokens.len());
    let mut begun = Carried::Nothing;
    for (i, token) in tokens.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| core_of(&tokens[i]));
        let after = tokens.get(i + 1).and_then(core_of);
        let context =
            Context { before: before.as_deref(), after: after.as_deref(), carried: begun };
        let spoken = spoken(token.core, context);
        begun = carried(token.core, context);
        if !spoken.trim().is_empty() {
            words.push(Word { source: token.source.clone(), spoken, mark: token.mark });
        }
    }
    words
}

/// Whether a speaker could take a breath before `word`.
fn cuts_before(word: &Word) -> bool {
    BREATHS.contains(&word.spoken.to_lowercase().as_str())
}

struct Limit {
    /// A comma from this many words on ends the clause.
    pause_from: usize,
    /// From this many words on it is cut before a word that allows a breath.
    cut_from: usize,
    /// It is cut here whatever comes.
    max: usize,
}

/// About 1.2 s of speech: synthesised in 60 ms by a medium voice, 5 ms by the built-in one.
const FIRST_WORDS: Limit = Limit { pause_from: 1, cut_from: 4, max: 12 };
/// Bounds the memory and the delay of one synthesis: 24 words are about 8 s.
const LATER_WORDS: Limit = Limit { pause_from: 6, cut_from: 12, max: 24 };

const BREATHS: &[&str] = &[
    "and", "but", "or", "because", "so", "that", "which", "when", "while", "if", "then", "until",
    "before", "after", "with", "without", "from", "for",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let say =
            |c: &Clause| c.words.iter().map(|w| w.spoken.as_str()).collect::<Vec<_>>().join(" ");
        clauses(text).iter().map(say).collect()
    }

    #[test]
    fn the_first_clause_is_short_and_later_ones_run_to_the_end_of_the_sentence() {
        assert_eq!(
            said("Well, it is done, finally. It took, I think, four minutes."),
            ["Well", "it is done finally", "It took I think four minutes"]
        );
    }

    #[test]
    fn a_long_first_sentence_is_cut_where_a_breath_fits() {
        let text = "The backup of your notes and pictures to the server took four minutes";
        assert_eq!(said(text)[0], "The backup of your notes");
    }

    #[test]
    fn no_clause_is_longer_than_its_bound() {
        let text = "word ".repeat(100);
        let clauses = clauses(&text);
        assert_eq!(clauses[0].words.len(), FIRST_WORDS.max);
        assert!(clauses.iter().all(|c| c.words.len() <= LATER_WORDS.max));
    }

    #[test]
    fn every_word_knows_where_it_was_written() {
        let text = "It is 14:35, Dr. Smith!";
        for word in clauses(text).iter().flat_map(|c| &c.words) {
            assert!(text.get(word.source.clone()).is_some());
        }
        assert_eq!(said(text), ["It is fourteen thirty five", "Dr Smith"]);
    }

    #[test]
    fn nothing_to_say_gives_no_clause() {
        for text in ["", "  \n", "…", "\u{1F600} !?"] {
            assert!(clauses(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn what_an_agent_writes_is_said_as_a_person_says_it() {
        for (written, expected) in [
            ("It is 2:35 PM.", "It is two thirty five pee em"),
            (
                "Load: 0.75, 2 CPUs at 3.4 GHz.",
                "Load | zero point seven five two CPUs at three point four gigahertz",
            ),
            (
                "/dev/sda1 is 93% full (412 of 440 GB).",
                "slash dev slash sda one is ninety three percent full | four hundred twelve of four hundred forty gigabytes",
            ),
            (
                "Reminder for Monday, 2026-11-23 at 9:00.",
                "Reminder for Monday | november twenty third, twenty twenty six at nine o'clock",
            ),
            ("I've sent it to bob@example.org.", "I've sent it to bob at example dot org"),
            ("Job #3 failed: exit code 127.", "Job number three failed | exit code one two seven"),
            ("Call +1 555 0100 now!", "Call plus one five five five zero one zero zero now"),
            ("**Done** — see `backup.log`", "Done | see backup dot log"),
            (
                "Temperature 21.5°C, wind 15km/h",
                "Temperature twenty one point five degrees celsius | wind fifteen kilometers per hour",
            ),
            ("2 + 2 = 4, 93 %", "two plus two equals four | ninety three percent"),
            ("The USB-C port & the SSD", "The U.S.B. C port and the S.S.D."),
        ] {
            assert_eq!(said(written).join(" | "), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn words_lie_in_the_text_in_order(text in "\\PC{0,80}") {
            let mut at = 0;
            for word in clauses(&text).iter().flat_map(|c| &c.words) {
                assert!(word.source.start >= at && text.get(word.source.clone()).is_some());
                at = word.source.end;
            }
        }
    }
}
