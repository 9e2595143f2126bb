//! A disk that is full for long, and a thread that is gone.

use super::*;

#[test]
fn a_record_is_safe_only_when_the_store_has_it() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    let mut account = keeper.account();
    let asked = || disk.asked.load(Ordering::Acquire);
    let (before, writing) = (asked(), disk.slow.lock().expect("no panic"));
    let first = account.write(accepted("a", true));
    until("the store to be asked", || asked() > before);
    assert_eq!(account.progress().durable, 0, "it has not answered");
    drop(writing);
    until("the first to be safe", || account.progress().durable == first);
    disk.full.store(true, Ordering::Release);
    let second = account.write(accepted("b", true));
    until("the full disk to be told", || account.progress().failing);
    assert!(keeper.state().failing().is_some());
    assert_eq!(account.progress().durable, first);
    disk.full.store(false, Ordering::Release);
    until("the second to be safe", || account.progress().durable == second);
    until("the good news", || keeper.state().failing().is_none());
    let (_, recovered) = start(&disk);
    assert_eq!(names(&recovered), ["a", "b"]);
}

#[test]
fn what_waits_for_a_full_disk_is_bounded_and_what_found_a_place_is_written_when_there_is_room() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    let mut account = keeper.account();
    disk.full.store(true, Ordering::Release);
    account.write(accepted("a", true));
    until("the full disk to be told", || account.progress().failing);
    let room = (ORDERS_MAX + BATCH_MAX) as u64;
    let mut handed_over = 1;
    // In time a writer that took one after the other into its batch would take all of them.
    for _ in 0..2 * BATCH_MAX {
        account.write(heard("a", 1));
        handed_over += 1;
        std::thread::yield_now();
    }
    until("the batch to be full", || disk.refused.load(Ordering::Acquire) >= BATCH_MAX);
    while keeper.state().not_kept() == 0 {
        assert!(handed_over <= room, "what waits is bounded");
        account.write(heard("a", 1));
        handed_over += 1;
    }
    let tried = disk.asked.load(Ordering::Acquire);
    until("two more tries", || disk.asked.load(Ordering::Acquire) > tried + 1);
    assert_eq!(disk.refused.load(Ordering::Acquire), BATCH_MAX, "no batch is larger");
    let kept = handed_over - keeper.state().not_kept();
    disk.full.store(false, Ordering::Release);
    until("what found a place to be safe", || keeper.state().written() == kept);
    let (_, recovered) = start(&disk);
    assert_eq!(names(&recovered), ["a"]);
}

#[test]
fn a_record_that_found_no_place_is_never_told_to_be_safe() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    let mut account = keeper.account();
    let slow = disk.slow.lock().expect("no panic");
    account.write(accepted("a", true));
    let mut lost = 0;
    while keeper.state().not_kept() == 0 {
        assert!(lost < 2 * ORDERS_MAX as u64, "the way to the disk is bounded");
        lost = account.write(heard("a", 1));
    }
    drop(slow);
    // All that found a place is written now, and one more.
    keeper.flush();
    let next = account.write(heard("a", 2));
    keeper.flush();
    assert_eq!(account.progress(), Progress { durable: lost - 1, failing: true });
    assert_eq!(account.progress(), Progress { durable: next, failing: false });
}

#[test]
fn a_writer_whose_house_is_gone_ends_even_if_its_disk_stays_full() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    let mut account = keeper.account();
    disk.full.store(true, Ordering::Release);
    for _ in 0..2 * BATCH_MAX {
        account.write(heard("a", 1));
    }
    until("the batch to be full", || disk.refused.load(Ordering::Acquire) == BATCH_MAX);
    drop((account, keeper));
    until("the store to be let go", || Arc::strong_count(&disk) == 1);
}

#[test]
fn without_its_thread_the_journal_fails_and_nothing_is_told_to_be_safe() {
    let (orders, inbox) = sync_channel(ORDERS_MAX);
    drop(inbox);
    let (state, late) = (Arc::new(KeeperState::default()), Arc::new(Mutex::new(None)));
    let keeper = Keeper { orders, state, run: "run".into(), late };
    let mut account = keeper.account();
    account.write(accepted("a", true));
    assert_eq!(account.progress(), Progress { durable: 0, failing: true });
    assert_eq!(keeper.state().not_kept(), 1);
    assert!(keeper.state().failing().is_some_and(|why| why.contains("thread is gone")));
    keeper.flush();
}

#[test]
fn what_ended_while_a_store_was_away_for_long_is_not_said_again_after_a_restart() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    let mut account = keeper.account();
    account.write(accepted("a", true));
    account.write(accepted("b", true));
    keeper.flush();
    disk.full.store(true, Ordering::Release);
    for _ in 0..20_000 {
        account.write(heard("a", 4));
    }
    // Calls come and go meanwhile, until the way to the disk is full.
    for n in 0..3_000 {
        account.write(accepted(&format!("c-{n}"), false));
    }
    assert!(!keeper.state().way().is_clear());
    account.write(spoken("a"));
    account.write(accepted("d", true));
    account.pause(true);
    disk.full.store(false, Ordering::Release);
    until("the way to be free", || keeper.state().way().is_clear());
    until("all of it to be safe", || {
        keeper.flush();
        keeper.state().failing().is_none()
    });
    let (_, recovered) = start(&disk);
    assert_eq!((names(&recovered), recovered.paused), (vec!["b", "d"], true));
}
