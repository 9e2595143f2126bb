//! A log from the disk.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;

use super::{Entry, Header, LOG_FILE, LOG_VERSION};

/// A log, read.
#[derive(Clone, PartialEq, Debug)]
pub struct Log {
    /// What has to be known before.
    pub header: Header,
    /// The steps, without the end.
    pub entries: Vec<Entry>,
    /// Whether it goes to the call's end.
    pub whole: Whole,
}

/// How far a log goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whole {
    /// To the end of the call.
    Yes,
    /// Its writer ended it before, and says why.
    Cut(String),
    /// It stops: the process died, or the file was copied in part.
    Torn,
}

/// Why a log cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is no such file, or it may not be read.
    #[error(
        "cannot read {}: {error}; a call has a {LOG_FILE} if [recording] dir was set when it was \
         answered (`xenline calls ls` shows which have)",
        path.display()
    )]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is something else.
    #[error("{} is not the log of a call; give a {LOG_FILE}, a call's folder, or an id from `xenline calls ls`", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// It is a log of another format.
    #[error(
        "{} has format {found}, and this xenline reads {LOG_VERSION}; replay it with the xenline that wrote it ({build})",
        path.display()
    )]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The xenline that wrote it.
        build: String,
    },
    /// A line of it has no meaning.
    #[error("{}: line {line} is not an entry of a log: {error}; the file was changed or is damaged, take the original", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What the parser said.
        error: String,
    },
    /// It stops in the middle.
    #[error(
        "{} stops after {entries} entries: the line died, or the file was copied in part; copy it \
         again, or replay what there is with --partial",
        path.display()
    )]
    Truncated {
        /// Which file.
        path: PathBuf,
        /// How many entries can be read.
        entries: usize,
    },
    /// It holds more than any call makes.
    #[error("{} holds more than {ENTRIES_MAX} entries or longer lines than any call makes; it is not read further", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
}

/// Entries that are read: ten a second for three days.
const ENTRIES_MAX: usize = 2_500_000;
/// A claim's text is bounded at 4 KiB, an ear's second at some 5 KB.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

impl Log {
    /// Reads a log, or the one in a call's folder.
    ///
    /// # Errors
    /// [`LogError`]; one that stops in the middle is [`LogError::Truncated`].
    pub fn read(path: &Path) -> Result<Log, LogError> {
        let log = Self::read_partial(path)?;
        if log.whole == Whole::Torn {
            let (path, entries) = (file_of(path), log.entries.len());
            return Err(LogError::Truncated { path, entries });
        }
        Ok(log)
    }

    /// As [`Log::read`], and one that stops in the middle is read as far as it goes.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn read_partial(path: &Path) -> Result<Log, LogError> {
        let path = file_of(path);
        let file = File::open(&path)
            .map_err(|error| LogError::Unreadable { path: path.clone(), error })?;
        Self::parse(BufReader::new(file), &path)
    }

    /// Reads a log from `input`; `path` is for messages.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn parse(input: impl BufRead, path: &Path) -> Result<Log, LogError> {
        let mut lines = Lines { input: BufReader::new(GzDecoder::new(input)), line: Vec::new() };
        let foreign = || LogError::Foreign { path: path.to_owned() };
        let Ok(Next::Line(first)) = lines.next() else { return Err(foreign()) };
        let header = header(first, path)?;
        let mut log = Log { header, entries: Vec::new(), whole: Whole::Torn };
        loop {
            let number = log.entries.len() + 2;
            let line = match lines.next() {
                Ok(Next::Line(line)) if log.entries.len() < ENTRIES_MAX => line,
                Ok(Next::Line(_) | Next::TooLong) => {
                    return Err(LogError::TooLarge { path: path.to_owned() });
                }
                // What comes after a break cannot be trusted, what came before can.
                Ok(Next::End) | Err(_) => return Ok(log),
            };
            let entry = serde_json::from_slice(line).map_err(|error| LogError::Damaged {
                path: path.to_owned(),
                line: number,
                error: error.to_string(),
            })?;
            match entry {
                Entry::End { entries } => {
                    let cut = matches!(log.whole, Whole::Cut(_));
                    let counted = log.entries.len() + usize::from(cut);
                    // Only then is the checksum of the whole looked at.
                    let sound = matches!(lines.next(), Ok(Next::End));
                    if !cut && sound && counted as u64 == entries {
                        log.whole = Whole::Yes;
                    }
                    return Ok(log);
                }
                Entry::Cut { why } => log.whole = Whole::Cut(why),
                entry => log.entries.push(entry),
            }
        }
    }
}

fn header(line: &[u8], path: &Path) -> Result<Header, LogError> {
    #[derive(Deserialize)]
    struct Version {
        xenline_log: u32,
        #[serde(default)]
        build: String,
    }
    let Ok(version) = serde_json::from_slice::<Version>(line) else {
        return Err(LogError::Foreign { path: path.to_owned() });
    };
    if version.xenline_log != LOG_VERSION {
        let (found, build) = (version.xenline_log, version.build);
        return Err(LogError::Version { path: path.to_owned(), found, build });
    }
    serde_json::from_slice(line).map_err(|error| LogError::Damaged {
        path: path.to_owned(),
        line: 1,
        error: error.to_string(),
    })
}

fn file_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(LOG_FILE) } else { path.to_owned() }
}

struct Lines<R> {
    input: R,
    line: Vec<u8>,
}

enum Next<'a> {
    Line(&'a [u8]),
    TooLong,
    End,
}

impl<R: BufRead> Lines<R> {
    /// The next whole line. A last one without its end is none.
    fn next(&mut self) -> std::io::Result<Next<'_>> {
        self.line.clear();
        let read = (&mut self.input).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line)?;
        Ok(match self.line.strip_suffix(b"\n") {
            Some(line) => Next::Line(line),
            None if read as u64 == LINE_BYTES_MAX => Next::TooLong,
            None => Next::End,
        })
    }
}
