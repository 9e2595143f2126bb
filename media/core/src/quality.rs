//! Estimated voice quality of a G.711 call with concealment: the E-model (ITU-T G.107),
//! simplified to delay and loss. Never a listened score.

/// An estimate of how a call sounds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Quality {
    /// The E-model's rating factor, 0 to 93.2.
    pub r: f32,
    /// Mean opinion score, 1 to 4.5, estimated from [`Quality::r`] (G.107 Annex B).
    pub mos: f32,
}

/// Estimates quality from the one-way delay, in milliseconds from mouth to ear, and the loss that
/// concealment had to cover, in percent.
///
/// `R = 93.2 − (0.024·d + 0.11·max(0, d − 177.3)) − 95·L / (L + 25.1)`. 150 ms with 0, 1 and 3 %
/// loss give MOS 4.33, 4.23 and 4.00.
#[must_use]
pub fn estimate_mos(one_way_ms: f32, loss_percent: f32) -> Quality {
    let d = finite(one_way_ms, DELAY_MS_MAX);
    let loss = finite(loss_percent, 100.0);
    let delay_impairment = 0.024 * d + 0.11 * (d - 177.3).max(0.0);
    let loss_impairment = 95.0 * loss / (loss + 25.1);
    let r = (93.2 - delay_impairment - loss_impairment).clamp(0.0, 100.0);
    let mos = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
    Quality { r, mos: mos.clamp(1.0, 4.5) }
}

fn finite(value: f32, max: f32) -> f32 {
    if value.is_nan() { max } else { value.clamp(0.0, max) }
}

// Beyond ten seconds R is zero anyway.
const DELAY_MS_MAX: f32 = 10_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_points_of_the_model_are_met() {
        for (delay, loss, mos) in [(150.0, 0.0, 4.33), (150.0, 1.0, 4.23), (150.0, 3.0, 4.00)] {
            let got = estimate_mos(delay, loss).mos;
            assert!((got - mos).abs() < 0.01, "{delay} ms, {loss} %: {got}, not {mos}");
        }
    }

    #[test]
    fn nonsense_gives_the_worst_score_and_no_panic() {
        for (delay, loss) in [(f32::NAN, 0.0), (0.0, f32::NAN), (1e30, 1e30)] {
            let quality = estimate_mos(delay, loss);
            assert!((1.0..=4.5).contains(&quality.mos), "{quality:?}");
        }
        assert_eq!(estimate_mos(-5.0, -1.0), estimate_mos(0.0, 0.0));
    }
}
