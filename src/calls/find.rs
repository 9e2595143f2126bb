//! From a name to a call's folder.

use std::path::{Path, PathBuf};

use crate::replay::LOG_FILE;
use crate::report::EVENTS_FILE;

/// The folder of one call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallFolder {
    /// Its name, which begins with the time in milliseconds.
    pub id: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Why there is no such call.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Nothing is kept of calls.
    #[error("no calls are kept: set [recording] dir in the configuration, or name a call's folder")]
    NotKept,
    /// The directory cannot be read.
    #[error("cannot read {}: {error}; see [recording] dir", dir.display())]
    Unreadable {
        /// Which.
        dir: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// No call has this name.
    #[error("no call {id:?} in {}; `xenline calls ls` lists them, `last` is the newest", dir.display())]
    NoSuchCall {
        /// What was asked for.
        id: String,
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// Several calls have names that begin so.
    #[error("{count} calls in {} begin with {id:?}; give more of the id", dir.display())]
    Ambiguous {
        /// What was asked for.
        id: String,
        /// How many.
        count: usize,
        /// Where it was looked for.
        dir: PathBuf,
    },
}

/// The name of the newest call.
const LAST: &str = "last";

/// The calls in `dir`, oldest first.
///
/// # Errors
/// [`FindError::NotKept`], [`FindError::Unreadable`].
pub fn calls_in(dir: Option<&Path>) -> Result<Vec<CallFolder>, FindError> {
    let dir = dir.ok_or(FindError::NotKept)?;
    let entries = std::fs::read_dir(dir)
        .map_err(|error| FindError::Unreadable { dir: dir.to_owned(), error })?;
    let call = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let is_call = path.join(EVENTS_FILE).is_file() || path.join(LOG_FILE).is_file();
        is_call.then(|| CallFolder { id: entry.file_name().to_string_lossy().into_owned(), path })
    };
    let mut calls: Vec<_> = entries.filter_map(|entry| call(entry.ok()?)).collect();
    calls.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(calls)
}

/// The call that `name` means: a path to its folder or to a file in it, its id, the beginning of
/// its id, or `last`.
///
/// # Errors
/// [`FindError`].
pub fn find(dir: Option<&Path>, name: &str) -> Result<CallFolder, FindError> {
    if let Some(call) = by_path(Path::new(name)) {
        return Ok(call);
    }
    let calls = calls_in(dir)?;
    let dir = dir.unwrap_or(Path::new("")).to_owned();
    let id = name.to_owned();
    if name == LAST {
        return calls.into_iter().next_back().ok_or(FindError::NoSuchCall { id, dir });
    }
    let exact = calls.iter().find(|call| call.id == name).cloned();
    let mut alike = calls.into_iter().filter(|call| call.id.starts_with(name) && !name.is_empty());
    match (exact, alike.next()) {
        (Some(call), _) => Ok(call),
        (None, Some(call)) => match alike.count() {
            0 => Ok(call),
            more => Err(FindError::Ambiguous { id, count: more + 1, dir }),
        },
        (None, None) => Err(FindError::NoSuchCall { id, dir }),
    }
}

fn by_path(path: &Path) -> Option<CallFolder> {
    let folder = match path {
        path if path.is_dir() => path,
        path if path.is_file() => path.parent()?,
        _ => return None,
    };
    let folder = folder.canonicalize().ok()?;
    let id = folder.file_name()?.to_string_lossy().into_owned();
    Some(CallFolder { id, path: folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for name in names {
            std::fs::create_dir(dir.path().join(name)).expect("a folder");
            std::fs::write(dir.path().join(name).join(EVENTS_FILE), "{}").expect("a file");
        }
        std::fs::write(dir.path().join("cdr.jsonl"), "{}").expect("a file");
        dir
    }

    #[test]
    fn a_call_is_found_by_its_id_its_beginning_its_path_and_as_the_last() {
        let dir = folders(&["100-1", "100-2", "200-3"]);
        let id = |name: &str| find(Some(dir.path()), name).map(|call| call.id);
        assert_eq!(id("100-2").expect("exact"), "100-2");
        assert_eq!(id("2").expect("a beginning"), "200-3");
        assert_eq!(id("last").expect("the newest"), "200-3");
        let path = dir.path().join("100-1").join(EVENTS_FILE);
        assert_eq!(id(&path.to_string_lossy()).expect("a path"), "100-1");
        assert!(matches!(id("100"), Err(FindError::Ambiguous { count: 2, .. })));
        assert!(matches!(id("9"), Err(FindError::NoSuchCall { .. })));
        assert!(matches!(id(""), Err(FindError::NoSuchCall { .. })));
    }

    #[test]
    fn without_a_directory_nothing_is_kept_and_without_a_call_there_is_no_last() {
        assert!(matches!(calls_in(None), Err(FindError::NotKept)));
        let empty = tempfile::tempdir().expect("a directory");
        assert!(matches!(find(Some(empty.path()), "last"), Err(FindError::NoSuchCall { .. })));
    }
}
