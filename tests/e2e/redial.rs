//! A carrier that drops calls: who calls again goes on with the conversation.

use std::time::Duration;

use xenline::report::{CallEvent, EndingKind};

use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::sound::recorded;
use crate::support::{alone, figure, wait_until};

const STEP: Duration = Duration::from_secs(30);

fn heard(mark: usize, line: &Serving, what: &str, is: impl Fn(&str) -> bool) -> String {
    line.wait(what, mark, STEP, |_, event| match event {
        CallEvent::ClaimEnded { ending: EndingKind::Spoken, heard_text, .. } => {
            is(heard_text).then(|| heard_text.clone())
        }
        _ => None,
    })
}

#[test]
fn a_caller_whom_the_carrier_dropped_hears_the_rest_on_redial_and_a_stranger_does_not() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let phone = Phone::call_as(line.sip, "+15551234567");
    heard(0, &line, "the greeting", |text| text.contains("How can I help"));
    phone.media.say(&recorded("what time is it"));
    line.turn("what time is it", 0);
    let answering = |_, event: &CallEvent| match event {
        CallEvent::ClaimAccepted { turn: Some(_), claim, .. } => Some(claim.clone()),
        _ => None,
    };
    let answer = line.wait("its answer", 0, STEP, answering);
    line.wait("its first sound", 0, STEP, |_, event| match event {
        CallEvent::FirstSample { claim } if *claim == answer => Some(()),
        _ => None,
    });
    phone.dropped_by_the_carrier();
    line.folder();

    let mark = line.mark();
    let stranger = Phone::call_as(line.sip, "+15557654321");
    let greeted = heard(mark, &line, "a stranger's greeting", |text| !text.is_empty());
    assert!(!greeted.contains("cut off"), "{greeted}");
    stranger.hang_up();

    let mark = line.mark();
    let again = Phone::call_as(line.sip, "+15551234567");
    let back = heard(mark, &line, "the rest", |text| text.contains("cut off"));
    figure(format!("on redial: {back:?}"));
    assert!(back.contains("I was saying"), "what was not heard is said: {back}");
    // Goodbye this time: the third call is a new one.
    again.hang_up();
    let mark = line.mark();
    let third = Phone::call_as(line.sip, "+15551234567");
    let greeted = heard(mark, &line, "a new greeting", |text| !text.is_empty());
    assert!(greeted.contains("How can I help"), "{greeted}");
    third.hang_up();
    line.stop();
}

#[test]
fn callers_who_hide_their_number_are_not_taken_for_one_another() {
    let _machine = alone();
    let line = Serving::agent(|_| {});
    let phone = Phone::call_as(line.sip, "anonymous");
    heard(0, &line, "the greeting", |text| text.contains("How can I help"));
    phone.dropped_by_the_carrier();
    line.folder();
    let mark = line.mark();
    let other = Phone::call_as(line.sip, "anonymous");
    let greeted = heard(mark, &line, "a greeting", |text| !text.is_empty());
    assert!(greeted.contains("How can I help"), "{greeted}");
    other.hang_up();
    line.stop();
}

#[test]
fn whoever_calls_again_while_the_dead_call_still_stands_goes_on_with_it_on_its_channel() {
    let _machine = alone();
    let line = Serving::agent(|config| {
        config.sip.channels = 1;
        config.line.redial_quiet_s = 1;
        // Nothing else would end the dead call within this test.
        config.rtp.timeout_s = 600;
    });
    let phone = Phone::call_as(line.sip, "+15551234567");
    heard(0, &line, "the greeting", |text| text.contains("How can I help"));
    phone.media.say(&recorded("what time is it"));
    line.turn("what time is it", 0);
    let mark = line.mark();
    // From one moment to the next: no goodbye, no sound.
    phone.vanish();
    heard(mark, &line, "an answer into the void", |text| !text.is_empty());
    assert_eq!(Phone::try_call_as(line.sip, "+15557654321").err(), Some(486), "one channel");

    let mark = line.mark();
    let again = wait_until("the call to be known for dead", STEP, || {
        Phone::try_call_as(line.sip, "+15551234567").ok()
    });
    let back = heard(mark, &line, "the rest", |text| text.contains("cut off"));
    figure(format!("on redial over the dead call: {back:?}"));
    assert!(back.contains("I was saying"), "what was said into the void is said again: {back}");
    assert_eq!(line.open_calls(), 1, "the dead one is over");
    again.hang_up();
    line.stop();
}
