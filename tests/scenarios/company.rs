//! Several people on one line: one agent, one governor, one sequence of turns.

use std::time::Duration;

use brain_protocol::{LineMessage, Source};
use media_core::{EndReason, HearingEvent, UtteranceTimes, Verdict};
use media_engine::LineEvent;
use xenline::line::{Arrival, LegId, OperatorPart, Part};
use xenline::report::{CallEvent, DoorKind, PartKind};

use crate::world::World;

const BARGE_IN: Part = Part::Operator(OperatorPart::BargeIn);
const LISTEN: Part = Part::Operator(OperatorPart::Listen);
const WHISPER: Part = Part::Operator(OperatorPart::Whisper);

fn join(world: &mut World, label: &str, part: Part) -> LegId {
    let door = match part {
        Part::Caller if label.starts_with("ada") => DoorKind::Room,
        Part::Caller => DoorKind::Browser,
        Part::Operator(_) => DoorKind::Console,
    };
    let leg = world.conversation.leg_joined(world.now, Arrival { label: label.into(), door, part });
    world.settle();
    leg
}

fn hears(world: &mut World, leg: LegId, event: HearingEvent) {
    world.conversation.leg_media(world.now, leg, LineEvent::Hearing(event));
    world.settle();
}

fn begins(world: &mut World, leg: LegId) {
    let at = world.now;
    hears(world, leg, HearingEvent::Onset { at });
}

fn is(world: &mut World, leg: LegId, verdict: Verdict) {
    let at = world.now;
    hears(world, leg, HearingEvent::Verdict { at, verdict });
}

fn ends(world: &mut World, leg: LegId, text: &str) {
    let times = UtteranceTimes { speech_end: world.now, ..UtteranceTimes::default() };
    hears(
        world,
        leg,
        HearingEvent::Final { text: text.into(), times, reason: EndReason::Complete },
    );
}

fn says(world: &mut World, leg: LegId, text: &str) {
    begins(world, leg);
    world.run(100);
    is(world, leg, Verdict::Speech);
    world.run(400);
    ends(world, leg, text);
}

fn part(world: &mut World, leg: LegId, part: Part) {
    world.conversation.leg_part(world.now, leg, part, false);
    world.settle();
}

fn leaves(world: &mut World, leg: LegId) {
    world.conversation.leg_left(world.now, leg, "left");
    world.settle();
}

/// The turns that the brain was given, and whose they are.
fn turns(world: &World) -> Vec<(u64, Option<String>, String)> {
    let turn = |message: &LineMessage| match message {
        LineMessage::CallerTurn { turn, text, speaker, .. } => {
            Some((turn.0, speaker.clone(), text.clone()))
        }
        _ => None,
    };
    world.told.iter().filter_map(turn).collect()
}

#[test]
fn the_turns_of_several_callers_are_one_sequence_each_with_its_speaker() {
    let mut world = World::answered();
    let anna = join(&mut world, "anna", Part::Caller);
    world.caller_says("what time is it");
    says(&mut world, anna, "and run the backup");
    world.caller_says("thanks");
    let expected = [
        (1, None, "what time is it"),
        (2, Some("anna"), "and run the backup"),
        (3, None, "thanks"),
    ];
    let expected =
        expected.map(|(turn, who, text)| (turn, who.map(str::to_owned), text.to_owned()));
    assert_eq!(turns(&world), expected);
}

#[test]
fn any_caller_interrupts_the_agent() {
    let mut world = World::answered();
    let anna = join(&mut world, "anna", Part::Caller);
    let report = world.brain_says(Source::Responder, None, "The backup has run for an hour now.");
    world.run(600);
    assert!(world.is_speaking());
    begins(&mut world, anna);
    assert!(!world.is_speaking(), "the agent pauses at the first sound");
    is(&mut world, anna, Verdict::Speech);
    world.run(100);
    let (ending, _) = world.ending_of(&report).expect("it has ended");
    assert_eq!(ending, "interrupted");
}

