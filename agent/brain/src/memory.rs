//! What outlives a call and, with a state file, the process. Every list is bounded.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Timers, notes, messages, calls, jobs, and what is still to be told.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// What the caller wanted noted.
    pub notes: Vec<String>,
    /// Messages left for somebody.
    pub messages: Vec<Message>,
    /// What is to happen at a time.
    pub due: Vec<Due>,
    /// The calls, latest last.
    pub calls: Vec<CallNote>,
    /// The jobs, latest last.
    pub jobs: Vec<JobNote>,
    /// Reports and timers that nobody was there to hear.
    pub notices: Vec<String>,
}

/// A message left for somebody.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// For whom; nobody in particular if empty.
    pub to: String,
    /// What it says.
    pub text: String,
    /// Whether it was read out.
    pub read: bool,
}

/// Something that is to happen at a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: DueWhat,
}

/// What is to happen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DueWhat {
    /// Say that the timer has ended.
    Timer {
        /// Its length in words.
        length: String,
    },
    /// Say what time it is, and wake the caller.
    Alarm,
    /// Say this.
    Reminder {
        /// In the caller's words, turned to them.
        text: String,
    },
    /// Run a command.
    Command {
        /// Its name in the configuration.
        name: String,
    },
}

/// One call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallNote {
    /// Who called, as the network says.
    pub caller: String,
    /// When it began.
    pub at: Timestamp,
    /// How long it was.
    pub seconds: u64,
}

/// One job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobNote {
    /// The command.
    pub command: String,
    /// When it began.
    pub began: Timestamp,
    /// How it ended; `None` while it runs.
    pub ended: Option<JobEnd>,
}

/// How a job ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobEnd {
    /// Whether it did what was asked.
    pub good: bool,
    /// How, for people: "failed with status two".
    pub how: String,
    /// How long it took.
    pub took_ms: u64,
}

/// A list is full; the caller is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the list is full")]
pub struct Full;

impl Memory {
    /// # Errors
    /// [`Full`] beyond [`NOTES_MAX`].
    pub fn note(&mut self, text: String) -> Result<(), Full> {
        push(&mut self.notes, text, NOTES_MAX)
    }

    /// # Errors
    /// [`Full`] beyond [`MESSAGES_MAX`].
    pub fn leave(&mut self, message: Message) -> Result<(), Full> {
        push(&mut self.messages, message, MESSAGES_MAX)
    }

    /// # Errors
    /// [`Full`] beyond [`DUE_MAX`].
    pub fn schedule(&mut self, due: Due) -> Result<(), Full> {
        push(&mut self.due, due, DUE_MAX)?;
        self.due.sort_by_key(|due| due.at);
        Ok(())
    }

    /// Takes what is due.
    pub fn take_due(&mut self, now: Timestamp) -> Option<Due> {
        (self.due.first()?.at <= now).then(|| self.due.remove(0))
    }

    /// Keeps the latest calls.
    pub fn log_call(&mut self, call: CallNote) {
        push_forgetting(&mut self.calls, call, CALLS_MAX);
    }

    /// Keeps the latest jobs.
    pub fn log_job(&mut self, job: JobNote) {
        push_forgetting(&mut self.jobs, job, JOBS_MAX);
    }

    /// Keeps the latest of what is to be told.
    pub fn notice(&mut self, text: String) {
        push_forgetting(&mut self.notices, text, NOTICES_MAX);
    }

    /// The state as it was saved. A missing file is an empty state.
    ///
    /// # Errors
    /// [`StateError`] if it is there and cannot be used.
    pub fn load(path: &Path) -> Result<Self, StateError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(StateError::Io { path: path.into(), error }),
        };
        serde_json::from_slice(&text)
            .map_err(|error| StateError::Malformed { path: path.into(), error })
    }

    /// Saves by writing beside and renaming, so that a crash leaves the old state or the new.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), StateError> {
        let failed = |error| StateError::Io { path: path.into(), error };
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| StateError::Malformed { path: path.into(), error })?;
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let beside = path.with_extension("new");
        let mut file = std::fs::File::create(&beside).map_err(failed)?;
        file.write_all(&text).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&beside, path).map_err(failed)
    }
}

/// The state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system says no.
    #[error("state file {}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It was written by something else.
    #[error("state file {}: {error}; move it away to start anew", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: serde_json::Error,
    },
}

fn push<T>(list: &mut Vec<T>, item: T, max: usize) -> Result<(), Full> {
    if list.len() >= max {
        return Err(Full);
    }
    list.push(item);
    Ok(())
}

fn push_forgetting<T>(list: &mut Vec<T>, item: T, max: usize) {
    if list.len() >= max {
        list.remove(0);
    }
    list.push(item);
}

/// Nobody listens to more notes read out.
pub const NOTES_MAX: usize = 100;
/// Nobody listens to more messages read out.
pub const MESSAGES_MAX: usize = 100;
/// Timers, alarms and reminders together.
pub const DUE_MAX: usize = 100;
/// A busy month.
pub const CALLS_MAX: usize = 2000;
/// Enough to say how long a job usually takes.
pub const JOBS_MAX: usize = 200;
/// What a caller can be told at a greeting.
pub const NOTICES_MAX: usize = 10;
