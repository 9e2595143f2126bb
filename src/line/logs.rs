//! The logs of the running calls, on the journal's thread.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use media_core::LineId;

use super::journal::{Journal, JournalEntry};
use crate::replay::{CallLog, Entry, Header, LOG_FILE};

/// Some entries of a line's log.
#[derive(Debug)]
pub struct LogPart {
    /// Whose.
    pub line: LineId,
    /// Counts the line's parts from 0, so that one that was dropped is noticed.
    pub number: u64,
    /// In order.
    pub entries: Vec<Entry>,
    /// Whether there is no other after it.
    pub last: bool,
}

/// A line's way to its log.
pub(super) struct LogSender {
    line: LineId,
    journal: Journal,
    entries: Vec<Entry>,
    parts: u64,
}

/// Entries that go to the disk's thread at once.
const ENTRIES_TOGETHER: usize = 64;

impl LogSender {
    pub fn new(line: LineId, journal: Journal) -> Self {
        Self { line, journal, entries: Vec::new(), parts: 0 }
    }

    /// Keeps an entry until there are some, or until the ear's second is over.
    pub fn put(&mut self, entry: Entry) {
        let second_is_over = matches!(entry, Entry::Ear(_) | Entry::LegHeard { .. });
        self.entries.push(entry);
        if second_is_over || self.entries.len() >= ENTRIES_TOGETHER {
            self.send(false);
        }
    }

    /// That was all.
    pub fn finish(mut self) {
        self.send(true);
    }

    fn send(&mut self, last: bool) {
        let entries = std::mem::take(&mut self.entries);
        let part = LogPart { line: self.line, number: self.parts, entries, last };
        self.parts += 1;
        // One that does not fit is counted, and its number is missing.
        self.journal.put(JournalEntry::Log(part));
    }
}

/// Logs that are being written. A disk that is slow or full costs a call its log, never the call.
#[derive(Default)]
pub(super) struct CallLogs {
    open: BTreeMap<LineId, Open>,
}

struct Open {
    log: CallLog<BufWriter<File>>,
    next: u64,
}

impl CallLogs {
    pub fn open(&mut self, line: LineId, folder: &Path, header: Header) {
        let path = folder.join(LOG_FILE);
        let log = File::create(&path).and_then(|file| CallLog::begin(BufWriter::new(file), header));
        match log {
            Ok(log) => drop(self.open.insert(line, Open { log, next: 0 })),
            Err(error) => {
                tracing::warn!(%line, %error, path = %path.display(), "this call has no log: is the disk full?");
            }
        }
    }

    pub fn take(&mut self, part: LogPart) {
        let (line, last) = (part.line, part.last);
        let Some(open) = self.open.get_mut(&line) else { return };
        let written = open.write(part);
        let written = match (written, last.then(|| self.open.remove(&line)).flatten()) {
            (Ok(()), Some(open)) => open.log.finish().map(drop),
            (written, _) => written,
        };
        if let Err(error) = written {
            tracing::warn!(%line, %error, "the log of this call ends here: is the disk full?");
            self.open.remove(&line);
        }
    }

    /// The line is closed. Its log went before, or is not whole.
    pub fn close(&mut self, line: LineId) {
        self.open.remove(&line);
    }
}

impl Open {
    /// Without a step nothing after it can be decided again: the log ends where one is missing.
    fn write(&mut self, part: LogPart) -> io::Result<()> {
        let missing = part.number.saturating_sub(self.next);
        self.next = part.number + 1;
        if missing > 0 {
            tracing::warn!(line = %part.line, missing, "the disk does not keep up: the log of this call ends here");
            return self
                .log
                .cut(&format!("{missing} parts were dropped: the disk did not keep up"));
        }
        part.entries.into_iter().try_for_each(|entry| self.log.append(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{GovernorStep, Log, Whole};
    use media_core::MonoTime;
    use media_core::hearing::EarConfig;
    use queue_governor::{GovernorConfig, Input};

    fn part(number: u64, last: bool) -> LogPart {
        let step = GovernorStep {
            at: MonoTime::from_millis(number),
            input: Input::Timeout,
            audio: Vec::new(),
            outputs: Vec::new(),
            next: None,
        };
        LogPart { line: LineId(1), number, entries: vec![Entry::Governor(Box::new(step))], last }
    }

    fn written(parts: &[(u64, bool)]) -> Log {
        let folder = tempfile::tempdir().expect("a folder");
        let mut logs = CallLogs::default();
        let header = Header::new(1, GovernorConfig::default(), EarConfig::default(), false);
        logs.open(LineId(1), folder.path(), header);
        parts.iter().for_each(|(number, last)| logs.take(part(*number, *last)));
        logs.close(LineId(1));
        Log::read_partial(folder.path()).expect("a log")
    }

    #[test]
    fn a_log_with_all_its_parts_is_whole() {
        let log = written(&[(0, false), (1, false), (2, true)]);
        assert_eq!((log.entries.len(), log.whole), (3, Whole::Yes));
    }

    #[test]
    fn a_log_ends_where_a_part_is_missing_and_says_how_many() {
        let log = written(&[(0, false), (3, false), (4, true)]);
        assert_eq!(log.entries.len(), 1);
        let Whole::Cut(why) = log.whole else { panic!("{:?}", log.whole) };
        assert!(why.starts_with("2 parts"), "{why}");
    }

    #[test]
    fn a_log_whose_last_part_is_missing_is_torn() {
        assert_eq!(written(&[(0, false), (1, false)]).whole, Whole::Torn);
    }
}
