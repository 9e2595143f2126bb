//! What reaches a conversation from outside of it: other programs, the house, the operator.

use brain_protocol::LineMessage;
use media_core::MonoTime;
use queue_governor::{Claim, ClaimId, Input, Unfinished};

use super::conversation::{Conversation, Origin};
use super::labels;
use crate::report::CallEvent;

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

    /// The operator takes the floor; the brain is told.
    pub fn operator_takes(&mut self, now: MonoTime) {
        self.govern(now, Input::OperatorTake);
        let line = self.brain_line();
        self.tell(LineMessage::OperatorTook { line });
    }

    /// The operator hands the floor back; the brain is told.
    pub fn operator_releases(&mut self, now: MonoTime) {
        self.govern(now, Input::OperatorRelease);
        let line = self.brain_line();
        self.tell(LineMessage::OperatorReleased { line });
    }
}
