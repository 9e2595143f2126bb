//! Ready audio, which lies beside the lane.

use std::os::unix::fs::MetadataExt;

use media_core::SampleRate;
use queue_governor::Content;

use super::*;
use crate::durable::writer::SNAPSHOT_EVERY;

fn with_sound(id: &str, samples: usize) -> Record {
    let Record::Accepted { mut claim, expires_at } = accepted(id, true) else {
        panic!("it accepts");
    };
    let (label, rate) = (id.to_owned(), SampleRate::Hz8000);
    claim.content = Content::Audio { label, samples: vec![7; samples].into(), rate };
    Record::Accepted { claim, expires_at }
}

/// A file that is written anew is another one.
fn inode(dir: &tempfile::TempDir, id: &str) -> Option<u64> {
    Some(dir.path().join(format!("{id}.pcm")).metadata().ok()?.ino())
}

fn start_beside(disk: &Arc<Disk>, dir: &tempfile::TempDir) -> (Keeper, Recovered) {
    let sounds = Sounds::open(dir.path()).expect("it is made");
    Keeper::start(disk.clone(), Some(sounds), Clock::new()).expect("a thread")
}

#[test]
fn a_sound_that_lies_there_is_not_written_again_by_a_store_that_refuses_nor_by_a_snapshot() {
    let (disk, dir) = (Disk::new(), tempfile::tempdir().expect("a temporary directory"));
    let (keeper, _) = start_beside(&disk, &dir);
    let mut account = keeper.account();
    disk.full.store(true, Ordering::Release);
    let first = account.write(with_sound("a", 8));
    until("the full disk to be told", || account.progress().failing);
    let written = inode(&dir, "a").expect("it is there");
    // Each of these makes it try again.
    for _ in 0..3 {
        account.write(heard("a", 1));
        keeper.flush();
    }
    disk.full.store(false, Ordering::Release);
    until("it to be safe", || account.progress().durable > first);
    assert_eq!(inode(&dir, "a"), Some(written));
    for _ in 0..=SNAPSHOT_EVERY {
        account.write(heard("a", 1));
    }
    keeper.flush();
    assert!(disk.entries() < SNAPSHOT_EVERY, "there was a snapshot");
    assert_eq!(inode(&dir, "a"), Some(written));
    let (_, recovered) = start_beside(&disk, &dir);
    assert_eq!((names(&recovered), inode(&dir, "a")), (vec!["a"], Some(written)));
    let sound = &recovered.waiting[0].claim.content;
    assert!(matches!(sound, Content::Audio { samples, .. } if **samples == [7; 8]));
}
