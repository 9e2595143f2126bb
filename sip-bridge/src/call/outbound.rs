//! A call of ours, until it is answered.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use media_core::{MonoTime, NegotiatedMedia};

use super::again::invite;
use super::inbound::outcome;
use super::keeping::{self, EXPIRES_WANTED, Keeping};
use super::record::Record;
use super::reliable::Early;
use super::{Call, CallOutput, Context, Dialog, Forks, Session, State, Transfers, reason_line};
use crate::cdr::CallDirection;
use crate::digest::Credentials;
use crate::event::{CallId, CallOutcome, HangupBy, HangupReason};
use crate::flow::Flow;
use crate::message::{Extra, Identity, Method, Response, SipUri};
use crate::negotiation::CallTerms;
use crate::sdp::{self, MediaShape};
use crate::transaction::GIVE_UP;

/// An INVITE of ours without a final response.
#[derive(Debug)]
pub(crate) struct Calling {
    pub(super) branch: String,
    pub(super) cseq: u32,
    /// What the branches of the call said so far.
    pub(super) early: Vec<Early>,
    /// What is heard at present, before the answer.
    pub(super) heard: Option<NegotiatedMedia>,
    /// How often that has changed.
    changes: u32,
    /// Whether the called side rings: then it is there, and another way leads to the same telephone.
    pub(super) rings: bool,
    /// Challenges met so far.
    pub(super) proofs: u32,
    /// Other ways to the same one, for when this one does not serve.
    pub(super) ways: VecDeque<(SipUri, Flow)>,
    /// How long a way may say nothing before the next is taken.
    pub(super) patience: Duration,
    /// Until when this one may; `None` where it has spoken, or there is no other.
    pub(super) silent_until: Option<MonoTime>,
    /// Whether a provisional response came: before it there may be no CANCEL (RFC 3261 §9.1).
    pub(super) proceeding: bool,
    /// Why the call is to end, once that was asked for.
    pub(super) cancelled: Option<(HangupBy, HangupReason)>,
    give_up: Option<MonoTime>,
    /// The session interval that we asked for.
    pub(super) interval: Duration,
    /// Header lines of the line's own.
    pub(super) headers: Box<str>,
}

impl Calling {
    pub(crate) fn next_timeout(&self) -> Option<MonoTime> {
        [self.give_up, self.silent_until].into_iter().flatten().min()
    }
}

/// What a call of ours is made from.
pub(crate) struct Dialled<'a> {
    pub call: CallId,
    pub identity: Arc<Identity>,
    pub terms: CallTerms,
    pub ring_max: Duration,
    pub next_way_after: Duration,
    pub trunk: &'a str,
    pub target: SipUri,
    /// A From header value without tag, and its user part.
    pub from: (&'a str, &'a str),
    pub local_rtp: SocketAddr,
    pub flow: Flow,
    /// Header lines of the line's own, each ended by CRLF.
    pub headers: Box<str>,
    /// Where else the same one is reached, should `target` over `flow` not serve.
    pub ways: Vec<(SipUri, Flow)>,
    /// Whether the peer may have us call somebody else in its place.
    pub transfers: bool,
    /// With what we prove who we are, should somebody ask.
    pub credentials: Option<Credentials>,
    /// Whether `target` is a telephone's own: it is called over `flow`, where it registered from.
    pub to_telephone: bool,
}

impl Call {
    /// Sends an INVITE.
    pub(crate) fn dial(context: &mut Context<'_>, dialled: Dialled<'_>) -> Self {
        let Dialled { identity, terms, target, flow, .. } = dialled;
        let parties = (dialled.from.1, target.user.clone());
        let mut dialog = Dialog::calling(context.ids, dialled.from.0, target, flow)
            .pinned_if(dialled.to_telephone);
        if let Some(credentials) = dialled.credentials {
            dialog.prove_with(credentials);
        }
        let record = Record::new(
            dialled.call,
            CallDirection::Outbound,
            &dialog.call_id,
            (parties.0, &parties.1),
            dialled.trunk,
            context.now,
        );
        let mut session = Session {
            id: context.ids.session(),
            version: 0,
            terms,
            local_rtp: identity.reachable(dialled.local_rtp),
            sent: Box::default(),
            offer: None,
            media: None,
            lines: vec![MediaShape::Served],
        };
        let asked = (EXPIRES_WANTED, &*dialled.headers);
        let invite = invite(context, &identity, &mut dialog, &mut session, asked);
        let patience = dialled.next_way_after;
        let calling = Calling {
            patience,
            silent_until: (!dialled.ways.is_empty()).then(|| context.now + patience),
            branch: invite.branch.clone(),
            cseq: dialog.local_cseq,
            early: Vec::new(),
            heard: None,
            changes: 0,
            rings: false,
            proofs: 0,
            ways: dialled.ways.into(),
            proceeding: false,
            cancelled: None,
            give_up: Some(context.now + dialled.ring_max),
            interval: EXPIRES_WANTED,
            headers: dialled.headers,
        };
        Self {
            identity,
            dialog,
            state: State::Calling(Box::new(calling)),
            session,
            unacknowledged: None,
            keeping: Keeping::default(),
            reliable: None,
            transfers: Transfers::allowed(dialled.transfers),
            record,
            outputs: VecDeque::from([CallOutput::Request(invite)]),
        }
    }

