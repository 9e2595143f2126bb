//! The operator in the call: what the brain is told of it, and what the caller hears.

use brain_protocol::{LineMessage, Source};
use queue_governor::{Claim, RefusalReason, Source as Speaker};
use xenline::line::NotWhispered;

use crate::world::World;

#[test]
fn a_whisper_reaches_the_brain_and_the_caller_hears_nothing_of_it() {
    let mut world = World::answered();
    let whispered = world.conversation.whisper(world.now, "offer a call back".into());
    assert_eq!(whispered, Ok(()));
    world.settle();
    world.run(2_000);
    assert_eq!(world.told_of_the_operator(), ["whispered \"offer a call back\""]);
    assert!(world.wire.is_empty(), "not a sample left");
    let report = world.brain_says(Source::Worker, None, "I can call you back tomorrow.");
    world.run(200);
    let before = world.generation();
    assert_eq!(world.conversation.whisper(world.now, "say when".into()), Ok(()));
    world.settle();
    assert_eq!(world.generation(), before, "what is being said goes on");
    world.run(4_000);
    let (ending, _) = world.ending_of(&report).expect("it has ended");
    assert_eq!(ending, "spoken");
}

#[test]
fn a_whisper_that_nobody_hears_is_refused_with_the_reason() {
    let mut away = World::answered_without_a_brain();
    let whispered = away.conversation.whisper(away.now, "hello".into());
    assert_eq!(whispered, Err(NotWhispered::BrainAway));
    let mut world = World::answered();
    let nothing = world.conversation.whisper(world.now, "  ".into());
    assert_eq!(nothing, Err(NotWhispered::Refused(RefusalReason::Empty)));
    let long = world.conversation.whisper(world.now, "long ".repeat(1_000));
    assert!(matches!(long, Err(NotWhispered::Refused(RefusalReason::TextTooLong { .. }))));
    world.conversation.closed(world.now, "the caller hung up");
    let late = world.conversation.whisper(world.now, "hello".into());
    assert_eq!(late, Err(NotWhispered::Closed));
    world.settle();
    assert_eq!(world.told_of_the_operator(), [""; 0]);
}

#[test]
fn the_brain_is_told_once_who_has_the_floor_and_what_the_caller_heard_of_the_operator() {
    let mut world = World::answered();
    world.conversation.operator_takes(world.now);
    world.conversation.operator_takes(world.now);
    let words = Claim::text("op-1", Speaker::Operator, "I will look into that myself.");
    world.conversation.submit(world.now, words);
    world.settle();
    world.run(4_000);
    world.conversation.operator_releases(world.now);
    world.settle();
    let told = ["took", "said \"I will look into that myself.\"", "released"];
    assert_eq!(world.told_of_the_operator(), told);
}

#[test]
fn a_brain_that_comes_while_the_operator_speaks_is_told_so() {
    let mut world = World::answered();
    world.conversation.operator_takes(world.now);
    world.conversation.brain_down(world.now, "killed");
    world.conversation.brain_up(world.now, None);
    world.settle();
    assert_eq!(world.told_of_the_operator(), ["took", "took"]);
}

#[test]
fn a_brain_that_comes_back_is_told_what_the_operator_said_in_the_order_in_which_all_was_said() {
    let mut world = World::answered();
    world.conversation.brain_down(world.now, "killed");
    world.caller_says("is anybody there");
    world.conversation.operator_takes(world.now);
    let words = Claim::text("op-1", Speaker::Operator, "I am the operator.");
    world.conversation.submit(world.now, words);
    world.settle();
    world.run(4_000);
    world.conversation.operator_releases(world.now);
    world.caller_says("then what time is it");
    world.run(500);
    assert_eq!(world.told_of_the_operator(), [""; 0], "there is nobody to be told");
    for _ in 0..2 {
        world.told.clear();
        world.conversation.brain_up(world.now, None);
        world.settle();
        let words = world.told.iter().filter_map(|message| match message {
            LineMessage::OperatorSaid { text, .. } | LineMessage::CallerTurn { text, .. } => {
                Some(text.as_str())
            }
            _ => None,
        });
        let expected = ["is anybody there", "I am the operator.", "then what time is it"];
        assert_eq!(words.collect::<Vec<_>>(), expected);
        // The next one knows nothing of what this one was told.
        world.conversation.brain_down(world.now, "killed");
    }
}

#[test]
fn of_a_long_talk_of_the_operators_a_new_brain_is_told_the_end() {
    let mut world = World::answered();
    world.conversation.operator_takes(world.now);
    for n in 0..40 {
        let words = Claim::text(format!("op-{n}"), Speaker::Operator, format!("Number {n}."));
        world.conversation.submit(world.now, words);
        world.settle();
        world.run(3_000);
    }
    world.conversation.brain_down(world.now, "killed");
    world.told.clear();
    world.conversation.brain_up(world.now, None);
    world.settle();
    let told = world.told_of_the_operator();
    assert_eq!(told.len(), 17, "{told:?}");
    assert_eq!((told[0].as_str(), told[16].as_str()), ("took", "said \"Number 39.\""));
}
