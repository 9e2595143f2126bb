//! Nothing is said twice, whichever producers raced.

use std::time::Duration;

use media_core::MonoTime;
use queue_governor::{Claim, ClaimId, Ending, Input, OnInterrupt, Source, TurnId};

use crate::support::*;

#[test]
fn a_second_answer_with_the_same_words_is_a_duplicate() {
    let mut world = World::new();
    world.submit(answer("bundled", "It is five past three."));
    world.submit(report("after-tool", "  it is Five past three "));
    world.run_until_quiet();
    world.submit(answer("again", "It is five past three!"));
    assert_eq!(world.ending_of("after-tool"), Ending::Duplicate);
    assert_eq!(world.ending_of("again"), Ending::Duplicate);
    assert_eq!(world.granted(), ["bundled"]);
}

#[test]
fn a_dedup_key_makes_different_words_the_same() {
    let mut world = World::new();
    let key = Some("backup-7".to_owned());
    world.submit(Claim { dedup_key: key.clone(), ..answer("a", "The backup is done.") });
    world.submit(Claim { dedup_key: key, ..report("b", "Your backup finished.") });
    assert_eq!(world.ending_of("b"), Ending::Duplicate);
}

#[test]
fn the_same_may_be_said_again_after_the_window() {
    let mut world = World::new();
    world.submit(answer("a", "The disk is full."));
    world.run_until_quiet();
    world.run(30_000);
    world.submit(answer("b", "The disk is full."));
    world.run_until_quiet();
    assert_eq!(world.ending_of("b"), Ending::Spoken);
}

#[test]
fn who_asks_twice_is_answered_twice() {
    let mut world = World::new();
    for turn in 1..=2 {
        world.caller_says_something(turn);
        let id = format!("r{turn}");
        world.submit(answer(&id, "It is five past three.").answering(TurnId(turn)));
        world.run_until_quiet();
        assert_eq!(world.ending_of(&id), Ending::Spoken);
    }
}

#[test]
fn one_turn_gets_one_answer_even_from_racing_minds() {
    let mut world = World::new();
    world.caller_says_something(1);
    world.submit(answer("r", "It is five past three.").answering(TurnId(1)));
    world.submit(report("w", "It is five past three.").answering(TurnId(1)));
    world.submit(report("w2", "It is five past three."));
    world.run_until_quiet();
    assert_eq!(world.ending_of("w"), Ending::Duplicate);
    assert_eq!(world.ending_of("w2"), Ending::Duplicate);
}

#[test]
fn what_ended_unheard_may_be_said() {
    let mut world = World::new();
    world.submit(answer("long", "One moment, please."));
    world.submit(report("a", "The backup is done."));
    world.tell(Input::Withdraw(ClaimId::new("a")));
    world.submit(report("b", "The backup is done."));
    world.run_until_quiet();
    assert_eq!(world.ending_of("b"), Ending::Spoken);
}

/// An answer is being said, and a report and the same that must be delivered wait.
fn a_report_and_its_promised_twin() -> World {
    let mut world = World::new();
    world.tell(Input::CallerTurn(TurnId(1)));
    world.submit(answer("long", &long_clause("l", 9)));
    world.submit(report("a", "The backup is done.").answering(TurnId(1)));
    world.submit(Claim { must_deliver: true, ..report("b", "The backup is done.") });
    world
}

#[test]
fn what_must_be_delivered_ends_with_the_same_once_that_was_said() {
    let mut world = a_report_and_its_promised_twin();
    world.run_until_quiet();
    assert_eq!(world.ending_of("a"), Ending::Spoken);
    assert_eq!(world.ending_of("b"), Ending::Duplicate);
    assert_eq!(world.granted(), ["long", "a"]);
}

