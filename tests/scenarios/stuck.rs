//! What others wait for for ever: a tool, a caller, a voice, themselves. Further complaints, see the
//! table in `tests/scenarios.rs`.

use std::time::Duration;

use brain_protocol::{BrainMessage, JobId, LineMessage, Source};
use media_core::Verdict;
use media_engine::LineEvent;
use sip_bridge::HangupReason;

use crate::world::{LINE, World};

const REPORT: &str = "The backup is done. It took four minutes. Nothing went wrong with it.";
const MINUTE_MS: u64 = 60_000;

fn ending(world: &World, claim: &str) -> String {
    world.ending_of(claim).unwrap_or_else(|| panic!("{claim} has no ending")).0
}

fn starts_a_job(world: &mut World) {
    let (line, label) = (brain_protocol::LineId(LINE), "backup".to_owned());
    let job = JobId::new("j-1").expect("a short name");
    world.brain(BrainMessage::JobStarted { line, job, label });
}

fn vanishes(world: &mut World) {
    world.media(LineEvent::MediaTimeout { at: world.now });
}

/// A tool call never comes back, and everything after it waits.
#[test]
fn a_tool_call_that_never_comes_back_holds_nothing_up() {
    let mut world = World::answered();
    world.caller_says("run the backup");
    starts_a_job(&mut world);
    let started = world.brain_says(Source::Responder, Some(1), "Okay, I am starting it.");
    world.pass_until(world.now + Duration::from_millis(10 * MINUTE_MS));
    let silent = world.wire.len();
    world.caller_says("what time is it");
    let answer = world.brain_says(Source::Responder, Some(2), "It is noon.");
    world.run(3_000);
    assert_eq!(
        (ending(&world, &started), ending(&world, &answer)),
        ("spoken".into(), "spoken".into())
    );
    assert!(world.wire.len() > silent, "the answer was heard");
    // It comes back after all, when something else is talked about.
    world.caller_says("tell me a joke");
    let late = world.brain_says(Source::Worker, Some(1), REPORT);
    world.conversation.closed(world.now, "the caller hung up");
    world.settle();
    assert!(world.ending_of(&late).is_some(), "no claim outlives the call");
    assert!(matches!(world.told.last(), Some(LineMessage::LineClosed { .. })));
}

/// A call whose caller has gone stays open, because the agent is busy with itself.
#[test]
fn a_caller_who_vanished_is_hung_up_while_the_agent_speaks() {
    let mut world = World::answered();
    world.brain_says(Source::Worker, None, REPORT);
    world.run(1_000);
    assert!(world.is_speaking());
    vanishes(&mut world);
    assert_eq!(world.hung_up, Some((world.now, HangupReason::MediaTimeout)));
}

/// The same, where neither brain nor voice could say so.
#[test]
fn a_caller_who_vanished_is_hung_up_whatever_else_is_stuck() {
    let mut world = World::answered_without_a_brain();
    world.voice_hangs = true;
    world.run(2_000);
    vanishes(&mut world);
    assert_eq!(world.hung_up, Some((world.now, HangupReason::MediaTimeout)));
}

/// Sessions go deaf, dumb or slow after so many minutes.
#[test]
fn after_an_hour_it_answers_as_in_the_first_minute() {
    let mut world = World::answered();
    let mut first_ms = None;
    for turn in 1..=60 {
        world.caller_says(&format!("question {turn}"));
        let (asked, packets) = (world.now, world.wire.len());
        let answer = format!("This is the answer to question number {turn}, at some length.");
        let answer = world.brain_says(Source::Responder, Some(turn), &answer);
        let interrupted = turn % 3 == 0;
        world.run(if interrupted { 1_000 } else { 8_000 });
        let began = world.wire.get(packets).expect("it is heard").0;
        let waited_ms = began.since(asked).as_millis();
        assert_eq!(*first_ms.get_or_insert(waited_ms), waited_ms, "turn {turn}");
        if interrupted {
            world.caller_begins();
            world.run(200);
            world.caller_is(Verdict::Noise);
            world.run(9_000);
        }
        assert_eq!(ending(&world, &answer), "spoken", "turn {turn}");
        world.run(MINUTE_MS - 15_000);
    }
    assert_eq!(world.turns_told().len(), 60);
}

/// An interruption that comes in two pieces is taken for the first of them only.
#[test]
fn a_cough_before_the_interruption_does_not_swallow_it() {
    let mut world = World::answered();
    let report = world.brain_says(Source::Worker, None, REPORT);
    world.run(800);
    world.caller_begins();
    world.run(200);
    world.caller_is(Verdict::Noise);
    world.run(40);
    world.caller_begins();
    let onset = world.now;
    world.run(200);
    world.caller_is(Verdict::Speech);
    world.run(2_000);
    assert_eq!(ending(&world, &report), "interrupted");
    assert_eq!(world.wire.iter().filter(|(at, _)| *at > onset).count(), 0);
    world.caller_ends("stop");
    assert_eq!(world.turns_told(), [("stop".to_owned(), false)]);
}

/// What the caller says into the pick-up is gone, because the session was not ready yet.
#[test]
fn what_the_caller_says_before_the_call_is_acknowledged_reaches_the_brain() {
    let mut world = World::before_the_answer();
    world.caller_says("good morning");
    world.conversation.established(world.now, true);
    world.settle();
    world.run(1_000);
    assert_eq!(world.turns_told(), [("good morning".to_owned(), false)]);
    assert!(world.wire.is_empty(), "nobody was away");
}
