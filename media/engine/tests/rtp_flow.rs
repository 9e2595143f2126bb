//! RTP leaves on time, in the right numbers, and stops when it is told to.

mod support;

use std::time::{Duration, Instant};

use media_core::rtp::{Compound, RtcpPacket};
use media_core::{Codec, Direction, Ptime};
use media_engine::{Engine, LineMode};
use support::phone::{Heard, Phone, now_ns};
use support::{PATIENCE, engine, ensure, eventually, media, open, with_time_kept};

media_engine::install_alloc_check!();

/// RTP clock of 10 ms, of which ticks and packets are multiples.
const STEP: u32 = 80;

fn assert_numbered(heard: &[Heard], ticks: u32) {
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence.distance(pair[0].sequence), 1, "no packet is left out");
        let passed = pair[1].timestamp.distance(pair[0].timestamp) as u32;
        // A tick that the machine made us skip is media time, too, and may end within a packet.
        assert!(passed >= ticks && passed.is_multiple_of(STEP), "media time goes on: {passed}");
    }
}

#[test]
fn fifty_packets_a_second_leave_a_silent_line() {
    for mode in [LineMode::Agent, LineMode::Player, LineMode::Echo] {
        with_time_kept(|engine| (Duration::ZERO, two_silent_seconds(engine, mode)));
    }
}

/// That many packets are sent depends on the machine; what they are does not.
fn two_silent_seconds(engine: &Engine, mode: LineMode) -> Result<(), String> {
    let phone = Phone::new(Codec::Pcmu);
    let skipped = engine.metrics().ticks_skipped;
    let opened_ns = now_ns();
    let call = open(engine, mode, media(phone.addr(), Codec::Pcmu));
    std::thread::sleep(Duration::from_secs(2));
    let heard = phone.heard();
    let skipped = (engine.metrics().ticks_skipped - skipped) as usize;
    let Some(last) = heard.last() else { return Err("nothing was sent".to_owned()) };
    // By the kernel's stamps: when we look is up to the machine.
    let due = (last.at_ns - opened_ns) as usize / 20_000_000;
    let all = (heard.len() + skipped).abs_diff(due) <= 5 && due >= 95 && heard.len() > 60;
    assert_numbered(&heard, 160);
    assert!(heard[0].marker && !heard[1].marker, "the first packet begins a talk spurt");
    assert!(heard.iter().all(|p| p.payload.len() == 160 && p.from == call.rtp));
    call.close();
    let count = phone.count();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(phone.count(), count, "nothing leaves a closed line");
    assert_eq!(engine.metrics().panics, 0);
    ensure(all, || format!("{mode:?}: {} packets and {skipped} left out of {due}", heard.len()))
}

#[test]
fn packets_are_as_long_as_the_peer_wants_them() {
    let engine = engine();
    let mut calls = Vec::new();
    for ms in [10_u8, 30, 60] {
        for codec in [Codec::Pcma, Codec::G722] {
            let phone = Phone::new(codec);
            let ptime = Ptime::from_ms(ms).expect("one in use");
            let media = support::media(phone.addr(), codec);
            let call = open(
                &engine,
                LineMode::Agent,
                media_core::NegotiatedMedia { ptime, ..media.clone() },
            );
            calls.push((phone, call, u32::from(ms), Instant::now()));
        }
    }
    std::thread::sleep(Duration::from_millis(1_500));
    for (phone, call, ms, opened) in calls {
        let heard = phone.heard();
        let due = (opened.elapsed().as_millis() / u128::from(ms)) as usize;
        let got = heard.len();
        assert!((due - due / 4..=due + 2).contains(&got), "{got} packets of {ms} ms, not {due}");
        assert!(heard.iter().all(|p| p.payload.len() == 8 * ms as usize));
        assert_numbered(&heard, 8 * ms);
        call.close();
    }
}

