use super::*;

fn at(ms: u64) -> MonoTime {
    MonoTime::from_millis(ms)
}

fn safe(durable: u64) -> Progress {
    Progress { durable, failing: false }
}

const FAILING: Progress = Progress { durable: 0, failing: true };

/// Behind a record that is not safe yet.
fn unsafe_yet() -> HoldBack<&'static str> {
    let mut hold_back = HoldBack::default();
    hold_back.written(1);
    hold_back
}

fn of(claim: &str) -> Option<ClaimId> {
    Some(ClaimId::new(claim))
}

/// All that is let go by `now`, and whether it was safe.
fn let_go(hold_back: &mut HoldBack<&'static str>, now: u64) -> Vec<(&'static str, bool)> {
    std::iter::from_fn(|| hold_back.next(at(now))).map(|it| (it.item, it.safe)).collect()
}

#[test]
fn what_follows_a_record_waits_for_it_in_order() {
    let mut hold_back = unsafe_yet();
    assert!(!hold_back.is_clear());
    hold_back.hold(at(0), Kind::Promise, of("say-1"), "accepted");
    hold_back.hold(at(0), Kind::Follows, None, "grant");
    assert_eq!(let_go(&mut hold_back, 10), []);
    hold_back.written(2);
    hold_back.progressed(safe(1));
    assert_eq!(let_go(&mut hold_back, 10), [("accepted", true), ("grant", true)]);
    assert!(!hold_back.is_clear(), "the second record is not safe yet");
    hold_back.progressed(safe(2));
    assert!(hold_back.is_clear());
}

#[test]
fn a_slow_disk_keeps_a_grant_for_50_ms_and_a_promise_to_a_program_as_long_as_it_takes() {
    let mut hold_back = unsafe_yet();
    hold_back.hold(at(0), Kind::Promise, of("say-1"), "accepted");
    hold_back.hold(at(0), Kind::Follows, None, "grant");
    assert_eq!(hold_back.next_timeout(), Some(at(50)));
    assert_eq!(let_go(&mut hold_back, 49), []);
    assert_eq!(let_go(&mut hold_back, 50), [("grant", false)]);
    assert_eq!(hold_back.next_timeout(), None);
    assert_eq!(let_go(&mut hold_back, 600_000), [], "a promise waits until it is true");
    hold_back.progressed(safe(1));
    assert_eq!(let_go(&mut hold_back, 600_000), [("accepted", true)]);
}

#[test]
fn the_brain_is_told_that_its_claim_is_accepted_once_that_is_true_and_late_that_it_is_not_kept() {
    let mut hold_back = unsafe_yet();
    hold_back.hold(at(0), Kind::PromiseToTheBrain, of("r-1"), "accepted");
    assert_eq!(let_go(&mut hold_back, 900), [], "not after 50 ms");
    hold_back.progressed(safe(1));
    assert_eq!(let_go(&mut hold_back, 900), [("accepted", true)]);
    hold_back.written(2);
    hold_back.hold(at(1_000), Kind::PromiseToTheBrain, of("r-2"), "accepted");
    assert_eq!(hold_back.next_timeout(), Some(at(2_000)));
    assert_eq!(let_go(&mut hold_back, 1_999), []);
    assert_eq!(let_go(&mut hold_back, 2_000), [("accepted", false)]);
}

#[test]
fn nothing_is_told_of_a_claim_before_its_acceptance() {
    let mut hold_back = unsafe_yet();
    hold_back.hold(at(0), Kind::PromiseToTheBrain, of("r-1"), "accepted");
    hold_back.hold(at(1), Kind::Follows, of("r-1"), "started");
    hold_back.hold(at(2), Kind::Follows, of("r-2"), "another");
    assert_eq!(let_go(&mut hold_back, 60), [("another", false)]);
    assert_eq!(hold_back.next_timeout(), Some(at(1_000)), "or the line would wake for nothing");
    assert_eq!(let_go(&mut hold_back, 1_000), [("accepted", false), ("started", false)]);
}

#[test]
fn a_claim_that_has_ended_needs_no_promise_and_its_ending_is_told_all_the_same() {
    let mut hold_back = unsafe_yet();
    hold_back.hold(at(0), Kind::Promise, of("say-1"), "accepted");
    hold_back.hold(at(10), Kind::Ending, of("say-1"), "ended");
    assert_eq!(hold_back.next_timeout(), Some(at(60)));
    assert_eq!(let_go(&mut hold_back, 59), []);
    assert_eq!(let_go(&mut hold_back, 60), [("ended", false)]);
    hold_back.hold(at(100), Kind::Promise, of("say-2"), "accepted");
    hold_back.hold(at(110), Kind::Ending, of("say-2"), "ended");
    hold_back.progressed(safe(1));
    assert_eq!(let_go(&mut hold_back, 120), [("accepted", true), ("ended", true)]);
}

#[test]
fn a_disk_that_fails_breaks_promises_to_programs_and_holds_up_nothing_else() {
    let mut hold_back = unsafe_yet();
    hold_back.hold(at(0), Kind::Promise, of("say-1"), "broken");
    hold_back.hold(at(0), Kind::Promise, of("say-2"), "accepted");
    hold_back.hold(at(0), Kind::Ending, of("say-2"), "ended");
    hold_back.hold(at(0), Kind::PromiseToTheBrain, of("r-1"), "taken in");
    hold_back.hold(at(0), Kind::Follows, None, "grant");
    assert!(hold_back.take_broken().is_empty(), "it may be written yet");
    hold_back.progressed(FAILING);
    assert_eq!(hold_back.take_broken(), ["broken"]);
    let all = [("ended", false), ("taken in", false), ("grant", false)];
    assert_eq!(let_go(&mut hold_back, 0), all);
}

#[test]
fn the_goodbye_of_a_line_comes_after_all_that_is_told_of_its_claims() {
    let mut hold_back = unsafe_yet();
    hold_back.hold(at(0), Kind::PromiseToTheBrain, of("r-1"), "accepted");
    hold_back.hold(at(0), Kind::Ending, of("r-1"), "ended");
    hold_back.hold(at(5), Kind::PromiseToTheBrain, of("r-2"), "carried");
    hold_back.hold(at(10), Kind::Goodbye, None, "closed");
    let all = [("accepted", false), ("ended", false), ("carried", false), ("closed", false)];
    assert_eq!(let_go(&mut hold_back, 60), all);
}

#[test]
fn what_is_forgotten_is_not_let_go() {
    let mut hold_back = unsafe_yet();
    hold_back.hold(at(0), Kind::Follows, None, "grant");
    assert!(hold_back.any(|item| *item == "grant"));
    assert!(hold_back.forget(|item| *item == "grant"));
    assert!(!hold_back.forget(|item| *item == "grant"));
    assert_eq!(let_go(&mut hold_back, 100), []);
}

#[test]
fn a_promise_that_came_true_just_before_the_disk_failed_is_told_and_not_broken() {
    let mut hold_back = unsafe_yet();
    hold_back.hold(at(0), Kind::Promise, of("say-1"), "accepted");
    hold_back.written(2);
    hold_back.hold(at(0), Kind::Promise, of("say-2"), "not accepted");
    hold_back.progressed(Progress { durable: 1, failing: true });
    assert_eq!(hold_back.take_broken(), ["not accepted"]);
    assert_eq!(let_go(&mut hold_back, 0), [("accepted", true)]);
}
