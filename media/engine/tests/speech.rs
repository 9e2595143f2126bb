//! Text becomes speech: chunk by chunk, words in place, stopped when nobody wants it.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use media_core::plugin::WordSpan;
use media_core::{Codec, Generation, SampleRate};
use media_engine::{Engines, LineEvent, LineMode, Speech};
use support::phone::Phone;
use support::signal::amplitude_at;
use support::workers::Singer;
use support::{Call, engine_with, ensure, media, open, with_time_kept_by};

media_engine::install_alloc_check!();

const ONE: Generation = Generation(1);

fn singer(rate: SampleRate, takes_ms: u64) -> (Engines, Arc<AtomicUsize>) {
    let words_sung = Arc::new(AtomicUsize::new(0));
    let takes = Duration::from_millis(takes_ms);
    let voice = Singer { rate, hz: 500.0, takes, words_sung: Arc::clone(&words_sung), shy: false };
    let last = Singer { rate, hz: 900.0, takes, words_sung: Arc::default(), shy: false };
    let (tts, fallback_tts) = (Some(Arc::new(voice) as Arc<_>), Some(Arc::new(last) as Arc<_>));
    let engines = Engines { tts, fallback_tts, ..Engines::default() };
    (engines, words_sung)
}

fn until_drained(call: &Call) -> Vec<LineEvent> {
    let mut events = Vec::new();
    loop {
        let event = call.events.recv_timeout(support::PATIENCE).expect("it ends");
        let done = matches!(event, LineEvent::Drained { .. });
        events.push(event);
        if done {
            return events;
        }
    }
}

#[test]
fn words_keep_their_place_at_the_lines_rate() {
    let text = "one two three";
    for (voice, codec) in [
        (SampleRate::Hz8000, Codec::Pcmu),
        (SampleRate::Hz16000, Codec::Pcma),
        (SampleRate::Hz8000, Codec::G722),
        (SampleRate::Hz48000, Codec::Pcmu),
    ] {
        let engine = engine_with(singer(voice, 1).0);
        let phone = Phone::new(codec);
        let call = open(&engine, LineMode::Agent, media(phone.addr(), codec));
        let tenth = call.line.sample_rate().samples_in_ms(100);
        call.line.grant(ONE, Speech::Text(text.to_owned()));
        let events = until_drained(&call);
        let mut words: Vec<WordSpan> = Vec::new();
        let mut at = 0;
        let mut samples_done = None;
        for event in &events {
            match event {
                LineEvent::SpeechChunk { first_sample, samples, words: more, .. } => {
                    assert_eq!(*first_sample, at, "chunks join");
                    at += samples;
                    words.extend_from_slice(more);
                }
                LineEvent::SpeechDone { samples, .. } => samples_done = Some(*samples),
                _ => {}
            }
        }
        let spans: Vec<_> =
            words.iter().map(|w| (&text[w.text.clone()], w.samples.clone())).collect();
        let expected =
            [("one", 0..tenth), ("two", tenth..2 * tenth), ("three", 2 * tenth..3 * tenth)];
        assert_eq!(spans, expected);
        assert_eq!(samples_done, Some(3 * tenth as u64));
        assert_order(&events, 3 * tenth as u64);
        std::thread::sleep(Duration::from_millis(50));
        let got = phone.listen_back();
        let loudest = got
            .chunks_exact(tenth)
            .map(|c| amplitude_at(c, 500.0, codec.sample_rate().hz()))
            .fold(0.0, f64::max);
        assert!((6_500.0..9_500.0).contains(&loudest), "{voice:?} on {codec:?}: {loudest}");
        call.close();
    }
}

/// First sample, progress, drained; the counts grow and end at `total`.
fn assert_order(events: &[LineEvent], total: u64) {
    let mut last = None;
    for event in events {
        match event {
            LineEvent::FirstSample { .. } => {
                assert_eq!(last, None, "the first sample comes first, once");
                last = Some(0);
            }
            LineEvent::Played { samples, .. } | LineEvent::Drained { samples, .. } => {
                assert!(last.is_some_and(|n| n <= *samples), "{last:?} then {samples}");
                last = Some(*samples);
            }
            _ => {}
        }
    }
    assert_eq!(last, Some(total));
}

