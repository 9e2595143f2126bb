//! Worlds in which the process is killed between any two outputs of any step.

use std::time::Duration;

use queue_governor::{Claim, ClaimId, Coalescing, OnInterrupt, Source, TurnId};

use super::{World, claim, deep};
use crate::search::explore;

#[test]
fn the_process_is_killed_while_claims_wait_and_are_heard() {
    let mut world = World::new(
        "kill",
        vec![
            claim(0, Source::Worker, 0, ".,."),
            Claim { must_deliver: true, ..claim(1, Source::Responder, 1, "..") },
        ],
    );
    (world.kills, world.closes) = (if deep() { 2 } else { 1 }, true);
    world.onsets = u8::from(deep());
    explore(&world);
}

#[test]
fn the_process_is_killed_while_producers_race_with_the_same_words() {
    let mut world = World::new(
        "kill, same words",
        vec![
            claim(0, Source::Worker, 0, ".,"),
            claim(1, Source::Responder, 0, ".,"),
            Claim { supersedes: Some(ClaimId::new("n0")), ..claim(2, Source::Worker, 1, ".") },
        ],
    );
    (world.kills, world.withdrawals) = (1, 1);
    explore(&world);
}

/// What must be delivered waits for what is heard of the same, which is being replaced.
#[test]
fn the_process_is_killed_while_the_same_is_being_replaced() {
    let mut world = World::new(
        "kill, replaced twin",
        vec![
            claim(0, Source::Worker, 0, ".,"),
            Claim { supersedes: Some(ClaimId::new("n0")), ..claim(1, Source::Worker, 1, ".") },
            Claim { must_deliver: true, ..claim(2, Source::External, 0, ".,") },
        ],
    );
    world.kills = 1;
    explore(&world);
}

/// Two that must be delivered and say the same, and either, or what is said before them, is taken back.
#[test]
fn the_process_is_killed_while_what_must_be_delivered_is_taken_back() {
    let mut world = World::new(
        "kill, promised twins",
        vec![
            claim(0, Source::Worker, 0, ".,"),
            Claim { must_deliver: true, ..claim(1, Source::External, 0, ".,") },
            Claim { must_deliver: true, ..claim(2, Source::Responder, 0, ".,") },
        ],
    );
    (world.kills, world.withdrawals) = (1, if deep() { 2 } else { 1 });
    explore(&world);
}

#[test]
fn the_process_is_killed_while_the_caller_interrupts() {
    let resumes = Claim { on_interrupt: OnInterrupt::Resume, ..claim(0, Source::Worker, 0, ".,.") };
    let mut world = World::new("kill, caller", vec![resumes, claim(1, Source::System, 1, ".")]);
    (world.kills, world.onsets) = (1, 1);
    explore(&world);
}

/// An alert that must be delivered, an answer, and two hands that report the same.
#[test]
fn the_process_is_killed_while_four_sources_share_the_floor() {
    let mut world = World::new(
        "kill, four sources",
        vec![
            Claim { must_deliver: true, ..claim(0, Source::System, 0, ".") },
            claim(1, Source::Responder, 1, "."),
            claim(2, Source::Worker, 2, ".,"),
            Claim { must_deliver: true, ..claim(3, Source::External, 2, ".,") },
        ],
    );
    (world.kills, world.onsets) = (1, u8::from(deep()));
    explore(&world);
}

#[test]
fn the_process_is_killed_while_the_operator_has_the_floor() {
    let mut world = World::new(
        "kill, operator",
        vec![
            claim(0, Source::Operator, 0, "."),
            Claim { must_deliver: true, ..claim(1, Source::Responder, 1, ".,") },
        ],
    );
    if deep() {
        world.claims.push(Claim { uninterruptible: true, ..claim(2, Source::Worker, 2, ".") });
    }
    (world.kills, world.operator) = (1, 1);
    explore(&world);
}

#[test]
fn the_process_is_killed_while_one_caller_follows_another() {
    let mut world = World::new(
        "kill, two callers",
        vec![
            Claim { must_deliver: true, ..claim(0, Source::Worker, 0, ".,.") }.answering(TurnId(0)),
            Claim { must_deliver: true, ..claim(1, Source::System, 1, ".") },
            claim(2, Source::Responder, 0, ".,."),
        ],
    );
    (world.kills, world.closes, world.calls) = (1, true, 1);
    explore(&world);
}

#[test]
fn the_process_is_killed_while_updates_take_the_place_of_each_other() {
    let update = |number, source, content, words| Claim {
        coalesce: Some("backup".to_owned()),
        ..claim(number, source, content, words)
    };
    let mut world = World::new(
        "kill, updates",
        vec![
            update(0, Source::Worker, 0, ".,."),
            Claim { must_deliver: true, ..update(1, Source::Worker, 1, ".") },
            update(2, Source::Worker, 2, "."),
            Claim { ttl: Some(Duration::from_millis(300)), ..claim(3, Source::Responder, 3, ".") },
        ],
    );
    (world.kills, world.config.coalescing) = (1, Coalescing::Latest);
    explore(&world);
}
