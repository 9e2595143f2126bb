use crate::SampleRate;

/// What a recogniser is.
#[derive(Clone, PartialEq, Debug)]
pub struct SttCapabilities {
    /// Engine and model, for people: `whisper xenline-tiny-en`.
    pub name: String,
    /// Rate of the audio it is fed.
    pub sample_rate: SampleRate,
    /// Longest utterance, in milliseconds, that it takes in one piece.
    pub utterance_ms_max: u32,
    /// Whether `decode` gets cheaper when most of the audio was decoded before.
    pub incremental: bool,
}

/// A recogniser with its model loaded. Shared by all lines.
pub trait SpeechToText: Send + Sync {
    /// What it is.
    fn capabilities(&self) -> SttCapabilities;

    /// Takes the memory for one line's decodes. Reused for every utterance of that line.
    ///
    /// # Errors
    /// [`SttError::OutOfMemory`], [`SttError::Engine`].
    fn open(&self) -> Result<Box<dyn SttStream>, SttError>;
}

/// One line's recogniser state.
pub trait SttStream: Send {
    /// Decodes one utterance, from its beginning to as far as it has come. Blocking. Calling it
    /// again with the utterance grown is how a batch engine gives partials.
    ///
    /// `samples`: mono at `capabilities().sample_rate`, at most `utterance_ms_max` long.
    ///
    /// # Errors
    /// [`SttError::TooLong`], [`SttError::Engine`].
    fn decode(&mut self, samples: &[i16]) -> Result<Transcript, SttError>;
}

/// What was understood.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Transcript {
    /// Plain text, trimmed. Empty when nothing was said, or when what came out is a known
    /// hallucination.
    pub text: String,
    /// Mean probability of the tokens, 0 to 1, where the engine knows it.
    pub confidence: Option<f32>,
}

/// Why a recogniser did not answer.
#[derive(Debug, thiserror::Error)]
pub enum SttError {
    /// More audio than the engine takes at once.
    #[error("utterance of {got_ms} ms is longer than the engine's {max_ms} ms")]
    TooLong {
        /// What was offered.
        got_ms: u32,
        /// What is taken.
        max_ms: u32,
    },
    /// No memory for another line.
    #[error("no memory for another recogniser state")]
    OutOfMemory,
    /// The engine failed.
    #[error("recogniser: {0}")]
    Engine(String),
}

/// A voice activity detector. Stateful, one per leg.
pub trait VoiceActivity: Send {
    /// Rate of the audio it is fed.
    fn sample_rate(&self) -> SampleRate;

    /// Samples per call of [`VoiceActivity::speech_probability`].
    fn frame_samples(&self) -> usize;

    /// Probability, 0 to 1, that this frame is speech. Real-time safe.
    ///
    /// `frame`: mono, exactly [`VoiceActivity::frame_samples`] long.
    fn speech_probability(&mut self, frame: &[i16]) -> f32;

    /// Forgets what was heard.
    fn reset(&mut self);
}
