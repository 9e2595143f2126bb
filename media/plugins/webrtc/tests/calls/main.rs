//! Calls with a browser's part that we did not write (aiortc), over real sockets on loopback.

mod relay;
#[path = "../ticking/mod.rs"]
mod ticking;

use std::time::Duration;

use plugin_webrtc::{
    Answered, Offer, Peer, PeerConfig, PeerEvent, Session, SessionEvent, Voice, sink,
};
use rtc::rtp_transceiver::RTCRtpTransceiverDirection;
use serde_json::json;
use ticking::{PATIENCE, RATE, Script, Ticker, amplitude_at, config};
use tokio::sync::Mutex;

#[cfg(debug_assertions)]
#[global_allocator]
static ALLOC_CHECK: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

/// One at a time: they listen to the clock, and count descriptors.
static ALONE: Mutex<()> = Mutex::const_new(());

/// What we say and what the browser says.
const OURS: f64 = 440.0;
const THEIRS: f64 = 1_000.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_hears_the_other_and_not_itself() {
    let _alone = ALONE.lock().await;
    let (theirs, ours) = call(config(), 0.0, "goodbye").await;
    println!("in: {theirs:?}, out: {ours:?}");
    // Of 8,000, if nobody is kept from speaking by a busy machine.
    assert!(theirs.other > 3_000.0 && ours.other > 3_000.0, "heard: {theirs:?} {ours:?}");
    assert!(theirs.itself < 100.0 && ours.itself < 100.0, "itself: {theirs:?} {ours:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_twentieth_lost_is_still_a_call() {
    let _alone = ALONE.lock().await;
    let (theirs, ours) = call(config(), 0.05, "vanish").await;
    println!("with 5 % loss, in: {theirs:?}, out: {ours:?}");
    assert!(theirs.other > 3_000.0 && ours.other > 3_000.0, "heard: {theirs:?} {ours:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_a_session_that_is_closed() {
    let _alone = ALONE.lock().await;
    // The first takes what the process keeps.
    session_that_ends(0).await;
    let before = settled(None).await;
    for ending in 0..4 {
        session_that_ends(ending).await;
        assert_eq!(settled(Some(before)).await, before, "(tasks, descriptors) after {ending}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_whose_network_changed_goes_on_with_the_same_ends() {
    let _alone = ALONE.lock().await;
    let (browser, mut from_browser) = Peer::open(&config()).await.unwrap();
    let voice = offering(&browser).await;
    let offer = gathered(&browser, &mut from_browser).await;
    let answered = Session::answer(&Offer::parse(&offer).unwrap(), &config()).await.unwrap();
    let Answered { mut session, answer, source, sink, mut events } = answered;
    browser.take_answer(&answer).await.unwrap();
    expect(&mut events, SessionEvent::Connected).await;

    let again = browser.offer(true).await.unwrap();
    assert_ne!(credentials(&offer), credentials(&again), "the offer restarts ICE");
    let again = browser.local_description().await.unwrap_or(again);
    let answer_again = session.take(&Offer::parse(&again).unwrap()).await.unwrap();
    assert_ne!(credentials(&answer), credentials(&answer_again), "so does the answer");
    browser.take_answer(&answer_again).await.unwrap();

    // What is pushed at one end still arrives at the other.
    let track = async {
        loop {
            if let Some(PeerEvent::Track(track)) = from_browser.recv().await {
                return track;
            }
        }
    };
    let ticker = Ticker::start(sink, ours);
    ticker.hear(source);
    let track = tokio::time::timeout(PATIENCE, track).await.expect("our track arrives");
    for _ in 0..50 {
        assert!(tokio::time::timeout(PATIENCE, track.poll()).await.expect("packets").is_some());
    }
    ticker.stop();
    drop(voice);
    browser.close().await;
    session.close().await;
}

#[tokio::test]
async fn an_address_that_is_not_ours_is_refused_at_once() {
    let _alone = ALONE.lock().await;
    let elsewhere = "192.0.2.1:0".parse().unwrap();
    let config = PeerConfig { addresses: vec![elsewhere], ..config() };
    let error = Peer::open(&config).await.err().expect("there is no such interface");
    assert!(error.to_string().contains("opening its sockets"), "{error}");
}

fn ours(sample: u64) -> i16 {
    ((sample as f64 * OURS * std::f64::consts::TAU / RATE).sin() * 8_000.0) as i16
}

/// What one side heard: amplitudes.
#[derive(Debug)]
struct Heard {
    other: f64,
    itself: f64,
}

/// A call of some seconds with the browser; what we heard and what it heard.
async fn call(config: PeerConfig, loss: f64, ending: &str) -> (Heard, Heard) {
    let listens = [OURS as u32, THEIRS as u32];
    let told = json!({
        "speaks": THEIRS, "listens": listens, "seconds": 3, "loss": loss, "ending": ending,
    });
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut browser = Script::start(&folder.join("tests/calls/browser.py"), &told);
    let offer = browser.hear().await;
    let offer = Offer::parse(offer["sdp"].as_str().unwrap()).expect("an offer like any browser's");
    let answered = Session::answer(&offer, &config).await.expect("answered");
    let Answered { session, answer, source, sink, mut events } = answered;
    let addresses = answer.lines().filter(|line| line.starts_with("a=candidate:"));
    assert!(addresses.clone().count() > 0, "the answer says where we are");
    for line in addresses {
        assert!(line.contains(" 127.0.0.1 "), "not on loopback: {line}");
        assert!(!config.relay_only || line.contains(" typ relay"), "our own address: {line}");
    }
    let ticker = Ticker::start(sink, ours);
    let record = ticker.hear(source);
    browser.tell(&json!({ "sdp": answer })).await;
    expect(&mut events, SessionEvent::Connected).await;

    let report = browser.hear().await;
    ticker.stop();
    let theirs = {
        let record = record.lock().expect("nobody panics");
        let amplitude = |hz| amplitude_at(record.sound(), hz);
        Heard { other: amplitude(THEIRS), itself: amplitude(OURS) }
    };
    let counts = session.counts();
    println!("arrived {} lost {}", counts.arrived(), counts.arrived_lost());
    browser.tell(&json!("end")).await;
    browser.end().await;
    match ending {
        "vanish" => {
            expect(&mut events, SessionEvent::Interrupted).await;
            expect(&mut events, SessionEvent::Lost).await;
        }
        _ => expect_end(&mut events).await,
    }
    session.close().await;

    let reported = |hz: u32| report[hz.to_string()].as_f64().expect("a number");
    (theirs, Heard { other: reported(listens[0]), itself: reported(listens[1]) })
}

/// Closed before it was ever connected (0), after (1), after the peer has left (2), or only dropped (3).
async fn session_that_ends(how: u32) {
    let (browser, mut from_browser) = Peer::open(&config()).await.unwrap();
    let _voice = offering(&browser).await;
    let offer = gathered(&browser, &mut from_browser).await;
    let answered = Session::answer(&Offer::parse(&offer).unwrap(), &config()).await.unwrap();
    let Answered { session, answer, source: _source, sink: _sink, mut events } = answered;
    if how > 0 {
        browser.take_answer(&answer).await.unwrap();
        expect(&mut events, SessionEvent::Connected).await;
    }
    if how == 2 {
        browser.close().await;
        expect_end(&mut events).await;
    }
    if how < 3 {
        session.close().await;
    }
}

/// What is left over once it is `wanted`, or does not change any more: a connection's last steps are
/// taken by the runtime, and other tests' runtimes have theirs to take.
async fn settled(wanted: Option<(usize, usize)>) -> (usize, usize) {
    let mut seen = (left_over(), 0);
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(25)).await;
        let now = left_over();
        seen = if now == seen.0 { (now, seen.1 + 1) } else { (now, 0) };
        if Some(now) == wanted || wanted.is_none() && seen.1 == 20 {
            break;
        }
    }
    seen.0
}

async fn expect(events: &mut tokio::sync::mpsc::Receiver<SessionEvent>, wanted: SessionEvent) {
    let event = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time");
    assert_eq!(event, Some(wanted));
}

/// That the peer has gone, however it is known.
async fn expect_end(events: &mut tokio::sync::mpsc::Receiver<SessionEvent>) {
    loop {
        let event = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time");
        if matches!(event, Some(SessionEvent::Left | SessionEvent::Lost)) {
            return;
        }
    }
}

/// Has `browser` offer one audio section.
async fn offering(browser: &Peer) -> Voice {
    let counts = std::sync::Arc::default();
    let (_, packets) = sink(&config().codec, media_core::OpusFormat::default(), &counts).unwrap();
    let both = RTCRtpTransceiverDirection::Sendrecv;
    let voice = Voice::add(browser, "microphone", packets.ssrc(), both).await.unwrap();
    browser.offer(false).await.unwrap();
    voice
}

/// The offer with addresses.
async fn gathered(browser: &Peer, events: &mut plugin_webrtc::PeerEvents) -> String {
    loop {
        let event = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time");
        if matches!(event, Some(PeerEvent::Gathered)) {
            return browser.local_description().await.expect("an offer was made");
        }
    }
}

fn credentials(sdp: &str) -> Option<&str> {
    sdp.lines().find(|line| line.starts_with("a=ice-ufrag:"))
}

/// Tasks of this runtime, and descriptors of this process.
fn left_over() -> (usize, usize) {
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    (tasks, std::fs::read_dir("/proc/self/fd").expect("Linux").count())
}