    pub(super) fn on_response(&mut self, context: &mut Context<'_>, response: &Response) {
        if self.on_kept(context, response) {
            return;
        }
        if response.head.cseq.method == Method::Refer {
            return self.on_refer_answered(response);
        }
        if response.head.cseq.method != Method::Invite {
            return; // CANCEL and BYE: whatever the peer says, the call is over for us.
        }
        match (&self.state, response.status) {
            (State::Calling(_), 100..200) => self.on_provisional(context, response),
            (State::Calling(_), 200..300) => self.on_accepted(context, response),
            (State::Calling(_), _) => self.on_refused(context, response),
            _ => {}
        }
    }

    fn on_provisional(&mut self, context: &mut Context<'_>, response: &Response) {
        let (news, media) = self.on_early(context, response);
        if !news {
            return;
        }
        let State::Calling(calling) = &mut self.state else { return };
        calling.silent_until = None;
        let first = !core::mem::replace(&mut calling.proceeding, true);
        if let (true, Some((by, reason))) = (first, calling.cancelled.take()) {
            return self.cancel(context, by, reason);
        }
        if response.status == 100 {
            return;
        }
        self.record.ringing(context.now);
        if response.status == 180 && !core::mem::replace(&mut calling.rings, true) {
            self.outputs.push_back(CallOutput::Ringing);
        }
        // Which of its branches is heard is the network's choice: the one that spoke last.
        let is_news =
            |media: &NegotiatedMedia| calling.heard.replace(media.clone()).as_ref() != Some(media);
        let news = media.filter(is_news);
        calling.changes += u32::from(news.is_some());
        if let Some(media) = news.filter(|_| calling.changes <= EARLY_CHANGES_MAX) {
            self.outputs.push_back(CallOutput::EarlyMedia(media));
        }
    }

    fn on_accepted(&mut self, context: &mut Context<'_>, response: &Response) {
        let talking = State::Talking { established: true, hangup_after_ack: None };
        let State::Calling(calling) = core::mem::replace(&mut self.state, talking) else { return };
        let forks = Forks::new(self.identity.clone(), self.dialog.clone(), calling.cseq);
        self.dialog.confirm(response);
        let ack = self.dialog.ack(&self.identity, context.ids, calling.cseq);
        let (branch, forks) = (calling.branch.clone(), Box::new(forks));
        self.outputs.push_back(CallOutput::Acknowledge { branch: calling.branch, ack });
        self.outputs.push_back(CallOutput::Answered { branch, forks });
        self.record.answered(context.now);
        self.keeping.peer_updates = response.head.extensions.update;
        self.begin_keeping(context, keeping::agreed_by(&response.head.extensions));
        // The CANCEL crossed the 200 on the way: the call stands, and is ended properly.
        if let Some((hangup_by, reason)) = calling.cancelled {
            let outcome = CallOutcome { hangup_by, ..super::line_outcome(487, reason) };
            return self.bye(context, outcome);
        }
        let answer = response.head.sdp().and_then(|bytes| sdp::parse(bytes).ok());
        let offer = self.session.offer.take();
        let media = offer.zip(answer).and_then(|(offer, answer)| offer.answered(&answer).ok());
        // What was agreed reliably before is the answer (RFC 3262 §5).
        let early = Self::agreed_early(&calling.early, &response.head.to.tag);
        let media = early.for_good.or(media).or(early.for_now);
        self.session.media = media.clone();
        match media {
            Some(media) => self.outputs.push_back(CallOutput::Established(media)),
            None => {
                let outcome = outcome(HangupBy::Bridge, 488, "No usable answer in the 200");
                self.bye(context, CallOutcome { q850: Some(88), ..outcome });
            }
        }
    }

