//! What an ear decides on, as data: enough to decide again, too little to be heard.

use super::super::{Completeness, Reaction, completeness, reaction};
use super::{DecodeJobId, EarOutput};
use crate::plugin::Transcript;
use crate::{HearingEvent, MonoTime};

/// One step of an ear: what it was told, reduced to what it decides on. An [`EarReplay`] that is
/// given the same steps decides the same, to the bit, on any machine.
///
/// [`EarReplay`]: super::EarReplay
#[derive(Clone, PartialEq, Debug)]
pub struct EarInput {
    /// When.
    pub at: MonoTime,
    /// What.
    pub facts: EarFacts,
    /// Whether our own voice explains the sound under judgement, where that was asked.
    pub explained: Option<bool>,
}

/// A step and what was decided in it.
#[derive(Clone, PartialEq, Debug)]
pub struct EarStep {
    /// What the ear was told.
    pub input: EarInput,
    /// What came out.
    pub decided: Vec<EarDecision>,
}

/// An [`EarOutput`] without its sound.
#[derive(Clone, PartialEq, Debug)]
pub enum EarDecision {
    /// To be told to the line.
    Event(HearingEvent),
    /// To be decoded.
    Decode {
        /// Names the job.
        job: DecodeJobId,
        /// How much sound it has, at the recogniser's rate.
        samples: usize,
    },
}

impl From<&EarOutput> for EarDecision {
    fn from(output: &EarOutput) -> Self {
        match output {
            EarOutput::Event(event) => Self::Event(event.clone()),
            EarOutput::Decode { job, samples } => {
                Self::Decode { job: *job, samples: samples.len() }
            }
        }
    }
}

/// What an ear was told.
#[derive(Clone, PartialEq, Debug)]
pub enum EarFacts {
    /// The sound of one tick.
    Sound {
        /// Its length at the recogniser's rate.
        samples: u32,
        /// Whether a voice of ours had the floor.
        agent_speaking: bool,
        /// The detector's frames that it completed.
        frames: Vec<SoundFrame>,
    },
    /// A decode is done.
    Decoded {
        /// Which.
        job: DecodeJobId,
        /// What came of it; `None`: the recogniser failed.
        understood: Option<Understanding>,
    },
}

/// What was understood, and what that means for taking turns. The meaning stands beside the text,
/// so that it survives a text whose words were taken out.
#[derive(Clone, PartialEq, Debug)]
pub struct Understanding {
    /// Trimmed text.
    pub text: String,
    /// How sure the recogniser is, where it says.
    pub confidence: Option<f32>,
    /// How finished the words are.
    pub completeness: Completeness,
    /// What they are when they are said into our own speech.
    pub reaction: Reaction,
}

impl Understanding {
    /// Judges what a recogniser understood.
    #[must_use]
    pub fn of(transcript: &Transcript) -> Self {
        let text = transcript.text.trim().to_owned();
        Self {
            confidence: transcript.confidence,
            completeness: completeness(&text),
            reaction: reaction(&text),
            text,
        }
    }
}

/// A detector frame in whole numbers. The ear that listens decides on exactly these, too, so a
/// log of them loses nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SoundFrame {
    /// Its length at the recogniser's rate.
    pub samples: u16,
    /// Probability of speech, in 4096ths.
    pub probability: u16,
    /// Level in 64ths of a dBov.
    pub level: i16,
    /// How well the sound repeats itself, in 256ths.
    pub pitch: u8,
    /// Whether it is our own voice come back, where that was asked.
    pub echo: Option<bool>,
}

impl SoundFrame {
    pub(super) fn of(samples: u64, probability: f32, level_dbov: f32, pitch: f32) -> Self {
        // Casts from float saturate; there is nothing that they could cut off.
        Self {
            samples: u16::try_from(samples).unwrap_or(u16::MAX),
            probability: (probability * PROBABILITY_ONE).round() as u16,
            level: (level_dbov * LEVEL_ONE).round() as i16,
            pitch: (pitch * PITCH_ONE).round() as u8,
            echo: None,
        }
    }

    /// Probability of speech, 0 to 1.
    #[must_use]
    pub fn speech_probability(&self) -> f32 {
        f32::from(self.probability) / PROBABILITY_ONE
    }

    /// Level, 0 is full scale.
    #[must_use]
    pub fn level_dbov(&self) -> f32 {
        f32::from(self.level) / LEVEL_ONE
    }

    /// Periodicity, 0 to 1.
    #[must_use]
    pub fn periodicity(&self) -> f32 {
        f32::from(self.pitch) / PITCH_ONE
    }
}

/// Powers of two, so that the way back is exact. All three are finer than what they measure.
const PROBABILITY_ONE: f32 = 4_096.0;
const LEVEL_ONE: f32 = 64.0;
const PITCH_ONE: f32 = 256.0;
