//! The echo gate: does what we transmitted explain what we hear?

mod correlate;
mod path;

use correlate::{Match, best_match};
use path::{Path, PathSearch, near};

use super::low_band::LowBand;
use crate::SampleRate;
use crate::level;

/// What is known of a call's echo path.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct EchoEstimate {
    /// From our sending a sound to our hearing it, in milliseconds.
    pub delay_ms: f32,
    /// How much weaker it comes back, in decibels.
    pub loss_db: f32,
}

/// Recognises our own voice in what is heard, by correlating it with what was transmitted.
///
/// Works on the band below 900 Hz at 2 kHz, where a voice has most of its power and a search
/// over half a second of delay is cheap: about 60 µs, done only for frames that look like speech
/// while we spoke recently. An echo is believed when the same delay explains most of the sound
/// several times running; from then on its level is predicted, too, which covers the hissing
/// sounds that the low band does not show.
///
/// Fixed memory after [`EchoGate::new`]. 25 KiB.
pub struct EchoGate {
    heard_band: LowBand,
    sent_band: LowBand,
    heard: Vec<f32>,
    sent: Vec<f32>,
    /// Power of what was sent, per 10 ms, newest last.
    sent_power: Vec<f32>,
    prefix: Vec<f64>,
    path: PathSearch,
    frames_since_search: u32,
}

impl EchoGate {
    /// A gate that knows nothing of the echo path. `rate`: of both signals.
    #[must_use]
    pub fn new(rate: SampleRate) -> Self {
        Self {
            heard_band: LowBand::new(rate),
            sent_band: LowBand::new(rate),
            heard: vec![0.0; LONG_WINDOW],
            sent: vec![0.0; LONG_WINDOW + LAG_MAX],
            sent_power: vec![0.0; (SENT_MEMORY_MS / 10) as usize],
            prefix: vec![0.0; LONG_WINDOW + LAG_MAX + 1],
            path: PathSearch::new(LAG_MAX),
            frames_since_search: 0,
        }
    }

    /// Takes what was heard and what was transmitted in the same tick. Multiples of 10 ms.
    pub fn push(&mut self, heard: &[i16], sent: &[i16]) {
        let low_samples = self.heard_band.push(heard, &mut self.heard);
        self.sent_band.push_padded(sent, low_samples, &mut self.sent);
        let block = self.heard_band.block_samples();
        for index in 0..heard.len() / block {
            let part = sent.get(index * block..((index + 1) * block).min(sent.len()));
            self.sent_power.rotate_left(1);
            if let Some(last) = self.sent_power.last_mut() {
                *last = part.map_or(0.0, level::power);
            }
        }
    }

    /// Whether we sent anything that could be heard as echo now.
    #[must_use]
    pub fn could_be_echo(&self) -> bool {
        self.sent_power.iter().any(|&power| power > SENT_AUDIBLE_POWER)
    }

    /// Whether the newest sound, at this level, is our own voice. To be asked for each frame that
    /// looks like speech; learns the path from it.
    pub fn is_echo(&mut self, level_dbov: f32) -> bool {
        if !self.could_be_echo() {
            return false;
        }
        let found = self.search(SHORT_WINDOW);
        let Some(path) = self.path.known() else { return false };
        found.is_some_and(|m| m.coherence >= COHERENT && near(path.lag, m.lag))
            || level_dbov <= self.expected_dbov(path) + MARGIN_DB
    }

    /// Whether most of the last half second of sound, `ms` of it at most, is our own voice.
    #[must_use]
    pub fn explains_last(&mut self, ms: u32) -> bool {
        if !self.could_be_echo() {
            return false;
        }
        let window = (ms as usize * LOW_RATE_KHZ).clamp(SHORT_WINDOW, LONG_WINDOW);
        self.whole_search(window).is_some_and(|m| m.coherence >= COHERENT && m.gain <= GAIN_MAX)
    }

    /// The echo path, once one was found.
    #[must_use]
    pub fn estimate(&self) -> Option<EchoEstimate> {
        self.path.known().map(|path| EchoEstimate {
            delay_ms: path.lag as f32 / LOW_RATE_KHZ as f32,
            loss_db: -20.0 * path.gain.max(1e-6).log10(),
        })
    }

    /// The best explanation of the newest sound: over all delays while the path is unknown and
    /// every few frames afterwards, which is what the path is learned from; else near the path.
    fn search(&mut self, window: usize) -> Option<Match> {
        self.frames_since_search += 1;
        let known = self.path.known();
        if let (Some(path), true) = (known, self.frames_since_search < FRAMES_BETWEEN_SEARCHES) {
            return self.near_search(window, path);
        }
        self.frames_since_search = 0;
        let found = self.whole_search(window);
        if let Some(found) = found.filter(|m| m.coherence >= COHERENT && m.gain <= GAIN_MAX) {
            self.path.vote(found);
        }
        match known {
            Some(path) if !found.is_some_and(|m| near(m.lag, path.lag)) => {
                self.near_search(window, path)
            }
            _ => found,
        }
    }

    fn near_search(&mut self, window: usize, path: Path) -> Option<Match> {
        let lags = path.lag.saturating_sub(LAG_SLACK)..(path.lag + LAG_SLACK + 1).min(LAG_MAX);
        best_match(&self.heard, &self.sent, window, lags, &mut self.prefix)
    }

    fn whole_search(&mut self, window: usize) -> Option<Match> {
        best_match(&self.heard, &self.sent, window, 0..LAG_MAX, &mut self.prefix)
    }

    /// The loudest that the echo can be now.
    fn expected_dbov(&self, path: Path) -> f32 {
        let blocks = self.sent_power.len();
        let back = path.lag / (10 * LOW_RATE_KHZ);
        // A frame is judged up to two blocks late, and looks back as far as three.
        let newest = blocks.saturating_sub(back.saturating_sub(1)).min(blocks);
        let oldest = newest.saturating_sub(BLOCKS_LOOKED_AT);
        let loudest = self.sent_power[oldest..newest].iter().fold(0.0f32, |a, &b| a.max(b));
        level::power_to_dbov(loudest * path.gain * path.gain)
    }
}

/// Samples per millisecond of the low band.
const LOW_RATE_KHZ: usize = 2;
/// 160 ms: a syllable, so that two voices rarely look alike.
const SHORT_WINDOW: usize = 160 * LOW_RATE_KHZ;
/// 500 ms: all that a verdict can be about.
const LONG_WINDOW: usize = 500 * LOW_RATE_KHZ;
/// 550 ms: jitter buffers of two networks and a speaker phone.
const LAG_MAX: usize = 550 * LOW_RATE_KHZ;
/// 4 ms: the far end's clock and its jitter buffer move a little.
const LAG_SLACK: usize = 4 * LOW_RATE_KHZ;
/// Longest that something sent matters: delay and window.
const SENT_MEMORY_MS: u32 = 700;
/// -60 dBov: what is quieter does not come back as anything audible.
const SENT_AUDIBLE_POWER: f32 = 1e-6;
/// Share of the heard power that the sent signal must explain: more than half is ours.
const COHERENT: f32 = 0.55;
/// An echo is not louder than what was sent; 3 dB for phones that amplify.
const GAIN_MAX: f32 = 1.4;
/// Detector frames. The whole search is what costs.
const FRAMES_BETWEEN_SEARCHES: u32 = 4;
/// How far above the predicted level a sound may be and still be the echo.
const MARGIN_DB: f32 = 4.0;
const BLOCKS_LOOKED_AT: usize = 7;
