//! A voice that speaks every word in the same time.

use std::ops::Range;

use queue_governor::LedgerWord;

use super::PER_MS;

/// How long a word takes.
pub const WORD_MS: u64 = 240;

/// The pause after a clause.
pub const PAUSE_MS: u64 = 120;

/// How the voice behaves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Tts {
    /// First audio after so many milliseconds, then faster than real time.
    Speaks { after_ms: u64 },
    /// Accepts the text and never says a word.
    Hangs,
    /// Says the first clause, then nothing more.
    HangsAfterOneClause,
    /// Reports an error.
    Fails,
    /// Speaks, without word positions.
    SpeaksWithoutWords,
}

/// One clause of speech.
#[derive(Clone, Debug)]
pub struct Clause {
    pub samples: u64,
    pub words: Vec<LedgerWord>,
}

/// How long `text` takes.
pub fn words_ms(text: &str) -> u64 {
    clauses(text).iter().map(|clause| clause.samples).sum::<u64>() / PER_MS
}

pub fn clauses(text: &str) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut words: Vec<LedgerWord> = Vec::new();
    let (mut at, mut start) = (0, 0);
    for range in word_ranges(text) {
        let samples = at..at + WORD_MS * PER_MS;
        at = samples.end;
        let ends = text[..range.end].ends_with(['.', ',', '!', '?', ';', ':']);
        words.push(LedgerWord { text: range, samples });
        if ends {
            at += PAUSE_MS * PER_MS;
            clauses.push(Clause { samples: at - start, words: std::mem::take(&mut words) });
            start = at;
        }
    }
    if !words.is_empty() {
        clauses.push(Clause { samples: at - start, words });
    }
    clauses
}

fn word_ranges(text: &str) -> Vec<Range<usize>> {
    text.split_whitespace()
        .map(|word| {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            start..start + word.len()
        })
        .collect()
}