#[test]
fn what_must_be_delivered_is_said_also_if_the_same_is_taken_back_replaced_or_outrun() {
    let successor = Claim { supersedes: Some(ClaimId::new("a")), ..report("new", "Never mind.") };
    for (input, ending) in [
        (Input::Withdraw(ClaimId::new("a")), Ending::Withdrawn),
        (Input::Submit(successor), Ending::Superseded),
        (Input::CallerTurn(TurnId(2)), Ending::Stale),
    ] {
        let mut world = a_report_and_its_promised_twin();
        world.tell(input);
        world.run_until_quiet();
        assert_eq!(world.ending_of("a"), ending);
        assert_eq!(world.ending_of("b"), Ending::Spoken, "{ending:?}");
    }
}

#[test]
fn what_must_be_delivered_is_said_also_if_a_higher_source_takes_the_same_back() {
    let mut world = World::new();
    world.submit(answer("long", &long_clause("l", 9)));
    world.submit(Claim { must_deliver: true, ..report("w", "Stop the backup.") });
    world.submit(Claim::text("alert", Source::System, "Stop the backup!"));
    world.tell(Input::Withdraw(ClaimId::new("alert")));
    world.run_until_quiet();
    assert_eq!(world.ending_of("w"), Ending::Spoken);
    assert_eq!(world.granted(), ["long", "w"]);
}

#[test]
fn what_must_be_delivered_goes_on_where_the_same_was_when_it_is_taken_back() {
    let mut world = World::new();
    world.submit(report("a", "The backup is done, it took four minutes."));
    world.run(60 + 2 * WORD_MS);
    for (id, source) in [("b", Source::Worker), ("c", Source::External)] {
        let same = report(id, "The backup is done, it took four minutes.");
        world.submit(Claim { must_deliver: true, source, ..same });
    }
    // It ends with the other one, and not only when it could be said.
    world.tell(Input::HoldExternal(true));
    world.tell(Input::Withdraw(ClaimId::new("a")));
    world.run_until_quiet();
    let words = [world.line.words_of("a"), world.line.words_of("b")].concat();
    assert_eq!(words.join(" "), "The backup is done, it took four minutes.");
    assert_eq!((world.ending_of("b"), world.ending_of("c")), (Ending::Spoken, Ending::Duplicate));
}

#[test]
fn what_was_begun_is_finished_before_the_same_that_waits_beside_it() {
    let mut world = World::new();
    world.submit(report("a", "The backup is done, it took four minutes."));
    world.run(60 + 2 * WORD_MS);
    let same = answer("b", "The backup is done, it took four minutes.");
    world.submit(Claim { must_deliver: true, ..same });
    world.submit(Claim::text("op", Source::Operator, "One moment."));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["a", "op", "a"]);
    assert_eq!((world.ending_of("a"), world.ending_of("b")), (Ending::Spoken, Ending::Duplicate));
}

#[test]
fn what_must_be_delivered_and_takes_the_place_of_the_same_goes_on_with_it() {
    let mut world = World::new();
    world.submit(report("a", "The backup is done, it took four minutes."));
    world.run(60 + 2 * WORD_MS);
    world.submit(Claim::text("op", Source::Operator, "One moment."));
    world.run(100);
    let new = report("b", "The backup is done, it took four minutes.");
    let supersedes = Some(ClaimId::new("a"));
    world.submit(Claim { must_deliver: true, supersedes, ..new });
    world.run_until_quiet();
    assert_eq!((world.ending_of("a"), world.ending_of("b")), (Ending::Superseded, Ending::Spoken));
    let words = [world.line.words_of("a"), world.line.words_of("b")].concat();
    assert_eq!(words.join(" "), "The backup is done, it took four minutes.");
}

#[test]
fn a_successor_with_the_same_words_replaces_a_waiting_claim() {
    let mut world = World::new();
    world.submit(answer("long", "One moment, please."));
    world.submit(report("a", "The backup is done."));
    let new = answer("b", "The backup is done.");
    world.submit(Claim { supersedes: Some(ClaimId::new("a")), ..new });
    world.run_until_quiet();
    assert_eq!(world.ending_of("a"), Ending::Superseded);
    assert_eq!(world.ending_of("b"), Ending::Spoken);
}

