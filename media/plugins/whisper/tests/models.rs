//! The built-in model under the conformance suite, and broken model files.

use std::path::{Path, PathBuf};

use media_core::plugin::{SpeechToText, check_speech_to_text};
use plugin_whisper::{
    AudioContext, BUILTIN_MODEL, LoadError, Whisper, WhisperSettings, check_model_file,
};

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../assets/models")
}

#[test]
fn the_builtin_recogniser_keeps_the_contract_of_every_recogniser() {
    let whisper = Whisper::builtin(&assets()).expect("the built-in model loads");
    check_speech_to_text(&whisper);
    assert_eq!(whisper.capabilities().name, "whisper xenline-tiny-en");
    assert_eq!(whisper.capabilities().utterance_ms_max, 8_000);
}

#[test]
fn the_builtin_recogniser_is_found_from_the_assets_folder_too() {
    assert!(Whisper::builtin(&assets().join("..")).is_ok());
}

#[test]
fn a_sound_model_file_tells_its_shape() {
    let shape = check_model_file(&assets().join(BUILTIN_MODEL)).expect("sound");
    assert_eq!((shape.width, shape.audio_layers, shape.text_layers), (128, 3, 2));
    assert_eq!((shape.audio_context, shape.text_context), (400, 96));
    assert!(!shape.is_multilingual());
}

#[test]
fn a_missing_model_says_how_to_get_one() {
    let error = load(Path::new("/nonexistent/ggml-tiny.en.bin"));
    assert!(matches!(error, LoadError::Missing { .. }), "{error:?}");
    assert!(error.to_string().contains("xenline models fetch"), "{error}");
}

#[test]
fn a_folder_in_the_place_of_a_model_is_an_error() {
    let error = load(&assets());
    assert!(matches!(error, LoadError::Unreadable { .. }), "{error:?}");
}

#[test]
fn another_kind_of_file_is_named_as_such() {
    let error = load(&assets().join("xenline-voice-8k.onnx"));
    assert!(matches!(error, LoadError::NotAModel { .. }), "{error:?}");
}

#[test]
fn a_model_cut_anywhere_is_damaged_and_never_reaches_whisper_cpp() {
    let whole = std::fs::read(assets().join(BUILTIN_MODEL)).expect("readable");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("cut.bin");
    let cuts = [0, 1, 3, 4, 20, 48, 500, 64_000, 66_000, 500_000, 9_000_000, whole.len() - 1];
    for cut in cuts {
        std::fs::write(&path, &whole[..cut]).expect("writable");
        let error = load(&path);
        assert!(matches!(error, LoadError::Damaged { .. }), "cut at {cut}: {error:?}");
    }
    std::fs::write(&path, [&whole[..], b"x"].concat()).expect("writable");
    assert!(matches!(load(&path), LoadError::Damaged { .. }), "one byte too many");
}

/// Every field of the header, and a few places further on, set to values that have made whisper.cpp
/// allocate, divide by zero or read past its tables.
#[test]
fn a_header_that_lies_is_an_error_and_never_a_crash() {
    let whole = std::fs::read(assets().join(BUILTIN_MODEL)).expect("readable");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("lies.bin");
    let tensors = whole.len() - 512;
    for at in (4..56).step_by(4).chain([64_380, 64_384, 64_388, tensors]) {
        for value in [0u32, 1, 7, 0x7fff_ffff, 0xffff_ffff] {
            let mut bytes = whole.clone();
            if bytes[at..at + 4] == value.to_le_bytes() {
                continue;
            }
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            std::fs::write(&path, &bytes).expect("writable");
            // One head instead of four is a possible shape, and weights are not checked (their
            // checksum does that): such a lie may load, and must then decode without a crash.
            if let Ok(believed) = Whisper::load(&path, WhisperSettings::stock()) {
                let possible = at >= 64_380 || (matches!(at, 16 | 32) && value == 1);
                assert!(possible, "a lie at {at} ({value}) was believed");
                let hum: Vec<i16> = (0..16_000).map(|i| (i % 160) * 50).collect();
                believed.open().expect("opens").decode(&hum).expect("decodes");
            }
        }
    }
}

#[test]
fn a_trimmed_context_larger_than_the_model_is_cut_to_the_model() {
    let audio_context = AudioContext::Trimmed { min: 1_000, max: 1_500 };
    let settings = WhisperSettings { audio_context, ..WhisperSettings::stock() };
    let whisper = Whisper::load(&assets().join(BUILTIN_MODEL), settings).expect("loads");
    let hum: Vec<i16> = (0..16_000).map(|i| (i % 160) * 50).collect();
    whisper.open().expect("opens").decode(&hum).expect("decodes");
}

fn load(path: &Path) -> LoadError {
    match Whisper::load(path, WhisperSettings::stock()) {
        Ok(_) => panic!("{} must not load", path.display()),
        Err(error) => error,
    }
}
