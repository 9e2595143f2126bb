//! A call's record on disk: written while the call runs, read when it is drawn.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::ends::{CallClosed, CallOpened};
use super::event::{CallEvent, Event};

/// The events of a call inside its folder.
pub const EVENTS_FILE: &str = "events.jsonl";
/// The recording inside a call's folder: stereo, caller left, line right.
pub const RECORDING_FILE: &str = "call.wav";

/// Writes `events.jsonl` while the call runs. Events are on their way to the disk with the next
/// [`EventLog::flush`], or before; a crash loses what came since, and at most tears the last line,
/// which [`CallRecord::read`] then leaves out.
#[derive(Debug)]
pub struct EventLog {
    folder: PathBuf,
    file: BufWriter<File>,
    events: usize,
    dropped: u64,
}

impl EventLog {
    /// Starts an empty log in `folder`, which is created where it is missing.
    ///
    /// # Errors
    /// What the file system said.
    pub fn create(folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let file = BufWriter::new(File::create(folder.join(EVENTS_FILE))?);
        Ok(Self { folder: folder.to_owned(), file, events: 0, dropped: 0 })
    }

    /// Where the log is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds an event and hands it to the system. Past `EVENTS_MAX` it is counted and dropped, but for the closing one.
    ///
    /// # Errors
    /// What the file system said. The call itself must go on without its record.
    pub fn append(&mut self, t_ms: f64, what: CallEvent) -> std::io::Result<()> {
        let event = Event { t_ms, what };
        let mut line = serde_json::to_vec(&event)?;
        line.push(b'\n');
        self.append_written(&event, &line)?;
        self.flush()
    }

    /// [`EventLog::append`], where the event's `line` of JSON is at hand. It waits for the next
    /// [`EventLog::flush`].
    ///
    /// # Errors
    /// As there.
    pub fn append_written(&mut self, event: &Event, line: &[u8]) -> std::io::Result<()> {
        let closes = matches!(event.what, CallEvent::CallClosed(_));
        if self.events >= EVENTS_MAX && !closes {
            self.dropped += 1;
            return Ok(());
        }
        self.events += 1;
        self.file.write_all(line)
    }

    /// Hands what was appended to the system.
    ///
    /// # Errors
    /// What the file system said.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }

    /// Events that were left out because the log was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// A finished call, as read back from its folder.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CallRecord {
    /// Who called whom.
    pub opened: CallOpened,
    /// How it ended; `None` if the process died before it could say so.
    pub closed: Option<CallClosed>,
    /// Everything, in the order of time.
    pub events: Vec<Event>,
    /// Lines that could not be read (a torn last line after a crash, say).
    pub unreadable: usize,
}

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is no such file, or it may not be read.
    #[error(
        "cannot read {path}: {error}; a call's folder holds {EVENTS_FILE} and {RECORDING_FILE}"
    )]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// No line of it is an event.
    #[error("{path} holds no event of a call")]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

impl CallRecord {
    /// Reads the events of the call in `folder`.
    ///
    /// # Errors
    /// [`RecordError`], if there is no such record or nothing in it.
    pub fn read(folder: &Path) -> Result<Self, RecordError> {
        let path = folder.join(EVENTS_FILE);
        let read_error = |error| RecordError::Read { path: path.clone(), error };
        let mut lines = BufReader::new(File::open(&path).map_err(read_error)?);
        let mut record = CallRecord::default();
        let mut line = Vec::new();
        while record.events.len() <= EVENTS_MAX {
            line.clear();
            let read = (&mut lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
            if read.map_err(read_error)? == 0 {
                break;
            }
            record.take_line(&line);
        }
        if record.events.is_empty() {
            return Err(RecordError::Empty { path });
        }
        record.events.sort_by(|a, b| a.t_ms.total_cmp(&b.t_ms));
        Ok(record)
    }

    /// A record of events that are at hand.
    #[must_use]
    pub fn from_events(events: Vec<Event>) -> Self {
        let mut record = CallRecord::default();
        events.into_iter().for_each(|event| record.push(event));
        record.events.sort_by(|a, b| a.t_ms.total_cmp(&b.t_ms));
        record
    }

    /// Time of the last event.
    #[must_use]
    pub fn end_ms(&self) -> f64 {
        self.events.last().map_or(0.0, |event| event.t_ms)
    }

    fn take_line(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        match serde_json::from_slice::<Event>(line) {
            Ok(event) if event.t_ms.is_finite() => self.push(event),
            _ => self.unreadable += 1,
        }
    }

    fn push(&mut self, event: Event) {
        match &event.what {
            CallEvent::CallOpened(opened) => self.opened = opened.clone(),
            CallEvent::CallClosed(closed) => self.closed = Some(closed.clone()),
            _ => {}
        }
        self.events.push(event);
    }
}

/// A day of lively talk; more would be neither read nor drawn by anybody.
const EVENTS_MAX: usize = 200_000;
/// A claim's text is bounded at 4 KiB and JSON can escape it to six times that.
const LINE_BYTES_MAX: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_is_read_back_in_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = EventLog::create(folder.path()).unwrap();
        log.append(0.0, CallEvent::CallOpened(CallOpened::default())).unwrap();
        log.append(90.0, CallEvent::Onset).unwrap();
        log.append(40.0, CallEvent::CallerVad { on: true }).unwrap();
        log.append(99.0, CallEvent::CallClosed(CallClosed::default())).unwrap();
        let record = CallRecord::read(folder.path()).unwrap();
        let times: Vec<f64> = record.events.iter().map(|event| event.t_ms).collect();
        assert_eq!(times, [0.0, 40.0, 90.0, 99.0]);
        assert!(record.closed.is_some());
    }

    #[test]
    fn a_torn_last_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let whole = r#"{"t_ms":1.0,"type":"onset"}"#;
        let torn = format!("{whole}\n{whole}\n{{\"t_ms\":2.0,\"ty");
        std::fs::write(folder.path().join(EVENTS_FILE), torn).unwrap();
        let record = CallRecord::read(folder.path()).unwrap();
        assert_eq!((record.events.len(), record.unreadable), (2, 1));
    }

    #[test]
    fn an_empty_folder_and_an_empty_record_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(CallRecord::read(folder.path()), Err(RecordError::Read { .. })));
        std::fs::write(folder.path().join(EVENTS_FILE), "no json\n").unwrap();
        assert!(matches!(CallRecord::read(folder.path()), Err(RecordError::Empty { .. })));
    }
}
