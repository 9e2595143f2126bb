//! Rooms of a real LiveKit server, with LiveKit's own SDK for Python as the other participant.

mod loopback;
mod lossy;
mod node;
mod server;
#[path = "../../../webrtc/tests/ticking/mod.rs"]
mod ticking;
mod us;
mod words;

use std::process::{Command, Output};

use plugin_livekit::{AgentState, Ending, ParticipantKind, Room, RoomEvent, TextError, Whose};
use serde_json::json;
use server::{Server, Wire};
use ticking::{PATIENCE, amplitude_at};
use us::{Us, expect, nothing_is_left, room_config, segment, sounds, times};

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOC_CHECK: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

/// One at a time: they listen to the clock.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What we say and what the other says: half of every second.
const OURS: u32 = 440;
const THEIRS: u32 = 1_000;

/// What became of `script` in a user and network namespace of its own, where it may lay cables and
/// finds this very program as `$1`.
fn in_a_network(script: &str) -> Output {
    let this = std::env::current_exe().expect("it runs");
    Command::new("unshare")
        .args(["-rn", "bash", "-ec", script, "bash"])
        .arg(this)
        .env("PATH", format!("/usr/sbin:/sbin:{}", std::env::var("PATH").unwrap_or_default()))
        .output()
        .expect("unshare runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_sees_hears_reads_and_answers_us() {
    let _alone = ALONE.lock().await;
    let server = Server::start().await;
    let mut us = Us::join(&server.url());
    us.room.set_state(AgentState::Listening).await;
    us.connected(true).await;

    let mut ada = us.somebody(&server, json!({ "identity": "ada", "speaks": THEIRS }));
    let we = expect(&mut ada, "came").await;
    assert_eq!((&we["identity"], &we["kind"]), (&json!("xenline"), &json!(4)), "an agent");
    let state = expect(&mut ada, "attributes").await;
    assert_eq!(state["attributes"]["lk.agent.state"], "listening");
    let (track, ears) = us.heard("ada").await;

    // Sound, both ways, and each only the other's.
    ada.tell(&json!({ "listen": [OURS, THEIRS], "to": "xenline", "seconds": 4 })).await;
    let heard = expect(&mut ada, "heard").await;
    let reported = |hz: u32| heard["amplitudes"][hz.to_string()].as_f64().unwrap();
    let (other, itself) = (reported(OURS), reported(THEIRS));
    ada.tell(&json!({ "starts": true })).await;
    let starts = expect(&mut ada, "starts").await;
    let (ours, theirs) = {
        let record = ears.lock().unwrap();
        (amplitude_at(record.sound(), THEIRS.into()), amplitude_at(record.sound(), OURS.into()))
    };
    println!(
        "the room heard {other:.0} of us and {itself:.0} of itself; we {ours:.0} and {theirs:.0}"
    );
    assert!(other > 2_000.0 && ours > 2_000.0, "of 4,000, a tone for half of the time");
    assert!(itself < 100.0 && theirs < 100.0);
    us.print_delays(&times(&starts["starts"]), &times(&heard["onsets"]), &ears);

    // What is said, written.
    us.room.set_state(AgentState::Speaking).await;
    let state = expect(&mut ada, "attributes").await;
    assert_eq!(state["attributes"]["lk.agent.state"], "speaking");
    us.room.transcript(segment("s1", "Good morning.", Whose::Ours)).await.unwrap();
    let shown = expect(&mut ada, "text").await;
    assert_eq!(
        (&shown["topic"], &shown["text"]),
        (&json!("lk.transcription"), &json!("Good morning."))
    );
    assert_eq!(shown["attributes"]["lk.segment_id"], "s1");
    assert_eq!(shown["attributes"]["lk.transcription_final"], "true");
    assert!(shown["attributes"]["lk.transcribed_track_id"].as_str().unwrap().starts_with("TR_"));
    let theirs = Whose::Theirs { identity: "ada".to_owned(), track: track.clone() };
    us.room.transcript(segment("s2", "Is it done?", theirs)).await.unwrap();
    let shown = expect(&mut ada, "text").await;
    assert_eq!(shown["attributes"]["lk.transcribed_track_id"], json!(track));
    assert_eq!(shown["identity"], "ada", "what ada said is shown as ada's");
    ada.tell(&json!({ "chat": "How long did it take? \u{1f550}" })).await;
    let text =
        us.next(|event| if let RoomEvent::Text(text) = event { Some(text) } else { None }).await;
    assert_eq!((&*text.identity, &*text.topic), ("ada", "lk.chat"));
    assert_eq!(text.text, "How long did it take? \u{1f550}");
    us.room.chat("Four minutes.").await.unwrap();
    assert_eq!(expect(&mut ada, "text").await["text"], "Four minutes.");
    let long = us.room.chat(&"x".repeat(20_000)).await;
    assert!(matches!(long, Err(TextError::TooLong { .. })));

    // Muted and no longer, each way; gone and there again.
    us.room.mute(true).await;
    expect(&mut ada, "track_muted").await;
    us.room.mute(false).await;
    expect(&mut ada, "track_unmuted").await;
    for muted in [true, false] {
        ada.tell(&json!({ "mute": muted })).await;
        us.next(|event| {
            matches!(event, RoomEvent::Muted { muted: is, .. } if is == muted).then_some(())
        })
        .await;
    }
    ada.tell(&json!({ "publish": false })).await;
    us.next(|event| {
        matches!(event, RoomEvent::Unheard { track: t, .. } if t == track).then_some(())
    })
    .await;
    ada.tell(&json!({ "publish": true })).await;
    let (again, ears) = us.heard("ada").await;
    assert_ne!(again, track);
    sounds(&ears).await;

    // A telephone comes and goes.
    let attributes =
        json!({ "sip.callID": "c1", "sip.phoneNumber": "+15550100", "sip.callStatus": "active" });
    let phone = json!({ "identity": "phone", "kind": "sip", "attributes": attributes });
    let mut phone = us.somebody(&server, phone);
    let came = us.next(|event| match event {
        RoomEvent::Came(participant) if participant.identity == "phone" => Some(participant),
        _ => None,
    });
    let came = came.await;
    assert_eq!(came.kind, ParticipantKind::Phone);
    assert_eq!(came.phone().unwrap().number, Some("+15550100"));
    expect(&mut phone, "ready").await;
    phone.tell(&json!({ "leave": true })).await;
    phone.end().await;
    us.next(|event| {
        matches!(event, RoomEvent::Went { identity } if identity == "phone").then_some(())
    })
    .await;

    us.leave().await;
    nothing_is_left().await;
    while expect(&mut ada, "went").await["identity"] != "xenline" {}
    ada.tell(&json!({ "leave": true })).await;
    ada.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_signalling_connection_is_resumed_and_the_sound_goes_on() {
    let _alone = ALONE.lock().await;
    let server = Server::start().await;
    let wire = Wire::to(&server).await;
    let mut us = Us::join(&wire.url());
    us.connected(true).await;
    let mut ada = us.somebody(&server, json!({ "identity": "ada", "speaks": THEIRS }));
    expect(&mut ada, "subscribed").await;
    let (_, ears) = us.heard("ada").await;
    sounds(&ears).await;

    wire.cut();
    us.next(|event| matches!(event, RoomEvent::Interrupted).then_some(())).await;
    us.connected(false).await;
    sounds(&ears).await;
    ada.tell(&json!({ "listen": [OURS], "to": "xenline", "seconds": 3 })).await;
    let heard = expect(&mut ada, "heard").await;
    assert!(heard["amplitudes"][OURS.to_string()].as_f64().unwrap() > 2_000.0, "{heard}");
    // What was asked meanwhile has reached the room, and so does what is asked now.
    us.room.set_state(AgentState::Thinking).await;
    while expect(&mut ada, "attributes").await["attributes"]["lk.agent.state"] != "thinking" {}
    us.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_comes_back_is_joined_anew() {
    let _alone = ALONE.lock().await;
    let mut server = Server::start().await;
    let mut us = Us::join(&server.url());
    us.room.set_state(AgentState::Thinking).await;
    us.connected(true).await;
    let mut ada = us.somebody(&server, json!({ "identity": "ada", "speaks": THEIRS }));
    expect(&mut ada, "subscribed").await;
    let (track, ears) = us.heard("ada").await;
    sounds(&ears).await;

    server.kill();
    us.next(|event| matches!(event, RoomEvent::Interrupted).then_some(())).await;
    server.restart().await;
    us.next(|event| {
        matches!(event, RoomEvent::Unheard { track: t, .. } if t == track).then_some(())
    })
    .await;
    us.connected(true).await;
    // Somebody new finds us as we were; the SDK's own way back takes its time.
    drop(ada);
    let mut eve = us.somebody(&server, json!({ "identity": "eve", "speaks": THEIRS }));
    while expect(&mut eve, "attributes").await["attributes"]["lk.agent.state"] != "thinking" {}
    let (_, ears) = us.heard("eve").await;
    sounds(&ears).await;
    eve.tell(&json!({ "listen": [OURS], "to": "xenline", "seconds": 3 })).await;
    let heard = expect(&mut eve, "heard").await;
    assert!(heard["amplitudes"][OURS.to_string()].as_f64().unwrap() > 2_000.0, "{heard}");
    us.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_come_and_go_leave_nothing_behind() {
    const TIMES: usize = 6;
    let _alone = ALONE.lock().await;
    let server = Server::start().await;
    let mut us = Us::join(&server.url());
    us.connected(true).await;
    let guest = json!({ "identity": "guest", "speaks": THEIRS, "comes": TIMES });
    let guests = us.somebody(&server, guest);
    let mut counts = [0; 4];
    us.next(|event| {
        let kind = match event {
            RoomEvent::Came(_) => 0,
            RoomEvent::Heard(_) => 1,
            RoomEvent::Unheard { .. } => 2,
            RoomEvent::Went { .. } => 3,
            _ => return None,
        };
        counts[kind] += 1;
        (counts[3] == TIMES).then_some(())
    })
    .await;
    // Whoever stayed too briefly was not heard; whoever was heard is not any more.
    println!("came, heard, no longer heard, gone: {counts:?}");
    assert_eq!((counts[0], counts[1]), (TIMES, counts[2]));
    assert!(counts[1] > 0);
    guests.end().await;
    us.leave().await;
    nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_not_tried_again_and_a_wrong_address_is_not_tried_at_all() {
    let _alone = ALONE.lock().await;
    let server = Server::start().await;
    let mut wrong = room_config(&server.url());
    wrong.api.secret = "another secret that is long enough too".to_owned();
    let mut joining = Room::join(wrong).unwrap();
    let event = tokio::time::timeout(PATIENCE, joining.events.recv()).await.unwrap();
    assert!(matches!(event, Some(RoomEvent::Ended(Ending::Refused))), "{event:?}");
    assert_eq!(joining.room.chat("hello").await, Err(TextError::NotConnected));
    let error = Room::join(room_config("http://127.0.0.1")).err().expect("no such scheme");
    assert!(error.to_string().contains("ws://"), "{error}");
}
