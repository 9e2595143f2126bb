//! Peers whom somebody else carries: a browser, a room, a sound device. At a line they are legs like
//! any other.

mod support;

use media_core::hearing::EarConfig;
use media_core::plugin::Circle;
use media_core::{Codec, Generation, LineId, SampleRate};
use media_engine::{
    Carrier, Engine, Leg, LegMix, LegSpec, Line, LineEvent, LineMode, LineSpec, Speech,
};
use support::ends::{self, Peer};
use support::phone::Phone;
use support::signal::{amplitude_at, rms, tone};
use support::{Call, eventually, media, open};

media_engine::install_alloc_check!();

const TICKS_PER_SECOND: u64 = 50;

fn join(
    engine: &Engine,
    line: &Line,
    hz: f64,
    [says, hears]: [SampleRate; 2],
    mix: LegMix,
) -> (Peer, Leg) {
    let (peer, carrier) = ends::peer(hz, says, hears);
    let spec = LegSpec { carrier, ear: Some(EarConfig::default()), mix };
    let leg = engine.join(line, spec, Box::new(|_| {})).expect("there is room");
    (peer, leg)
}

/// Opens a line whose first peer is carried.
fn opened(engine: &Engine, carrier: Carrier) -> Call {
    let (sink, events) = std::sync::mpsc::channel();
    let ear = EarConfig::default();
    let spec = LineSpec { id: LineId(1), carrier, mode: LineMode::Agent, record: None, ear };
    let sink = Box::new(move |event| drop(sink.send(event)));
    let line = engine.open_line(spec, sink).expect("a line opens");
    let rtp = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    Call { line, rtp, events }
}

/// What the peer is sent while the line ticks for about `ms`, without the first tenth.
fn listen(peer: &mut Peer, ms: u64) -> Vec<i16> {
    let _ = peer.take_heard();
    let until = peer.ticks() + ms * TICKS_PER_SECOND / 1_000;
    eventually(|| peer.ticks() > until, || "the line does not tick".to_owned());
    let heard = peer.take_heard();
    heard[heard.len() / 10..].to_vec()
}

fn hears(samples: &[i16], hz: f64, rate: SampleRate) -> bool {
    amplitude_at(samples, hz, rate.hz()) > 2_000.0
}

#[test]
fn a_carried_leg_hears_the_phone_and_the_voice_and_never_itself() {
    let engine = support::engine();
    let mut phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
    let wide = [SampleRate::Hz48000; 2];
    let (mut browser, _seat) = join(&engine, &call.line, 900.0, wide, LegMix::default());
    let mixed = [SampleRate::Hz16000, SampleRate::Hz48000];
    let (mut room, _other) = join(&engine, &call.line, 1_300.0, mixed, LegMix::default());
    let voice = tone(1_900.0, 8_000, 8 * 2_000, 6_000.0);
    call.line.grant(Generation(1), Speech::Audio { samples: voice, rate: SampleRate::Hz8000 });
    let (mut heard_browser, mut heard_room) = (Vec::new(), Vec::new());
    let rtp = call.rtp;
    std::thread::scope(|scope| {
        let phone = &mut phone;
        scope.spawn(move || phone.speak(rtp, &tone(500.0, 8_000, 12_000, 6_000.0), 20, |_| false));
        heard_browser = listen(&mut browser, 1_000);
        heard_room = room.take_heard();
    });
    let heard_phone = phone.listen_back();
    let third = heard_phone.len() / 3;
    let ears = [
        ("phone", &heard_phone[third..2 * third], SampleRate::Hz8000, 500.0),
        ("browser", &heard_browser[..], browser.rate, 900.0),
        ("room", &heard_room[heard_room.len() / 3..], room.rate, 1_300.0),
    ];
    for (who, samples, rate, own) in ears {
        for hz in [500.0, 900.0, 1_300.0, 1_900.0] {
            assert_eq!(hears(samples, hz, rate), hz != own, "{who} hears {hz} Hz");
        }
    }
}

#[test]
fn people_of_one_room_hear_everybody_but_their_room_over_the_line() {
    let engine = support::engine();
    let rate = SampleRate::Hz48000;
    let circle = Some(Circle(7));
    let (mut ada, carrier) = ends::peer_of(circle, 500.0, rate, rate);
    let call = opened(&engine, carrier);
    let seat = |circle, hz| {
        let (peer, carrier) = ends::peer_of(circle, hz, rate, rate);
        let spec = LegSpec { carrier, ear: None, mix: LegMix::default() };
        (peer, engine.join(&call.line, spec, Box::new(|_| {})).expect("there is room"))
    };
    let (mut eve, _eve) = seat(circle, 900.0);
    let (mut zoe, _zoe) = seat(Some(Circle(8)), 1_300.0);
    let (mut phone, _phone) = seat(None, 1_700.0);
    listen(&mut phone, 100);
    let said = [500.0, 900.0, 1_300.0, 1_700.0];
    for (peer, deaf_to) in [
        (&mut ada, &said[..2]),
        (&mut eve, &said[..2]),
        (&mut zoe, &said[2..3]),
        (&mut phone, &said[3..]),
    ] {
        let heard = listen(peer, 300);
        for hz in said {
            assert_eq!(hears(&heard, hz, rate), !deaf_to.contains(&hz), "{hz} of {deaf_to:?}");
        }
    }
}

