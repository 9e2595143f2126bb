//! Timers, alarms and reminders, on a clock that is set by hand.

mod support;

use support::{Call, is_worker};
use xenline_brain::config::Config;

#[test]
fn a_timer_is_confirmed_and_rings_on_the_second() {
    let mut call = Call::new();
    assert_eq!(call.says("set a timer for ten minutes"), "Okay. Ten minutes, from now.");
    assert!(call.wait(599).is_empty());
    let said = call.wait(1);
    assert_eq!(said[0].text, "Your timer has ended. It was set to ten minutes.");
    assert!(is_worker(&said[0]) && said[0].turn.is_none());
    assert!(call.wait(3600).is_empty(), "it rings once");
}

#[test]
fn alarms_and_reminders_say_when_they_are_due() {
    let mut call = Call::new();
    for (said, answer) in [
        ("wake me up at seven thirty", "Okay. I wake you tomorrow at seven thirty."),
        ("set an alarm for monday at noon", "Okay. I wake you on Monday at noon."),
        ("remind me in two hours", "Okay. I remind you at ten thirty."),
        ("remind me to call john on tuesday", "Okay. I remind you on Tuesday at nine o'clock."),
        ("remind me to call john", "When? Say, remind me in ten minutes."),
        ("set an alarm", "For when? Say, set an alarm for seven thirty."),
    ] {
        assert_eq!(call.says(said), answer, "{said}");
    }
    assert_eq!(
        call.says("what is on for tuesday"),
        "One thing. On Tuesday at nine o'clock, a reminder to call John."
    );
    let said = call.wait(12 * 3600);
    assert_eq!(said[0].text, "A reminder. You wanted to do what you wanted.");
    assert_eq!(said[1].text, "Wake up, please. It is seven thirty in the morning.");
}

#[test]
fn a_reminder_with_a_text_says_it_to_the_caller() {
    let mut call = Call::new();
    call.says("remind me in ten minutes to water my plants");
    assert_eq!(call.wait(600)[0].text, "A reminder. You wanted to water your plants.");
}

#[test]
fn the_timer_meant_is_the_one_cancelled() {
    let mut call = Call::new();
    call.says("set a timer for ten minutes");
    call.says("set a timer for five minutes");
    assert_eq!(
        call.says("cancel the ten minute timer"),
        "Okay. The timer for ten minutes is cancelled."
    );
    assert_eq!(call.says("cancel the ten minute timer"), "There is no such timer.");
    assert_eq!(call.wait(3600).len(), 1);
}

#[test]
fn a_timer_that_ends_after_the_call_is_told_at_the_next() {
    let mut call = Call::new();
    call.says("set a timer for ten minutes");
    call.close();
    assert!(call.wait(700).is_empty());
    let said = call.open();
    assert_eq!(said.len(), 2);
    assert_eq!(
        said[1].text,
        "While you were away. Your timer has ended. It was set to ten minutes."
    );
    call.close();
    assert_eq!(call.open().len(), 2, "it was not heard, so it is told again");
}

#[test]
fn what_was_heard_is_not_told_again() {
    let mut call = Call::new();
    call.says("set a timer for ten minutes");
    call.close();
    call.wait(700);
    let said = call.open();
    call.ended(&said[1].claim, brain_protocol::ClaimEnding::Spoken, &said[1].text);
    call.close();
    assert_eq!(call.open().len(), 1);
}

#[test]
fn timers_outlive_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.json");
    let mut call = Call::new();
    call.says("set a timer for ten minutes");
    call.says("take a note buy milk");
    call.mind.memory().save(&path).unwrap();

    let memory = xenline_brain::memory::Memory::load(&path).unwrap();
    let mut next = Call::before_the_call(Config::builtin(), memory);
    next.open();
    assert_eq!(next.says("read my notes"), "One note. Buy milk.");
    assert_eq!(next.wait(600).len(), 1);
}

#[test]
fn there_is_an_end_to_timers_and_notes_and_the_caller_is_told() {
    let mut call = Call::new();
    for _ in 0..100 {
        call.says("set a timer for ten minutes");
        call.says("take a note buy milk");
    }
    assert!(call.says("set a timer for ten minutes").starts_with("I cannot keep more timers"));
    assert!(call.says("take a note buy milk").starts_with("I cannot keep more notes"));
}

#[test]
fn a_state_file_that_is_none_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.json");
    std::fs::write(&path, "what").unwrap();
    let error = xenline_brain::memory::Memory::load(&path).unwrap_err().to_string();
    assert!(error.contains("state.json") && error.contains("move it away"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "what");
}
