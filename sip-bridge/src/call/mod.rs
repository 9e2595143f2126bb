//! One call as a state machine: no sockets, no clock, no transactions of its own.
//!
//! Drive it with [`Call::handle`], then drain [`Call::poll_output`] until `None`, then ask
//! [`Call::next_timeout`] when it wants [`CallInput::Timeout`]. Outputs after
//! [`CallOutput::Ended`] still have to be sent; then the call can be dropped. Nothing of a call
//! outlives it but transactions, which end by themselves.

mod again;
mod dialog;
mod early;
mod forks;
mod in_dialog;
mod inbound;
mod keeping;
mod left;
mod look;
mod outbound;
mod record;
mod refresh;
mod reliable;
mod transfer;
mod unacknowledged;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use media_core::{MonoTime, NegotiatedMedia};

use crate::cdr::Cdr;
use crate::event::{CallOutcome, HangupBy, HangupReason, Rejection, TransferResult};
use crate::flow::Flow;
use crate::ids::IdSource;
use crate::message::{Extra, Identity, Method, ReferTo, Request, Response};
use crate::negotiation::{Accepted, CallTerms, Offer};
use crate::sdp::MediaShape;

pub(crate) use dialog::{Dialog, Outgoing};
pub(crate) use forks::Forks;
pub(crate) use in_dialog::unsupported;
use inbound::Waiting;
pub(crate) use inbound::{Incoming, Refusal, caller_of};
use keeping::Keeping;
pub(crate) use left::LeftWay;
use outbound::Calling;
pub(crate) use outbound::Dialled;
use record::Record;
use reliable::Reliable;
use transfer::Transfers;
pub(crate) use transfer::target_text;
use unacknowledged::Unacknowledged;

