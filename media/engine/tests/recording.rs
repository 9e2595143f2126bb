//! What a call sounded like: left what was heard, right what was sent, in step.

mod support;

use std::path::Path;
use std::time::Duration;

use media_core::{Codec, Generation, SampleRate};
use media_engine::{LineEvent, LineMode, Speech};
use support::phone::Phone;
use support::signal::{amplitude_at, tone};
use support::{engine, media, open_recording};

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
    let dir = tempfile::tempdir().expect("a directory");
    let engine = engine();
    for (codec, rate) in [(Codec::Pcmu, 8_000), (Codec::G722, 16_000)] {
        let path = dir.path().join(format!("{codec:?}.wav"));
        let mut phone = Phone::new(codec);
        let call = open_recording(
            &engine,
            LineMode::Agent,
            media(phone.addr(), codec),
            Some(path.clone()),
        );
        let sent = tone(900.0, 8_000, 8_000, 9_000.0);
        let speech = Speech::Audio { samples: sent, rate: SampleRate::Hz8000 };
        call.line.grant(Generation(1), speech);
        phone.speak(call.rtp, &tone(400.0, rate, 2 * rate as usize, 9_000.0), 20, |_| false);
        let closed = call.close();
        let LineEvent::Closed { recording, statistics, .. } = closed else { panic!("{closed:?}") };
        assert_eq!(recording, Some(Ok(path.clone())));
        assert_eq!(statistics.ring_overflows, 0);
        let (recorded_rate, left, right) = read(&path);
        assert_eq!(recorded_rate, rate);
        let seconds = left.len() as f64 / f64::from(rate);
        assert!((1.9..2.4).contains(&seconds), "{seconds} s");
        let part = |side: &[i16], from: f64, to: f64, hz: f64| {
            let at = |s: f64| (s * f64::from(rate)) as usize;
            amplitude_at(&side[at(from)..at(to)], hz, rate)
        };
        assert!(part(&left, 0.4, 1.4, 400.0) > 7_000.0, "left is what was heard");
        assert!(part(&left, 0.4, 1.4, 900.0) < 100.0, "and nothing else");
        assert!(part(&right, 0.2, 0.9, 900.0) > 7_000.0, "right is what was sent");
        assert!(part(&right, 0.2, 0.9, 400.0) < 100.0, "and nothing else");
        assert!(part(&right, 1.3, 1.8, 900.0) < 100.0, "after its end it is quiet");
    }
}

#[test]
fn a_recording_that_cannot_be_written_does_not_disturb_the_call() {
    let engine = engine();
    let mut phone = Phone::new(Codec::Pcmu);
    let nowhere = Some("/nowhere/at/all/call.wav".into());
    let call = open_recording(&engine, LineMode::Echo, media(phone.addr(), Codec::Pcmu), nowhere);
    phone.speak(call.rtp, &tone(400.0, 8_000, 8_000, 9_000.0), 20, |_| false);
    std::thread::sleep(Duration::from_millis(50));
    assert!(phone.count() > 45, "{}", phone.count());
    let LineEvent::Closed { recording: Some(Err(error)), .. } = call.close() else {
        panic!("the failure is reported")
    };
    assert!(error.contains("/nowhere/at/all/call.wav"), "{error}");
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_call() {
    let engine = engine();
    let mut phone = Phone::new(Codec::Pcmu);
    let full = Some("/dev/full".into());
    let call = open_recording(&engine, LineMode::Echo, media(phone.addr(), Codec::Pcmu), full);
    phone.speak(call.rtp, &tone(400.0, 8_000, 2 * 8_000, 9_000.0), 20, |_| false);
    assert!(phone.count() > 90, "{}", phone.count());
    let closed = call.close();
    assert!(matches!(closed, LineEvent::Closed { recording: Some(Err(_)), .. }), "{closed:?}");
}
