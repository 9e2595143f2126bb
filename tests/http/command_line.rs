//! `xenline … --door`: every verb that asks a running line asks the same over HTTP.

use std::process::{Command, Output};

use xenline::control::Request;

use crate::door::{House, TOKEN};

fn xenline(house: &House, token: &str, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xenline"));
    command.args(words).env("XENLINE_HTTP_TOKEN", token);
    command.env("XENLINE_DOOR", format!("http://{}", house.address)).env_remove("RUST_LOG");
    command.output().expect("it runs")
}

#[test]
fn every_verb_that_asks_a_running_line_asks_over_http_too() {
    let house = House::open();
    let text = || "two words".to_owned();
    for (words, request, printed) in [
        (&["status"][..], Request::Status, "120 us"),
        (
            &["dial", "+4930123456"],
            Request::Dial { number: "+4930123456".into() },
            "the call is up",
        ),
        (&["reload"], Request::Reload, "done"),
        (&["queue", "ls"], Request::QueueList, "The backup is done."),
        (&["queue", "show", "say-1"], Request::QueueShow { claim: "say-1".into() }, "say-1"),
        (
            &["queue", "withdraw", "say-2"],
            Request::QueueWithdraw { claim: "say-2".into() },
            "withdrawn",
        ),
        (&["rooms", "ls"], Request::RoomList, "den  2 there  line 1"),
        (
            &["rooms", "join", "den", "--line", "1"],
            Request::RoomJoin { room: "den".into(), line: Some(1) },
            "done",
        ),
        (&["rooms", "leave", "den"], Request::RoomLeave { room: "den".into() }, "done"),
        (&["queue", "pause"], Request::QueuePause, "done"),
        (&["queue", "resume"], Request::QueueResume, "done"),
        (&["operator", "take"], Request::OperatorTake { line: None }, "done"),
        (
            &["operator", "release", "--line", "1"],
            Request::OperatorRelease { line: Some(1) },
            "done",
        ),
        (
            &["operator", "whisper", "two words"],
            Request::OperatorWhisper { text: text(), line: None },
            "done",
        ),
        (
            &["operator", "say", "two words"],
            Request::OperatorSay { text: text(), line: None, wait: false },
            "operator-1 accepted",
        ),
        (
            &["type", "--wait", "two words"],
            Request::Type { text: text(), from: Some("console".into()), wait: true },
            "four",
        ),
    ] {
        let output = xenline(&house, TOKEN, words);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(printed), "{words:?}: {output:?}");
        assert_eq!(house.desk.take(), [request], "{words:?}");
    }
    let said = xenline(&house, TOKEN, &["say", "--wait", "hello"]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("spoken; heard: \"hello\""), "{said:?}");
    assert!(matches!(&house.desk.take()[..], [Request::Say(wish)] if wish.wait));
}

#[test]
fn a_door_that_refuses_is_told_apart_from_one_that_is_not_there() {
    let house = House::open();
    let refused = xenline(&house, "another token, long enough", &["queue", "ls"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("XENLINE_HTTP_TOKEN"), "{refused:?}");
    let unknown = xenline(&house, TOKEN, &["queue", "show", "say-7"]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    let nobody = Command::new(env!("CARGO_BIN_EXE_xenline"))
        .args(["queue", "ls", "--door", "http://127.0.0.1:1"])
        .env("XENLINE_HTTP_TOKEN", TOKEN)
        .output()
        .expect("it runs");
    assert_eq!(nobody.status.code(), Some(4), "{nobody:?}");
    let socket_only = xenline(&house, TOKEN, &["page"]);
    assert_eq!(socket_only.status.code(), Some(2), "{socket_only:?}");
}
