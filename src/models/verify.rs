//! Checks what is installed.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::catalogue::Model;
use super::fetch::digest;
use super::progress::Progress;

/// What became of checking one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// The file.
    pub path: PathBuf,
    /// What was found.
    pub finding: Finding,
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// It is what the catalogue says.
    Sound,
    /// It is not there.
    Missing,
    /// It is another file, or damaged. Delete it and fetch it again.
    Differs {
        /// The catalogue's SHA-256.
        expected: String,
        /// The file's.
        got: String,
    },
    /// It cannot be read.
    Unreadable(String),
}

/// Checks every file of `model` in `dir` against its SHA-256.
pub fn verify(model: &Model, dir: &Path, progress: &mut dyn Progress) -> Vec<Checked> {
    let check = |file: &super::RemoteFile| {
        let path = dir.join(&file.name);
        progress.start(&file.name, file.bytes, 0);
        let read = File::open(&path).and_then(|f| digest(f, &mut |done| progress.at(done)));
        progress.finish();
        let finding = match read {
            Ok((got, _)) if got == file.sha256 => Finding::Sound,
            Ok((got, _)) => Finding::Differs { expected: file.sha256.clone(), got },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Finding::Missing,
            Err(e) => Finding::Unreadable(e.to_string()),
        };
        Checked { path, finding }
    };
    model.files.iter().map(check).collect()
}
