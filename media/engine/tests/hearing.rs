//! An agent line hears: onset, partials, finals, levels, and our own voice is told from theirs.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use media_core::codec::Decoder;
use media_core::hearing::{EarConfig, EarDecision, EarReplay};
use media_core::{Codec, Generation, HearingEvent, SampleRate, Verdict};
use media_engine::{Engines, LineEvent, LineMode, Speech};
use support::phone::Phone;
use support::workers::Parrot;
use support::{Call, engine, engine_with, ensure, media, open, with_time_kept};

media_engine::install_alloc_check!();

/// A recorded utterance at 8 kHz, with silence around it.
fn utterance() -> Vec<i16> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/data/a062.wav");
    let file = std::fs::read(path).expect("a recording");
    // G.711 in a WAV file: the sound follows the word "data" and its length.
    let data = file.windows(4).position(|w| w == b"data").expect("a WAV file") + 8;
    let mut sound = vec![0; file.len() - data];
    Decoder::new(Codec::Pcmu).decode(&file[data..], &mut sound);
    let mut samples = vec![0; 4_000];
    samples.extend(sound);
    samples.resize(samples.len().next_multiple_of(160) + 8_000, 0);
    samples
}

fn parrot(takes_ms: u64) -> (Engines, Arc<AtomicUsize>) {
    let decodes = Arc::new(AtomicUsize::new(0));
    let takes = Duration::from_millis(takes_ms);
    let parrot = Parrot { text: "run the backup", takes, decodes: Arc::clone(&decodes), panics: 0 };
    (Engines { stt: Some(Arc::new(parrot)), ..Engines::default() }, decodes)
}

fn hearing(call: &Call, what: &str, wanted: impl Fn(&HearingEvent) -> bool) -> HearingEvent {
    call.wait_for(what, |event| match event {
        LineEvent::Hearing(heard) if wanted(heard) => Some(heard.clone()),
        _ => None,
    })
}

#[test]
fn an_utterance_is_heard_and_understood_with_the_times_of_its_hops() {
    let (engines, decodes) = parrot(15);
    let engine = engine_with(engines);
    for codec in [Codec::Pcmu, Codec::G722] {
        let mut phone = Phone::new(codec);
        let call = open(&engine, LineMode::Agent, media(phone.addr(), codec));
        let said = utterance();
        let said =
            media_core::resample::convert_all(&said, SampleRate::Hz8000, codec.sample_rate());
        phone.speak(call.rtp, &said, 20, |_| false);
        let heard = hearing(&call, "a final", |e| matches!(e, HearingEvent::Final { .. }));
        let HearingEvent::Final { text, times, .. } = heard else { unreachable!() };
        assert_eq!(text, "run the backup");
        assert!(times.speech_start < times.speech_end && times.speech_end < times.vad_off);
        assert!(times.vad_off <= times.decode_start && times.decode_start < times.decode_end);
        assert!(times.decode_end <= times.endpoint || times.vad_off < times.endpoint);
        let waited = times.endpoint.since(times.speech_end);
        println!("{codec:?}: end of speech to endpoint {waited:?}");
        assert!(waited < Duration::from_millis(900), "{times:?}");
        call.close();
    }
    assert!(decodes.load(Ordering::Relaxed) >= 2);
}

#[test]
fn what_was_said_when_the_recogniser_broke_down_is_understood_all_the_same() {
    let decodes = Arc::new(AtomicUsize::new(0));
    let parrot = Parrot {
        text: "run the backup",
        takes: Duration::ZERO,
        decodes: Arc::clone(&decodes),
        panics: 1,
    };
    let engine = engine_with(Engines { stt: Some(Arc::new(parrot)), ..Engines::default() });
    let mut phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
    phone.speak(call.rtp, &utterance(), 20, |_| false);
    let heard = hearing(&call, "a final", |e| matches!(e, HearingEvent::Final { .. }));
    assert!(matches!(heard, HearingEvent::Final { text, .. } if text == "run the backup"));
    assert!(decodes.load(Ordering::Relaxed) >= 2);
    call.close();
}

