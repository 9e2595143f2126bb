//! What users of today's voice agents complain about in public, one scenario each: what happened
//! there, and what happens here.

use brain_protocol::{LineMessage, OnInterrupt, Source};
use media_core::{Generation, MonoTime, Verdict};
use media_engine::LineEvent;

use crate::world::World;

const REPORT: &str = "The backup is done. It took four minutes. Nothing went wrong with it.";
const NOON: &str = "It is noon.";

fn ending(world: &World, claim: &str) -> String {
    world.ending_of(claim).unwrap_or_else(|| panic!("{claim} has no ending")).0
}

fn heard(world: &World, claim: &str) -> String {
    world.ending_of(claim).unwrap_or_else(|| panic!("{claim} has no ending")).1
}

/// Packets of speech that left after `since`.
fn packets_after(world: &World, since: MonoTime) -> usize {
    world.wire.iter().filter(|(at, _)| *at > since).count()
}

/// livekit/agents#6411, #4554, #323, agents-js#222: the reply that a tool call brings is spoken
/// although the answer that already had it in it was.
#[test]
fn the_reply_after_a_tool_call_is_not_spoken_after_the_answer_that_had_it() {
    let mut world = World::answered();
    world.caller_says("what time is it");
    let answer = world.brain_says(Source::Responder, Some(1), NOON);
    world.run(3_000);
    let reply = world.brain_says(Source::Worker, Some(1), "It is noon!");
    world.run(3_000);
    assert_eq!(ending(&world, &answer), "spoken");
    assert_eq!(ending(&world, &reply), "duplicate");
    assert!(world.wire.iter().all(|(_, of)| *of == world.wire[0].1), "one of them was heard");
}

/// The same, where the two do not say it in the same words: the later one takes the place.
#[test]
fn an_answer_that_is_superseded_is_not_spoken_after_the_one_that_replaced_it() {
    let mut world = World::answered();
    world.caller_says("is the backup done");
    let busy = world.brain_says(Source::Responder, Some(1), "Let me have a look at it.");
    let first = world.brain_says(Source::Worker, Some(1), "It is running.");
    let second = world.brain_says_so(Source::Worker, Some(1), "It is done.", |say| {
        say.supersedes = brain_protocol::ClaimId::new(first.as_str()).ok();
    });
    world.run(8_000);
    assert_eq!(ending(&world, &busy), "spoken");
    assert_eq!((ending(&world, &first), heard(&world, &first)), ("superseded".into(), "".into()));
    assert_eq!(ending(&world, &second), "spoken");
}

/// livekit/agents#5509: the agent begins to speak when the caller has just begun.
#[test]
fn an_answer_that_is_ready_when_the_caller_begins_is_not_begun() {
    let mut world = World::answered();
    world.caller_says("what time is it");
    let answer = world.brain_says(Source::Responder, Some(1), NOON);
    assert!(world.generation().is_some(), "it is granted, and not yet audible");
    world.caller_begins();
    world.run(200);
    world.caller_is(Verdict::Speech);
    world.run(300);
    assert!(world.wire.is_empty(), "nothing of it left");
    world.caller_ends("never mind");
    world.run(3_000);
    assert_eq!((ending(&world, &answer), world.wire.len()), ("interrupted".into(), 0));
}

/// pipecat#3986, #3077, #754, #950, #2703, openai-agents-js#1173: speech that was made for an
/// interrupted answer plays, or is counted, after the interruption.
#[test]
fn speech_of_a_revoked_answer_that_comes_late_changes_nothing() {
    let mut world = World::answered();
    let old = world.brain_says(Source::Responder, None, REPORT);
    world.run(1_000);
    let stale = world.generation().expect("it speaks");
    world.caller_says("what time is it");
    let answer = world.brain_says(Source::Responder, Some(1), NOON);
    world.run(200);
    let at = world.now;
    for event in late_events(at, stale) {
        world.media(event);
    }
    assert_eq!(world.generation(), Some(Generation(stale.0 + 1)), "the answer keeps the floor");
    world.run(3_000);
    assert_eq!(world.ending_of(&answer), Some(("spoken".into(), NOON.into())));
    assert_eq!(ending(&world, &old), "interrupted");
    assert!(world.wire.is_sorted_by_key(|(_, generation)| generation.0), "the old one comes back");
}

fn late_events(at: MonoTime, generation: Generation) -> Vec<LineEvent> {
    let samples = 48_000;
    vec![
        LineEvent::SpeechChunk { at, generation, first_sample: 0, samples, words: Vec::new() },
        LineEvent::SpeechDone { at, generation, samples },
        LineEvent::FirstSample { at, generation },
        LineEvent::Played { at, generation, samples },
        LineEvent::Drained { at, generation, samples },
    ]
}

