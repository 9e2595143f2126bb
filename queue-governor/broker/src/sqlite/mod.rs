//! The embedded store: one SQLite file in WAL mode.
//!
//! A publication that was acknowledged is in the file: it survives `kill -9` always, and a power cut
//! with [`Durability::Power`]. One connection writes, one reads, so that a reader never waits for a
//! writer's disk. Other processes may have the same file open.

mod fault;
mod file;
mod groups;
mod publish;
mod rows;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use file::OpenError;

use crate::clock::WallClock;
use crate::entry::{Delivery, Entry, LaneInfo, Pending, Position, Published};
use crate::error::{GroupError, PublishError, StoreError};
use crate::lane::Lane;
use crate::limits::{Limits, Retention};
use crate::store::{Item, LaneStore, items};

/// What an acknowledged publication survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// The end of the process and a power cut: the disk is waited for (`synchronous = FULL`).
    #[default]
    Power,
    /// The end of the process; a power cut may take the last seconds (`synchronous = NORMAL`).
    Process,
}

/// How a file is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SqliteOptions {
    /// What an acknowledged publication survives.
    pub durability: Durability,
    /// The file grows no larger; what would not fit is refused with [`StoreError::Full`].
    pub file_bytes_max: u64,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        // A quarter of the lanes that there may be, each of them full.
        Self { durability: Durability::default(), file_bytes_max: 1 << 30 }
    }
}

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    limits: Limits,
    clock: WallClock,
    path: PathBuf,
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens the file, and makes it, with its folder, where there is none. Only its owner can read
    /// it. Blocking.
    ///
    /// # Errors
    /// [`OpenError`]; its text names the file and the next step.
    pub fn open(path: &Path, limits: Limits, options: SqliteOptions) -> Result<Self, OpenError> {
        Self::open_with_clock(path, limits, options, WallClock::system())
    }

    /// The same with the time read from `clock`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_with_clock(
        path: &Path,
        limits: Limits,
        options: SqliteOptions,
        clock: WallClock,
    ) -> Result<Self, OpenError> {
        let writer = Mutex::new(file::open_or_make(path, options)?);
        let reader = Mutex::new(file::open_to_read(path)?);
        Ok(Self { limits, clock, path: path.to_owned(), writer, reader })
    }

    /// Opens a file that is there, to look at it while a line may be running on it. What is asked of
    /// it beyond reading is refused with [`StoreError::Disk`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_to_look(path: &Path) -> Result<Self, OpenError> {
        let reader = Mutex::new(file::open_to_read(path)?);
        let writer = Mutex::new(file::open_to_read(path)?);
        let (limits, clock) = (Limits::default(), WallClock::system());
        Ok(Self { limits, clock, path: path.to_owned(), writer, reader })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does `work` in one transaction: all of it is kept, or none.
    fn write<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = lock(&self.writer);
        // At once the writer, or two processes that both read first would refuse each other.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    fn publish_items(
        &self,
        lane: &Lane,
        items: &[Item<'_>],
    ) -> Result<Vec<Published>, PublishError> {
        items.iter().try_for_each(|(key, body)| self.limits.check(key, body))?;
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let now_ms = self.clock.now_ms();
        self.write(|transaction| publish::publish(transaction, &self.limits, lane, now_ms, items))
    }
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A transaction that a panic left open was rolled back when it was dropped.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LaneStore for SqliteStore {
    fn publish(&self, lane: &Lane, key: &str, body: &[u8]) -> Result<Published, PublishError> {
        self.publish_items(lane, &[(key, body)]).map(|published| published[0])
    }

    fn publish_many(
        &self,
        lane: &Lane,
        entries: &[(String, Vec<u8>)],
    ) -> Result<Vec<Published>, PublishError> {
        self.publish_items(lane, &items(entries))
    }

    fn read(&self, lane: &Lane, after: Position, max: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(rows::entries_after(&lock(&self.reader), lane, after, max)?)
    }

    fn lanes(&self) -> Result<Vec<LaneInfo>, StoreError> {
        let connection = lock(&self.reader);
        // One view of the file for all of it.
        let view = connection.unchecked_transaction()?;
        Ok(rows::lanes(&view)?)
    }

    fn join(&self, lane: &Lane, group: &str, from: Position) -> Result<(), GroupError> {
        self.write(|transaction| groups::join(transaction, &self.limits, lane, group, from))
    }

    fn take(
        &self,
        lane: &Lane,
        group: &str,
        consumer: &str,
        max: usize,
    ) -> Result<Vec<Delivery>, GroupError> {
        let now_ms = self.clock.now_ms();
        self.write(|transaction| {
            groups::Group::find(transaction, lane, group)?.take(transaction, consumer, now_ms, max)
        })
    }

    fn ack(&self, lane: &Lane, group: &str, position: Position) -> Result<bool, GroupError> {
        self.write(|transaction| {
            groups::Group::find(transaction, lane, group)?.ack(transaction, position)
        })
    }

    fn pending(&self, lane: &Lane, group: &str) -> Result<Vec<Pending>, GroupError> {
        let connection = lock(&self.reader);
        let view = connection.unchecked_transaction()?;
        groups::Group::find(&view, lane, group)?.pending(&view)
    }

    fn give_up(&self, lane: &Lane, group: &str, consumer: &str) -> Result<usize, GroupError> {
        self.write(|transaction| {
            groups::Group::find(transaction, lane, group)?.give_up(transaction, consumer)
        })
    }

    fn give_up_idle(&self, lane: &Lane, group: &str, idle: Duration) -> Result<usize, GroupError> {
        let now_ms = self.clock.now_ms();
        self.write(|transaction| {
            groups::Group::find(transaction, lane, group)?.give_up_idle(transaction, now_ms, idle)
        })
    }

    fn trim(&self, lane: &Lane, upto: Position) -> Result<usize, StoreError> {
        self.write(|transaction| {
            Ok(publish::drop_settled_while(transaction, lane, |oldest, _| oldest.position <= upto)?)
        })
    }

    fn retain(&self, lane: &Lane, keep: &Retention) -> Result<usize, StoreError> {
        let now_ms = self.clock.now_ms();
        self.write(|transaction| {
            Ok(publish::drop_settled_while(transaction, lane, |oldest, lane| {
                keep.drops(oldest.at_ms, now_ms, lane.entries, lane.bytes)
            })?)
        })
    }

    fn remove(&self, lane: &Lane) -> Result<bool, StoreError> {
        self.write(|transaction| Ok(rows::remove(transaction, lane)?))
    }
}
