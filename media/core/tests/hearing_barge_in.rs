//! What sound during our own speech is taken for: speech, a backchannel, noise or our own echo.

mod hearing_support;

use hearing_support::{
    Line, always, at_level, in_turn, mix, noise, recording, scaled, silence, spoken_span_ms,
};
use media_core::Verdict;

const AGENT_DBOV: f32 = -20.0;
const CALLER_DBOV: f32 = -24.0;

/// Twelve seconds of our own voice, from 500 ms on.
fn agent() -> Vec<i16> {
    let mut track = silence(500);
    for name in ["a042", "a055", "a029", "a020", "a034"] {
        let end_ms = track.len() as u64 / 8;
        mix(&mut track, end_ms, &at_level(&recording(name), AGENT_DBOV));
        let end_ms = track.len() as u64 / 8;
        mix(&mut track, end_ms, &silence(150));
    }
    track
}

fn word(name: &str) -> Vec<i16> {
    let samples = recording(name);
    let (first, last) = spoken_span_ms(&samples);
    at_level(&samples[first as usize * 8..(last as usize * 8).min(samples.len())], CALLER_DBOV)
}

/// What comes back of `sent`: later, weaker, spread over some milliseconds, with the other
/// phone's companding.
fn echo_of(sent: &[i16], delay_ms: u64, loss_db: f32) -> Vec<i16> {
    let mut back = silence(0);
    mix(&mut back, delay_ms, &scaled(sent, -loss_db));
    mix(&mut back, delay_ms + 3, &scaled(sent, -loss_db - 8.0));
    mix(&mut back, delay_ms + 7, &scaled(sent, -loss_db - 14.0));
    let mut bytes = vec![0; back.len()];
    media_core::codec::Encoder::new(media_core::Codec::Pcmu).encode(&back, &mut bytes);
    media_core::codec::Decoder::new(media_core::Codec::Pcmu).decode(&bytes, &mut back);
    back
}

/// A call in which we speak all the time, and hear `parts` of the caller and the echo of us.
fn heard(sent: &[i16], echo: Option<(u64, f32)>, parts: &[(u64, Vec<i16>)]) -> Vec<i16> {
    let mut track = noise(sent.len() as u64 / 8 + 2_000, -65.0, 5);
    if let Some((delay_ms, loss_db)) = echo {
        mix(&mut track, 0, &echo_of(sent, delay_ms, loss_db));
    }
    for (at_ms, sound) in parts {
        mix(&mut track, *at_ms, sound);
    }
    track
}

fn interrupted_by(text: &'static str, name: &str) -> Line {
    let sent = agent();
    let mut line = Line::new(always(text));
    line.run(&heard(&sent, None, &[(3_000, word(name))]), &sent, |_| true);
    line.check_verdicts(500);
    line
}

#[test]
fn words_into_our_speech_are_speech() {
    let line = interrupted_by("is the server up", "a048");
    assert_eq!(line.verdicts(), [Verdict::Speech], "{:?}", line.said);
    assert_eq!(line.finals().len(), 1);
}

#[test]
fn stop_is_speech_as_soon_as_it_is_understood() {
    let line = interrupted_by("stop", "a010");
    assert_eq!(line.verdicts(), [Verdict::Speech]);
    let (noticed, _) = line.onsets()[0];
    let decided = line.said.iter().find(|(_, s)| matches!(s, hearing_support::Said::Verdict(_)));
    println!("noticed at {noticed}, decided at {}", decided.unwrap().0);
    assert_eq!(line.finals()[0].1, "stop");
}

#[test]
fn an_onset_into_our_speech_is_noticed_within_a_tenth_of_a_second() {
    let mut late = Vec::new();
    for name in ["a010", "a017", "a041", "a048", "a058", "a062", "a067"] {
        let line = interrupted_by("stop", name);
        late.push(line.onsets()[0].0 as i64 - 3_000);
    }
    late.sort_unstable();
    println!("onset noticed after/ms: {late:?}");
    assert!(late[late.len() / 2] <= 120, "{late:?}");
}

#[test]
fn a_backchannel_resumes_and_is_no_turn() {
    let line = interrupted_by("yeah", "a041");
    assert_eq!(line.verdicts(), [Verdict::Backchannel], "{:?}", line.said);
    assert!(line.finals().is_empty());
}

#[test]
fn a_backchannel_counts_as_an_answer_if_our_speech_ended_meanwhile() {
    let sent = agent();
    let mut line = Line::new(always("yeah"));
    let track = heard(&sent, None, &[(3_000, word("a041"))]);
    line.run(&track, &sent[..3_400 * 8], |now| now < 3_500);
    line.check_verdicts(500);
    assert_eq!(line.finals().len(), 1, "{:?}", line.said);
    assert_eq!(line.finals()[0].1, "yeah");
}

#[test]
fn a_backchannel_that_becomes_a_sentence_is_a_turn_with_all_its_words() {
    let sent = agent();
    let mut line = Line::new(in_turn(&["yeah", "yeah is the server up"]));
    let track = heard(&sent, None, &[(3_000, word("a041")), (3_650, word("a048"))]);
    line.run(&track, &sent, |_| true);
    line.check_verdicts(500);
    assert_eq!(line.verdicts().last(), Some(&Verdict::Speech), "{:?}", line.said);
    assert_eq!(line.finals().last().map(|f| f.1.as_str()), Some("yeah is the server up"));
}

