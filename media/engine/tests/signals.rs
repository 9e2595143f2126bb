//! Keys, silence and what else a line reports about its peer.

mod support;

use std::time::Duration;

use media_core::rtp::{Digit, DtmfReceiver, TelephoneEvent};
use media_core::{Codec, Direction, MonoTime, NegotiatedMedia};
use media_engine::{Engine, EngineConfig, Engines, LineEvent, LineMode};
use support::phone::{Heard, Phone};
use support::signal::{rms, tone};
use support::{TELEPHONE_EVENT, config, engine, ensure, eventually, media, open, with_time_kept};

media_engine::install_alloc_check!();

fn press(phone: &mut Phone, to: std::net::SocketAddr, key: char, lost: impl Fn(usize) -> bool) {
    let event = Digit::from_char(key).expect("a key").event();
    let began = phone.timestamp;
    for n in 0..8_usize {
        let end = n >= 5;
        let duration_ticks = 160 * (n.min(5) as u16 + 1);
        let payload = TelephoneEvent { event, end, volume: 10, duration_ticks }.to_bytes();
        if !lost(n) {
            phone.send_at(to, TELEPHONE_EVENT, phone.sequence, began, &payload);
        }
        phone.sequence = phone.sequence.wrapping_add(1);
        std::thread::sleep(Duration::from_millis(if end { 2 } else { 20 }));
    }
    phone.timestamp = began.wrapping_add(160 * 8);
}

#[test]
fn each_key_press_is_reported_once_whatever_is_lost() {
    let engine = engine();
    let mut phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Echo, media(phone.addr(), Codec::Pcmu));
    let speech = tone(500.0, 8_000, 1_600, 9_000.0);
    phone.speak(call.rtp, &speech, 20, |_| false);
    press(&mut phone, call.rtp, '1', |_| false);
    phone.speak(call.rtp, &speech, 20, |_| false);
    press(&mut phone, call.rtp, '1', |n| n == 6 || n == 7);
    phone.speak(call.rtp, &speech, 20, |_| false);
    press(&mut phone, call.rtp, '#', |n| n != 7);
    phone.speak(call.rtp, &speech, 20, |_| false);
    std::thread::sleep(Duration::from_millis(100));
    let mut keys = String::new();
    while let Ok(event) = call.events.try_recv() {
        if let LineEvent::Dtmf { digit, .. } = event {
            keys.push(digit);
        }
    }
    assert_eq!(keys, "11#");
    assert_eq!(call.line.statistics().malformed, 0);
    call.close();
}

#[test]
fn keys_are_sent_as_events_that_a_receiver_reads_once_each() {
    let engine = engine();
    let phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Player, media(phone.addr(), Codec::Pcmu));
    call.line.send_digits("4x2#");
    eventually(|| keys_in(&phone.heard()).len() >= 3, || keys_in(&phone.heard()));
    std::thread::sleep(Duration::from_millis(300));
    let heard = phone.heard();
    assert_eq!(keys_in(&heard), "42#");
    let gaps = heard.windows(2).filter(|p| p[1].sequence.distance(p[0].sequence) != 1).count();
    assert_eq!(gaps, 0, "keys and voice share one numbering");
    call.close();
}

fn keys_in(heard: &[Heard]) -> String {
    let mut receiver = DtmfReceiver::new();
    let mut keys = String::new();
    for packet in heard.iter().filter(|p| p.payload_type == TELEPHONE_EVENT) {
        let at = MonoTime::from_micros((packet.at_ns / 1_000) as u64);
        let digit = receiver.on_event(at, packet.timestamp, &packet.payload);
        keys.extend(digit.map(Digit::as_char));
    }
    keys
}

#[test]
fn a_peer_that_falls_silent_is_reported_once_and_one_on_hold_is_not() {
    // Longer than a machine that is busy keeps the phone from its next packet.
    let timeout = Duration::from_secs(1);
    let config = EngineConfig { media_timeout: timeout, ..config() };
    let engine = Engine::start(config, Engines::default()).expect("an engine");
    let mut phone = Phone::new(Codec::Pcmu);
    let agreed = media(phone.addr(), Codec::Pcmu);
    let call = open(&engine, LineMode::Echo, agreed.clone());
    let speech = tone(500.0, 8_000, 1_600, 9_000.0);
    let mut seen = Vec::new();
    let mut note = |event: &LineEvent| match event {
        LineEvent::MediaStarted { .. } => seen.push("started"),
        LineEvent::MediaTimeout { .. } => seen.push("timeout"),
        _ => {}
    };
    phone.speak(call.rtp, &speech, 20, |_| false);
    call.wait_for("the timeout", |event| {
        note(event);
        matches!(event, LineEvent::MediaTimeout { .. }).then_some(())
    });
    // Long enough for another one.
    std::thread::sleep(2 * timeout);
    phone.speak(call.rtp, &speech, 20, |_| false);
    call.line.update_media(NegotiatedMedia { direction: Direction::SendOnly, ..agreed.clone() });
    std::thread::sleep(2 * timeout);
    call.events.try_iter().for_each(|event| note(&event));
    assert_eq!(seen, ["started", "timeout", "started"]);
    call.close();
}

#[test]
fn sequence_and_timestamp_wraps_are_not_heard() {
    with_time_kept(|engine| {
        let mut phone = Phone::new(Codec::Pcmu);
        phone.sequence = 65_500;
        phone.timestamp = u32::MAX - 8_000;
        let call = open(engine, LineMode::Echo, media(phone.addr(), Codec::Pcmu));
        let spoken = tone(500.0, 8_000, 2 * 8_000, 9_000.0);
        let late = phone.speak(call.rtp, &spoken, 20, |_| false);
        let statistics = call.line.statistics();
        let got = phone.listen_back();
        let loud: Vec<_> = got.chunks_exact(160).map(|c| rms(c) > 5_000.0).collect();
        let first = loud.iter().position(|l| *l).unwrap_or(loud.len());
        let whole = loud[first..].iter().take_while(|l| **l).count() >= 90;
        let good = whole && (statistics.rtp_lost, statistics.concealed_ms) == (0, 0);
        call.close();
        (late, ensure(good, || format!("{statistics:?}")))
    });
}
