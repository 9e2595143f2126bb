use std::collections::VecDeque;

use crate::MonoTime;

/// Recent sound at the recogniser's rate, by absolute position. Positions count samples since
/// the line was opened; a u64 of them never wraps.
pub(super) struct Sound {
    samples: VecDeque<i16>,
    /// Position of the first sample kept.
    first: u64,
    /// When the newest sample arrived.
    newest_at: MonoTime,
    /// How many samples the resampler is late.
    delay: u64,
}

impl Sound {
    pub(super) fn new(delay_samples: usize) -> Self {
        Self {
            samples: VecDeque::new(),
            first: 0,
            newest_at: MonoTime::ZERO,
            delay: delay_samples as u64,
        }
    }

    pub(super) fn push(&mut self, at: MonoTime, samples: &[i16]) {
        self.samples.extend(samples);
        self.newest_at = at;
    }

    /// Position after the newest sample.
    pub(super) fn end(&self) -> u64 {
        self.first + self.samples.len() as u64
    }

    /// Position of the oldest sample that is kept.
    pub(super) fn start(&self) -> u64 {
        self.first
    }

    /// When the sample at `position` arrived.
    pub(super) fn arrival(&self, position: u64) -> MonoTime {
        let age = self.end().saturating_sub(position) + self.delay;
        let micros = age * 1_000_000 / RATE_HZ;
        MonoTime::from_micros(self.newest_at.as_micros().saturating_sub(micros))
    }

    /// The sound from `from` to `to`, as far as it is kept.
    pub(super) fn cut(&self, from: u64, to: u64) -> Vec<i16> {
        let begin = from.saturating_sub(self.first).min(self.samples.len() as u64) as usize;
        let end = to.saturating_sub(self.first).min(self.samples.len() as u64) as usize;
        self.samples.range(begin..end.max(begin)).copied().collect()
    }

    /// Lets go of what lies before `position`, and of the memory if it was much.
    pub(super) fn forget_before(&mut self, position: u64) {
        let count = position.saturating_sub(self.first).min(self.samples.len() as u64);
        self.samples.drain(..count as usize);
        self.first += count;
        if self.samples.capacity() > SHRINK_ABOVE && self.samples.len() < SHRINK_ABOVE / 4 {
            self.samples.shrink_to(SHRINK_ABOVE / 4);
        }
    }
}

pub(super) const RATE_HZ: u64 = 16_000;
pub(super) const SAMPLES_PER_MS: u64 = RATE_HZ / 1_000;
/// A line in silence keeps half a second; what a long utterance needed is given back.
const SHRINK_ABOVE: usize = 64 * 1_024;