#[test]
fn a_line_is_opened_by_a_carried_peer_and_goes_on_when_that_has_gone() {
    let engine = support::engine();
    let (mut first, carrier) = ends::peer(500.0, SampleRate::Hz48000, SampleRate::Hz48000);
    let call = opened(&engine, carrier);
    call.wait_for("what it says", |event| match event {
        LineEvent::MediaStarted { .. } => Some(()),
        _ => None,
    });
    let narrow = [SampleRate::Hz8000; 2];
    let (mut second, leg) = join(&engine, &call.line, 900.0, narrow, LegMix::default());
    let before = listen(&mut second, 300);
    assert!(hears(&before, 500.0, second.rate), "the first is heard");
    assert!(hears(&listen(&mut first, 300), 900.0, first.rate), "and hears");
    call.line.vacate();
    eventually(|| first.is_released(), || "its ends are still held".to_owned());
    let voice = tone(1_900.0, 48_000, 48_000, 6_000.0);
    call.line.grant(Generation(1), Speech::Audio { samples: voice, rate: SampleRate::Hz48000 });
    let after = listen(&mut second, 300);
    assert!(hears(&after, 1_900.0, second.rate), "the voice goes on");
    assert!(!hears(&after, 500.0, second.rate), "without who has gone");
    drop(leg);
    eventually(|| second.is_released(), || "its ends are still held".to_owned());
    let _ = call.close();
    eventually(|| engine.metrics().lines == 0, || format!("{:?}", engine.metrics()));
}

#[test]
fn a_phone_that_hangs_up_gives_its_ports_back_while_others_stay() {
    let engine = support::engine();
    let phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
    let wide = [SampleRate::Hz48000; 2];
    let (mut browser, _leg) = join(&engine, &call.line, 900.0, wide, LegMix::default());
    call.line.vacate();
    eventually(|| engine.metrics().ports_in_use == 0, || format!("{:?}", engine.metrics()));
    let sent = call.line.statistics().rtp_sent;
    assert!(!listen(&mut browser, 200).is_empty(), "the browser is still sent the line");
    assert_eq!(call.line.statistics().rtp_sent, sent, "and the phone nothing more");
}

#[test]
fn who_only_listens_is_not_heard_and_who_is_not_to_hear_gets_silence() {
    let engine = support::engine();
    let (mut first, carrier) = ends::peer(500.0, SampleRate::Hz8000, SampleRate::Hz8000);
    let call = opened(&engine, carrier);
    let narrow = [SampleRate::Hz8000; 2];
    let (mut operator, leg) = join(&engine, &call.line, 900.0, narrow, LegMix::muted());
    assert!(hears(&listen(&mut operator, 300), 500.0, operator.rate));
    assert!(!hears(&listen(&mut first, 300), 900.0, first.rate), "nobody hears who listens");
    leg.set_mix(LegMix { hears: false, ..LegMix::default() });
    let _ = listen(&mut operator, 100);
    assert!(rms(&listen(&mut operator, 300)) < 1.0, "on hold there is nothing");
    assert!(hears(&listen(&mut first, 300), 900.0, first.rate), "and it is heard");
}

#[test]
fn the_line_does_not_hear_its_only_peer_while_that_is_muted() {
    let engine = support::engine();
    let (first, carrier) = ends::peer(500.0, SampleRate::Hz8000, SampleRate::Hz8000);
    let call = opened(&engine, carrier);
    let level = |event: &LineEvent| match event {
        LineEvent::Level { heard_dbov, .. } => Some(*heard_dbov),
        _ => None,
    };
    call.wait_for("its sound", |event| level(event).filter(|dbov| *dbov > -30));
    call.line.set_mix(LegMix::muted());
    call.wait_for("silence", |event| level(event).filter(|dbov| *dbov < -80));
    let narrow = [SampleRate::Hz8000; 2];
    let (mut second, _leg) = join(&engine, &call.line, 900.0, narrow, LegMix::default());
    assert!(!hears(&listen(&mut second, 300), 500.0, second.rate), "nor who joins");
    call.line.set_mix(LegMix::default());
    call.wait_for("its sound again", |event| level(event).filter(|dbov| *dbov > -30));
    drop(first);
}

#[test]
fn nobody_hears_a_click_when_a_carried_leg_comes_and_goes() {
    let engine = support::engine();
    let (mut steady, carrier) = ends::peer(400.0, SampleRate::Hz8000, SampleRate::Hz8000);
    let call = opened(&engine, carrier);
    let _ = steady.take_heard();
    for _ in 0..8 {
        let narrow = [SampleRate::Hz8000; 2];
        let (guest, leg) = join(&engine, &call.line, 300.0, narrow, LegMix::default());
        eventually(|| guest.ticks() > 5, || "the guest is not asked".to_owned());
        drop(leg);
        eventually(|| guest.is_released(), || "the guest is still held".to_owned());
    }
    let heard = steady.take_heard();
    assert!(rms(&heard) > 500.0, "the guests were heard");
    // A sine of 300 Hz and 6000 at 8 kHz moves by 1410 from a sample to the next at most; a click
    // is a jump beyond that.
    let steepest = heard.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs());
    assert!(steepest.max().unwrap_or(0) < 1_600, "no jump");
}

#[test]
fn carried_legs_leave_nothing_behind() {
    let engine = support::engine();
    let (first, carrier) = ends::peer(500.0, SampleRate::Hz48000, SampleRate::Hz48000);
    let call = opened(&engine, carrier);
    let wide = [SampleRate::Hz48000, SampleRate::Hz16000];
    let peers: Vec<(Peer, Leg)> =
        (0..5).map(|_| join(&engine, &call.line, 700.0, wide, LegMix::default())).collect();
    let _ = call.close();
    eventually(
        || first.is_released() && peers.iter().all(|(peer, _)| peer.is_released()),
        || "ends are still held".to_owned(),
    );
    drop(peers);
    eventually(|| engine.metrics().lines == 0, || format!("{:?}", engine.metrics()));
    assert_eq!((engine.metrics().panics, engine.metrics().commands_lost), (0, 0));
}
