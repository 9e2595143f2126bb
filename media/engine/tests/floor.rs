//! One voice: what is revoked falls silent at once, what is paused goes on at the sample, and two
//! are never heard together. Judged by what arrives at the telephone.

mod support;

use std::time::Duration;

use media_core::codec::Encoder;
use media_core::{Codec, Generation, SampleRate};
use media_engine::{Engine, LineEvent, LineMode, Speech};
use support::phone::{Heard, Phone, decode_all, now_ns};
use support::signal::{amplitude_at, noise, tone};
use support::{Call, engine, media, open};

media_engine::install_alloc_check!();

const RATE: SampleRate = SampleRate::Hz8000;
/// One for each claim, in turn. Whole periods in 20 ms, so that they do not leak into each other.
const TONES: [f64; 5] = [400.0, 700.0, 1_000.0, 1_300.0, 1_600.0];
const LOUD: f64 = 8_000.0;

fn claim(hz: f64, ms: u32) -> Speech {
    let samples = tone(hz, RATE.hz(), RATE.samples_in_ms(ms), LOUD);
    Speech::Shared { samples: samples.into(), rate: RATE }
}

/// Which of the tones are in a packet.
fn tones_in(packet: &Heard) -> Vec<usize> {
    let pcm = decode_all(std::slice::from_ref(packet), Codec::Pcmu);
    let heard = |hz: f64| amplitude_at(&pcm, hz, RATE.hz()) > LOUD / 8.0;
    (0..TONES.len()).filter(|n| heard(TONES[*n])).collect()
}

/// Grants a claim, lets it be heard for a while, revokes it. Returns when the revoke returned,
/// and how many samples the audio thread says were sent.
fn interrupt(call: &Call, n: u32, hold: Duration) -> (u128, u64) {
    let generation = Generation(n + 1);
    call.line.grant(generation, claim(TONES[n as usize % TONES.len()], 2_000));
    call.wait_for("a first sample", |event| match event {
        LineEvent::FirstSample { generation: g, .. } => (*g == generation).then_some(()),
        _ => None,
    });
    std::thread::sleep(hold);
    call.line.revoke(generation);
    let revoked_at = now_ns();
    let samples = call.wait_for("silence", |event| match event {
        LineEvent::Silenced { generation: g, samples, .. } => {
            (*g == generation).then_some(*samples)
        }
        _ => None,
    });
    (revoked_at, samples)
}

fn interrupt_often(engine: &Engine, times: u32, seed: u32) -> (usize, u128) {
    let phone = Phone::new(Codec::Pcmu);
    let call = open(engine, LineMode::Player, media(phone.addr(), Codec::Pcmu));
    let cuts: Vec<(u128, u64)> = (0..times)
        .map(|n| {
            let hold = Duration::from_micros(u64::from((n * 7_919 + seed * 104_729) % 45_000));
            interrupt(&call, n, hold)
        })
        .collect();
    std::thread::sleep(Duration::from_millis(60));
    let heard = phone.heard();
    assert!(heard.windows(2).all(|p| p[1].sequence.distance(p[0].sequence) == 1), "none is lost");
    let mut claim = 0;
    let mut packets = vec![0_u64; times as usize];
    let mut after = vec![0; times as usize];
    let mut latest_ns = 0;
    for packet in &heard {
        let tones = tones_in(packet);
        assert!(tones.len() <= 1, "two voices in one packet: {tones:?}");
        let Some(&tone) = tones.first() else { continue };
        // Claims are heard one after the other, and never again.
        while claim % TONES.len() != tone
            || packets[claim] > 0 && packet.at_ns > cuts[claim].0 + 40_000_000
        {
            claim += 1;
            assert!(claim < times as usize, "a tone that nobody was granted, or one come back");
        }
        packets[claim] += 1;
        if packet.at_ns > cuts[claim].0 {
            after[claim] += 1;
            latest_ns = latest_ns.max(packet.at_ns - cuts[claim].0);
        }
    }
    for n in 0..times as usize {
        assert_eq!(packets[n] * 160, cuts[n].1, "the count of claim {n} is that of the wire");
        assert!(after[n] <= 1, "claim {n} was heard for {} frames after its revoke", after[n]);
    }
    call.close();
    (after.iter().sum(), latest_ns)
}

#[test]
fn after_a_revoke_at_most_the_frame_on_the_wire_is_heard_in_a_thousand_interruptions() {
    const LINES: u32 = 20;
    const EACH: u32 = 50;
    let engine = engine();
    let (late, latest_ns) = std::thread::scope(|scope| {
        let lines: Vec<_> = (0..LINES)
            .map(|seed| {
                scope.spawn({
                    let engine = &engine;
                    move || interrupt_often(engine, EACH, seed)
                })
            })
            .collect();
        let joined = lines.into_iter().map(|line| line.join().expect("every line keeps silent"));
        joined.fold((0, 0), |(sum, most), (late, latest)| (sum + late, latest.max(most)))
    });
    let metrics = engine.metrics();
    let latest_ms = latest_ns as f64 / 1e6;
    println!(
        "{} interruptions, {late} with one frame under way, which left {latest_ms:.2} ms after the \
         revoke at most; {metrics:?}",
        LINES * EACH
    );
    // The frame in hand leaves at once, unless the machine stops the thread that holds it.
    let held_up_ms = metrics.tick_us_max as f64 / 1e3;
    assert!(latest_ms <= 20.0 + held_up_ms, "{latest_ms} ms, and a tick took {held_up_ms} ms");
    assert_eq!((metrics.commands_lost, metrics.panics), (0, 0));
}

