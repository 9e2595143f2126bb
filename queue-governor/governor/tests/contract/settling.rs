//! How claims end without being interrupted: stale, superseded, expired, withdrawn, closed.

use std::time::Duration;

use queue_governor::{
    Claim, ClaimId, Ending, FailReason, GovernorConfig, Input, RefusalReason, Source, TurnId,
};

use crate::support::*;

#[test]
fn an_answer_to_an_older_turn_is_stale_wherever_it_is() {
    let mut world = World::new();
    world.tell(Input::CallerTurn(TurnId(1)));
    world.submit(answer("speaking", &long_clause("s", 9)).answering(TurnId(1)));
    world.submit(answer("waiting", "And this.").answering(TurnId(1)));
    world.submit(report("report", "It is done.").answering(TurnId(1)));
    world.run(600);
    world.tell(Input::CallerTurn(TurnId(2)));
    world.submit(answer("late", "What you asked before.").answering(TurnId(1)));
    world.run(100);
    for id in ["speaking", "waiting", "report", "late"] {
        assert_eq!(world.ending_of(id), Ending::Stale, "{id}");
    }
    assert_eq!(world.heard_of("speaking"), "sw0 sw1");
}

#[test]
fn what_must_be_delivered_or_answers_no_turn_is_never_stale() {
    let mut world = World::new();
    world.tell(Input::CallerTurn(TurnId(1)));
    world.submit(Claim { must_deliver: true, ..report("m", "Important.").answering(TurnId(1)) });
    world.submit(report("w", "The backup is done."));
    world.submit(Claim::text("a", Source::System, "The disk is full.").answering(TurnId(1)));
    world.tell(Input::CallerTurn(TurnId(2)));
    world.submit(Claim { must_deliver: true, ..report("m2", "Also so.").answering(TurnId(1)) });
    world.run_until_quiet();
    for id in ["m", "w", "a", "m2"] {
        assert_eq!(world.ending_of(id), Ending::Spoken, "{id}");
    }
}

#[test]
fn what_a_program_wants_said_is_stale_after_as_many_turns_as_the_line_says() {
    let say = |id: &str| Claim::text(id, Source::External, format!("The kettle boils, says {id}."));
    let config = GovernorConfig { external_stale_turns: 2, ..GovernorConfig::default() };
    let mut world = World::with(config);
    world.tell(Input::CallerTurn(TurnId(4)));
    world.tell(Input::HoldExternal(true));
    world.submit(say("old"));
    world.submit(Claim { must_deliver: true, ..say("bound") });
    world.tell(Input::CallerTurn(TurnId(5)));
    world.submit(say("new"));
    world.tell(Input::CallerTurn(TurnId(6)));
    assert_eq!(world.ending_of("old"), Ending::Stale);
    world.tell(Input::HoldExternal(false));
    world.run_until_quiet();
    assert_eq!(world.ending_of("bound"), Ending::Spoken);
    assert_eq!(world.ending_of("new"), Ending::Spoken);
}

#[test]
fn turns_never_run_backwards() {
    let mut world = World::new();
    world.tell(Input::CallerTurn(TurnId(5)));
    world.tell(Input::CallerTurn(TurnId(3)));
    world.submit(answer("r", "Old.").answering(TurnId(4)));
    assert_eq!(world.ending_of("r"), Ending::Stale);
}

#[test]
fn a_successor_takes_the_place_of_a_waiting_claim() {
    let mut world = World::new();
    world.submit(answer("first", "One moment."));
    world.submit(answer("old", "It is five past three."));
    let new = answer("new", "It is six past three.");
    world.submit(Claim { supersedes: Some(ClaimId::new("old")), ..new });
    world.run_until_quiet();
    assert_eq!(world.ending_of("old"), Ending::Superseded);
    assert_eq!(world.granted(), ["first", "new"]);
}

#[test]
fn a_successor_lets_the_holder_finish_its_clause() {
    let mut world = World::new();
    world.submit(answer("old", "Let me see, this takes a while."));
    world.run(300);
    let new = answer("new", "Here it is.");
    world.submit(Claim { supersedes: Some(ClaimId::new("old")), ..new });
    let asked = world.now;
    world.run_until_quiet();
    assert_eq!(world.heard_of("old"), "Let me");
    assert_eq!(world.ending_of("old"), Ending::Superseded);
    assert!(world.granted_at("new").since(asked) <= Duration::from_millis(400));
    assert_eq!(world.ending_of("new"), Ending::Spoken);
}

