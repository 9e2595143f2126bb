//! What must be delivered waits beside the same: what becomes of both.

use std::time::Duration;

use media_core::SampleRate;
use queue_governor::{
    Book, Claim, ClaimId, Content, Ending, FailReason, Input, OnInterrupt, Record, RefusalReason,
    Source, TurnId, Unfinished,
};

use crate::support::*;

const TEXT: &str = "The backup is done, it took four minutes.";

fn resuming(id: &str) -> Claim {
    Claim { on_interrupt: OnInterrupt::Resume, ..report(id, TEXT) }
}

fn promised(id: &str) -> Claim {
    Claim { must_deliver: true, ..resuming(id) }
}

/// Two words of `claim` were heard, then the operator took the floor.
fn begun_and_cut(claim: Claim) -> World {
    let mut world = World::new();
    world.submit(claim);
    world.run(60 + 2 * WORD_MS);
    world.tell(Input::OperatorTake);
    world.run(100);
    world
}

/// The line closes, and the next call goes on with what it leaves, in the order of `ids`.
fn next_call(world: World, ids: &[&str]) -> World {
    let left = left_by(world);
    let mut next = World::new();
    for id in ids {
        let named = left.iter().filter(|it| it.claim.id.as_str() == *id);
        named.for_each(|unfinished| next.tell(Input::CarryOver(unfinished.clone())));
    }
    next
}

/// The line closes.
fn left_by(mut world: World) -> Vec<Unfinished> {
    world.tell(Input::LineClosed);
    world.book().take_unfinished(|_| true)
}

#[test]
fn what_is_carried_over_goes_on_where_the_same_was_cut_that_ended_with_the_call() {
    let mut world = begun_and_cut(resuming("a"));
    world.submit(promised("b"));
    let before = world.line.words_of("a").join(" ");
    world.tell(Input::LineClosed);
    assert_eq!(world.ending_of("a"), Ending::Failed(FailReason::LineClosed));
    assert_eq!(world.carried, [ClaimId::new("b")]);
    let mut next = next_call(world, &["b"]);
    next.run_until_quiet();
    assert_eq!(next.ending_of("b"), Ending::Spoken);
    assert_eq!([before, next.line.words_of("b").join(" ")].join(" "), TEXT);
}

#[test]
fn what_was_begun_is_not_finished_once_the_same_was_said_to_its_end() {
    for comes_later in [false, true] {
        let mut world = begun_and_cut(promised("a"));
        world.submit(promised("b"));
        world.tell(Input::LineClosed);
        let mut left = world.book();
        let mut next = next_call(world, &["b"]);
        if comes_later {
            next.run_until_quiet();
        }
        for unfinished in left.take_unfinished(|it| it.claim.id.as_str() == "a") {
            next.tell(Input::CarryOver(unfinished));
        }
        next.run_until_quiet();
        assert_eq!(next.ending_of("b"), Ending::Spoken);
        assert_eq!(next.ending_of("a"), Ending::Duplicate, "came later: {comes_later}");
        assert_eq!(next.granted(), ["b"]);
    }
}

#[test]
fn the_ending_of_one_that_only_waited_tells_nothing_as_heard() {
    let mut world = begun_and_cut(resuming("a"));
    world.submit(promised("b"));
    world.tell(Input::Withdraw(ClaimId::new("a")));
    assert_eq!(world.heard_of("a"), "The backup");
    world.tell(Input::Withdraw(ClaimId::new("b")));
    assert_eq!(world.heard_of("b"), "", "its own voice said nothing");
    world.submit(promised("c"));
    world.tell(Input::OperatorRelease);
    world.run_until_quiet();
    assert_eq!(world.line.words_of("c").join(" "), "is done, it took four minutes.");
    assert_eq!(world.heard_of("c"), TEXT);
}

