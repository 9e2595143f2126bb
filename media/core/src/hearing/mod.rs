//! Hearing: what the caller said, when it ended, and whether it was meant to interrupt.
//!
//! Owns: the cores between decoded audio and text. [`Ear`] ties them together, one per line:
//! frames go in, [`HearingEvent`]s and decode jobs come out. A pump thread drives it; nothing
//! here runs in the tick.
//!
//! - [`EchoGate`]: is this our own voice come back? Decided from the transmitted signal.
//! - [`EarshotVad`], [`EnergyVad`]: is this speech? Behind the trait
//!   [`VoiceActivity`](crate::plugin::VoiceActivity).
//! - [`SpeechActivity`]: when did speech start and stop?
//! - [`BargeIn`]: what was the sound during our own speech? Exactly one verdict per onset.
//! - [`Endpointing`]: has the caller finished? By the words ([`completeness`]) and the silence.
//!
//! An ear can note what it decides on, in numbers; an [`EarReplay`] decides the same again from the
//! notes, without the sound.
//!
//! What the caller says is never dropped: a pre-roll keeps the first sounds, what is heard during
//! our own speech belongs to the utterance, and too long an utterance is cut at its quietest
//! place, with the rest opening the next one. Only sound that is our own echo is left out.
//!
//! [`HearingEvent`]: crate::HearingEvent

mod activity;
mod barge_in;
mod config;
mod ear;
mod echo;
mod endpointing;
mod language;
mod low_band;
mod sound;
mod turn;
mod vad;
mod voicing;

pub use activity::{ActivityConfig, SpeechActivity, Transition, VadFrame};
pub use barge_in::{BargeIn, BargeInConfig, BargeInOutput, FrameKind};
pub use config::EarConfig;
pub use ear::{
    DecodeJobId, Ear, EarDecision, EarFacts, EarInput, EarOutput, EarReplay, EarStep, SoundFrame,
    Understanding,
};
pub use echo::{EchoEstimate, EchoGate};
pub use endpointing::Endpointing;
pub use language::{Completeness, Reaction, completeness, reaction};
pub use vad::{EarshotVad, EnergyVad, NoiseFloor};
