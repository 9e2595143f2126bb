//! What must wait until the journal is safe. Pure.
//!
//! Records go to the journal at once and are counted. What the governor says after a record may
//! follow only when that record is safe, or its time to be late is over: a caller is not kept
//! waiting for a disk. Two things are never held back: a revoke, and a claim's acknowledgement to
//! another program is never let go before it is safe.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use media_core::{Generation, MonoTime};
use queue_governor::{ClaimId, Ending, Record, RefusalReason};

use super::action::{Action, News};
use crate::durable::Progress;

/// A grant or an answer waits no longer for the disk than this; then it goes on, and what was not
/// safe is told.
const LATE: Duration = Duration::from_millis(50);

#[derive(Default)]
pub(super) struct Gate {
    held: VecDeque<Held>,
    issued: u64,
    progress: Progress,
    /// Whether something was let go before it was safe, since the last time that all was.
    degraded: bool,
    /// Live claims that the governor took in and whoever handed them in was told were not. Bounded
    /// by the claims that it takes.
    broken: BTreeSet<ClaimId>,
}

struct Held {
    action: Action,
    /// The record that must be safe first.
    after: u64,
    since: MonoTime,
}

/// What comes of an action at the gate.
#[expect(clippy::large_enum_variant, reason = "nearly every action passes, and none is kept")]
pub(super) enum Passage {
    /// Carry it out now.
    Now(Action),
    /// It waits.
    Held,
    /// A grant that was held was taken back before anything of it was heard.
    NeverGranted(Generation),
}

impl Gate {
    /// A record was handed to the journal under this number.
    pub fn written(&mut self, number: u64) {
        self.issued = number;
    }

    /// The journal says how far it is.
    pub fn progressed(&mut self, progress: Progress) {
        self.progress = progress;
    }

    pub fn put(&mut self, now: MonoTime, action: Action) -> Passage {
        match &action {
            Action::Revoke(generation) => match self.take_grant(*generation) {
                true => Passage::NeverGranted(*generation),
                false => Passage::Now(action),
            },
            // Behind its grant, if that waits; else at once.
            Action::Pause(generation) | Action::Resume(generation) => {
                if self.grant_waits(*generation) {
                    self.hold(now, action)
                } else {
                    Passage::Now(action)
                }
            }
            Action::Grant { .. } | Action::Tell(_) | Action::Answer { .. } => {
                let safe = self.progress.durable >= self.issued;
                let goes_on = safe || (self.progress.failing && !is_acceptance(&action));
                if goes_on && self.held.is_empty() {
                    self.degraded |= !safe;
                    return Passage::Now(action);
                }
                self.hold(now, action)
            }
            Action::Journal(_)
            | Action::Record { .. }
            | Action::Log(_)
            | Action::Transfer(_)
            | Action::HangUp { .. } => Passage::Now(action),
        }
    }

    /// The next action that need not wait any more.
    pub fn next(&mut self, now: MonoTime) -> Option<Action> {
        let Progress { durable, failing } = self.progress;
        let ready = |held: &Held| {
            let late = failing || now >= held.since + LATE;
            held.after <= durable || (late && !is_acceptance(&held.action))
        };
        // What waits for safety alone does not keep the others.
        let at = self.held.iter().position(ready)?;
        let held = self.held.remove(at)?;
        self.degraded |= held.after > durable;
        Some(held.action)
    }

    /// Acknowledgements that the journal, as it fails, cannot make true.
    pub fn take_broken_promises(&mut self) -> Vec<Action> {
        if !self.progress.failing {
            return Vec::new();
        }
        let (broken, held) =
            self.held.drain(..).partition::<VecDeque<_>, _>(|held| is_acceptance(&held.action));
        self.held = held;
        broken.into_iter().map(|held| held.action).collect()
    }

    /// Whoever handed this in is told that it was not taken in.
    pub fn broke(&mut self, claim: ClaimId) {
        self.broken.insert(claim);
    }

    /// The record as it is to be written: what was told not to have been taken in, and of which
    /// nothing was heard, was not. Its name is then free for who hands it in again.
    pub fn truly(&mut self, mut record: Record) -> Record {
        if let Record::Ended { claim, ending, remember_until, .. } = &mut record
            && self.broken.remove(claim)
            && remember_until.is_none()
        {
            *ending = Ending::Refused(RefusalReason::NotKept);
        }
        record
    }

    /// Whether something was let go before it was safe; once for each time.
    pub fn take_degraded(&mut self) -> bool {
        core::mem::take(&mut self.degraded)
    }

