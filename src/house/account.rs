//! The day's account of calls out, on disk: what a call may cost is there before it leaves.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sip_bridge::outbound::Book;

/// The file. Cloning is cheap.
#[derive(Clone, Debug)]
pub(super) struct AccountFile {
    path: PathBuf,
    /// The number of the last book that is on disk.
    written: Arc<Mutex<u64>>,
}

/// Why the account cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the day's account of calls out in {}: {message}. Mend it, or remove it to begin the day at nothing", path.display())]
pub struct AccountError {
    path: PathBuf,
    message: String,
}

impl AccountFile {
    /// Reads what an earlier run kept; nothing is an account, too.
    ///
    /// # Errors
    /// [`AccountError`] when it is there and cannot be read: a day without its account has no bounds.
    pub fn open(path: PathBuf) -> Result<(Self, Book), AccountError> {
        let failed = |message: String| AccountError { path: path.clone(), message };
        let book = match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Book::default(),
            Err(error) => return Err(failed(error.to_string())),
        };
        Ok((Self { path, written: Arc::default() }, book))
    }

    /// Puts `book` on disk, unless a later one is there. Blocking.
    pub fn keep(&self, number: u64, book: Book) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if *written > number {
            return Ok(());
        }
        replace(&self.path, &serde_json::to_vec(&book)?)?;
        *written = number;
        Ok(())
    }
}

/// The file holds the old bytes or the new ones, whatever happens in between.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(seconds: u64) -> Book {
        Book { day: 20_600, seconds, spent: 7 }
    }

    #[test]
    fn an_account_is_there_after_a_restart_and_a_late_write_does_not_undo_a_newer_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state/outbound.json");
        let (file, empty) = AccountFile::open(path.clone()).expect("nothing is an account");
        assert_eq!(empty, Book::default());
        file.keep(2, book(120)).expect("written");
        file.keep(1, book(60)).expect("too late");
        let (_, kept) = AccountFile::open(path).expect("it is there");
        assert_eq!(kept, book(120));
    }

    #[test]
    fn an_account_that_cannot_be_read_is_told_and_not_taken_for_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("outbound.json");
        std::fs::write(&path, "{\"day\":").expect("written");
        let error = AccountFile::open(path).expect_err("it is cut short").to_string();
        assert!(error.contains("outbound.json") && error.contains("remove it"), "{error}");
    }
}
