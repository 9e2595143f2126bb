//! The traits that plugins stand behind. Object-safe, without async.
//!
//! Engines ([`SpeechToText`], [`TextToSpeech`]) block, have a `capabilities()` value, and run on
//! speech worker threads, never in the tick. Doors ([`AudioSource`], [`AudioSink`]) carry a leg's
//! audio and are called in the tick.

mod carry;
mod conformance;
mod hear;
mod speak;

pub use carry::{AudioSink, AudioSource, Circle};
pub use conformance::{check_speech_to_text, check_text_to_speech};
pub use hear::{SpeechToText, SttCapabilities, SttError, SttStream, Transcript, VoiceActivity};
pub use speak::{SpeechChunk, SpeechSink, TextToSpeech, TtsCapabilities, TtsError, WordSpan};
