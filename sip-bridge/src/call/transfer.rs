//! Transfers: the peer asks us to call somebody else (RFC 3515), or we ask the peer to.

use core::time::Duration;

use media_core::MonoTime;

use super::in_dialog::Reply;
use super::{Call, CallOutput, Context, State};
use crate::event::{HangupReason, TransferResult};
use crate::message::{Extra, Method, ReferTo, Request, Response, phrase};

/// What of transfers a call is in.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    /// Whether the trunk may transfer its calls at all.
    allowed: bool,
    referred: Option<Box<Referred>>,
    referring: Option<Box<Referring>>,
}

impl Transfers {
    pub(crate) fn allowed(allowed: bool) -> Self {
        Self { allowed, ..Self::default() }
    }

    pub(crate) fn next_timeout(&self) -> Option<MonoTime> {
        let referred = self.referred.as_ref().and_then(|referred| referred.due);
        let referring = self.referring.as_ref().map(|referring| referring.give_up);
        [referred, referring].into_iter().flatten().min()
    }

    pub(crate) fn is_followed(&self) -> bool {
        self.referred.as_ref().is_some_and(|it| it.stage == Stage::Calling)
    }
}

/// A REFER of the peer's.
#[derive(Debug)]
struct Referred {
    reply: Reply,
    /// Names the subscription: the REFER's number.
    cseq: u32,
    /// The peer wants no reports.
    unreported: bool,
    stage: Stage,
    /// When something is to be done whatever happens.
    due: Option<MonoTime>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The line was asked.
    Asked,
    /// The other one is called.
    Calling,
    /// The other one answered; the peer is expected to hang up.
    Done,
}

/// A REFER of ours.
#[derive(Debug)]
struct Referring {
    cseq: u32,
    accepted: bool,
    give_up: MonoTime,
}

impl Call {
    /// The peer asks us to call somebody else.
    pub(super) fn on_refer(&mut self, context: &Context<'_>, request: &Request, reply: &Reply) {
        if !matches!(self.state, State::Talking { established: true, .. }) {
            return self.reply(reply, 500, Extra { headers: "Retry-After: 1\r\n", body: None });
        }
        let said = request.head.transfer.as_deref().cloned().unwrap_or_default();
        let Some(target) = said.refer_to else {
            return self.reply(reply, 400, Extra::default());
        };
        if !self.transfers.allowed {
            return self.reply(reply, 603, Extra::default());
        }
        if self.transfers.referred.is_some() {
            return self.reply(reply, 491, Extra::default());
        }
        self.transfers.referred = Some(Box::new(Referred {
            reply: reply.clone(),
            cseq: request.head.cseq.number,
            unreported: said.unreported,
            stage: Stage::Asked,
            due: Some(context.now + DECIDE_MAX),
        }));
        self.outputs.push_back(CallOutput::TransferAsked(target));
    }

    /// The line will not.
    pub(super) fn refuse_transfer(&mut self) {
        let asked = |it: &mut Box<Referred>| it.stage == Stage::Asked;
        if let Some(referred) = self.transfers.referred.take_if(asked) {
            self.reply(&referred.reply, 603, Extra::default());
        }
    }

    /// Whether the line was asked and has not answered yet.
    pub(crate) fn transfer_waits(&self) -> bool {
        self.transfers.referred.as_ref().is_some_and(|it| it.stage == Stage::Asked)
    }

    /// The line calls the other one.
    fn accept_transfer(&mut self, context: &mut Context<'_>) {
        let Some(referred) = &mut self.transfers.referred else { return };
        referred.stage = Stage::Calling;
        referred.due = None;
        let (reply, unreported) = (referred.reply.clone(), referred.unreported);
        let mut headers = self.dialog.contact_line(&self.identity);
        if unreported {
            headers.push_str("Refer-Sub: false\r\n");
        }
        self.reply(&reply, 202, Extra { headers: &headers, body: None });
        self.report(context, 100);
    }

    /// How it stands with the other one: 100 when the line begins to call, its responses, and its
    /// final status.
    pub(super) fn transfer_progress(&mut self, context: &mut Context<'_>, status: u16) {
        match (self.transfers.referred.as_ref().map(|it| it.stage), status) {
            (Some(Stage::Asked), 100) => self.accept_transfer(context),
            (Some(Stage::Calling), 100..200) => self.report(context, status),
            (Some(Stage::Calling), 200..300) => {
                self.report(context, status);
                if let Some(referred) = &mut self.transfers.referred {
                    (referred.stage, referred.due) = (Stage::Done, Some(context.now + LEAVE_MAX));
                }
            }
            (Some(Stage::Calling), _) => {
                self.report(context, status);
                self.transfers.referred = None;
            }
            _ => {}
        }
    }

    /// Tells the peer how it stands (RFC 3515 §2.4.5).
    fn report(&mut self, context: &mut Context<'_>, status: u16) {
        let Some(referred) = self.transfers.referred.as_ref().filter(|it| !it.unreported) else {
            return;
        };
        let state =
            if status < 200 { "active;expires=180" } else { "terminated;reason=noresource" };
        let contact = self.dialog.contact_line(&self.identity);
        let headers = format!(
            "{contact}Event: refer;id={}\r\nSubscription-State: {state}\r\n",
            referred.cseq
        );
        let body = format!("SIP/2.0 {status} {}\r\n", phrase(status));
        let body = Some(("message/sipfrag;version=2.0", body.as_bytes()));
        let extra = Extra { headers: &headers, body };
        let notify = self.dialog.request(&self.identity, context.ids, Method::Notify, extra);
        self.outputs.push_back(CallOutput::Request(notify));
    }

