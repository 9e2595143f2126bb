//! The voice and the audio thread of a virtual call: samples leave by the clock.

use std::time::Duration;

use media_core::plugin::WordSpan;
use media_core::{Generation, MonoTime};
use media_engine::{LineEvent, Speech};

/// Samples that a letter lasts: about fifteen letters a second at 8 kHz.
const LETTER_SAMPLES: usize = 530;
const TICK_SAMPLES: u64 = 160;
/// From grant to first sample.
const VOICE: Duration = Duration::from_millis(60);

/// How the voice is today.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voice {
    /// It speaks.
    Well,
    /// Nothing comes out of it.
    Mute,
    /// It fails, but for the fallback.
    Broken,
}

/// Speaks for one generation at a time.
#[derive(Default)]
pub struct Mouth {
    speaks: Option<Utterance>,
}

struct Utterance {
    generation: Generation,
    samples: u64,
    sent: u64,
    starts: MonoTime,
    started: bool,
    paused: bool,
}

impl Mouth {
    /// What is made of `speech`, and from now on said.
    pub fn grant(
        &mut self,
        at: MonoTime,
        generation: Generation,
        speech: &Speech,
        voice: Voice,
    ) -> Vec<LineEvent> {
        assert!(self.speaks.is_none(), "two voices at once");
        let (samples, words) = match (speech, voice) {
            (Speech::Text(_), Voice::Mute) => return Vec::new(),
            (Speech::Text(_), Voice::Broken) => {
                let error = "the model has no such letter".to_owned();
                return vec![LineEvent::SpeechFailed { at, generation, error }];
            }
            (Speech::Text(text) | Speech::FallbackText(text), _) => {
                ((text.len() * LETTER_SAMPLES) as u64, words(text))
            }
            (Speech::Audio { samples, .. }, _) => (samples.len() as u64, Vec::new()),
            (Speech::Shared { samples, .. }, _) => (samples.len() as u64, Vec::new()),
        };
        let starts = at + VOICE;
        let (sent, started, paused) = (0, false, false);
        self.speaks = Some(Utterance { generation, samples, sent, starts, started, paused });
        vec![
            LineEvent::SpeechChunk { at, generation, first_sample: 0, samples, words },
            LineEvent::SpeechDone { at, generation, samples },
        ]
    }

    /// Silence; the last count, if this generation spoke.
    pub fn revoke(&mut self, at: MonoTime, generation: Generation) -> Option<LineEvent> {
        let revoked = self.speaks.take_if(|speaks| speaks.generation == generation)?;
        Some(LineEvent::Silenced { at, generation, samples: revoked.sent })
    }

    pub fn pause(
        &mut self,
        at: MonoTime,
        generation: Generation,
        paused: bool,
    ) -> Option<LineEvent> {
        let speaks = self.speaks.as_mut().filter(|speaks| speaks.generation == generation)?;
        speaks.paused = paused;
        let samples = speaks.sent;
        Some(match paused {
            true => LineEvent::Paused { at, generation, samples },
            false => LineEvent::Resumed { at, generation, samples },
        })
    }

    /// Whether a sample of speech leaves in this tick, and whether somebody has the floor at all.
    pub fn speaks(&self) -> (bool, bool) {
        let aloud = self.speaks.as_ref().is_some_and(|speaks| speaks.started && !speaks.paused);
        (aloud, self.speaks.is_some())
    }

    /// One tick of sound leaves.
    pub fn tick(&mut self, at: MonoTime) -> Vec<LineEvent> {
        let Some(speaks) = self.speaks.as_mut() else { return Vec::new() };
        if speaks.paused || at < speaks.starts {
            return Vec::new();
        }
        let (generation, before) = (speaks.generation, speaks.sent);
        speaks.sent = (speaks.sent + TICK_SAMPLES).min(speaks.samples);
        let samples = speaks.sent;
        let mut events = Vec::new();
        if !std::mem::replace(&mut speaks.started, true) {
            events.push(LineEvent::FirstSample { at, generation });
        }
        // A report every 100 ms, as the audio thread makes it.
        if samples / (5 * TICK_SAMPLES) != before / (5 * TICK_SAMPLES) {
            events.push(LineEvent::Played { at, generation, samples });
        }
        if samples == speaks.samples {
            self.speaks = None;
            events.push(LineEvent::Drained { at, generation, samples });
        }
        events
    }
}

fn words(text: &str) -> Vec<WordSpan> {
    let mut words = Vec::new();
    let mut start = 0;
    for piece in text.split_inclusive(' ') {
        let range = start..start + piece.trim_end().len();
        let samples = range.start * LETTER_SAMPLES..range.end * LETTER_SAMPLES;
        words.push(WordSpan { samples, text: range });
        start += piece.len();
    }
    words
}
