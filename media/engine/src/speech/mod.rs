//! The speech workers: blocking threads that run the voice and the recogniser.

mod convert;
mod stt_pool;
mod tts_pool;

pub(crate) use stt_pool::{Decode, SttLane, SttPool};
pub(crate) use tts_pool::{SpeechJob, SpeechPool};
