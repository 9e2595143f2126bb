//! When an utterance ends, and that none of it is lost.

mod hearing_support;

use hearing_support::{Line, Said, always, in_turn, mix, noise, recording, silence};
use media_core::EndReason;
use media_core::hearing::EarConfig;
use media_core::plugin::SttError;

/// The recordings one after the other, with so many milliseconds of quiet before each.
fn call(parts: &[(u64, &str)], tail_ms: u64) -> Vec<i16> {
    let mut track = silence(0);
    for (gap_ms, name) in parts {
        let end_ms = track.len() as u64 / 8;
        mix(&mut track, end_ms, &silence(*gap_ms));
        mix(&mut track, end_ms + gap_ms, &trimmed(name));
    }
    let end_ms = track.len() as u64 / 8;
    mix(&mut track, end_ms, &silence(tail_ms));
    let quiet = noise(track.len() as u64 / 8, -65.0, 11);
    mix(&mut track, 0, &quiet);
    track
}

/// The spoken part of a recording.
fn trimmed(name: &str) -> Vec<i16> {
    let samples = recording(name);
    let (first, last) = hearing_support::spoken_span_ms(&samples);
    samples[first as usize * 8..(last as usize * 8).min(samples.len())].to_vec()
}

/// Milliseconds from the end of speech, as the event has it, to the event.
fn silence_before_final(line: &Line) -> Vec<i64> {
    let wait = |(at, _, times, _): &(u64, _, media_core::UtteranceTimes, _)| {
        *at as i64 - times.speech_end.as_micros() as i64 / 1_000
    };
    line.finals().iter().map(wait).collect()
}

#[test]
fn something_complete_is_final_after_a_short_silence() {
    let mut line = Line::new(always("is the server up"));
    line.run(&call(&[(800, "a048")], 2_000), &[], |_| false);
    let finals = line.finals();
    assert_eq!(finals.len(), 1, "{:?}", line.said);
    assert_eq!((finals[0].1.as_str(), finals[0].3), ("is the server up", EndReason::Complete));
    let wait = silence_before_final(&line)[0];
    assert!((250..=300).contains(&wait), "{wait} ms");
}

#[test]
fn what_the_recogniser_hardly_believes_itself_is_not_understood() {
    for (confidence, finals) in [(0.95, 1), (0.4, 0)] {
        let mut line = Line::new(always("is the server up"));
        line.confidence = Some(confidence);
        line.run(&call(&[(800, "a048")], 2_000), &[], |_| false);
        assert_eq!(line.finals().len(), finals, "{:?}", line.said);
        let asked = line.said.iter().any(|(_, said)| matches!(said, Said::NotUnderstood));
        assert_eq!(asked, finals == 0, "{:?}", line.said);
    }
}

#[test]
fn something_that_hangs_in_the_air_is_waited_for() {
    let mut line = Line::new(always("remind me to"));
    line.run(&call(&[(800, "a048")], 2_000), &[], |_| false);
    assert_eq!(line.finals()[0].3, EndReason::Silence);
    let wait = silence_before_final(&line)[0];
    assert!((500..=700).contains(&wait), "{wait} ms");
}

#[test]
fn digits_are_waited_for_longest() {
    let mut line = Line::new(always("four eight six two"));
    line.run(&call(&[(800, "a016")], 3_000), &[], |_| false);
    assert_eq!(line.finals().len(), 1, "{:?}", line.said);
    let wait = silence_before_final(&line)[0];
    assert!((1_000..=1_500).contains(&wait), "{wait} ms");
}

#[test]
fn speech_that_resumes_before_the_end_continues_the_utterance() {
    let mut line = Line::new(in_turn(&["set a timer for", "set a timer for ten minutes"]));
    line.run(&call(&[(800, "a055"), (400, "a034")], 2_000), &[], |_| false);
    line.check_verdicts(500);
    let finals = line.finals();
    assert_eq!(finals.len(), 1, "{:?}", line.said);
    assert_eq!(finals[0].1, "set a timer for ten minutes");
    let partials: Vec<_> =
        line.said.iter().filter(|(_, said)| matches!(said, Said::Partial(_))).collect();
    assert!(partials.len() >= 2, "a partial at each pause");
}

#[test]
fn two_utterances_are_two_finals_and_share_no_sound() {
    let mut line = Line::new(always("is the server up"));
    line.run(&call(&[(800, "a048"), (700, "a062")], 2_000), &[], |_| false);
    line.check_verdicts(500);
    let finals = line.finals();
    assert_eq!(finals.len(), 2, "{:?}", line.said);
    assert!(finals[1].2.speech_start > finals[0].2.speech_end);
}

#[test]
fn the_times_of_an_utterance_are_in_order() {
    let mut line = Line::new(always("is the server up"));
    line.run(&call(&[(800, "a048")], 2_000), &[], |_| false);
    let times = line.finals()[0].2;
    let order = [
        times.speech_start,
        times.speech_end,
        times.vad_off,
        times.decode_start,
        times.decode_end,
        times.endpoint,
    ];
    assert!(order.is_sorted(), "{times:?}");
}