/// jambonz-feature-server#676: barge-in drops the saying that plays and leaves the queued ones.
#[test]
fn a_barge_in_settles_every_queued_saying_of_the_turn() {
    let mut world = World::answered();
    world.caller_says("tell me everything");
    let sayings = ["There is much to tell.", "First the backup.", "Then the disks.", "And more."]
        .map(|text| world.brain_says(Source::Responder, Some(1), text));
    world.run(500);
    assert!(world.is_speaking());
    world.caller_says("stop");
    let silent = world.now;
    world.run(10_000);
    for saying in sayings {
        assert_eq!(ending(&world, &saying), "interrupted");
    }
    assert_eq!(packets_after(&world, silent), 0);
}

/// vocode-core#477: the agent talks on for seconds after the barge-in.
#[test]
fn not_one_packet_leaves_after_the_onset_that_becomes_speech() {
    let mut world = World::answered();
    world.brain_says(Source::Worker, None, REPORT);
    world.run(1_500);
    let onset = world.now;
    world.caller_begins();
    world.run(300);
    world.caller_is(Verdict::Speech);
    world.run(5_000);
    assert_eq!(packets_after(&world, onset), 0);
}

/// vocode-core#205: the reply chops the filler in the middle of a word.
#[test]
fn a_reply_takes_the_floor_from_a_report_at_the_end_of_its_clause() {
    let mut world = World::answered();
    let filler = world.brain_says(Source::Worker, None, "Well, let me see, one moment, please.");
    world.run(150);
    let reply = world.brain_says(Source::Responder, None, NOON);
    world.run(420);
    let cut = world.recorded.iter().any(|event| {
        matches!(event, xenline::report::CallEvent::FirstSample { claim } if *claim == reply)
    });
    assert!(cut, "within 400 ms and the time that a voice takes to begin");
    world.run(6_000);
    assert_eq!(ending(&world, &reply), "spoken");
    // It went on with the rest, so the whole was heard, and no clause of it twice.
    let spoken = world.ending_of(&filler).expect("it has ended");
    assert_eq!(spoken, ("spoken".into(), "Well, let me see, one moment, please.".into()));
}

/// pipecat#1771, #188, #1626, livekit/agents#315, #3758, AVA#467, streamcore-server#48: the agent
/// hears itself and takes it for the caller.
#[test]
fn its_own_echo_neither_stops_the_agent_nor_becomes_a_turn() {
    let mut world = World::answered();
    let report = world.brain_says(Source::Worker, None, REPORT);
    for _ in 0..5 {
        world.run(500);
        world.caller_begins();
        world.run(120);
        world.caller_is(Verdict::Echo);
    }
    world.run(8_000);
    assert_eq!(world.ending_of(&report), Some(("spoken".into(), REPORT.into())));
    assert!(world.turns_told().is_empty());
    assert!(!world.told.iter().any(|told| matches!(told, LineMessage::CallerTurn { .. })));
}

/// livekit/agents#6548: an interruption is swallowed when it falls between two segments.
#[test]
fn an_interruption_between_two_sayings_stops_the_second() {
    let mut world = World::answered();
    let first = world.brain_says(Source::Responder, None, "Good day.");
    let second = world.brain_says(Source::Responder, None, REPORT);
    while world.ending_of(&first).is_none() {
        world.run(20);
    }
    assert!(world.generation().is_some(), "the second has the floor");
    let onset = world.now;
    world.caller_says("stop");
    world.run(300);
    assert_eq!(ending(&world, &second), "interrupted");
    assert_eq!(packets_after(&world, onset), 0);
}

/// livekit/agents#4039: after a false interruption the speech is lost, or starts over.
#[test]
fn after_a_noise_it_goes_on_at_the_sample() {
    let mut quiet = World::answered();
    quiet.brain_says(Source::Worker, None, REPORT);
    quiet.run(20_000);
    let mut world = World::answered();
    let report = world.brain_says(Source::Worker, None, REPORT);
    for _ in 0..4 {
        world.run(700);
        world.caller_begins();
        world.run(260);
        world.caller_is(Verdict::Noise);
    }
    world.run(20_000);
    assert_eq!(world.ending_of(&report), Some(("spoken".into(), REPORT.into())));
    assert_eq!(world.wire.len(), quiet.wire.len(), "as many packets as without the noise");
    let generations: Vec<_> = world.wire.iter().map(|(_, generation)| *generation).collect();
    assert!(generations.iter().all(|it| *it == generations[0]), "it was never cut");
}

