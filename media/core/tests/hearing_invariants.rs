//! What holds in any conversation, however the recogniser behaves.

mod hearing_support;

use hearing_support::{Line, Said, at_level, mix, noise, recording, scaled, silence};
use media_core::hearing::{Ear, EarConfig, EarDecision, EarFacts, EarOutput, EarReplay, EarStep};
use media_core::plugin::{SttError, VoiceActivity};
use media_core::{HearingEvent, MonoTime, SampleRate};

/// The same for the same seed.
struct Random(u32);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }
}

const SOUNDS: &[&str] = &["a005", "a010", "a011", "a016", "a017", "a020", "a041", "a048", "a060"];
const TEXTS: &[&str] =
    &["yeah", "stop", "is the server up", "four one one", "remind me to", "", "so um", "right"];

fn conversation(seed: u32) -> Line {
    let mut random = Random(seed.wrapping_mul(2_654_435_761).wrapping_add(99));
    let (mut heard, mut sent) = (silence(0), silence(0));
    for _ in 0..6 {
        let pause_ms = u64::from(random.below(1_500));
        let at_ms = heard.len() as u64 / 8 + pause_ms;
        let level_dbov = -20.0 - random.below(15) as f32;
        mix(&mut heard, at_ms, &at_level(&recording(random.pick(SOUNDS)), level_dbov));
        let at_ms = sent.len() as u64 / 8 + u64::from(random.below(2_000));
        mix(&mut sent, at_ms, &at_level(&recording(random.pick(SOUNDS)), -20.0));
    }
    if random.below(2) == 0 {
        let delay_ms = u64::from(20 + random.below(400));
        mix(&mut heard, delay_ms, &scaled(&sent, -6.0 - random.below(20) as f32));
    }
    let end_ms = heard.len() as u64 / 8;
    mix(&mut heard, end_ms, &silence(5_000));
    let background = -75.0 + random.below(35) as f32;
    let background = noise(heard.len() as u64 / 8, background, seed + 1);
    mix(&mut heard, 0, &background);
    let (on_ms, off_ms) = (u64::from(random.below(3_000)), u64::from(random.below(9_000)));
    let decode_ms = u64::from(random.below(400));
    let mut recogniser = Random(seed + 7);
    let mut line = Line::new(Box::new(move |_| match recogniser.below(10) {
        0 => None,
        1 => Some(Err(SttError::OutOfMemory)),
        _ => Some(Ok(recogniser.pick(TEXTS).to_owned())),
    }));
    line.decode_ms = decode_ms;
    line.run(&heard, &sent, |now| now >= on_ms && now < off_ms);
    line
}

#[test]
fn every_onset_gets_one_verdict_in_time_and_every_utterance_ends() {
    for seed in 0..40 {
        let line = conversation(seed);
        let said = &line.said;
        line.check_verdicts(500);
        assert!(!line.ear.is_open(), "seed {seed}: something is open for ever: {said:?}");
        assert!(line.longest_decode_ms <= 8_000, "seed {seed}");
        let mut waiting = false;
        let mut last_end = MonoTime::ZERO;
        for (_, event) in said {
            match event {
                Said::Onset { .. } => waiting = true,
                Said::Verdict(_) => waiting = false,
                Said::Final { text, times, .. } => {
                    assert!(!waiting, "seed {seed}: a final before its verdict: {said:?}");
                    assert!(!text.is_empty(), "seed {seed}");
                    assert!(times.speech_start >= last_end, "seed {seed}: shared sound: {said:?}");
                    assert!(times.speech_start <= times.speech_end, "seed {seed}: {said:?}");
                    assert!(times.speech_end <= times.endpoint, "seed {seed}: {said:?}");
                    last_end = times.speech_end;
                }
                _ => {}
            }
        }
    }
}

#[test]
fn the_same_conversation_is_heard_the_same_way_twice() {
    for seed in [3, 17] {
        assert_eq!(conversation(seed).said, conversation(seed).said, "seed {seed}");
    }
}

fn decided_again(steps: &[EarStep]) {
    let mut again = EarReplay::new(EarConfig::default());
    for (index, EarStep { input, decided }) in steps.iter().enumerate() {
        assert_eq!(again.step(input), *decided, "step {index}: {input:?}");
    }
    assert_eq!(again.unanswered(), 0);
}

#[test]
fn from_what_it_noted_an_ear_decides_the_same_again_without_the_sound() {
    for seed in 0..12 {
        let steps = conversation(seed).steps;
        assert!(steps.iter().any(|step| !step.decided.is_empty()), "seed {seed}");
        decided_again(&steps);
    }
}

#[test]
fn the_words_may_be_taken_out_of_the_notes_without_changing_a_decision() {
    let mut steps = conversation(5).steps;
    for step in &mut steps {
        if let EarFacts::Decoded { understood: Some(understood), .. } = &mut step.input.facts {
            understood.text = "x".repeat(understood.text.len());
        }
    }
    let mut again = EarReplay::new(EarConfig::default());
    let kinds = |step: &EarStep, decided: &[EarDecision]| {
        assert_eq!(step.decided.len(), decided.len(), "{:?}", step.input);
        for (one, other) in step.decided.iter().zip(decided) {
            assert_eq!(core::mem::discriminant(one), core::mem::discriminant(other));
        }
    };
    steps.iter().for_each(|step| kinds(step, &again.step(&step.input)));
}

/// A detector that works at the telephone's own rate.
struct Narrowband;

impl VoiceActivity for Narrowband {
    fn sample_rate(&self) -> SampleRate {
        SampleRate::Hz8000
    }

    fn frame_samples(&self) -> usize {
        160
    }

    fn speech_probability(&mut self, frame: &[i16]) -> f32 {
        if media_core::level::dbov(frame) > -45.0 { 0.9 } else { 0.1 }
    }

    fn reset(&mut self) {}
}

#[test]
fn a_detector_may_work_at_another_rate() {
    let samples = recording("a048");
    let mut track = noise(1_000, -65.0, 2);
    mix(&mut track, 1_000, &samples);
    mix(&mut track, 1_000 + samples.len() as u64 / 8, &noise(1_000, -65.0, 3));
    let mut ear = Ear::new(EarConfig::default(), Box::new(Narrowband));
    let (mut began_ms, mut decoded_ms) = (0, 0);
    for (tick, frame) in track.chunks_exact(160).enumerate() {
        ear.push(MonoTime::from_millis(tick as u64 * 20 + 20), frame, &[], false);
        while let Some(output) = ear.poll_output() {
            match output {
                EarOutput::Event(HearingEvent::Onset { at }) => began_ms = at.as_micros() / 1_000,
                EarOutput::Decode { samples, .. } => decoded_ms = samples.len() / 16,
                EarOutput::Event(_) => {}
            }
        }
    }
    assert!((1_180..1_300).contains(&began_ms), "{began_ms}");
    assert!((1_200..2_000).contains(&decoded_ms), "{decoded_ms}");
}
