//! Speech models: listed, fetched, verified.
//!
//! A [`Model`] is one or two files with a pinned address, size and SHA-256. [`fetch`] brings them
//! into a folder: resuming what an earlier try left, checking what came, and giving each file its
//! name only when it is whole. Nothing here speaks to the terminal except [`Bar`]; nothing here
//! is used by a running line.
//!
//! Downloads are the only traffic that xenline makes to a third party, and only when asked.

mod catalogue;
mod error;
mod fetch;
mod progress;
mod transfer;
mod verify;

use std::path::{Path, PathBuf};

pub use catalogue::{Kind, Model, RemoteFile, catalogue, find};
pub use error::FetchError;
pub use fetch::{FetchOptions, fetch};
pub use progress::{Bar, Progress, Silent};
pub use verify::{Checked, Finding, verify};

/// How much of a model is in a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// Nothing of it.
    Absent,
    /// An unfinished download of this many bytes.
    Partial(u64),
    /// All its files, in their right sizes. [`verify`] checks what is in them.
    Installed,
}

/// How much of `model` is in `dir`.
#[must_use]
pub fn presence(model: &Model, dir: &Path) -> Presence {
    let size = |path: PathBuf| std::fs::metadata(path).ok().map(|m| m.len());
    let whole = |file: &RemoteFile| size(dir.join(&file.name)) == Some(file.bytes);
    if model.files.iter().all(whole) {
        return Presence::Installed;
    }
    let here = |file: &RemoteFile| {
        if whole(file) { Some(file.bytes) } else { size(fetch::part_path(dir, file)) }
    };
    match model.files.iter().filter_map(here).sum() {
        0 => Presence::Absent,
        bytes => Presence::Partial(bytes),
    }
}

/// Where fetched models are kept: `XENLINE_MODELS`, else `xenline/models` in the user's data
/// folder (`XDG_DATA_HOME`, `~/.local/share`), else `models` in the working directory.
#[must_use]
pub fn default_dir() -> PathBuf {
    let named = |variable: &str| std::env::var_os(variable).filter(|v| !v.is_empty());
    if let Some(dir) = named("XENLINE_MODELS") {
        return dir.into();
    }
    let data = named("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| named("HOME").map(|home| Path::new(&home).join(".local/share")));
    data.map_or_else(|| "models".into(), |data| data.join("xenline/models"))
}
