//! The record of every call, written by one thread, so that a slow disk never holds a call up.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use media_core::LineId;

use super::logs::{CallLogs, LogPart};
use crate::replay::Header;
use crate::report::{CallEvent, Event, EventLog, write_transcript};
use crate::watch::{Sight, Watch};

/// Entries that wait for the disk: minutes of a lively call. More are dropped and counted.
const ENTRIES_MAX: usize = 8_192;
/// Entries that are worked off before what they left is handed to the system: what happens at once
/// is written at once, and a flood is not written word by word.
const ENTRIES_TOGETHER: usize = 64;

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
            Writer { print, logs, call_logs, line: Vec::new(), printed: Vec::new() }.run(&inbox);
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
    /// The event that is being written, as JSON.
    line: Vec<u8>,
    /// Lines for standard output.
    printed: Vec<u8>,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<JournalEntry>) {
        while let Ok(entry) = inbox.recv() {
            self.take(entry);
            inbox.try_iter().take(ENTRIES_TOGETHER).for_each(|entry| self.take(entry));
            self.write_out();
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
                self.write_out();
                let folder = self.logs.remove(&line).map(|log| log.folder().to_owned());
                self.call_logs.close(line);
                if let Some(error) = folder.and_then(|folder| write_transcript(&folder).err()) {
                    tracing::warn!(%line, %error, "this call has no transcript: is the disk full?");
                }
            }
            JournalEntry::Flush(done) => {
                self.write_out();
                // Whoever waited is gone, at worst.
                let _ = done.send(());
            }
        }
    }

    fn event(&mut self, line: LineId, event: Event) {
        self.line.clear();
        if serde_json::to_writer(&mut self.line, &event).is_err() {
            return;
        }
        self.line.push(b'\n');
        if self.print {
            print(&mut self.printed, line, &self.line);
        }
        let Some(log) = self.logs.get_mut(&line) else { return };
        if let Err(error) = log.append_written(&event, &self.line) {
            self.give_up(line, &error);
        }
    }

    /// Nothing is kept back any more.
    fn write_out(&mut self) {
        let failed = |(line, log): (&LineId, &mut EventLog)| Some((*line, log.flush().err()?));
        let failed: Vec<_> = self.logs.iter_mut().filter_map(failed).collect();
        failed.iter().for_each(|(line, error)| self.give_up(*line, error));
        if !self.printed.is_empty() {
            let mut out = std::io::stdout().lock();
            // Whoever read along has gone; the record on disk goes on.
            let _ = out.write_all(&self.printed).and_then(|()| out.flush());
            self.printed.clear();
        }
    }

    fn give_up(&mut self, line: LineId, error: &std::io::Error) {
        tracing::warn!(%line, %error, "the record of this call ends here: is the disk full?");
        self.logs.remove(&line);
    }
}

/// Adds a printed event to `out`: which line, and what stands in its `events.jsonl`.
fn print(out: &mut Vec<u8>, line: LineId, event: &[u8]) {
    out.extend_from_slice(format!("{{\"line\":{},", line.0).as_bytes());
    out.extend_from_slice(event.strip_prefix(b"{").unwrap_or(event));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_the_event_and_its_line() {
        let event = Event { t_ms: 1.5, what: CallEvent::CallerVad { on: true } };
        let mut printed = Vec::new();
        print(&mut printed, LineId(7), &serde_json::to_vec(&event).expect("JSON"));
        let printed = String::from_utf8(printed).expect("text");
        assert_eq!(read_printed(&printed), Some((LineId(7), event.what, 1.5)));
    }
}
