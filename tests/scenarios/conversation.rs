use brain_protocol::{BrainMessage, LineMessage, Source};
use media_core::Verdict;

use crate::world::{LINE, World};

const REPORT: &str = "The backup is done. It took four minutes. Nothing went wrong with it.";

#[test]
fn a_question_is_answered_and_the_answer_is_heard_to_its_end() {
    let mut world = World::answered();
    world.caller_says("what time is it");
    let answer = world.brain_says(Source::Responder, Some(1), "It is ten past nine.");
    world.run(3_000);
    assert_eq!(world.turns_told(), [("what time is it".to_owned(), false)]);
    let ending = world.ending_of(&answer).expect("it has ended");
    assert_eq!(ending, ("spoken".to_owned(), "It is ten past nine.".to_owned()));
}

#[test]
fn stop_silences_the_report_and_the_brain_knows_what_was_heard() {
    let mut world = World::answered();
    let report = world.brain_says(Source::Worker, None, REPORT);
    world.run(2_000);
    assert!(world.is_speaking());
    world.caller_begins();
    assert!(!world.is_speaking(), "it pauses at the sample");
    world.run(300);
    world.caller_is(Verdict::Speech);
    world.run(300);
    world.caller_ends("stop");
    let (ending, heard) = world.ending_of(&report).expect("it has ended");
    assert_eq!(ending, "interrupted");
    assert!(
        REPORT.starts_with(&heard) && !heard.is_empty() && heard.len() < REPORT.len(),
        "{heard}"
    );
    let told = world.told.iter().any(|message| {
        matches!(message, LineMessage::ClaimEnded { heard_text, .. } if *heard_text == heard)
    });
    assert!(told, "the brain is told the very words");
    let barged_in = world
        .told
        .iter()
        .any(|message| matches!(message, LineMessage::CallerTurn { barged_in: true, .. }));
    assert!(barged_in);
}

#[test]
fn mm_hm_does_not_stop_the_agent() {
    let mut world = World::answered();
    let report = world.brain_says(Source::Worker, None, REPORT);
    world.run(1_000);
    world.caller_begins();
    world.run(200);
    world.caller_is(Verdict::Backchannel);
    world.run(8_000);
    assert_eq!(world.ending_of(&report), Some(("spoken".into(), REPORT.into())));
    assert!(world.turns_told().is_empty());
}

#[test]
fn the_line_hangs_up_after_the_farewell_and_not_before() {
    let mut world = World::answered();
    world.caller_says("goodbye");
    let farewell = world.brain_says(Source::Responder, Some(1), "Goodbye.");
    let after = brain_protocol::ClaimId::new(farewell.as_str()).ok();
    world.brain(BrainMessage::HangUp { line: brain_protocol::LineId(LINE), after });
    assert_eq!(world.hung_up, None);
    world.run(2_000);
    assert_eq!(world.ending_of(&farewell).map(|e| e.0).as_deref(), Some("spoken"));
    assert!(world.hung_up.is_some_and(|(_, why)| why == sip_bridge::HangupReason::Normal));
}

#[test]
fn the_second_answer_to_one_turn_is_not_spoken_again() {
    let mut world = World::answered();
    world.caller_says("what time is it");
    let first = world.brain_says(Source::Responder, Some(1), "It is ten past nine.");
    let second = world.brain_says(Source::Worker, Some(1), "it is ten past NINE");
    world.run(6_000);
    assert_eq!(world.ending_of(&first).map(|e| e.0).as_deref(), Some("spoken"));
    assert_eq!(world.ending_of(&second).map(|e| e.0).as_deref(), Some("duplicate"));
}

#[test]
fn the_acknowledgement_goes_before_the_report_and_both_are_heard() {
    let mut world = World::answered();
    world.caller_says("run the backup");
    let report = world.brain_says(Source::Worker, None, REPORT);
    let ack = world.brain_says(Source::Responder, Some(1), "Okay, I am starting the backup.");
    world.run(15_000);
    let order: Vec<_> = world
        .recorded
        .iter()
        .filter_map(|event| match event {
            xenline::report::CallEvent::FirstSample { claim } => Some(claim.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(order, [ack.clone(), report.clone()]);
    for claim in [ack, report] {
        assert_eq!(world.ending_of(&claim).map(|e| e.0).as_deref(), Some("spoken"));
    }
}

#[test]
fn an_untagged_claim_is_refused_with_its_reason() {
    let mut world = World::answered();
    let id = brain_protocol::ClaimId::new("x").expect("a name");
    let mut say = brain_protocol::Say::new(
        brain_protocol::LineId(LINE),
        id,
        Source::Responder,
        "Hello there.",
    );
    say.tag = "gossip".into();
    world.brain(BrainMessage::Say(say));
    let reason = world.told.iter().find_map(|message| match message {
        LineMessage::ClaimEnded { reason, .. } => reason.clone(),
        _ => None,
    });
    assert!(reason.expect("a reason").contains("gossip"));
}

#[test]
fn when_the_call_ends_every_claim_has_ended() {
    let mut world = World::answered();
    let claims = [
        world.brain_says(Source::Worker, None, REPORT),
        world.brain_says(Source::Worker, None, "Your timer is over."),
        world.brain_says(Source::Responder, None, "How can I help?"),
    ];
    world.run(500);
    world.conversation.closed(world.now, "the caller hung up");
    world.settle();
    for claim in claims {
        assert!(world.ending_of(&claim).is_some(), "{claim} has no ending");
    }
}