/// livekit/agents#5038, pipecat#4996: the history has what was generated, not what was heard, and
/// the bot refers to what it never said, or says it again.
#[test]
fn the_brain_is_told_the_very_words_that_were_heard_and_no_more() {
    let mut world = World::answered();
    let report = world.brain_says(Source::Worker, None, REPORT);
    world.run(2_200);
    let sent = world.wire.len() * 160;
    world.caller_says("stop");
    world.run(300);
    let words = heard(&world, &report);
    let told = world.told.iter().find_map(|told| match told {
        LineMessage::ClaimEnded { heard_text, .. } => Some(heard_text.clone()),
        _ => None,
    });
    assert_eq!(told.as_deref(), Some(words.as_str()));
    // A letter lasts 530 samples; the word that was cut is not counted.
    let letters = sent / 530;
    assert!(REPORT.starts_with(&words) && words.len() <= letters + 1, "{words:?} of {letters}");
    assert!(
        REPORT[words.len()..]
            .trim_start()
            .find(' ')
            .is_some_and(|word| words.len() + word + 2 > letters)
    );
    // Said again at once, it would be heard twice.
    let again = world.brain_says(Source::Worker, None, REPORT);
    world.run(9_000);
    assert_eq!(ending(&world, &again), "duplicate");
}

/// The same complaint from the other side: what was cut and is still wanted goes on, and does not
/// start over.
#[test]
fn what_was_cut_and_is_to_be_resumed_goes_on_with_the_first_word_that_was_not_heard() {
    let mut world = World::answered();
    let report = world.brain_says_so(Source::Worker, None, REPORT, |say| {
        say.on_interrupt = Some(OnInterrupt::Resume);
        say.must_deliver = true;
    });
    world.run(1_800);
    world.caller_says("hold on");
    let answer = world.brain_says(Source::Responder, Some(1), "Yes?");
    let cut = world.wire.len();
    world.run(12_000);
    assert_eq!(ending(&world, &answer), "spoken");
    assert_eq!(world.ending_of(&report), Some(("spoken".into(), REPORT.into())));
    // All of the text, the answer, and at most the cut word once more.
    let packets = |text: &str| (text.len() * 530).div_ceil(160);
    assert!(world.wire.len() > cut);
    assert!(world.wire.len() <= packets(REPORT) + packets("Yes?") + packets("minutes ") + 3);
}

/// livekit/agents#3261, #2368: the first words of the caller are dropped.
#[test]
fn what_the_caller_says_before_there_is_a_brain_is_not_lost() {
    let mut world = World::answered_without_a_brain();
    world.caller_says("good morning");
    world.conversation.brain_up(world.now, Some(1));
    world.settle();
    assert_eq!(world.turns_told(), [("good morning".to_owned(), false)]);
}

/// livekit/agents#4450, bolna#223, dograh#236: "mm-hm" stops the agent.
#[test]
fn mm_hm_during_every_sentence_stops_none_of_them() {
    let mut world = World::answered();
    let report = world.brain_says(Source::Worker, None, REPORT);
    for _ in 0..4 {
        world.run(900);
        world.caller_begins();
        world.run(180);
        world.caller_is(Verdict::Backchannel);
    }
    world.run(9_000);
    assert_eq!(world.ending_of(&report), Some(("spoken".into(), REPORT.into())));
}

/// livekit/agents#3418, #4413, #1613, pipecat#2941, dograh#561, AVA#417: the state says
/// "speaking", nothing is heard, and all waits for ever.
#[test]
fn a_voice_that_makes_no_sound_holds_nobody_up_for_ever() {
    let mut world = World::answered();
    world.voice_hangs = true;
    let mute = world.brain_says(Source::Responder, None, REPORT);
    let next = world.brain_says(Source::Responder, None, NOON);
    world.run(4_000);
    assert_eq!(ending(&world, &mute), "failed", "with the filler and the other voice tried");
    world.voice_hangs = false;
    world.run(6_000);
    assert!(world.ending_of(&next).is_some());
    let last = world.brain_says(Source::Responder, None, "I am here again.");
    world.run(4_000);
    assert_eq!(ending(&world, &last), "spoken");
}

/// The largest class of all, whoever names it: an answer to what nobody asks any more.
#[test]
fn an_answer_is_not_spoken_after_the_topic_has_moved() {
    let mut world = World::answered();
    world.caller_says("what time is it");
    world.caller_says("run the backup");
    let late = world.brain_says(Source::Worker, Some(1), NOON);
    let answer = world.brain_says(Source::Responder, Some(2), "Okay, I am starting it.");
    world.run(5_000);
    assert_eq!((ending(&world, &late), ending(&world, &answer)), ("stale".into(), "spoken".into()));
}
