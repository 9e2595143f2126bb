//! A message and the line's death, at the two moments that matter: when it was accepted and has
//! not left, and when it has left and nobody has said so.

use std::time::Duration;

use xenline::config::LaneStoreKind;

use crate::gateway::{Gateway, Manner, Messages};
use crate::house::House;
use crate::support::{alone, wait_until};

/// The gateway is asked again after two seconds at first.
const SENT_WITHIN: Duration = Duration::from_secs(60);
const FIRST: &str = "message 0";

#[test]
fn what_was_accepted_and_had_not_left_when_the_line_died_leaves_once() {
    let _machine = alone();
    let (gateway, messages) = (Gateway::start(), Messages::default());
    let house = House::new(LaneStoreKind::Sqlite, &gateway.url);
    gateway.behave(Manner::IsBusy);
    die_over_a_message(&house, &gateway, &messages);
    gateway.behave(Manner::Takes);
    let line = house.start();
    wait_until("the message to leave", SENT_WITHIN, || {
        messages.lost(&gateway).is_empty().then_some(())
    });
    line.stop();
    assert_eq!(gateway.names_of(FIRST), 1);
}

#[test]
fn what_had_left_when_the_line_died_is_sent_again_under_its_name_and_no_other() {
    let _machine = alone();
    let (gateway, messages) = (Gateway::start(), Messages::default());
    let house = House::new(LaneStoreKind::Sqlite, &gateway.url);
    gateway.behave(Manner::IsSilent);
    die_over_a_message(&house, &gateway, &messages);
    gateway.behave(Manner::Takes);
    let asked = gateway.asked();
    let line = house.start();
    wait_until("the message to come again", SENT_WITHIN, || {
        (gateway.asked() > asked).then_some(())
    });
    line.stop();
    assert_eq!(gateway.names_of(FIRST), 1, "the gateway knows it as the same");
}

#[test]
fn what_had_left_when_the_line_died_is_not_sent_again_to_a_gateway_that_knows_no_repetition() {
    let _machine = alone();
    let (gateway, messages) = (Gateway::start(), Messages::default());
    let house = House::with(LaneStoreKind::Sqlite, &gateway.url, |config| {
        config.sms.recognises_repetitions = false;
    });
    gateway.behave(Manner::IsSilent);
    die_over_a_message(&house, &gateway, &messages);
    gateway.behave(Manner::Takes);
    let asked = gateway.asked();
    let line = house.start();
    // One after it, to another recipient, leaves; so whatever is to leave has had its time.
    messages.submit_one(house.door);
    wait_until("the next message to leave", SENT_WITHIN, || {
        messages.lost(&gateway).is_empty().then_some(())
    });
    line.stop();
    assert_eq!(gateway.asked(), asked + 1, "only the next one");
}

/// A life in which one message is accepted, and the gateway asked.
fn die_over_a_message(house: &House, gateway: &Gateway, messages: &Messages) {
    let mut line = house.start();
    messages.submit_one(house.door);
    assert_eq!(messages.accepted(), [FIRST]);
    wait_until("the gateway to be asked", SENT_WITHIN, || (gateway.asked() > 0).then_some(()));
    line.kill();
}
