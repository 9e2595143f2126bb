use core::f32::consts::PI;

use crate::SampleRate;

/// Brings a line's audio down to 2 kHz: low-pass at 900 Hz, every fourth or eighth sample, and
/// what lies below the voice taken off.
pub(super) struct LowBand {
    taps: Vec<f32>,
    history: Vec<f32>,
    /// Next place in `history`, which is written twice so that a window is always contiguous.
    at: usize,
    factor: usize,
    phase: usize,
    previous: f32,
    filtered: f32,
    block_samples: usize,
}

impl LowBand {
    pub(super) fn new(rate: SampleRate) -> Self {
        let factor = rate.hz() as usize / LOW_RATE_HZ;
        let length = TAPS_PER_PHASE * factor + 1;
        Self {
            taps: windowed_sinc(length, CUTOFF_HZ / rate.hz() as f32),
            history: vec![0.0; 2 * length],
            at: 0,
            factor,
            phase: 0,
            previous: 0.0,
            filtered: 0.0,
            block_samples: rate.samples_in_ms(10),
        }
    }

    /// Samples of 10 ms at the line's rate.
    pub(super) fn block_samples(&self) -> usize {
        self.block_samples
    }

    /// Shifts the band of `input` into `band`, newest last. Returns by how many samples.
    pub(super) fn push(&mut self, input: &[i16], band: &mut [f32]) -> usize {
        self.push_padded(input, (self.phase + input.len()) / self.factor, band)
    }

    /// As [`LowBand::push`], with silence added, or the rest left out, so that it becomes
    /// `count` samples.
    pub(super) fn push_padded(&mut self, input: &[i16], count: usize, band: &mut [f32]) -> usize {
        let count = count.min(band.len());
        band.copy_within(count.., 0);
        let begin = band.len() - count;
        let mut written = 0;
        let silence = core::iter::repeat(0i16);
        let mut samples = input.iter().copied().chain(silence);
        // Bounded: `factor` samples make one of the band.
        while written < count {
            if let Some(value) = self.next(samples.next().unwrap_or(0)) {
                band[begin + written] = value;
                written += 1;
            }
        }
        count
    }

    fn next(&mut self, sample: i16) -> Option<f32> {
        let length = self.taps.len();
        self.history[self.at] = f32::from(sample);
        self.history[self.at + length] = f32::from(sample);
        self.at = (self.at + 1) % length;
        self.phase += 1;
        if self.phase < self.factor {
            return None;
        }
        self.phase = 0;
        let window = &self.history[self.at..self.at + length];
        let low: f32 = window.iter().zip(&self.taps).map(|(a, b)| a * b).sum();
        self.filtered = low - self.previous + HIGH_PASS * self.filtered;
        self.previous = low;
        Some(self.filtered)
    }
}

fn windowed_sinc(length: usize, cutoff: f32) -> Vec<f32> {
    let middle = (length - 1) as f32 / 2.0;
    let mut taps: Vec<f32> = (0..length)
        .map(|n| {
            let x = n as f32 - middle;
            let sinc =
                if x == 0.0 { 2.0 * cutoff } else { (2.0 * PI * cutoff * x).sin() / (PI * x) };
            sinc * (0.5 + 0.5 * (PI * x / (middle + 1.0)).cos())
        })
        .collect();
    let sum: f32 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);
    taps
}

const LOW_RATE_HZ: usize = 2_000;
const CUTOFF_HZ: f32 = 900.0;
const TAPS_PER_PHASE: usize = 8;
/// First-order corner near 130 Hz at 2 kHz: mains hum and offset stay out.
const HIGH_PASS: f32 = 0.66;
