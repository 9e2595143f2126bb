//! What a call sounded like: left what was heard, right what was sent, in step.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use media_core::{Codec, Generation, SampleRate};
use media_engine::{Engine, LineEvent, LineMode, Speech};
use support::phone::Phone;
use support::signal::{amplitude_at, tone};
use support::{ensure, media, open_recording, with_time_kept};

media_engine::install_alloc_check!();

fn read(path: &Path) -> (u32, Vec<i16>, Vec<i16>) {
    let mut reader = hound::WavReader::open(path).expect("a WAV file");
    assert_eq!(reader.spec().channels, 2);
    let all: Vec<i16> = reader.samples().map(|s| s.expect("a sample")).collect();
    let side = |n: usize| all.iter().copied().skip(n).step_by(2).collect();
    (reader.spec().sample_rate, side(0), side(1))
}

#[test]
fn a_recording_holds_both_sides_for_as_long_as_the_line_was_open() {
    for (codec, rate) in [(Codec::Pcmu, 8_000), (Codec::G722, 16_000)] {
        with_time_kept(|engine| two_seconds_recorded(engine, codec, rate));
    }
}

fn two_seconds_recorded(
    engine: &Engine,
    codec: Codec,
    rate: u32,
) -> (Duration, Result<(), String>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(format!("{codec:?}.wav"));
    let mut phone = Phone::new(codec);
    let opened = Instant::now();
    let call =
        open_recording(engine, LineMode::Agent, media(phone.addr(), codec), Some(path.clone()));
    let sent = tone(900.0, 8_000, 8_000, 9_000.0);
    let speech = Speech::Audio { samples: sent, rate: SampleRate::Hz8000 };
    call.line.grant(Generation(1), speech);
    let spoken = tone(400.0, rate, 2 * rate as usize, 9_000.0);
    let late = phone.speak(call.rtp, &spoken, 20, |_| false);
    let open_s = opened.elapsed().as_secs_f64();
    let closed = call.close();
    let LineEvent::Closed { recording, statistics, .. } = closed else { panic!("{closed:?}") };
    assert_eq!(recording, Some(Ok(path.clone())));
    assert_eq!(statistics.ring_overflows, 0);
    let (recorded_rate, left, right) = read(&path);
    assert_eq!(recorded_rate, rate);
    let recorded_s = left.len() as f64 / f64::from(rate);
    let part = |side: &[i16], from: f64, to: f64, hz: f64| {
        let at = |s: f64| (s * f64::from(rate)) as usize;
        amplitude_at(side.get(at(from)..at(to)).unwrap_or_default(), hz, rate)
    };
    let checks = [
        ((open_s - 0.1..open_s + 0.4).contains(&recorded_s), "it is as long as the line was open"),
        (part(&left, 0.4, 1.4, 400.0) > 7_000.0, "left is what was heard"),
        (part(&left, 0.4, 1.4, 900.0) < 100.0, "and nothing else"),
        (part(&right, 0.2, 0.9, 900.0) > 7_000.0, "right is what was sent"),
        (part(&right, 0.2, 0.9, 400.0) < 100.0, "and nothing else"),
        (part(&right, 1.3, 1.8, 900.0) < 100.0, "after its end it is quiet"),
    ];
    let wrong = checks.iter().find(|(good, _)| !good);
    let told = |what: &str| format!("not so: {what}; {recorded_s} s of {open_s} s");
    (late, wrong.map_or(Ok(()), |(_, what)| Err(told(what))))
}

#[test]
fn a_recording_that_cannot_be_written_does_not_disturb_the_call() {
    with_time_kept(|engine| {
        let mut phone = Phone::new(Codec::Pcmu);
        let nowhere = Some("/nowhere/at/all/call.wav".into());
        let call =
            open_recording(engine, LineMode::Echo, media(phone.addr(), Codec::Pcmu), nowhere);
        let late = phone.speak(call.rtp, &tone(400.0, 8_000, 8_000, 9_000.0), 20, |_| false);
        std::thread::sleep(Duration::from_millis(50));
        let count = phone.count();
        let LineEvent::Closed { recording: Some(Err(error)), .. } = call.close() else {
            panic!("the failure is reported")
        };
        assert!(error.contains("/nowhere/at/all/call.wav"), "{error}");
        (late, ensure(count > 45, || format!("{count} packets")))
    });
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_call() {
    with_time_kept(|engine| {
        let mut phone = Phone::new(Codec::Pcmu);
        let full = Some("/dev/full".into());
        let call = open_recording(engine, LineMode::Echo, media(phone.addr(), Codec::Pcmu), full);
        let late = phone.speak(call.rtp, &tone(400.0, 8_000, 2 * 8_000, 9_000.0), 20, |_| false);
        let count = phone.count();
        let closed = call.close();
        assert!(matches!(closed, LineEvent::Closed { recording: Some(Err(_)), .. }), "{closed:?}");
        (late, ensure(count > 90, || format!("{count} packets")))
    });
}
