//! Between line and brain: turns out, claims in, and what happens while the brain is away.

use std::time::Duration;

use brain_protocol::{
    Attestation, BrainMessage, Caller, Diversion, LineMessage, OnInterrupt as Policy, Say,
    Source as Mind,
};
use media_core::MonoTime;
use queue_governor::{Claim, ClaimId, Input, OnInterrupt, Source, Tag, TurnId};
use sip_bridge::{CallerIdentity, HangupReason};

use super::action::Action;
use super::backlog::Turn;
use super::conversation::{Conversation, Origin};
use crate::config::ClaimDefaults;
use crate::report::CallEvent;
use crate::say::named;

impl Conversation {
    /// A brain has said hello. It is told of the call and given what the caller said meanwhile.
    pub fn brain_up(&mut self, now: MonoTime, pid: Option<u32>) {
        if !self.established || core::mem::replace(&mut self.brain_is_up, true) {
            return;
        }
        self.away_said = false;
        self.brain_due = None;
        self.record(now, CallEvent::BrainUp { pid });
        let resumed = core::mem::replace(&mut self.brain_knows_line, true);
        let pending = self.backlog.take();
        self.tell(LineMessage::LineOpened {
            line: self.brain_line(),
            caller: self.config.caller.clone(),
            called: self.config.called.clone(),
            identity: Some(Box::new(caller_of(&self.config.identity))),
            resumed,
            backlog: u32::try_from(pending.len()).unwrap_or(u32::MAX),
            at_ms: now.as_micros() / 1_000,
            outbound: self.context.outbound,
            redial: self.context.redial.clone(),
        });
        if self.operator_has_the_floor {
            // An earlier brain was told; this one was not.
            self.tell(LineMessage::OperatorTook { line: self.brain_line() });
        }
        self.tell_what_was_said(now, pending);
    }

    /// The brain is gone. The line stays.
    pub fn brain_down(&mut self, now: MonoTime, reason: &str) {
        self.brain_is_up = false;
        self.backlog.brain_gone();
        self.record(now, CallEvent::BrainDown { reason: reason.to_owned() });
    }

    /// A turn did not get through: it goes back into the lane, and out again with the next one or
    /// to the next brain.
    pub fn turn_not_taken(&mut self) {
        self.backlog.brain_gone();
    }

    /// The brain says something about this line.
    pub fn brain(&mut self, now: MonoTime, message: BrainMessage) {
        match message {
            BrainMessage::Say(say) => {
                let mut claim = claim_of(say, &self.config.defaults);
                // What was said to this caller is nobody else's, should the call end before it.
                claim.to =
                    claim.must_deliver.then(|| named(&self.config.caller, &self.config.identity));
                self.submit_from(now, claim, Origin::Brain);
            }
            BrainMessage::Withdraw { claim, .. } => {
                self.govern(now, Input::Withdraw(ClaimId::new(claim.as_str())));
            }
            BrainMessage::HangUp { after, .. } => self.hang_up(after.as_ref()),
            BrainMessage::Transfer { to, to_line, after, .. } => {
                self.transfer(to, to_line, after.as_ref());
            }
            BrainMessage::TurnDone { turn, position, .. } => {
                self.figures.dead_air.brain_is_done(now, TurnId(turn.0));
                self.backlog.acknowledge(position.0);
            }
            BrainMessage::JobStarted { job, label, .. } => {
                self.record(now, CallEvent::JobStarted { job: job.to_string(), label });
            }
            BrainMessage::JobFinished { job, outcome, .. } => {
                let outcome = format!("{outcome:?}").to_lowercase();
                self.record(now, CallEvent::JobFinished { job: job.to_string(), outcome });
            }
            // Not about a line.
            BrainMessage::Hello { .. }
            | BrainMessage::Dial { .. }
            | BrainMessage::Send(_)
            | BrainMessage::TextDone { .. }
            | BrainMessage::Pong { .. } => {}
        }
    }

