//! What is written down before it is told, and what a recovered line makes of it.

use std::sync::Arc;
use std::time::Duration;

use media_core::{MonoTime, SampleRate};
use queue_governor::{
    Claim, ClaimId, Content, Ending, Input, OnInterrupt, Output, Record, Source, TurnId,
};

use crate::support::*;

const TEXT: &str = "The backup is done, it took four minutes, and nothing failed.";

fn must(claim: Claim) -> Claim {
    Claim { must_deliver: true, on_interrupt: OnInterrupt::Resume, ..claim }
}

/// The line dies now, and another comes up a second later.
fn crash(world: &World) -> World {
    World::recovered(world.book(), world.now + std::time::Duration::from_secs(1))
}

fn heard_records(world: &World) -> Vec<(usize, u64)> {
    let heard = world.records().filter_map(|record| match record {
        Record::Heard { resume_at, ms, .. } => Some((*resume_at, *ms)),
        _ => None,
    });
    heard.collect()
}

fn position(world: &World, which: impl Fn(&Output) -> bool) -> usize {
    world.outputs.iter().position(|(_, output)| which(output)).expect("comes out")
}

#[test]
fn a_claim_is_journalled_before_it_is_acknowledged_and_before_it_is_granted() {
    let mut world = World::new();
    world.submit(answer("a", TEXT));
    let written = position(&world, |it| matches!(it, Output::Journal(Record::Accepted { .. })));
    let told = position(&world, |it| matches!(it, Output::Accepted(_)));
    let granted = position(&world, |it| matches!(it, Output::Grant { .. }));
    assert!(written < told && told < granted);
}

#[test]
fn an_ending_is_journalled_before_it_is_told() {
    let mut world = World::new();
    world.submit(answer("a", "Yes."));
    world.run_until_quiet();
    let written = position(&world, |it| matches!(it, Output::Journal(Record::Ended { .. })));
    let told = position(&world, |it| matches!(it, Output::Ended { .. }));
    assert!(written < told);
}

#[test]
fn what_was_turned_away_at_the_door_leaves_no_record() {
    let mut world = World::new();
    world.submit(answer("", "No name."));
    world.submit(Claim { tag: queue_governor::Tag::new("unknown"), ..answer("a", "No tag.") });
    assert_eq!(world.records().count(), 0);
}

#[test]
fn each_word_is_written_down_once_and_no_packet_more() {
    let mut world = World::new();
    world.submit(answer("a", TEXT));
    world.run_until_quiet();
    let heard = heard_records(&world);
    assert!(heard.len() <= TEXT.split(' ').count(), "{heard:?}");
    assert!(heard.len() >= TEXT.split(' ').count() - 2, "{heard:?}");
    assert!(heard.is_sorted());
}

#[test]
fn ready_audio_is_written_down_every_fifth_of_a_second() {
    let mut world = World::new();
    let samples: Arc<[i16]> = vec![1; 16_000].into();
    let content = Content::Audio { label: "chime".to_owned(), samples, rate: SampleRate::Hz8000 };
    world.submit(Claim { content, ..report("w", "") });
    world.run(1_050);
    let heard = heard_records(&world);
    assert!((4..=5).contains(&heard.len()), "{heard:?}");
    let mut world = crash(&world);
    world.run_until_quiet();
    assert_eq!(world.ending_of("w"), Ending::Spoken);
    let again_ms = world.line.frames_of("w").len() * 20;
    assert!((1_000..=1_300).contains(&again_ms), "{again_ms} ms of two seconds are left");
}

#[test]
fn what_waits_when_the_line_dies_waits_again_and_is_said_once() {
    let mut world = World::new();
    world.submit(answer("a", TEXT));
    world.submit(report("w", "The disk is full."));
    let mut world = crash(&world);
    world.run_until_quiet();
    assert_eq!(world.granted(), ["a", "w"]);
    assert_eq!(world.accepted, [], "nobody waits for an acknowledgement of old");
}

