//! ONNX Runtime as the engine. Needs the cargo feature `onnxruntime` and a library:
//! `ORT_DYLIB_PATH=$(scripts/onnxruntime.sh) cargo test -p plugin-piper --features onnxruntime`.
#![cfg(feature = "onnxruntime")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use media_core::plugin::{SpeechChunk, SpeechSink, TextToSpeech, check_text_to_speech};
use plugin_piper::{Backend, Piper};

#[test]
fn the_builtin_voice_on_onnx_runtime_keeps_the_contract_of_every_voice() {
    let voice = builtin();
    assert_eq!(voice.capabilities().name, "piper/onnxruntime xenline-voice-8k");
    check_text_to_speech(&voice);
}

#[test]
fn both_engines_make_the_same_sound() {
    let text = "The backup is done. It took four minutes, and nothing was lost.";
    let rten = Piper::builtin(&assets(), Backend::Rten).expect("loads");
    let (expected, rten_time) = speak(&rten, text);
    let (samples, ort_time) = speak(&builtin(), text);
    assert_eq!(samples.len(), expected.len());
    let furthest = samples.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
    println!("rten {rten_time:?}, onnxruntime {ort_time:?}, furthest sample apart {furthest:?}");
    assert!(furthest <= Some(4), "{furthest:?} of 32768");
}

#[test]
fn a_missing_library_is_an_error_and_never_a_hang() {
    let message = load_with("/nonexistent/libonnxruntime.so");
    assert!(message.contains("cannot load ONNX Runtime from /nonexistent"), "{message}");
    assert!(message.contains("scripts/onnxruntime.sh"), "{message}");
}

#[test]
fn another_library_is_an_error_and_never_a_hang() {
    let dir = tempfile::tempdir().expect("a folder");
    let other = compiled(dir.path(), "int something_else;");
    assert!(load_with(&other).contains("is not ONNX Runtime"), "{}", load_with(&other));
}

#[test]
fn an_old_library_is_an_error_that_names_its_version() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = compiled(
        dir.path(),
        r#"static const char *version(void) { return "1.17.3"; }
           static const void *const base[2] = { 0, (const void *)version };
           const void *OrtGetApiBase(void) { return base; }"#,
    );
    let message = load_with(&old);
    assert!(message.contains("ONNX Runtime 1.17.3") && message.contains("too old"), "{message}");
}

/// Not a test of its own: run in a process of its own by the ones above, because a process loads
/// ONNX Runtime once.
#[test]
#[ignore = "run by the tests of unfit libraries"]
fn load_and_print() {
    match Piper::builtin(&assets(), Backend::OnnxRuntime) {
        Ok(_) => println!("loaded"),
        Err(error) => println!("{error}"),
    }
}

/// What loading the voice with the library at `path` says, in a fresh process.
fn load_with(path: &str) -> String {
    let mut child = Command::new(std::env::current_exe().expect("known"))
        .args(["--ignored", "--exact", "load_and_print", "--nocapture"])
        .env("ORT_DYLIB_PATH", path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().expect("ours").is_none() {
        if Instant::now() > deadline {
            child.kill().expect("ours");
            panic!("it hangs with {path}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().expect("ended");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn compiled(dir: &Path, source: &str) -> String {
    let (code, library) = (dir.join("stub.c"), dir.join("libstub.so"));
    std::fs::write(&code, source).expect("writable");
    let status =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&code).status();
    assert!(status.is_ok_and(|s| s.success()), "cc compiles a stub");
    library.display().to_string()
}

fn builtin() -> Piper {
    assert!(
        std::env::var_os("ORT_DYLIB_PATH").is_some(),
        "set ORT_DYLIB_PATH to what scripts/onnxruntime.sh prints"
    );
    Piper::builtin(&assets(), Backend::OnnxRuntime).expect("loads")
}

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../assets/models")
}

#[derive(Default)]
struct Samples(Vec<i16>);

impl SpeechSink for Samples {
    fn chunk(&mut self, chunk: SpeechChunk<'_>) -> ControlFlow<()> {
        self.0.extend_from_slice(chunk.samples);
        ControlFlow::Continue(())
    }
}

fn speak(voice: &dyn TextToSpeech, text: &str) -> (Vec<i16>, Duration) {
    let (mut samples, started) = (Samples::default(), Instant::now());
    voice.speak(text, &mut samples).expect("speaks");
    (samples.0, started.elapsed())
}
