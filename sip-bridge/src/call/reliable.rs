//! Provisional responses that must arrive (RFC 3262), in both roles.

use core::time::Duration;

use bytes::Bytes;
use media_core::{MonoTime, NegotiatedMedia};

use super::in_dialog::Reply;
use super::{Call, CallOutput, Context, State};
use crate::message::{Extra, Method, Request, Response};
use crate::sdp;
use crate::transaction::{GIVE_UP, T1};

/// A 180 or 183 of ours that is repeated until its PRACK comes.
#[derive(Debug)]
pub(crate) struct Reliable {
    rseq: u32,
    status: u16,
    bytes: Bytes,
    interval: Duration,
    /// When to send it again; `None`: acknowledged.
    again: Option<MonoTime>,
    give_up: MonoTime,
}

/// What a timeout asks for.
pub(crate) enum Due {
    Nothing,
    Send(u16, Bytes),
    GiveUp,
}

impl Reliable {
    pub(crate) fn new(now: MonoTime, rseq: u32, (status, bytes): (u16, Bytes)) -> Self {
        Self { rseq, status, bytes, interval: T1, again: Some(now + T1), give_up: now + GIVE_UP }
    }

    pub(crate) fn rseq(&self) -> u32 {
        self.rseq
    }

    pub(crate) fn is_acknowledged(&self) -> bool {
        self.again.is_none()
    }

    pub(crate) fn next_timeout(&self) -> Option<MonoTime> {
        self.again.map(|again| again.min(self.give_up))
    }

    /// The interval doubles without a bound (RFC 3262 §3).
    pub(crate) fn on_timeout(&mut self, now: MonoTime) -> Due {
        match self.again {
            Some(_) if now >= self.give_up => Due::GiveUp,
            Some(again) if now >= again => {
                self.interval *= 2;
                self.again = Some(now + self.interval);
                Due::Send(self.status, self.bytes.clone())
            }
            _ => Due::Nothing,
        }
    }
}

/// What one branch of our call said before its final response: an early dialog (RFC 3261 §13.2.2.1).
#[derive(Debug)]
pub(crate) struct Early {
    tag: Box<str>,
    /// The last response that had to arrive.
    rseq: Option<u32>,
    pub(super) media: Option<NegotiatedMedia>,
    /// The number of its last request.
    pub(super) remote_cseq: Option<u32>,
}

impl Early {
    pub(crate) fn is_with(&self, tag: &str) -> bool {
        *self.tag == *tag
    }

    /// Whether it has answered the INVITE's offer for good: in a response that had to arrive.
    pub(super) fn is_settled(&self) -> bool {
        self.rseq.is_some() && self.media.is_some()
    }
}

/// What the early dialogs of a call came to, for the one with `tag`.
pub(super) struct AgreedEarly {
    /// In a response that had to arrive: it is the answer (RFC 3262 §5).
    pub for_good: Option<NegotiatedMedia>,
    /// In one that need not.
    pub for_now: Option<NegotiatedMedia>,
}

impl Call {
    /// A PRACK: of the 18x that waits for it, or of nothing.
    pub(super) fn on_prack(&mut self, context: &Context<'_>, request: &Request, reply: &Reply) {
        let acknowledged = request.head.extensions.rack;
        let invite = match &self.state {
            State::Waiting(waiting) => Some(waiting.cseq),
            _ => self.unacknowledged.as_ref().map(|answer| answer.cseq),
        };
        // The number of the response, and that of the INVITE (RFC 3262 §3).
        let waits = self.reliable.as_mut().filter(|reliable| {
            !reliable.is_acknowledged() && acknowledged == invite.map(|cseq| (reliable.rseq, cseq))
        });
        let Some(reliable) = waits else { return self.reply(reply, 481, Extra::default()) };
        reliable.again = None;
        // What was offered is answered, if at all, in what is acknowledged here: a PRACK has nothing
        // to add.
        let status = if request.head.body.is_empty() { 200 } else { 488 };
        self.reply(reply, status, Extra::default());
        if let State::Waiting(waiting) = &mut self.state
            && let Some(local_rtp) = waiting.answer.take()
        {
            self.answer(context, local_rtp);
        }
    }

    /// Takes note of what an early dialog says. Returns whether it is news, and what can be heard of
    /// it from now on.
    pub(super) fn on_early(
        &mut self,
        context: &mut Context<'_>,
        response: &Response,
    ) -> (bool, Option<NegotiatedMedia>) {
        let (head, extensions) = (&response.head, &response.head.extensions);
        let State::Calling(calling) = &mut self.state else { return (true, None) };
        if head.to.tag.is_empty() {
            return (true, None);
        }
        let known = calling.early.iter().position(|early| early.is_with(&head.to.tag));
        if known.is_none() && calling.early.len() >= EARLY_MAX {
            return (true, None);
        }
        let rseq = extensions.rseq.filter(|_| extensions.reliable);
        let last = known.and_then(|at| calling.early[at].rseq);
        // A repetition, whose PRACK is repeated by its transaction, or one that overtook another.
        if rseq.zip(last).is_some_and(|(rseq, last)| rseq != last.wrapping_add(1)) {
            return (false, None);
        }
        let answer = head.sdp().and_then(|bytes| sdp::parse(bytes).ok());
        let media = self.session.offer.as_ref().zip(answer);
        let media = media.and_then(|(offer, answer)| offer.answered(&answer).ok());
        let at = known.unwrap_or_else(|| {
            let tag = head.to.tag.as_str().into();
            calling.early.push(Early { tag, rseq: None, media: None, remote_cseq: None });
            calling.early.len() - 1
        });
        let early = &mut calling.early[at];
        // An answer that had to arrive stands.
        let settled = early.is_settled();
        if !settled && media.is_some() {
            early.media.clone_from(&media);
        }
        early.rseq = rseq.or(early.rseq);
        let media = if settled { early.media.clone() } else { media };
        if let Some(rseq) = rseq {
            let rack = format!("RAck: {rseq} {} INVITE\r\n", calling.cseq);
            let mut early = self.dialog.clone();
            early.confirm(response);
            let extra = Extra { headers: &rack, body: None };
            let prack = early.request(&self.identity, context.ids, Method::Prack, extra);
            self.dialog.local_cseq = early.local_cseq;
            self.outputs.push_back(CallOutput::Request(prack));
        }
        (true, media)
    }

    /// What was agreed before the final response with `tag`.
    pub(super) fn agreed_early(early: &[Early], tag: &str) -> AgreedEarly {
        let of_tag = early.iter().find(|early| early.is_with(tag));
        let media = of_tag.and_then(|early| early.media.clone());
        let arrived = of_tag.is_some_and(|early| early.rseq.is_some());
        let for_good = media.clone().filter(|_| arrived);
        AgreedEarly { for_good, for_now: media }
    }
}

/// Branches of a forked call that are told apart. A hunt group rings so many telephones.
const EARLY_MAX: usize = 8;
