//! Who goes first: sources, priorities, clause boundaries, ageing.

use std::time::Duration;

use queue_governor::{Claim, Ending, FloorReason, Input, Source, TurnId};

use crate::support::*;

#[test]
fn sources_speak_in_order_of_precedence() {
    let mut world = World::new();
    world.submit(Claim { uninterruptible: true, ..report("first", "Wait until I am done.") });
    for source in Source::ALL.into_iter().rev().filter(|it| *it != Source::Operator) {
        world.submit(Claim::text(format!("{source:?}"), source, format!("I am {source:?}.")));
    }
    world.run_until_quiet();
    assert_eq!(world.granted(), ["first", "System", "Responder", "Worker", "External"]);
}

#[test]
fn priority_orders_claims_of_one_source_and_never_lifts_over_another() {
    let mut world = World::new();
    world.submit(Claim { uninterruptible: true, ..answer("first", "One moment, please.") });
    world.submit(Claim { priority: 127, ..report("loud", "Worker with priority.") });
    world.submit(Claim { priority: -1, ..answer("low", "Low.") });
    world.submit(answer("mid", "Middle."));
    world.submit(Claim { priority: 5, ..answer("high", "High.") });
    world.submit(answer("mid2", "Middle too."));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["first", "high", "mid", "mid2", "low", "loud"]);
}

#[test]
fn with_the_responder_idle_a_worker_is_heard_at_once() {
    let mut world = World::new();
    world.run(1_000);
    world.submit(report("w", "The backup is done."));
    assert_eq!(world.holder(), Some("w"));
}

#[test]
fn an_answer_takes_the_floor_from_a_worker_at_the_end_of_its_clause() {
    let mut world = World::new();
    world.submit(report("w", "The backup is done, it took four minutes."));
    world.run(60 + 4 * WORD_MS - 200);
    world.submit(answer("r", "Sure."));
    world.run(400);
    assert_eq!(world.holder(), Some("r"));
    assert_eq!(world.line.words_of("w"), ["The", "backup", "is", "done,"]);
    world.run_until_quiet();
    assert_eq!(
        world.line.words_of("w").join(" "),
        "The backup is done, it took four minutes.",
        "it goes on where it was cut, and no word is heard twice"
    );
    assert_eq!(world.granted(), ["w", "r", "w"]);
    assert_eq!(world.ending_of("w"), Ending::Spoken);
    assert_eq!(world.heard_of("w"), "The backup is done, it took four minutes.");
}

#[test]
fn an_answer_waits_no_longer_than_400_ms_for_a_worker_that_never_pauses() {
    for after_ms in (100..1_500).step_by(70) {
        let mut world = World::new();
        world.submit(report("w", &long_clause("w", 20)));
        world.run(after_ms);
        world.submit(answer("r", "Yes."));
        let asked = world.now;
        world.run(500);
        let waited = world.granted_at("r").since(asked);
        assert!(waited <= Duration::from_millis(400), "waited {waited:?} after {after_ms} ms");
        world.run_until_quiet();
        assert_eq!(world.line.words_of("w").join(" "), long_clause("w", 20));
    }
}

#[test]
fn a_long_clause_is_cut_between_words() {
    let mut world = World::new();
    world.submit(report("w", &long_clause("w", 20)));
    world.run(60 + 3 * WORD_MS + 100);
    world.submit(answer("r", "Yes."));
    world.run_until_quiet();
    let frames = world.line.frames_of("w");
    let sent_ms = 20 * frames.len() as u64;
    assert!(sent_ms < 20 * WORD_MS + 40, "at most a frame or two of a word were heard twice");
}

#[test]
fn a_filler_is_not_chopped_by_the_reply_of_the_same_rank() {
    let mut world = World::new();
    world.submit(answer("filler", "Let me have a look at that."));
    world.run(300);
    world.submit(answer("reply", "There is enough space."));
    world.run_until_quiet();
    assert_eq!(world.heard_of("filler"), "Let me have a look at that.");
    assert_eq!(world.granted(), ["filler", "reply"]);
}

#[test]
fn a_worker_that_is_not_audible_yet_gives_way_at_once() {
    let mut world = World::new();
    world.submit(report("w", "The backup is done."));
    world.run(30);
    world.submit(answer("r", "Yes."));
    assert_eq!(world.holder(), Some("r"));
    world.run_until_quiet();
    assert_eq!(world.line.words_of("w").len(), 4);
}

