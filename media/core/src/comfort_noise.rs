//! Comfort noise: what a silent line sounds like, and RFC 3389's description of it.

use arrayvec::ArrayVec;

use crate::SampleRate;

/// A description of background noise (RFC 3389 §3): its level, and optionally its spectrum.
#[derive(Clone, PartialEq, Debug)]
pub struct NoiseDescription {
    /// Level in dB below the overload point, 0 (loudest) to −127.
    pub level_dbov: i8,
    /// Reflection coefficients of an all-pole model of the spectrum. Empty means white.
    pub reflections: ArrayVec<f32, REFLECTIONS_MAX>,
}

impl NoiseDescription {
    /// White noise of a level.
    #[must_use]
    pub fn white(level_dbov: i8) -> Self {
        Self { level_dbov: level_dbov.min(0), reflections: ArrayVec::new() }
    }

    /// Reads a comfort-noise payload; `None` if it is empty. Coefficients beyond
    /// [`REFLECTIONS_MAX`] are ignored, as the RFC allows. Real-time safe.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let (&level, spectrum) = payload.split_first()?;
        // N = 255 is reserved; 0.99 keeps the model stable in 32 bits.
        let reflection = |&n: &u8| (258.0 * (f32::from(n) - 127.0) / 32_768.0).clamp(-0.99, 0.99);
        Some(Self {
            level_dbov: -((level & 0x7F) as i8),
            reflections: spectrum.iter().take(REFLECTIONS_MAX).map(reflection).collect(),
        })
    }

    /// Writes the level, which every receiver understands, as a payload of one byte.
    #[must_use]
    pub const fn to_payload(&self) -> [u8; 1] {
        [self.level_dbov.unsigned_abs()]
    }
}

/// Makes noise. Seeded, so that a run can be repeated. Real-time safe after `new`.
#[derive(Clone, Debug)]
pub struct ComfortNoise {
    rate: SampleRate,
    state: u64,
    backward: [f32; REFLECTIONS_MAX + 1],
}

impl ComfortNoise {
    /// A source of noise at `rate`.
    #[must_use]
    pub const fn new(rate: SampleRate, seed: u64) -> Self {
        Self { rate, state: seed | 1, backward: [0.0; REFLECTIONS_MAX + 1] }
    }

    /// The rate it was built for.
    #[must_use]
    pub const fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    /// Fills `out` with white noise of `level_dbov` (0 to −127).
    pub fn fill(&mut self, out: &mut [i16], level_dbov: i8) {
        let peak = rms(level_dbov) * UNIFORM_PEAK_PER_RMS;
        for sample in out {
            *sample = (self.uniform() * peak) as i16;
        }
    }

    /// Fills `out` with noise as described.
    pub fn fill_as(&mut self, out: &mut [i16], noise: &NoiseDescription) {
        if noise.reflections.is_empty() {
            return self.fill(out, noise.level_dbov);
        }
        // An all-pole model amplifies by the product of 1 / (1 - k²); the level is that of its
        // output.
        let damping: f32 = noise.reflections.iter().map(|k| 1.0 - k * k).product();
        let peak = rms(noise.level_dbov) * UNIFORM_PEAK_PER_RMS * damping.max(0.0).sqrt();
        for sample in out {
            let excitation = self.uniform() * peak;
            *sample = self.lattice(excitation, &noise.reflections) as i16;
        }
    }

    /// One step of the all-pole lattice with the polynomial 1 + Σ aᵢ z⁻ⁱ, a_m = k_m.
    fn lattice(&mut self, excitation: f32, reflections: &[f32]) -> f32 {
        let mut forward = excitation;
        for (m, &k) in reflections.iter().enumerate().rev() {
            forward -= k * self.backward[m];
            self.backward[m + 1] = k * forward + self.backward[m];
        }
        self.backward[0] = forward;
        forward
    }

    /// Uniform in −1 to 1 (xorshift64*).
    fn uniform(&mut self) -> f32 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let bits = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        bits as f32 / 8_388_608.0 - 1.0
    }
}

fn rms(level_dbov: i8) -> f32 {
    32_767.0 * 10f32.powf(f32::from(level_dbov.min(0)) / 20.0)
}

/// Spectrum coefficients that are used. RFC 3389 §3.2 recommends ten to twelve at 8 kHz.
pub const REFLECTIONS_MAX: usize = 12;

const UNIFORM_PEAK_PER_RMS: f32 = 1.732_050_8;
