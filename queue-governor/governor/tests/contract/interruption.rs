//! The caller interrupts: onset, pause, decide, resume or yield.

use std::time::Duration;

use media_core::Verdict;
use queue_governor::{Claim, Ending, FloorReason, Input, OnInterrupt, Source, TurnId};

use crate::support::*;

const REPORT: &str = "The backup is done, it took four minutes, and nothing failed.";

#[test]
fn an_onset_pauses_at_the_sample() {
    let mut world = World::new();
    world.submit(report("w", REPORT));
    world.run(500);
    let before = world.line.wire.len();
    world.tell(Input::CallerOnset);
    world.run(400);
    assert_eq!(world.line.wire.len(), before, "no frame leaves while it is undecided");
    assert_eq!(world.holder(), Some("w"), "the claim keeps the floor");
}

#[test]
fn mm_hm_does_not_stop_the_agent() {
    for verdict in [Verdict::Backchannel, Verdict::Noise, Verdict::Echo] {
        let mut world = World::new();
        world.submit(report("w", REPORT));
        world.run(500);
        world.caller_makes_a_sound(verdict);
        world.run_until_quiet();
        assert_eq!(world.granted(), ["w"], "no second grant: {verdict:?} resumes at the sample");
        assert_eq!(world.line.wire.len() as u64 * 20, words_ms(REPORT), "no sample lost or twice");
        assert_eq!(world.ending_of("w"), Ending::Spoken);
        assert_eq!(world.heard_of("w"), REPORT);
    }
}

#[test]
fn barge_in_silences_the_worker_within_one_ptime() {
    for after_ms in (80..2_800).step_by(37) {
        let mut world = World::new();
        world.submit(report("w", REPORT));
        world.run(after_ms);
        world.tell(Input::CallerOnset);
        let onset = world.now;
        world.run(100);
        world.tell(Input::CallerVerdict(Verdict::Speech));
        world.run(1_000);
        let last = world.line.frames_of("w").last().copied().unwrap_or_default();
        assert!(last <= onset + Duration::from_millis(20));
        assert_eq!(world.ending_of("w"), Ending::Interrupted);
    }
}

#[test]
fn the_brain_learns_the_exact_words_that_were_heard() {
    let mut world = World::new();
    world.submit(report("w", REPORT));
    world.run(60 + 5 * WORD_MS + 120 + 100);
    world.caller_makes_a_sound(Verdict::Speech);
    world.run(100);
    let end = world.end_of("w");
    assert_eq!(end.ending, Ending::Interrupted);
    assert_eq!(end.heard.text, "The backup is done, it");
    assert_eq!(end.heard.text, world.line.words_of("w").join(" "));
    assert_eq!(end.heard.samples, world.line.wire.len() as u64 * 160);
}

#[test]
fn a_revoked_claim_ends_even_if_its_silence_is_never_confirmed() {
    let mut world = World::new();
    world.line.loses_silenced = true;
    world.submit(report("w", REPORT));
    world.run(700);
    world.tell(Input::CallerOnset);
    world.tell(Input::CallerVerdict(Verdict::Speech));
    let revoked = world.now;
    world.run(200);
    assert_eq!(world.end_of("w").at, revoked + Duration::from_millis(100));
}

#[test]
fn barge_in_settles_every_claim_of_the_turn_and_leaves_the_others() {
    let mut world = World::new();
    world.tell(Input::CallerTurn(TurnId(1)));
    world.submit(answer("r1", &long_clause("a", 9)).answering(TurnId(1)));
    world.submit(answer("r2", "And also this.").answering(TurnId(1)));
    world.submit(answer("r3", "And that.").answering(TurnId(1)));
    world.submit(report("w", "The backup is done."));
    world.submit(Claim { must_deliver: true, ..answer("m", "Important.").answering(TurnId(1)) });
    world.run(700);
    world.caller_makes_a_sound(Verdict::Speech);
    world.run(100);
    for id in ["r1", "r2", "r3"] {
        assert_eq!(world.ending_of(id), Ending::Interrupted, "{id}");
    }
    assert!(world.is_alive("w"), "a report of no turn waits");
    assert!(world.is_alive("m"), "what must be delivered waits");
    world.tell(Input::CallerTurn(TurnId(2)));
    world.run_until_quiet();
    assert_eq!(world.ending_of("w"), Ending::Spoken);
    assert_eq!(world.ending_of("m"), Ending::Spoken);
}

