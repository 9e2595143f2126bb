//! Short messages in, in the carrier's form.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use brain_protocol::{Channel, LineMessage, VERSION};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use xenline::http::CarrierKey;

use crate::bodies::assert_valid;
use crate::door::{House, wait_until};

#[test]
fn a_signed_message_is_taken_in_once_and_reaches_the_brain() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
    let key = CarrierKey::new(&STANDARD.encode(pair.public_key().as_ref()));
    let house = House::with(None, |settings| settings.carrier = key);
    house.text.brain_up(VERSION);
    let event = message("a1", "+4930123456", "run the backup");
    assert_valid("sms-webhook.schema.json", &event);
    assert_valid("sms-payload.schema.json", &event["data"]["payload"]);
    let body = event.to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let send = |time: u64| {
        let time = time.to_string();
        let signature = STANDARD.encode(pair.sign(format!("{time}|{body}").as_bytes()));
        let headers = [
            ("telnyx-timestamp", time.as_str()),
            ("telnyx-signature-ed25519", &signature),
            ("Authorization", "none"),
        ];
        house.ask("POST", "/webhooks/sms", &headers, body.as_bytes())
    };
    let first = send(now);
    assert_eq!(first.status, 200, "{}", first.body);
    assert_valid("sms-taken.schema.json", &first.json());
    assert_eq!(first.json(), json!({"id": "sms:main/1", "duplicate": false}));
    assert_eq!(send(now + 1).json()["duplicate"], json!(true), "a carrier repeats itself");
    assert_eq!(send(now - 1_000).status, 401, "a recording of it is not believed");
    let unsigned = house.post("/webhooks/sms", &event);
    assert_eq!(unsigned.status, 401, "the token is no signature");
    let told = wait_until("the brain to be told", || house.told.lock().unwrap().first().cloned());
    let LineMessage::TextMessage { from, text, channel, id, .. } = told else { panic!("{told:?}") };
    assert_eq!((from.as_str(), text.as_str()), ("+4930123456", "run the backup"));
    assert_eq!((channel, id.as_str()), (Channel::Sms, "sms:main/1"));
    assert_eq!(house.told.lock().unwrap().len(), 1);
}

#[test]
fn without_the_carriers_key_the_webhook_needs_the_token() {
    let house = House::open();
    let event = message("a1", "+49301", "hi");
    assert_eq!(house.post("/webhooks/sms", &event).status, 200);
    let body = event.to_string();
    let headers = [("Authorization", "none")];
    assert_eq!(house.ask("POST", "/webhooks/sms", &headers, body.as_bytes()).status, 401);
}

#[test]
fn other_events_and_wordless_messages_are_answered_and_left_alone() {
    let house = House::open();
    let report = json!({"data": {"event_type": "message.finalized", "payload": {"to": []}}});
    for event in [report, message("a1", "+49301", "")] {
        let answer = house.post("/webhooks/sms", &event);
        assert_eq!((answer.status, answer.json()), (200, json!({"duplicate": false})));
    }
    for broken in [
        json!({}),
        json!({"data": {"event_type": "message.received"}}),
        json!({"data": {"event_type": "message.received", "payload": {"id": "x"}}}),
        message("", "+49301", "hi"),
        message("a2", "", "hi"),
    ] {
        assert_eq!(house.post("/webhooks/sms", &broken).status, 400, "{broken}");
    }
}

/// As the carrier writes it.
fn message(id: &str, from: &str, text: &str) -> Value {
    json!({
        "data": {
            "event_type": "message.received",
            "id": "b301ed3f-1490-491f-995f-6e64e69674d4",
            "occurred_at": "2026-11-20T20:02:54.000Z",
            "payload": {
                "direction": "inbound",
                "encoding": "GSM-7",
                "from": {"carrier": "", "line_type": "long_code", "phone_number": from, "status": "webhook_delivered"},
                "id": id,
                "media": [],
                "parts": 1,
                "received_at": "2026-11-20T20:02:54.000Z",
                "record_type": "message",
                "text": text,
                "to": [{"phone_number": "+13125550100", "status": "webhook_delivered"}],
                "type": "SMS"
            },
            "record_type": "event"
        },
        "meta": {"attempt": 1, "delivered_to": "https://line.example.org/webhooks/sms"}
    })
}
