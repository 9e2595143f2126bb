//! Where an ear's facts come from: the sound itself, or what was noted of it.

use std::collections::VecDeque;

use super::super::voicing::Voicing;
use super::super::{EarConfig, EchoEstimate, EchoGate};
use super::facts::SoundFrame;
use super::{PUSH_MS_MAX, RECOGNISER_RATE};
use crate::level;
use crate::plugin::VoiceActivity;
use crate::resample::Resampler;

/// What an ear decides on comes through here and nowhere else.
pub(super) enum Senses {
    /// From sound.
    Live(Box<Live>),
    /// From notes.
    Noted(Noted),
}

impl Senses {
    /// The next frame's facts, its echo not judged yet.
    pub(super) fn next_frame(&mut self) -> Option<SoundFrame> {
        match self {
            Senses::Live(live) => live.next_frame(),
            Senses::Noted(noted) => noted.next_frame(),
        }
    }

    /// Whether the newest frame, at this level, is our own voice.
    pub(super) fn is_echo(&mut self, level_dbov: f32) -> bool {
        match self {
            Senses::Live(live) => live.echo.is_echo(level_dbov),
            Senses::Noted(noted) => noted.answer(noted.echo),
        }
    }

    /// Whether most of the last `ms` of sound is our own voice.
    pub(super) fn explains_last(&mut self, ms: u32) -> bool {
        match self {
            Senses::Live(live) => live.echo.explains_last(ms),
            Senses::Noted(noted) => noted.answer(noted.explained),
        }
    }

    pub(super) fn echo_estimate(&self) -> Option<EchoEstimate> {
        match self {
            Senses::Live(live) => live.echo.estimate(),
            Senses::Noted(_) => None,
        }
    }
}

/// From the line's sound to the facts.
pub(super) struct Live {
    resampler: Resampler,
    upsampled: Vec<i16>,
    vad: Box<dyn VoiceActivity>,
    /// Converts to the detector's rate where that is not the recogniser's.
    vad_resampler: Option<Resampler>,
    vad_input: VecDeque<i16>,
    vad_converted: Vec<i16>,
    vad_frame: Vec<i16>,
    voicing: Voicing,
    echo: EchoGate,
}

impl Live {
    pub(super) fn new(config: &EarConfig, vad: Box<dyn VoiceActivity>) -> Self {
        let vad_resampler = (vad.sample_rate() != RECOGNISER_RATE)
            .then(|| Resampler::new(config.sample_rate, vad.sample_rate()));
        Self {
            resampler: Resampler::new(config.sample_rate, RECOGNISER_RATE),
            upsampled: vec![0; RECOGNISER_RATE.samples_in_ms(PUSH_MS_MAX)],
            vad_converted: vec![0; RECOGNISER_RATE.samples_in_ms(PUSH_MS_MAX)],
            vad_frame: vec![0; vad.frame_samples().max(1)],
            vad_input: VecDeque::new(),
            voicing: Voicing::new(config.sample_rate),
            echo: EchoGate::new(config.sample_rate),
            vad,
            vad_resampler,
        }
    }

    /// Takes one tick; returns its sound at the recogniser's rate.
    pub(super) fn push(&mut self, heard: &[i16], sent: &[i16]) -> &[i16] {
        self.echo.push(heard, sent);
        self.voicing.push(heard);
        let count = self.resampler.process(heard, &mut self.upsampled);
        match &mut self.vad_resampler {
            None => self.vad_input.extend(&self.upsampled[..count]),
            Some(resampler) => {
                let count = resampler.process(heard, &mut self.vad_converted);
                self.vad_input.extend(&self.vad_converted[..count]);
            }
        }
        &self.upsampled[..count]
    }

    fn next_frame(&mut self) -> Option<SoundFrame> {
        let count = self.vad_frame.len();
        if self.vad_input.len() < count {
            return None;
        }
        for (to, from) in self.vad_frame.iter_mut().zip(self.vad_input.drain(..count)) {
            *to = from;
        }
        let probability = self.vad.speech_probability(&self.vad_frame);
        let samples =
            count as u64 * u64::from(RECOGNISER_RATE.hz()) / u64::from(self.vad.sample_rate().hz());
        let level_dbov = level::dbov(&self.vad_frame);
        Some(SoundFrame::of(samples, probability, level_dbov, self.voicing.strength()))
    }
}

/// What one step of an ear that listened had noted.
#[derive(Default)]
pub(super) struct Noted {
    pub(super) frames: VecDeque<SoundFrame>,
    pub(super) explained: Option<bool>,
    /// Of the frame that was taken last.
    echo: Option<bool>,
    /// Questions that the ear which listened did not ask: it decided differently before.
    pub(super) unanswered: u64,
}

impl Noted {
    fn next_frame(&mut self) -> Option<SoundFrame> {
        let frame = self.frames.pop_front()?;
        self.echo = frame.echo;
        Some(frame)
    }

    /// What nobody asked while there was sound cannot be known now: then it was the caller.
    fn answer(&mut self, noted: Option<bool>) -> bool {
        self.unanswered += u64::from(noted.is_none());
        noted.unwrap_or(false)
    }
}