    /// What the caller said goes into the lane first, and from there to the brain.
    pub(super) fn hand_to_brain(
        &mut self,
        now: MonoTime,
        turn: u64,
        (text, speaker): (String, Option<String>),
        barged_in: bool,
    ) {
        let at_ms = now.as_micros() / 1_000;
        let turn = Turn { turn, text, speaker, barged_in, at_ms, position: 0, replayed: false };
        let kept = self.backlog.publish(&turn);
        if !kept {
            let text = "the lane is full: this turn is not kept for a later brain".to_owned();
            self.record(now, CallEvent::Note { text });
        }
        match (self.brain_is_up, kept) {
            (true, true) => {
                for turn in self.backlog.take() {
                    self.send_turn(now, turn);
                }
            }
            (true, false) => self.send_turn(now, turn),
            // Before the ACK no brain was asked; afterwards one that does not come is noticed.
            (false, _) if !self.established => {}
            (false, _) => self.say_that_the_brain_is_away(now),
        }
    }

    pub(super) fn send_turn(&mut self, now: MonoTime, turn: Turn) {
        let replayed = turn.replayed;
        self.record(now, CallEvent::TurnSent { turn: turn.turn, replayed });
        self.tell(LineMessage::CallerTurn {
            line: self.brain_line(),
            turn: brain_protocol::TurnId(turn.turn),
            position: brain_protocol::Position(turn.position),
            text: turn.text,
            at_ms: turn.at_ms,
            barged_in: turn.barged_in,
            replayed,
            speaker: turn.speaker,
        });
    }

    fn hang_up(&mut self, after: Option<&brain_protocol::ClaimId>) {
        let after = after.map(|claim| ClaimId::new(claim.as_str()));
        match after.filter(|claim| self.claims.contains_key(claim)) {
            Some(claim) => self.hang_up_after = Some(claim),
            None => {
                let (after, reason) = (Duration::ZERO, HangupReason::Normal);
                self.actions.push_back(Action::HangUp { after, reason });
            }
        }
    }
}

/// What the brain is told of who calls.
fn caller_of(identity: &CallerIdentity) -> Caller {
    use sip_bridge::Attestation as Sip;
    Caller {
        attestation: match identity.attestation {
            Sip::Full => Attestation::Full,
            Sip::Partial => Attestation::Partial,
            Sip::Gateway => Attestation::Gateway,
            Sip::Passed => Attestation::Passed,
            Sip::Failed => Attestation::Failed,
            Sip::Unverified => Attestation::Unverified,
        },
        asserted: identity.asserted.is_some(),
        withheld: identity.withheld,
        name: identity.name.clone(),
        diversions: identity
            .diversions
            .iter()
            .map(|it| Diversion { from: it.from.clone(), reason: it.reason.clone() })
            .collect(),
        headers: identity.headers.iter().cloned().collect(),
    }
}

fn claim_of(say: Say, defaults: &ClaimDefaults) -> Claim {
    let source = match say.source {
        Mind::Responder => Source::Responder,
        Mind::Worker => Source::Worker,
    };
    let ttl = say.ttl_ms.map(Duration::from_millis);
    Claim {
        tag: Tag::new(say.tag),
        turn: say.turn.map(|turn| TurnId(turn.0)),
        priority: say.priority,
        ttl: ttl.or(defaults.ttl(source, say.must_deliver)),
        must_deliver: say.must_deliver,
        uninterruptible: say.uninterruptible,
        supersedes: say.supersedes.map(|claim| ClaimId::new(claim.as_str())),
        dedup_key: say.dedup_key,
        on_interrupt: match say.on_interrupt {
            Some(Policy::Drop) => OnInterrupt::Drop,
            Some(Policy::Resume) => OnInterrupt::Resume,
            Some(Policy::Restate) => OnInterrupt::Restate,
            None => defaults.on_interrupt(source),
        },
        ..Claim::text(say.claim.as_str(), source, say.text)
    }
}
