//! Lanes read as they go on.

use std::time::Duration;

use lane_broker::{Lane, Retention, Tag};
use serde_json::json;

use crate::door::House;

#[test]
fn a_stream_begins_with_what_comes_next_or_at_the_start_if_asked() {
    let house = House::open();
    house.post("/lanes/typed", &json!({"text": "old", "from": "ann"}));
    let mut live = house.events("/lanes/typed/events", &[]);
    let mut whole = house.events("/lanes/typed/events?after=0", &[]);
    // Its head has come, so the stream has its place in the lane.
    house.post("/lanes/typed", &json!({"text": "new", "from": "ann"}));
    let (kind, id, data) = live.next();
    assert_eq!((kind.as_str(), id), ("message", 2));
    assert_eq!(data, json!({"text": "new", "from": "ann"}));
    assert_eq!(whole.next().2["text"], "old");
    assert_eq!(whole.next().2["text"], "new");
}

#[test]
fn a_reader_that_was_away_goes_on_after_its_last_event_and_misses_none() {
    let house = House::open();
    for n in 1..=200 {
        house.text.post("in", None, &written(n)).expect("kept");
    }
    let mut first = house.events("/lanes/in/events?after=0", &[]);
    let seen: Vec<u64> = (0..70).map(|_| first.next().1).collect();
    drop(first);
    let last = seen[69].to_string();
    let mut second = house.events("/lanes/in/events", &[("Last-Event-ID", &last)]);
    let rest: Vec<u64> = (0..130).map(|_| second.next().1).collect();
    let all: Vec<u64> = seen.into_iter().chain(rest).collect();
    assert_eq!(all, (1..=200).collect::<Vec<_>>());
}

#[test]
fn a_reader_whose_lane_is_lost_under_it_is_told_and_reads_what_comes_then() {
    let house = House::open();
    for n in 1..=3 {
        house.text.post("fax", None, &written(n)).expect("kept");
    }
    let mut events = house.events("/lanes/fax/events?after=0", &[]);
    (1..=3).for_each(|n| assert_eq!(events.next().1, n));
    let tag = house.text.tags().parse("fax").expect("a tag");
    house.store.remove(&Lane::new(tag, "main").expect("a lane")).expect("a store");
    house.text.post("fax", None, &written(4)).expect("kept");
    let (kind, _, data) = events.next();
    assert_eq!((kind.as_str(), data), ("reset", json!({"last": 1})));
    let (kind, id, _) = events.next();
    assert_eq!((kind.as_str(), id), ("message", 1));
}

#[test]
fn what_the_lane_has_forgotten_is_told_as_a_gap() {
    let house = House::open();
    for n in 1..=10 {
        house.text.post("fax", None, &written(n)).expect("kept");
    }
    let tag = house.text.tags().parse("fax").expect("a tag");
    let lane = Lane::new(tag, "main").expect("a lane");
    let keep = Retention { entries: Some(2), age: None, bytes: None };
    house.store.retain(&lane, &keep).expect("a store");
    let mut events = house.events("/lanes/fax/events", &[("Last-Event-ID", "3")]);
    let (kind, _, data) = events.next();
    crate::bodies::assert_valid("gap-event.schema.json", &data);
    assert_eq!((kind.as_str(), data), ("gap", json!({"missed": 5})));
    assert_eq!(events.next().1, 9);
}

#[test]
fn a_reader_of_a_lane_that_was_begun_anew_is_told_and_waits_for_nothing() {
    let house = House::open();
    house.post("/lanes/typed", &json!({"text": "first", "from": "ann"}));
    let mut events = house.events("/lanes/typed/events", &[("Last-Event-ID", "500")]);
    let (kind, _, data) = events.next();
    crate::bodies::assert_valid("reset-event.schema.json", &data);
    assert_eq!((kind.as_str(), data), ("reset", json!({"last": 1})));
    assert_eq!(events.next().2["text"], "first");
}

#[test]
fn a_quiet_stream_says_that_it_is_alive() {
    let house = House::with(None, |settings| settings.keep_alive = Duration::from_millis(50));
    let mut events = house.events("/lanes/omi/events", &[]);
    let mut alive = 0;
    while alive < 2 {
        alive += usize::from(events.line().starts_with(':'));
    }
}

#[test]
fn what_is_no_json_comes_as_one_json_string_on_one_line() {
    let house = House::open();
    let lane = Lane::new(Tag::os(), "main").expect("a lane");
    house.store.publish(&lane, "odd", b"two\r\nlines \xff").expect("a store");
    let mut events = house.events("/lanes/os/events?after=0", &[]);
    assert_eq!(events.next().2, json!("two\r\nlines \u{fffd}"));
}

#[test]
fn the_lines_own_books_and_unknown_lanes_are_not_read() {
    let house = House::open();
    for (path, status) in [
        ("/lanes/xen-out:journal/events", 404),
        ("/lanes/xen-out:messages/events", 404),
        ("/lanes/nope/events", 404),
        ("/lanes/in/events?after=soon", 400),
    ] {
        assert_eq!(house.get(path).status, status, "{path}");
    }
}

#[test]
fn streams_are_bounded_and_one_that_closes_makes_room() {
    let house = House::open();
    let open: Vec<_> = (0..64).map(|_| house.events("/lanes/in/events", &[])).collect();
    let refused = house.get("/lanes/in/events");
    assert_eq!(refused.status, 503);
    assert!(refused.header("retry-after").is_some());
    drop(open);
    // The door notices a closed connection when it next writes or reads there.
    crate::door::wait_until("room for a stream", || {
        house.text.post("in", None, &written(1)).expect("kept");
        let answer = house.ask("HEAD", "/lanes/in/events", &[], b"");
        (answer.status == 200).then_some(())
    });
}

fn written(n: u64) -> xenline::text::Written {
    xenline::text::Written { text: format!("text {n}"), from: "ann".into() }
}
