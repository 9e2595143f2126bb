//! Calls that are over, over HTTP.

use std::path::Path;

use serde_json::json;
use xenline::report::{CallClosed, CallEvent, CallOpened, EventLog, RECORDING_FILE, TurnTimes};
use xenline::watch::Show;

use crate::door::House;

/// A directory with one short call in it, `100-1`.
pub fn recorded() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let folder = dir.path().join("100-1");
    let mut log = EventLog::create(&folder).expect("a record");
    let opened = CallOpened {
        caller: "sip:+4922155501@carrier.example".into(),
        codec: "PCMU".into(),
        answered_unix_ms: 1_764_370_000_000,
        ..CallOpened::default()
    };
    let (text, times) = ("what is the time".to_owned(), TurnTimes::default());
    let turn = CallEvent::CallerTurn { turn: 1, text, barged_in: false, times, speaker: None };
    let closed = CallClosed { hangup_by: "caller".into(), ..CallClosed::default() };
    for (t_ms, event) in [
        (0.0, CallEvent::CallOpened(opened)),
        (1_500.0, turn),
        (3_000.0, CallEvent::CallClosed(closed)),
    ] {
        log.append(t_ms, event).expect("it is written");
    }
    wav(&folder.join(RECORDING_FILE));
    dir
}

/// Three seconds of stereo silence.
fn wav(path: &Path) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).expect("a file");
    (0..2 * 3 * 8_000).for_each(|_| wav.write_sample(0_i16).expect("it is written"));
    wav.finalize().expect("it is closed");
}

#[test]
fn a_call_is_listed_shown_drawn_and_heard() {
    let calls = recorded();
    let house = House::with_calls(calls.path(), |_| {});
    let listed = house.get("/api/v1/past?last=5").json();
    assert_eq!(
        (&listed["calls"][0]["id"], &listed["calls"][0]["caller"]),
        (&json!("100-1"), &json!("…01"))
    );
    let shown = house.get("/api/v1/past/100-1").json();
    assert_eq!(shown["conversation"][0]["text"], "what is the time");
    assert_eq!(shown["summary"]["caller"], "…01");
    assert_eq!((&shown["picture"], &shown["sound"]), (&json!(true), &json!(true)));
    let picture = house.get("/api/v1/past/100-1/picture.png");
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
    let sound = house.get("/api/v1/past/100-1/audio.wav");
    assert_eq!(sound.header("content-length"), Some("96044"));
    assert_eq!(sound.header("accept-ranges"), Some("bytes"));
    assert_eq!(house.get("/api/v1/past?last=many").status, 400);
    assert_eq!(house.get("/api/v1/past/100-2").status, 404);
}

#[test]
fn the_picture_of_a_call_names_its_number_where_numbers_are_shown_alone() {
    let calls = recorded();
    let picture = |show: Show| {
        let house = House::with_calls(calls.path(), |settings| settings.show = show);
        house.get("/api/v1/past/100-1/picture.png").body
    };
    let (all, hidden) = (picture(Show::ALL), picture(Show::default()));
    let drawn = std::fs::read(calls.path().join("100-1/call.png")).expect("it is drawn");
    assert!(all == String::from_utf8_lossy(&drawn), "as it was drawn after the call");
    assert!(hidden.contains("PNG") && hidden != all, "another picture");
}

#[test]
fn a_part_of_a_recording_is_sent_when_a_part_is_asked_for() {
    let calls = recorded();
    let house = House::with_calls(calls.path(), |_| {});
    let part =
        |range: &str| house.ask("GET", "/api/v1/past/100-1/audio.wav", &[("Range", range)], b"");
    let head = part("bytes=0-3");
    assert_eq!((head.status, head.body.as_str()), (206, "RIFF"));
    assert_eq!(head.header("content-range"), Some("bytes 0-3/96044"));
    assert_eq!(part("bytes=-4").body.len(), 4);
    assert_eq!(part("bytes=96044-").status, 416);
}

#[test]
fn where_words_are_hidden_a_call_has_figures_and_neither_picture_nor_sound() {
    let calls = recorded();
    let hidden = Show { words: false, numbers: false };
    let house = House::with_calls(calls.path(), |settings| settings.show = hidden);
    let shown = house.get("/api/v1/past/100-1").json();
    assert_eq!(shown["conversation"][0]["text"], "…");
    assert_eq!((&shown["picture"], &shown["sound"]), (&json!(false), &json!(false)));
    for file in ["picture.png", "audio.wav"] {
        assert_eq!(house.get(&format!("/api/v1/past/100-1/{file}")).status, 403);
    }
}

#[test]
fn a_line_that_keeps_no_calls_says_so() {
    let house = House::open();
    let answer = house.get("/api/v1/past");
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("[recording] dir"), "{answer:?}");
}
