//! Speech to text with whisper.cpp, behind [`media_core::plugin::SpeechToText`].
//!
//! Owns: a loaded ggml model ([`Whisper`]), one reusable decoder state per line, the settings that
//! belong to a model ([`WhisperSettings`]), and the guards that keep invented text away from the
//! brain. Takes one endpointed utterance (mono, 16 kHz, `i16`), gives its text.
//!
//! Driven by speech worker threads; a decode blocks for its whole length and uses exactly one
//! thread. ggml's threads spin at barriers, so on cores that are not reserved a second thread per
//! decode makes it slower, not faster (measured: 474 to 946 ms instead of 44 to 75 ms beside two
//! busy neighbours). More lines mean more decodes side by side.
//!
//! Never: streams (partials are decodes of the utterance so far), never downloads, never logs,
//! never hands whisper.cpp a file that [`check_model_file`] has not read to its end, because
//! whisper.cpp allocates by what a damaged header says. Weights are trusted to be numbers: a file
//! with the right structure and wrong weights gives wrong text, which its checksum would tell.

mod engine;
mod error;
mod guard;
mod model_file;
mod settings;

pub use engine::{BUILTIN_MODEL, Whisper};
pub use error::LoadError;
pub use model_file::{ModelShape, check_model_file};
pub use settings::{AudioContext, SettingsError, WhisperSettings};