#[test]
fn speech_while_the_agent_speaks_gets_an_onset_and_a_verdict() {
    let engine = engine_with(parrot(15).0);
    let mut phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
    let samples = support::signal::tone(350.0, 8_000, 8 * 8_000, 3_000.0);
    call.line.grant(Generation(1), Speech::Audio { samples, rate: SampleRate::Hz8000 });
    phone.speak(call.rtp, &utterance(), 20, |_| false);
    let onset = hearing(&call, "an onset", |e| matches!(e, HearingEvent::Onset { .. }));
    let verdict = hearing(&call, "a verdict", |e| matches!(e, HearingEvent::Verdict { .. }));
    let (HearingEvent::Onset { at: began }, HearingEvent::Verdict { at, verdict }) =
        (onset, verdict)
    else {
        unreachable!()
    };
    assert_eq!(verdict, Verdict::Speech);
    assert!(at.since(began) <= Duration::from_millis(600), "decided {:?} later", at.since(began));
    call.close();
}

#[test]
fn a_line_without_a_recogniser_still_notices_speech_and_leaves_notes_that_decide_the_same() {
    let engine = engine();
    let mut phone = Phone::new(Codec::Pcmu);
    let call = open(&engine, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
    phone.speak(call.rtp, &utterance(), 20, |_| false);
    let (mut reported, mut steps) = (Vec::new(), Vec::new());
    let mut note = |event: &LineEvent| match event {
        LineEvent::Hearing(heard) => reported.push(EarDecision::Event(heard.clone())),
        LineEvent::Listened { steps: some } => steps.extend(some.iter().cloned()),
        _ => {}
    };
    call.wait_for("an end", |event| {
        note(event);
        matches!(event, LineEvent::Hearing(HearingEvent::NotUnderstood { .. })).then_some(())
    });
    let Call { line, events, .. } = call;
    let _ = line.close();
    events.iter().take_while(|e| !matches!(e, LineEvent::Closed { .. })).for_each(|e| note(&e));
    let heard = |wanted: fn(&HearingEvent) -> bool| {
        reported.iter().any(|e| matches!(e, EarDecision::Event(e) if wanted(e)))
    };
    assert!(heard(|e| matches!(e, HearingEvent::Onset { .. })), "{reported:?}");
    assert!(heard(|e| matches!(e, HearingEvent::NotUnderstood { .. })), "{reported:?}");
    let mut again = EarReplay::new(EarConfig::default());
    let decided: Vec<_> = steps.iter().flat_map(|step| again.step(&step.input)).collect();
    assert_eq!(decided, steps.iter().flat_map(|step| step.decided.clone()).collect::<Vec<_>>());
    let told = |decision: &EarDecision| matches!(decision, EarDecision::Event(_));
    assert_eq!(decided.into_iter().filter(told).collect::<Vec<_>>(), reported);
}

#[test]
fn levels_come_ten_times_a_second_and_are_those_of_the_signal() {
    with_time_kept(|engine| {
        let mut phone = Phone::new(Codec::Pcmu);
        let call = open(engine, LineMode::Player, media(phone.addr(), Codec::Pcmu));
        // A sine of amplitude 16384 is 9 dB below the overload point's square wave.
        let sine = support::signal::tone(500.0, 8_000, 2 * 8_000, 16_384.0);
        let late = phone.speak(call.rtp, &sine, 20, |_| false);
        let mut levels = Vec::new();
        while let Ok(event) = call.events.try_recv() {
            if let LineEvent::Level { heard_dbov, sent_dbov, .. } = event {
                levels.push(heard_dbov);
                assert!((-72..-60).contains(&sent_dbov), "comfort noise: {sent_dbov}");
            }
        }
        call.close();
        let steady = |some: &[i8]| some.iter().all(|level| (-10..=-8).contains(level));
        let good = (16..=21).contains(&levels.len()) && levels.get(5..15).is_some_and(steady);
        (late, ensure(good, || format!("{} in 2 s: {levels:?}", levels.len())))
    });
}

#[test]
fn lines_that_speak_at_once_are_decoded_side_by_side_without_loss() {
    let (engines, _) = parrot(40);
    let engine = engine_with(engines);
    let finals = std::thread::scope(|scope| {
        let lines: Vec<_> = (0..6)
            .map(|_| {
                let engine = &engine;
                scope.spawn(move || {
                    let mut phone = Phone::new(Codec::Pcmu);
                    let call = open(engine, LineMode::Agent, media(phone.addr(), Codec::Pcmu));
                    phone.speak(call.rtp, &utterance(), 20, |_| false);
                    hearing(&call, "a final", |e| matches!(e, HearingEvent::Final { .. }));
                    let dropped = call.line.statistics().ring_overflows;
                    call.close();
                    dropped
                })
            })
            .collect();
        lines.into_iter().map(|l| l.join().expect("understood")).collect::<Vec<_>>()
    });
    assert_eq!(finals, [0; 6], "no ring ran over");
}
