//! A call that came in, until it is answered.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use media_core::MonoTime;

use super::keeping::{self, Keeping};
use super::record::Record;
use super::reliable::{self, Reliable};
use super::{
    ALLOW_LINE, Call, CallOutput, Context, Dialog, RING_AGAIN, Session, State, Transfers,
    Unacknowledged,
};
use crate::caller::CallerIdentity;
use crate::cdr::{CallDirection, cause_of};
use crate::event::{CallId, CallOutcome, HangupBy, Rejection};
use crate::flow::Flow;
use crate::message::{Extra, Identity, Request, ResponseSeed, TransportKind, phrase};
use crate::negotiation::{Accepted, CallTerms, NegotiationError};
use crate::policy::TrunkPolicy;
use crate::sdp::{self, MediaShape};

/// An INVITE that rings.
#[derive(Debug)]
pub(crate) struct Waiting {
    transaction: u64,
    seed: ResponseSeed,
    flow: Flow,
    pub(super) cseq: u32,
    /// The number of the first response that must arrive: not to be guessed (RFC 3262 §3).
    rseq: u32,
    /// Whether the caller insists on provisional responses that arrive.
    reliable: bool,
    /// The accepted offer; `None` if the caller wants ours.
    accepted: Option<Accepted>,
    /// Our answer, once the caller was given it before the call is answered.
    pub(super) early: Option<Box<str>>,
    /// The line has answered; the 200 waits until the caller has our early answer.
    pub(super) answer: Option<SocketAddr>,
    ring_again: MonoTime,
    give_up: MonoTime,
}

impl Waiting {
    pub(crate) fn next_timeout(&self) -> MonoTime {
        self.ring_again.min(self.give_up)
    }
}

/// Why an INVITE makes no call: the status, and what to say beside it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: u16,
    pub why: String,
}

/// What a call that comes in is made from.
pub(crate) struct Incoming<'a> {
    pub call: CallId,
    pub identity: Arc<Identity>,
    pub terms: CallTerms,
    pub ring_max: Duration,
    pub trunk: &'a str,
    pub policy: &'a TrunkPolicy,
    /// The telephone that proved to be the caller.
    pub user: Option<&'a str>,
    /// It takes another call's place, and is answered at once.
    pub replaces: bool,
    pub transaction: u64,
    pub request: &'a Request,
    pub source: SocketAddr,
    pub flow: Flow,
}

impl Call {
    /// Takes an INVITE: sends 100 and 180, and waits for the line to answer. Where the caller is to
    /// hear the line before that, the 180 waits for the line's word a little.
    ///
    /// # Errors
    /// [`Refusal`]: there is nothing to agree on; 400, 415, 416, 422 or 488.
    pub(crate) fn incoming(
        context: &mut Context<'_>,
        incoming: Incoming<'_>,
    ) -> Result<Self, Refusal> {
        let Incoming { call, identity, terms, request, flow, .. } = incoming;
        let head = &request.head;
        let accepted = accept(request, &terms)?;
        let target = head.contact.clone().ok_or_else(|| refusal(400, "INVITE without Contact"))?;
        if target.secure && !identity.speaks(TransportKind::Tls) {
            return Err(refusal(416, "sips: needs TLS, and there is no TLS listener"));
        }
        if keeping::is_too_short(&head.extensions) {
            return Err(refusal(422, "session interval below 90 s"));
        }
        let mut caller = caller_of(request, incoming.policy);
        if let Some(user) = incoming.user {
            caller.asserted = Some(user.to_owned());
        }
        // The line is about to answer, or to let the caller hear it.
        let quiet = incoming.replaces || (incoming.policy.early_media && accepted.is_some());
        let parties = (head.from.user.as_str(), request.uri_user.as_str());
        let (direction, now) = (CallDirection::Inbound, context.now);
        let mut call = Self {
            dialog: Dialog::called(request, target, context.ids.tag(), flow)
                .pinned_if(incoming.user.is_some()),
            session: Session {
                id: context.ids.session(),
                version: 0,
                terms,
                local_rtp: SocketAddr::new(identity.media_ip, 0),
                sent: Box::default(),
                offer: None,
                media: accepted.as_ref().map(Accepted::media),
                lines: vec![MediaShape::Served],
            },
            identity,
            state: State::Waiting(Box::new(Waiting {
                transaction: incoming.transaction,
                seed: ResponseSeed::new(request, incoming.source),
                flow,
                cseq: head.cseq.number,
                rseq: 1 + u32::try_from(context.ids.below(RSEQ_MAX)).unwrap_or_default(),
                reliable: head.extensions.reliable,
                accepted,
                early: None,
                answer: None,
                ring_again: now + if quiet { PREPARE_MAX } else { RING_AGAIN },
                give_up: now + incoming.ring_max,
            })),
            unacknowledged: None,
            reliable: None,
            transfers: Transfers::allowed(incoming.policy.transfers),
            keeping: Keeping::asked(&head.extensions),
            record: Record::new(call, direction, &head.call_id, parties, incoming.trunk, now)
                .with_caller(caller),
            outputs: VecDeque::new(),
        };
        call.respond_waiting(100);
        if !quiet {
            call.ring(context);
        }
        Ok(call)
    }

