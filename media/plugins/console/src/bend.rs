//! A resampler between any device's rate and the line's, whose ratio can be bent while it runs.

use media_core::SampleRate;
use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::drift::RATIO_MAX;

/// Converts in one direction. Real-time safe once built.
pub(crate) struct Bend {
    inner: Async<f32>,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl Bend {
    /// From a device: steps of 10 ms come out.
    pub fn inward(device_hz: u32, line: SampleRate) -> Self {
        Self::new(device_hz, line.hz(), line.samples_in_ms(STEP_MS), FixedAsync::Output)
    }

    /// To a device: steps of 10 ms go in.
    pub fn outward(line: SampleRate, device_hz: u32) -> Self {
        Self::new(line.hz(), device_hz, line.samples_in_ms(STEP_MS), FixedAsync::Input)
    }

    fn new(from_hz: u32, to_hz: u32, step: usize, fixed: FixedAsync) -> Self {
        let ratio = f64::from(to_hz) / f64::from(from_hz);
        // Where the rate falls, the filter must reach over more of the input to be as steep.
        let taps = (TAPS as f64 * (1.0 / ratio).max(1.0)).ceil() as usize;
        let parameters =
            SincInterpolationParameters::new(taps.next_multiple_of(8), WindowFunction::Blackman)
                .f_cutoff(CUTOFF_OF_NYQUIST)
                .oversampling_factor(OVERSAMPLING)
                .interpolation(SincInterpolationType::Linear);
        let inner = Async::new_sinc(ratio, RATIO_MAX, &parameters, step, 1, fixed)
            .expect("two positive rates make a ratio");
        let (input, output) =
            (vec![0.0; inner.input_frames_max()], vec![0.0; inner.output_frames_max()]);
        Self { inner, input, output }
    }

    /// How many samples the next step takes.
    pub fn wants(&self) -> usize {
        self.inner.input_frames_next()
    }

    /// Yields `ratio` times as much as by the rates. What is beyond reason changes nothing.
    pub fn set(&mut self, ratio: f64) {
        let _ = self.inner.set_resample_ratio_relative(ratio, true);
    }

    /// Converts a step: the [`Bend::wants`] samples of `input`, silence where there are fewer.
    pub fn step(&mut self, input: impl Iterator<Item = i16>) -> &[f32] {
        let wanted = self.wants().min(self.input.len());
        let samples = input.map(f32::from).chain(std::iter::repeat(0.0));
        for (slot, sample) in self.input[..wanted].iter_mut().zip(samples) {
            *slot = sample;
        }
        let (frames_in, frames_out) = (self.input.len(), self.output.len());
        let made = match (
            SequentialSlice::new(&self.input, 1, frames_in),
            SequentialSlice::new_mut(&mut self.output, 1, frames_out),
        ) {
            (Ok(from), Ok(mut to)) => self
                .inner
                .process_into_buffer(&from, &mut to, None)
                .map_or(0, |(_taken, made)| made),
            _ => 0,
        };
        &self.output[..made]
    }
}

/// As 16 bits.
pub(crate) fn rounded(sample: f32) -> i16 {
    // Casts from float saturate.
    sample.round() as i16
}

/// What a line's steps last; every ptime is a multiple.
pub(crate) const STEP_MS: u32 = 10;
/// Half of them is the delay: under a millisecond at 48 kHz.
const TAPS: usize = 64;
const CUTOFF_OF_NYQUIST: f32 = 0.95;
/// With linear interpolation between so many phases, images lie 80 dB down.
const OVERSAMPLING: usize = 128;
