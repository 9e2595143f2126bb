use super::*;
use media_engine::Speech;
use queue_governor::Heard;

fn at(ms: u64) -> MonoTime {
    MonoTime::from_millis(ms)
}

fn grant(generation: u32) -> Action {
    let generation = Generation(generation);
    Action::Grant { generation, speech: Speech::Text("hello".into()), fallback: false }
}

fn answer(news: News) -> Action {
    Action::Answer { claim: ClaimId::new("say-1"), news }
}

fn tell(
    message: impl Fn(brain_protocol::LineId, brain_protocol::ClaimId) -> LineMessage,
) -> Action {
    let claim = brain_protocol::ClaimId::new("r-1").expect("a name");
    Action::Tell(message(brain_protocol::LineId(1), claim))
}

fn taken_in() -> Action {
    tell(|line, claim| LineMessage::ClaimAccepted { line, claim, kept: true })
}

fn started() -> Action {
    tell(|line, claim| LineMessage::ClaimStarted { line, claim })
}

fn safe(durable: u64) -> Progress {
    Progress { durable, failing: false }
}

const FAILING: Progress = Progress { durable: 0, failing: true };

/// A gate behind which the first record is not safe yet.
fn unsafe_gate() -> Gate {
    let mut gate = Gate::default();
    gate.written(1);
    gate
}

fn kind(action: &Action) -> &'static str {
    match action {
        Action::Grant { .. } => "grant",
        Action::Answer { news: News::Accepted, .. } => "accepted",
        Action::Answer { .. } => "ended",
        Action::Pause(_) => "pause",
        Action::Tell(LineMessage::ClaimAccepted { kept: true, .. }) => "accepted",
        Action::Tell(LineMessage::ClaimAccepted { kept: false, .. }) => "not kept",
        Action::Tell(LineMessage::ClaimStarted { .. }) => "started",
        _ => "something else",
    }
}

fn let_go(gate: &mut Gate, now: u64) -> Vec<&'static str> {
    std::iter::from_fn(|| gate.next(at(now))).map(|action| kind(&action)).collect()
}

#[test]
fn nothing_is_held_while_all_is_safe() {
    let mut gate = unsafe_gate();
    gate.progressed(safe(1));
    assert!(matches!(gate.put(at(0), grant(1)), Passage::Now(_)));
    assert!(matches!(gate.put(at(0), taken_in()), Passage::Now(_)));
    assert_eq!(gate.next_timeout(), None);
}

#[test]
fn a_slow_disk_holds_acceptances_and_what_was_let_go_before_it_was_safe_is_told_once() {
    let mut gate = unsafe_gate();
    for action in [answer(News::Accepted), taken_in(), grant(1), started()] {
        assert!(matches!(gate.put(at(0), action), Passage::Held));
    }
    assert!(let_go(&mut gate, 49).is_empty() && !gate.take_degraded());
    assert_eq!(let_go(&mut gate, 50), ["grant"]);
    assert!(gate.take_degraded() && !gate.take_degraded());
    gate.progressed(safe(1));
    assert_eq!(let_go(&mut gate, 60), ["accepted", "accepted", "started"]);
    assert!(!gate.take_degraded());
}

#[test]
fn a_disk_that_fails_breaks_promises_to_programs_and_the_brain_is_told_that_its_claim_is_not_kept()
{
    let mut gate = unsafe_gate();
    for action in [answer(News::Accepted), taken_in(), grant(1), started()] {
        gate.put(at(0), action);
    }
    gate.progressed(FAILING);
    assert_eq!(gate.take_broken_promises().len(), 1);
    assert_eq!(let_go(&mut gate, 0), ["not kept", "grant", "started"]);
    gate.put(at(1), taken_in());
    gate.put(at(1), grant(2));
    assert_eq!(let_go(&mut gate, 1), ["not kept", "grant"], "and so it stays until it is written");
}

#[test]
fn an_ending_is_not_told_before_the_acceptance() {
    let ended = || News::Ended { ending: "spoken".into(), reason: None, heard: "hello".into() };
    let mut gate = unsafe_gate();
    gate.put(at(0), answer(News::Accepted));
    gate.put(at(10), answer(ended()));
    gate.progressed(safe(1));
    assert_eq!(let_go(&mut gate, 10), ["accepted", "ended"]);
    gate.written(2);
    gate.put(at(20), answer(News::Accepted));
    gate.put(at(30), answer(ended()));
    assert_eq!(let_go(&mut gate, 80), ["ended"], "and then there is nothing to promise");
}

#[test]
fn a_brain_that_is_gone_is_not_told_what_waited_for_it() {
    let mut gate = unsafe_gate();
    gate.put(at(0), taken_in());
    gate.put(at(0), grant(1));
    gate.brain_gone();
    assert_eq!(let_go(&mut gate, 5_000), ["grant"]);
}

#[test]
fn a_revoke_does_not_wait_and_takes_a_grant_that_waits_with_it() {
    let mut gate = unsafe_gate();
    assert!(matches!(gate.put(at(0), Action::Revoke(Generation(1))), Passage::Now(_)));
    gate.put(at(0), grant(2));
    gate.put(at(0), Action::Pause(Generation(2)));
    let revoked = gate.put(at(1), Action::Revoke(Generation(2)));
    assert!(matches!(revoked, Passage::NeverGranted(Generation(2))));
    gate.progressed(safe(1));
    assert!(let_go(&mut gate, 1).is_empty());
}

#[test]
fn a_pause_stays_behind_its_grant() {
    let mut gate = unsafe_gate();
    gate.put(at(0), grant(1));
    assert!(matches!(gate.put(at(1), Action::Pause(Generation(1))), Passage::Held));
    gate.progressed(safe(1));
    assert_eq!(let_go(&mut gate, 2), ["grant", "pause"]);
}

#[test]
fn what_was_told_not_to_be_taken_in_is_written_so_unless_it_was_heard() {
    let ended = |id: &str, remember_until| Record::Ended {
        claim: ClaimId::new(id),
        ending: Ending::Withdrawn,
        heard: Heard::default(),
        remember_until,
    };
    let mut gate = Gate::default();
    gate.broke(ClaimId::new("broken"));
    gate.broke(ClaimId::new("heard"));
    let mut written = |id, until| match gate.truly(ended(id, until)) {
        Record::Ended { ending, .. } => ending,
        record => panic!("{record:?}"),
    };
    assert_eq!(written("broken", None), Ending::Refused(RefusalReason::NotKept));
    assert_eq!(written("broken", None), Ending::Withdrawn, "another one of its name");
    assert_eq!(written("heard", Some(at(9))), Ending::Withdrawn);
    assert_eq!(written("kept", None), Ending::Withdrawn);
}
