use super::callers::CALLERS_MAX;
use super::*;

const IDLE: Load = Load { calls: 0, transactions: 0, events_waiting: 0 };
const ANN: Attempt<'_> = Attempt { trunk: "t", caller: "ann", trunk_calls: 0, caller_calls: 0 };

fn at(ms: u64) -> MonoTime {
    MonoTime::from_millis(ms)
}

fn limited(change: impl FnOnce(&mut AdmissionLimits)) -> Admission {
    let mut limits = AdmissionLimits::channels(10);
    change(&mut limits);
    Admission::new(limits)
}

fn refused(verdict: Result<(), AdmissionError>) -> u16 {
    verdict.expect_err("it is refused").status()
}

#[test]
fn one_call_more_than_channels_is_busy() {
    let admission = limited(|limits| limits.channels_max = 2);
    assert_eq!(admission.admit(Load { calls: 1, ..IDLE }), Ok(()));
    assert_eq!(refused(admission.admit(Load { calls: 2, ..IDLE })), 486);
}

#[test]
fn draining_sends_the_carrier_elsewhere() {
    let mut admission = limited(|_| {});
    admission.drain();
    assert_eq!(refused(admission.admit(IDLE)), 503);
}

#[test]
fn a_line_that_does_not_listen_gets_no_more_calls() {
    let load = Load { events_waiting: EVENTS_WAITING_MAX, ..IDLE };
    assert_eq!(refused(limited(|_| {}).admit(load)), 503);
}

#[test]
fn a_machine_at_its_limit_sends_the_carrier_elsewhere_until_it_is_well_again() {
    let mut admission = limited(|_| {});
    admission.set_strained(true);
    assert_eq!(refused(admission.admit_incoming(at(0), IDLE, ANN)), 503);
    admission.set_strained(false);
    assert_eq!(admission.admit_incoming(at(0), IDLE, ANN), Ok(()));
}

#[test]
fn a_trunk_has_its_own_channels_and_leaves_the_others_theirs() {
    let mut admission = limited(|limits| {
        limits.trunk_channels.insert("t".into(), 2);
    });
    let on = |trunk, trunk_calls| Attempt { trunk, trunk_calls, ..ANN };
    assert_eq!(admission.admit_incoming(at(0), IDLE, on("t", 1)), Ok(()));
    assert_eq!(refused(admission.admit_incoming(at(0), IDLE, on("t", 2))), 486);
    assert_eq!(admission.admit_incoming(at(0), IDLE, on("other", 2)), Ok(()));
}

#[test]
fn the_21st_call_of_a_second_goes_elsewhere_and_the_next_second_has_room() {
    let mut admission = limited(|limits| limits.calls_per_second = 20);
    for _ in 0..20 {
        assert_eq!(admission.admit_incoming(at(5_000), IDLE, ANN), Ok(()));
    }
    assert_eq!(refused(admission.admit_incoming(at(5_000), IDLE, ANN)), 503);
    assert_eq!(admission.admit_incoming(at(5_050), IDLE, ANN), Ok(()), "one fits every 50 ms");
    assert_eq!(refused(admission.admit_incoming(at(5_051), IDLE, ANN)), 503);
    assert_eq!(admission.admit_incoming(at(6_051), IDLE, ANN), Ok(()));
}

#[test]
fn a_trunk_that_floods_leaves_the_others_a_call_a_second() {
    let mut admission = limited(|limits| limits.calls_per_second = 20);
    let calm = Attempt { trunk: "calm", ..ANN };
    let mut let_in = 0;
    for ms in 0..3_000 {
        let_in += usize::from(admission.admit_incoming(at(ms), IDLE, ANN).is_ok());
        if ms % 1_000 == 500 {
            assert_eq!(admission.admit_incoming(at(ms), IDLE, calm), Ok(()));
            assert_eq!(refused(admission.admit_incoming(at(ms), IDLE, calm)), 503);
        }
    }
    assert!((76..=80).contains(&let_in), "{let_in}");
}

#[test]
fn who_has_a_call_open_is_busy_and_who_calls_again_and_again_is_told_to_stop() {
    let mut admission = limited(|limits| {
        (limits.caller_calls, limits.caller_per_minute) = (1, 3);
    });
    let second = Attempt { caller_calls: 1, ..ANN };
    assert_eq!(admission.admit_incoming(at(0), IDLE, ANN), Ok(()));
    assert_eq!(refused(admission.admit_incoming(at(1), IDLE, second)), 486);
    assert_eq!(admission.admit_incoming(at(2), IDLE, ANN), Ok(()));
    assert_eq!(refused(admission.admit_incoming(at(3), IDLE, ANN)), 603);
    let bob = Attempt { caller: "bob", ..ANN };
    assert_eq!(admission.admit_incoming(at(4), IDLE, bob), Ok(()), "another caller");
    assert_eq!(admission.admit_incoming(at(60_000), IDLE, ANN), Ok(()), "a minute later");
}

#[test]
fn callers_without_a_name_are_not_one_caller() {
    let mut admission = limited(|limits| {
        (limits.caller_calls, limits.caller_per_minute) = (1, 1);
    });
    let unnamed = Attempt { caller: "", caller_calls: 5, ..ANN };
    for _ in 0..9 {
        assert_eq!(admission.admit_incoming(at(0), IDLE, unnamed), Ok(()));
    }
}

#[test]
fn a_flood_of_callers_is_counted_in_bounded_memory() {
    let mut callers = Callers::default();
    for n in 0..3 * CALLERS_MAX {
        callers.count(at(0), &format!("caller-{n}"));
    }
    assert_eq!(callers.len(), CALLERS_MAX);
    callers.count(at(60_000), "a minute later");
    assert_eq!(callers.len(), 1);
}

#[test]
fn other_limits_hold_for_the_next_call() {
    let mut admission = limited(|limits| limits.calls_per_second = 1);
    assert_eq!(admission.admit_incoming(at(0), IDLE, ANN), Ok(()));
    assert_eq!(refused(admission.admit_incoming(at(0), IDLE, ANN)), 503);
    admission.set_limits(AdmissionLimits::channels(1));
    assert_eq!(admission.admit_incoming(at(0), IDLE, ANN), Ok(()));
    assert_eq!(refused(admission.admit_incoming(at(0), Load { calls: 1, ..IDLE }, ANN)), 486);
}
