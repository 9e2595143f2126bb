//! Transfers: the other side puts its call through to somebody else, or the brain does. Whoever is
//! called by number passes the gate of every call out, and is on its account.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use brain_protocol::TransferOutcome;
use media_core::{LineId, NegotiatedMedia};
use sip_bridge::outbound::Permit;
use sip_bridge::{CallId, HangupReason, ReferTarget, Replaces, TransferResult};

use super::dialling::{CallOut, Dialler, Errand};
use super::{Carrier, Desk, OpenCall, What, ringback};
use crate::line::{LineInput, TransferTo};
use crate::say::caller_name;

/// Transfers to a number that are under way.
#[derive(Default)]
pub(super) struct PermittedTransfers {
    /// By the call whose peer is to call the number.
    put_through: BTreeMap<CallId, Permit>,
    /// Calls that we place in a peer's stead, each with the call of that peer.
    following: BTreeMap<CallId, (CallOut, CallId)>,
}

/// Where a peer said that the other one is.
#[derive(Debug)]
pub(super) struct Followed {
    target: String,
    /// The dialog there that the new call is to replace.
    replaces: Option<Replaces>,
}

impl Desk {
    pub(super) fn grant_wish(&mut self, line: LineId, what: What) {
        match (what, self.call_of(line)) {
            (What::GoesOn, _) => self.goes_on(line),
            (What::HangUp(reason), Some(call)) => self.bridge.hangup(call, reason),
            (What::HangUp(reason), None) => self.end_door(line, reason),
            (What::Transfer(to), Some(call)) => self.put_through(call, to),
            (What::Transfer(_), None) => self.cannot_put_through(line),
            (What::Quiet(quiet), Some(call)) => self.fell_quiet(call, quiet),
            (What::Quiet(_), None) => {}
        }
    }

    /// The brain wants its caller put through.
    fn put_through(&mut self, call: CallId, to: TransferTo) {
        if self.out.transfers.put_through.contains_key(&call) {
            return self.transfer_ended_as(call, TransferResult::Impossible);
        }
        match to {
            TransferTo::Number(number) => match self.permit(&number) {
                Ok(permit) => {
                    self.out.transfers.put_through.insert(call, permit.clone());
                    self.send_out(permit, Errand::PutThrough(call));
                }
                Err(refusal) => {
                    tracing::warn!(%call, %refusal, "a transfer is refused");
                    let why = Some(refusal.to_string());
                    self.tell_transfer(call, TransferOutcome::Refused, why);
                }
            },
            TransferTo::Line(line) => match self.call_of(line) {
                Some(other) => self.bridge.refer(call, ReferTarget::Call(other)),
                None => {
                    let why = Some(format!("line {line} has no call"));
                    self.tell_transfer(call, TransferOutcome::Failed, why);
                }
            },
        }
    }

    /// The account of a transfer by the brain is written, or cannot be.
    pub(super) fn put_through_now(&mut self, call: CallId, kept: Result<(), String>) {
        let Some(permit) = self.out.transfers.put_through.get(&call) else { return };
        match kept {
            Ok(()) => self.bridge.refer(call, ReferTarget::Number(permit.number.clone())),
            Err(why) => {
                self.settle_put_through(call, TransferResult::Impossible);
                self.tell_transfer(call, TransferOutcome::Refused, Some(why));
            }
        }
    }

    /// The peer calls the number, or nobody does. How long they talk is not ours to see: what was
    /// promised stays on the account.
    fn settle_put_through(&mut self, call: CallId, result: TransferResult) {
        let Some(permit) = self.out.transfers.put_through.remove(&call) else { return };
        match result {
            TransferResult::Done | TransferResult::Unreported => {
                self.out.gate.leave_whole(permit.ticket);
            }
            TransferResult::Refused(_)
            | TransferResult::Unanswered
            | TransferResult::Impossible => self.settle(&permit, Duration::ZERO),
        }
    }

