//! A store that is away when the line starts.

use super::*;

#[test]
fn what_an_earlier_run_left_in_a_store_that_is_away_comes_when_that_is_back_and_before_anything_new()
 {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    let mut account = keeper.account();
    account.write(accepted("before", true));
    account.write(heard("before", 4));
    account.pause(true);
    keeper.flush();
    disk.away.store(true, Ordering::Release);
    let (keeper, nothing) = start(&disk);
    assert_eq!(names(&nothing), [""; 0]);
    let mut late = keeper.take_late().expect("it is waited for");
    let reason = keeper.state().failing().expect("nothing is safe");
    assert!(reason.contains("an earlier run"), "{reason}");
    let mut account = keeper.account();
    let new = account.write(accepted("new", true));
    until("the store to be asked again", || account.progress().failing);
    assert!(late.try_recv().is_err(), "it is away");
    disk.away.store(false, Ordering::Release);
    until("the new one to be safe", || account.progress().durable == new);
    let found = late.try_recv().expect("it was read before");
    assert_eq!((names(&found), found.waiting[0].resume_at), (vec!["before"], 4));
    assert!(found.paused);
    until("the good news", || keeper.state().failing().is_none());
    let (keeper, recovered) = start(&disk);
    assert_eq!(names(&recovered), ["before", "new"]);
    assert!(keeper.take_late().is_none());
}

#[test]
fn a_store_that_is_back_is_read_also_when_nobody_asks_for_anything() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    keeper.account().write(accepted("before", true));
    keeper.flush();
    disk.away.store(true, Ordering::Release);
    let (keeper, _) = start(&disk);
    let mut late = keeper.take_late().expect("it is waited for");
    disk.away.store(false, Ordering::Release);
    let mut found = None;
    until("it to come", || {
        found = late.try_recv().ok();
        found.is_some()
    });
    assert_eq!(found.as_ref().map(names), Some(vec!["before"]));
    assert_eq!(keeper.state().failing(), None);
}
