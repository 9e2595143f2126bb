//! What the ear makes of recorded speech, and of recordings without speech.

mod hearing_support;

use hearing_support::{Line, always, mix, noise, recording, silence, spoken_span_ms};
use media_core::hearing::EarshotVad;
use media_core::level;
use media_core::plugin::VoiceActivity;

const SPEECH: &[&str] = &[
    "a005", "a010", "a017", "a023", "a030", "a034", "a041", "a042", "a048", "a055", "a058", "a062",
    "a067",
];
const NOISE: &[&str] = &["a000", "a007", "a021"];
const TONES: &[&str] = &["a011", "a028", "a060"];
const LEAD_MS: u64 = 1_500;

/// The recording in a line whose background is that of the recording.
fn call_with(samples: &[i16]) -> Vec<i16> {
    let background = level::dbov(&samples[..160]).min(level::dbov(&samples[samples.len() - 160..]));
    let mut track = noise(LEAD_MS, background, 7);
    mix(&mut track, LEAD_MS, samples);
    let end_ms = track.len() as u64 / 8;
    mix(&mut track, end_ms, &noise(2_500, background, 8));
    track
}

#[test]
fn speech_is_found_where_it_is_and_final_soon_after_its_end() {
    let (mut starts, mut ends, mut finals) = (Vec::new(), Vec::new(), Vec::new());
    for name in SPEECH {
        let samples = recording(name);
        let (first, last) = spoken_span_ms(&samples);
        let mut line = Line::new(always("what time is it"));
        line.run(&call_with(&samples), &[], |_| false);
        line.check_verdicts(500);
        let found = line.finals();
        assert!(!found.is_empty(), "{name} was not heard: {:?}", line.said);
        let lead = LEAD_MS as i64;
        let ms = |t: media_core::MonoTime| t.as_micros() as i64 / 1_000 - lead;
        let (at, _, times, _) = found.last().unwrap();
        starts.push(ms(found[0].2.speech_start) - first);
        ends.push(ms(times.speech_end) - last);
        finals.push(*at as i64 - lead - last);
    }
    for (what, values) in
        [("start", &mut starts), ("end", &mut ends), ("final after end", &mut finals)]
    {
        values.sort_unstable();
        println!(
            "{what} error/ms: min {} p50 {} max {} of {}",
            values[0],
            values[values.len() / 2],
            values[values.len() - 1],
            values.len()
        );
    }
    assert!(starts[starts.len() / 2].abs() <= 80, "starts {starts:?}");
    assert!(ends[ends.len() / 2].abs() <= 40, "ends {ends:?}");
    assert!(finals[finals.len() / 2] <= 330, "finals {finals:?}");
    assert!(finals[finals.len() - 1] <= 450, "finals {finals:?}");
}

#[test]
fn the_recogniser_gets_the_first_sound_of_every_recording() {
    for name in SPEECH {
        let samples = recording(name);
        let (first, last) = spoken_span_ms(&samples);
        let mut line = Line::new(always("what time is it"));
        line.run(&call_with(&samples), &[], |_| false);
        let (_, _, times, _) = line.finals()[0].clone();
        let started = times.speech_start.as_micros() as i64 / 1_000 - LEAD_MS as i64;
        // The pre-roll reaches back 300 ms from what was noticed.
        assert!(started - 300 <= first, "{name}: from {} on, spoken from {first}", started - 300);
        assert!(line.longest_decode_ms as i64 >= (last - first) * 8 / 10, "{name} was cut short");
    }
}

#[test]
fn noise_and_clicks_are_no_onset() {
    for name in NOISE {
        let mut track = silence(500);
        mix(&mut track, 500, &recording(name));
        let mut line = Line::new(always("stop"));
        line.run(&track, &[], |_| true);
        assert!(line.onsets().is_empty(), "{name}: {:?}", line.said);
    }
}

