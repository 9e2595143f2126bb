use earshot::Detector;

use crate::SampleRate;
use crate::plugin::VoiceActivity;

/// The network of the crate `earshot`, 75 KiB of weights inside the binary, 8 KiB of state.
///
/// 16 kHz, 16 ms frames; each probability looks at the last 48 ms.
pub struct EarshotVad {
    detector: Box<Detector>,
}

impl EarshotVad {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { detector: Detector::default_boxed() }
    }
}

impl Default for EarshotVad {
    fn default() -> Self {
        Self::new()
    }
}

impl VoiceActivity for EarshotVad {
    fn sample_rate(&self) -> SampleRate {
        SampleRate::Hz16000
    }

    fn frame_samples(&self) -> usize {
        FRAME_SAMPLES
    }

    fn speech_probability(&mut self, frame: &[i16]) -> f32 {
        if frame.len() != FRAME_SAMPLES {
            return 0.0;
        }
        self.detector.predict_i16(frame).clamp(0.0, 1.0)
    }

    fn reset(&mut self) {
        self.detector.reset();
    }
}

const FRAME_SAMPLES: usize = 256;
