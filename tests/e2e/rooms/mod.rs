//! Somebody in a room of a real LiveKit server, played by LiveKit's own SDK, talks with the agent.

pub mod peers;
mod secure;
mod webhook;

use std::time::{Duration, Instant};

use peers::{KEY, SECRET, Server, Somebody};
use secure::Secure;
use serde_json::json;
use xenline::config::JoinWhen;
use xenline::report::{CallEvent, DoorKind, EndingKind};

use crate::support::door::{TOKEN, free_port};
use crate::support::line::Serving;
use crate::support::phone::Phone;
use crate::support::process::{Ran, run, xenline};
use crate::support::sound::{plain, recorded};
use crate::support::{alone, figure, wait_until};

/// Before the line, which a webhook should tell of everybody, asks the server by itself.
const TOLD_WITHIN: Duration = Duration::from_secs(40);
/// A step of a conversation; Python alone takes seconds to begin on a busy machine.
const STEP: Duration = Duration::from_secs(60);

#[test]
fn somebody_in_a_room_behind_tls_is_answered_interrupts_and_reads_it_all() {
    let _machine = alone();
    let server = Server::start(None);
    // The line reaches it, as one would elsewhere, through TLS alone.
    let secure = Secure::before(server.port);
    let mut command = xenline();
    command.env("XENLINE_LIVEKIT_KEY", KEY).env("XENLINE_LIVEKIT_SECRET", SECRET);
    command.env("SSL_CERT_FILE", secure.certificate());
    let line = Serving::agent_in(command, |config| {
        config.livekit.url = Some(secure.url());
        config.livekit.rooms = vec!["den*".into()];
        config.livekit.poll_s = 1;
        config.livekit.linger_s = 1;
    });

    // She comes, and so does the agent; the line is hers.
    let mut ada = Somebody::comes(&server, "den-1", "ada");
    ada.sees("came", |event| event["identity"] == "xenline" && event["kind"] == 4);
    let opened = line.wait("a line of the room's", 0, STEP, |_, event| match event {
        CallEvent::CallOpened(opened) => Some(opened.clone()),
        _ => None,
    });
    assert_eq!((&*opened.trunk, &*opened.caller, &*opened.called), ("room:den-1", "ada", "den-1"));
    let greeting = ada.reads("xenline");
    let greeted = line.wait("the greeting", 0, STEP, |_, event| said(event, EndingKind::Spoken));
    assert_eq!(greeting, greeted);

    // She asks, reads herself, and hears and reads the answer until she has heard enough.
    let mark = line.mark();
    ada.says("help");
    line.turn("help", mark);
    assert_eq!(plain(&ada.reads("ada")), "help");
    ada.sees("attributes", |event| event["attributes"]["lk.agent.state"] == "speaking");
    ada.tell(&json!({ "listen": [], "to": "xenline", "seconds": 1 }));
    let heard = ada.sees("heard", |_| true)["rms"].as_f64().expect("a number");
    figure(format!("in the room the answer has {heard:.0} rms"));
    assert!(heard > 200.0, "the answer is heard");
    ada.says("stop");
    let heard = line
        .wait("it to be interrupted", mark, STEP, |_, event| said(event, EndingKind::Interrupted));
    assert_eq!(ada.reads("xenline"), heard, "what was heard of it, and no more");

    // What she writes is answered where she wrote it.
    ada.tell(&json!({ "chat": "what day is it" }));
    let answer = ada.sees("text", |event| event["topic"] == "lk.chat");
    assert!(answer["text"].as_str().is_some_and(|text| text.contains("day")), "{answer}");

    // She goes, and so does everything else.
    let listed = rooms(&line, &["ls"]).out;
    assert!(listed.starts_with("den-1  1 there  line 1"), "{listed}");
    ada.goes();
    line.wait("the call to be closed", mark, STEP, |_, event| {
        matches!(event, CallEvent::CallClosed(_)).then_some(())
    });
    is_in_no_room(&line);
    assert_eq!(rooms(&line, &["leave", "den-1"]).code, Some(1), "it is in no room");
    line.stop();
}

