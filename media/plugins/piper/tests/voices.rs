//! The voices under the conformance suite, and broken voice files.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use media_core::plugin::{
    SpeechChunk, SpeechSink, TextToSpeech, TtsError, WordSpan, check_text_to_speech,
};
use plugin_piper::{BUILTIN_VOICE, Backend, Espeak, LoadError, Piper};

#[test]
fn the_builtin_voice_keeps_the_contract_of_every_voice() {
    let voice = builtin();
    check_text_to_speech(&voice);
    assert_eq!(voice.capabilities().name, "piper/rten xenline-voice-8k");
    assert_eq!(voice.capabilities().sample_rate.hz(), 8_000);
}

#[test]
fn the_voice_of_last_resort_keeps_the_contract_of_every_voice() {
    let voice = Espeak::new("en-us", None).expect("needs no model");
    check_text_to_speech(&voice);
    assert_eq!(voice.capabilities().sample_rate.hz(), 16_000);
}

#[test]
fn the_first_clause_is_early_and_words_cover_the_text() {
    let text = "The backup is done, it took four minutes and nothing was lost. \
                I have also cleaned the disk: three gigabytes are free now.";
    for voice in [&builtin() as &dyn TextToSpeech, &Espeak::new("en-us", None).expect("loads")] {
        let spoken = speak(voice, text);
        let rate = voice.capabilities().sample_rate;
        let ms = |samples: usize| samples * 1_000 / rate.hz() as usize;
        let audio_ms = ms(spoken.samples.len());
        println!(
            "{}: first clause of {} ms after {:.1} ms, all {audio_ms} ms after {:.1} ms",
            voice.capabilities().name,
            ms(spoken.first_samples),
            spoken.first_after.as_secs_f64() * 1e3,
            spoken.all_after.as_secs_f64() * 1e3,
        );
        assert!(ms(spoken.first_samples) < 2_500, "the first clause is short");
        assert!(spoken.first_after < spoken.all_after, "and comes before the rest");
        assert!((4_000..14_000).contains(&audio_ms), "{audio_ms} ms for 25 words");
        let words: Vec<&str> = spoken.words.iter().map(|w| &text[w.text.clone()]).collect();
        assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
    }
}

/// A pause between two words is where the estimate can be seen to be right: the words on either
/// side of it must end before and begin after.
#[test]
fn word_positions_keep_to_their_side_of_a_pause() {
    let text = "Yes, tomorrow. Goodbye.";
    for voice in [&builtin() as &dyn TextToSpeech, &Espeak::new("en-us", None).expect("loads")] {
        let spoken = speak(voice, text);
        for pair in spoken.words.windows(2) {
            let gap = &spoken.samples[pair[0].samples.end..pair[1].samples.start];
            let rate = voice.capabilities().sample_rate;
            assert!(gap.len() >= rate.samples_in_ms(100), "a pause of {} samples", gap.len());
            assert!(gap.iter().all(|s| s.abs() < 600), "the pause is quiet");
        }
    }
}

/// What was heard of a sentence that was cut is told word by word, so words must end where their
/// sound does. Between these words it is silent, which shows where that is.
#[test]
fn words_within_a_sentence_end_where_their_sound_does() {
    const CONTRACT_MS: usize = 80;
    let text = "Well. Alpha, bravo, charlie, delta, echo. Foxtrot, hotel, lima, november, five.";
    let voice = builtin();
    let (spoken, rate) = (speak(&voice, text), voice.capabilities().sample_rate);
    let sounds = sounds(&spoken.samples, rate.samples_in_ms(5), rate.samples_in_ms(100));
    assert_eq!(sounds.len(), spoken.words.len(), "each word is a sound of its own");
    let off = |(word, sound): (&WordSpan, &std::ops::Range<usize>)| {
        let start = word.samples.start.abs_diff(sound.start);
        start.max(word.samples.end.abs_diff(sound.end)) * 1_000 / rate.hz() as usize
    };
    let off_ms: Vec<usize> = spoken.words.iter().zip(&sounds).map(off).collect();
    println!("words within a sentence: off by {off_ms:?} ms");
    assert!(off_ms.iter().all(|ms| *ms <= CONTRACT_MS), "{off_ms:?}");
}

/// Stretches with sound, in steps of `step`, with silence of `pause` and more between them.
fn sounds(samples: &[i16], step: usize, pause: usize) -> Vec<std::ops::Range<usize>> {
    // -50 dB below full scale.
    const AUDIBLE: f64 = 98.0;
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (n, part) in samples.chunks(step).enumerate() {
        let power = part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / part.len() as f64;
        match found.last_mut() {
            _ if power < AUDIBLE * AUDIBLE => {}
            Some(last) if n * step - last.end < pause => last.end = (n + 1) * step,
            _ => found.push(n * step..(n + 1) * step),
        }
    }
    found
}