#[test]
fn the_agent_waits_until_all_are_silent() {
    let mut world = World::answered();
    let anna = join(&mut world, "anna", Part::Caller);
    begins(&mut world, anna);
    is(&mut world, anna, Verdict::Speech);
    world.caller_says("what time is it");
    let answer = world.brain_says(Source::Responder, Some(1), "It is ten past nine.");
    world.run(1_000);
    assert!(world.wire.is_empty(), "anna still speaks");
    ends(&mut world, anna, "one moment");
    world.run(4_000);
    assert!(world.ending_of(&answer).is_some());
    let late = world.brain_says(Source::Responder, Some(2), "I wait.");
    world.run(2_000);
    assert_eq!(world.ending_of(&late).expect("it was said").0, "spoken");
}

#[test]
fn who_leaves_in_the_middle_of_a_sentence_does_not_keep_the_agent_silent() {
    let mut world = World::answered();
    let anna = join(&mut world, "anna", Part::Caller);
    begins(&mut world, anna);
    is(&mut world, anna, Verdict::Speech);
    leaves(&mut world, anna);
    let words = world.brain_says(Source::Responder, None, "Anna has gone.");
    world.run(2_000);
    assert_eq!(world.ending_of(&words).expect("it was said").0, "spoken");
    says(&mut world, anna, "am I still heard");
    assert_eq!(turns(&world), [], "what comes late from a leg that left is nobody's");
}

#[test]
fn the_operator_who_barges_in_silences_the_agent_and_is_heard_by_the_brain() {
    let mut world = World::answered();
    let operator = join(&mut world, "operator", LISTEN);
    says(&mut world, operator, "nobody hears this");
    let report = world.brain_says(Source::Responder, None, "The backup has run for an hour now.");
    world.run(600);
    let before = world.wire.len();
    part(&mut world, operator, BARGE_IN);
    assert!(!world.is_speaking(), "silent at once");
    says(&mut world, operator, "I will look into that myself.");
    world.run(500);
    assert_eq!(world.wire.len(), before, "not a packet of the agent");
    part(&mut world, operator, WHISPER);
    says(&mut world, operator, "tell them it is done");
    world.run(4_000);
    let told = [
        "took",
        "said \"I will look into that myself.\"",
        "released",
        "whispered \"tell them it is done\"",
    ];
    assert_eq!(world.told_of_the_operator(), told);
    assert_eq!(turns(&world), [], "the operator is no caller");
    let (ending, _) = world.ending_of(&report).expect("it has ended");
    assert_eq!(ending, "spoken", "handing back restores what was being said");
    let said = |event: &CallEvent| match event {
        CallEvent::OperatorSaid { leg, text, .. } => Some((*leg, text.clone())),
        _ => None,
    };
    let said: Vec<_> = world.recorded.iter().filter_map(said).collect();
    assert_eq!(said, [(operator.0, "I will look into that myself.".to_owned())]);
}

#[test]
fn an_utterance_is_meant_as_it_was_begun() {
    let mut world = World::answered();
    let operator = join(&mut world, "operator", WHISPER);
    begins(&mut world, operator);
    part(&mut world, operator, BARGE_IN);
    ends(&mut world, operator, "do not say that aloud");
    let told = ["took", "whispered \"do not say that aloud\""];
    assert_eq!(world.told_of_the_operator(), told);
}

#[test]
fn the_floor_is_handed_back_when_the_last_who_took_it_leaves() {
    let mut world = World::answered();
    let first = join(&mut world, "operator", BARGE_IN);
    let second = join(&mut world, "chief", BARGE_IN);
    leaves(&mut world, first);
    assert_eq!(world.told_of_the_operator(), ["took"]);
    leaves(&mut world, second);
    assert_eq!(world.told_of_the_operator(), ["took", "released"]);
}

