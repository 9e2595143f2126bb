//! The operator wins over all.

use std::time::Duration;

use media_core::Verdict;
use queue_governor::{Claim, Ending, FloorReason, Input, Source};

use crate::support::*;

fn operator(id: &str, text: &str) -> Claim {
    Claim::text(id, Source::Operator, text)
}

#[test]
fn taking_the_floor_silences_the_agent_within_one_ptime() {
    let mut world = World::new();
    world.submit(Claim { uninterruptible: true, ..report("w", &long_clause("w", 9)) });
    world.run(511);
    world.tell(Input::OperatorTake);
    let taken = world.now;
    world.run(1_000);
    assert!(*world.line.frames_of("w").last().unwrap() <= taken + Duration::from_millis(20));
    assert_eq!(world.holder(), None);
}

#[test]
fn handing_back_restores_the_state() {
    let mut world = World::new();
    world.submit(report("w", "The backup is done, it took four minutes."));
    world.submit(report("w2", "And another thing."));
    world.run(500);
    world.tell(Input::OperatorTake);
    world.submit(answer("r", "Yes."));
    world.submit(operator("op", "This is the operator."));
    world.run(3_000);
    world.caller_makes_a_sound(Verdict::Speech);
    world.tell(Input::CallerSilent);
    assert_eq!(world.granted(), ["w", "op"], "only operator claims meanwhile");
    world.tell(Input::OperatorRelease);
    world.run_until_quiet();
    assert_eq!(world.granted(), ["w", "op", "r", "w", "w2"]);
    let words = "The backup is done, it took four minutes.";
    assert_eq!(world.line.words_of("w").join(" "), words);
}

#[test]
fn an_operator_claim_is_heard_at_once_and_the_cut_one_goes_on() {
    let mut world = World::new();
    world.submit(Claim { uninterruptible: true, ..answer("r", &long_clause("r", 6)) });
    world.run(700);
    world.submit(operator("op", "Stop that."));
    assert_eq!(world.holder(), Some("op"));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["r", "op", "r"]);
    assert_eq!(world.line.words_of("r").join(" "), long_clause("r", 6));
}

#[test]
fn the_caller_does_not_stop_the_operator() {
    let mut world = World::new();
    world.submit(operator("op", "Please listen to me now."));
    world.run(300);
    world.caller_says_something(1);
    world.run_until_quiet();
    assert_eq!(world.ending_of("op"), Ending::Spoken);
    assert_eq!(world.granted(), ["op"]);
}

#[test]
fn taking_and_handing_back_are_told_once() {
    let mut world = World::new();
    for input in
        [Input::OperatorTake, Input::OperatorTake, Input::OperatorRelease, Input::OperatorRelease]
    {
        world.tell(input);
    }
    assert_eq!(world.reasons(), [&FloorReason::OperatorTook, &FloorReason::OperatorReleased]);
}
