//! ONNX Runtime through `piper-rs`: for GPUs, and for graphs that `rten` does not run.
//!
//! Two known deviations of `piper-rs` 0.2 are lived with here: it makes the ids itself and leaves
//! out the padding after the start mark, and it speaks with one session, so one clause at a time.

use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::{Engine, Made};
use crate::LoadError;
use crate::utterance::Utterance;

pub(crate) struct OnnxRuntime {
    piper: Mutex<piper_rs::Piper>,
}

impl OnnxRuntime {
    pub(crate) fn load(model: &Path, config: &Path) -> Result<Self, LoadError> {
        ready()?;
        let fault = |what: String| LoadError::Model { path: model.into(), what };
        let text = std::fs::read_to_string(config)
            .map_err(|source| LoadError::Unreadable { path: config.into(), source })?;
        let config = serde_json::from_str(&text)
            .map_err(|e| LoadError::Config { path: config.into(), what: e.to_string() })?;
        let session = ort::session::Session::builder()
            .and_then(|builder| Ok(builder.with_intra_threads(1)?))
            .and_then(|mut builder| builder.commit_from_file(model))
            .map_err(|e| fault(e.to_string()))?;
        Ok(Self { piper: Mutex::new(piper_rs::Piper::from_session(session, config)) })
    }
}

impl Engine for OnnxRuntime {
    fn name(&self) -> &'static str {
        "onnxruntime"
    }

    fn synthesise(&self, utterance: &Utterance) -> Result<Made, String> {
        let mut piper = self.piper.lock().unwrap_or_else(PoisonError::into_inner);
        piper
            .create(&utterance.ipa, true, None, None, None, None)
            .map(|(samples, _rate)| Made { samples, ends: None })
            .map_err(|e| e.to_string())
    }
}

/// Initialises ONNX Runtime, once per process.
fn ready() -> Result<(), LoadError> {
    static READY: OnceLock<Result<(), String>> = OnceLock::new();
    let start = || {
        let library = library_path();
        check_library(&library)?;
        let environment = ort::init_from(&library).map_err(|e| e.to_string())?;
        environment.with_name("xenline").commit();
        Ok(())
    };
    READY.get_or_init(start).clone().map_err(LoadError::Engine)
}

fn library_path() -> PathBuf {
    std::env::var_os("ORT_DYLIB_PATH")
        .filter(|v| !v.is_empty())
        .map_or_else(|| PathBuf::from("libonnxruntime.so"), PathBuf::from)
}

/// Opens the library and asks for its version before `ort` does: with a missing or older one,
/// `ort` waits for ever without a word.
fn check_library(path: &Path) -> Result<(), String> {
    let advice = "scripts/onnxruntime.sh gets a fitting one and prints the ORT_DYLIB_PATH to set; \
                  or use the engine \"rten\"";
    let name = path.display();
    // SAFETY: runs the library's initialisers. It is named by the operator, and it is the library
    // that `ort` would load right after.
    let library = unsafe { libloading::Library::new(path) }
        .map_err(|e| format!("cannot load ONNX Runtime from {name} ({e}); {advice}"))?;
    let version =
        version_of(&library).ok_or_else(|| format!("{name} is not ONNX Runtime; {advice}"))?;
    // Not unloaded: its threads and static destructors do not survive that.
    std::mem::forget(library);
    let mut fields = version.split('.').map(|f| f.parse::<u32>().unwrap_or(0));
    match (fields.next(), fields.next()) {
        (Some(1), Some(minor)) if minor >= MINOR_MIN => Ok(()),
        _ => Err(format!(
            "ONNX Runtime {version} at {name} is too old, 1.{MINOR_MIN} or later is needed; {advice}"
        )),
    }
}

fn version_of(library: &libloading::Library) -> Option<String> {
    // SAFETY: the declared type is that of onnxruntime_c_api.h, unchanged since version 1.0.
    let base = unsafe { library.get::<GetApiBase>(b"OrtGetApiBase\0") }.ok()?;
    // SAFETY: takes nothing and returns a static table or null.
    let base = unsafe { base().as_ref() }?;
    // SAFETY: the table's second entry takes nothing and returns a static string.
    let version = unsafe { (base.get_version_string)() };
    if version.is_null() {
        return None;
    }
    // SAFETY: not null, NUL-terminated, static.
    Some(unsafe { CStr::from_ptr(version) }.to_string_lossy().into_owned())
}

type GetApiBase = unsafe extern "C" fn() -> *const ApiBase;

/// `OrtApiBase` of onnxruntime_c_api.h.
#[repr(C)]
struct ApiBase {
    get_api: *const c_char,
    get_version_string: unsafe extern "C" fn() -> *const c_char,
}

/// API 24, which `ort` 2.0.0-rc.12 asks for.
const MINOR_MIN: u32 = 24;