#[test]
fn nothing_is_granted_while_the_caller_speaks() {
    let mut world = World::new();
    world.tell(Input::CallerOnset);
    world.submit(answer("r", "Hello."));
    world.run(200);
    assert_eq!(world.holder(), None, "not while it is undecided");
    world.tell(Input::CallerVerdict(Verdict::Speech));
    world.submit(report("w", "The backup is done."));
    world.run(3_000);
    assert_eq!(world.holder(), None, "not while the utterance is open");
    world.tell(Input::CallerTurn(TurnId(1)));
    world.run(20);
    assert_eq!(world.holder(), Some("r"));
}

#[test]
fn a_granted_answer_does_not_start_once_the_caller_has_started() {
    let mut world = World::new();
    world.submit(answer("r", "Hello there."));
    world.run(10);
    assert_eq!(world.holder(), Some("r"), "granted, and still being synthesised");
    world.tell(Input::CallerOnset);
    world.run(300);
    assert!(world.line.wire.is_empty(), "not a sample leaves");
    world.tell(Input::CallerVerdict(Verdict::Speech));
    world.run(300);
    assert!(world.line.wire.is_empty());
    assert_eq!(world.heard_of("r"), "");
}

#[test]
fn a_second_segment_of_speech_is_not_swallowed() {
    let mut world = World::new();
    world.submit(report("w", REPORT));
    world.run(500);
    world.caller_makes_a_sound(Verdict::Speech);
    world.run(300);
    world.tell(Input::CallerOnset);
    world.run(50);
    world.submit(answer("r", "Hello."));
    world.tell(Input::CallerTurn(TurnId(1)));
    assert_eq!(world.holder(), None, "the second segment is not decided yet");
    world.tell(Input::CallerVerdict(Verdict::Speech));
    world.run(1_000);
    assert_eq!(world.holder(), None, "the caller goes on");
    world.tell(Input::CallerTurn(TurnId(2)));
    world.run(1);
    assert_eq!(world.holder(), Some("r"));
}

#[test]
fn noise_in_an_open_utterance_does_not_close_it() {
    let mut world = World::new();
    world.caller_makes_a_sound(Verdict::Speech);
    world.submit(answer("r", "Hello."));
    world.caller_makes_a_sound(Verdict::Noise);
    assert_eq!(world.holder(), None);
    world.tell(Input::CallerSilent);
    assert_eq!(world.holder(), Some("r"), "nothing was understood: the floor is free again");
}

#[test]
fn an_onset_without_a_verdict_resolves_by_itself() {
    let mut world = World::new();
    world.submit(report("w", REPORT));
    world.run(500);
    world.tell(Input::CallerOnset);
    let onset = world.now;
    world.run(2_000);
    let resumed = world.floor.iter().find(|(_, _, why)| *why == FloorReason::Resumed).unwrap();
    assert_eq!(resumed.0, onset + Duration::from_millis(500));
    world.run_until_quiet();
    assert_eq!(world.ending_of("w"), Ending::Spoken);
}

#[test]
fn onsets_in_a_row_do_not_prolong_the_pause() {
    let mut world = World::new();
    world.submit(report("w", REPORT));
    world.run(500);
    let onset = world.now;
    for _ in 0..10 {
        world.tell(Input::CallerOnset);
        world.run(60);
    }
    let resumed = world.floor.iter().find(|(_, _, why)| *why == FloorReason::Resumed).unwrap();
    assert_eq!(resumed.0, onset + Duration::from_millis(500));
}

