use core::ops::Range;

/// The delay at which the sent signal explains the heard one best.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Match {
    /// Delay, in samples.
    pub(super) lag: usize,
    /// Share of the heard power that is explained, 0 to 1.
    pub(super) coherence: f32,
    /// Factor from sent to heard.
    pub(super) gain: f32,
}

/// Searches `lags` for the best explanation of the last `window` samples of `heard`.
///
/// `sent`: ends at the same instant as `heard`, and reaches back `window` samples further than
/// the largest lag. `prefix`: scratch, one longer than `sent`. Squared normalised correlation, so
/// the coherence is the R² of a regression through the origin.
pub(super) fn best_match(
    heard: &[f32],
    sent: &[f32],
    window: usize,
    lags: Range<usize>,
    prefix: &mut [f64],
) -> Option<Match> {
    let window = window.min(heard.len());
    let heard = &heard[heard.len() - window..];
    let heard_energy: f32 = heard.iter().map(|x| x * x).sum();
    if heard_energy < ENERGY_MIN * window as f32 {
        return None;
    }
    let needed = lags.end + window;
    let offset = sent.len().checked_sub(needed)?;
    let mut sum = 0.0;
    prefix[offset] = 0.0;
    for index in offset..sent.len() {
        sum += f64::from(sent[index] * sent[index]);
        prefix[index + 1] = sum;
    }
    let mut best: Option<Match> = None;
    for lag in lags {
        let end = sent.len() - lag;
        let sent_energy = (prefix[end] - prefix[end - window]) as f32;
        if sent_energy < ENERGY_MIN * window as f32 {
            continue;
        }
        let product = dot(heard, &sent[end - window..end]);
        let coherence = product * product / (heard_energy * sent_energy);
        if best.is_none_or(|b| coherence > b.coherence) {
            best = Some(Match { lag, coherence, gain: product.abs() / sent_energy });
        }
    }
    best
}

/// In eight strands, which the compiler turns into vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut strands = [0.0f32; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for ((strand, x), y) in strands.iter_mut().zip(x).zip(y) {
            *strand += x * y;
        }
    }
    strands.iter().sum::<f32>() + rest
}

/// Power per sample, of 32768², below which there is nothing to explain: -75 dBov.
const ENERGY_MIN: f32 = 34.0;
