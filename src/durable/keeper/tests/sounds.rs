//! Ready audio, which lies beside the lane.

use std::os::unix::fs::MetadataExt;

use lane_broker::{AwaitedStore, WallClock};
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

#[test]
fn a_sound_lies_there_until_its_store_can_be_opened_however_long_that_takes() {
    let (disk, dir) = (Disk::new(), tempfile::tempdir().expect("a temporary directory"));
    let (keeper, _) = start_beside(&disk, &dir);
    keeper.account().write(with_sound("say-a", 8));
    keeper.flush();
    let held: Arc<AtomicBool> = Arc::new(AtomicBool::new(true));
    let (holds, beneath) = (held.clone(), disk.clone());
    let awaited = AwaitedStore::new(WallClock::system(), move || {
        (!holds.load(Ordering::Acquire)).then(|| beneath.clone() as Arc<dyn LaneStore>)
    });
    let sounds = Sounds::open(dir.path()).expect("it is made");
    let (keeper, nothing) =
        Keeper::start(Arc::new(awaited), Some(sounds), Clock::new()).expect("a thread");
    let mut late = keeper.take_late().expect("it is waited for");
    assert!(names(&nothing).is_empty() && keeper.state().failing().is_some());
    assert!(inode(&dir, "say-a").is_some(), "nothing of it is known to be over");
    held.store(false, Ordering::Release);
    let mut found = None;
    until("what waits to be read", || {
        found = late.try_recv().ok();
        found.is_some()
    });
    let found = found.expect("just now");
    assert_eq!(names(&found), ["say-a"]);
    let sound = &found.waiting[0].claim.content;
    assert!(matches!(sound, Content::Audio { samples, .. } if **samples == [7; 8]));
}
