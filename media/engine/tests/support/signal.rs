//! Signals, and how to know them again.

use std::f64::consts::TAU;

/// A sine of `hz` at `rate`, `samples` long.
pub fn tone(hz: f64, rate: u32, samples: usize, amplitude: f64) -> Vec<i16> {
    (0..samples)
        .map(|n| ((n as f64 * hz * TAU / f64::from(rate)).sin() * amplitude).round() as i16)
        .collect()
}

/// Noise that never repeats, shaped a little like speech in level. Deterministic.
pub fn noise(samples: usize, amplitude: f64, seed: u64) -> Vec<i16> {
    let mut state = seed | 1;
    let mut smooth = 0.0;
    (0..samples)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let white = (state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0;
            smooth = 0.6 * smooth + 0.4 * white;
            (smooth * amplitude).round() as i16
        })
        .collect()
}

/// Amplitude of the part of `samples` that is a sine of `hz`.
pub fn amplitude_at(samples: &[i16], hz: f64, rate: u32) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let phase = n as f64 * hz * TAU / f64::from(rate);
        re += f64::from(sample) * phase.cos();
        im += f64::from(sample) * phase.sin();
    }
    2.0 * re.hypot(im) / samples.len().max(1) as f64
}

pub fn rms(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|&s| f64::from(s).powi(2)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}

/// Pearson's correlation, and the signal-to-noise ratio in dB of `got` against `sent`.
pub fn fidelity(sent: &[i16], got: &[i16]) -> (f64, f64) {
    let (mut xx, mut yy, mut xy, mut ee) = (0.0, 0.0, 0.0, 0.0);
    for (&x, &y) in sent.iter().zip(got) {
        let (x, y) = (f64::from(x), f64::from(y));
        xx += x * x;
        yy += y * y;
        xy += x * y;
        ee += (x - y).powi(2);
    }
    (xy / (xx * yy).sqrt(), 10.0 * (xx / ee).log10())
}
