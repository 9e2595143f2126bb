//! The threads of the tap: one watches and never waits for anybody, one writes and may.

mod files;
mod intake;
mod journal_child;
mod logs;
mod process_watch;
mod sink;
mod watcher;

use std::os::fd::OwnedFd;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{EventfdFlags, eventfd};

use super::config::TapConfig;
use super::rule::{RuleError, Rules};
use super::sorter::{Alert, Counts, Sorter};
use crate::store::LaneStore;
use intake::Intake;
use watcher::Watcher;

/// Has the line say something, or tells the brain. Called on a thread of the tap; may block, which costs events.
pub type Speak = Box<dyn Fn(Alert) + Send>;

/// Why nothing is watched.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// The rules cannot be used.
    #[error(transparent)]
    Rules(#[from] RuleError),
    /// Longer lists than are watched.
    #[error(
        "{given} entries in tap.{key}, {WATCHED_MAX} at most; name a folder instead of its files"
    )]
    TooMany {
        /// Which list.
        key: &'static str,
        /// How many there are.
        given: usize,
    },
    /// The system gives no watch or no thread.
    #[error("the system gives no {what}: {source}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What it said.
        source: std::io::Error,
    },
}

/// What became of what was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TapCounts {
    /// As far as the watching thread.
    pub sorter: Counts,
    /// Events that the store refused.
    pub unwritten: u64,
}

/// The running tap. Dropping it ends it, and what still waits to be written is lost.
#[derive(Debug)]
pub struct Tap {
    stop: Arc<OwnedFd>,
    watcher: Option<JoinHandle<()>>,
    counts: Arc<Mutex<TapCounts>>,
}

impl Tap {
    /// Starts watching. Sorted events go into `lanes`, what is to be said to `speak`.
    ///
    /// # Errors
    /// [`TapError`]; nothing is watched then. A file, log or process that is not there yet is no
    /// error: the tap waits for it.
    pub fn start(
        config: &TapConfig,
        lanes: Arc<dyn LaneStore>,
        speak: Speak,
    ) -> Result<Tap, TapError> {
        let rules = check(config)?;
        let system = |what| move |source| TapError::System { what, source };
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| system("event descriptor")(error.into()))?;
        let stop = Arc::new(stop);
        let counts: Arc<Mutex<TapCounts>> = Arc::default();
        let (out, inbox) = sync_channel(config.queue_max.max(1));
        let sorter = Sorter::new(rules, config.per_second_max, &run_name());
        let intake = Intake::new(sorter, out, Instant::now(), Arc::clone(&counts));
        let watcher = Watcher::new(config, intake, Arc::clone(&stop))
            .map_err(system("inotify instance (see fs.inotify.max_user_instances)"))?;
        let sink = sink::Sink { lanes, speak, keep: config.keep, counts: Arc::clone(&counts) };
        // It ends when the watching thread does; nobody waits for it, because it may hang.
        thread("tap-write", move || sink.run(&inbox)).map_err(system("thread"))?;
        let watcher = thread("tap-watch", move || watcher.run()).map_err(system("thread"))?;
        Ok(Tap { stop, watcher: Some(watcher), counts })
    }

    /// What became of what was seen so far.
    #[must_use]
    pub fn counts(&self) -> TapCounts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // Without room for a 1 there is one in it already.
        let _ = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
        if let Some(watcher) = self.watcher.take() {
            // A fault on that thread was told by its panic.
            let _ = watcher.join();
        }
    }
}

/// Looks at the configuration without starting anything.
///
/// # Errors
/// [`TapError::Rules`] and [`TapError::TooMany`].
pub fn check(config: &TapConfig) -> Result<Rules, TapError> {
    let lists = [
        ("files", config.files.len()),
        ("logs", config.logs.len()),
        ("processes", config.processes.len()),
    ];
    for (key, given) in lists {
        if given > WATCHED_MAX {
            return Err(TapError::TooMany { key, given });
        }
    }
    Ok(Rules::new(&config.rules)?)
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

/// Differs in every run: when it began, and as which process.
fn run_name() -> String {
    format!("{:x}-{:x}", unix_ms(), std::process::id())
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Of each kind. Looked at several times a second, so not hundreds.
const WATCHED_MAX: usize = 64;
