//! How sayings follow each other: the gap between unrelated ones, updates that become one saying,
//! words that are begun again after a long pause, and how soon a topic is over.

use std::time::Duration;

use media_core::Verdict;
use queue_governor::{
    Claim, Coalescing, Ending, GovernorConfig, OnInterrupt, Output, Source, TurnId,
};

use crate::support::*;

/// From the end of one claim to the grant of another.
fn gap_ms(world: &World, before: &str, after: &str) -> u128 {
    world.granted_at(after).since(world.end_of(before).at).as_millis()
}

fn update(id: &str, thing: &str, text: &str) -> Claim {
    Claim { coalesce: Some(thing.to_owned()), ..report(id, text) }
}

fn world_with(coalescing: Coalescing) -> World {
    World::with(GovernorConfig { coalescing, ..GovernorConfig::default() })
}

#[test]
fn unrelated_sayings_keep_a_gap() {
    let mut world = World::new();
    world.submit(report("w1", "The backup is done."));
    world.submit(report("w2", "The disk is full."));
    world.submit(Claim::text("say", Source::External, "The door is open."));
    world.run_until_quiet();
    assert_eq!(gap_ms(&world, "w1", "w2"), 250);
    assert_eq!(gap_ms(&world, "w2", "say"), 250);
}

#[test]
fn the_gap_never_delays_answers_alerts_or_the_operator() {
    for source in [Source::Responder, Source::System, Source::Operator] {
        let mut world = World::new();
        world.submit(answer("first", "The backup is done."));
        world.run(400);
        world.submit(Claim::text("next", source, "The disk is full."));
        world.run_until_quiet();
        let cut = source == Source::Operator;
        assert!(cut || gap_ms(&world, "first", "next") == 0, "{source:?}");
    }
}

#[test]
fn the_gap_does_not_delay_a_worker_that_aged_or_one_that_goes_on() {
    let mut world = World::new();
    world.submit(report("w", &long_clause("w", 12)));
    world.run(600);
    world.submit(answer("r", "Yes."));
    world.run_until_quiet();
    let again = world.grants.iter().rfind(|(_, id, _)| id.as_str() == "w").unwrap().0;
    assert_eq!(again, world.end_of("r").at, "what was cut goes on at once");

    let mut world = World::new();
    world.submit(answer("r0", &long_clause("r", 40)));
    world.submit(report("w", "The backup is done."));
    world.run_until_quiet();
    assert_eq!(gap_ms(&world, "r0", "w"), 0, "it waited for more than eight seconds");
}

#[test]
fn without_a_gap_one_saying_follows_the_other_at_once() {
    let mut world =
        World::with(GovernorConfig { gap: Duration::ZERO, ..GovernorConfig::default() });
    world.submit(report("w1", "The backup is done."));
    world.submit(report("w2", "The disk is full."));
    world.run_until_quiet();
    assert_eq!(gap_ms(&world, "w1", "w2"), 0);
}

#[test]
fn updates_of_one_thing_are_one_saying() {
    for gap_ms_between in [250, 0] {
        let gap = Duration::from_millis(gap_ms_between);
        let mut world = World::with(GovernorConfig { gap, ..GovernorConfig::default() });
        world.submit(update("a", "backup", "The backup is half done."));
        world.submit(report("other", "The disk is full."));
        world.submit(update("b", "backup", "The backup is done."));
        world.run_until_quiet();
        assert_eq!(world.granted(), ["a", "b", "other"], "nothing unrelated comes in between");
        assert_eq!(gap_ms(&world, "a", "b"), 0);
        assert_eq!(gap_ms(&world, "b", "other"), gap.as_millis());
    }
}

#[test]
fn what_several_workers_report_on_one_turn_is_one_saying() {
    let mut world = World::new();
    world.caller_says_something(1);
    world.submit(report("w1", "The backup is done.").answering(TurnId(1)));
    world.submit(report("other", "The door is open."));
    world.submit(report("w2", "The disk is full.").answering(TurnId(1)));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["w1", "w2", "other"]);
}

#[test]
fn of_several_updates_only_the_latest_is_said_if_that_is_the_policy() {
    let mut world = world_with(Coalescing::Latest);
    world.submit(answer("long", &long_clause("l", 4)));
    world.submit(update("a", "backup", "The backup is half done."));
    world.submit(update("b", "disk", "The disk is full."));
    let promised = update("c", "backup", "The backup needs a new disk.");
    world.submit(Claim { must_deliver: true, ..promised });
    world.submit(update("d", "backup", "The backup is nearly done."));
    world.submit(update("e", "backup", "The backup is done."));
    world.run_until_quiet();
    assert_eq!(world.ending_of("a"), Ending::Superseded);
    assert_eq!(world.ending_of("d"), Ending::Superseded);
    assert_eq!(world.granted(), ["long", "b", "c", "e"], "what must be delivered is");
}

