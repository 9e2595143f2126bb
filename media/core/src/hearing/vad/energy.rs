use super::NoiseFloor;
use crate::SampleRate;
use crate::level;
use crate::plugin::VoiceActivity;

/// Speech is what stands out of the noise. The fallback where the network is not wanted: it takes
/// any sudden sound for speech, and a steady one for noise after a few seconds.
pub struct EnergyVad {
    floor: NoiseFloor,
}

impl EnergyVad {
    /// A detector that assumes a quiet line.
    #[must_use]
    pub fn new() -> Self {
        Self { floor: NoiseFloor::new() }
    }
}

impl Default for EnergyVad {
    fn default() -> Self {
        Self::new()
    }
}

impl VoiceActivity for EnergyVad {
    fn sample_rate(&self) -> SampleRate {
        SampleRate::Hz16000
    }

    fn frame_samples(&self) -> usize {
        FRAME_SAMPLES
    }

    fn speech_probability(&mut self, frame: &[i16]) -> f32 {
        let level_dbov = level::dbov(frame);
        let above_db = level_dbov - self.floor.dbov().max(QUIETEST_FLOOR_DBOV);
        self.floor.push(level_dbov, above_db > EVEN_ODDS_DB, FRAME_MS);
        1.0 / (1.0 + (-(above_db - EVEN_ODDS_DB) / SLOPE_DB).exp())
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

const FRAME_SAMPLES: usize = 256;
const FRAME_MS: u32 = 16;
/// Even odds this far above the noise.
const EVEN_ODDS_DB: f32 = 10.0;
const SLOPE_DB: f32 = 1.5;
/// Below it nothing is noise, it is nothing; whispering must not count against silence.
const QUIETEST_FLOOR_DBOV: f32 = -62.0;
