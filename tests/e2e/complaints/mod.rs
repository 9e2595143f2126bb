//! What users of voice agents complain about most, each as a call over real sockets: the caller
//! speaks, the line hears, and what came back is measured. Why these, and where the rest is shown:
//! see the table in `tests/scenarios.rs`.
//!
//! Calls that run at the same time share a line.

mod house;
mod tones;

use std::time::Duration;

use xenline::control::{Reply, Request, SayRequest, client};
use xenline::report::{CallEvent, EndingKind, VerdictKind};

use self::house::{Caller, House, RTP_TIMEOUT_S, clock_us, within};
use self::tones::{STEP_FRAMES, STEPS, ladder, steps_in};
use crate::support::figure;
use crate::support::process::{children, kill};
use crate::support::sound::{recorded, words_in};

/// What is under way in the network and in the phone's own thread.
const UNDER_WAY_US: i64 = 100_000;
/// The line takes so long at most to know that somebody speaks, on a busy machine.
const NOTICED_US: i64 = 400_000;

fn a_while() {
    std::thread::sleep(Duration::from_millis(1_500));
}

#[test]
fn the_same_answer_is_not_heard_twice() {
    let house = House::shared();
    let caller = Caller::greeted(&house, "says-it-twice");
    caller.says(&recorded("what time is it"));
    caller.turn("what time is it");
    assert_eq!(caller.wait_ended("the answer", "I am still here."), EndingKind::Spoken);
    caller.wait_never_heard("the worker's repetition", EndingKind::Duplicate);
    a_while();
    let heard = words_in(&caller.phone.media.heard());
    figure(format!("double speech: the line was heard to say {heard:?}"));
    assert_eq!(heard.len(), 2, "a greeting and one answer: {heard:?}");
    caller.hangs_up();
}

#[test]
fn what_nobody_asks_any_more_is_not_answered() {
    let house = House::shared();
    let caller = Caller::greeted(&house, "answers-late");
    caller.says(&recorded("what is the status"));
    caller.turn("what is the status");
    caller.says(&recorded("hello"));
    caller.turn("hello");
    assert_eq!(caller.wait_ended("the answer", "I can hear you."), EndingKind::Spoken);
    caller.wait_never_heard("the late answer", EndingKind::Stale);
    a_while();
    let heard = words_in(&caller.phone.media.heard());
    figure(format!("stale answer: the line was heard to say {heard:?}"));
    assert_eq!(heard.len(), 2, "a greeting and one answer: {heard:?}");
    assert_eq!(heard.last().map(String::as_str), Some("i can hear you"));
    caller.hangs_up();
}

#[test]
fn a_tool_that_never_comes_back_does_not_take_the_line_with_it() {
    let house = House::shared();
    let caller = Caller::greeted(&house, "never-finishes");
    caller.says(&recorded("run the backup"));
    caller.turn("run the backup");
    assert_eq!(caller.wait_ended("its acknowledgement", "One moment please."), EndingKind::Spoken);
    a_while();
    caller.says(&recorded("hello"));
    caller.turn("hello");
    assert_eq!(caller.wait_ended("the next answer", "I can hear you."), EndingKind::Spoken);
    a_while();
    let heard = words_in(&caller.phone.media.heard());
    figure(format!("stuck tool: the line was heard to say {heard:?}"));
    assert_eq!(heard.last().map(String::as_str), Some("i can hear you"));
    caller.hangs_up();
}

#[test]
fn an_interruption_ends_all_that_was_queued_and_not_only_what_was_playing() {
    let house = House::shared();
    let caller = Caller::greeted(&house, "has-much-to-say");
    caller.says(&recorded("help"));
    let turn = caller.turn("help");
    let claims = || {
        let events = caller.events();
        let of_turn = events.into_iter().filter_map(move |(_, event)| match event {
            CallEvent::ClaimAccepted { claim, turn: Some(of), .. } if of == turn => Some(claim),
            _ => None,
        });
        of_turn.collect::<Vec<_>>()
    };
    within("the first of them to be heard", || {
        let begun = |(_, event): &(f64, CallEvent)| matches!(event, CallEvent::FirstSample { claim } if claims().contains(claim));
        caller.events().iter().any(begun).then_some(())
    });
    std::thread::sleep(Duration::from_millis(700));
    let (_, said) = caller.says(&recorded("stop"));
    caller.turn("stop");
    std::thread::sleep(Duration::from_secs(3));
    let after = caller.sounds_between(said + UNDER_WAY_US + NOTICED_US, clock_us());
    let events = caller.events();
    let how = |id: &String| {
        events.iter().find_map(|(_, event)| match event {
            CallEvent::ClaimEnded { claim, ending, .. } if claim == id => Some(*ending),
            _ => None,
        })
    };
    let endings: Vec<_> = claims().iter().map(how).collect();
    figure(format!("barge-in: {endings:?}, then {after} packets with sound in 3 s"));
    assert_eq!(endings, [Some(EndingKind::Interrupted); 4]);
    assert_eq!(after, 0, "packets with sound after the interruption");
    caller.hangs_up();
}