#[test]
fn sound_without_words_is_noise() {
    let line = interrupted_by("", "a017");
    assert_eq!(line.verdicts(), [Verdict::Noise], "{:?}", line.said);
    assert!(line.finals().is_empty());
}

#[test]
fn without_a_recogniser_the_length_of_the_sound_decides() {
    let sent = agent();
    for (name, expected) in [("a048", Verdict::Speech), ("a058", Verdict::Speech)] {
        let mut line = Line::new(Box::new(|_| None));
        line.run(&heard(&sent, None, &[(3_000, word(name))]), &sent, |_| true);
        line.check_verdicts(500);
        assert_eq!(line.verdicts(), [expected], "{name}: {:?}", line.said);
    }
}

#[test]
fn our_own_echo_is_never_speech() {
    let sent = agent();
    let mut onsets = 0;
    for loss_db in [20.0, 12.0, 6.0] {
        for delay_ms in [40, 80, 120, 200, 300, 450] {
            let mut line = Line::new(always("tell me more"));
            line.run(&heard(&sent, Some((delay_ms, loss_db)), &[]), &sent, |_| true);
            line.check_verdicts(500);
            onsets += line.onsets().len();
            let path = line.ear.echo_estimate();
            let path = path.map(|p| (p.delay_ms, p.loss_db));
            println!("-{loss_db} dB {delay_ms} ms: {:?}, path {path:?}", line.verdicts());
            assert!(line.verdicts().iter().all(|v| *v == Verdict::Echo), "{:?}", line.said);
            assert!(line.finals().is_empty());
            let (delay, loss) = path.expect("the path is known");
            assert!((delay - delay_ms as f32).abs() <= 6.0);
            assert!((loss - loss_db).abs() <= 4.0);
        }
    }
    println!("{onsets} onsets from echo in 18 calls");
    assert!(onsets <= 18);
}

#[test]
fn the_caller_is_heard_over_our_echo() {
    let sent = agent();
    let (mut late, mut lines) = (Vec::new(), 0);
    for loss_db in [20.0, 12.0] {
        for delay_ms in [40, 120, 300] {
            for (name, text) in
                [("a048", "is the server up"), ("a010", "stop"), ("a062", "end the call")]
            {
                let mut line = Line::new(always(text));
                let track = heard(&sent, Some((delay_ms, loss_db)), &[(5_000, word(name))]);
                // The agent pauses at the onset, as the governor would have it.
                line.run(&track, &sent, |_| true);
                line.check_verdicts(500);
                let speech = line.verdicts().iter().filter(|v| **v == Verdict::Speech).count();
                assert_eq!(speech, 1, "-{loss_db} dB {delay_ms} ms {name}: {:?}", line.said);
                assert!(line.finals().iter().any(|f| f.1 == text), "{:?}", line.said);
                late.push(line.onsets().last().unwrap().0 as i64 - 5_000);
                lines += 1;
            }
        }
    }
    late.sort_unstable();
    println!("over echo, onset noticed after/ms: {late:?} of {lines}");
}

#[test]
fn the_utterance_over_our_echo_does_not_begin_with_our_own_words() {
    let sent = agent();
    let mut line = Line::new(always("is the server up"));
    let track = heard(&sent, Some((120, 12.0)), &[(5_000, word("a048"))]);
    line.run(&track, &sent, |_| true);
    let spoken_ms = word("a048").len() as u64 / 8;
    assert!(
        line.longest_decode_ms <= spoken_ms + 500,
        "{} ms decoded of {spoken_ms} spoken",
        line.longest_decode_ms
    );
}

#[test]
fn a_caller_who_speaks_over_us_without_echo_is_not_taken_for_echo() {
    let sent = agent();
    for (name, text) in [("a042", "tell emma i will be late"), ("a020", "call peter")] {
        for at_ms in [700, 2_100, 4_300, 6_000, 7_700] {
            let mut line = Line::new(always(text));
            line.run(&heard(&sent, None, &[(at_ms, word(name))]), &sent, |_| true);
            line.check_verdicts(500);
            assert!(line.verdicts().contains(&Verdict::Speech), "{name} {at_ms}: {:?}", line.said);
            assert!(!line.verdicts().contains(&Verdict::Echo), "{name} {at_ms}: {:?}", line.said);
            let path = line.ear.echo_estimate();
            assert_eq!(path, None, "{name} {at_ms}: no echo, no path");
        }
    }
}

#[test]
fn the_first_words_after_our_speech_are_whole() {
    let sent = agent();
    let end_ms = sent.len() as u64 / 8;
    let mut line = Line::new(always("is the server up"));
    let track = heard(&sent, Some((200, 12.0)), &[(end_ms + 250, word("a048"))]);
    line.run(&track, &sent, |now| now < end_ms);
    line.check_verdicts(500);
    assert_eq!(line.finals().len(), 1, "{:?}", line.said);
    let began = line.finals()[0].2.speech_start.as_micros() / 1_000;
    assert!(began.abs_diff(end_ms + 250) <= 100, "began at {began}, spoken at {}", end_ms + 250);
}