#[test]
fn an_uninterruptible_worker_is_not_preempted() {
    let mut world = World::new();
    world.submit(Claim { uninterruptible: true, ..report("w", &long_clause("w", 8)) });
    world.run(300);
    world.submit(answer("r", "Yes."));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["w", "r"]);
}

#[test]
fn a_preempted_claim_resumes_before_new_ones_of_its_source() {
    let mut world = World::new();
    world.submit(report("w1", "The backup is done, it took four minutes."));
    world.run(400);
    world.submit(Claim { priority: 9, ..report("w2", "Another thing.") });
    world.submit(answer("r", "Yes."));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["w1", "r", "w1", "w2"]);
}

#[test]
fn workers_never_starve_under_constant_answers() {
    let mut world = World::new();
    let text = "The backup is done, it took four minutes, and nothing failed.";
    world.submit(answer("r0", &long_clause("r0", 3)));
    world.submit(report("w", text));
    let mut first_heard = None;
    for n in 1..120 {
        world.submit(answer(&format!("r{n}"), &long_clause(&format!("r{n}"), 3)));
        world.run(600);
        if first_heard.is_none() && !world.line.frames_of("w").is_empty() {
            first_heard = Some(world.line.frames_of("w")[0]);
        }
    }
    let bound = Duration::from_secs(8 + 2);
    assert!(first_heard.expect("heard").since(Default::default()) <= bound, "{first_heard:?}");
    assert_eq!(world.ending_of("w"), Ending::Spoken, "and it is finished in the end");
    assert_eq!(world.line.words_of("w").join(" "), text);
}

#[test]
fn an_aged_worker_still_lets_an_answer_through_within_400_ms_of_speech() {
    let mut world = World::new();
    world.line.tts = Tts::Speaks { after_ms: 300 };
    world.submit(Claim { uninterruptible: true, ..answer("r", &long_clause("r", 40)) });
    world.submit(report("w", &long_clause("w", 20)));
    world.submit(answer("r2", "Yes."));
    world.run_until_quiet();
    assert_eq!(&world.granted()[..3], ["r", "w", "r2"]);
    let first = world.line.frames_of("w")[0];
    assert!(world.granted_at("r2").since(first) <= Duration::from_millis(405));
}

#[test]
fn after_a_turn_the_responder_has_the_first_word() {
    let mut world = World::new();
    world.caller_says_something(1);
    world.submit(report("w", "The backup is done."));
    assert_eq!(world.holder(), None, "the reply to the caller comes first");
    world.run(150);
    world.submit(answer("r", "Sure.").answering(TurnId(1)));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["r", "w"]);
}

#[test]
fn a_worker_speaks_when_the_responder_has_nothing_to_say_to_a_turn() {
    let mut world = World::new();
    world.caller_says_something(1);
    world.submit(report("w", "The backup is done."));
    world.run(300);
    assert_eq!(world.holder(), Some("w"));
}

#[test]
fn the_floor_says_why_it_changes_hands() {
    let mut world = World::new();
    world.submit(report("w", "The backup is done, it took four minutes."));
    world.run(400);
    world.submit(answer("r", "Yes."));
    world.run_until_quiet();
    let by = queue_governor::ClaimId::new("r");
    use FloorReason::{Granted, Preempted, Regranted, Spoken};
    assert_eq!(
        world.reasons(),
        [&Granted, &Preempted { by }, &Granted, &Spoken, &Regranted, &Spoken]
    );
}

#[test]
fn speech_without_word_positions_is_still_cut_in_time_and_resumed() {
    let mut world = World::new();
    world.line.tts = Tts::SpeaksWithoutWords;
    world.submit(report("w", &long_clause("w", 10)));
    world.run(1_000);
    world.submit(answer("r", "Yes."));
    world.run(400);
    assert_eq!(world.holder(), Some("r"));
    world.run_until_quiet();
    assert_eq!(world.ending_of("w"), Ending::Spoken);
    world.tell(Input::Timeout);
}

#[test]
fn while_other_programs_are_held_everybody_else_speaks() {
    let mut world = World::new();
    world.tell(Input::HoldExternal(true));
    world.submit(Claim::text("e", Source::External, "The kettle boils."));
    world.submit(Claim::text("s", Source::System, "The disk is full."));
    world.submit(answer("r", "Yes."));
    world.run(20_000);
    assert_eq!(world.granted(), ["s", "r"]);
    world.tell(Input::HoldExternal(false));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["s", "r", "e"]);
}