#[test]
fn a_slow_recogniser_delays_the_end_but_loses_nothing() {
    let mut line = Line::new(always("is the server up"));
    line.decode_ms = 800;
    line.run(&call(&[(800, "a048")], 3_000), &[], |_| false);
    line.check_verdicts(500);
    assert_eq!(line.finals().len(), 1);
    assert!((950..=1_050).contains(&silence_before_final(&line)[0]));
}

#[test]
fn a_recogniser_that_never_answers_does_not_hold_the_line() {
    let mut line = Line::new(Box::new(|_| None));
    line.run(&call(&[(800, "a042"), (4_000, "a042")], 5_000), &[], |_| false);
    line.check_verdicts(500);
    let lost = line.said.iter().filter(|(_, said)| *said == Said::NotUnderstood).count();
    assert_eq!(lost, 2, "{:?}", line.said);
}

#[test]
fn a_recogniser_that_fails_leads_to_a_question_back() {
    let mut line = Line::new(Box::new(|_| Some(Err(SttError::Engine("broken".into())))));
    line.run(&call(&[(800, "a042")], 3_000), &[], |_| false);
    let lost = line.said.iter().filter(|(_, said)| *said == Said::NotUnderstood).count();
    assert_eq!(lost, 1, "{:?}", line.said);
}

#[test]
fn a_short_sound_without_words_is_not_worth_a_question() {
    let mut line = Line::new(always(""));
    line.run(&call(&[(800, "a017")], 3_000), &[], |_| false);
    assert!(!line.said.iter().any(|(_, said)| *said == Said::NotUnderstood), "{:?}", line.said);
}

#[test]
fn an_endless_talker_is_cut_where_it_is_quietest_and_goes_on() {
    let mut parts = vec![(500, "a029")];
    parts.extend([(60, "a042"), (60, "a055"), (60, "a029"), (60, "a020"), (60, "a042")]);
    let mut line = Line::new(always("remind me to"));
    line.run(&call(&parts, 3_000), &[], |_| false);
    line.check_verdicts(500);
    let finals = line.finals();
    assert!(finals.len() >= 2, "{:?}", line.said);
    assert!(finals.iter().any(|f| f.3 == EndReason::TooLong), "{:?}", line.said);
    assert!(line.longest_decode_ms <= 8_000, "{} ms", line.longest_decode_ms);
    for pair in finals.windows(2) {
        if pair[0].3 == EndReason::TooLong {
            assert_eq!(pair[0].2.speech_end, pair[1].2.speech_start, "nothing between the parts");
        }
    }
}

#[test]
fn a_cut_utterance_ends_even_if_the_recogniser_does_not_answer() {
    let parts = [(500, "a029"), (60, "a029"), (60, "a029"), (60, "a029")];
    let mut line = Line::new(Box::new(|_| None));
    line.run(&call(&parts, 6_000), &[], |_| false);
    line.check_verdicts(500);
    assert!(!line.ear.is_open());
}

#[test]
fn superseded_results_change_nothing() {
    use media_core::MonoTime;
    use media_core::hearing::DecodeJobId;
    use media_core::plugin::Transcript;
    let mut line = Line::new(always("is the server up"));
    line.run(&call(&[(800, "a048")], 100), &[], |_| false);
    let stale = Transcript { text: "something else".into(), confidence: None };
    line.ear.decoded(MonoTime::from_millis(3_000), DecodeJobId(u64::MAX), Ok(stale));
    assert_eq!(line.ear.poll_output(), None);
}

#[test]
fn the_ear_works_on_a_wideband_line() {
    use media_core::SampleRate;
    use media_core::hearing::{Ear, EarOutput, EarshotVad};
    use media_core::plugin::Transcript;
    use media_core::resample::convert_all;
    use media_core::{HearingEvent, MonoTime};
    let narrow = call(&[(800, "a048")], 2_000);
    let wide = convert_all(&narrow, SampleRate::Hz8000, SampleRate::Hz16000);
    let config = EarConfig::new(SampleRate::Hz16000);
    let mut ear = Ear::new(config, Box::new(EarshotVad::new()));
    let mut finals = 0;
    for (tick, frame) in wide.chunks_exact(320).enumerate() {
        let at = MonoTime::from_millis(tick as u64 * 20 + 20);
        ear.push(at, frame, &[], false);
        while let Some(output) = ear.poll_output() {
            match output {
                EarOutput::Decode { job, .. } => {
                    let text = Transcript { text: "is the server up".into(), confidence: None };
                    ear.decoded(at, job, Ok(text));
                }
                EarOutput::Event(HearingEvent::Final { .. }) => finals += 1,
                EarOutput::Event(_) => {}
            }
        }
    }
    assert_eq!(finals, 1);
}

#[test]
fn ticks_of_any_length_are_taken() {
    use media_core::MonoTime;
    let track = call(&[(800, "a048")], 2_000);
    for length in [0, 1, 80, 160, 163, 240, 480, 4_000] {
        let mut line = Line::new(always("yes"));
        for frame in track.chunks(length.max(1)).take(400) {
            line.ear.push(MonoTime::ZERO, &frame[..length.min(frame.len())], frame, true);
            while line.ear.poll_output().is_some() {}
        }
    }
}
