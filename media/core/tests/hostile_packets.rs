//! Packets that nobody should have sent: no panic, and what is accepted is itself again.

#[path = "../../../tests/fuzz/mutated.rs"]
mod mutated;

use media_core::{jitter, rtp};
use mutated::mutated;

#[test]
fn mutated_rtp_rtcp_srtp_and_key_presses_panic_nowhere() {
    mutated("rtp", rtp::exercise_rtp);
    mutated("rtcp", rtp::exercise_rtcp);
    mutated("srtp", rtp::srtp::exercise_srtp);
    mutated("dtmf", rtp::exercise_dtmf);
    mutated("jitter", jitter::exercise);
}