#[test]
fn a_partly_heard_claim_is_not_begun_again_by_another_producer() {
    let mut world = World::new();
    world.submit(report("a", "The backup is done, it took four minutes."));
    world.run(1_000);
    world.tell(Input::Withdraw(ClaimId::new("a")));
    world.submit(report("b", "The backup is done, it took four minutes."));
    world.run_until_quiet();
    assert_eq!(world.ending_of("b"), Ending::Duplicate);
}

#[test]
fn of_two_that_wait_with_the_same_words_the_higher_source_stays() {
    let mut world = World::new();
    world.submit(answer("long", &long_clause("l", 9)));
    world.submit(Claim { must_deliver: true, ..report("w", "Stop the backup.") });
    world.submit(Claim::text("op", Source::Operator, "Stop the backup!"));
    assert_eq!(world.holder(), Some("op"), "the operator does not wait as long as a worker");
    world.run_until_quiet();
    assert_eq!(world.granted(), ["long", "op", "long"]);
    assert_eq!(world.ending_of("w"), Ending::Duplicate);
}

#[test]
fn what_was_heard_before_a_cut_counts_while_a_later_cut_falls_silent() {
    let mut world = World::new();
    let text = "The backup is done, it took four minutes.";
    world.submit(report("a", text));
    world.run(1_000);
    world.submit(answer("r", "Yes."));
    while world.granted().len() < 3 {
        world.run(10);
    }
    world.tell(Input::Withdraw(ClaimId::new("a")));
    world.submit(report("b", text));
    assert_eq!(world.ending_of("b"), Ending::Duplicate);
}

#[test]
fn the_same_waits_until_it_is_known_how_much_of_a_revoked_claim_was_heard() {
    for (spoke_ms, expected) in [(0, Ending::Spoken), (400, Ending::Duplicate)] {
        let mut world = World::new();
        world.line.report_delay = Duration::from_millis(50);
        world.submit(Claim::text("a", Source::System, "Attention please."));
        world.run(60 + spoke_ms);
        world.tell(Input::Withdraw(ClaimId::new("a")));
        world.submit(Claim::text("b", Source::System, "Attention please."));
        world.run_until_quiet();
        assert_eq!(world.ending_of("b"), expected, "after {spoke_ms} ms of speech");
    }
}

const ALARM: &str = "The alarm is on, leave the house.";

/// A line on which the alarm was cut after its third word, and its claim has ended.
fn cut_alarm() -> World {
    let mut world = World::new();
    world.submit(Claim { must_deliver: true, ..answer("a", ALARM) });
    world.run(60 + 3 * WORD_MS + 100);
    world.tell(Input::Withdraw(ClaimId::new("a")));
    world.run(100);
    assert_eq!(world.heard_of("a"), "The alarm is");
    world
}

fn alarm(id: &str, on_interrupt: OnInterrupt) -> Claim {
    Claim { must_deliver: true, on_interrupt, ..answer(id, "the alarm is on, leave the house") }
}

#[test]
fn what_must_be_delivered_goes_on_where_the_same_was_cut_until_it_was_said_to_its_end() {
    let mut world = cut_alarm();
    world.submit(answer("any", ALARM));
    assert_eq!(world.ending_of("any"), Ending::Duplicate, "enough of it was heard");
    world.submit(alarm("b", OnInterrupt::Drop));
    world.run_until_quiet();
    assert_eq!(world.ending_of("b"), Ending::Spoken);
    assert_eq!(world.line.words_of("b"), ["on,", "leave", "the", "house"]);
    assert_eq!(world.heard_of("b"), "the alarm is on, leave the house");
    world.submit(alarm("c", OnInterrupt::Drop));
    assert_eq!(world.ending_of("c"), Ending::Duplicate);
}