#[test]
fn a_verdict_that_comes_too_late_still_stops_the_agent() {
    let mut world = World::new();
    world.submit(report("w", REPORT));
    world.run(500);
    world.tell(Input::CallerOnset);
    world.run(700);
    world.tell(Input::CallerVerdict(Verdict::Speech));
    world.run(100);
    assert_eq!(world.ending_of("w"), Ending::Interrupted);
}

#[test]
fn a_lost_end_of_utterance_does_not_mute_the_line_for_ever() {
    let mut world = World::new();
    world.caller_makes_a_sound(Verdict::Speech);
    world.submit(answer("r", "Are you still there?"));
    world.run(12_100);
    assert_eq!(world.holder(), Some("r"));
}

#[test]
fn resume_goes_on_with_the_first_word_that_was_not_heard() {
    let mut world = World::new();
    world.submit(Claim { on_interrupt: OnInterrupt::Resume, ..report("w", REPORT) });
    world.run(60 + 5 * WORD_MS + 120 + 100);
    world.caller_says_something(1);
    world.run_until_quiet();
    assert_eq!(world.ending_of("w"), Ending::Spoken);
    assert_eq!(world.line.words_of("w").join(" "), REPORT, "each word once");
}

#[test]
fn restate_goes_on_from_the_start_of_the_cut_clause() {
    let mut world = World::new();
    world.submit(Claim { on_interrupt: OnInterrupt::Restate, ..report("w", REPORT) });
    world.run(60 + 6 * WORD_MS + 120 + 100);
    world.caller_says_something(1);
    world.run_until_quiet();
    assert_eq!(
        world.line.words_of("w").join(" "),
        "The backup is done, it took it took four minutes, and nothing failed."
    );
    assert_eq!(world.heard_of("w"), REPORT, "the history has it once");
}

#[test]
fn restate_never_begins_again_from_the_very_start() {
    let mut world = World::new();
    world.submit(Claim { on_interrupt: OnInterrupt::Restate, ..report("w", REPORT) });
    world.run(60 + 2 * WORD_MS + 100);
    world.caller_says_something(1);
    world.run_until_quiet();
    assert_eq!(world.line.words_of("w").join(" "), REPORT);
}

#[test]
fn what_must_be_delivered_survives_every_interruption() {
    let mut world = World::new();
    let claim = Claim { must_deliver: true, ..report("w", REPORT).answering(TurnId(1)) };
    world.tell(Input::CallerTurn(TurnId(1)));
    world.submit(claim);
    for turn in 2..6 {
        world.run(900);
        world.caller_says_something(turn);
    }
    world.run_until_quiet();
    assert_eq!(world.ending_of("w"), Ending::Spoken);
    assert_eq!(world.line.words_of("w").join(" "), REPORT);
}

#[test]
fn the_uninterruptible_goes_on_and_may_begin_while_the_caller_speaks() {
    let mut world = World::new();
    world.submit(Claim { uninterruptible: true, ..report("u", "The disk is on fire.") });
    world.run(300);
    world.caller_makes_a_sound(Verdict::Speech);
    assert_eq!(world.holder(), Some("u"));
    let alarm = Claim::text("u2", Source::System, "Leave the building.");
    world.submit(Claim { uninterruptible: true, ..alarm });
    world.run(4_000);
    assert_eq!(world.ending_of("u"), Ending::Spoken);
    assert_eq!(world.ending_of("u2"), Ending::Spoken, "while the utterance is still open");
}

#[test]
fn an_answer_that_waits_during_a_pause_takes_the_place_of_the_resumption() {
    let mut world = World::new();
    world.submit(report("w", &long_clause("w", 12)));
    world.run(500);
    world.tell(Input::CallerOnset);
    world.run(20);
    world.submit(answer("r", "Yes."));
    world.run(120);
    world.tell(Input::CallerVerdict(Verdict::Noise));
    assert_eq!(world.holder(), Some("r"), "the clause is broken anyway");
    world.run_until_quiet();
    assert_eq!(world.line.words_of("w").join(" "), long_clause("w", 12));
}
