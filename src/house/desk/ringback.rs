//! What whoever puts the line through hears until the other one answers: that it rings there.

use core::f64::consts::TAU;
use std::sync::Arc;

use media_core::SampleRate;
use queue_governor::{Claim, ClaimId, Content, Source};
use sip_bridge::CallId;

/// As long as people let it ring.
const CADENCES: usize = 10;
/// Of North America: two seconds of both tones, four of nothing.
const ON_MS: usize = 2_000;
const OFF_MS: usize = 4_000;
const TONES_HZ: [f64; 2] = [440.0, 480.0];
/// Each at -19 dBm0, as an exchange sends it.
const AMPLITUDE: f64 = 2_500.0;
const RATE: SampleRate = SampleRate::Hz8000;

/// The name of the claim while the call `to` rings.
pub(super) fn claim_id(to: CallId) -> ClaimId {
    ClaimId::new(format!("ringback-{to}"))
}

/// The claim to let it be heard that `to` rings.
pub(super) fn claim(to: CallId) -> Claim {
    let content = Content::Audio {
        // Names the call: of two transfers each rings.
        label: format!("(it rings: {to})"),
        samples: tone(),
        rate: RATE,
    };
    Claim { content, ..Claim::text(claim_id(to).as_str(), Source::System, "") }
}

fn tone() -> Arc<[i16]> {
    let per_ms = RATE.hz() as usize / 1_000;
    let sample = |n: usize| {
        if n / per_ms % (ON_MS + OFF_MS) >= ON_MS {
            return 0;
        }
        let at = |hz: f64| (n as f64 * hz * TAU / f64::from(RATE.hz())).sin();
        (TONES_HZ.map(at).iter().sum::<f64>() * AMPLITUDE) as i16
    };
    (0..CADENCES * (ON_MS + OFF_MS) * per_ms).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rings_for_two_seconds_of_six_a_minute_long() {
        let Content::Audio { samples, .. } = claim(CallId(7)).content else { panic!("a sound") };
        assert_eq!(samples.len(), 60 * 8_000);
        let loudest = |from_ms: usize, to_ms: usize| {
            samples[from_ms * 8..to_ms * 8].iter().map(|sample| sample.abs()).max()
        };
        for cadence in 0..CADENCES {
            let began = cadence * (ON_MS + OFF_MS);
            let (on, off) = (loudest(began, began + ON_MS), loudest(began + ON_MS, began + 6_000));
            assert!(on > Some(4_500) && on <= Some(5_000), "{on:?}");
            assert_eq!(off, Some(0));
        }
    }
}