#[test]
fn what_must_be_delivered_is_restated_from_the_clause_in_which_the_same_was_cut() {
    let mut world = World::new();
    world.submit(Claim { must_deliver: true, ..answer("a", ALARM) });
    world.run(60 + 5 * WORD_MS + 220);
    world.tell(Input::Withdraw(ClaimId::new("a")));
    world.run(100);
    assert_eq!(world.heard_of("a"), "The alarm is on, leave");
    world.submit(alarm("b", OnInterrupt::Restate));
    world.run_until_quiet();
    assert_eq!(world.line.words_of("b"), ["leave", "the", "house"]);
}

#[test]
fn what_must_be_delivered_goes_on_also_if_the_line_died_since_or_before_it_was_written() {
    let mut world = World::recovered(cut_alarm().book(), MonoTime::from_millis(5_000));
    world.submit(alarm("b", OnInterrupt::Drop));
    let mut book = cut_alarm().book();
    let accepted = world.records().next().expect("it is accepted").clone();
    book.apply(&accepted);
    world.run_until_quiet();
    assert_eq!(world.line.words_of("b"), ["on,", "leave", "the", "house"]);
    let mut world = World::recovered(book, MonoTime::from_millis(6_000));
    world.tell(Input::Timeout);
    world.run_until_quiet();
    assert_eq!(world.line.words_of("b"), ["on,", "leave", "the", "house"]);
}

#[test]
fn what_must_be_delivered_and_came_while_the_same_fell_silent_goes_on_when_that_is_counted() {
    let mut world = World::new();
    world.line.report_delay = Duration::from_millis(50);
    world.submit(answer("a", ALARM));
    world.run(60 + 400);
    world.tell(Input::Withdraw(ClaimId::new("a")));
    world.submit(alarm("b", OnInterrupt::Drop));
    world.run_until_quiet();
    assert_eq!((world.ending_of("a"), world.heard_of("a")), (Ending::Withdrawn, "The"));
    assert_eq!(world.ending_of("b"), Ending::Spoken);
    assert_eq!(world.line.words_of("b"), ["alarm", "is", "on,", "leave", "the", "house"]);
}

#[test]
fn what_ended_as_a_duplicate_hands_its_key_over_to_the_one_that_stays() {
    let key = || Some("backup-7".to_owned());
    let mut world = World::new();
    world.submit(answer("long", &long_clause("l", 5)));
    world.submit(report("a", "The backup is done."));
    world.submit(Claim { dedup_key: key(), ..report("b", "The backup is done.") });
    world.submit(Claim { dedup_key: key(), ..report("c", "All files are safe.") });
    assert_eq!(world.ending_of("b"), Ending::Duplicate);
    assert_eq!(world.ending_of("c"), Ending::Duplicate, "it is known by b's key, too");
    world.run_until_quiet();
    world.submit(Claim { dedup_key: key(), ..report("d", "Nothing was lost.") });
    assert_eq!(world.ending_of("d"), Ending::Duplicate, "and by that it was said");
}

#[test]
fn the_same_as_what_is_being_replaced_is_said_to_its_end_if_it_must_be_delivered() {
    for must_deliver in [true, false] {
        let mut world = World::new();
        world.submit(report("old", &long_clause("o", 9)));
        world.run(60 + 2 * WORD_MS);
        let supersedes = Some(ClaimId::new("old"));
        world.submit(Claim { supersedes, ..report("new", "Never mind.") });
        world.submit(Claim { must_deliver, ..report("same", &long_clause("o", 9)) });
        world.run_until_quiet();
        assert_eq!(world.ending_of("old"), Ending::Superseded);
        assert_eq!(world.ending_of("new"), Ending::Spoken);
        let ending = if must_deliver { Ending::Spoken } else { Ending::Duplicate };
        assert_eq!(world.ending_of("same"), ending);
    }
}
