//! The traits that engines stand behind. Blocking, object-safe, without async; each with a
//! `capabilities()` value. They run on speech worker threads, never in the tick.

mod conformance;
mod hear;
mod speak;

pub use conformance::{check_speech_to_text, check_text_to_speech};
pub use hear::{SpeechToText, SttCapabilities, SttError, SttStream, Transcript, VoiceActivity};
pub use speak::{SpeechChunk, SpeechSink, TextToSpeech, TtsCapabilities, TtsError, WordSpan};
