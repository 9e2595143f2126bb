use std::path::PathBuf;

use crate::SettingsError;

/// Why a model was not loaded. Every message names the file and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No such file.
    #[error(
        "no model at {path}; `xenline models fetch` gets one, `xenline models list` shows which"
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file exists and cannot be read.
    #[error("cannot read model {path}: {source}; check the file's owner and permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Not a whisper.cpp model at all.
    #[error(
        "{path} is not a whisper.cpp model: it starts with {found:#010x}, not {expected:#010x}; \
         it takes a ggml file (ggml-*.bin), not a safetensors, GGUF or PyTorch one",
        expected = crate::model_file::MAGIC
    )]
    NotAModel {
        /// The file.
        path: PathBuf,
        /// Its first four bytes.
        found: u32,
    },
    /// A whisper.cpp model that ends early, holds impossible sizes, or has bytes left over.
    #[error("model {path} is damaged: {what}; fetch it again, then `xenline models verify`")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit, and where.
        what: String,
    },
    /// The settings file beside the model is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// whisper.cpp refused a file whose structure is sound.
    #[error("whisper.cpp refused model {path} ({reason}); its tensors do not fit its header")]
    Engine {
        /// The file.
        path: PathBuf,
        /// What whisper.cpp said.
        reason: String,
    },
}
