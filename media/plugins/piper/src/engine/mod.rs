//! What runs a voice's network. One small trait, two engines.

mod onnx_file;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
mod rten;

use std::path::Path;

use crate::LoadError;
use crate::config::VoiceConfig;
use crate::utterance::Utterance;

/// Which engine runs the network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Backend {
    /// Pure Rust, no shared library, loads in a tenth of the time. The default.
    #[default]
    Rten,
    /// ONNX Runtime through `piper-rs`, loaded with `dlopen`. Needs the cargo feature
    /// `onnxruntime` and a `libonnxruntime.so` (environment variable `ORT_DYLIB_PATH`).
    OnnxRuntime,
}

/// A loaded network.
pub(crate) trait Engine: Send + Sync {
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// The sound of `utterance`. Deterministic or not is the voice's affair.
    fn synthesise(&self, utterance: &Utterance) -> Result<Made, String>;
}

/// What an engine made of an utterance.
pub(crate) struct Made {
    /// At the voice's own rate, in ±1.
    pub samples: Vec<f32>,
    /// Where each of the utterance's ids ends, as a part of the whole. `None` where the network
    /// does not say.
    pub ends: Option<Vec<f32>>,
}

pub(crate) fn load(
    backend: Backend,
    model: &Path,
    config: &VoiceConfig,
    config_path: &Path,
) -> Result<Box<dyn Engine>, LoadError> {
    let bytes = std::fs::read(model).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => LoadError::Missing { path: model.into() },
        _ => LoadError::Unreadable { path: model.into(), source },
    })?;
    onnx_file::check(&bytes).map_err(|what| LoadError::Model { path: model.into(), what })?;
    match backend {
        Backend::Rten => Ok(Box::new(rten::Rten::load(model, bytes, config)?)),
        #[cfg(feature = "onnxruntime")]
        Backend::OnnxRuntime => Ok(Box::new(onnxruntime::OnnxRuntime::load(model, config_path)?)),
        #[cfg(not(feature = "onnxruntime"))]
        Backend::OnnxRuntime => {
            let _ = config_path;
            Err(LoadError::Engine(
                "this program was built without ONNX Runtime; build it with \
                 `--features onnxruntime`, or use the engine \"rten\""
                    .into(),
            ))
        }
    }
}
