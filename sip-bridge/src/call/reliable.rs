//! Provisional responses that must arrive (RFC 3262), in both roles.

use core::time::Duration;

use bytes::Bytes;
use media_core::MonoTime;

use super::in_dialog::Reply;
use super::{Call, CallOutput, Context, State};
use crate::message::{Extra, Method, Request, Response};
use crate::sdp;
use crate::transaction::{GIVE_UP, T1};

/// A 180 of ours that is repeated until its PRACK comes.
#[derive(Debug)]
pub(crate) struct Reliable {
    rseq: u32,
    bytes: Bytes,
    interval: Duration,
    /// When to send it again; `None`: acknowledged.
    again: Option<MonoTime>,
    give_up: MonoTime,
}

/// What a timeout asks for.
pub(crate) enum Due {
    Nothing,
    Send(Bytes),
    GiveUp,
}

impl Reliable {
    pub(crate) fn new(now: MonoTime, rseq: u32, bytes: Bytes) -> Self {
        Self { rseq, bytes, interval: T1, again: Some(now + T1), give_up: now + GIVE_UP }
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
                Due::Send(self.bytes.clone())
            }
            _ => Due::Nothing,
        }
    }
}

/// What the peer said reliably before its final response, in the early dialog with `tag`.
#[derive(Debug)]
pub(crate) struct Early {
    tag: Box<str>,
    rseq: u32,
    pub media: Option<media_core::NegotiatedMedia>,
}

impl Call {
    /// A PRACK: of the 180 that waits for it, or of nothing.
    pub(super) fn on_prack(&mut self, request: &Request, reply: &Reply) {
        let acknowledged = request.head.extensions.rack;
        let waits = self.reliable.as_mut().filter(|reliable| {
            !reliable.is_acknowledged()
                && acknowledged.is_some_and(|(rseq, _)| rseq == reliable.rseq)
        });
        let Some(reliable) = waits else { return self.reply(reply, 481, Extra::default()) };
        reliable.again = None;
        // Our 180 has no description, so there is none that a PRACK could answer or follow.
        let status = if request.head.body.is_empty() { 200 } else { 488 };
        self.reply(reply, status, Extra::default());
    }

    /// Acknowledges a provisional response that asks for it. Returns whether it is news.
    pub(super) fn on_reliable(&mut self, context: &mut Context<'_>, response: &Response) -> bool {
        let (head, extensions) = (&response.head, &response.head.extensions);
        let Some(rseq) = extensions.rseq.filter(|_| extensions.reliable) else { return true };
        let State::Calling(calling) = &mut self.state else { return true };
        if head.to.tag.is_empty() {
            return true;
        }
        // A repetition, whose PRACK is repeated by its transaction, or one that overtook another.
        if calling
            .early
            .as_ref()
            .is_some_and(|early| *early.tag == *head.to.tag && rseq != early.rseq + 1)
        {
            return false;
        }
        let answer = head.sdp().and_then(|bytes| sdp::parse(bytes).ok());
        let media = self.session.offer.as_ref().zip(answer);
        let media = media.and_then(|(offer, answer)| offer.answered(&answer).ok());
        let known = calling.early.take().filter(|early| *early.tag == *head.to.tag);
        let media = known.and_then(|early| early.media).or(media);
        calling.early = Some(Early { tag: head.to.tag.as_str().into(), rseq, media });
        let rack = format!("RAck: {rseq} {} INVITE\r\n", calling.cseq);
        let mut early = self.dialog.clone();
        early.confirm(response);
        let extra = Extra { headers: &rack, body: None };
        let prack = early.request(&self.identity, context.ids, Method::Prack, extra);
        self.dialog.local_cseq = early.local_cseq;
        self.outputs.push_back(CallOutput::Request(prack));
        true
    }

    /// What was agreed before the final response with `tag`.
    pub(super) fn agreed_early(
        early: Option<Early>,
        tag: &str,
    ) -> Option<media_core::NegotiatedMedia> {
        early.filter(|early| *early.tag == *tag)?.media
    }
}