#[test]
fn what_was_cut_by_the_crash_goes_on_with_the_first_word_that_was_not_heard() {
    let mut world = World::new();
    world.submit(answer("a", TEXT));
    world.run(60 + 4 * WORD_MS + 120 + 130);
    let mut after = crash(&world);
    after.run_until_quiet();
    assert_eq!(after.line.words_of("a").join(" "), "it took four minutes, and nothing failed.");
    assert_eq!(
        after.heard_of("a"),
        TEXT,
        "the ending carries all that was heard, before and after"
    );
}

#[test]
fn what_was_said_before_the_crash_is_not_said_after_it() {
    let mut world = World::new();
    world.submit(answer("a", "The backup is done."));
    world.run_until_quiet();
    let mut world = crash(&world);
    world.submit(report("again", "the backup is done"));
    assert_eq!(world.ending_of("again"), Ending::Duplicate);
    world.run(31_000);
    world.submit(report("later", "the backup is done"));
    world.run_until_quiet();
    assert_eq!(world.ending_of("later"), Ending::Spoken, "the window is over");
}

#[test]
fn what_was_heard_to_its_end_is_spoken_even_if_the_crash_came_before_its_ending() {
    let mut world = World::new();
    world.submit(answer("a", "Yes."));
    world.run(10);
    let mut book = world.book();
    let claim = ClaimId::new("a");
    book.apply(&Record::Heard { claim, resume_at: "Yes.".len(), samples: 1_920, ms: 240 });
    let world = World::recovered(book, world.now);
    assert_eq!(world.ending_of("a"), Ending::Spoken);
    assert_eq!(world.granted(), [""; 0]);
}

#[test]
fn the_time_that_a_duplicate_handed_over_survives() {
    let mut world = World::new();
    world.submit(answer("long", &long_clause("l", 9)));
    let ttl = Some(Duration::from_millis(300));
    world.submit(Claim { ttl, ..report("a", "The backup is done.") });
    world.submit(report("b", "The backup is done."));
    assert_eq!(world.ending_of("b"), Ending::Duplicate);
    let mut world = crash(&world);
    world.run_until_quiet();
    assert_eq!(world.ending_of("a"), Ending::Spoken);
}

#[test]
fn what_must_be_delivered_waits_beside_the_same_also_after_a_crash() {
    for taken_back in [true, false] {
        let mut world = World::new();
        world.submit(answer("long", &long_clause("l", 9)));
        world.submit(report("a", "The backup is done."));
        world.submit(must(report("b", "The backup is done.")));
        let mut world = crash(&world);
        if taken_back {
            world.tell(Input::Withdraw(ClaimId::new("a")));
        }
        world.run_until_quiet();
        let (said, not) = if taken_back { ("b", "a") } else { ("a", "b") };
        assert_eq!(world.ending_of(said), Ending::Spoken);
        let ending = if taken_back { Ending::Withdrawn } else { Ending::Duplicate };
        assert_eq!(world.ending_of(not), ending);
        assert_eq!(world.granted(), ["long", said]);
    }
}

/// The records of a takeover are written newest first, so that a crash between them loses nobody.
#[test]
fn a_successor_takes_the_place_even_if_the_crash_came_before_that_was_written() {
    let mut world = World::new();
    world.submit(answer("long", &long_clause("l", 9)));
    world.submit(report("old", "Four gigabytes are free."));
    let supersedes = Some(ClaimId::new("old"));
    world.submit(Claim { supersedes, ..report("new", "Three gigabytes are free.") });
    let mut book = queue_governor::Book::new();
    let records = world.records();
    records.filter(|it| !matches!(it, Record::Ended { .. })).for_each(|it| book.apply(it));
    assert_eq!(book.unfinished().count(), 3);
    let mut world = World::recovered(book, world.now);
    world.run_until_quiet();
    assert_eq!(world.ending_of("old"), Ending::Superseded);
    assert_eq!(world.granted(), ["long", "new"]);
}

#[test]
fn a_deadline_goes_on_running_while_the_line_is_down() {
    let mut world = World::new();
    let ttl = Some(std::time::Duration::from_millis(500));
    world.submit(answer("long", &long_clause("l", 9)));
    world.submit(Claim { ttl, ..report("w", "The door is open.") });
    let world = crash(&world);
    assert_eq!(world.ending_of("w"), Ending::Expired);
}