    pub fn next_timeout(&self) -> Option<MonoTime> {
        let bounded = self.held.iter().filter(|held| !is_acceptance(&held.action));
        bounded.map(|held| held.since + LATE).min()
    }

    fn hold(&mut self, since: MonoTime, action: Action) -> Passage {
        self.held.push_back(Held { action, after: self.issued, since });
        Passage::Held
    }

    fn grant_waits(&self, generation: Generation) -> bool {
        self.held.iter().any(|held| is_about(&held.action, generation))
    }

    /// Takes the grant and whatever pauses or resumes it out of those that wait.
    fn take_grant(&mut self, generation: Generation) -> bool {
        let before = self.held.len();
        self.held.retain(|held| !is_about(&held.action, generation));
        self.held.len() < before
    }
}

fn is_about(action: &Action, wanted: Generation) -> bool {
    match action {
        Action::Grant { generation, .. }
        | Action::Pause(generation)
        | Action::Resume(generation) => *generation == wanted,
        _ => false,
    }
}

fn is_acceptance(action: &Action) -> bool {
    matches!(action, Action::Answer { news: News::Accepted, .. })
}

#[cfg(test)]
mod tests {
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

    fn accepted() -> Action {
        Action::Answer { claim: ClaimId::new("say-1"), news: News::Accepted }
    }

    fn safe(durable: u64) -> Progress {
        Progress { durable, failing: false }
    }

    /// A gate behind which the first record is not safe yet.
    fn unsafe_gate() -> Gate {
        let mut gate = Gate::default();
        gate.written(1);
        gate
    }

    fn kind(action: Option<Action>) -> &'static str {
        match action {
            None => "nothing",
            Some(Action::Grant { .. }) => "grant",
            Some(Action::Answer { .. }) => "acceptance",
            Some(Action::Pause(_)) => "pause",
            Some(_) => "something else",
        }
    }

    #[test]
    fn nothing_is_held_while_all_is_safe() {
        let mut gate = unsafe_gate();
        gate.progressed(safe(1));
        assert!(matches!(gate.put(at(0), grant(1)), Passage::Now(_)));
        assert_eq!(gate.next_timeout(), None);
    }

    #[test]
    fn a_grant_and_an_acceptance_wait_for_the_record_before_them_in_order() {
        let mut gate = unsafe_gate();
        assert!(matches!(gate.put(at(0), accepted()), Passage::Held));
        assert!(matches!(gate.put(at(0), grant(1)), Passage::Held));
        assert_eq!(kind(gate.next(at(10))), "nothing");
        gate.written(2);
        gate.progressed(safe(1));
        assert_eq!(kind(gate.next(at(10))), "acceptance");
        assert_eq!(kind(gate.next(at(10))), "grant");
        assert!(!gate.take_degraded());
    }

    #[test]
    fn a_slow_disk_keeps_the_caller_waiting_for_50_ms_and_no_longer() {
        let mut gate = unsafe_gate();
        gate.put(at(0), accepted());
        gate.put(at(0), grant(1));
        assert_eq!(gate.next_timeout(), Some(at(50)));
        assert_eq!(kind(gate.next(at(49))), "nothing");
        assert_eq!(kind(gate.next(at(50))), "grant");
        assert!(gate.take_degraded() && !gate.take_degraded());
        assert_eq!(kind(gate.next(at(10_000))), "nothing", "a promise waits until it is true");
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
        assert_eq!(kind(gate.next(at(1))), "nothing");
    }

    #[test]
    fn a_pause_stays_behind_its_grant() {
        let mut gate = unsafe_gate();
        gate.put(at(0), grant(1));
        assert!(matches!(gate.put(at(1), Action::Pause(Generation(1))), Passage::Held));
        gate.progressed(safe(1));
        assert_eq!(kind(gate.next(at(2))), "grant");
        assert_eq!(kind(gate.next(at(2))), "pause");
    }

    #[test]
    fn a_disk_that_fails_breaks_promises_and_holds_up_nothing_else() {
        let mut gate = unsafe_gate();
        gate.put(at(0), accepted());
        gate.put(at(0), grant(1));
        gate.progressed(Progress { durable: 0, failing: true });
        assert_eq!(gate.take_broken_promises().len(), 1);
        assert_eq!(kind(gate.next(at(0))), "grant");
        assert!(matches!(gate.put(at(0), grant(2)), Passage::Now(_)));
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
}
