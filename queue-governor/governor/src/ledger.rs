//! The heard-text ledger of one generation: from the samples that were sent to the words that
//! were heard.

use core::time::Duration;

use media_core::SampleRate;

use crate::io::LedgerWord;
use crate::text;

/// A word of which no more than this is missing counts as heard, so that rounding to packets and
/// estimated word ends do not make the voice say it again. Never more than half of the word.
const TAIL_MS: u32 = 40;

/// Words of one generation. A text has at most one word for two bytes, so this is all of the
/// longest text by default; beyond it the rest counts as heard with the last sample only.
const WORDS_MAX: usize = 2_048;

/// Slow speech, for a voice that does not say where its words are: what it claims to have been
/// heard really was.
const MS_PER_BYTE_WITHOUT_WORDS: u64 = 100;

#[derive(Clone, Debug)]
struct Word {
    /// End of the word in the granted text, punctuation included.
    text_end: usize,
    samples_start: u64,
    samples_end: u64,
    ends_clause: bool,
}

/// What was made and what was sent of one generation. Byte offsets count in the granted text.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    rate: SampleRate,
    words: Vec<Word>,
    made: u64,
    whole: Option<u64>,
    sent: u64,
}

impl Ledger {
    pub(crate) fn new(rate: SampleRate) -> Self {
        Self { rate, words: Vec::new(), made: 0, whole: None, sent: 0 }
    }

    /// A piece of speech was made. A piece is a clause, so its last word ends one.
    pub(crate) fn on_made(&mut self, granted: &str, samples: u64, words: &[LedgerWord]) {
        self.made = self.made.saturating_add(samples);
        for word in words {
            self.add(granted, word);
        }
        if let Some(last) = self.words.last_mut().filter(|_| !words.is_empty()) {
            last.ends_clause = true;
        }
    }

    fn add(&mut self, granted: &str, word: &LedgerWord) {
        let last = self.words.last();
        let text_end = text::word_end(granted, word.text.end);
        let in_order = last
            .is_none_or(|last| last.text_end <= text_end && last.samples_end <= word.samples.end);
        if !in_order || self.words.len() >= WORDS_MAX {
            return;
        }
        self.words.push(Word {
            text_end,
            samples_start: word.samples.start.min(word.samples.end),
            samples_end: word.samples.end,
            ends_clause: text::ends_clause(granted, text_end),
        });
    }

    /// All of the speech was made.
    pub(crate) fn on_whole(&mut self, samples: u64) {
        self.whole = Some(samples);
    }

