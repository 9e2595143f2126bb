//! Finds the pitch period at the end of a signal (G.711 Appendix I, §I.2.2).

use super::{PERIOD_MAX_TENTH_MS, tenths};
use crate::SampleRate;

/// The period, in samples, 5 to 15 ms, at which the last 20 ms of `history` repeat themselves
/// best. Searched at 4 kHz, then refined. Some 4,000 multiplications at 8 kHz.
pub(super) fn period(history: &[i16], rate: SampleRate) -> usize {
    let window = tenths(rate, WINDOW_TENTH_MS);
    let (shortest, longest) =
        (tenths(rate, PERIOD_MIN_TENTH_MS), tenths(rate, PERIOD_MAX_TENTH_MS));
    let coarse = (rate.hz() / SEARCH_HZ) as usize;
    let best = best_lag(history, window, (shortest..=longest).step_by(coarse), coarse);
    let fine = best.saturating_sub(coarse - 1).max(shortest)..=(best + coarse - 1).min(longest);
    best_lag(history, window, fine, coarse.div_ceil(2))
}

/// The lag with the highest normalised correlation; the first one if nothing correlates.
fn best_lag(
    history: &[i16],
    window: usize,
    mut lags: impl Iterator<Item = usize>,
    stride: usize,
) -> usize {
    let recent = &history[history.len() - window..];
    let score = |lag: usize| {
        let start = history.len() - window - lag;
        let earlier = &history[start..start + window];
        let (mut correlation, mut energy) = (0i64, 0i64);
        for (&a, &b) in recent.iter().zip(earlier).step_by(stride) {
            correlation += i64::from(a) * i64::from(b);
            energy += i64::from(b) * i64::from(b);
        }
        correlation as f32 / (energy.max(ENERGY_MIN) as f32).sqrt()
    };
    let first = lags.next().unwrap_or(1);
    let mut best = (score(first), first);
    for lag in lags {
        let score = score(lag);
        if score > best.0 {
            best = (score, lag);
        }
    }
    best.1
}

const WINDOW_TENTH_MS: usize = 200;
const PERIOD_MIN_TENTH_MS: usize = 50;
const SEARCH_HZ: u32 = 4_000;

// Near silence every lag is as good as another.
const ENERGY_MIN: i64 = 10_000;
