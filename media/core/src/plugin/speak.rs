use core::ops::{ControlFlow, Range};

use crate::SampleRate;

/// What a voice is.
#[derive(Clone, PartialEq, Debug)]
pub struct TtsCapabilities {
    /// Engine and voice, for people: `piper/rten xenline-voice-8k`.
    pub name: String,
    /// Rate of the audio it makes.
    pub sample_rate: SampleRate,
    /// Longest text, in bytes, that it takes at once.
    pub text_bytes_max: usize,
}

/// A voice with its model loaded. Shared by all lines.
pub trait TextToSpeech: Send + Sync {
    /// What it is.
    fn capabilities(&self) -> TtsCapabilities;

    /// Speaks `text`, clause by clause, the first as early as possible. Blocking. Returns early,
    /// with `Ok`, once the sink says [`ControlFlow::Break`].
    ///
    /// # Errors
    /// [`TtsError::TooLong`], [`TtsError::Engine`]. Chunks delivered before the error stand.
    fn speak(&self, text: &str, sink: &mut dyn SpeechSink) -> Result<(), TtsError>;
}

/// Takes synthesised speech.
pub trait SpeechSink {
    /// The next clause. [`ControlFlow::Break`] means that nobody wants the rest.
    fn chunk(&mut self, chunk: SpeechChunk<'_>) -> ControlFlow<()>;
}

/// One clause of synthesised speech, with the pause that follows it.
#[derive(Clone, Copy, Debug)]
pub struct SpeechChunk<'a> {
    /// Mono at `capabilities().sample_rate`.
    pub samples: &'a [i16],
    /// The words, in order. Sample positions count from the start of `samples`.
    pub words: &'a [WordSpan],
}

/// Where a word of the text lies in the audio.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WordSpan {
    /// Byte range in the text given to [`TextToSpeech::speak`], punctuation included.
    pub text: Range<usize>,
    /// Sample range in the chunk. Estimated from phoneme lengths where the engine does not say.
    pub samples: Range<usize>,
}

/// Why a voice did not speak.
#[derive(Debug, thiserror::Error)]
pub enum TtsError {
    /// More text than the engine takes at once.
    #[error("text of {got} bytes is longer than the voice's {max}")]
    TooLong {
        /// What was offered.
        got: usize,
        /// What is taken.
        max: usize,
    },
    /// The engine failed.
    #[error("voice: {0}")]
    Engine(String),
}