#[test]
fn a_grant_that_takes_the_floor_silences_the_claim_before_it() {
    let engine = engine();
    let phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Player, media(phone.addr(), Codec::Pcmu));
    for n in 0..40_u32 {
        call.line.grant(Generation(n + 1), claim(TONES[n as usize % TONES.len()], 1_000));
        std::thread::sleep(Duration::from_millis(u64::from(n % 7) * 10));
    }
    std::thread::sleep(Duration::from_millis(200));
    let mut silenced = Vec::new();
    while let Ok(event) = call.events.try_recv() {
        if let LineEvent::Silenced { generation, .. } = event {
            silenced.push(generation.0);
        }
    }
    assert_eq!(silenced, (1..40).collect::<Vec<_>>(), "each that lost the floor, once, in order");
    for packet in phone.heard() {
        assert!(tones_in(&packet).len() <= 1, "two voices in one packet");
    }
    let last = tones_in(phone.heard().last().expect("packets"));
    assert_eq!(last, [39 % TONES.len()], "the last one is heard");
    call.close();
}

#[test]
fn a_paused_claim_goes_on_with_the_very_next_sample() {
    let engine = engine();
    let phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Player, media(phone.addr(), Codec::Pcmu));
    // Loud enough that no frame of it is like comfort noise.
    let mut samples = noise(RATE.samples_in_ms(1_010), 20_000.0, 3);
    samples.iter_mut().step_by(8).for_each(|s| *s = 12_000);
    let mut expected = vec![0; samples.len()];
    Encoder::new(Codec::Pcmu).encode(&samples, &mut expected);
    let generation = Generation(1);
    call.line.grant(generation, Speech::Audio { samples: samples.clone(), rate: RATE });
    let mut before = 0;
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(130));
        call.line.pause(generation);
        let paused = call.wait_for("a pause", |event| match event {
            LineEvent::Paused { samples, .. } => Some(*samples),
            _ => None,
        });
        assert!(paused > before, "something was heard meanwhile");
        before = paused;
        std::thread::sleep(Duration::from_millis(110));
        call.line.resume(generation);
        let resumed = call.wait_for("it to go on", |event| match event {
            LineEvent::Resumed { samples, .. } => Some(*samples),
            _ => None,
        });
        assert!(resumed - paused <= 160, "it stood still: {paused} to {resumed}");
    }
    let drained = call.wait_for("the end", |event| match event {
        LineEvent::Drained { samples, .. } => Some(*samples),
        _ => None,
    });
    assert_eq!(drained, samples.len() as u64);
    std::thread::sleep(Duration::from_millis(50));
    let loud = |packet: &&Heard| {
        decode_all(std::slice::from_ref(packet), Codec::Pcmu).iter().any(|s| s.abs() > 8_000)
    };
    let heard = phone.heard();
    let spoken: Vec<u8> = heard.iter().filter(loud).flat_map(|p| p.payload.clone()).collect();
    assert_eq!(spoken[..expected.len()], expected, "every sample once, in order");
    call.close();
}

#[test]
fn a_claim_that_is_paused_before_its_first_sample_waits() {
    let engine = engine();
    let phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Player, media(phone.addr(), Codec::Pcmu));
    call.line.grant(Generation(1), claim(400.0, 200));
    call.line.pause(Generation(1));
    std::thread::sleep(Duration::from_millis(200));
    let heard = phone.heard();
    let before = heard.iter().filter(|p| !tones_in(p).is_empty()).count();
    assert!(before <= 1, "at most the frame that was under way: {before}");
    call.line.revoke(Generation(1));
    call.line.resume(Generation(1));
    std::thread::sleep(Duration::from_millis(100));
    let spoken = phone.heard().iter().filter(|p| !tones_in(p).is_empty()).count();
    assert_eq!(spoken, before, "what is revoked does not come back");
    call.close();
}

#[test]
fn revokes_and_pauses_of_others_change_nothing() {
    let engine = engine();
    let phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Player, media(phone.addr(), Codec::Pcmu));
    call.line.grant(Generation(5), claim(400.0, 300));
    for other in [Generation::NONE, Generation(3), Generation(4)] {
        call.line.revoke(other);
        call.line.pause(other);
        call.line.resume(other);
    }
    let samples = call.wait_for("the end", |event| match event {
        LineEvent::Drained { samples, .. } => Some(*samples),
        LineEvent::Silenced { .. } | LineEvent::Paused { .. } => panic!("{event:?}"),
        _ => None,
    });
    assert_eq!(samples, 2_400);
    call.close();
}

#[test]
fn speech_waits_while_keys_are_pressed() {
    let engine = engine();
    let phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Player, media(phone.addr(), Codec::Pcmu));
    call.line.send_digits("1");
    call.line.grant(Generation(1), claim(400.0, 300));
    call.wait_for("the end", |e| matches!(e, LineEvent::Drained { .. }).then_some(()));
    std::thread::sleep(Duration::from_millis(50));
    let heard = phone.heard();
    let spoken = heard.iter().filter(|p| !tones_in(p).is_empty()).count();
    assert_eq!(spoken, 15, "no frame of speech is lost to the key");
    assert!(heard.iter().any(|p| p.payload_type == support::TELEPHONE_EVENT));
    call.close();
}
