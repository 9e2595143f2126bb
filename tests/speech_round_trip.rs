//! The line's own voice, through µ-law, back through the line's own recogniser: the whole speech
//! path without a network. The recogniser knows this voice's teacher, so the figures are of the
//! path, not of intelligibility to people.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use media_core::codec::{Decoder, Encoder};
use media_core::plugin::{SpeechChunk, SpeechSink, SpeechToText, TextToSpeech};
use media_core::resample::convert_all;
use media_core::{Codec, SampleRate};
use plugin_piper::{Backend, Espeak, Piper};
use plugin_whisper::Whisper;

/// Written as an agent writes it, and what should be heard.
const LINES: [(&str, &str); 22] = [
    ("Hello.", "hello"),
    ("Good morning!", "good morning"),
    ("What time is it?", "what time is it"),
    ("Run the backup.", "run the backup"),
    ("Stop!", "stop"),
    ("Goodbye.", "goodbye"),
    ("No, thank you.", "no thank you"),
    ("What is the status?", "what is the status"),
    ("Yes, please.", "yes please"),
    ("Can you hear me?", "can you hear me"),
    ("I am still here.", "i am still here"),
    ("One moment, please.", "one moment please"),
    ("Cancel the alarm.", "cancel the alarm"),
    ("Set an alarm for 7:30.", "set an alarm for seven thirty"),
    ("Number 9.", "number nine"),
    ("Option 3.", "option three"),
    ("I do not understand.", "i do not understand"),
    ("That is correct.", "that is correct"),
    ("Thank you very much.", "thank you very much"),
    ("How are you?", "how are you"),
    ("Extension 4862.", "extension four eight six two"),
    ("Never mind.", "never mind"),
];

#[test]
fn what_the_builtin_voice_says_is_understood_after_the_telephone() {
    let voice = Piper::builtin(&assets(), Backend::Rten).expect("the voice loads");
    let score = round_trip(&voice);
    assert!(score.words_right_percent() >= 90.0, "{:.1} %", score.words_right_percent());
}

#[test]
fn what_the_voice_of_last_resort_says_is_understood_after_the_telephone() {
    let voice = Espeak::new("en-us", None).expect("needs no model");
    let score = round_trip(&voice);
    assert!(score.words_right_percent() >= 90.0, "{:.1} %", score.words_right_percent());
}

#[cfg(feature = "onnxruntime")]
#[test]
fn what_the_builtin_voice_says_on_onnx_runtime_is_understood_after_the_telephone() {
    let voice = Piper::builtin(&assets(), Backend::OnnxRuntime).expect("the voice loads");
    let score = round_trip(&voice);
    assert!(score.words_right_percent() >= 90.0, "{:.1} %", score.words_right_percent());
}

struct Score {
    words: usize,
    errors: usize,
}

impl Score {
    fn words_right_percent(&self) -> f64 {
        100.0 - 100.0 * self.errors as f64 / self.words as f64
    }
}

fn round_trip(voice: &dyn TextToSpeech) -> Score {
    let recogniser = Whisper::builtin(&assets()).expect("the recogniser loads");
    let mut stream = recogniser.open().expect("opens");
    let mut score = Score { words: 0, errors: 0 };
    let mut first_audio = Vec::new();
    for (written, said) in LINES {
        let spoken = speak(voice, written);
        first_audio.push(spoken.first_after.expect("it says something"));
        let line = convert_all(&spoken.samples, spoken.rate, SampleRate::Hz8000);
        let arrived = telephoned(&[vec![0; 800], line, vec![0; 1_600]].concat());
        let heard = stream.decode(&arrived).expect("decodes").text;
        score.words += said.split(' ').count();
        score.errors += word_errors(said, &heard);
        if heard != said {
            println!("said {said:?}, heard {heard:?}");
        }
    }
    first_audio.sort();
    println!(
        "{}: {:.1} % of {} words right; first audio after {:.1} ms (median), {:.1} ms (worst)",
        voice.capabilities().name,
        score.words_right_percent(),
        score.words,
        first_audio[first_audio.len() / 2].as_secs_f64() * 1e3,
        first_audio[first_audio.len() - 1].as_secs_f64() * 1e3,
    );
    score
}

struct Spoken {
    rate: SampleRate,
    started: Instant,
    first_after: Option<Duration>,
    samples: Vec<i16>,
}

impl SpeechSink for Spoken {
    fn chunk(&mut self, chunk: SpeechChunk<'_>) -> ControlFlow<()> {
        self.first_after.get_or_insert_with(|| self.started.elapsed());
        self.samples.extend_from_slice(chunk.samples);
        ControlFlow::Continue(())
    }
}

fn speak(voice: &dyn TextToSpeech, text: &str) -> Spoken {
    let rate = voice.capabilities().sample_rate;
    let mut spoken =
        Spoken { rate, started: Instant::now(), first_after: None, samples: Vec::new() };
    voice.speak(text, &mut spoken).expect("speaks");
    spoken
}

/// 8 kHz sound as it arrives over G.711 µ-law, at the recogniser's rate.
fn telephoned(sound: &[i16]) -> Vec<i16> {
    let (mut encoder, mut decoder) = (Encoder::new(Codec::Pcmu), Decoder::new(Codec::Pcmu));
    let mut arrived = vec![0; sound.len()];
    let mut packet = [0; 160];
    for (spoken, out) in sound.chunks(160).zip(arrived.chunks_mut(160)) {
        let count = encoder.encode(spoken, &mut packet);
        decoder.decode(&packet[..count], out);
    }
    convert_all(&arrived, SampleRate::Hz8000, SampleRate::Hz16000)
}

/// Substitutions, insertions and deletions that make `heard` out of `said`, in words.
fn word_errors(said: &str, heard: &str) -> usize {
    let heard: Vec<&str> = heard.split_whitespace().collect();
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, word) in said.split_whitespace().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in heard.iter().enumerate() {
            let best = (diagonal + usize::from(word != *other)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[heard.len()]
}

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")
}
