//! The schemas say what the door does: bodies made at random, good and not quite, are taken or
//! refused as their schema says, and every answer is what its own schema says.

use serde_json::{Map, Value, json};
use xenline::http::Rate;

use crate::bodies::{assert_valid, validator};
use crate::door::{Answer, House};

const SAMPLES: usize = 400;
/// What is seldom right, and what is nearly so. A schema counts characters and the door bytes, so
/// long ones are ASCII.
const TEXTS: [&str; 16] = [
    "hi",
    "run the backup",
    "+4930123456",
    "typed:main/1",
    "ümlaut",
    "",
    " ",
    "\t\r\n",
    "\u{85}\u{a0}",
    "\u{2003}\u{3000}",
    "\u{feff}",
    "\u{200b}",
    "two\nlines",
    "\u{7f}",
    "\u{9b}31m",
    "hi\n",
];

#[test]
fn what_is_posted_in_a_lane_is_taken_or_refused_as_its_schema_says() {
    let fields = [("text", 9), ("from", 6), ("form", 1)];
    check("/lanes/typed", "lane-posted.schema.json", |dice| {
        let body = object(dice, &fields);
        let good = validator("lane-post.schema.json").is_valid(&body);
        (body, good)
    });
}

#[test]
fn what_is_to_leave_is_taken_or_refused_as_its_schema_says() {
    let fields = [("channel", 9), ("to", 9), ("text", 9), ("trigger", 3), ("dedup_key", 3)];
    check("/lanes/xen-out", "send-answer.schema.json", |dice| {
        let mut body = object(dice, &[&fields[..], &[("ttl_s", 3), ("tag", 1)]].concat());
        if dice.one_in(2) {
            body["channel"] = json!("chat");
        }
        let good = validator("send.schema.json").is_valid(&body);
        (body, good)
    });
}

#[test]
fn what_the_carrier_brings_is_taken_or_refused_as_its_schemas_say() {
    let event = validator("sms-webhook.schema.json");
    let message = validator("sms-payload.schema.json");
    check("/webhooks/sms", "sms-taken.schema.json", |dice| {
        let mut payload = object(dice, &[("id", 9), ("text", 7), ("from", 1), ("parts", 2)]);
        if dice.one_in(8) {
            payload = dice.value();
        } else if !dice.one_in(8) {
            payload["from"] = object(dice, &[("phone_number", 9), ("carrier", 2)]);
        }
        let kind = if dice.one_in(5) { "message.finalized" } else { "message.received" };
        let mut body = json!({"data": {"event_type": kind, "payload": payload}, "meta": {}});
        if dice.one_in(12) {
            body["data"] = dice.value();
        }
        let received = body["data"]["event_type"] == "message.received";
        let good =
            event.is_valid(&body) && (!received || message.is_valid(&body["data"]["payload"]));
        (body, good)
    });
}

/// Posts what `make` makes, and whether that is good by its schema.
fn check(path: &str, answered: &str, mut make: impl FnMut(&mut Dice) -> (Value, bool)) {
    let house = House::with(None, |settings| {
        (settings.each, settings.all) = (Rate { burst: 100_000, per_minute: 1 }, WIDE);
    });
    let (mut dice, mut taken, mut refused) = (Dice(1), 0, 0);
    for _ in 0..SAMPLES {
        let (body, good) = make(&mut dice);
        let answer: Answer = house.post(path, &body);
        assert_eq!(answer.status != 400, good, "{body} is answered {answer:?}");
        match answer.status {
            200..300 => {
                assert_valid(answered, &answer.json());
                taken += 1;
            }
            _ => {
                assert_valid("problem.schema.json", &answer.json());
                refused += 1;
            }
        }
    }
    println!("{path}: {taken} taken, {refused} refused");
    assert!(taken.min(refused) > SAMPLES / 20, "{taken} taken, {refused} refused");
}

const WIDE: Rate = Rate { burst: 1_000_000, per_minute: 1 };

/// Each of these fields, as many times in ten as is said, with whatever comes.
fn object(dice: &mut Dice, fields: &[(&str, u64)]) -> Value {
    let mut object = Map::new();
    for (name, in_ten) in fields {
        if dice.below(10) < *in_ten {
            object.insert((*name).to_owned(), dice.field(name));
        }
    }
    Value::Object(object)
}

/// SplitMix64: seeded, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    fn text(&mut self) -> String {
        match self.below(20) {
            0 => "x".repeat(128),
            1 => "x".repeat(129),
            2..10 => TEXTS[self.below(5) as usize].into(),
            _ => TEXTS[self.below(TEXTS.len() as u64) as usize].into(),
        }
    }

    /// Mostly of the right kind.
    fn field(&mut self, name: &str) -> Value {
        if self.one_in(10) {
            return self.value();
        }
        match name {
            "channel" => json!(["chat", "sms", "fax", "Chat"][self.below(4) as usize]),
            "ttl_s" => json!([0, 60, u64::from(u32::MAX), 1 << 32][self.below(4) as usize]),
            _ => json!(self.text()),
        }
    }

    fn value(&mut self) -> Value {
        let values =
            [json!(null), json!(true), json!(7), json!(-1), json!(1.5), json!([]), json!({})];
        values[self.below(7) as usize].clone()
    }
}
