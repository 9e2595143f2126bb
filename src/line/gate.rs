//! What must wait until the journal is safe. Pure.
//!
//! Records go to the journal at once and are counted. What the governor says after a record is held
//! back as [`HoldBack`] says. A revoke never is.

use std::collections::BTreeSet;

use brain_protocol::LineMessage;
use media_core::{Generation, MonoTime};
use queue_governor::{ClaimId, Ending, Record, RefusalReason};

use super::action::{Action, News};
use crate::durable::{HoldBack, Kind, LetGo, Progress};

#[derive(Default)]
pub(super) struct Gate {
    held: HoldBack<Action>,
    /// Whether something was let go before it was safe, since the last time that all was.
    degraded: bool,
    /// Live claims that the governor took in and whoever handed them in was told were not. Bounded
    /// by the claims that it takes.
    broken: BTreeSet<ClaimId>,
}

/// What comes of an action at the gate.
#[expect(clippy::large_enum_variant, reason = "nearly every action passes, and none is kept")]
pub(super) enum Passage {
    /// Carry it out now.
    Now(Action),
    /// It waits; [`Gate::next`] gives it.
    Held,
    /// A grant that was held was taken back before anything of it was heard.
    NeverGranted(Generation),
}

impl Gate {
    /// A record was handed to the journal under this number.
    pub fn written(&mut self, number: u64) {
        self.held.written(number);
    }

    /// The journal says how far it is.
    pub fn progressed(&mut self, progress: Progress) {
        self.held.progressed(progress);
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
                if self.held.is_clear() {
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
        let LetGo { item, safe } = self.held.next(now)?;
        self.degraded |= !safe;
        Some(if safe { item } else { as_not_kept(item) })
    }

    /// Acknowledgements that the journal, as it fails, cannot make true.
    pub fn take_broken_promises(&mut self) -> Vec<Action> {
        self.held.take_broken()
    }

    /// Nobody is there to be told what still waits for the brain that is gone.
    pub fn brain_gone(&mut self) {
        self.held.forget(|action| matches!(action, Action::Tell(_)));
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
        self.held.next_timeout()
    }

    fn hold(&mut self, now: MonoTime, action: Action) -> Passage {
        let (kind, claim) = nature_of(&action);
        self.held.hold(now, kind, claim, action);
        Passage::Held
    }

    fn grant_waits(&self, generation: Generation) -> bool {
        self.held.any(|action| is_about(action, generation))
    }

    /// Takes the grant and whatever pauses or resumes it out of those that wait.
    fn take_grant(&mut self, generation: Generation) -> bool {
        self.held.forget(|action| is_about(action, generation))
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

/// What an action that waits is to the journal, and what it tells of.
fn nature_of(action: &Action) -> (Kind, Option<ClaimId>) {
    match action {
        Action::Answer { claim, news: News::Accepted } => (Kind::Promise, Some(claim.clone())),
        Action::Answer { claim, .. } => (Kind::Ending, Some(claim.clone())),
        Action::Tell(message) => match message {
            LineMessage::ClaimAccepted { claim, .. } => (Kind::PromiseToTheBrain, named(claim)),
            LineMessage::ClaimStarted { claim, .. } => (Kind::Follows, named(claim)),
            LineMessage::ClaimEnded { claim, .. } => (Kind::Ending, named(claim)),
            LineMessage::LineClosed { .. } => (Kind::Goodbye, None),
            _ => (Kind::Follows, None),
        },
        _ => (Kind::Follows, None),
    }
}

fn named(claim: &brain_protocol::ClaimId) -> Option<ClaimId> {
    Some(ClaimId::new(claim.as_str()))
}

/// What is told before it is safe says so where it would promise otherwise.
fn as_not_kept(action: Action) -> Action {
    match action {
        Action::Tell(LineMessage::ClaimAccepted { line, claim, .. }) => {
            Action::Tell(LineMessage::ClaimAccepted { line, claim, kept: false })
        }
        action => action,
    }
}

#[cfg(test)]
mod tests;
