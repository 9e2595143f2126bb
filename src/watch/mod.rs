//! What goes on, for whoever watches: the console page, the terminal console, programs that read the
//! door's events.
//!
//! The lines and the desk [post](Watch::post) what they put on record; every [`Reader`] gets all of it
//! in order, each with a [`Cursor`] from which it can go on after a broken connection. What is posted
//! waits in one ring for all readers, bounded in number and in bytes, so posting never waits and a slow
//! reader costs nobody anything: it is told how much it has missed ([`Seen::Gap`]). A cursor of an
//! earlier run is told apart ([`Seen::Reset`]). Levels are no history: of each leg only the newest is
//! kept, without a cursor.
//!
//! Everything is shown as it is; [`Show`] hides what the configuration does not let be seen.

mod reader;
mod ring;
mod show;
mod sight;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use reader::{Reader, Seen};
pub use show::Show;
pub use sight::{Cursor, CursorError, Level, Sight};

use self::ring::Ring;

/// Where the house says what goes on. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Watch(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Tells this run's cursors from those of others.
    run: u64,
    ring: Mutex<Ring>,
    posted: tokio::sync::watch::Sender<()>,
}

impl Watch {
    /// Nothing has happened yet. `run` names this run of the process: when it began, say.
    #[must_use]
    pub fn new(run: u64) -> Self {
        let posted = tokio::sync::watch::Sender::new(());
        Self(Arc::new(Shared { run, ring: Mutex::default(), posted }))
    }

    /// Something happened. Never waits.
    pub fn post(&self, sight: Sight) {
        self.ring().post(sight);
        self.0.posted.send_replace(());
    }

    /// How loud a leg is. Costs nothing while nobody watches.
    pub fn level(&self, level: Level) {
        if self.0.posted.receiver_count() > 0 {
            self.ring().level(level);
            self.0.posted.send_replace(());
        }
    }

    /// Reads on after `after`; without it, what happens from now on.
    #[must_use]
    pub fn read(&self, after: Option<Cursor>) -> Reader {
        // Subscribed first, so that nothing posted meanwhile is slept over.
        let posted = self.0.posted.subscribe();
        Reader::new(self.clone(), posted, after)
    }

    /// From the oldest that is still known.
    #[must_use]
    pub fn start(&self) -> Cursor {
        Cursor { run: self.0.run, number: 0 }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // A ring is whole between two calls, so a panic elsewhere does not spoil it.
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Watch {
    fn default() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self::new(since.map_or(0, |time| time.as_millis() as u64))
    }
}
