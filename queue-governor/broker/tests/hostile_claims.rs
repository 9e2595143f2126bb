//! What no program should have handed in: no panic, and what is accepted is itself again.

#[path = "../../../tests/fuzz/mutated.rs"]
mod mutated;

use mutated::mutated;

#[test]
fn mutated_claims_panic_nowhere() {
    mutated("say", lane_broker::intake::exercise);
}