/// What a call is told.
#[derive(Debug)]
pub(crate) enum CallInput<'a> {
    /// A request in the dialog, other than ACK and CANCEL.
    Request { transaction: u64, request: &'a Request, flow: Flow },
    /// An ACK of a 2xx.
    Ack(&'a Request),
    /// The caller cancelled the INVITE that is not answered yet.
    Cancelled(&'a Request),
    /// A response to a request of the call. Final responses come once.
    Response(&'a Response),
    /// A request of ours got no response at all.
    NoResponse(Method),
    /// Ring again.
    Ring,
    /// Let the caller hear us before the answer, with our RTP there.
    Progress(SocketAddr),
    /// Answer, with our RTP there.
    Answer(SocketAddr),
    /// Refuse.
    Reject(Rejection),
    /// End, whatever the state.
    Hangup(HangupReason),
    /// End now, whatever the peer still owes: nobody will be here to wait for it.
    Abandon(HangupReason),
    /// The line will not do the transfer that the peer asked for.
    RefuseTransfer,
    /// How it stands with the one whom the peer transferred us to: 100 when we begin to call.
    TransferProgress(u16),
    /// Ask the peer to call this one, a name-addr, in our place.
    Refer(&'a str),
    /// The time that `next_timeout` named has come.
    Timeout,
}

/// What a call wants done.
#[derive(Debug)]
pub(crate) enum CallOutput {
    /// Respond in a server transaction.
    Respond { transaction: u64, status: u16, bytes: Bytes },
    /// Send outside any transaction: a 2xx again.
    Send { flow: Flow, bytes: Bytes },
    /// Start a client transaction.
    Request(Outgoing),
    /// Acknowledge the final response to the INVITE with `branch`, now and whenever it is repeated.
    Acknowledge { branch: String, ack: Outgoing },
    /// The INVITE with `branch` was answered: whoever else answers it is no call's any more.
    Answered { branch: String, forks: Box<Forks> },
    /// Forget the INVITE with `branch`: no final response will come.
    Abandon { branch: String },
    /// The call is over with the INVITE of `branch` unanswered: these acknowledge what may still come,
    /// a refusal and a 2xx.
    Part { branch: String, refused: Outgoing, accepted: Outgoing },
    /// The call goes on over another way: end whatever may yet come of this one.
    Leave(Box<LeftWay>),
    /// The peer is alerted.
    Ringing,
    /// The peer is heard before it answers.
    EarlyMedia(NegotiatedMedia),
    /// The peer asks for a transfer.
    TransferAsked(ReferTo),
    /// What became of the transfer that we asked for.
    TransferEnded(TransferResult),
    /// Answered and acknowledged.
    Established(NegotiatedMedia),
    /// Offer and answer agreed anew.
    MediaChanged(NegotiatedMedia),
    /// A digit by INFO.
    Digit(char),
    /// Over. The record's wall-clock time is left for the shell.
    Ended(CallOutcome, Box<Cdr>),
}

/// What a call is handed with every input.
pub(crate) struct Context<'a> {
    pub now: MonoTime,
    pub ids: &'a mut IdSource,
}

/// Where a call stands.
#[derive(Debug)]
enum State {
    /// They called, we ring.
    Waiting(Box<Waiting>),
    /// We called.
    Calling(Box<Calling>),
    /// Answered. Established once the 2xx is acknowledged.
    Talking { established: bool, hangup_after_ack: Option<HangupReason> },
    /// Ended.
    Over,
}

/// The media side: what was offered, what was agreed.
#[derive(Debug)]
struct Session {
    id: u64,
    version: u64,
    terms: CallTerms,
    local_rtp: SocketAddr,
    /// The last SDP that we sent, to tell whether the next one is new.
    sent: Box<str>,
    /// An offer of ours that waits for its answer.
    offer: Option<Offer>,
    media: Option<NegotiatedMedia>,
    /// The media lines of the session, the refused ones too: every later offer repeats them.
    lines: Vec<MediaShape>,
}

impl Session {
    /// The answer to an accepted offer; the version counts up when it differs from the last SDP.
    fn answer(&mut self, accepted: &Accepted) -> Box<str> {
        self.lines = accepted.lines().to_vec();
        self.next_sdp(|session, version| accepted.answer(session.id, version, session.local_rtp))
    }

    /// An offer, remembered until it is answered.
    fn offer(&mut self) -> Box<str> {
        let offer = Offer::new(&self.terms).keeping(self.media.as_ref());
        self.offer_of(offer.with_lines(self.lines.clone()))
    }

    fn offer_of(&mut self, offer: Offer) -> Box<str> {
        let sdp =
            self.next_sdp(|session, version| offer.sdp(session.id, version, session.local_rtp));
        self.offer = Some(offer);
        sdp
    }

    fn next_sdp(&mut self, write: impl Fn(&Self, u64) -> String) -> Box<str> {
        let unchanged = write(self, self.version);
        if *unchanged != *self.sent {
            self.version += 1;
            self.sent = write(self, self.version).into();
        }
        self.sent.clone()
    }
}

/// A call.
#[derive(Debug)]
pub(crate) struct Call {
    identity: Arc<Identity>,
    dialog: Dialog,
    state: State,
    session: Session,
    unacknowledged: Option<Unacknowledged>,
    keeping: Keeping,
    reliable: Option<Box<Reliable>>,
    transfers: Transfers,
    record: Record,
    outputs: VecDeque<CallOutput>,
}

impl Call {
    /// Tells the call something.
    pub(crate) fn handle(&mut self, context: &mut Context<'_>, input: CallInput<'_>) {
        match input {
            CallInput::Request { transaction, request, flow } => {
                self.on_request(context, transaction, request, flow);
            }
            CallInput::Ack(request) => self.on_ack(context, request),
            CallInput::Cancelled(request) => self.on_cancelled(context, request),
            CallInput::Response(response) => self.on_response(context, response),
            CallInput::NoResponse(Method::Invite) if matches!(self.state, State::Calling(_)) => {
                self.on_no_response(context);
            }
            CallInput::NoResponse(Method::Refer) => self.transfer_unanswered(),
            CallInput::NoResponse(method) => self.on_kept_unanswered(context, method),
            CallInput::Ring => self.ring(context),
            CallInput::Progress(local_rtp) => self.progress(context, local_rtp),
            CallInput::Answer(local_rtp) => self.answer(context, local_rtp),
            CallInput::Reject(rejection) => self.reject(context, rejection),
            CallInput::Hangup(reason) => self.hangup(context, reason),
            CallInput::Abandon(reason) => self.abandon(context, reason),
            CallInput::RefuseTransfer => self.refuse_transfer(),
            CallInput::TransferProgress(status) => self.transfer_progress(context, status),
            CallInput::Refer(target) => self.refer(context, target),
            CallInput::Timeout => self.on_timeout(context),
        }
    }

    /// The next thing to do.
    pub(crate) fn poll_output(&mut self) -> Option<CallOutput> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > 0 {
            self.outputs = VecDeque::new(); // A call that is only talking holds no buffer.
        }
        output
    }

    /// When the call wants [`CallInput::Timeout`].
    pub(crate) fn next_timeout(&self) -> Option<MonoTime> {
        let state = match &self.state {
            State::Waiting(waiting) => {
                let reliable = self.reliable.as_ref().and_then(|reliable| reliable.next_timeout());
                [Some(waiting.next_timeout()), reliable].into_iter().flatten().min()
            }
            State::Calling(calling) => calling.next_timeout(),
            State::Talking { established: true, .. } => {
                let transfers = self.transfers.next_timeout();
                [self.keeping.next_timeout(), transfers].into_iter().flatten().min()
            }
            State::Talking { .. } | State::Over => None,
        };
        let resend = self.unacknowledged.as_ref().map(Unacknowledged::next_timeout);
        [state, resend].into_iter().flatten().min()
    }

    fn on_timeout(&mut self, context: &mut Context<'_>) {
        if let Some(unacknowledged) = &mut self.unacknowledged {
            match unacknowledged.on_timeout(context.now) {
                unacknowledged::Due::Nothing => {}
                unacknowledged::Due::Send { flow, bytes } => {
                    self.outputs.push_back(CallOutput::Send { flow, bytes });
                }
                unacknowledged::Due::GiveUp => return self.never_acknowledged(context),
            }
        }
        match self.state {
            State::Waiting(_) => self.waiting_timeout(context),
            State::Calling(_) => self.calling_timeout(context),
            State::Talking { established: true, .. } => {
                self.transfers_timeout(context);
                self.keeping_timeout(context);
            }
            State::Talking { .. } | State::Over => {}
        }
    }

    fn hangup(&mut self, context: &mut Context<'_>, reason: HangupReason) {
        match &mut self.state {
            State::Waiting(_) => self.refuse_waiting(
                context,
                Rejection::Unavailable.status(),
                line_outcome(Rejection::Unavailable.status(), reason),
            ),
            State::Calling(_) => self.cancel(context, HangupBy::Line, reason),
            // No BYE before the ACK of our 2xx (RFC 3261 §15).
            State::Talking { established: false, hangup_after_ack } => {
                hangup_after_ack.get_or_insert(reason);
            }
            State::Talking { established: true, .. } => {
                self.bye(context, line_outcome(200, reason));
            }
            State::Over => {}
        }
    }

    /// Ends without waiting for an ACK or for the answer to a CANCEL. A BYE without the ACK is what
    /// RFC 3261 §13.3.1.4 asks for when no ACK comes; who leaves has no time to find out.
    fn abandon(&mut self, context: &mut Context<'_>, reason: HangupReason) {
        match &self.state {
            State::Talking { established: false, .. } => {
                self.bye(context, line_outcome(200, reason));
            }
            State::Calling(_) => self.abandon_calling(context, reason),
            State::Waiting(_) | State::Talking { .. } | State::Over => self.hangup(context, reason),
        }
    }

    /// Sends BYE and ends. The BYE's transaction goes on without the call.
    fn bye(&mut self, context: &mut Context<'_>, outcome: CallOutcome) {
        let reason = reason_line(outcome.q850, &outcome.reason);
        let extra = Extra { headers: &reason, body: None };
        let bye = self.dialog.request(&self.identity, context.ids, Method::Bye, extra);
        self.outputs.push_back(CallOutput::Request(bye));
        self.part(context);
        self.end(context, outcome);
    }

    fn end(&mut self, context: &Context<'_>, outcome: CallOutcome) {
        self.close_transfers();
        self.state = State::Over;
        self.unacknowledged = None;
        let codec = self.session.media.as_ref().map(|media| media.codec);
        let cdr = self.record.close(context.now, codec, outcome.clone());
        self.outputs.push_back(CallOutput::Ended(outcome, Box::new(cdr)));
    }
}

fn line_outcome(sip_status: u16, reason: HangupReason) -> CallOutcome {
    CallOutcome {
        hangup_by: HangupBy::Line,
        sip_status,
        reason: reason.text().into(),
        q850: Some(reason.q850()),
    }
}

/// A `Reason` header line (RFC 3326).
fn reason_line(q850: Option<u8>, text: &str) -> String {
    q850.map_or_else(String::new, |cause| {
        format!("Reason: Q.850;cause={cause};text=\"{text}\"\r\n")
    })
}

/// Rings again so that proxies on the way do not give up (RFC 3261 §13.3.1.1).
const RING_AGAIN: Duration = Duration::from_secs(60);
/// The option tags among them: what a request may require.
pub(crate) const OPTION_TAGS: &[&str] = &["timer", "100rel", "replaces", "norefersub"];
/// What every dialog-making response and request says we understand.
pub(crate) const ALLOW_LINE: &str = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY\r\n\
     Supported: timer, 100rel, replaces, norefersub\r\n";
