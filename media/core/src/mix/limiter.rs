/// Keeps a sum below full scale by turning it down as a whole.
///
/// A frame that would overflow is turned down, over its first samples, to where its loudest sample
/// fits; later frames come back by [`RELEASE_PER_FRAME`]. Only samples before the end of that
/// first ramp can still be cut off.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limiter {
    gain: f32,
}

impl Limiter {
    /// Wide open.
    #[must_use]
    pub fn new() -> Self {
        Self { gain: 1.0 }
    }

    /// Writes the 16-bit version of `sum` to `out`. Both have the same length, else the shorter
    /// counts.
    pub fn limit(&mut self, sum: &[i32], out: &mut [i16]) {
        let peak = sum.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        let fits = FULL_SCALE / (peak as f32).max(FULL_SCALE);
        let (from, to) = (self.gain, fits.min(self.gain * RELEASE_PER_FRAME).min(1.0));
        self.gain = to;
        if from == 1.0 && to == 1.0 {
            for (out, sample) in out.iter_mut().zip(sum) {
                *out = saturated(*sample);
            }
            return;
        }
        let step = (to - from) / RAMP_SAMPLES as f32;
        for (n, (out, sample)) in out.iter_mut().zip(sum).enumerate() {
            let gain = if n < RAMP_SAMPLES { from + step * (n + 1) as f32 } else { to };
            // Casts from float saturate.
            *out = (*sample as f32 * gain).round() as i16;
        }
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

fn saturated(sample: i32) -> i16 {
    sample.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

const FULL_SCALE: f32 = 32_767.0;
/// 0.5 dB: a crowd that falls silent is as loud as before after half a second.
const RELEASE_PER_FRAME: f32 = 1.059;
/// 2 ms at 8 kHz: too short to be heard as a fade, too long to be heard as a click.
const RAMP_SAMPLES: usize = 16;
