//! Sample rate conversion between 8, 16 and 48 kHz, by `rubato`'s windowed-sinc resampler.
//!
//! Flat to 0.85 of the lower Nyquist frequency (3.4 kHz on a phone line), aliases and images
//! more than 60 dB down beyond the transition, delay half the filter: 4 ms where one side is at
//! 8 kHz, 2 ms otherwise. Real-time safe once built.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::SampleRate;

/// A stream of audio on its way from one rate to another. Mono.
pub struct Resampler {
    from: SampleRate,
    to: SampleRate,
    /// `None` where nothing is to be converted.
    filter: Option<Filter>,
}

struct Filter {
    inner: Async<f32>,
    input: Vec<f32>,
    input_filled: usize,
    output: Vec<f32>,
    /// What the filter made beyond what was due. The library's position is a float, so that a
    /// chunk can yield a sample more or less; the caller always gets the exact number.
    spare: Vec<f32>,
    spare_filled: usize,
    /// `spare` at the start.
    spare_at_start: usize,
    /// Input samples of silence before the first, so that the delay is a whole number.
    lead_in: usize,
    chunk_out: usize,
}

impl Resampler {
    /// Takes all the memory that converting will need.
    #[must_use]
    pub fn new(from: SampleRate, to: SampleRate) -> Self {
        Self { from, to, filter: (from != to).then(|| Filter::new(from, to)) }
    }

    /// Rate of the audio that goes in.
    #[must_use]
    pub fn from_rate(&self) -> SampleRate {
        self.from
    }

    /// Rate of the audio that comes out.
    #[must_use]
    pub fn to_rate(&self) -> SampleRate {
        self.to
    }

    /// Converts `input` into `out` and returns how many samples were written. Works in steps of
    /// 10 ms: input in multiples of that, as every ptime is, yields exactly as much time as it
    /// was; a remainder waits for the next call. What `out` has no room for is lost.
    ///
    /// Real-time safe.
    pub fn process(&mut self, input: &[i16], out: &mut [i16]) -> usize {
        match &mut self.filter {
            Some(filter) => filter.process(input, out),
            None => {
                let count = input.len().min(out.len());
                out[..count].copy_from_slice(&input[..count]);
                count
            }
        }
    }

    /// How late the output is, in output samples.
    #[must_use]
    pub fn delay_samples(&self) -> usize {
        self.filter.as_ref().map_or(0, Filter::delay_samples)
    }

    /// Forgets what was heard.
    pub fn reset(&mut self) {
        if let Some(filter) = &mut self.filter {
            filter.inner.reset();
            filter.start();
        }
    }
}

/// Converts a whole recording, with the filter's delay taken off. Allocates.
#[must_use]
pub fn convert_all(samples: &[i16], from: SampleRate, to: SampleRate) -> Vec<i16> {
    let mut resampler = Resampler::new(from, to);
    let expected = samples.len() * to.hz() as usize / from.hz() as usize;
    let delay = resampler.delay_samples();
    let mut padded = samples.to_vec();
    let flush = (delay * from.hz() as usize).div_ceil(to.hz() as usize);
    let step = from.samples_in_ms(STEP_MS);
    padded.resize((samples.len() + flush).next_multiple_of(step), 0);
    let mut out = vec![0; padded.len() * to.hz() as usize / from.hz() as usize];
    let written = resampler.process(&padded, &mut out);
    out.truncate(written);
    out.drain(..delay.min(written));
    out.truncate(expected);
    out
}

impl Filter {
    fn new(from: SampleRate, to: SampleRate) -> Self {
        let chunk_in = from.samples_in_ms(STEP_MS);
        let chunk_out = to.samples_in_ms(STEP_MS);
        let ratio = f64::from(to.hz()) / f64::from(from.hz());
        // All ratios are whole numbers one way or the other, so one filter per output phase and
        // no interpolation between them is exact.
        let (up, down) =
            ((to.hz() / from.hz()).max(1) as usize, (from.hz() / to.hz()).max(1) as usize);
        let parameters =
            SincInterpolationParameters::new(TAPS_AT_LOWER_RATE * down, WindowFunction::Blackman)
                .f_cutoff(CUTOFF_OF_NYQUIST)
                .oversampling_factor(up)
                .interpolation(SincInterpolationType::Nearest);
        let inner = Async::new_sinc(ratio, 1.0, &parameters, chunk_in, 1, FixedAsync::Input)
            .expect("the three telephony rates are valid resampling ratios");
        let output = vec![0.0; inner.output_frames_max()];
        let spare_at_start = 2 * up + 1;
        let mut filter = Self {
            input: vec![0.0; chunk_in],
            input_filled: 0,
            spare: vec![0.0; output.len() + 2 * spare_at_start],
            output,
            spare_filled: 0,
            spare_at_start,
            lead_in: usize::from(down > 1),
            chunk_out,
            inner,
        };
        filter.start();
        filter
    }

    /// As if nothing was heard yet.
    fn start(&mut self) {
        self.input.fill(0.0);
        self.input_filled = self.lead_in;
        self.spare.fill(0.0);
        self.spare_filled = self.spare_at_start;
    }

    /// Measured with sines, exact to a hundredth of a sample: the library's own figure counts
    /// from the middle of its filter, and its first chunk is two input samples short.
    fn delay_samples(&self) -> usize {
        self.inner.output_delay() - 2 + self.lead_in + self.spare_at_start
    }

    fn process(&mut self, input: &[i16], out: &mut [i16]) -> usize {
        let mut written = 0;
        for &sample in input {
            self.input[self.input_filled] = f32::from(sample);
            self.input_filled += 1;
            if self.input_filled == self.input.len() {
                self.input_filled = 0;
                self.convert_chunk();
                written += self.take_due(&mut out[written..]);
            }
        }
        written
    }

    /// Appends one converted chunk to what is spare.
    fn convert_chunk(&mut self) {
        let (frames_in, frames_out) = (self.input.len(), self.output.len());
        let made = match (
            SequentialSlice::new(&self.input, 1, frames_in),
            SequentialSlice::new_mut(&mut self.output, 1, frames_out),
        ) {
            (Ok(from), Ok(mut to)) => self
                .inner
                .process_into_buffer(&from, &mut to, None)
                .map_or(0, |(_consumed, made)| made),
            _ => 0,
        };
        let room = self.spare.len() - self.spare_filled;
        let made = made.min(room);
        self.spare[self.spare_filled..self.spare_filled + made]
            .copy_from_slice(&self.output[..made]);
        self.spare_filled += made;
    }

    /// Moves exactly one chunk's worth to `out`, as far as it has room.
    fn take_due(&mut self, out: &mut [i16]) -> usize {
        let due = self.chunk_out.min(self.spare_filled);
        for (to, from) in out.iter_mut().zip(&self.spare[..due]) {
            *to = from.round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16;
        }
        self.spare.copy_within(due..self.spare_filled, 0);
        self.spare_filled -= due;
        due.min(out.len())
    }
}

/// Work is done in steps of this much audio: the greatest common divisor of all ptimes.
const STEP_MS: u32 = 10;
/// Filter length: the transition is then 0.17 of Nyquist wide, the delay 32 samples.
const TAPS_AT_LOWER_RATE: usize = 64;
/// Middle of the transition: 3.8 kHz at 8 kHz, so that 3.4 kHz is still untouched.
const CUTOFF_OF_NYQUIST: f32 = 0.95;
