//! The audio side: one current generation, sent sample by sample, and its reports.

use media_core::{Generation, MonoTime};
use queue_governor::{Content, Input, LedgerWord, OnInterrupt};

use crate::words::{Holder, Word};

pub const PER_MS: u64 = 8;
/// How long a word takes: two steps, so that a word can be cut in its middle.
pub const WORD_MS: u64 = 200;
/// A word of which no more is missing was heard (the contract's tolerance).
const TAIL_MS: u64 = 40;

/// What is being sent.
#[derive(Clone, Debug)]
pub struct Playing {
    pub generation: Generation,
    /// The words of it, by what they are words of.
    words: Vec<Word>,
    pub on_interrupt: OnInterrupt,
    /// Whose it is, and whether the caller's speech leaves it alone.
    pub holder: Holder,
    sent_ms: u64,
    pub paused: bool,
    /// The voice stopped making sound.
    pub hangs: bool,
    began: bool,
}

/// The mouth of the line.
#[derive(Clone, Debug, Default)]
pub struct Mouth {
    pub playing: Option<Playing>,
}

impl Mouth {
    /// Starts a generation. Its sound is made at once, which is reported.
    pub fn grant(
        &mut self,
        generation: Generation,
        speech: &Content,
        on_interrupt: OnInterrupt,
        holder: Holder,
    ) -> [Input; 2] {
        let words: Vec<Word> = speech.words().split(' ').map(Word::parse).collect();
        let samples = words.len() as u64 * WORD_MS * PER_MS;
        let spans = spans(speech.words());
        self.playing = Some(Playing {
            generation,
            words,
            on_interrupt,
            holder,
            sent_ms: 0,
            paused: false,
            hangs: false,
            began: false,
        });
        [
            Input::SpeechChunk { generation, samples, words: spans },
            Input::SpeechDone { generation, samples },
        ]
    }

    /// Stops `generation` for good. Gives what it had sent, and a last word that as good as was.
    pub fn revoke(&mut self, generation: Generation) -> Option<(Input, Option<Word>)> {
        let playing = self.playing.take_if(|it| it.generation == generation)?;
        let silenced = Input::Silenced { generation, samples: playing.sent_ms * PER_MS };
        Some((silenced, playing.word_in_its_tail()))
    }

    pub fn pause(&mut self, paused: bool) -> Option<Input> {
        let playing = self.playing.as_mut()?;
        playing.paused = paused;
        let (generation, samples) = (playing.generation, playing.sent_ms * PER_MS);
        Some(Input::Played { generation, samples })
    }

    /// Sends for `ms`. Gives the words that were completed.
    pub fn send(&mut self, ms: u64) -> Vec<Word> {
        let Some(playing) = self.playing.as_mut().filter(|it| it.is_audible()) else {
            return Vec::new();
        };
        let before = playing.complete();
        playing.sent_ms = (playing.sent_ms + ms).min(playing.total_ms());
        playing.words[before..playing.complete()].to_vec()
    }

    /// What is to be reported after some sending.
    pub fn reports(&mut self, _now: MonoTime) -> Vec<Input> {
        let Some(playing) = self.playing.as_mut().filter(|it| it.sent_ms > 0) else {
            return Vec::new();
        };
        let (generation, samples) = (playing.generation, playing.sent_ms * PER_MS);
        let mut reports = Vec::new();
        if !std::mem::replace(&mut playing.began, true) {
            reports.push(Input::FirstSample { generation });
        }
        if playing.sent_ms == playing.total_ms() {
            self.playing = None;
            reports.push(Input::Drained { generation, samples });
        } else if playing.is_audible() {
            reports.push(Input::Played { generation, samples });
        }
        reports
    }

    /// Whether a frame would leave now.
    pub fn is_audible(&self) -> bool {
        self.playing.as_ref().is_some_and(Playing::is_audible)
    }
}

impl Playing {
    fn is_audible(&self) -> bool {
        !self.paused && !self.hangs && self.sent_ms < self.total_ms()
    }

    /// Whether a sample of it has left.
    pub fn was_audible(&self) -> bool {
        self.sent_ms > 0
    }

    fn total_ms(&self) -> u64 {
        self.words.len() as u64 * WORD_MS
    }

    fn complete(&self) -> usize {
        (self.sent_ms / WORD_MS) as usize
    }

    fn word_in_its_tail(&self) -> Option<Word> {
        let left_ms = WORD_MS - self.sent_ms % WORD_MS;
        self.words.get(self.complete()).copied().filter(|_| left_ms <= TAIL_MS)
    }
}

fn spans(text: &str) -> Vec<LedgerWord> {
    let mut at = 0;
    let word = |(n, word): (usize, &str)| {
        let range = at..at + word.len();
        at = range.end + 1;
        let start = n as u64 * WORD_MS * PER_MS;
        LedgerWord { text: range, samples: start..start + WORD_MS * PER_MS }
    };
    text.split(' ').enumerate().map(word).collect()
}
