//! Transfers: the other side puts its call through to somebody else, or the brain does.

use brain_protocol::TransferOutcome;
use media_core::{LineId, NegotiatedMedia};
use sip_bridge::outbound::OutboundRefusal;
use sip_bridge::{CallId, HangupReason, ReferTarget, Replaces, TransferResult};

use super::{Carrier, Desk, OpenCall, What};
use crate::line::{LineInput, TransferTo};

impl Desk {
    pub(super) fn grant_wish(&mut self, line: LineId, what: What) {
        match (what, self.call_of(line)) {
            (What::GoesOn, _) => self.goes_on(line),
            (What::HangUp(reason), Some(call)) => self.bridge.hangup(call, reason),
            (What::HangUp(reason), None) => self.end_door(line, reason),
            (What::Transfer(to), Some(call)) => self.put_through(call, to),
            (What::Transfer(_), None) => self.cannot_put_through(line),
        }
    }

    /// The brain wants its caller put through. The number passes the gate of every call out.
    fn put_through(&mut self, call: CallId, to: TransferTo) {
        let target = match to {
            TransferTo::Number(number) => match self.may_transfer_to(&number) {
                Ok(number) => ReferTarget::Number(number),
                Err(refusal) => {
                    tracing::warn!(%call, %refusal, "a transfer is refused");
                    let why = Some(refusal.to_string());
                    return self.tell_transfer(call, TransferOutcome::Refused, why);
                }
            },
            TransferTo::Line(line) => match self.call_of(line) {
                Some(other) => ReferTarget::Call(other),
                None => {
                    let why = Some(format!("line {line} has no call"));
                    return self.tell_transfer(call, TransferOutcome::Failed, why);
                }
            },
        };
        self.bridge.refer(call, target);
    }

    /// What became of it.
    pub(super) fn transfer_ended(&mut self, call: CallId, result: TransferResult) {
        let (outcome, why) = match result {
            TransferResult::Done => (TransferOutcome::Done, None),
            TransferResult::Unreported => (TransferOutcome::Unreported, None),
            TransferResult::Refused(status) => (TransferOutcome::Failed, Some(status.to_string())),
            TransferResult::Unanswered => {
                (TransferOutcome::Failed, Some("the other side did not answer".to_owned()))
            }
            TransferResult::Impossible => {
                let why = "there is no call to transfer, it is not on the same trunk, or a transfer is under way";
                (TransferOutcome::Failed, Some(why.to_owned()))
            }
        };
        self.tell_transfer(call, outcome, why);
    }

    fn tell_transfer(&self, call: CallId, outcome: TransferOutcome, why: Option<String>) {
        if let Some(OpenCall { carrier: Carrier::Agent(line), .. }) = self.calls.get(&call) {
            line.put(LineInput::TransferEnded(outcome, why));
        }
    }

    /// Who came by a door cannot be sent elsewhere.
    fn cannot_put_through(&self, line: LineId) {
        if let Some(OpenCall { carrier: Carrier::Agent(handle), .. }) = self.doors.get(&line) {
            let why = Some("nobody on this line came over a trunk".to_owned());
            handle.put(LineInput::TransferEnded(TransferOutcome::Failed, why));
        }
    }

    /// The other side wants us to call somebody else in its place. Its trunk may
    /// (`[[trunk]] transfers`), and the number passes the gate of every call out.
    pub(super) fn transfer_asked(
        &mut self,
        call: CallId,
        number: &str,
        target: &str,
        replaces: Option<Replaces>,
    ) {
        let from = self.calls.get(&call).map(|open| open.to.clone()).unwrap_or_default();
        let followed = match self.may_transfer_to(number) {
            Ok(number) => {
                // A dialog that is to be replaced is where the target says, and nowhere else.
                let attended = replaces.map(|replaces| (target, replaces));
                self.bridge
                    .follow_transfer(call, &number, attended, &from)
                    .map_err(|it| it.to_string())
            }
            Err(refusal) => Err(refusal.to_string()),
        };
        if let Err(error) = followed {
            tracing::warn!(%call, error, "a transfer that the other side asked for is refused");
            self.bridge.refuse_transfer(call);
        }
    }

    /// A conversation goes on in another dialog: its line stays as it is.
    pub(super) fn moved(
        &mut self,
        from: CallId,
        to: CallId,
        number: String,
        media: NegotiatedMedia,
    ) {
        let Some(mut open) = self.calls.remove(&from) else {
            return self.bridge.hangup(to, HangupReason::Failure);
        };
        match &open.carrier {
            Carrier::Agent(line) => line.put(LineInput::Moved(number.clone(), media)),
            Carrier::Echo(line) => line.update_media(media),
            Carrier::Waiting(_) => {}
        }
        open.from = number;
        self.calls.insert(to, open);
    }

    /// Whether this number may be the target of a transfer, judged like every number that is called.
    fn may_transfer_to(&self, number: &str) -> Result<String, OutboundRefusal> {
        self.out.gate.may_transfer_to(number)
    }

    pub(super) fn call_of(&self, line: LineId) -> Option<CallId> {
        self.calls.iter().find(|(_, open)| open.line == line).map(|(call, _)| *call)
    }
}
