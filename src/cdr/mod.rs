//! Call data records: one line of JSON for every call, whoever ended it and however early, in one
//! file that the operator keeps.
//!
//! Owns the file, its rotation, and what of a number stays readable in it. Driven by the house,
//! which hands in each record once, when nothing more will be known of the call. A thread of its
//! own writes: a slow disk holds no call up, and a lively call's events crowd no record out.
//!
//! What it does not do: it keeps no record of a call that goes on while the process is killed, nor of
//! every single call that is refused in a flood (the bridge tells no more of them than the line
//! takes), and it does not wait for the disk with each record (a power cut may take the last ones).

mod file;
mod numbers;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use sip_bridge::{CallerIdentity, Cdr};

pub use self::file::Bounds;

use self::file::RecordFile;
use self::numbers::masked;
use crate::config::Config;

/// Records that wait for the disk. A flood of refused calls fills this only while the disk stands
/// still; what does not fit is said in the log.
const RECORDS_MAX: usize = 4_096;
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

/// The way to the file.
pub struct CallRecords {
    /// `None`: no records are kept.
    to_writer: Option<SyncSender<Entry>>,
    /// Whether numbers are written in full.
    numbers: bool,
}

enum Entry {
    Record(String),
    /// Everything before this is on disk once the sender is told.
    Flush(SyncSender<()>),
}

/// Why no records can be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep call data records in {}: {source}; make it writable, change [cdr] path, or set [cdr] keep = false", path.display())]
pub struct CdrError {
    /// Where.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

impl CallRecords {
    /// Opens the file, so that a place that cannot be written is found now and not with the first
    /// call.
    ///
    /// # Errors
    /// [`CdrError`].
    pub fn start(config: &Config) -> Result<Self, CdrError> {
        let numbers = config.cdr.numbers || config.log.show_pii;
        if !config.cdr.keep {
            return Ok(Self { to_writer: None, numbers });
        }
        let path = config.cdr.file();
        let failed = |source| CdrError { path: path.clone(), source };
        let file = RecordFile::open(&path, config.cdr.bounds()).map_err(failed)?;
        let (to_writer, inbox) = sync_channel(RECORDS_MAX);
        let thread = std::thread::Builder::new().name("cdr".into());
        thread.spawn(move || write(&inbox, file)).map_err(failed)?;
        Ok(Self { to_writer: Some(to_writer), numbers })
    }

    /// Puts a call on record. Never waits.
    pub fn put(&self, mut cdr: Cdr) {
        let Some(to_writer) = &self.to_writer else { return };
        if !self.numbers {
            (cdr.from, cdr.to) = (masked(&cdr.from), masked(&cdr.to));
            if let Some(caller) = &mut cdr.caller {
                mask(caller);
            }
        }
        let Ok(line) = serde_json::to_string(&cdr) else { return };
        if let Err(TrySendError::Full(_)) = to_writer.try_send(Entry::Record(line)) {
            tracing::warn!(
                sip_call_id = cdr.sip_call_id,
                "a call data record was dropped: the disk does not keep up"
            );
        }
    }

    /// Waits until every record so far is on disk. Blocking.
    pub fn flush(&self) {
        let Some(to_writer) = &self.to_writer else { return };
        let (done, wait) = sync_channel(1);
        if to_writer.send(Entry::Flush(done)).is_ok() {
            // The writer is gone when it does not answer; then there is nothing to wait for.
            let _ = wait.recv_timeout(FLUSH_WITHIN);
        }
    }
}

/// What names the caller, or somebody else.
fn mask(caller: &mut CallerIdentity) {
    let diverted = caller.diversions.iter_mut().map(|it| &mut it.from);
    let said = caller.headers.iter_mut().map(|(_, value)| value);
    let numbers = [&mut caller.from, &mut caller.name].into_iter().chain(&mut caller.asserted);
    for number in numbers.chain(diverted).chain(said) {
        *number = masked(number);
    }
}

fn write(inbox: &Receiver<Entry>, mut file: RecordFile) {
    while let Ok(entry) = inbox.recv() {
        match entry {
            Entry::Record(line) => {
                if let Err(error) = file.append(&line) {
                    tracing::warn!(%error, "a call data record was not written: is the disk full?");
                }
            }
            Entry::Flush(done) => {
                if let Err(error) = file.sync() {
                    tracing::warn!(%error, "call data records may not be on disk yet");
                }
                // Who asked has waited long enough and gone.
                let _ = done.try_send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sip_bridge::{CallerIdentity, Diversion};

    use super::mask;

    #[test]
    fn nothing_that_names_somebody_stays_readable() {
        let number = || "+15550100".to_owned();
        let mut caller = CallerIdentity {
            from: number(),
            asserted: Some(number()),
            name: "Ann Example".into(),
            diversions: vec![Diversion { from: number(), reason: "no-answer".into() }],
            headers: vec![("X-Account".into(), number())],
            ..CallerIdentity::default()
        };
        mask(&mut caller);
        let written = serde_json::to_string(&caller).expect("it is JSON");
        assert!(!written.contains("5550") && !written.contains("Ann"), "{written}");
        assert!(written.contains("no-answer") && written.contains("X-Account"), "{written}");
    }
}