#[test]
fn those_that_come_back_beside_each_other_are_known_by_the_keys_of_all() {
    let named = |claim: Claim, key: &str| Claim { dedup_key: Some(key.to_owned()), ..claim };
    for is_on_the_floor in [false, true] {
        let left = |claim: Claim| {
            let mut world = World::new();
            world.tell(Input::OperatorTake);
            world.submit(claim);
            world.tell(Input::LineClosed);
            world.book().take_unfinished(|_| true).remove(0)
        };
        let mut world = World::new();
        if !is_on_the_floor {
            world.tell(Input::OperatorTake);
        }
        world.tell(Input::CarryOver(left(named(promised("a"), "one"))));
        world.tell(Input::CarryOver(left(named(promised("b"), "two"))));
        world.tell(Input::OperatorRelease);
        world.run_until_quiet();
        assert_eq!(world.granted(), ["a"]);
        world.submit(named(report("c", "All files are safe."), "two"));
        assert_eq!(world.ending_of("c"), Ending::Duplicate, "on the floor: {is_on_the_floor}");
    }
}

#[test]
fn repetitions_of_one_that_must_be_delivered_leave_places_for_others() {
    let mut world = World::new();
    world.tell(Input::OperatorTake);
    let repeat = |world: &mut World, n: usize| world.submit(promised(&format!("w{n}")));
    (0..40).for_each(|n| repeat(&mut world, n));
    assert_eq!(world.governor.alive(), 4);
    let full = Ending::Refused(RefusalReason::QueueFull { max: 4 });
    assert_eq!(world.ending_of("w39"), full);
    let supersedes = Some(ClaimId::new("w0"));
    world.submit(Claim { supersedes, ..promised("instead") });
    assert_eq!(world.ending_of("w0"), Ending::Superseded);
    world.submit(report("other", "The disk is full."));
    assert!(world.is_alive("instead") && world.is_alive("other"));
}

#[test]
fn what_only_waited_after_the_same_is_not_remembered_as_said() {
    // "The backup" was said to an earlier question, which the caller has asked again since.
    let of_turn = |id: &str, turn| Claim { turn: Some(TurnId(turn)), ..resuming(id) };
    let mut world = begun_and_cut(of_turn("a", 0));
    world.tell(Input::Withdraw(ClaimId::new("a")));
    world.submit(of_turn("c", 1));
    world.submit(promised("b"));
    world.tell(Input::Withdraw(ClaimId::new("b")));
    world.tell(Input::OperatorRelease);
    world.run_until_quiet();
    assert_eq!(world.ending_of("c"), Ending::Spoken);
    assert_eq!(world.heard_of("c"), TEXT);
}

#[test]
fn what_waits_beside_the_same_has_the_floor_at_once_when_that_is_settled_too_late_to_go_on() {
    let mut world = World::new();
    world.line.loses_silenced = true;
    let ttl = Some(Duration::from_millis(600));
    world.submit(Claim { ttl, source: Source::External, ..resuming("a") });
    world.run(60 + 2 * WORD_MS);
    world.tell(Input::OperatorTake);
    world.submit(promised("b"));
    world.tell(Input::HoldExternal(true));
    world.tell(Input::OperatorRelease);
    world.run_until_quiet();
    assert_eq!(world.ending_of("a"), Ending::Expired);
    assert_eq!(world.granted_at("b"), world.end_of("a").at);
    assert_eq!(world.heard_of("b"), TEXT);
}

#[test]
fn ready_audio_goes_on_after_all_that_was_heard_of_the_same() {
    for dies_in_between in [false, true] {
        let sound = |id: &str| {
            let (label, rate) = (TEXT.to_owned(), SampleRate::Hz16000);
            let samples = vec![1; rate.samples_in_ms(2_000)].into();
            Claim { content: Content::Audio { label, samples, rate }, ..promised(id) }
        };
        let mut world = World::new();
        let mut frames = 0;
        for id in ["a", "b"] {
            world.submit(sound(id));
            world.run(60 + 400);
            world.tell(Input::Withdraw(ClaimId::new(id)));
            world.run(100);
            frames += world.line.frames_of(id).len();
        }
        if dies_in_between {
            world = World::recovered(world.book(), world.now);
        }
        world.submit(sound("c"));
        world.run_until_quiet();
        assert_eq!(world.ending_of("c"), Ending::Spoken);
        frames += world.line.frames_of("c").len();
        assert_eq!(frames * 20, 2_000, "died in between: {dies_in_between}");
    }
}