#[test]
fn coming_and_going_is_on_the_record() {
    let mut world = World::answered();
    let operator = join(&mut world, "operator", LISTEN);
    part(&mut world, operator, WHISPER);
    leaves(&mut world, operator);
    let leg = operator.0;
    let expected = [
        CallEvent::LegJoined {
            leg,
            label: "operator".into(),
            door: DoorKind::Console,
            part: PartKind::Listen,
        },
        CallEvent::LegPart { leg, part: PartKind::Whisper, muted: false },
        CallEvent::LegLeft { leg, reason: "left".into() },
    ];
    let legs = |event: &&CallEvent| {
        matches!(
            event,
            CallEvent::LegJoined { .. } | CallEvent::LegPart { .. } | CallEvent::LegLeft { .. }
        )
    };
    let recorded: Vec<_> = world.recorded.iter().filter(legs).cloned().collect();
    assert_eq!(recorded, expected);
}

/// Everybody at once (a telephone, a room, a browser and the operator are there from the start), at
/// random, for an hour: one voice (the mouth of [`World`] sees to that), every
/// claim ends, the agent is never heard while the operator has the floor, and nothing is left of who
/// has gone.
#[test]
fn an_hour_of_coming_and_going_leaves_the_agent_as_it_was() {
    let mut hours = 0;
    for seed in 1..=3_u64 {
        let (mut world, mut dice) = (World::answered(), seed);
        let mut roll = move |sides: u64| {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % sides
        };
        let hour = world.now + Duration::from_secs(3_600);
        let came = [("ada", Part::Caller), ("anna", Part::Caller), ("operator", LISTEN)];
        let came = came.map(|(label, part)| (join(&mut world, label, part), part));
        let mut legs: Vec<(LegId, Part)> = came.to_vec();
        let (mut claims, mut number) = (Vec::new(), 0);
        while world.now < hour {
            number += 1;
            match roll(9) {
                0 if legs.len() < 6 => {
                    let part = [Part::Caller, LISTEN, WHISPER, BARGE_IN][roll(4) as usize];
                    let leg = join(&mut world, &format!("guest {number}"), part);
                    legs.push((leg, part));
                }
                1 if !legs.is_empty() => {
                    let which = roll(legs.len() as u64) as usize;
                    let (leg, _) = legs.swap_remove(which);
                    leaves(&mut world, leg);
                }
                2 if !legs.is_empty() => {
                    let which = roll(legs.len() as u64) as usize;
                    let (leg, before) = &mut legs[which];
                    if *before != Part::Caller {
                        *before = [LISTEN, WHISPER, BARGE_IN][roll(3) as usize];
                        let (leg, now) = (*leg, *before);
                        part(&mut world, leg, now);
                    }
                }
                3 | 4 if !legs.is_empty() => {
                    let (leg, _) = legs[roll(legs.len() as u64) as usize];
                    match roll(5) {
                        0 => begins(&mut world, leg),
                        1 => is(&mut world, leg, Verdict::Speech),
                        2 => is(&mut world, leg, Verdict::Noise),
                        _ => says(&mut world, leg, &format!("what about number {number}")),
                    }
                }
                5 => world.caller_says(&format!("and number {number}")),
                6 | 7 => {
                    let turn = turns(&world).last().map(|(turn, ..)| *turn);
                    let text = format!("Number {number} is done, and there is more to it.");
                    claims.push(world.brain_says(Source::Responder, turn, &text));
                }
                _ => {}
            }
            let sent = world.wire.len();
            let taken = legs.iter().any(|(_, part)| *part == BARGE_IN);
            world.run(200 + roll(2_000));
            assert!(!taken || world.wire.len() == sent, "seed {seed}: heard over the operator");
        }
        hours += 1;
        for (leg, _) in legs {
            leaves(&mut world, leg);
        }
        world.run(60_000);
        let open: Vec<_> = claims.iter().filter(|it| world.ending_of(it).is_none()).collect();
        assert!(open.is_empty(), "seed {seed}: without an ending: {open:?}");
        let words = world.brain_says(Source::Responder, None, "We are alone again.");
        world.run(5_000);
        assert_eq!(world.ending_of(&words).expect("it was said").0, "spoken", "seed {seed}");
        assert_eq!(world.conversation.callers(), 1);
    }
    println!("company: {hours} h of virtual time");
}