    fn on_refused(&mut self, context: &mut Context<'_>, response: &Response) {
        let State::Calling(calling) = &self.state else { return };
        let (branch, cancelled) = (calling.branch.clone(), calling.cancelled);
        let to = Some(response.head.to.text.as_str());
        let of = (&*branch, calling.cseq);
        let ack = self.dialog.follow_up(&self.identity, Method::Ack, of, to, Extra::default());
        self.outputs.push_back(CallOutput::Acknowledge { branch, ack });
        if cancelled.is_none() {
            let again = match response.status {
                422 => self.ask_for_longer(context, response),
                401 | 407 => self.prove(context, response),
                // The called side is there, or nobody is anywhere: 486, 603 and the rest are final.
                408 | 480 | 503 | 504 => self.take_another_way(context, response.status),
                _ => false,
            };
            if again {
                return;
            }
        }
        let outcome = match cancelled {
            Some((hangup_by, reason)) => {
                CallOutcome { hangup_by, ..super::line_outcome(response.status, reason) }
            }
            None => CallOutcome {
                q850: response.head.reason.as_ref().and_then(|reason| reason.q850),
                ..outcome(HangupBy::Peer, response.status, &response.phrase)
            },
        };
        self.end(context, outcome);
    }

    /// Sends CANCEL, or remembers to once that is allowed. The call ends with the INVITE's final
    /// response, or 64·T1 later without one (§9.1).
    pub(super) fn cancel(&mut self, context: &Context<'_>, by: HangupBy, reason: HangupReason) {
        let State::Calling(calling) = &mut self.state else { return };
        if calling.cancelled.is_some() {
            return;
        }
        calling.cancelled = Some((by, reason));
        calling.silent_until = None;
        if !calling.proceeding {
            calling.give_up = None; // The INVITE's own timeout ends the call if nobody answers.
            return;
        }
        calling.give_up = Some(context.now + GIVE_UP);
        let headers = reason_line(Some(reason.q850()), reason.text());
        let (branch, extra) = (calling.branch.clone(), Extra { headers: &headers, body: None });
        let of = (&*branch, calling.cseq);
        let cancel = self.dialog.follow_up(&self.identity, Method::Cancel, of, None, extra);
        self.outputs.push_back(CallOutput::Request(cancel));
    }

    /// Ends without an answer to the INVITE or its CANCEL.
    pub(super) fn abandon_calling(&mut self, context: &Context<'_>, reason: HangupReason) {
        let State::Calling(calling) = &self.state else { return };
        let branch = calling.branch.clone();
        self.outputs.push_back(CallOutput::Abandon { branch });
        self.end(context, super::line_outcome(487, reason));
    }

    pub(super) fn on_no_response(&mut self, context: &mut Context<'_>) {
        if self.take_another_way(context, 408) {
            return;
        }
        let State::Calling(calling) = &self.state else { return };
        let outcome = match calling.cancelled {
            Some((hangup_by, reason)) => {
                CallOutcome { hangup_by, ..super::line_outcome(487, reason) }
            }
            None => outcome(HangupBy::Bridge, 408, "No response to the INVITE"),
        };
        self.end(context, outcome);
    }

    pub(super) fn calling_timeout(&mut self, context: &mut Context<'_>) {
        let State::Calling(calling) = &self.state else { return };
        if calling.silent_until.is_some_and(|at| context.now >= at) {
            return self.leave_silent_way(context);
        }
        if calling.give_up.is_none_or(|at| context.now < at) {
            return;
        }
        match calling.cancelled {
            Some(_) => {
                // The CANCEL led to nothing; nothing else would ever end the INVITE.
                let branch = calling.branch.clone();
                self.outputs.push_back(CallOutput::Abandon { branch });
                self.on_no_response(context);
            }
            None => self.cancel(context, HangupBy::Bridge, HangupReason::Normal),
        }
    }
}

/// A hunt group and its announcements change what is heard a dozen times; who does it without end is
/// heard as before, until the answer.
const EARLY_CHANGES_MAX: u32 = 64;
