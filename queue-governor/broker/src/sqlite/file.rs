//! The file: made, recognised, opened.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{Durability, SqliteOptions};
use crate::error::StoreError;

/// Why a file cannot hold lanes.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system does not let us.
    #[error("cannot keep lanes in {}: {source}; make it writable or set [lanes] path", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite does not get it open.
    #[error("cannot open the lanes in {}: {reason}", path.display())]
    Refused {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: StoreError,
    },
    /// It is damaged, or no SQLite file.
    #[error(
        "{path} is damaged: save what is left with `sqlite3 {path} .recover`, move it away \
         (`mv {path} {path}.damaged`), and start again with empty lanes", path = path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// It belongs to another program.
    #[error("{} is another program's database; set [lanes] path to a file of our own", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// A newer xenline wrote it.
    #[error(
        "{} has version {found} and this xenline knows {VERSION}: use the xenline that wrote it, \
         or set [lanes] path to another file", path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
}

/// Opens the one connection that writes, and makes file and folder where there are none.
pub(super) fn open_or_make(path: &Path, options: SqliteOptions) -> Result<Connection, OpenError> {
    let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
    }
    // Made here and not by SQLite, so that it is nobody else's to read from the first moment. The
    // files beside it take its mode.
    let make = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    make.map_err(unusable)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let prepare = || -> Result<Connection, Refusal> {
        let mut connection = connect(path, flags)?;
        recognise(&connection)?;
        settle(&mut connection, options)?;
        examine(&connection, path)?;
        Ok(connection)
    };
    prepare().map_err(|refusal| refusal.of(path))
}

/// Opens a connection that reads; the file must be there.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, OpenError> {
    std::fs::metadata(path)
        .map_err(|source| OpenError::Unusable { path: path.to_owned(), source })?;
    // Not SQLITE_OPEN_READ_ONLY: the first reader of a WAL has to be able to make its index.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let prepare = || -> Result<Connection, Refusal> {
        let connection = connect(path, flags)?;
        if !recognise(&connection)? {
            return Err(Refusal::Foreign);
        }
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    prepare().map_err(|refusal| refusal.of(path))
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// Whether it is one of our files; `false`: it is still empty.
fn recognise(connection: &Connection) -> Result<bool, Refusal> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (owner, version) = (number("application_id")?, number("user_version")?);
    let count = "SELECT COUNT(*) FROM sqlite_schema";
    let tables = connection.query_row(count, [], |row| row.get::<_, i64>(0))?;
    match (owner, version) {
        (OWNER, 1..=VERSION) => Ok(true),
        (OWNER, found) if found > VERSION => Err(Refusal::Newer(found)),
        (0, 0) if tables == 0 => Ok(false),
        _ => Err(Refusal::Foreign),
    }
}

fn settle(connection: &mut Connection, options: SqliteOptions) -> Result<(), Refusal> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match options.durability {
        Durability::Power => "FULL",
        Durability::Process => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // After a checkpoint the log gives its room back.
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = i64::try_from(options.file_bytes_max).unwrap_or(i64::MAX) / page.max(1);
    connection.pragma_update(None, "max_page_count", pages.clamp(1, PAGES_MAX))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again: another process may have been faster.
    if !recognise(&transaction)? {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", OWNER)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Finds damage before the first call does, in a file that is read in a moment.
fn examine(connection: &Connection, path: &Path) -> Result<(), Refusal> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() > EXAMINED_BYTES_MAX) {
        return Ok(());
    }
    let verdict =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
    if verdict == "ok" { Ok(()) } else { Err(Refusal::Damaged) }
}

/// An [`OpenError`] that does not know its file yet.
enum Refusal {
    Damaged,
    Foreign,
    Newer(i64),
    Store(StoreError),
}

impl Refusal {
    fn of(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Refusal::Damaged | Refusal::Store(StoreError::Damaged) => OpenError::Damaged { path },
            Refusal::Foreign => OpenError::Foreign { path },
            Refusal::Newer(found) => OpenError::Newer { path, found },
            Refusal::Store(reason) => OpenError::Refused { path, reason },
        }
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Refusal::Store(error.into())
    }
}

/// "xenl", so that `file` and we ourselves know the file.
const OWNER: i64 = 0x7865_6e6c;
/// Of the schema below.
const VERSION: i64 = 1;
/// A key is never used twice, so that positions have no holes and a key tells its own age.
const SCHEMA: &str = "
    CREATE TABLE lane (
        id INTEGER PRIMARY KEY,
        tag TEXT NOT NULL,
        name TEXT NOT NULL,
        last INTEGER NOT NULL DEFAULT 0,
        entries INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        UNIQUE (tag, name)
    ) STRICT;
    CREATE TABLE entry (
        lane INTEGER NOT NULL,
        position INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        key TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (lane, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE known (
        lane INTEGER NOT NULL,
        key TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (lane, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX known_by_age ON known (lane, position);
    CREATE TABLE groups (
        id INTEGER PRIMARY KEY,
        lane INTEGER NOT NULL,
        name TEXT NOT NULL,
        taken INTEGER NOT NULL,
        UNIQUE (lane, name)
    ) STRICT;
    CREATE TABLE held (
        grp INTEGER NOT NULL,
        position INTEGER NOT NULL,
        consumer TEXT,
        deliveries INTEGER NOT NULL,
        taken_ms INTEGER NOT NULL,
        PRIMARY KEY (grp, position)
    ) STRICT, WITHOUT ROWID;
";
/// Another process writes for milliseconds; one that holds the file longer is not waited for.
const BUSY_MAX: Duration = Duration::from_millis(500);
/// All that we have.
const STATEMENTS_MAX: usize = 64;
/// Four times what a log holds between two checkpoints.
const LOG_BYTES_KEPT: i64 = 16 << 20;
/// The most that SQLite counts.
const PAGES_MAX: i64 = 0xffff_fffe;
/// Read in a fraction of a second.
const EXAMINED_BYTES_MAX: u64 = 64 << 20;