#[test]
fn many_threads_speak_with_one_voice() {
    let voice = builtin();
    let last_resort = Espeak::new("en-us", None).expect("loads");
    let expected = speak(&voice, TEXT).samples;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert_eq!(speak(&voice, TEXT).samples, expected, "deterministic");
                    assert!(!speak(&last_resort, TEXT).samples.is_empty());
                }
            });
        }
    });
}

#[test]
fn too_long_a_text_is_refused_by_its_bytes() {
    let mut sink = Spoken::default();
    let result = builtin().speak(&"a".repeat(4_097), &mut sink);
    assert!(matches!(result, Err(TtsError::TooLong { got: 4_097, max: 4_096 })));
}

#[test]
fn what_nobody_would_write_is_survived() {
    let voice = builtin();
    for text in [
        "\u{0}\u{1}\u{7f}",
        "[[espeak phonemes]] <speak>tags</speak> &amp;",
        "日本語 مرحبا Здравствуйте",
        &"9".repeat(200),
        &"a.".repeat(100),
        "((((((((((",
        "😀 ok 😀",
    ] {
        speak(&voice, text);
    }
}

#[test]
fn a_missing_voice_says_what_a_voice_is() {
    let none = Path::new("/nonexistent/v.onnx");
    let error = load(none, &assets().join("xenline-voice-8k.onnx.json"));
    assert!(matches!(error, LoadError::Missing { .. }), "{error:?}");
    assert!(error.to_string().contains("two files"), "{error}");
    let error = load(&assets().join(BUILTIN_VOICE), none);
    assert!(matches!(error, LoadError::Missing { .. }), "{error:?}");
}

#[test]
fn a_damaged_voice_is_an_error_and_never_a_crash() {
    let whole = std::fs::read(assets().join(BUILTIN_VOICE)).expect("readable");
    let config = assets().join("xenline-voice-8k.onnx.json");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("damaged.onnx");
    let half = whole.len() / 2;
    let wrong_end = [&whole[..half], &vec![0xa5; half]].concat();
    let other_file = std::fs::read(assets().join("phrases.txt")).expect("readable");
    for (what, bytes) in [
        ("empty", &[][..]),
        ("one byte", &whole[..1]),
        ("half", &whole[..half]),
        ("all but the last kilobyte", &whole[..whole.len() - 1_024]),
        ("wrong second half", &wrong_end),
        ("text", &other_file),
    ] {
        std::fs::write(&path, bytes).expect("writable");
        let error = load(&path, &config);
        assert!(matches!(error, LoadError::Model { .. }), "{what}: {error:?}");
    }
}

#[test]
fn an_unknown_espeak_voice_is_named() {
    let error = Espeak::new("tlh-x-nonesuch", None).err().expect("no such voice");
    assert!(error.to_string().contains("tlh-x-nonesuch"), "{error}");
}

#[cfg(not(feature = "onnxruntime"))]
#[test]
fn an_engine_that_was_not_built_in_says_how_to_build_it() {
    let error = Piper::builtin(&assets(), Backend::OnnxRuntime).err().expect("not built in");
    assert!(error.to_string().contains("--features onnxruntime"), "{error}");
}

const TEXT: &str = "Hello there, the backup is done. It took four minutes.";

fn builtin() -> Piper {
    Piper::builtin(&assets(), Backend::Rten).expect("the built-in voice loads")
}

fn load(onnx: &Path, config: &Path) -> LoadError {
    match Piper::load(onnx, config, None, Backend::Rten) {
        Ok(_) => panic!("{} must not load", onnx.display()),
        Err(error) => error,
    }
}

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../assets/models")
}

#[derive(Default)]
struct Spoken {
    started: Option<Instant>,
    first_after: Duration,
    all_after: Duration,
    first_samples: usize,
    samples: Vec<i16>,
    words: Vec<WordSpan>,
}

impl SpeechSink for Spoken {
    fn chunk(&mut self, chunk: SpeechChunk<'_>) -> ControlFlow<()> {
        let after = self.started.map(|s| s.elapsed()).unwrap_or_default();
        if self.samples.is_empty() {
            (self.first_after, self.first_samples) = (after, chunk.samples.len());
        }
        self.all_after = after;
        let base = self.samples.len();
        self.words.extend(chunk.words.iter().map(|w| WordSpan {
            text: w.text.clone(),
            samples: base + w.samples.start..base + w.samples.end,
        }));
        self.samples.extend_from_slice(chunk.samples);
        ControlFlow::Continue(())
    }
}

fn speak(voice: &dyn TextToSpeech, text: &str) -> Spoken {
    let mut spoken = Spoken { started: Some(Instant::now()), ..Spoken::default() };
    voice.speak(text, &mut spoken).expect("speaks");
    spoken
}