    /// What became of the transfer that the brain wanted.
    pub(super) fn transfer_ended(&mut self, call: CallId, result: TransferResult) {
        self.settle_put_through(call, result);
        self.transfer_ended_as(call, result);
    }

    fn transfer_ended_as(&self, call: CallId, result: TransferResult) {
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
        match self.permit(number) {
            Ok(permit) => {
                let followed = Followed { target: target.to_owned(), replaces };
                self.send_out(permit, Errand::Follow(call, followed));
            }
            Err(refusal) => self.refuse_to_follow(call, &refusal.to_string()),
        }
    }

    /// The account of a transfer that the other side asked for is written, or cannot be.
    pub(super) fn follow(
        &mut self,
        call: CallId,
        permit: Permit,
        Followed { target, replaces }: Followed,
        kept: Result<(), String>,
    ) {
        let from = self.calls.get(&call).map(|open| open.to.clone()).unwrap_or_default();
        // A dialog that is to be replaced is where the target says, and nowhere else.
        let attended = replaces.map(|replaces| (&*target, replaces));
        let follow = |()| self.bridge.follow_transfer(call, &permit.number, attended, &from);
        match kept.and_then(|()| follow(()).map_err(|error| error.to_string())) {
            Ok(to) => {
                let out = CallOut { permit, dialler: Dialler::Told, answered: None };
                self.out.transfers.following.insert(to, (out, call));
            }
            Err(why) => {
                self.settle(&permit, Duration::ZERO);
                self.refuse_to_follow(call, &why);
            }
        }
    }

    fn refuse_to_follow(&self, call: CallId, why: &str) {
        tracing::warn!(%call, why, "a transfer that the other side asked for is refused");
        self.bridge.refuse_transfer(call);
    }

    /// Nobody was reached in the other side's stead.
    pub(super) fn followed_in_vain(&mut self, call: CallId) {
        if let Some((out, from)) = self.out.transfers.following.remove(&call) {
            self.settle(&out.permit, Duration::ZERO);
            self.ring_no_more(from, call);
        }
    }

    /// Whoever put the line through, and is still there, hears that it rings.
    pub(super) fn ring_back(&self, to: CallId) {
        let Some((_, from)) = self.out.transfers.following.get(&to) else { return };
        if let Some(OpenCall { carrier: Carrier::Agent(line), .. }) = self.calls.get(from) {
            line.put(LineInput::Say(ringback::claim(to)));
        }
    }

    fn ring_no_more(&self, at: CallId, to: CallId) {
        if let Some(OpenCall { carrier: Carrier::Agent(line), .. }) = self.calls.get(&at) {
            line.put(LineInput::Withdraw(ringback::claim_id(to)));
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
        // Before whoever answered hears anything.
        self.ring_no_more(from, to);
        let followed = self.out.transfers.following.remove(&to).map(|(out, _)| out);
        let Some(mut open) = self.calls.remove(&from) else {
            if let Some(out) = followed {
                // It was answered, and is a minute's call.
                self.settle(&out.permit, Duration::from_millis(1));
            }
            return self.bridge.hangup(to, HangupReason::Failure);
        };
        if let Some(mut out) = followed {
            out.answered = Some(Instant::now());
            // The call that it goes on from ends now.
            if let Some(before) = open.out.replace(out) {
                self.settle(&before.permit, before.talked());
                if let (Dialler::Keeper(wish), Some(out)) = (before.dialler, &mut open.out) {
                    out.dialler = Dialler::Keeper(wish);
                }
            }
        }
        open.note_hold(&media);
        match &mut open.carrier {
            Carrier::Agent(line) => {
                line.caller = caller_name(&number);
                line.put(LineInput::Moved(number.clone(), media));
            }
            Carrier::Echo(line) => line.update_media(media),
            Carrier::Waiting(_) => {}
        }
        open.from = number;
        self.calls.insert(to, open);
        // Something may wait for them.
        self.feed();
    }

    pub(super) fn call_of(&self, line: LineId) -> Option<CallId> {
        self.calls.iter().find(|(_, open)| open.line == line).map(|(call, _)| *call)
    }
}