#[test]
fn white_noise_that_begins_suddenly_is_no_onset() {
    for dbov in [-60.0, -50.0, -40.0, -30.0, -20.0] {
        let mut track = silence(1_000);
        mix(&mut track, 1_000, &noise(3_000, dbov, 3));
        let mut line = Line::new(always("stop"));
        line.run(&track, &[], |_| true);
        assert!(line.onsets().is_empty(), "{dbov} dBov: {:?}", line.said);
    }
}

#[test]
fn tones_make_few_onsets_and_no_text() {
    let mut onsets = 0;
    for name in TONES {
        let mut track = silence(500);
        mix(&mut track, 500, &recording(name));
        mix(&mut track, 500 + recording(name).len() as u64 / 8, &silence(1_500));
        let mut line = Line::new(always(""));
        line.run(&track, &[], |_| true);
        line.check_verdicts(500);
        onsets += line.onsets().len();
        assert!(line.finals().is_empty());
    }
    println!("{onsets} onsets in {} recordings of tones", TONES.len());
    assert!(onsets <= 6);
}

#[test]
fn speech_between_hissing_and_silence_is_heard_by_the_energy_detector_too() {
    use media_core::hearing::{Ear, EarConfig, EarOutput, EnergyVad};
    use media_core::{HearingEvent, MonoTime};
    for name in SPEECH {
        let mut ear = Ear::new(EarConfig::default(), Box::new(EnergyVad::new()));
        let mut onsets = 0;
        for (tick, frame) in call_with(&recording(name)).chunks_exact(160).enumerate() {
            ear.push(MonoTime::from_millis(tick as u64 * 20 + 20), frame, &[], false);
            while let Some(output) = ear.poll_output() {
                onsets +=
                    usize::from(matches!(output, EarOutput::Event(HearingEvent::Onset { .. })));
            }
        }
        assert!(onsets >= 1, "{name} was not noticed");
    }
}

#[test]
fn the_detector_tells_its_cost() {
    let samples = noise(10_000, -30.0, 5);
    let mut vad = EarshotVad::new();
    let frames: Vec<&[i16]> = samples.chunks_exact(vad.frame_samples()).collect();
    let timer = stopwatch();
    let mut sum = 0.0;
    for frame in &frames {
        sum += vad.speech_probability(frame);
    }
    let micros = timer().as_secs_f64() * 1e6 / frames.len() as f64;
    println!("earshot: {micros:.1} µs per 16 ms frame (sum {sum:.1})");
    assert!(sum.is_finite());
}

#[test]
fn hearing_costs_little_more_when_it_must_think() {
    let mut talk = silence(0);
    for name in ["a042", "a055", "a029", "a020", "a034", "a005", "a062", "a048"] {
        let end_ms = talk.len() as u64 / 8;
        mix(&mut talk, end_ms, &recording(name));
    }
    let mut echo = silence(120);
    mix(&mut echo, 120, &hearing_support::scaled(&talk, -12.0));
    let quiet = noise(talk.len() as u64 / 8, -65.0, 9);
    // The best of three, and a ratio: the machine may be busy with something else.
    let cost = |heard: &[i16], sent: &[i16], speaking: bool| {
        let once = || {
            let mut line = Line::new(always("tell me more"));
            let timer = stopwatch();
            line.run(heard, sent, |_| speaking);
            timer().as_secs_f64() * 1e6 / (heard.len() / 160) as f64
        };
        (0..3).map(|_| once()).fold(f64::MAX, f64::min)
    };
    let silent = cost(&quiet, &[], false);
    println!("a tick of hearing in silence: {silent:.0} µs");
    for (what, heard, sent, speaking) in [
        ("the caller speaks", &talk, &[][..], false),
        ("our echo comes back", &echo, &talk[..], true),
        ("both speak, no echo", &talk, &echo[..], true),
    ] {
        let micros = cost(heard, sent, speaking);
        println!("a tick of hearing while {what}: {micros:.0} µs");
        assert!(micros < silent * 12.0, "{what}: {micros} µs, silence {silent} µs");
    }
}

/// Tests may look at the clock; the cores may not.
#[allow(clippy::disallowed_methods)]
fn stopwatch() -> impl Fn() -> std::time::Duration {
    let start = std::time::Instant::now();
    move || start.elapsed()
}
