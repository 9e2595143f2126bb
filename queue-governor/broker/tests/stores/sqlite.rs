use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lane_broker::{
    AwaitedStore, Durability, Lane, LaneStore, Limits, MemoryStore, OpenError, Position,
    PublishError, SqliteOptions, SqliteStore, StoreError, Tag, WallClock, conformance,
};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::random;

/// Waits for no disk: what the disk keeps is another test's.
pub const QUICK: SqliteOptions =
    SqliteOptions { durability: Durability::Process, file_bytes_max: 64 << 20 };

pub fn lane() -> Lane {
    Lane::new(Tag::call(), "one").expect("a good name")
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("state/lanes.sqlite");
    (folder, path)
}

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, Limits::default(), QUICK)
}

#[test]
fn the_embedded_store_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = std::cell::Cell::new(0);
    conformance::check_store(&|limits, clock| {
        made.set(made.get() + 1);
        let path = folder.path().join(format!("{}.sqlite", made.get()));
        Box::new(SqliteStore::open_with_clock(&path, limits, QUICK, clock).expect("it opens"))
    });
}

proptest! {
    #![proptest_config(random::config(60))]

    #[test]
    fn the_embedded_store_answers_as_the_one_in_memory_also_when_it_is_reopened(
        operations in random::operations(),
        reopened_every in 1..20_usize,
    ) {
        let (_folder, path) = folder();
        let (clock, hand) = WallClock::by_hand();
        let memory = MemoryStore::with_clock(random::LIMITS, clock.clone());
        let (memory_hand, still) = (hand.clone(), WallClock::by_hand().1);
        let open = || SqliteStore::open_with_clock(&path, random::LIMITS, QUICK, clock.clone())
            .expect("it opens");
        let mut store = open();
        for (n, operation) in operations.iter().enumerate() {
            if n % reopened_every == 0 {
                drop(store);
                store = open();
            }
            // The clock is moved once for both.
            let expected = random::answer(&memory, &memory_hand, operation);
            prop_assert_eq!(random::answer(&store, &still, operation), expected, "{:?}", operation);
        }
    }
}

#[test]
fn two_processes_on_one_file_see_one_store() {
    let (_folder, path) = folder();
    let (a, b) = (open(&path).expect("it opens"), open(&path).expect("it opens again"));
    std::thread::scope(|scope| {
        for store in [&a, &b] {
            scope.spawn(move || {
                for n in 0..100 {
                    store.publish(&lane(), &format!("k{n}"), b"raced").expect("there is room");
                }
            });
        }
    });
    let read = a.read(&lane(), Position::START, usize::MAX).expect("it can be read");
    assert_eq!(read.len(), 100, "each key once");
    let looking = SqliteStore::open_to_look(&path).expect("it can be looked at");
    assert_eq!(looking.read(&lane(), Position::START, usize::MAX), Ok(read));
    let refusal = Err(PublishError::Store(StoreError::Disk));
    assert_eq!(looking.publish(&lane(), "new", b"x"), refusal, "and not be written to");
}

#[test]
fn a_file_that_may_not_grow_refuses_and_takes_entries_again_when_there_is_room() {
    let (_folder, path) = folder();
    let options = SqliteOptions { file_bytes_max: 400 << 10, ..QUICK };
    let store = SqliteStore::open(&path, Limits::default(), options).expect("it opens");
    let body = vec![7; 16 << 10];
    let fill = |round: &str| -> u64 {
        for n in 0..100 {
            match store.publish(&lane(), &format!("{round}{n}"), &body) {
                Ok(_) => {}
                Err(PublishError::Store(StoreError::Full)) => return n,
                Err(other) => panic!("{other}"),
            }
        }
        panic!("400 kB hold less than 100 entries of 16 kB");
    };
    let first = fill("a");
    assert!(first > 10, "{first} entries fit");
    let kept = store.read(&lane(), Position::START, 999).expect("a full store can be read");
    assert_eq!(kept.len() as u64, first, "a refused entry left nothing behind");
    store.trim(&lane(), Position(first)).expect("a full store can be trimmed");
    assert!(fill("b") > 10, "and has room again");
}

#[test]
fn only_its_owner_can_read_what_callers_said() {
    let (_folder, path) = folder();
    let store = open(&path).expect("it opens");
    store.publish(&lane(), "k", b"x").expect("there is room");
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode();
    assert_eq!(mode(&path) & 0o777, 0o600);
    assert_eq!(mode(&path.with_extension("sqlite-wal")) & 0o777, 0o600);
    assert_eq!(mode(path.parent().expect("a folder")) & 0o777, 0o700);
}

#[test]
fn a_damaged_file_is_told_with_the_next_step() {
    let (_folder, path) = folder();
    let store = open(&path).expect("it opens");
    for n in 0..200 {
        store.publish(&lane(), &format!("k{n}"), &[7; 500]).expect("there is room");
    }
    drop(store);
    let mut bytes = std::fs::read(&path).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0xa5);
    std::fs::write(&path, &bytes).expect("it can be written");
    let damaged = open(&path).expect_err("a page in the middle is gone").to_string();
    assert!(damaged.contains("mv ") && damaged.contains(".recover"), "{damaged}");
    std::fs::write(&path, "what is this?".repeat(1_000)).expect("it can be written");
    let foreign = open(&path).expect_err("that is no database");
    assert!(matches!(foreign, OpenError::Damaged { .. }), "{foreign}");
}

#[test]
fn a_file_of_another_program_or_of_a_newer_version_is_left_alone() {
    let (_folder, path) = folder();
    drop(open(&path).expect("it opens"));
    let raw = rusqlite::Connection::open(&path).expect("it opens");
    raw.pragma_update(None, "user_version", 2).expect("it can be written");
    drop(raw);
    let newer = open(&path).expect_err("version 2 is unknown");
    assert!(matches!(newer, OpenError::Newer { found: 2, .. }), "{newer}");
    let other = path.with_file_name("other.sqlite");
    let raw = rusqlite::Connection::open(&other).expect("it opens");
    raw.execute_batch("CREATE TABLE songs (title TEXT)").expect("it can be written");
    drop(raw);
    let foreign = open(&other).expect_err("songs are no lanes");
    assert!(matches!(foreign, OpenError::Foreign { .. }), "{foreign}");
}

#[test]
fn a_file_that_another_process_holds_is_waited_for_and_gives_what_it_held() {
    let (_folder, path) = folder();
    open(&path).expect("it opens").publish(&lane(), "k", b"kept").expect("there is room");
    let raw = rusqlite::Connection::open(&path).expect("it opens");
    raw.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    let refused = open(&path).expect_err("somebody holds it");
    assert!(matches!(refused, OpenError::Refused { reason: StoreError::Unavailable, .. }));
    let (clock, hand) = WallClock::by_hand();
    let store = AwaitedStore::new(clock, move || Some(Arc::new(open(&path).ok()?)));
    let read = || store.read(&lane(), Position::START, 9).map(|entries| entries.len());
    assert_eq!(read(), Err(StoreError::Unavailable));
    raw.execute_batch("COMMIT").expect("it is ours");
    hand.advance(Duration::from_secs(1));
    assert_eq!(read(), Ok(1));
}

#[test]
fn a_folder_that_cannot_be_made_is_told_with_the_next_step() {
    let (folder, _) = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("it can be written");
    let message = open(&file.join("lanes.sqlite")).expect_err("a file is no folder").to_string();
    assert!(message.contains("[lanes] path"), "{message}");
}