#[test]
fn a_line_on_hold_falls_silent_and_goes_on_afterwards() {
    let engine = engine();
    let phone = Phone::new(Codec::Pcmu);
    let agreed = media(phone.addr(), Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, agreed.clone());
    std::thread::sleep(Duration::from_millis(200));
    for direction in [Direction::RecvOnly, Direction::Inactive] {
        call.line.update_media(media_core::NegotiatedMedia { direction, ..agreed.clone() });
        let asked_ns = now_ns();
        until_quiet(&phone);
        let before = phone.heard();
        let last = before.last().expect("it spoke before");
        assert!(last.at_ns < asked_ns + 60_000_000 + late_ns(&engine), "it falls silent at once");
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(phone.count(), before.len(), "{direction:?} means that we do not send");
        call.line.update_media(agreed.clone());
        goes_on(&phone);
        let after = &phone.heard()[before.len()..];
        assert!(after[0].marker, "after a gap a talk spurt begins");
        assert_eq!(after[0].sequence.distance(last.sequence), 1);
        let gap_ms = after[0].timestamp.distance(last.timestamp) as u128 / 8;
        let passed_ms = (after[0].at_ns - last.at_ns) / 1_000_000;
        assert!(
            gap_ms.abs_diff(passed_ms) < 200 && gap_ms >= 300,
            "media time went on meanwhile: {gap_ms} of {passed_ms} ms"
        );
    }
    call.line.update_media(media_core::NegotiatedMedia {
        direction: Direction::SendOnly,
        ..agreed.clone()
    });
    std::thread::sleep(Duration::from_millis(100));
    goes_on(&phone);
    call.close();
}

/// Waits until nothing has come for a tenth of a second.
fn until_quiet(phone: &Phone) {
    let until = Instant::now() + PATIENCE;
    loop {
        let count = phone.count();
        std::thread::sleep(Duration::from_millis(100));
        if phone.count() == count {
            return;
        }
        assert!(Instant::now() < until, "it is still sent to");
    }
}

/// Waits for more than a packet that was under way.
fn goes_on(phone: &Phone) {
    let count = phone.count();
    eventually(|| phone.count() > count + 5, || "nothing more is sent".to_owned());
}

/// How late the latest tick was, and how long the longest took.
fn late_ns(engine: &Engine) -> u128 {
    let metrics = engine.metrics();
    u128::from(metrics.lateness.max_us + metrics.tick_us_max) * 1_000
}

#[test]
fn a_reinvite_moves_the_stream_to_another_address_and_codec() {
    with_time_kept(|engine| {
        let (mut first, mut second) = (Phone::new(Codec::Pcmu), Phone::new(Codec::G722));
        let call = open(engine, LineMode::Echo, media(first.addr(), Codec::Pcmu));
        first.speak(call.rtp, &support::signal::tone(700.0, 8_000, 8_000, 9_000.0), 20, |_| false);
        call.line.update_media(media(second.addr(), Codec::G722));
        let asked_ns = now_ns();
        until_quiet(&first);
        let last_ns = first.last_at_ns();
        assert!(last_ns < asked_ns + 60_000_000 + late_ns(engine), "it moves at once");
        first.forget();
        second.forget();
        let wide = support::signal::tone(700.0, 16_000, 32_000, 9_000.0);
        let late = second.speak(call.rtp, &wide, 20, |_| false);
        assert_eq!(first.count(), 0, "the old address hears nothing any more");
        let got = second.listen_back();
        let middle = got.get(got.len() / 2..got.len() / 2 + 3_200).unwrap_or_default();
        let level = support::signal::amplitude_at(middle, 700.0, 16_000);
        call.close();
        let good = (6_000.0..12_000.0).contains(&level);
        (late, ensure(good, || format!("the tone comes back in the new codec: {level}")))
    });
}

#[test]
fn reports_go_to_the_odd_port_and_end_with_goodbye() {
    let engine = engine();
    let phone = Phone::new(Codec::Pcmu);
    let rtcp = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    rtcp.set_read_timeout(Some(support::PATIENCE)).expect("a timeout");
    let remote_rtcp = rtcp.local_addr().expect("bound");
    let agreed = media(phone.addr(), Codec::Pcmu);
    let media = media_core::NegotiatedMedia { remote_rtcp, ..agreed.clone() };
    let call = open(&engine, LineMode::Agent, media);
    let mut bytes = [0; 1_500];
    let (length, from) = rtcp.recv_from(&mut bytes).expect("a report within some seconds");
    assert_eq!(from.port(), call.rtp.port() + 1);
    let kinds: Vec<_> = Compound::parse(&bytes[..length]).expect("well-formed").iter().collect();
    assert!(matches!(kinds[0], RtcpPacket::SenderReport { .. }), "{kinds:?}");
    call.close();
    loop {
        let (length, _) = rtcp.recv_from(&mut bytes).expect("a goodbye");
        let compound = Compound::parse(&bytes[..length]).expect("well-formed");
        if compound.iter().any(|p| matches!(p, RtcpPacket::Goodbye { .. })) {
            break;
        }
    }
}