#[test]
fn a_successor_of_what_was_spoken_is_simply_said() {
    let mut world = World::new();
    world.submit(answer("old", "Yes."));
    world.run_until_quiet();
    world.submit(Claim { supersedes: Some(ClaimId::new("old")), ..answer("new", "No.") });
    world.run_until_quiet();
    assert_eq!(world.ending_of("old"), Ending::Spoken);
    assert_eq!(world.ending_of("new"), Ending::Spoken);
}

#[test]
fn a_claim_cannot_supersede_one_of_a_higher_source() {
    let mut world = World::new();
    world.submit(answer("r", "Yes."));
    world.submit(Claim { supersedes: Some(ClaimId::new("r")), ..report("w", "No.") });
    let refused = Ending::Refused(RefusalReason::SupersedesHigherSource);
    assert_eq!(world.ending_of("w"), refused);
}

#[test]
fn a_claim_expires_exactly_when_its_time_to_live_is_over() {
    let mut world = World::new();
    world.submit(answer("long", &long_clause("l", 20)));
    world.run(5);
    let ttl = Some(Duration::from_millis(1_234));
    world.submit(Claim { ttl, ..answer("short", "Now or never.") });
    let submitted = world.now;
    world.run_until_quiet();
    assert_eq!(world.ending_of("short"), Ending::Expired);
    assert_eq!(world.end_of("short").at, submitted + Duration::from_millis(1_234));
}

#[test]
fn the_holder_of_the_floor_does_not_expire() {
    let mut world = World::new();
    let ttl = Some(Duration::from_millis(100));
    world.submit(Claim { ttl, ..answer("r", &long_clause("r", 9)) });
    world.run_until_quiet();
    assert_eq!(world.ending_of("r"), Ending::Spoken);
}

#[test]
fn a_time_to_live_of_zero_means_now_or_never() {
    let mut world = World::new();
    let ttl = Some(Duration::ZERO);
    world.submit(Claim { ttl, ..answer("now", "Free floor.") });
    world.submit(Claim { ttl, ..answer("never", "Taken floor.") });
    assert_eq!(world.ending_of("never"), Ending::Expired);
    world.run_until_quiet();
    assert_eq!(world.ending_of("now"), Ending::Spoken);
}

#[test]
fn a_claim_can_be_withdrawn_waiting_or_speaking() {
    let mut world = World::new();
    world.submit(answer("speaking", &long_clause("s", 9)));
    world.submit(answer("waiting", "Later."));
    world.run(60 + 2 * WORD_MS + 100);
    for id in ["waiting", "speaking", "unknown"] {
        world.tell(Input::Withdraw(ClaimId::new(id)));
    }
    world.run(100);
    assert_eq!(world.ending_of("speaking"), Ending::Withdrawn);
    assert_eq!(world.heard_of("speaking"), "sw0 sw1");
    assert_eq!(world.ending_of("waiting"), Ending::Withdrawn);
}

#[test]
fn a_preempted_claim_can_be_withdrawn_while_it_falls_silent() {
    let mut world = World::new();
    world.line.loses_silenced = true;
    world.submit(report("w", &long_clause("w", 9)));
    world.run(60);
    world.submit(Claim::text("op", Source::Operator, "Stop."));
    world.tell(Input::Withdraw(ClaimId::new("w")));
    world.run_until_quiet();
    assert_eq!(world.ending_of("w"), Ending::Withdrawn);
}

#[test]
fn all_claims_end_when_the_line_closes_and_none_is_taken_afterwards() {
    let mut world = World::new();
    world.submit(report("w", "The backup is done."));
    world.submit(answer("r", "Yes."));
    world.submit(report("w2", "And the other thing."));
    world.run(300);
    world.tell(Input::LineClosed);
    assert_eq!(world.governor.alive(), 0, "at once: nobody may be there to wait for silence");
    for id in ["w", "w2"] {
        assert_eq!(world.ending_of(id), Ending::Failed(FailReason::LineClosed));
    }
    world.submit(answer("late", "Hello?"));
    assert_eq!(world.ending_of("late"), Ending::Refused(RefusalReason::LineClosed));
    assert_eq!(world.governor.next_timeout(), None);
}

#[test]
fn what_was_all_sent_when_the_revoke_came_is_spoken() {
    let mut world = World::new();
    world.submit(answer("r", "Yes."));
    while world.line.wire.len() < (WORD_MS + 120) as usize / 20 {
        world.run(1);
    }
    world.tell(Input::Withdraw(ClaimId::new("r")));
    world.run_until_quiet();
    assert_eq!(world.ending_of("r"), Ending::Spoken, "the report and the revoke crossed");
}
