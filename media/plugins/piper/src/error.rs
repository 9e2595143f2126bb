use std::path::PathBuf;

pub use crate::espeak::EspeakError;

/// Why a voice was not loaded. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The model or its description is not there.
    #[error(
        "no voice at {path}; a Piper voice is two files, NAME.onnx and NAME.onnx.json; \
         `xenline models fetch` gets both"
    )]
    Missing {
        /// The file that is not there.
        path: PathBuf,
    },
    /// A file exists and cannot be read.
    #[error("cannot read {path}: {source}; check the file's owner and permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The description is not one of a Piper voice.
    #[error("{path} does not describe a Piper voice: {what}")]
    Config {
        /// The `.onnx.json` file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The model is damaged, or not a voice.
    #[error(
        "voice model {path} cannot be used: {what}; fetch it again, then `xenline models verify`"
    )]
    Model {
        /// The `.onnx` file.
        path: PathBuf,
        /// What the engine said.
        what: String,
    },
    /// The engine that was asked for is not there.
    #[error("{0}")]
    Engine(String),
    /// espeak-ng, which makes the phonemes, cannot be used.
    #[error(transparent)]
    Espeak(#[from] EspeakError),
}