#[test]
fn what_was_begun_twice_goes_on_where_it_was_heard_furthest() {
    let mut left = left_by(begun_and_cut(Claim { priority: 1, ..promised("a") }));
    let mut world = World::new();
    world.submit(promised("b"));
    world.run(60 + 4 * WORD_MS);
    world.tell(Input::CarryOver(left.remove(0)));
    world.tell(Input::OperatorTake);
    world.run(100);
    world.tell(Input::OperatorRelease);
    world.run_until_quiet();
    assert_eq!(world.granted(), ["b", "a"]);
    assert_eq!((world.ending_of("a"), world.ending_of("b")), (Ending::Spoken, Ending::Duplicate));
    assert_eq!([world.line.words_of("b"), world.line.words_of("a")].concat().join(" "), TEXT);
}

#[test]
fn what_comes_back_when_its_time_is_over_is_not_said() {
    let mut world = World::new();
    world.tell(Input::OperatorTake);
    world.submit(Claim { ttl: Some(Duration::from_secs(5)), ..promised("a") });
    let left = left_by(world);
    let mut next = World::new();
    next.run(6_000);
    left.into_iter().for_each(|unfinished| next.tell(Input::CarryOver(unfinished)));
    assert_eq!(next.ending_of("a"), Ending::Expired);
    assert_eq!(next.granted(), [""; 0]);
}

#[test]
fn what_may_not_go_on_does_not_keep_the_same_that_must_be_delivered() {
    for is_held in [true, false] {
        let source = if is_held { Source::External } else { Source::Worker };
        let higher = if is_held { Source::System } else { Source::Operator };
        let mut world = begun_and_cut(Claim { source, ..resuming("a") });
        world.tell(Input::HoldExternal(is_held));
        if is_held {
            world.tell(Input::OperatorRelease);
        }
        let before = world.line.words_of("a").join(" ");
        world.submit(Claim { source: higher, ..promised("b") });
        assert_eq!(world.holder(), Some("b"), "{higher:?}");
        world.run_until_quiet();
        assert_eq!([before, world.line.words_of("b").join(" ")].join(" "), TEXT);
        assert_eq!(world.ending_of("a"), Ending::Duplicate);
    }
}

#[test]
fn what_was_replaced_when_the_line_died_is_replaced_also_if_it_comes_back_first() {
    let mut world = World::new();
    world.tell(Input::OperatorTake);
    world.submit(promised("old"));
    let new = Claim { supersedes: Some(ClaimId::new("old")), ..report("new", "Never mind.") };
    world.submit(new);
    let mut book = Book::new();
    let written = world.records().filter(|it| !matches!(it, Record::Ended { .. }));
    written.for_each(|record| book.apply(record));
    let mut next = World::new();
    for unfinished in book.take_unfinished(|_| true) {
        next.tell(Input::CarryOver(unfinished));
    }
    next.run_until_quiet();
    assert_eq!(next.ending_of("old"), Ending::Superseded);
    assert_eq!(next.ending_of("new"), Ending::Spoken);
    assert_eq!(next.line.words_of("old"), [""; 0]);
}

#[test]
fn what_speaks_while_the_same_comes_back_as_said_is_not_said_again_after_a_cut_or_a_long_pause() {
    for is_cut in [true, false] {
        let mut world = World::new();
        world.submit(promised("a"));
        world.run(10);
        let mut book = world.book();
        let claim = ClaimId::new("a");
        book.apply(&Record::Heard { claim, resume_at: TEXT.len(), samples: 20_000, ms: 2_500 });
        let mut next = World::new();
        next.submit(report("b", TEXT));
        next.run(60 + WORD_MS / 2);
        next.tell(Input::CallerOnset);
        next.tell(Input::CarryOver(book.take_unfinished(|_| true).remove(0)));
        assert_eq!(next.ending_of("a"), Ending::Spoken, "and the line died before it was written");
        if is_cut {
            next.tell(Input::OperatorTake);
            next.tell(Input::OperatorRelease);
        }
        next.run_until_quiet();
        assert_eq!(next.ending_of("b"), Ending::Duplicate, "cut: {is_cut}");
        assert_eq!(next.line.words_of("b"), [""; 0]);
    }
}
