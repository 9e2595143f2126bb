//! When delay and target have come apart for long enough that something must be done.

use core::ops::RangeInclusive;

/// Delay may be this much above its target before anything is corrected. A stream starts up to
/// 12 ms above it, as the ticks fall.
pub const BEYOND_TARGET_MS: u32 = 18;

/// Delay may be this much below its target before anything is corrected. The target allows for it.
pub const SHORT_OF_TARGET_MS: u32 = 8;

/// What the buffer would like done to the frame it gives out, so that delay meets its target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Play it as it is.
    None,
    /// Play it shorter.
    Shorten {
        /// By so many ticks, or what is possible.
        ticks: u32,
        /// Also if it is not silent, by a pitch period.
        firm: bool,
    },
    /// Play it longer.
    Lengthen {
        /// By so many ticks, or what is possible.
        ticks: u32,
        /// Also if it is not silent, by a pitch period.
        firm: bool,
    },
}

/// Follows the difference between delay and target. All times in clock ticks.
#[derive(Clone, Debug)]
pub(super) struct DelayControl {
    band_ticks: RangeInclusive<i64>,
    gross_ticks: i64,
    /// Delay minus target, smoothed, in 1/16 tick.
    excess_q4: Option<i64>,
    frames_beyond: u32,
}

impl DelayControl {
    pub(super) fn new(rate_hz: u32) -> Self {
        let ms = |n: u32| i64::from(n) * i64::from(rate_hz) / 1_000;
        Self {
            band_ticks: -ms(SHORT_OF_TARGET_MS)..=ms(BEYOND_TARGET_MS),
            gross_ticks: ms(GROSS_MS),
            excess_q4: None,
            frames_beyond: 0,
        }
    }

    /// Takes the excess delay of the frame about to be played; answers what to do about it.
    pub(super) fn on_frame(&mut self, excess: i64) -> Wish {
        let before = self.excess_q4.unwrap_or(excess * 16);
        let smoothed = before + (excess * 16 - before) / SMOOTHING;
        self.excess_q4 = Some(smoothed);
        let excess = smoothed / 16;
        if self.band_ticks.contains(&excess) {
            self.frames_beyond = 0;
            return Wish::None;
        }
        self.frames_beyond = self.frames_beyond.saturating_add(1);
        let firm = self.frames_beyond > FRAMES_PATIENT || excess > self.gross_ticks;
        let ticks = excess.unsigned_abs().min(u64::from(u32::MAX)) as u32;
        if excess > 0 { Wish::Shorten { ticks, firm } } else { Wish::Lengthen { ticks, firm } }
    }

    /// The caller played `ticks` more than the frame had, or fewer.
    pub(super) fn on_stretched(&mut self, ticks: i64) {
        self.excess_q4 = self.excess_q4.map(|e| e + ticks * 16);
        // The next voiced frame waits a little, so that stretching stays inaudible.
        self.frames_beyond = self.frames_beyond.min(FRAMES_PATIENT).saturating_sub(FRAMES_BETWEEN);
    }

    /// The timeline jumped.
    pub(super) fn reset(&mut self) {
        self.excess_q4 = None;
        self.frames_beyond = 0;
    }
}

// A time constant of 16 frames: a third of a second at 20 ms.
const SMOOTHING: i64 = 16;

// Half a second at 20 ms. Most speech has a silent frame within it; drift of 500 ppm moves the
// delay by a quarter of a millisecond meanwhile.
const FRAMES_PATIENT: u32 = 25;
const FRAMES_BETWEEN: u32 = 3;

// Delay so far beyond its target is felt in the conversation: correct it at once.
const GROSS_MS: u32 = 60;