    /// Sends a 180, or the 183 again.
    pub(super) fn ring(&mut self, context: &Context<'_>) {
        if let State::Waiting(waiting) = &mut self.state {
            waiting.ring_again = context.now + RING_AGAIN;
            self.record.ringing(context.now);
            self.provisional(context);
        }
    }

    /// Lets the caller hear us before the answer: a 183 with ours (RFC 3960 §2). Nothing where the
    /// caller wants our offer, which is not made before the line answers.
    pub(super) fn progress(&mut self, context: &Context<'_>, local_rtp: SocketAddr) {
        let State::Waiting(waiting) = &mut self.state else { return };
        let Some(accepted) = waiting.accepted.as_ref().filter(|_| waiting.early.is_none()) else {
            return;
        };
        self.session.local_rtp = self.identity.reachable(local_rtp);
        waiting.early = Some(self.session.answer(accepted));
        self.ring(context);
    }

    fn provisional(&mut self, context: &Context<'_>) {
        let State::Waiting(waiting) = &self.state else { return };
        // One at a time; and without an offer there would have to be one in it (RFC 3262 §5), which
        // cannot be made before the line answers: then the caller waits without a 180.
        let waits = self.reliable.as_ref().is_some_and(|reliable| !reliable.is_acknowledged());
        if waiting.reliable && (waits || waiting.accepted.is_none()) {
            return;
        }
        let rseq = self.reliable.as_ref().map_or(waiting.rseq, |last| last.rseq() + 1);
        let status = if waiting.early.is_some() { 183 } else { 180 };
        let mut headers = self.dialog.contact_line(&self.identity);
        if waiting.reliable {
            headers.push_str(&format!("Require: 100rel\r\nRSeq: {rseq}\r\n"));
        }
        let body = waiting.early.as_ref().map(|sdp| ("application/sdp", sdp.as_bytes()));
        let extra = Extra { headers: &headers, body };
        let bytes = waiting.seed.write_in_dialog(status, &self.dialog.local_tag, extra);
        let transaction = waiting.transaction;
        if waiting.reliable {
            let sent = Reliable::new(context.now, rseq, (status, bytes.clone()));
            self.reliable = Some(Box::new(sent));
        }
        self.outputs.push_back(CallOutput::Respond { transaction, status, bytes });
    }

    fn reliable_timeout(&mut self, context: &Context<'_>) {
        let State::Waiting(waiting) = &self.state else { return };
        let transaction = waiting.transaction;
        match self.reliable.as_mut().map(|reliable| reliable.on_timeout(context.now)) {
            Some(reliable::Due::Send(status, bytes)) => {
                self.outputs.push_back(CallOutput::Respond { transaction, status, bytes });
            }
            Some(reliable::Due::GiveUp) => {
                let outcome = outcome(HangupBy::Bridge, 504, "No PRACK");
                self.refuse_waiting(context, 504, outcome);
            }
            Some(reliable::Due::Nothing) | None => {}
        }
    }

    /// Sends the 100.
    fn respond_waiting(&mut self, status: u16) {
        let State::Waiting(waiting) = &self.state else { return };
        let bytes = waiting.seed.write(status, "", Extra::default());
        let transaction = waiting.transaction;
        self.outputs.push_back(CallOutput::Respond { transaction, status, bytes });
    }

