//! What goes on, read as it happens.

use std::time::Duration;

use serde_json::{Value, json};
use xenline::report::{CallEvent, CallOpened, Event};
use xenline::watch::{Level, Show, Sight};

use crate::door::{Events, House};

const EVENTS: &str = "/api/v1/events";

/// The next event: its kind, id and data.
fn next(events: &mut Events) -> (String, Option<String>, Value) {
    let (mut kind, mut id, mut data) = (String::new(), None, Value::Null);
    loop {
        let line = events.line();
        match line.split_once(": ") {
            Some(("event", name)) => kind = name.to_owned(),
            Some(("id", cursor)) => id = Some(cursor.to_owned()),
            Some(("data", text)) => data = serde_json::from_str(text).expect("JSON"),
            _ if line.is_empty() && !kind.is_empty() => return (kind, id, data),
            _ => {}
        }
    }
}

fn partial(text: &str) -> Sight {
    let what = CallEvent::Partial { text: text.to_owned(), speaker: None };
    Sight::Call { line: 3, event: Event { t_ms: 1.5, what } }
}

#[test]
fn a_watcher_sees_what_happens_and_goes_on_where_its_connection_broke() {
    let house = House::open();
    house.watch.post(partial("before"));
    let mut live = house.events(EVENTS, &[]);
    house.watch.post(partial("one"));
    let (kind, id, data) = next(&mut live);
    assert_eq!((kind.as_str(), id.as_deref()), ("call", Some("7-2")));
    crate::bodies::assert_valid("sight-event.schema.json", &data);
    let seen = json!({"kind": "call", "line": 3, "t_ms": 1.5, "type": "partial", "text": "one"});
    assert_eq!(data, seen);
    drop(live);
    house.watch.post(Sight::Queue { queued: 1, paused: true });
    let mut again = house.events(EVENTS, &[("Last-Event-ID", "7-2")]);
    let (kind, id, data) = next(&mut again);
    assert_eq!((kind.as_str(), id.as_deref()), ("queue", Some("7-3")));
    assert_eq!(data, json!({"kind": "queue", "queued": 1, "paused": true}));
    let mut whole = house.events("/api/v1/events?after=0", &[]);
    assert_eq!(next(&mut whole).2["text"], "before");
}

#[test]
fn a_watcher_of_an_earlier_run_is_told_and_one_with_a_broken_cursor_refused() {
    let house = House::open();
    house.watch.post(partial("known"));
    let mut events = house.events(EVENTS, &[("Last-Event-ID", "6-900")]);
    assert_eq!(next(&mut events).0, "reset");
    assert_eq!(next(&mut events).2["text"], "known");
    let answer = house.ask("GET", EVENTS, &[("Last-Event-ID", "yesterday")], b"");
    assert_eq!(answer.status, 400, "{answer:?}");
}

#[test]
fn levels_come_without_an_id_and_a_quiet_stream_says_that_it_is_alive() {
    let house = House::with(None, |settings| settings.keep_alive = Duration::from_millis(50));
    let mut events = house.events(EVENTS, &[]);
    let level =
        Level { line: 1, leg: 0, t_ms: 100.0, heard_dbov: -20, sent_dbov: -96, speech: true };
    house.watch.level(level);
    let (kind, id, data) = next(&mut events);
    assert_eq!((kind.as_str(), id), ("level", None));
    crate::bodies::assert_valid("level-event.schema.json", &data);
    while !events.line().starts_with(':') {}
}

#[test]
fn a_watcher_sees_no_more_than_the_configuration_shows() {
    let opened = || {
        let caller = "sip:+4922155501@carrier.example".to_owned();
        let what = CallEvent::CallOpened(CallOpened { caller, ..CallOpened::default() });
        Sight::Call { line: 3, event: Event { t_ms: 0.0, what } }
    };
    for (show, caller, text) in [
        (Show::default(), "…01", "my name"),
        (Show { words: false, numbers: false }, "…01", "…"),
        (Show::ALL, "sip:+4922155501@carrier.example", "my name"),
    ] {
        let house = House::with(None, |settings| settings.show = show);
        let mut events = house.events(EVENTS, &[]);
        house.watch.post(opened());
        house.watch.post(partial("my name"));
        assert_eq!(next(&mut events).2["caller"], caller);
        assert_eq!(next(&mut events).2["text"], text);
    }
}

#[test]
fn without_the_token_nobody_watches() {
    let house = House::open();
    let answer = house.ask("GET", EVENTS, &[("Authorization", "Bearer no")], b"");
    assert_eq!(answer.status, 401);
}
