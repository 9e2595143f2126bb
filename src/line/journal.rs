//! The record of every call, written by one thread, so that a slow disk never holds a call up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use media_core::LineId;
use serde::Serialize;

use super::logs::{CallLogs, LogPart};
use crate::replay::Header;
use crate::report::{CallEvent, Event, EventLog, write_transcript};
use crate::watch::{Sight, Watch};

/// Entries that wait for the disk: minutes of a lively call. More are dropped and counted.
const ENTRIES_MAX: usize = 8_192;

/// Something for the record.
#[derive(Debug)]
pub enum JournalEntry {
    /// A call begins; its folder, if it is kept.
    Open(LineId, Option<PathBuf>),
    /// A call that is kept has a log, too: in this folder.
    OpenLog(LineId, PathBuf, Box<Header>),
    /// Some of it.
    Log(LogPart),
    /// An event of it.
    Event(LineId, Event),
    /// The call is over: what was said is written out.
    Close(LineId),
    /// Everything before this is on disk once the sender is told.
    Flush(SyncSender<()>),
}

/// The way to the journal's thread. Cloning is cheap.
#[derive(Clone)]
pub struct Journal {
    entries: SyncSender<JournalEntry>,
    dropped: Arc<AtomicU64>,
    watch: Watch,
}

impl Journal {
    /// Starts the thread. `print`: every event also goes to standard output, one JSON line each.
    /// Whoever looks through `watch` sees them at once, whatever the disk does.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(print: bool, watch: Watch) -> std::io::Result<Journal> {
        let (entries, inbox) = sync_channel(ENTRIES_MAX);
        std::thread::Builder::new().name("journal".into()).spawn(move || {
            let (logs, call_logs) = (BTreeMap::new(), CallLogs::default());
            Writer { print, logs, call_logs }.run(&inbox);
        })?;
        Ok(Journal { entries, dropped: Arc::default(), watch })
    }

    /// Puts `entry` on the record, or drops and counts it when the disk is far behind.
    pub fn put(&self, entry: JournalEntry) {
        if let JournalEntry::Event(line, event) = &entry {
            self.watch.post(Sight::Call { line: line.0, event: event.clone() });
        }
        if let Err(TrySendError::Full(_)) = self.entries.try_send(entry) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Where the same is seen by whoever watches.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Entries dropped so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything put so far is on disk. Blocking.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.entries.send(JournalEntry::Flush(done)).is_ok() {
            // The writer is gone when it does not answer; then there is nothing to wait for.
            let _ = wait.recv_timeout(std::time::Duration::from_secs(5));
        }
    }
}

struct Writer {
    print: bool,
    logs: BTreeMap<LineId, EventLog>,
    call_logs: CallLogs,
}

/// A printed event: which line, and what stands in its `events.jsonl`.
#[derive(Serialize)]
struct Printed<'a> {
    line: u64,
    #[serde(flatten)]
    event: &'a Event,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<JournalEntry>) {
        while let Ok(entry) = inbox.recv() {
            self.take(entry);
        }
    }

    fn take(&mut self, entry: JournalEntry) {
        match entry {
            JournalEntry::Open(line, Some(folder)) => match EventLog::create(&folder) {
                Ok(log) => drop(self.logs.insert(line, log)),
                Err(error) => {
                    tracing::warn!(%line, %error, folder = %folder.display(), "this call is not recorded: make [recording] dir writable");
                }
            },
            JournalEntry::Open(_, None) => {}
            JournalEntry::OpenLog(line, folder, header) => {
                self.call_logs.open(line, &folder, *header);
            }
            JournalEntry::Log(part) => self.call_logs.take(part),
            JournalEntry::Event(line, event) => self.event(line, event),
            JournalEntry::Close(line) => {
                let folder = self.logs.remove(&line).map(|log| log.folder().to_owned());
                self.call_logs.close(line);
                if let Some(error) = folder.and_then(|folder| write_transcript(&folder).err()) {
                    tracing::warn!(%line, %error, "this call has no transcript: is the disk full?");
                }
            }
            JournalEntry::Flush(done) => drop(done.send(())),
        }
    }

    fn event(&mut self, line: LineId, event: Event) {
        if self.print {
            print(&Printed { line: line.0, event: &event });
        }
        let Some(log) = self.logs.get_mut(&line) else { return };
        if let Err(error) = log.append(event.t_ms, event.what) {
            tracing::warn!(%line, %error, "the record of this call ends here: is the disk full?");
            self.logs.remove(&line);
        }
    }
}

fn print(printed: &Printed<'_>) {
    use std::io::Write;
    let Ok(mut line) = serde_json::to_vec(printed) else { return };
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    // Whoever read along has gone; the record on disk goes on.
    let _ = out.write_all(&line).and_then(|()| out.flush());
}

/// An event of the printed kind, read back.
pub fn read_printed(line: &str) -> Option<(LineId, CallEvent, f64)> {
    #[derive(serde::Deserialize)]
    struct Read {
        line: u64,
        #[serde(flatten)]
        event: Event,
    }
    let read: Read = serde_json::from_str(line).ok()?;
    Some((LineId(read.line), read.event.what, read.event.t_ms))
}
