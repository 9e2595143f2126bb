//! What reaches a conversation from outside of it: other programs, the house, the operator.

use brain_protocol::LineMessage;
use media_core::MonoTime;
use queue_governor::{Briefing, Claim, ClaimId, Input, RefusalReason, Unfinished};

use super::conversation::{Conversation, Origin};
use super::labels;
use crate::report::CallEvent;

/// Why the brain did not hear the operator's whisper.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotWhispered {
    /// Nobody there who could hear it.
    #[error(
        "the agent does not listen at present: its brain is away, or the call is just being answered; whisper again"
    )]
    BrainAway,
    /// It is none.
    #[error(transparent)]
    Refused(#[from] RefusalReason),
    /// Nobody to talk about.
    #[error("the call is over")]
    Closed,
}

impl Conversation {
    /// Another program wants something said. Its fate comes as [`Action::Answer`].
    pub fn submit(&mut self, now: MonoTime, claim: Claim) {
        self.submit_from(now, claim, Origin::Outside);
    }

    /// What an earlier call left unfinished is said here. Its ending comes as [`Action::Answer`].
    pub fn carry_over(&mut self, now: MonoTime, unfinished: Unfinished) {
        self.know(&unfinished.claim, Origin::Outside);
        let (id, source) = (unfinished.claim.id.clone(), unfinished.claim.source);
        let text = unfinished.claim.content.words().to_owned();
        let accepted = CallEvent::ClaimAccepted {
            claim: id.to_string(),
            source: labels::source(source),
            turn: None,
            text,
        };
        self.record(now, accepted);
        self.govern(now, Input::CarryOver(unfinished));
    }

    /// Whoever handed it in takes it back. Unknown names are ignored.
    pub fn withdraw(&mut self, now: MonoTime, id: ClaimId) {
        self.govern(now, Input::Withdraw(id));
    }

    /// Nothing is said for other programs until it is `false` again.
    pub fn hold_external(&mut self, now: MonoTime, hold: bool) {
        self.govern(now, Input::HoldExternal(hold));
    }

    /// The operator says something to the brain that the caller does not hear.
    ///
    /// # Errors
    /// [`NotWhispered`]: then the brain was not told, and the operator is to know.
    pub fn whisper(&mut self, now: MonoTime, text: String) -> Result<(), NotWhispered> {
        if self.is_closed() {
            return Err(NotWhispered::Closed);
        }
        if !self.brain_is_up {
            return Err(NotWhispered::BrainAway);
        }
        self.govern(now, Input::OperatorWhisper(text));
        self.whisper_refused.take().map_or(Ok(()), |reason| Err(NotWhispered::Refused(reason)))
    }

    /// What the governor has for the brain alone.
    pub(super) fn brief(&mut self, now: MonoTime, briefing: Briefing) {
        let line = self.brain_line();
        let message = match briefing {
            Briefing::OperatorTook => {
                self.operator_has_the_floor = true;
                LineMessage::OperatorTook { line }
            }
            Briefing::OperatorReleased => {
                self.operator_has_the_floor = false;
                LineMessage::OperatorReleased { line }
            }
            Briefing::Whisper(text) => {
                let note = format!("the operator whispers to the agent: {text}");
                self.record(now, CallEvent::Note { text: note });
                LineMessage::OperatorWhisper { line, text }
            }
            Briefing::OperatorSaid(text) => return self.operator_said(now, text),
        };
        self.tell(message);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lane_broker::{Limits, MemoryStore};
    use media_core::LineId;
    use queue_governor::{GovernorConfig, Source};

    use super::*;
    use crate::config::ClaimDefaults;
    use crate::line::action::{Action, News};
    use crate::line::conversation::ConversationConfig;

    fn answered(now: MonoTime) -> Conversation {
        let config = ConversationConfig {
            line: LineId(1),
            caller: "caller".into(),
            called: "agent".into(),
            identity: sip_bridge::CallerIdentity::default(),
            answered: now,
            away_text: "One moment please.".into(),
            governor: GovernorConfig::default(),
            defaults: ClaimDefaults::default(),
        };
        Conversation::new(config, Arc::new(MemoryStore::new(Limits::default())))
    }

    fn told(conversation: &mut Conversation, of: &str) -> Vec<News> {
        let mut told = Vec::new();
        while let Some(action) = conversation.poll_action() {
            match action {
                Action::Answer { claim, news } if claim.as_str() == of => told.push(news),
                _ => {}
            }
        }
        told
    }

    #[test]
    fn what_finds_the_governor_full_may_come_again_and_what_is_wrong_may_not() {
        let now = MonoTime::from_millis(1_000);
        let mut call = answered(now);
        call.hold_external(now, true);
        for n in 0..33 {
            let claim = Claim::text(format!("say-{n}"), Source::External, format!("Message {n}."));
            call.submit(now, claim);
        }
        let last = told(&mut call, "say-32");
        assert!(matches!(last.as_slice(), [News::NotNow { .. }]), "{last:?}");
        call.submit(now, Claim::text("say-empty", Source::External, ""));
        let empty = told(&mut call, "say-empty");
        assert!(matches!(empty.as_slice(), [News::Ended { .. }]), "{empty:?}");
    }
}
