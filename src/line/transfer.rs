//! Putting the caller through, and somebody else coming on the line.

use brain_protocol::{LineMessage, TransferOutcome};
use media_core::{LineId, MonoTime};
use queue_governor::ClaimId;

use super::action::Action;
use super::conversation::Conversation;
use crate::report::CallEvent;

/// Whom the caller is put through to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferTo {
    /// This number, if it may be called.
    Number(String),
    /// The caller of this line.
    Line(LineId),
}

impl Conversation {
    /// The brain wants the caller put through, now or when `after` has ended.
    pub(super) fn transfer(
        &mut self,
        to: Option<String>,
        to_line: Option<brain_protocol::LineId>,
        after: Option<&brain_protocol::ClaimId>,
    ) {
        let to = match (to, to_line) {
            (Some(number), None) => TransferTo::Number(number),
            (None, Some(line)) => TransferTo::Line(LineId(line.0)),
            _ => {
                let reason = Some("name either a number (to) or a line (to_line)".to_owned());
                return self.tell_transfer(TransferOutcome::Failed, reason);
            }
        };
        let after = after.map(|claim| ClaimId::new(claim.as_str()));
        match after.filter(|claim| self.claims.contains_key(claim)) {
            Some(claim) => self.transfer_after = Some((claim, to)),
            None => self.actions.push_back(Action::Transfer(to)),
        }
    }

    /// A claim has ended: what waited for it is done.
    pub(super) fn transfer_that_waited(&mut self, claim: &ClaimId) {
        if let Some((_, to)) = self.transfer_after.take_if(|(after, _)| after == claim) {
            self.actions.push_back(Action::Transfer(to));
        }
    }

    /// What became of a transfer. The brain is told.
    pub fn transfer_ended(
        &mut self,
        now: MonoTime,
        outcome: TransferOutcome,
        reason: Option<String>,
    ) {
        let why = reason.as_deref().unwrap_or_default();
        let text = format!("transfer: {outcome:?} {why}").trim_end().to_lowercase();
        self.record(now, CallEvent::Note { text });
        self.tell_transfer(outcome, reason);
    }

    /// Somebody else is on the line now. The brain is told.
    pub fn moved(&mut self, now: MonoTime, caller: String) {
        self.record(
            now,
            CallEvent::Note { text: "the caller was put through to us by another".into() },
        );
        self.config.caller = caller.clone();
        self.config.identity =
            sip_bridge::CallerIdentity { from: caller.clone(), ..Default::default() };
        let line = self.brain_line();
        self.tell(LineMessage::CallerChanged { line, caller });
    }

    fn tell_transfer(&mut self, outcome: TransferOutcome, reason: Option<String>) {
        let line = self.brain_line();
        self.tell(LineMessage::TransferEnded { line, outcome, reason });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use brain_protocol::{Attestation, BrainMessage};
    use lane_broker::{Limits, MemoryStore};
    use queue_governor::GovernorConfig;
    use sip_bridge::CallerIdentity;

    use super::*;
    use crate::config::ClaimDefaults;
    use crate::line::conversation::ConversationConfig;

    const LINE: brain_protocol::LineId = brain_protocol::LineId(1);

    /// A call that is answered, of somebody for whom the network vouches.
    fn answered(now: MonoTime) -> Conversation {
        let config = ConversationConfig {
            line: LineId(1),
            caller: "+15550100".into(),
            called: "agent".into(),
            identity: CallerIdentity {
                from: "+15550100".into(),
                attestation: sip_bridge::Attestation::Full,
                ..CallerIdentity::default()
            },
            answered: now,
            away_text: "One moment please.".into(),
            governor: GovernorConfig::default(),
            defaults: ClaimDefaults::default(),
        };
        let mut call = Conversation::new(config, Arc::new(MemoryStore::new(Limits::default())));
        call.established(now, true);
        call
    }

    fn told(call: &mut Conversation) -> (Vec<LineMessage>, Vec<TransferTo>) {
        let (mut told, mut wanted) = (Vec::new(), Vec::new());
        while let Some(action) = call.poll_action() {
            match action {
                Action::Tell(message) => told.push(message),
                Action::Transfer(to) => wanted.push(to),
                _ => {}
            }
        }
        (told, wanted)
    }

    fn transfer(to: Option<&str>, to_line: Option<u64>) -> BrainMessage {
        let (to, to_line) = (to.map(str::to_owned), to_line.map(brain_protocol::LineId));
        BrainMessage::Transfer { line: LINE, to, to_line, after: None }
    }

    #[test]
    fn the_brain_is_told_how_far_the_network_vouches_for_the_caller() {
        let mut call = answered(MonoTime::from_millis(1_000));
        let (told, _) = told(&mut call);
        let identity = told.iter().find_map(|message| match message {
            LineMessage::LineOpened { identity, .. } => identity.as_deref(),
            _ => None,
        });
        assert_eq!(identity.map(|it| it.attestation), Some(Attestation::Full));
    }

    #[test]
    fn a_transfer_names_one_target_and_what_became_of_it_is_told() {
        let now = MonoTime::from_millis(1_000);
        let mut call = answered(now);
        told(&mut call);
        call.brain(now, transfer(Some("+15550199"), None));
        call.brain(now, transfer(None, Some(7)));
        let (_, wanted) = told(&mut call);
        assert_eq!(wanted, [TransferTo::Number("+15550199".into()), TransferTo::Line(LineId(7))]);
        for unclear in [transfer(None, None), transfer(Some("1"), Some(2))] {
            call.brain(now, unclear);
            let (told, wanted) = told(&mut call);
            let failed = |message: &LineMessage| {
                let outcome = TransferOutcome::Failed;
                matches!(message, LineMessage::TransferEnded { outcome: it, .. } if *it == outcome)
            };
            assert!(wanted.is_empty() && told.iter().any(failed), "{told:?}");
        }
    }

    #[test]
    fn who_is_put_through_to_us_is_somebody_for_whom_nobody_vouches_yet() {
        let now = MonoTime::from_millis(1_000);
        let mut call = answered(now);
        told(&mut call);
        call.moved(now, "+15550142".into());
        let (told, _) = told(&mut call);
        let changed = |message: &LineMessage| matches!(message, LineMessage::CallerChanged { caller, .. } if caller == "+15550142");
        assert!(told.iter().any(changed), "{told:?}");
        assert_eq!(call.config.identity.attestation, sip_bridge::Attestation::Unverified);
    }
}