#[test]
fn an_update_that_was_cut_before_its_first_word_is_outdated_like_one_that_waits() {
    let mut world = world_with(Coalescing::Latest);
    world.submit(update("a", "backup", "The backup is half done."));
    world.run(60 + WORD_MS / 2);
    world.tell(queue_governor::Input::OperatorTake);
    world.run(200);
    world.submit(update("b", "backup", "The backup is done."));
    world.tell(queue_governor::Input::OperatorRelease);
    world.run_until_quiet();
    assert_eq!(world.ending_of("a"), Ending::Superseded);
    assert_eq!(world.granted(), ["a", "b"]);
}

#[test]
fn an_update_that_is_being_heard_is_not_cut_off_by_a_later_one() {
    let mut world = world_with(Coalescing::Latest);
    world.submit(update("a", "backup", "The backup is half done."));
    world.run(500);
    world.submit(update("b", "backup", "The backup is done."));
    world.run_until_quiet();
    assert_eq!(world.ending_of("a"), Ending::Spoken);
    assert_eq!(world.ending_of("b"), Ending::Spoken);
}

#[test]
fn updates_have_nothing_to_do_with_each_other_if_coalescing_is_off() {
    let mut world = world_with(Coalescing::Off);
    world.submit(update("a", "backup", "The backup is half done."));
    world.submit(report("other", "The disk is full."));
    world.submit(update("b", "backup", "The backup is done."));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["a", "other", "b"]);
}

#[test]
fn after_a_long_pause_speech_goes_on_from_the_start_of_the_word() {
    let mut world = World::new();
    world.submit(answer("a", &long_clause("a", 8)));
    world.run(60 + 2 * WORD_MS + 110);
    world.tell(queue_governor::Input::CallerOnset);
    world.run(450);
    world.tell(queue_governor::Input::CallerVerdict(Verdict::Noise));
    world.run_until_quiet();
    assert_eq!(world.granted(), ["a", "a"]);
    let mut grants = world.outputs.iter().filter_map(|(_, output)| match output {
        Output::Grant { speech, .. } => Some(speech.words().to_owned()),
        _ => None,
    });
    let again = grants.next_back().unwrap();
    assert!(again.starts_with("aw2 aw3"), "two words were heard and half of a third: {again}");
    assert_eq!(world.ending_of("a"), Ending::Spoken);
    assert_eq!(world.heard_of("a"), long_clause("a", 8));
}

#[test]
fn between_two_words_and_after_a_short_pause_speech_goes_on_at_the_sample() {
    for (spoke_ms, pause_ms) in [(2 * WORD_MS, 450), (2 * WORD_MS + 110, 200)] {
        let mut world = World::new();
        world.submit(answer("a", &long_clause("a", 8)));
        world.run(60 + spoke_ms - 10);
        world.tell(queue_governor::Input::CallerOnset);
        world.run(pause_ms);
        world.tell(queue_governor::Input::CallerVerdict(Verdict::Noise));
        world.run_until_quiet();
        assert_eq!(world.granted(), ["a"], "after {spoke_ms} ms, paused {pause_ms} ms");
    }
}

#[test]
fn how_many_turns_a_topic_lasts_is_configured_for_each_mind() {
    let config = GovernorConfig { worker_stale_turns: 2, ..GovernorConfig::default() };
    let mut world = World::with(config);
    world.caller_says_something(1);
    world.submit(report("late", "The backup is done.").answering(TurnId(1)));
    world.run(10);
    world.caller_says_something(2);
    world.submit(answer("old", "It is noon.").answering(TurnId(1)));
    assert_eq!(world.ending_of("old"), Ending::Stale);
    let resume = OnInterrupt::Resume;
    let kept = report("kept", "The disk is full.").answering(TurnId(1));
    world.submit(Claim { on_interrupt: resume, ..kept });
    assert!(world.is_alive("kept"), "one turn later a report is still of use");
    world.caller_says_something(3);
    assert_eq!(world.ending_of("kept"), Ending::Stale);
}

#[test]
fn zero_turns_mean_that_a_topic_is_never_over() {
    let config = GovernorConfig { worker_stale_turns: 0, ..GovernorConfig::default() };
    let mut world = World::with(config);
    world.caller_says_something(9);
    world.submit(report("w", "The backup is done.").answering(TurnId(1)));
    world.run_until_quiet();
    assert_eq!(world.ending_of("w"), Ending::Spoken);
}
