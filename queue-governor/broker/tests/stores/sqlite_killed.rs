//! What the embedded store keeps when its process is killed, or its disk refuses.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lane_broker::{
    Durability, LaneStore, Limits, Position, PublishError, Published, SqliteOptions, SqliteStore,
    StoreError,
};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::sqlite::{QUICK, lane};

/// Tells a process of this test that it is the child, and what to do.
const ROLE: &str = "LANES_TEST_ROLE";
const FILE: &str = "LANES_TEST_FILE";
const KILLS: usize = 12;

/// Not a test of its own: what the child processes of the tests below run.
#[test]
fn child_process_of_the_other_tests() {
    let (Ok(role), Ok(file)) = (std::env::var(ROLE), std::env::var(FILE)) else { return };
    match role.as_str() {
        "publish" => publish_until_killed(Path::new(&file)),
        "refused" => meet_the_disk_that_refuses(Path::new(&file)),
        other => panic!("no such role: {other}"),
    }
}

#[test]
fn what_was_acknowledged_is_there_after_kill_9_and_is_known_by_its_key() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("lanes.sqlite");
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    for life in 0..KILLS {
        let mut child = child("publish", &path);
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let told = out.lines().map_while(Result::ok).filter_map(|line| {
            let (position, key) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
            Some((position.parse().expect("a number"), key.to_owned()))
        });
        // Each life ends after another number of publications, in the middle of the next one.
        let wanted = 3 + life * 7 % 40;
        for (n, one) in told.enumerate() {
            acknowledged.push(one);
            if n == wanted {
                child.kill().expect("it runs");
            }
        }
        child.wait().expect("it was started");
    }
    let store = SqliteStore::open(&path, Limits::default(), QUICK).expect("it opens");
    let all = store.read(&lane(), Position::START, usize::MAX).expect("it can be read");
    let positions: Vec<u64> = all.iter().map(|entry| entry.position.0).collect();
    let expected: Vec<u64> = (1..=all.len() as u64).collect();
    assert_eq!(positions, expected, "no holes, nothing twice");
    assert!(acknowledged.len() > KILLS * 3, "{} were acknowledged", acknowledged.len());
    for (position, key) in acknowledged {
        assert_eq!(*all[position as usize - 1].key, *key, "what was acknowledged stands there");
        let again = store.publish(&lane(), &key, b"again").expect("no room is needed");
        assert_eq!(again, Published { position: Position(position), duplicate: true });
    }
}

fn publish_until_killed(path: &Path) {
    let options = SqliteOptions { durability: Durability::Power, ..QUICK };
    let store = SqliteStore::open(path, Limits::default(), options).expect("it opens");
    let process = std::process::id();
    let tell =
        |published: Published, key: &str| println!("\nacknowledged {} {key}", published.position);
    for n in 0_u32.. {
        let key = format!("{process}-{n}");
        if n % 3 == 0 {
            let pair = [0, 1].map(|half| (format!("{key}-{half}"), vec![7; 300]));
            let published = store.publish_many(&lane(), &pair).expect("there is room");
            pair.iter().zip(published).for_each(|((key, _), published)| tell(published, key));
        } else {
            tell(store.publish(&lane(), &key, &[7; 300]).expect("there is room"), &key);
        }
    }
}

#[test]
fn a_disk_that_refuses_is_a_clear_state_and_passes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let child = child("refused", &folder.path().join("lanes.sqlite"));
    let output = child.wait_with_output().expect("it was started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("refused and recovered"), "{text}");
}

/// The limit on the size of files stands for the disk: a write beyond it fails.
fn meet_the_disk_that_refuses(path: &Path) {
    let store = SqliteStore::open(path, Limits::default(), QUICK).expect("it opens");
    let limit = |bytes| {
        let limit = Rlimit { current: bytes, maximum: None };
        setrlimit(Resource::Fsize, limit).expect("a soft limit is ours to set");
    };
    limit(Some(512 << 10));
    let refused_at =
        (0..1_000_u64).find(|n| match store.publish(&lane(), &format!("a{n}"), &[7; 4_000]) {
            Ok(_) => false,
            Err(PublishError::Store(StoreError::Disk | StoreError::Full)) => true,
            Err(other) => panic!("{other}"),
        });
    let refused_at = refused_at.expect("512 kB hold less than 1000 entries of 4 kB");
    let kept = store.read(&lane(), Position::START, usize::MAX).expect("it can be read");
    assert_eq!(kept.len() as u64, refused_at, "a refused entry left nothing behind");
    limit(None);
    let later =
        store.publish(&lane(), &format!("a{refused_at}"), b"later").expect("it works again");
    assert_eq!(later, Published { position: Position(refused_at + 1), duplicate: false });
    println!("\nrefused and recovered");
}

/// This test's own program, with only the child's part of it.
fn child(role: &str, path: &Path) -> Child {
    let program = std::env::current_exe().expect("a test knows itself");
    // A write beyond the limit on file sizes is an error, not a signal.
    Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact --nocapture --test-threads=1 \"$1\""])
        .arg(program)
        .arg("sqlite_killed::child_process_of_the_other_tests")
        .env(ROLE, role)
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh runs")
}
