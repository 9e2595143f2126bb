//! Whether words are understood, by the recogniser that the line has on board.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use media_core::SampleRate;
use media_core::plugin::SpeechToText;
use media_core::resample::convert_all;
use plugin_whisper::Whisper;
use serde_json::json;

use crate::ticking::{PATIENCE, Record, Script};

const SAID: &str = "what time is it";
/// The word without which it is another question.
const KEY: &str = "time";
/// Said so often at most, and understood so often at least: a network that loses some of it may take the
/// one word that counts.
const TIMES_MAX: usize = 6;
const UNDERSTOOD_MIN: usize = 2;

/// That what `somebody`, of whom `ears` hear, says is understood.
pub async fn are_understood(somebody: &mut Script, ears: &Mutex<Record>) {
    let whisper = Whisper::builtin(&assets()).expect("the recogniser on board");
    let mut stream = whisper.open().expect("memory for a decode");
    let file = said_at_48_khz();
    let (mut texts, mut understood) = (Vec::new(), 0);
    while understood < UNDERSTOOD_MIN && texts.len() < TIMES_MAX {
        ears.lock().unwrap().forget();
        somebody.tell(&json!({ "play": file })).await;
        let heard = tokio::time::timeout(PATIENCE, words(ears)).await.expect("words, then silence");
        let heard = convert_all(&heard, SampleRate::Hz48000, SampleRate::Hz16000);
        let text = stream.decode(&heard).expect("it is no longer than was said").text;
        understood += usize::from(text.to_lowercase().contains(KEY));
        texts.push(text);
    }
    println!("{SAID:?}, with a twentieth lost, was understood as {texts:?}");
    assert!(understood >= UNDERSTOOD_MIN, "{texts:?}");
}

/// What is said, from the first word to a silence after the last.
async fn words(ears: &Mutex<Record>) -> Vec<i16> {
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let record = ears.lock().unwrap();
        let heard = record.sound();
        let is_loud = |frame: &[i16]| frame.iter().any(|sample| sample.unsigned_abs() > 500);
        let last = heard.chunks(FRAME).rposition(is_loud).unwrap_or(0);
        if heard.len() > (last + SILENT_FRAMES) * FRAME && last > 0 {
            return heard[..(last + SILENT_FRAMES / 2) * FRAME].to_vec();
        }
    }
}

/// 20 ms at 48 kHz.
const FRAME: usize = 960;
/// Longer than any pause in what is said, and than a packet that is lost.
const SILENT_FRAMES: usize = 40;

/// The recording, as the SDK takes it.
fn said_at_48_khz() -> PathBuf {
    let said = assets().join("caller").join(format!("{}.wav", SAID.replace(' ', "-")));
    let mut wav = hound::WavReader::open(said).expect("somebody has recorded it");
    let spec = wav.spec();
    assert_eq!((spec.channels, spec.sample_rate), (1, 8_000));
    let samples: Vec<i16> = wav.samples().map(|sample| sample.expect("whole")).collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("words.wav");
    let spec = hound::WavSpec { sample_rate: 48_000, ..spec };
    let mut file = hound::WavWriter::create(&path, spec).expect("a file");
    for sample in convert_all(&samples, SampleRate::Hz8000, SampleRate::Hz48000) {
        file.write_sample(sample).expect("room");
    }
    file.finalize().expect("room");
    path
}

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../assets")
}