    /// So many samples went out so far. Counts never shrink: an older report changes nothing.
    pub(crate) fn on_sent(&mut self, samples: u64) -> bool {
        let grew = samples > self.sent;
        self.sent = self.sent.max(samples);
        grew
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether everything that will ever be made was sent.
    pub(crate) fn all_sent(&self) -> bool {
        self.whole.is_some_and(|whole| whole > 0 && self.sent >= whole)
    }

    /// How long it was audible.
    pub(crate) fn audible(&self) -> Duration {
        self.duration_of(self.sent)
    }

    pub(crate) fn duration_of(&self, samples: u64) -> Duration {
        Duration::from_micros(samples.saturating_mul(1_000_000) / u64::from(self.rate.hz()))
    }

    pub(crate) fn samples_in(&self, time: Duration) -> u64 {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        micros.saturating_mul(u64::from(self.rate.hz())) / 1_000_000
    }

    /// Samples of `other_hz` audio that were sent.
    pub(crate) fn sent_at_rate(&self, other: SampleRate) -> usize {
        let samples = self.sent.saturating_mul(u64::from(other.hz())) / u64::from(self.rate.hz());
        usize::try_from(samples).unwrap_or(usize::MAX)
    }

    /// How much of the granted text was heard: the end of the last word that was sent.
    pub(crate) fn heard_bytes(&self, granted: &str) -> usize {
        if self.all_sent() {
            return granted.len();
        }
        if self.words.is_empty() {
            return self.heard_bytes_estimated(granted);
        }
        let heard = self.words.partition_point(|word| self.is_heard(word));
        heard.checked_sub(1).map_or(0, |last| self.words[last].text_end)
    }

    fn is_heard(&self, word: &Word) -> bool {
        let half = (word.samples_end - word.samples_start) / 2;
        let missing = half.min(self.rate.samples_in_ms(TAIL_MS) as u64);
        self.sent > 0 && self.sent.saturating_add(missing) >= word.samples_end
    }

    /// Whether a word was begun that was not heard.
    pub(crate) fn is_within_a_word(&self) -> bool {
        let heard = self.words.partition_point(|word| self.is_heard(word));
        self.words.get(heard).is_some_and(|word| word.samples_start < self.sent)
    }

    fn heard_bytes_estimated(&self, granted: &str) -> usize {
        let bytes = granted.len() as u64;
        let heard = match self.whole.filter(|whole| *whole > 0) {
            Some(whole) => bytes.saturating_mul(self.sent) / whole,
            None => self.audible().as_millis() as u64 / MS_PER_BYTE_WITHOUT_WORDS,
        };
        text::word_end_before(granted, heard.min(bytes) as usize)
    }

    /// Where to cut between two samples: at the first end of a clause, or else at the last end of
    /// a word.
    pub(crate) fn cut_between(&self, from: u64, until: u64) -> Option<u64> {
        let first = self.words.partition_point(|word| word.samples_end < from);
        let within = || self.words[first..].iter().take_while(|word| word.samples_end <= until);
        within()
            .find(|word| word.ends_clause)
            .or_else(|| within().last())
            .map(|word| word.samples_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "one two, three four";

    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(SampleRate::Hz8000);
        let words = [(0..3, 0..1_600), (4..7, 1_600..3_200), (9..14, 3_200..4_800)];
        let words: Vec<_> =
            words.map(|(text, samples)| LedgerWord { text, samples }).into_iter().collect();
        ledger.on_made(TEXT, 4_800, &words);
        ledger
    }

    #[test]
    fn a_word_is_heard_when_its_end_was_sent_and_not_before() {
        let mut ledger = ledger();
        ledger.on_sent(1_200);
        assert_eq!(ledger.heard_bytes(TEXT), 0);
        ledger.on_sent(1_300);
        assert_eq!(&TEXT[..ledger.heard_bytes(TEXT)], "one");
        ledger.on_sent(3_200);
        assert_eq!(&TEXT[..ledger.heard_bytes(TEXT)], "one two,");
    }

    #[test]
    fn counts_never_shrink() {
        let mut ledger = ledger();
        assert!(ledger.on_sent(3_200));
        assert!(!ledger.on_sent(160));
        assert_eq!(ledger.sent(), 3_200);
    }

    #[test]
    fn cuts_at_the_first_clause_or_else_at_the_last_word() {
        let ledger = ledger();
        assert_eq!(ledger.cut_between(100, 4_000), Some(3_200));
        assert_eq!(ledger.cut_between(100, 2_000), Some(1_600));
        assert_eq!(ledger.cut_between(100, 1_000), None);
    }

    #[test]
    fn without_word_positions_it_claims_no_more_than_was_sent() {
        let mut ledger = Ledger::new(SampleRate::Hz8000);
        ledger.on_made(TEXT, 16_000, &[]);
        ledger.on_sent(8_000);
        assert_eq!(&TEXT[..ledger.heard_bytes(TEXT)], "one two,");
        ledger.on_whole(16_000);
        ledger.on_sent(15_900);
        assert_eq!(&TEXT[..ledger.heard_bytes(TEXT)], "one two, three");
        ledger.on_sent(16_000);
        assert_eq!(ledger.heard_bytes(TEXT), TEXT.len());
    }

    #[test]
    fn words_that_run_backwards_or_beyond_the_text_do_no_harm() {
        let mut ledger = ledger();
        let odd = [
            LedgerWord { text: 0..2, samples: 0..10 },
            LedgerWord { text: 90..999, samples: 9_000..u64::MAX },
        ];
        ledger.on_made(TEXT, u64::MAX, &odd);
        ledger.on_sent(u64::MAX);
        assert_eq!(ledger.heard_bytes(TEXT), TEXT.len());
    }
}
