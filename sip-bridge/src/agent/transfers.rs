//! How a line's conversation goes on in another dialog: a transfer that we follow, and an INVITE
//! that replaces a dialog of ours.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;

use media_core::MonoTime;

use super::{Agent, dialog_key};
use crate::call::CallInput;
use crate::cdr::Cdr;
use crate::event::{BridgeEvent, CallId, CallOutcome, HangupReason};
use crate::flow::Flow;
use crate::message::{Replaces, Request};
use crate::pii::Pii;

/// The call that another one is to take over from.
pub(super) struct Link {
    pub from: CallId,
    /// Its ending, if it did not wait for that: told when it is known what became of the other one.
    pub ended: Option<(CallOutcome, Box<Cdr>)>,
}

/// Dialogs that ended lately.
#[derive(Default)]
pub(super) struct Gone(VecDeque<(MonoTime, Box<str>)>);

impl Gone {
    pub fn put(&mut self, now: MonoTime, key: Box<str>) {
        self.0.push_back((now, key));
        if self.0.len() > GONE_MAX {
            self.0.pop_front();
        }
    }

    fn holds(&self, now: MonoTime, key: &str) -> bool {
        self.0.iter().any(|(at, gone)| **gone == *key && now.since(*at) < GONE_FOR)
    }
}

impl Agent {
    /// The call that an INVITE of `trunk` replaces; or the status that refuses it (RFC 3891 §3).
    pub(super) fn replaced(
        &self,
        now: MonoTime,
        trunk: &str,
        request: &Request,
    ) -> Result<Option<CallId>, u16> {
        let Some(said) = request.head.transfer.as_deref() else { return Ok(None) };
        if said.bad_replaces {
            return Err(400);
        }
        let Some(replaces) = &said.replaces else { return Ok(None) };
        let Replaces { call_id, to_tag, from_tag, early_only } = replaces;
        let key = dialog_key(call_id, to_tag);
        let found = self.dialogs.get(&key).and_then(|id| Some((*id, self.calls.get(id)?)));
        let Some((id, slot)) = found else {
            return Err(if self.gone.holds(now, &key) { 603 } else { 481 });
        };
        // Of another trunk's calls nobody learns anything, not even that they are there.
        let matches = slot.call.trunk() == trunk && slot.call.is_or_may_be_with(from_tag);
        match slot.call.may_be_replaced() {
            _ if !matches => Err(481),
            Some(true) if *early_only => Err(486),
            Some(_) => Ok(Some(id)),
            None => Err(481),
        }
    }

    /// `to` has what the line needs to go on in it: the line is told, and `from` ends.
    pub(super) fn move_on(&mut self, now: MonoTime, to: CallId) {
        let media = self.calls.get(&to).and_then(|slot| slot.call.media());
        let Some((link, media)) = self.links.remove(&to).zip(media) else { return };
        let Link { from, ended } = link;
        let number = self.calls.get(&to).map(|slot| slot.call.other_party().to_owned());
        let number = Pii::new(number.unwrap_or_default());
        tracing::info!(%from, %to, "the call goes on in another dialog");
        self.event(BridgeEvent::Moved { from, to, number, media });
        match ended {
            Some((outcome, cdr)) => self.event(BridgeEvent::Ended { call: from, outcome, cdr }),
            None if self.calls.get(&from).is_some_and(|slot| slot.call.follows_a_transfer()) => {
                self.drive(now, from, CallInput::TransferProgress(200));
            }
            None => self.drive(now, from, CallInput::Hangup(HangupReason::Moved)),
        }
    }

    /// Tells who asked for the transfer how far the call to the other one is.
    pub(super) fn report_transfer(&mut self, now: MonoTime, to: CallId, status: u16) {
        if let Some(from) = self.links.get(&to).map(|link| link.from) {
            self.drive(now, from, CallInput::TransferProgress(status));
        }
    }

    /// `to` came to nothing: the line stays where it was, if that is still there.
    pub(super) fn transfer_failed(&mut self, now: MonoTime, to: CallId, status: u16) {
        let Some(Link { from, ended }) = self.links.remove(&to) else { return };
        match ended {
            Some((outcome, cdr)) => self.event(BridgeEvent::Ended { call: from, outcome, cdr }),
            None => self.drive(now, from, CallInput::TransferProgress(status.max(300))),
        }
    }

    /// Keeps the ending of `from` until the call that is to take over is settled. Returns it where
    /// there is none.
    pub(super) fn keep_ending(
        &mut self,
        from: CallId,
        ending: (CallOutcome, Box<Cdr>),
    ) -> Option<(CallOutcome, Box<Cdr>)> {
        match self.links.values_mut().find(|link| link.from == from) {
            Some(link) => {
                link.ended = Some(ending);
                None
            }
            None => Some(ending),
        }
    }

    /// What a call that takes over from `call` needs to know of it: its trunk, the way to its peer,
    /// and where our RTP is.
    pub(crate) fn place_of(&self, call: CallId) -> Option<(String, Flow, SocketAddr)> {
        let call = &self.calls.get(&call)?.call;
        Some((call.trunk().to_owned(), call.flow(), call.local_rtp()))
    }

    /// Whether the peer of `call` waits to hear whether its transfer is followed.
    pub(crate) fn transfer_waits(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|slot| slot.call.transfer_waits())
    }

    /// The call that carries the line which the house knows as `call`.
    pub(super) fn carrier_of(&self, call: CallId) -> CallId {
        let takes_over = || self.links.iter().find(|(_, link)| link.from == call);
        match self.calls.contains_key(&call) {
            true => call,
            false => takes_over().map_or(call, |(to, _)| *to),
        }
    }

    /// Whom the peer of a call is told to call: a number at the peer's own host, or the far end of
    /// another call of ours, whose dialog it is to replace (RFC 5589 §7).
    pub(super) fn refer_target(&self, call: CallId, target: &ReferTarget) -> Option<String> {
        let trunk = self.calls.get(&call)?.call.trunk();
        match target {
            ReferTarget::Number(number) => self.calls.get(&call)?.call.address_at_peer(number),
            ReferTarget::Call(other) => {
                let other = &self.calls.get(other)?.call;
                (other.trunk() == trunk).then(|| other.replaceable()).flatten()
            }
        }
    }
}

/// Whom a peer is to call in our place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReferTarget {
    /// This number, or user, where the peer is at home.
    Number(String),
    /// Whoever is at the other end of this call of ours, which the peer's call replaces.
    Call(CallId),
}

/// Dialogs that are remembered: an INVITE that replaces one comes within moments of its end.
const GONE_MAX: usize = 64;
const GONE_FOR: Duration = Duration::from_secs(32);
