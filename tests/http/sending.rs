//! What leaves: once, tagged, and with one ending, over a gateway of our own.

use std::time::Duration;

use brain_protocol::{BrainMessage, Channel, LineMessage, MessageEnding, MessageId, Send, VERSION};
use serde_json::json;
use xenline::text::SmsGateway;

use crate::bodies::assert_valid;
use crate::door::{House, wait_until};
use crate::gateway::{Gateway, Manner};

#[test]
fn two_producers_that_react_to_one_trigger_send_one_message() {
    let house = House::open();
    let mut events = house.events("/lanes/xen-out/events", &[]);
    let react = |text| {
        let message =
            json!({"channel": "chat", "to": "ann", "text": text, "trigger": "typed:main/1"});
        assert_valid("send.schema.json", &message);
        house.post("/lanes/xen-out", &message)
    };
    let (first, second) = (react("On it."), react("I am on it!"));
    assert_eq!((first.status, second.status), (202, 200));
    assert_valid("send-answer.schema.json", &first.json());
    assert_valid("send-answer.schema.json", &second.json());
    assert_eq!(second.json()["ending"], "duplicate");
    let (_, _, left) = events.next();
    assert_valid("sent-event.schema.json", &left);
    assert_eq!(left["text"], "On it.");
    let other =
        json!({"channel": "chat", "to": "bob", "text": "On it.", "trigger": "typed:main/1"});
    assert_eq!(house.post("/lanes/xen-out", &other).status, 202, "another recipient");
    assert_eq!(events.next().2["to"], "bob", "and nothing came in between");
}

#[test]
fn a_request_to_send_that_is_repeated_under_its_key_sends_once() {
    let house = House::open();
    let ask = |key: &str, body: &serde_json::Value| {
        let headers = [("Idempotency-Key", key)];
        house.ask("POST", "/lanes/xen-out", &headers, body.to_string().as_bytes())
    };
    // In other words each time, so that it is the key that tells.
    let say = |text| json!({"channel": "chat", "to": "ann", "text": text});
    assert_eq!(ask("7f3c", &say("It is four.")).status, 202);
    let again = ask("7f3c", &say("It is a minute past four."));
    assert_eq!((again.status, again.json()["ending"].as_str()), (200, Some("duplicate")));
    assert_eq!(ask("7f3d", &say("It is five.")).status, 202);
    assert_eq!(ask(&"7".repeat(125), &say("It is six.")).status, 400);
}

#[test]
fn what_the_brain_sends_without_a_tag_or_with_a_strange_one_is_refused_with_the_reason() {
    let house = House::open();
    for (name, tag) in [("m-1", ""), ("m-2", "fax machine")] {
        let message = Send { tag: tag.into(), ..send(name, Channel::Chat, "ann", "Hello.") };
        house.text.brain(BrainMessage::Send(message));
        let (ending, reason) = ended(&house, name);
        assert_eq!(ending, MessageEnding::Refused);
        assert!(reason.is_some_and(|it| it.contains("tag")), "{tag:?}");
    }
    house.text.brain(BrainMessage::Send(send("m-3", Channel::Unknown, "ann", "Hello.")));
    assert_eq!(ended(&house, "m-3").0, MessageEnding::Refused);
    house.text.brain(BrainMessage::Send(send("m-4", Channel::Sms, "+1", "Hello.")));
    let (ending, reason) = ended(&house, "m-4");
    assert_eq!(ending, MessageEnding::Refused);
    assert!(reason.is_some_and(|it| it.contains("[sms] url")), "it says what to set");
    let refused = json!({"channel": "sms", "to": "+1", "text": "Hello."});
    assert_eq!(house.post("/lanes/xen-out", &refused).status, 422);
}

#[test]
fn a_short_message_goes_to_the_gateway_once_and_its_ending_comes_back() {
    let gateway = Gateway::answering(&[200]);
    let house = House::with(Some(gateway.settings(false)), |_| {});
    house.text.brain(BrainMessage::Send(send("m-1", Channel::Sms, "+49301", "Done.")));
    assert_eq!(ended(&house, "m-1"), (MessageEnding::Sent, None));
    let asked = gateway.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].body, json!({"from": "+13125550100", "to": "+49301", "text": "Done."}));
    assert!(
        asked[0].head.contains("authorization: bearer key of the gateway"),
        "{}",
        asked[0].head
    );
    assert!(asked[0].head.contains("idempotency-key: m-1"), "{}", asked[0].head);
    let mut events = house.events("/lanes/xen-out/events?after=0", &[]);
    assert_eq!(events.next().2["channel"], "sms", "what left is read where everything leaves");
}

#[test]
fn a_gateway_that_is_busy_is_tried_again_and_one_that_refuses_is_not() {
    let gateway = Gateway::answering(&[429, 503, 200, 422]);
    let house = House::with(Some(gateway.settings(false)), |_| {});
    house.text.brain(BrainMessage::Send(send("m-1", Channel::Sms, "+49301", "First.")));
    assert_eq!(ended(&house, "m-1").0, MessageEnding::Sent);
    house.text.brain(BrainMessage::Send(send("m-2", Channel::Sms, "+49301", "Second.")));
    let (ending, reason) = ended(&house, "m-2");
    assert_eq!(ending, MessageEnding::Failed);
    assert!(reason.as_ref().is_some_and(|it| it.contains("422")), "{reason:?}");
    assert_eq!(gateway.asked().len(), 4);
}