#[test]
fn what_must_be_delivered_is_carried_over_the_end_of_the_call() {
    let mut world = World::new();
    world.submit(must(report("w", TEXT)));
    world.submit(must(report("w2", "The disk is full.")));
    world.submit(report("w3", "The door is open."));
    world.run(60 + 4 * WORD_MS + 120 + 130);
    world.tell(Input::LineClosed);
    world.carried.sort();
    assert_eq!(world.carried, [ClaimId::new("w"), ClaimId::new("w2")]);
    assert_eq!(world.governor.alive(), 0);
    assert_eq!(world.ends.len(), 1, "all others end");

    let mut book = world.book();
    book.begin_conversation();
    let mut next = World::recovered(book, world.now);
    next.run_until_quiet();
    assert_eq!(next.line.words_of("w").join(" "), "it took four minutes, and nothing failed.");
    assert_eq!(next.ending_of("w2"), Ending::Spoken);
}

#[test]
fn what_was_left_over_can_be_handed_to_a_call_that_is_open() {
    let mut world = World::new();
    world.submit(must(report("w", TEXT)));
    world.run(60 + 4 * WORD_MS + 120 + 130);
    world.tell(Input::LineClosed);
    let mut open = World::new();
    open.run(60_000);
    for unfinished in world.book().take_unfinished(|it| it.claim.must_deliver) {
        open.tell(Input::CarryOver(unfinished.clone()));
        open.tell(Input::CarryOver(unfinished));
    }
    open.run_until_quiet();
    assert_eq!(open.line.words_of("w").join(" "), "it took four minutes, and nothing failed.");
    assert_eq!(open.ending_of("w"), Ending::Spoken);
}

#[test]
fn who_calls_again_and_asks_the_same_is_answered_again() {
    let mut world = World::new();
    world.caller_says_something(1);
    world.submit(answer("a", "Hello.").answering(TurnId(1)));
    world.run_until_quiet();
    let mut book = world.book();
    book.begin_conversation();
    let mut next = World::recovered(book, world.now);
    next.caller_says_something(1);
    next.submit(answer("b", "Hello.").answering(TurnId(1)));
    next.submit(Claim::text("say", Source::External, "Hello."));
    next.run_until_quiet();
    assert_eq!(next.ending_of("b"), Ending::Spoken);
    assert_eq!(next.ending_of("say"), Ending::Duplicate);
}

#[test]
fn a_claim_that_no_call_goes_on_with_can_be_ended_in_the_journal() {
    let mut world = World::new();
    world.submit(answer("a", TEXT));
    world.run(60 + 4 * WORD_MS + 120 + 130);
    let mut book = world.book();
    let left: Vec<_> = book.unfinished().cloned().collect();
    assert_eq!(left[0].heard().text, "The backup is done,");
    book.apply(&left[0].ended(Ending::Withdrawn, MonoTime::from_millis(60_000)));
    assert_eq!(book.unfinished().count(), 0);
    let mut world = World::recovered(book, world.now);
    world.submit(report("b", TEXT));
    assert_eq!(world.ending_of("b"), Ending::Duplicate, "it was partly heard");
}

#[test]
fn the_governors_own_fillers_are_not_written_down() {
    let mut world = World::new();
    world.line.tts = Tts::Hangs;
    world.submit(answer("a", "Yes."));
    world.run_until_quiet();
    assert!(world.accepted.iter().any(|id| id.as_str().starts_with(ClaimId::OWN_PREFIX)));
    assert!(world.records().all(|it| it.claim().as_str() == "a"));
}

#[cfg(feature = "serde")]
#[test]
fn records_are_read_as_they_were_written() {
    let mut world = World::new();
    let samples: Arc<[i16]> = (0..999).map(|n| n * 31 - 15_000).collect();
    let content = Content::Audio { label: "chime".to_owned(), samples, rate: SampleRate::Hz16000 };
    let ttl = Some(std::time::Duration::from_secs(600));
    world.submit(Claim { content, ttl, dedup_key: Some("k".to_owned()), ..must(report("w", "")) });
    world.submit(must(answer("a", "Größe é, ü.").answering(TurnId(3))));
    world.run_until_quiet();
    for record in world.records() {
        let written = serde_json::to_string(record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&written).unwrap(), *record, "{written}");
    }
}
