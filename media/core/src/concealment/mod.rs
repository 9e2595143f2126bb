//! Packet loss concealment after ITU-T G.711 Appendix I: the last pitch period is repeated, then
//! two, then three; it fades to silence within 60 ms; the signal that comes back is blended in.
//!
//! One deviation: the standard delays everything by 3.75 ms, so that the beginning of a loss can
//! be blended too. Here a decaying offset joins the repetition to the last sample instead, so
//! that nothing is delayed and a stream without loss passes bit for bit.

mod pitch;

use crate::SampleRate;

/// Conceals losses in one stream. Real-time safe after `new`; without loss it costs one copy.
#[derive(Clone, Debug)]
pub struct Concealment {
    rate: SampleRate,
    /// The last 48.75 ms that were played.
    history: Box<[i16]>,
    /// The periods being repeated: the first `cycle_length` samples.
    cycle: Box<[i16]>,
    cycle_length: usize,
    at: usize,
    period: usize,
    /// Samples concealed since the last good one.
    concealed: usize,
    /// From the repetition to the last good sample, while it decays.
    offset: i32,
}

impl Concealment {
    /// Takes the memory for a stream at `rate`: under 2 KiB at 8 kHz, 4 KiB at 16 kHz.
    #[must_use]
    pub fn new(rate: SampleRate) -> Self {
        let history = tenths(rate, HISTORY_TENTH_MS);
        let cycle = PERIODS_MAX * tenths(rate, PERIOD_MAX_TENTH_MS);
        Self {
            rate,
            history: vec![0; history].into_boxed_slice(),
            cycle: vec![0; cycle].into_boxed_slice(),
            cycle_length: 0,
            at: 0,
            period: 0,
            concealed: 0,
            offset: 0,
        }
    }

    /// Takes a frame that arrived. The first frame after a loss is blended with the repetition;
    /// every other one is left as it is.
    pub fn good(&mut self, frame: &mut [i16]) {
        if self.concealed > 0 {
            self.blend_in(frame);
            self.concealed = 0;
        }
        self.remember(frame);
    }

    /// Fills `out` with what may have been lost.
    pub fn conceal(&mut self, out: &mut [i16]) {
        if self.concealed == 0 {
            self.begin();
        }
        self.repeat(out);
        self.remember(out);
    }

    /// The next good frame does not continue the last one: blend it in as after a loss.
    pub fn discontinuity(&mut self) {
        if self.concealed == 0 {
            self.begin();
            self.concealed = 1;
        }
    }

    /// Whether concealment has faded to silence.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.concealed >= tenths(self.rate, FADED_TENTH_MS)
    }

    fn begin(&mut self) {
        self.period = pitch::period(&self.history, self.rate);
        self.at = 0;
        self.take_periods(1);
        let last = self.history.len() - 1;
        self.offset = i32::from(self.history[last]) - i32::from(self.history[last - self.period]);
    }

    /// Makes the last `count` periods the cycle, its end blended into its beginning.
    fn take_periods(&mut self, count: usize) {
        let length = (count * self.period).min(self.cycle.len());
        let start = self.history.len() - length;
        let cycle = &mut self.cycle[..length];
        cycle.copy_from_slice(&self.history[start..]);
        let blend = self.period / 4;
        let before = &self.history[start - blend..start];
        for (i, (sample, &earlier)) in cycle[length - blend..].iter_mut().zip(before).enumerate() {
            *sample = mix(*sample, earlier, i + 1, blend);
        }
        self.cycle_length = length;
    }

    fn repeat(&mut self, out: &mut [i16]) {
        let step = tenths(self.rate, STEP_TENTH_MS);
        let faded = tenths(self.rate, FADED_TENTH_MS);
        let join = self.period / 4;
        for sample in out {
            if self.concealed >= faded || self.cycle_length == 0 {
                *sample = 0;
                self.concealed = faded;
                continue;
            }
            let mut value = i32::from(self.cycle[self.at]);
            if self.concealed < join {
                value += self.offset * (join - self.concealed) as i32 / join as i32;
            }
            if self.concealed > step {
                value = value * (faded - self.concealed) as i32 / (faded - step) as i32;
            }
            *sample = value.clamp(-32_768, 32_767) as i16;
            self.concealed += 1;
            self.at += 1;
            if self.at == self.cycle_length {
                self.at = 0;
            }
        }
    }

    fn blend_in(&mut self, frame: &mut [i16]) {
        if self.is_silent() {
            return;
        }
        let step = tenths(self.rate, STEP_TENTH_MS);
        let grown = tenths(self.rate, BLEND_TENTH_MS) * (1 + self.concealed / step);
        let length = grown.min(step).min(frame.len()).min(BLEND_SAMPLES_MAX);
        let mut going = [0; BLEND_SAMPLES_MAX];
        self.repeat(&mut going[..length]);
        for (i, (sample, &old)) in frame.iter_mut().zip(&going[..length]).enumerate() {
            *sample = mix(old, *sample, i + 1, length + 1);
        }
    }

    fn remember(&mut self, frame: &[i16]) {
        let length = self.history.len();
        if frame.len() >= length {
            self.history.copy_from_slice(&frame[frame.len() - length..]);
        } else {
            self.history.copy_within(frame.len().., 0);
            self.history[length - frame.len()..].copy_from_slice(frame);
        }
    }
}

/// From `a` to `b`, `i` of `of` on the way.
fn mix(a: i16, b: i16, i: usize, of: usize) -> i16 {
    let (i, of) = (i as i32, of.max(1) as i32);
    ((i32::from(a) * (of - i) + i32::from(b) * i) / of) as i16
}

/// Samples in tenths of a millisecond.
const fn tenths(rate: SampleRate, tenths_of_ms: usize) -> usize {
    rate.hz() as usize * tenths_of_ms / 10_000
}

// G.711 Appendix I: three periods of at most 15 ms, and a quarter of one to blend with (rounded
// up to a tenth of a millisecond).
const PERIODS_MAX: usize = 3;
const PERIOD_MAX_TENTH_MS: usize = 150;
const HISTORY_TENTH_MS: usize = 490;

// Full strength for 10 ms, then 20 % less every 10 ms.
const STEP_TENTH_MS: usize = 100;
const FADED_TENTH_MS: usize = 600;

// 4 ms, and 4 ms more for every 10 ms lost, up to 10 ms: 480 samples at 48 kHz.
const BLEND_TENTH_MS: usize = 40;
const BLEND_SAMPLES_MAX: usize = 480;