#[test]
fn what_may_have_been_sent_is_not_posted_again_unless_the_gateway_recognises_it() {
    for (recognises, tries, wanted) in
        [(false, 1, MessageEnding::Failed), (true, 2, MessageEnding::Sent)]
    {
        let gateway = Gateway::answering(&[500, 200]);
        let house = House::with(Some(gateway.settings(recognises)), |_| {});
        house.text.brain(BrainMessage::Send(send("m-1", Channel::Sms, "+49301", "Once.")));
        assert_eq!(ended(&house, "m-1").0, wanted);
        assert_eq!(gateway.asked().len(), tries);
    }
}

#[test]
fn what_may_have_been_sent_is_not_sent_by_somebody_else_who_reacts_to_the_same() {
    let gateway = Gateway::answering(&[500, 200]);
    let house = House::with(Some(gateway.settings(false)), |_| {});
    let reacts = |name, text| Send {
        trigger: Some("typed:main/1".into()),
        ..send(name, Channel::Sms, "+49301", text)
    };
    house.text.brain(BrainMessage::Send(reacts("m-1", "On it.")));
    let (ending, reason) = ended(&house, "m-1");
    assert_eq!(ending, MessageEnding::Failed);
    assert!(reason.as_ref().is_some_and(|it| it.contains("may have been sent")), "{reason:?}");
    house.text.brain(BrainMessage::Send(reacts("m-2", "I am on it!")));
    assert_eq!(ended(&house, "m-2").0, MessageEnding::Duplicate);
    assert_eq!(gateway.asked().len(), 1);
}

#[test]
fn a_gateway_that_says_when_to_come_again_is_not_asked_before() {
    let gateway = Gateway::behaving(vec![Manner::NotBefore(1)]);
    let house = House::with(Some(gateway.settings(false)), |_| {});
    house.text.brain(BrainMessage::Send(send("m-1", Channel::Sms, "+49301", "Patience.")));
    assert_eq!(ended(&house, "m-1").0, MessageEnding::Sent);
    let asked = gateway.asked();
    let waited = asked[1].at - asked[0].at;
    assert!(waited >= Duration::from_secs(1), "asked again after {waited:?}");
}

#[test]
fn a_gateway_that_hangs_holds_up_short_messages_alone_and_each_ends_once() {
    for (recognises, tries, wanted) in
        [(false, 1, MessageEnding::Failed), (true, 2, MessageEnding::Sent)]
    {
        let gateway = Gateway::behaving(vec![Manner::Hang]);
        let patience = Duration::from_millis(300);
        let settings = SmsGateway { try_within: patience, ..gateway.settings(recognises) };
        let house = House::with(Some(settings), |_| {});
        house.text.brain(BrainMessage::Send(send("m-1", Channel::Sms, "+49301", "Hello.")));
        house.text.brain(BrainMessage::Send(send("m-2", Channel::Chat, "ann", "Hello.")));
        assert_eq!(ended(&house, "m-2").0, MessageEnding::Sent);
        let (ending, reason) = ended(&house, "m-1");
        assert_eq!(ending, wanted, "{reason:?}");
        let asked = gateway.asked();
        let keys = asked.iter().filter(|it| it.head.contains("idempotency-key: m-1"));
        assert_eq!(keys.count(), tries, "under the same name each time");
        house.text.brain(BrainMessage::Send(send("m-3", Channel::Sms, "+49301", "Goodbye.")));
        assert_eq!(ended(&house, "m-3").0, MessageEnding::Sent, "it goes on");
        let told = house.told.lock().unwrap();
        let endings = told.iter().filter(|it| matches!(it, LineMessage::MessageEnded { .. }));
        assert_eq!(endings.count(), 3);
    }
}

#[test]
fn a_message_whose_time_is_over_before_the_gateway_is_free_does_not_leave() {
    let gateway = Gateway::answering(&[429, 200, 200]);
    let slow = SmsGateway { pause: Duration::from_millis(300), ..gateway.settings(false) };
    let house = House::with(Some(slow), |_| {});
    house.text.brain(BrainMessage::Send(send("m-1", Channel::Sms, "+49301", "First.")));
    let late = Send { ttl_ms: Some(1), ..send("m-2", Channel::Sms, "+49301", "Stale.") };
    house.text.brain(BrainMessage::Send(late));
    assert_eq!(ended(&house, "m-2").0, MessageEnding::Expired);
    assert_eq!(ended(&house, "m-1").0, MessageEnding::Sent);
}

#[test]
fn a_brain_that_has_no_words_for_messages_is_given_none() {
    let house = House::open();
    house.text.brain_up(brain_protocol::Version { minor: 0, ..VERSION });
    house.post("/lanes/typed", &json!({"text": "hello"}));
    house.text.brain_down();
    house.text.brain_up(VERSION);
    let told = wait_until("the message", || house.told.lock().unwrap().first().cloned());
    assert!(matches!(told, LineMessage::TextMessage { .. }), "{told:?}");
}

fn send(name: &str, channel: Channel, to: &str, text: &str) -> Send {
    Send::new(MessageId::new(name).unwrap(), channel, to, text)
}

/// How the brain's message ended.
fn ended(house: &House, name: &str) -> (MessageEnding, Option<String>) {
    wait_until(&format!("the ending of {name}"), || {
        let told = house.told.lock().unwrap();
        told.iter().find_map(|message| match message {
            LineMessage::MessageEnded { message, ending, reason } if message.as_str() == name => {
                Some((*ending, reason.clone()))
            }
            _ => None,
        })
    })
}
