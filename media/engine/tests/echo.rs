//! The echo line: faithful, lean, and deaf to strangers.

mod support;

use std::time::Duration;

use media_core::{Codec, PayloadType, SampleRate};
use media_engine::{Carrier, LineEvent, LineMode};
use support::phone::Phone;
use support::signal::{amplitude_at, fidelity, noise, rms, tone};
use support::{engine, ensure, eventually, media, open, with_time_kept};

media_engine::install_alloc_check!();

/// Where `sent` begins in `got`, by the best match of its first 200 samples.
fn find(sent: &[i16], got: &[i16]) -> Option<usize> {
    let score = |at: usize| fidelity(&sent[..200], &got[at..at + 200]).0;
    (0..got.len().saturating_sub(sent.len()))
        .filter(|at| rms(&got[*at..*at + 200]) > 100.0)
        .max_by(|a, b| score(*a).total_cmp(&score(*b)))
}

#[test]
fn a_mu_law_echo_is_faithful_from_the_first_frame_on() {
    with_time_kept(|engine| {
        let mut phone = Phone::new(Codec::Pcmu);
        let call = open(engine, LineMode::Echo, media(phone.addr(), Codec::Pcmu));
        let sent = noise(3 * 8_000, 20_000.0, 7);
        let late = phone.speak(call.rtp, &sent, 20, |_| false);
        std::thread::sleep(Duration::from_millis(300));
        let got = phone.listen_back();
        let Some(start) = find(&sent, &got) else { return (late, Err("no echo".to_owned())) };
        let (r, snr) = fidelity(&sent, &got[start..start + sent.len()]);
        let statistics = call.line.statistics();
        println!("echo: r = {r:.5}, SNR = {snr:.1} dB, {statistics:?}");
        let good = r >= 0.9999
            && snr >= 37.0
            && statistics.rtp_lost == 0
            && statistics.mos_estimated > 4.2
            && statistics.playout_delay_ms <= 70.0;
        call.close();
        (late, ensure(good, || format!("r = {r:.5}, SNR = {snr:.1} dB, {statistics:?}")))
    });
}

#[test]
fn what_is_said_before_the_line_opens_is_not_lost() {
    with_time_kept(|engine| {
        let mut phone = Phone::new(Codec::Pcmu);
        let port = engine.reserve_port().expect("a port");
        let to = port.local_addr();
        let late = phone.speak(to, &tone(300.0, 8_000, 5 * 160, 9_000.0), 20, |_| false);
        let spec = media_engine::LineSpec {
            id: media_core::LineId(1),
            carrier: Carrier::Rtp { port, media: media(phone.addr(), Codec::Pcmu) },
            mode: LineMode::Echo,
            record: None,
            ear: media_core::hearing::EarConfig::default(),
        };
        let line = engine.open_line(spec, Box::new(|_| {})).expect("a line");
        let late = late.max(phone.speak(to, &tone(1_000.0, 8_000, 8_000, 9_000.0), 20, |_| false));
        let got = phone.listen_back();
        let is_early = |frame: &&[i16]| amplitude_at(frame, 300.0, 8_000) > 6_000.0;
        let early = got.chunks_exact(160).filter(is_early).count();
        let statistics = line.statistics();
        // It may be played faster, to catch up, and does not delay the call for ever.
        let good = (3..=6).contains(&early) && statistics.playout_delay_ms <= 80.0;
        (late, ensure(good, || format!("{early} of 5 frames, {statistics:?}")))
    });
}

#[test]
fn a_wideband_echo_is_faithful_too() {
    with_time_kept(|engine| {
        let mut phone = Phone::new(Codec::G722);
        let call = open(engine, LineMode::Echo, media(phone.addr(), Codec::G722));
        let spoken = tone(5_000.0, 16_000, 32_000, 9_000.0);
        let late = phone.speak(call.rtp, &spoken, 20, |_| false);
        let got = phone.listen_back();
        let middle = got.get(16_000..16_000 + 8_000).unwrap_or_default();
        let level = amplitude_at(middle, 5_000.0, 16_000);
        call.close();
        let good = (7_000.0..11_000.0).contains(&level);
        (late, ensure(good, || format!("5 kHz needs wideband all the way: {level}")))
    });
}

#[test]
fn lost_packets_are_concealed_and_counted() {
    with_time_kept(|engine| {
        let mut phone = Phone::new(Codec::Pcma);
        let call = open(engine, LineMode::Echo, media(phone.addr(), Codec::Pcma));
        let spoken = tone(400.0, 8_000, 3 * 8_000, 9_000.0);
        let late = phone.speak(call.rtp, &spoken, 20, |n| n % 10 == 9);
        std::thread::sleep(Duration::from_millis(100));
        let statistics = call.line.statistics();
        let got = phone.listen_back();
        let middle = got
            .get((got.len() / 2).saturating_sub(4_000)..got.len() / 2 + 4_000)
            .unwrap_or_default();
        let quietest = middle.chunks(160).map(rms).fold(f64::MAX, f64::min);
        call.close();
        // No hole of 20 ms is left, and ten percent loss is heard.
        let good = (13..=15).contains(&statistics.rtp_lost)
            && statistics.concealed_ms >= 13 * 20
            && !middle.is_empty()
            && quietest > 2_000.0
            && statistics.mos_estimated < 4.0;
        (late, ensure(good, || format!("20 ms of {quietest}, {statistics:?}")))
    });
}

