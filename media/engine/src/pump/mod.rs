//! The pump: one thread beside each audio thread that does for its lines what the tick may not.
//!
//! It reports events, runs the hearing cores, feeds speech rings, hands audio to the recorder and
//! frees what the tick has retired. The audio thread wakes it at most once per tick.

mod feeder;
mod hearing;
mod levels;
mod line;
mod recording;
mod thread;

use std::path::PathBuf;
use std::sync::Arc;

use media_core::Generation;
use media_core::hearing::DecodeJobId;
use media_core::plugin::{SttError, Transcript, WordSpan};

use crate::rings::LineKey;

pub(crate) use feeder::{Feeder, SPEECH_MS_MAX};
pub(crate) use hearing::Hearing;
pub(crate) use levels::Levels;
pub(crate) use line::{PumpLine, PumpLineParts};
pub(crate) use recording::Recording;
pub(crate) use thread::Pump;

/// What a pump is told.
pub(crate) enum PumpMessage {
    /// A line was opened; comes before anything about it.
    Open { key: LineKey, line: Box<PumpLine> },
    /// The audio thread never got the line: forget it.
    Cancel { key: LineKey },
    /// A generation has the floor.
    Begin { key: LineKey, generation: Generation },
    /// Some of its speech, at the line's rate; words with positions in the generation.
    Chunk { key: LineKey, generation: Generation, samples: Samples, words: Vec<WordSpan> },
    /// That was all of it.
    Done { key: LineKey, generation: Generation },
    /// There will be no more.
    Failed { key: LineKey, generation: Generation, error: String },
    /// A decode is done.
    Decoded { key: LineKey, job: DecodeJobId, result: Result<Transcript, SttError> },
    /// A recording is on disk, or has failed.
    Recorded { key: LineKey, result: Result<PathBuf, String> },
}

/// Samples of speech. Minutes of ready audio are not copied to be handed over.
pub(crate) enum Samples {
    Own(Vec<i16>),
    Shared(Arc<[i16]>),
}

impl core::ops::Deref for Samples {
    type Target = [i16];

    fn deref(&self) -> &[i16] {
        match self {
            Samples::Own(samples) => samples,
            Samples::Shared(samples) => samples,
        }
    }
}

impl PumpMessage {
    /// Which line it is about.
    pub fn key(&self) -> LineKey {
        match self {
            Self::Open { key, .. }
            | Self::Cancel { key }
            | Self::Begin { key, .. }
            | Self::Chunk { key, .. }
            | Self::Done { key, .. }
            | Self::Failed { key, .. }
            | Self::Decoded { key, .. }
            | Self::Recorded { key, .. } => *key,
        }
    }
}
