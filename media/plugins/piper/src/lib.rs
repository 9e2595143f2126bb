//! Text to speech with Piper voices, behind [`media_core::plugin::TextToSpeech`].
//!
//! Owns the way from written text to chunks of samples: normalisation (numbers, times, names that
//! machines made), clauses (the first one short, so that the caller hears something early),
//! phonemes from espeak-ng, the network's ids, an engine ([`Backend`]), and word positions. Also
//! [`Espeak`], a voice without a model for when everything else fails.
//!
//! Driven by speech worker threads: [`TextToSpeech::speak`](media_core::plugin::TextToSpeech::speak)
//! blocks and hands over one clause at a time. Several threads may speak with one voice; phonemes
//! are made one at a time under the only lock (about 0.1 ms a sentence), networks run side by
//! side, each on one thread.
//!
//! Word positions are what a Piper voice's network says of its phonemes, on `rten`, or estimates
//! from their number; and espeak-ng's own with its formant voice. Never: network access, logging,
//! panics on files or text.
//!
//! espeak-ng is GPL-3.0-or-later. A program that links this crate is distributed under its terms.

mod audio;
mod config;
mod engine;
mod error;
mod espeak;
mod formant;
mod piper;
mod text;
mod utterance;

use std::path::{Path, PathBuf};

use media_core::plugin::TtsError;

pub use engine::Backend;
pub use error::{EspeakError, LoadError};
pub use formant::Espeak;
pub use piper::{BUILTIN_VOICE, Piper};

/// The `espeak-ng-data` folder in use, for `xenline check` and for packaging.
///
/// # Errors
/// [`EspeakError`] where there is none.
pub fn espeak_data(wanted: Option<&Path>) -> Result<PathBuf, EspeakError> {
    espeak::Library::open(wanted).map(espeak::Library::data_path)
}

fn check_length(text: &str) -> Result<(), TtsError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(TtsError::TooLong { got: text.len(), max: TEXT_BYTES_MAX });
    }
    Ok(())
}

/// Five minutes of speech. Whoever has more to say sends more than one text.
const TEXT_BYTES_MAX: usize = 4_096;
