use crate::SampleRate;

/// How an [`Ear`](super::Ear) listens. Times in milliseconds.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct EarConfig {
    /// Rate of the audio that is heard and sent: the line's rate, 8 or 16 kHz.
    pub sample_rate: SampleRate,
    /// Speech-like sound that makes an onset.
    pub onset_ms: u32,
    /// Within this time an onset gets its verdict. At most 500.
    pub decide_ms: u32,
    /// Silence after which the detector says that speech has stopped, and the open utterance is
    /// decoded.
    pub vad_off_ms: u32,
    /// Silence that ends an utterance which is complete in itself.
    pub complete_ms: u32,
    /// Silence that ends any other utterance.
    pub incomplete_ms: u32,
    /// Silence that ends a string of digits: people pause between groups.
    pub digits_ms: u32,
    /// Longest silence that is waited through, also for an engine that does not answer.
    pub silence_cap_ms: u32,
    /// Longest utterance that the engine takes.
    pub utterance_ms_max: u32,
    /// Sound kept from before an onset, so that the first word is whole.
    pub preroll_ms: u32,
    /// Probability at which a frame starts to count as speech.
    pub on_probability: f32,
    /// Probability below which a frame ceases to.
    pub off_probability: f32,
    /// An utterance that the recogniser is less sure of than this, 0 to 1, was not understood. The
    /// built-in one: wrong text from unknown speech up to 0.74, right text from 0.79.
    pub confidence_min: f32,
    /// Whether a backchannel ("mm-hm") during our own speech is reported as a final, too. Usually
    /// the verdict says enough, and nobody should answer it.
    pub report_backchannels: bool,
    /// Whether each step leaves a note of what it decided on
    /// ([`Ear::take_note`](super::Ear::take_note)).
    pub traced: bool,
}

impl EarConfig {
    /// What suits short turns on the phone, at the line's rate.
    #[must_use]
    pub fn new(sample_rate: SampleRate) -> Self {
        Self {
            sample_rate,
            onset_ms: 64,
            decide_ms: 500,
            vad_off_ms: 180,
            complete_ms: 260,
            incomplete_ms: 600,
            digits_ms: 1_100,
            silence_cap_ms: 3_000,
            utterance_ms_max: 8_000,
            preroll_ms: 300,
            on_probability: 0.5,
            off_probability: 0.35,
            confidence_min: 0.7,
            report_backchannels: false,
            traced: false,
        }
    }
}

impl Default for EarConfig {
    fn default() -> Self {
        Self::new(SampleRate::Hz8000)
    }
}