#[test]
fn the_first_clause_is_heard_while_the_rest_is_still_being_made() {
    const WORD: Duration = Duration::from_millis(60);
    let voice = || singer(SampleRate::Hz8000, WORD.as_millis() as u64).0;
    with_time_kept_by(voice, |engine| {
        let phone = Phone::new(Codec::Pcmu);
        let call = open(engine, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
        let asked = Instant::now();
        call.line.grant(ONE, Speech::Text("a b c d e f g h i j".to_owned()));
        let (mut first, mut word_at, mut late) = (None, Duration::ZERO, Duration::ZERO);
        call.wait_for("the end", |event| {
            let at = asked.elapsed();
            match event {
                LineEvent::FirstSample { .. } => first = Some(at),
                LineEvent::SpeechChunk { .. } => {
                    late = late.max(at.saturating_sub(word_at + WORD));
                    word_at = at;
                }
                _ => {}
            }
            matches!(event, LineEvent::Drained { .. }).then_some(())
        });
        let first = first.expect("a first sample comes before the end");
        println!("first sample {first:?} after the grant, of which {WORD:?} are synthesis");
        let starved = call.line.statistics().starved_ticks;
        call.close();
        // Not after 600 ms of synthesis, which is faster than speech.
        let good = first < Duration::from_millis(250) && starved == 0;
        (late, ensure(good, || format!("first after {first:?}, then {starved} ticks starved")))
    });
}

#[test]
fn a_revoke_stops_synthesis_at_the_next_clause() {
    let (engines, words_sung) = singer(SampleRate::Hz8000, 20);
    let engine = engine_with(engines);
    let phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
    call.line.grant(ONE, Speech::Text("word ".repeat(200)));
    std::thread::sleep(Duration::from_millis(150));
    call.line.revoke(ONE);
    call.line.grant(Generation(2), Speech::Text("short".to_owned()));
    let samples = call.wait_for("the second claim", |event| match event {
        LineEvent::Drained { generation: Generation(2), samples, .. } => Some(*samples),
        _ => None,
    });
    assert_eq!(samples, 800, "the second claim is not held up and not mixed up");
    let sung = words_sung.load(Ordering::Relaxed);
    assert!(sung < 30, "the rest of the first was not made: {sung} words");
    call.close();
}

#[test]
fn a_failing_voice_says_so_and_what_was_made_is_heard() {
    let engine = engine_with(singer(SampleRate::Hz8000, 1).0);
    let phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
    call.line.grant(ONE, Speech::Text("one two fail four".to_owned()));
    let events = until_drained(&call);
    let failed = events
        .iter()
        .any(|e| matches!(e, LineEvent::SpeechFailed { error, .. } if error.contains("asked to")));
    assert!(failed, "{events:?}");
    assert!(matches!(events.last(), Some(LineEvent::Drained { samples: 1_600, .. })));
    call.line.grant(Generation(7), Speech::Text("one panic".to_owned()));
    call.wait_for("the panic's report", |event| match event {
        LineEvent::SpeechFailed { error, .. } => error.contains("panicked").then_some(()),
        _ => None,
    });
    call.line.grant(Generation(8), Speech::FallbackText("help".to_owned()));
    until_drained(&call);
    std::thread::sleep(Duration::from_millis(50));
    let got = phone.listen_back();
    let loudest = got.chunks_exact(160).map(|c| amplitude_at(c, 900.0, 8_000)).fold(0.0, f64::max);
    assert!(loudest > 5_000.0, "the voice of last resort is heard: {loudest}");
    call.close();
}

#[test]
fn a_worker_outlives_whatever_a_voice_does_to_it() {
    let rate = SampleRate::Hz8000;
    let singer =
        |hz, shy| Singer { rate, hz, takes: Duration::ZERO, words_sung: Arc::default(), shy };
    let engine = engine_with(Engines {
        tts: Some(Arc::new(singer(500.0, true))),
        fallback_tts: Some(Arc::new(singer(900.0, false))),
        ..Engines::default()
    });
    let phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
    call.line.grant(ONE, Speech::Text("one".to_owned()));
    until_drained(&call);
    // Outside of what it says, where nobody expects it.
    call.line.grant(Generation(2), Speech::Text("two".to_owned()));
    call.wait_for("the panic's report", |event| match event {
        LineEvent::SpeechFailed { error, .. } => error.contains("panicked").then_some(()),
        _ => None,
    });
    call.line.grant(Generation(3), Speech::FallbackText("help".to_owned()));
    until_drained(&call);
    call.line.grant(Generation(4), Speech::Audio { samples: vec![9; 1_600], rate });
    until_drained(&call);
    call.close();
}

#[test]
fn speech_without_sound_ends_and_speech_without_a_voice_fails() {
    let engine = engine_with(singer(SampleRate::Hz8000, 1).0);
    let phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
    call.line.grant(ONE, Speech::Text("   ".to_owned()));
    let drained = call.wait_for("the end", |event| match event {
        LineEvent::Drained { samples, .. } => Some(*samples),
        _ => None,
    });
    assert_eq!(drained, 0);
    call.close();

    let mute = support::engine();
    let call = open(&mute, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
    call.line.grant(ONE, Speech::Text("hello".to_owned()));
    let error = call.wait_for("a failure", |event| match event {
        LineEvent::SpeechFailed { error, .. } => Some(error.clone()),
        _ => None,
    });
    assert!(error.contains("no voice"), "{error}");
    call.close();
}
