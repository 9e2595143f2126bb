//! The operator wins over all.

use std::time::Duration;

use media_core::Verdict;
use queue_governor::{Briefing, Claim, Ending, FloorReason, Input, Output, Source, TurnId};

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
    // It would be dropped when the caller speaks, were the operator not there.
    world.submit(answer("r", "Yes.").answering(TurnId(1)));
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

fn briefings(world: &World) -> Vec<Briefing> {
    let briefings = world.outputs.iter().filter_map(|(_, output)| match output {
        Output::Brief(briefing) => Some(briefing.clone()),
        _ => None,
    });
    briefings.collect()
}

#[test]
fn a_whisper_reaches_the_brain_and_is_never_heard() {
    let mut world = World::new();
    world.submit(answer("a", &long_clause("a", 8)));
    world.run(500);
    world.tell(Input::OperatorWhisper("Offer him the refund.".to_owned()));
    assert_eq!(briefings(&world), [Briefing::Whisper("Offer him the refund.".to_owned())]);
    world.run_until_quiet();
    assert_eq!(world.granted(), ["a"]);
    assert_eq!(world.ending_of("a"), Ending::Spoken, "and disturbs nobody");
}

#[test]
fn a_blank_or_endless_whisper_is_refused_with_a_reason() {
    let mut world = World::new();
    world.tell(Input::OperatorWhisper(" ".to_owned()));
    world.tell(Input::OperatorWhisper("long ".repeat(1_000)));
    assert_eq!(briefings(&world), []);
    let refused = world.outputs.iter().filter(|(_, it)| matches!(it, Output::WhisperRefused(_)));
    assert_eq!(refused.count(), 2);
}

#[test]
fn the_brain_is_told_who_has_the_floor_and_what_the_operator_said() {
    let mut world = World::new();
    world.tell(Input::OperatorTake);
    world.submit(operator("op", "This is the operator."));
    world.run_until_quiet();
    world.tell(Input::OperatorRelease);
    let said = Briefing::OperatorSaid("This is the operator.".to_owned());
    assert_eq!(briefings(&world), [Briefing::OperatorTook, said, Briefing::OperatorReleased]);
}