#[test]
fn nobody_is_talked_over() {
    let house = House::shared();
    let caller = Caller::greeted(&house, "talks-over");
    let long = [recorded("what is the status"), recorded("what time is it")].concat();
    let (from, to) = caller.says(&long);
    let ending = caller.wait_ended("what it wanted to say", "Run the backup.");
    let over = caller.sounds_between(from, to);
    figure(format!(
        "talking over: {over} packets with sound in {} ms of the caller's speech",
        (to - from) / 1_000
    ));
    assert_eq!(over, 0, "packets with sound while the caller spoke");
    // It was wanted, and comes when the caller has finished.
    assert_eq!(ending, EndingKind::Spoken);
    caller.hangs_up();
}

#[test]
fn its_own_echo_does_not_interrupt_it() {
    let house = House::shared();
    let caller = Caller::silent(&house, "reports");
    caller.phone.media.echo(Duration::from_millis(120));
    caller.phone.media.send_to(caller.phone.line_rtp);
    let long = caller.wait("the report", |_, event| match event {
        CallEvent::ClaimAccepted { text, .. } if text.starts_with("The backup") => {
            Some(text.clone())
        }
        _ => None,
    });
    let ending = caller.wait_ended("the report's ending", &long);
    a_while();
    let onsets = caller.events().iter().filter(|(_, e)| matches!(e, CallEvent::Onset)).count();
    let echoed = caller.phone.media.echoed();
    figure(format!(
        "echo: {echoed} packets with the line's own sound, {onsets} onsets, {} turns, the report \
         ended {ending}",
        caller.turns()
    ));
    assert!(echoed > 200, "it did come back: {echoed} packets");
    assert_eq!((ending, caller.turns()), (EndingKind::Spoken, 0));
    caller.hangs_up();
}

#[test]
fn mm_hm_takes_nothing_away_from_what_is_being_said() {
    let house = House::shared();
    let caller = Caller::greeted(&house, "listens");
    let (frames, falls) = ladder_with(&house, &caller, "uh-huh", |caller| {
        caller.says(&recorded("uh huh"));
    });
    let verdicts = caller.verdicts();
    figure(format!("backchannel: {verdicts:?}; packets of each step of the ladder: {frames:?}"));
    assert_eq!(verdicts, [VerdictKind::Backchannel], "it was noticed");
    assert_eq!(caller.turns(), 0, "it was no turn");
    whole(&frames, falls);
    caller.hangs_up();
}

#[test]
fn what_was_cut_off_goes_on_where_it_was_cut_and_nothing_of_it_is_lost() {
    let house = House::shared();
    let caller = Caller::greeted(&house, "listens");
    let (frames, falls) = ladder_with(&house, &caller, "what time", |caller| {
        caller.says(&recorded("what time is it"));
        caller.turn("what time is it");
    });
    let verdicts = caller.verdicts();
    figure(format!("cut and resumed: {verdicts:?}; packets of each step: {frames:?}"));
    assert_eq!(verdicts, [VerdictKind::Speech], "it was cut");
    whole(&frames, falls);
    caller.hangs_up();
}

#[test]
fn neither_sides_first_words_are_clipped() {
    let house = House::shared();
    let greeted = Caller::greeted(&house, "listens");
    let greeting = words_in(&greeted.phone.media.heard());
    greeted.hangs_up();
    // The first packet that the line gets already has the first word in it.
    let caller = Caller::silent(&house, "picks-up");
    let media = &caller.phone.media;
    std::thread::scope(|scope| {
        scope.spawn(|| media.say(&recorded("what time is it")));
        std::thread::sleep(Duration::from_millis(30));
        media.send_to(caller.phone.line_rtp);
    });
    caller.turn("what time is it");
    figure(format!("pick-up: the greeting was heard as {greeting:?}, the question whole"));
    assert_eq!(greeting, ["good morning"]);
    caller.hangs_up();
}

