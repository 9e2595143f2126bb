//! What no brain should have said: no panic, and what is accepted is itself again.

#[path = "../../../tests/fuzz/mutated.rs"]
mod mutated;

use mutated::mutated;

#[test]
fn mutated_messages_of_a_brain_panic_nowhere() {
    mutated("brain", brain_protocol::exercise_decoder);
}
