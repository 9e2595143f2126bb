//! Which words are on a recording, and how much of each. Every word is a sentence of its own, so
//! that silence is on both sides of it; what is found is held against a recording of all of them,
//! by its samples. Nothing here knows what the voice or the ledger think of where words are.

use std::ops::Range;

use crate::support::sound::{FRAME, rms};

/// What sayings are made of.
pub const WORDS: [&str; 12] = [
    "Alpha", "Bravo", "Charlie", "Delta", "Foxtrot", "Golf", "Hotel", "Juliet", "Kilo", "Lima",
    "November", "Oscar",
];
/// What is said in the place of one.
pub const OTHER: &str = "Quebec.";
/// Samples.
pub const RATE_PER_MS: usize = 8;
/// Sound is looked for in steps of 5 ms.
const STEP: usize = 5 * RATE_PER_MS;
/// -50 dB below full scale; comfort noise and silence on the wire are far below.
const AUDIBLE_RMS: f64 = 98.0;
/// A word that has begun goes on down to -60 dB: the breath at the end of "golf" is about as loud as
/// [`AUDIBLE_RMS`], a codec's noise is not.
const BREATH_RMS: f64 = 31.0;
/// Between two words it is silent for 300 ms, and within one for a third of that at most.
const PAUSE_STEPS: usize = 40;
/// By so much of a sound it is known.
const ANCHOR: usize = 50 * RATE_PER_MS;
/// What is shorter is a click, in which no word can be known; that it is left out costs the ledger
/// half of what it is allowed.
const SHORTEST: usize = 40 * RATE_PER_MS;
/// Where the floor goes, sound fades: its last samples are nobody's.
const FADED: usize = 10 * RATE_PER_MS;
/// The same samples again, but for where the codec's packets begin.
const SAME: f64 = 0.95;

/// The words from the `first` on, as the voice is to say them.
pub fn text_from(first: usize) -> String {
    let words = (0..WORDS.len()).map(|n| format!("{}.", WORDS[(first + n) % WORDS.len()]));
    words.collect::<Vec<_>>().join(" ")
}

/// All there is, for [`Reference::of`].
pub fn every_word() -> String {
    format!("{} {OTHER}", text_from(0))
}

/// How each word sounds.
pub struct Reference {
    words: Vec<Vec<i16>>,
}

/// A stretch of a word that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub word: usize,
    /// Of the word.
    pub ms: Range<usize>,
    /// Where it ends on the recording.
    pub end_ms: usize,
}

impl Reference {
    /// From a call in which [`every_word`] was heard to the end.
    pub fn of(sound: &[i16]) -> Self {
        let words: Vec<_> = bursts(sound).into_iter().map(|it| sound[it].to_vec()).collect();
        assert_eq!(words.len(), WORDS.len() + 1, "each word is heard by itself");
        Self { words }
    }

    pub fn ms_of(&self, word: usize) -> usize {
        self.words[word].len() / RATE_PER_MS
    }

    /// What of which word is on `sound`, in the order in which it came.
    pub fn pieces_in(&self, sound: &[i16]) -> Vec<Piece> {
        let long = bursts(sound).into_iter().filter(|burst| burst.len() >= SHORTEST);
        long.map(|burst| self.known(sound, burst)).collect()
    }

    fn known(&self, sound: &[i16], range: Range<usize>) -> Piece {
        let (burst, end_ms) = (&sound[range.clone()], range.end / RATE_PER_MS);
        let anchor = &burst[..ANCHOR.min(burst.len() - FADED)];
        let mut best = (0.0, 0, 0);
        for (word, sound) in self.words.iter().enumerate() {
            for (at, there) in sound.windows(anchor.len()).enumerate() {
                let alike = likeness(anchor, there);
                if alike > best.0 {
                    best = (alike, word, at);
                }
            }
        }
        let (alike, word, at) = best;
        assert!(alike > SAME, "{} ms of sound that is no word: {alike:.2}", burst.len() / 8);
        Piece { word, ms: at / RATE_PER_MS..(at + burst.len()) / RATE_PER_MS, end_ms }
    }
}

/// Stretches with sound, with silence of some length between them.
fn bursts(sound: &[i16]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (n, step) in sound.chunks(STEP).enumerate() {
        let (from, to) = (n * STEP, n * STEP + step.len());
        let loud = rms(step);
        match found.last_mut() {
            Some(last) if from == last.end && loud > BREATH_RMS => last.end = to,
            _ if loud <= AUDIBLE_RMS => {}
            Some(last) if from - last.end < PAUSE_STEPS * STEP => last.end = to,
            _ => found.push(from..to),
        }
    }
    found
}

/// The cosine between two sounds.
fn likeness(one: &[i16], other: &[i16]) -> f64 {
    let (mut product, mut of_one, mut of_other) = (0_i64, 0_i64, 0_i64);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (i64::from(*a), i64::from(*b));
        product += a * b;
        of_one += a * a;
        of_other += b * b;
    }
    product as f64 / ((of_one as f64).sqrt() * (of_other as f64).sqrt()).max(1.0)
}

/// `sound` without the packets that a tone of `hz` is in.
pub fn without_tone(sound: &[i16], hz: f64) -> Vec<i16> {
    let mut sound = sound.to_vec();
    for packet in sound.chunks_mut(FRAME) {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in packet.iter().enumerate() {
            let angle = n as f64 * hz * std::f64::consts::TAU / 8_000.0;
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        let tone = (re * re + im * im).sqrt() * std::f64::consts::SQRT_2 / packet.len() as f64;
        if tone > 0.8 * rms(packet) {
            packet.fill(0);
        }
    }
    sound
}