    /// Asks the peer to call `target`, a name-addr, in our place.
    pub(super) fn refer(&mut self, context: &mut Context<'_>, target: &str) {
        let talking = matches!(self.state, State::Talking { established: true, .. });
        if !talking || self.transfers.referring.is_some() || self.transfers.referred.is_some() {
            return self.outputs.push_back(CallOutput::TransferEnded(TransferResult::Impossible));
        }
        let contact = self.dialog.contact_line(&self.identity);
        let by = self.dialog.local_address();
        let headers = format!("{contact}Refer-To: {target}\r\nReferred-By: {by}\r\n");
        let extra = Extra { headers: &headers, body: None };
        let refer = self.dialog.request(&self.identity, context.ids, Method::Refer, extra);
        let (cseq, give_up) = (self.dialog.local_cseq, context.now + TRANSFER_MAX);
        self.transfers.referring = Some(Box::new(Referring { cseq, accepted: false, give_up }));
        self.outputs.push_back(CallOutput::Request(refer));
    }

    /// A response to our REFER.
    pub(super) fn on_refer_answered(&mut self, response: &Response) {
        let number = response.head.cseq.number;
        let Some(referring) = self.transfers.referring.as_mut().filter(|it| it.cseq == number)
        else {
            return;
        };
        match response.status {
            100..200 => {}
            200..300 => referring.accepted = true,
            status => self.referring_ended(TransferResult::Refused(status)),
        }
    }

    /// A report on our REFER, which may come before the response to it.
    pub(super) fn on_notify(
        &mut self,
        context: &mut Context<'_>,
        request: &Request,
        reply: &Reply,
    ) {
        let said = request.head.transfer.as_deref().cloned().unwrap_or_default();
        if said.event.as_deref() != Some("refer") {
            let headers = "Allow-Events: refer\r\n";
            return self.reply(reply, 489, Extra { headers, body: None });
        }
        let Some(referring) = &mut self.transfers.referring else {
            return self.reply(reply, 481, Extra::default());
        };
        referring.accepted = true;
        self.reply(reply, 200, Extra::default());
        match fragment_status(&request.head.body) {
            Some(200..300) => {
                self.referring_ended(TransferResult::Done);
                self.hangup(context, HangupReason::Moved);
            }
            Some(status) if status >= 300 => {
                self.referring_ended(TransferResult::Refused(status));
            }
            _ if said.is_last => self.referring_ended(TransferResult::Unreported),
            _ => {}
        }
    }

    /// No response to our REFER, or no word of how it went.
    pub(super) fn transfer_unanswered(&mut self) {
        self.referring_ended(TransferResult::Unanswered);
    }

    /// The call ends: what is still open of a transfer is told first.
    pub(super) fn close_transfers(&mut self) {
        self.refuse_transfer();
        self.referring_ended_unheard();
    }

    fn referring_ended_unheard(&mut self) {
        let accepted = self.transfers.referring.as_ref().is_some_and(|it| it.accepted);
        self.referring_ended(match accepted {
            // A carrier that takes the call over ends ours without a further word.
            true => TransferResult::Unreported,
            false => TransferResult::Unanswered,
        });
    }

    fn referring_ended(&mut self, result: TransferResult) {
        if self.transfers.referring.take().is_some() {
            self.outputs.push_back(CallOutput::TransferEnded(result));
        }
    }

    pub(super) fn transfers_timeout(&mut self, context: &mut Context<'_>) {
        let due = |at: Option<MonoTime>| at.is_some_and(|at| at <= context.now);
        if due(self.transfers.referring.as_ref().map(|it| it.give_up)) {
            self.referring_ended_unheard();
        }
        let referred = self.transfers.referred.as_ref();
        match referred.filter(|it| due(it.due)).map(|it| it.stage) {
            Some(Stage::Asked) => self.refuse_transfer(),
            Some(_) => {
                self.transfers.referred = None;
                self.hangup(context, HangupReason::Moved);
            }
            None => {}
        }
    }
}

/// What the line is to be asked about: the target as the peer wrote it.
pub(crate) fn target_text(target: &ReferTo) -> String {
    target.uri.as_ref().map_or_else(|| format!("tel:{}", target.number), |uri| uri.text.clone())
}

/// The status in a `message/sipfrag` (RFC 3420): its start line.
fn fragment_status(body: &[u8]) -> Option<u16> {
    let line = core::str::from_utf8(body.get(..body.len().min(FRAGMENT_BYTES_MAX))?)
        .ok()?
        .lines()
        .next()?;
    let mut words = line.split_ascii_whitespace();
    let version = words.next().filter(|version| version.eq_ignore_ascii_case("SIP/2.0"));
    let status = version.and(words.next())?.parse().ok()?;
    (100..700).contains(&status).then_some(status)
}

/// The line decides in milliseconds; the peer's REFER waits no longer for it.
const DECIDE_MAX: Duration = Duration::from_secs(5);
/// Who asked for the transfer hangs up by itself (RFC 5589 §6.1); if not, we do.
const LEAVE_MAX: Duration = Duration::from_secs(4);
/// Ringing takes two minutes at most, and the word of it a little longer.
const TRANSFER_MAX: Duration = Duration::from_secs(150);
/// A start line is short.
const FRAGMENT_BYTES_MAX: usize = 512;
