//! Which recogniser, which voice, which brain: the configuration's words turned into engines.

#[cfg(debug_assertions)]
mod faults;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use media_core::Codec;
use media_core::codec::Codecs;
use media_core::plugin::{SpeechChunk, SpeechSink, SpeechToText, TextToSpeech};
use plugin_piper::{Backend, Espeak, Piper};
use plugin_whisper::{Whisper, WhisperSettings};

use crate::config::{Config, VoiceBackend};
use crate::models;

/// Names the directory with `models/`, where the binary does not stand beside its assets.
const ASSETS_VARIABLE: &str = "XENLINE_ASSETS";
const BUILTIN: &str = "builtin";
const BUILTIN_VOICE: &str = "xenline-voice-8k.onnx";

/// Everything a line hears and speaks with.
#[derive(Clone)]
pub struct Engines {
    /// Speech to text.
    pub stt: Arc<dyn SpeechToText>,
    /// The line's voice.
    pub tts: Arc<dyn TextToSpeech>,
    /// The voice of last resort.
    pub fallback: Arc<dyn TextToSpeech>,
    /// Why the voice in use is not the one that was asked for.
    pub degraded: Option<String>,
}

/// An engine that cannot be had, with the next step.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {message}")]
pub struct EngineError {
    /// `recogniser` or `voice`.
    pub what: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Loads the engines. A recogniser is indispensable; a voice that does not load is replaced by
/// the one of last resort, and the line says so in its log.
///
/// # Errors
/// [`EngineError`]: no recogniser, or not even the voice of last resort.
pub fn load(config: &Config) -> Result<Engines, EngineError> {
    let stt = recogniser(config)?;
    let fallback: Arc<dyn TextToSpeech> = Arc::new(last_resort()?);
    let (tts, degraded) = match voice(config) {
        Ok(voice) => (voice, None),
        Err(error) => (fallback.clone(), Some(error.to_string())),
    };
    warm_up(&*stt, &*tts);
    let engines = Engines { stt, tts, fallback, degraded };
    #[cfg(debug_assertions)]
    let engines = faults::as_ordered(engines);
    Ok(engines)
}

/// Lets both engines work once, so that the first caller does not wait for cold caches.
fn warm_up(stt: &dyn SpeechToText, tts: &dyn TextToSpeech) {
    struct Nobody;
    impl SpeechSink for Nobody {
        fn chunk(&mut self, _chunk: SpeechChunk<'_>) -> std::ops::ControlFlow<()> {
            std::ops::ControlFlow::Continue(())
        }
    }
    let silence = vec![0; stt.capabilities().sample_rate.samples_in_ms(1_000)];
    let heard = stt.open().and_then(|mut stream| stream.decode(&silence));
    let spoken = tts.speak("Hello, this is a moment of warming up.", &mut Nobody);
    tracing::debug!(heard = heard.is_ok(), spoken = spoken.is_ok(), "engines are warm");
}

/// The recogniser that `[hearing] model` names.
///
/// # Errors
/// [`EngineError`].
pub fn recogniser(config: &Config) -> Result<Arc<dyn SpeechToText>, EngineError> {
    let model = &config.hearing.model;
    let loaded = if model == BUILTIN {
        Whisper::builtin(&assets_dir())
    } else {
        let path = model_file(model);
        WhisperSettings::beside(&path)
            .map_err(Into::into)
            .and_then(|settings| Whisper::load(&path, settings))
    };
    let hint = "; set [hearing] model to \"builtin\" or fetch one: xenline models list";
    match loaded {
        Ok(whisper) => Ok(Arc::new(whisper)),
        Err(error) => Err(EngineError { what: "recogniser", message: format!("{error}{hint}") }),
    }
}

/// The voice that `[voice]` names.
///
/// # Errors
/// [`EngineError`].
pub fn voice(config: &Config) -> Result<Arc<dyn TextToSpeech>, EngineError> {
    let backend = match config.voice.backend {
        VoiceBackend::Rten => Backend::Rten,
        VoiceBackend::OnnxRuntime => Backend::OnnxRuntime,
        VoiceBackend::Espeak => return last_resort().map(|voice| Arc::new(voice) as Arc<_>),
    };
    let model = match config.voice.model.as_str() {
        BUILTIN => assets_dir().join("models").join(BUILTIN_VOICE),
        model => model_file(model),
    };
    let mut settings = model.clone().into_os_string();
    settings.push(".json");
    let hint = "; set [voice] model to \"builtin\" or fetch one: xenline models list";
    match Piper::load(&model, Path::new(&settings), None, backend) {
        Ok(piper) => Ok(Arc::new(piper)),
        Err(error) => Err(EngineError { what: "voice", message: format!("{error}{hint}") }),
    }
}

/// A model of the catalogue by its name, or any file by its path.
fn model_file(model: &str) -> PathBuf {
    let fetched = models::find(model).and_then(|found| {
        let file = found.files.first()?;
        Some(models::default_dir().join(&file.name))
    });
    fetched.unwrap_or_else(|| PathBuf::from(model))
}

/// espeak-ng's own voice, which needs no model.
///
/// # Errors
/// [`EngineError`] when espeak-ng's data is missing.
pub fn last_resort() -> Result<Espeak, EngineError> {
    Espeak::new("en-us", None)
        .map_err(|error| EngineError { what: "voice of last resort", message: error.to_string() })
}

/// Every codec that the line speaks.
pub const CODECS: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];

/// The codec with this encoding name.
#[must_use]
pub fn codec(name: &str) -> Option<Codec> {
    CODECS.into_iter().find(|codec| codec.encoding_name().eq_ignore_ascii_case(name))
}

/// Their encoding names, for people.
#[must_use]
pub fn codec_names() -> String {
    CODECS.map(Codec::encoding_name).join(", ")
}

/// What lines are coded with: the codecs of the audio path, and Opus.
#[must_use]
pub fn codecs() -> Codecs {
    Codecs::default().with(Arc::new(plugin_opus::Opus))
}

/// The command that starts the brain: the configured one, or the `xenline-brain` beside this
/// binary. Empty when there is neither.
#[must_use]
pub fn brain_command(config: &Config) -> Vec<String> {
    if !config.brain.command.is_empty() {
        return config.brain.command.clone();
    }
    let beside =
        std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("xenline-brain")));
    beside
        .filter(|path| path.is_file())
        .map(|path| vec![path.display().to_string()])
        .unwrap_or_default()
}

/// Where `models/` and the demo's recordings are: `XENLINE_ASSETS`, else beside the binary or where
/// a package puts them, else in the source tree that it was built from.
#[must_use]
pub fn assets_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os(ASSETS_VARIABLE) {
        return PathBuf::from(dir);
    }
    let exe = std::env::current_exe().ok();
    let beside = exe.as_deref().and_then(Path::parent).and_then(|dir| {
        let candidates = ["assets", "../share/xenline/assets"].map(|name| dir.join(name));
        candidates.into_iter().find(|dir| dir.is_dir())
    });
    beside.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("assets"))
}