#[test]
fn a_room_that_the_server_tells_of_joins_the_call_that_is_open() {
    let _machine = alone();
    let door = free_port();
    let server = Server::start(Some(door));
    let mut command = xenline();
    command.env("XENLINE_LIVEKIT_KEY", KEY).env("XENLINE_LIVEKIT_SECRET", SECRET);
    command.env("XENLINE_HTTP_TOKEN", TOKEN);
    let line = Serving::agent_in(command, |config| {
        config.http.listen = Some(door);
        config.livekit.url = Some(server.url());
        config.livekit.rooms = vec!["den".into()];
        config.livekit.join = JoinWhen::Webhook;
        config.livekit.bridge = vec!["*".into()];
        config.livekit.show_caller = true;
        config.livekit.linger_s = 1;
    });
    let phone = Phone::call(line.sip);
    line.wait("the greeting", 0, STEP, |_, event| said(event, EndingKind::Spoken));

    webhook::is_believed_by_its_signature(door);

    // She comes, and sits down where the telephone is.
    let mut ada = Somebody::comes(&server, "den", "ada");
    ada.sees("ready", |_| true);
    line.wait("her at the call", 0, TOLD_WITHIN, |_, event| match event {
        CallEvent::LegJoined { label, door: DoorKind::Room, .. } if label == "ada" => Some(()),
        _ => None,
    });
    ada.sees("attributes", |event| event["attributes"]["sip.phoneNumber"] == "tester");

    // The telephone asks; she reads that and hears the answer until she has heard enough.
    let mark = line.mark();
    phone.media.say(&recorded("help"));
    line.turn("help", mark);
    assert!(ada.reads("xenline").starts_with("caller: "), "who is not in the room is told apart");
    ada.tell(&json!({ "listen": [], "to": "xenline", "seconds": 1 }));
    let heard = ada.sees("heard", |_| true)["rms"].as_f64().expect("a number");
    assert!(heard > 200.0, "the answer is heard");
    ada.says("stop");
    line.wait("it to be interrupted", mark, STEP, |_, event| said(event, EndingKind::Interrupted));

    // The call goes on without her.
    let mark = line.mark();
    ada.goes();
    line.wait("her to be gone", mark, STEP, |_, event| {
        matches!(event, CallEvent::LegLeft { .. }).then_some(())
    });
    assert_eq!(line.open_calls(), 1);
    phone.hang_up();
    is_in_no_room(&line);
    // It keeps its connection to the line's door for a while.
    drop(server);
    line.stop();
}

#[test]
fn a_room_at_a_call_is_back_after_its_server_was_killed_and_the_call_goes_on_meanwhile() {
    let _machine = alone();
    let mut server = Server::start(None);
    let mut command = xenline();
    command.env("XENLINE_LIVEKIT_KEY", KEY).env("XENLINE_LIVEKIT_SECRET", SECRET);
    let line = Serving::agent_in(command, |config| config.livekit.url = Some(server.url()));
    let phone = Phone::call(line.sip);
    line.wait("the greeting", 0, STEP, |_, event| said(event, EndingKind::Spoken));

    // The operator has a room join the call, whatever the configuration says of it.
    let number = line.events_of_lines().first().expect("a call").0.0.to_string();
    let joined = rooms(&line, &["join", "attic", "--line", &number]);
    assert_eq!(joined.code, Some(0), "{joined:?}");
    let ada = Somebody::comes(&server, "attic", "ada");
    sits_down(&line, "ada", 0);

    let mark = line.mark();
    server.kill();
    let killed = Instant::now();
    line.wait("her to be gone", mark, STEP, |_, event| {
        matches!(event, CallEvent::LegLeft { .. }).then_some(())
    });
    asks(&line, &phone);
    assert_eq!(line.open_calls(), 1);

    // Somebody new finds the agent there; the SDK's own way back takes its time.
    let mark = line.mark();
    server.restart();
    let away_s = killed.elapsed().as_secs_f64();
    drop(ada);
    let mut eve = Somebody::comes(&server, "attic", "eve");
    sits_down(&line, "eve", mark);
    let tries = line.said().matches("does not let us in").count();
    figure(format!(
        "a room whose server was away for {away_s:.1} s is at the call again {:.1} s after it was killed, after \
         {tries} tries in vain",
        killed.elapsed().as_secs_f64()
    ));
    let answer = asks(&line, &phone);
    eve.reads_of("xenline", |words| words == answer);
    let mark = line.mark();
    eve.goes();
    phone.hang_up();
    line.wait("the call to be closed", mark, STEP, |_, event| {
        matches!(event, CallEvent::CallClosed(_)).then_some(())
    });
    assert_eq!(rooms(&line, &["leave", "attic"]).code, Some(0));
    is_in_no_room(&line);
    line.stop();
}

/// The telephone asks, and is answered to the end: with these words.
fn asks(line: &Serving, phone: &Phone) -> String {
    let mark = line.mark();
    phone.media.say(&recorded("what time is it"));
    line.turn("what time is it", mark);
    line.wait("an answer", mark, STEP, |_, event| said(event, EndingKind::Spoken))
}

/// Their leg joins a call.
fn sits_down(line: &Serving, who: &str, mark: usize) {
    line.wait("somebody of the room at the call", mark, STEP, |_, event| match event {
        CallEvent::LegJoined { label, door: DoorKind::Room, .. } if label == who => Some(()),
        _ => None,
    });
}

/// `xenline rooms`.
fn rooms(line: &Serving, action: &[&str]) -> Ran {
    let mut command = xenline();
    command.arg("rooms").args(action).arg("--config").arg(line.file());
    run(command, STEP)
}

fn is_in_no_room(line: &Serving) {
    wait_until("the agent to go, too", STEP, || {
        (rooms(line, &["ls"]).out == "in no room\n").then_some(())
    });
}

fn said(event: &CallEvent, how: EndingKind) -> Option<String> {
    match event {
        CallEvent::ClaimEnded { ending, heard_text, .. } if *ending == how => {
            Some(heard_text.clone())
        }
        _ => None,
    }
}