    /// Sends the 200.
    pub(super) fn answer(&mut self, context: &Context<'_>, local_rtp: SocketAddr) {
        if let State::Waiting(waiting) = &mut self.state
            && waiting.early.is_some()
            && self.reliable.as_ref().is_some_and(|sent| !sent.is_acknowledged())
        {
            // An answer on its way that must arrive comes before the 200 (RFC 3262 §3).
            waiting.answer = Some(local_rtp);
            return;
        }
        let talking = State::Talking { established: false, hangup_after_ack: None };
        let waiting = match core::mem::replace(&mut self.state, talking) {
            State::Waiting(waiting) => waiting,
            other => {
                self.state = other; // Answered twice, or over: nothing to do.
                return;
            }
        };
        let agreed_before = waiting.early.is_some() && self.reliable.is_some();
        if waiting.early.is_none() {
            self.session.local_rtp = self.identity.reachable(local_rtp);
        }
        let sdp = match &waiting.accepted {
            // It arrived with the 183, and is not said twice (RFC 6337 §2.2).
            Some(_) if agreed_before => None,
            Some(accepted) => Some(self.session.answer(accepted)),
            None => Some(self.session.offer()),
        };
        let mut headers = self.dialog.contact_line(&self.identity);
        headers.push_str(ALLOW_LINE);
        headers.push_str(&keeping::answer_lines(self.keeping.agreed()));
        headers.push_str(&format!("Server: {}\r\n", self.identity.user_agent));
        let body = sdp.as_ref().map(|sdp| ("application/sdp", sdp.as_bytes()));
        let extra = Extra { headers: &headers, body };
        let bytes = waiting.seed.write_in_dialog(200, &self.dialog.local_tag, extra);
        self.record.answered(context.now);
        self.unacknowledged =
            Some(Unacknowledged::new(context.now, waiting.cseq, waiting.flow, bytes.clone()));
        let transaction = waiting.transaction;
        self.outputs.push_back(CallOutput::Respond { transaction, status: 200, bytes });
    }

    pub(super) fn reject(&mut self, context: &mut Context<'_>, rejection: Rejection) {
        if !matches!(self.state, State::Waiting(_)) {
            return self.hangup(context, crate::event::HangupReason::Normal);
        }
        let status = rejection.status();
        let refused = outcome(HangupBy::Line, status, phrase(status));
        let outcome = CallOutcome { q850: cause_of(status), ..refused };
        self.refuse_waiting(context, status, outcome);
    }

    /// Sends a final refusal and ends.
    pub(super) fn refuse_waiting(
        &mut self,
        context: &Context<'_>,
        status: u16,
        outcome: CallOutcome,
    ) {
        let State::Waiting(waiting) = &self.state else { return };
        let bytes = waiting.seed.write(status, &self.dialog.local_tag, Extra::default());
        let transaction = waiting.transaction;
        self.outputs.push_back(CallOutput::Respond { transaction, status, bytes });
        self.end(context, outcome);
    }

    pub(super) fn on_cancelled(&mut self, context: &Context<'_>, cancel: &Request) {
        let reason = cancel.head.reason.clone().unwrap_or_default();
        let text = if reason.text.is_empty() { "Cancelled" } else { &reason.text };
        let outcome = CallOutcome { q850: reason.q850, ..outcome(HangupBy::Peer, 487, text) };
        self.refuse_waiting(context, 487, outcome);
    }

    pub(super) fn waiting_timeout(&mut self, context: &Context<'_>) {
        self.reliable_timeout(context);
        let State::Waiting(waiting) = &self.state else { return };
        if context.now >= waiting.give_up {
            let outcome = outcome(HangupBy::Bridge, 480, "Not answered in time");
            self.refuse_waiting(context, 480, outcome);
        } else if context.now >= waiting.ring_again {
            self.ring(context);
        }
    }
}

/// Who calls with `request`, as far as its trunk is believed.
pub(crate) fn caller_of(request: &Request, policy: &TrunkPolicy) -> CallerIdentity {
    let said = request.head.caller.as_deref().cloned().unwrap_or_default();
    CallerIdentity::of(&request.head.from.user, &said, policy)
}

/// Accepts the offer in an INVITE; `None` if there is none.
pub(super) fn accept(request: &Request, terms: &CallTerms) -> Result<Option<Accepted>, Refusal> {
    if request.head.body.is_empty() {
        if !terms.can_be_met() {
            return Err(refusal(488, NegotiationError::KeysInClear));
        }
        return Ok(None);
    }
    let bytes = request.head.sdp().ok_or_else(|| refusal(415, "body is not SDP"))?;
    let offer = sdp::parse(bytes).map_err(|error| refusal(400, error))?;
    let accepted = Accepted::offer(&offer, terms).map_err(|error| refusal(488, error))?;
    Ok(Some(accepted))
}

fn refusal(status: u16, why: impl ToString) -> Refusal {
    Refusal { status, why: why.to_string() }
}

pub(super) fn outcome(hangup_by: HangupBy, sip_status: u16, reason: &str) -> CallOutcome {
    CallOutcome { hangup_by, sip_status, reason: reason.into(), q850: None }
}

/// First numbers are below that: those after them stay below 2³².
const RSEQ_MAX: u64 = (1 << 31) - 1;
/// A line that is to be heard before it answers says so by then, or the caller hears that it rings: a
/// carrier gives up after five seconds without either.
const PREPARE_MAX: Duration = Duration::from_secs(1);