#[test]
fn a_caller_who_vanishes_is_no_call_for_ever() {
    let house = House::shared();
    let caller = Caller::greeted(&house, "vanishes");
    let vanished = std::time::Instant::now();
    caller.phone.vanish();
    caller.wait("the call to be closed", |_, event| match event {
        CallEvent::CallClosed(closed) => Some(closed.hangup_by.clone()),
        _ => None,
    });
    let after = vanished.elapsed();
    figure(format!("stuck call: given up {after:.1?} after the last packet"));
    // Since its last packet, which left a moment before.
    let moment = Duration::from_millis(500);
    assert!(after + moment >= Duration::from_secs(RTP_TIMEOUT_S), "before its time: {after:?}");
    let file = house.line().config.cdr.path.clone().expect("the tests name one");
    within("a record that says why", || {
        let records = std::fs::read_to_string(&file).unwrap_or_default();
        let of_call = |record: &&str| record.contains("\"to\":\"******es\"");
        let record = records.lines().find(of_call)?.to_owned();
        record.contains("\"reason\":\"Media timeout\"").then_some(())
    });
}

#[test]
fn who_speaks_into_the_silence_of_a_dead_brain_is_told_to_wait() {
    let house = House::open();
    let caller = Caller::greeted(&house, "listens");
    house.brain_stays_away();
    for brain in children(house.line().pid(), "python3") {
        kill(brain, libc::SIGKILL);
    }
    caller.wait("the loss to be noticed", |_, event| {
        matches!(event, CallEvent::BrainDown { .. }).then_some(())
    });
    let (_, asked) = caller.says(&recorded("what time is it"));
    let ending = caller.wait_ended("a word from the line itself", "One moment please.");
    within("its sound", || (caller.sounds_between(asked, clock_us()) > 20).then_some(()));
    a_while();
    let heard = words_in(&caller.phone.media.heard());
    figure(format!("dead air: the caller heard {heard:?}"));
    assert_eq!(ending, EndingKind::Spoken);
    assert_eq!(heard.last().map(String::as_str), Some("one moment please"));
    caller.hangs_up();
    house.brain_may_come_back();
}

/// Has the ladder played to `caller`, who does something when a quarter of it was heard; how much
/// of each step came, and whether anything came out of order.
fn ladder_with(
    house: &House,
    caller: &Caller<'_>,
    name: &str,
    act: impl FnOnce(&Caller<'_>),
) -> ([usize; STEPS], bool) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let socket = house.line().config.say.socket.clone().expect("the tests name one");
    let wish = SayRequest {
        wav: Some(ladder(dir.path())),
        line: Some(caller.id().0),
        must_deliver: true,
        wait: true,
        ..SayRequest::text(format!("a ladder for {name}"))
    };
    std::thread::scope(|scope| {
        let played = scope.spawn(move || {
            let mut ending = String::new();
            client::ask(&socket, &Request::Say(wish), |reply| match reply {
                Reply::Ended { ending: how, .. } => ending = how,
                Reply::Refused { message, .. } => panic!("refused: {message}"),
                _ => {}
            })
            .expect("the line answers");
            ending
        });
        let heard = || steps_in(&caller.phone.media.heard()).0.iter().sum::<usize>();
        within("a quarter of the ladder", || (heard() > STEPS * STEP_FRAMES / 4).then_some(()));
        act(caller);
        assert_eq!(played.join().expect("no panic"), "spoken");
    });
    std::thread::sleep(Duration::from_millis(300));
    steps_in(&caller.phone.media.heard())
}

/// Every step was heard once, in order. Where it was held a packet may be half of it and count for
/// neither, or be sent once more.
fn whole(frames: &[usize; STEPS], falls: bool) {
    assert!(!falls, "a step came again: {frames:?}");
    let all: usize = frames.iter().sum();
    let most = STEP_FRAMES + 3;
    assert!(frames.iter().all(|step| (STEP_FRAMES - 4..=most).contains(step)), "{frames:?}");
    assert!(all.abs_diff(STEPS * STEP_FRAMES) <= 2 * STEPS, "{all} packets: {frames:?}");
}
