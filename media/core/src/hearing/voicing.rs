use super::low_band::LowBand;
use crate::SampleRate;

/// Tells a voice from noise by its pitch: how well the sound below 900 Hz repeats itself within
/// 2.5 to 16 ms. On recordings of noise it stays below 0.5, vowels reach 0.7 to 1.
///
/// The network alone gives white noise at 18 dB below speech the same probability as a quiet
/// speaker, so an onset also wants some pitch.
pub(super) struct Voicing {
    band: LowBand,
    low: Vec<f32>,
}

impl Voicing {
    pub(super) fn new(rate: SampleRate) -> Self {
        Self { band: LowBand::new(rate), low: vec![0.0; WINDOW] }
    }

    pub(super) fn push(&mut self, heard: &[i16]) {
        self.band.push(heard, &mut self.low);
    }

    /// Periodicity of the last 48 ms, 0 to 1.
    pub(super) fn strength(&self) -> f32 {
        let energy: f32 = self.low.iter().map(|x| x * x).sum();
        if energy < ENERGY_MIN {
            return 0.0;
        }
        (LAG_MIN..LAG_MAX).map(|lag| self.repetition(lag)).fold(0.0, f32::max)
    }

    fn repetition(&self, lag: usize) -> f32 {
        let (late, early) = (&self.low[lag..], &self.low[..WINDOW - lag]);
        let (mut product, mut late_energy, mut early_energy) = (0.0, 0.0, 0.0);
        for (a, b) in late.iter().zip(early) {
            product += a * b;
            late_energy += a * a;
            early_energy += b * b;
        }
        product / (late_energy * early_energy).sqrt().max(1.0)
    }
}

/// Notices sound that repeats itself and never changes: a dial tone, a whistle. A voice moves by
/// more than that within half a second.
pub(super) struct Steadiness {
    /// Smoothed, so that the beats of a dual tone do not count as movement.
    smooth_dbov: f32,
    low_dbov: f32,
    high_dbov: f32,
    steady_ms: u32,
}

impl Steadiness {
    pub(super) fn new() -> Self {
        Self { smooth_dbov: 0.0, low_dbov: 0.0, high_dbov: 0.0, steady_ms: 0 }
    }

    /// Takes the next `ms` of sound; `true` while it is a tone.
    pub(super) fn is_tone(&mut self, level_dbov: f32, pitched: bool, ms: u32) -> bool {
        self.smooth_dbov += (level_dbov - self.smooth_dbov) * SMOOTHING;
        let low = self.low_dbov.min(self.smooth_dbov);
        let high = self.high_dbov.max(self.smooth_dbov);
        if !pitched || high - low > TONE_RANGE_DB {
            self.low_dbov = self.smooth_dbov;
            self.high_dbov = self.smooth_dbov;
            self.steady_ms = 0;
            return false;
        }
        self.low_dbov = low;
        self.high_dbov = high;
        self.steady_ms += ms;
        self.steady_ms >= TONE_MS
    }
}

/// Periodicity from which a sound has a pitch.
pub(super) const PITCHED: f32 = 0.65;
/// 48 ms at 2 kHz: three periods of the deepest voice.
const WINDOW: usize = 96;
/// 400 Hz and 62 Hz at 2 kHz.
const LAG_MIN: usize = 5;
const LAG_MAX: usize = 33;
/// -70 dBov over the window.
const ENERGY_MIN: f32 = 107.0 * WINDOW as f32;
const SMOOTHING: f32 = 0.3;
const TONE_RANGE_DB: f32 = 1.5;
const TONE_MS: u32 = 400;