#[test]
fn a_stranger_is_not_heard_not_answered_and_counted() {
    with_time_kept(|engine| {
        let mut phone = Phone::new(Codec::Pcmu);
        let mut stranger = Phone::new(Codec::Pcmu);
        let call = open(engine, LineMode::Echo, media(phone.addr(), Codec::Pcmu));
        let to = call.rtp;
        let spoken = std::thread::spawn(move || {
            let late = phone.speak(to, &tone(500.0, 8_000, 2 * 8_000, 9_000.0), 20, |_| false);
            (phone, late)
        });
        std::thread::sleep(Duration::from_millis(300));
        // At ten times the rate of a call.
        for _ in 0..500 {
            stranger.send_payload(to, PayloadType(0), &[0x00; 160], 160);
            std::thread::sleep(Duration::from_millis(2));
        }
        let (phone, late) = spoken.join().expect("no panic");
        let got = phone.listen_back();
        let middle = got.get(4_000..12_000).unwrap_or_default();
        let (r, _) = fidelity(middle, &tone_like(middle));
        assert_eq!(stranger.count(), 0, "nothing is sent to a stranger");
        let foreign = || call.line.statistics().foreign;
        eventually(|| foreign() >= 490, || format!("{} of a stranger's 500", foreign()));
        assert_eq!(call.line.statistics().remote, Some(phone.addr()));
        call.close();
        (late, ensure(r > 0.99, || format!("the echo is the phone's own tone: {r}")))
    });
}

/// The 500 Hz part of `samples`.
fn tone_like(samples: &[i16]) -> Vec<i16> {
    let phase = |n: usize| n as f64 * 500.0 * std::f64::consts::TAU / 8_000.0;
    let dot = |f: fn(f64) -> f64| {
        let sum: f64 = samples.iter().enumerate().map(|(n, &s)| f64::from(s) * f(phase(n))).sum();
        2.0 * sum / samples.len() as f64
    };
    let (sine, cosine) = (dot(f64::sin), dot(f64::cos));
    (0..samples.len()).map(|n| (sine * phase(n).sin() + cosine * phase(n).cos()) as i16).collect()
}

#[test]
fn a_phone_behind_another_port_is_learnt_and_then_kept() {
    let engine = engine();
    let announced = Phone::new(Codec::Pcmu);
    let mut real = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Echo, media(announced.addr(), Codec::Pcmu));
    real.speak(call.rtp, &tone(500.0, 8_000, 8_000, 9_000.0), 20, |_| false);
    eventually(|| real.count() > 30, || format!("{} came where we send from", real.count()));
    call.wait_for("media", |e| matches!(e, LineEvent::MediaStarted { .. }).then_some(()));
    call.close();
}

#[test]
fn garbage_is_counted_and_does_no_harm() {
    let engine = engine();
    let mut phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Echo, media(phone.addr(), Codec::Pcmu));
    for length in 0..200_usize {
        let bytes: Vec<u8> = (0..length).map(|n| (n * 37 + length * 11) as u8).collect();
        phone.send_raw(call.rtp, &bytes);
        if length % 30 == 0 {
            std::thread::sleep(Duration::from_millis(25));
        }
    }
    phone.send_raw(call.rtp, &[0x80; 2_000]);
    phone.forget();
    phone.speak(call.rtp, &tone(500.0, 8_000, 8_000, 9_000.0), 20, |_| false);
    let loud = || {
        let got = phone.listen_back();
        got.chunks_exact(160).filter(|frame| rms(frame) > 3_000.0).count()
    };
    eventually(|| loud() > 25, || format!("{} frames of 50 come back", loud()));
    assert!(call.line.statistics().malformed > 50, "{:?}", call.line.statistics());
    assert_eq!(engine.metrics().panics, 0);
    call.close();
}

#[test]
fn a_g711_echo_is_carried_at_8_khz_and_never_pays_for_more() {
    let engine = engine();
    for (codec, rate) in [
        (Codec::Pcmu, SampleRate::Hz8000),
        (Codec::Pcma, SampleRate::Hz8000),
        (Codec::G722, SampleRate::Hz16000),
    ] {
        let phone = Phone::new(codec);
        let call = open(&engine, LineMode::Echo, media(phone.addr(), codec));
        assert_eq!(call.line.sample_rate(), rate, "{codec:?}");
    }
}
