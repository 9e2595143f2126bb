//! Requests inside a dialog: re-INVITE, BYE, INFO, OPTIONS, and the ACK of a 2xx.

use super::inbound::{accept, outcome};
use super::{ALLOW_LINE, Call, CallOutput, Context, OPTION_TAGS, State, Unacknowledged, keeping};
use crate::digits::info_digit;
use crate::event::{CallOutcome, HangupBy};
use crate::flow::Flow;
use crate::message::{Extra, Method, Request, ResponseSeed};
use crate::sdp;

impl Call {
    pub(super) fn on_request(
        &mut self,
        context: &mut Context<'_>,
        transaction: u64,
        request: &Request,
        flow: Flow,
    ) {
        let reply = Reply { transaction, seed: ResponseSeed::new(request, flow.peer), flow };
        match self.state {
            State::Over => return self.reply(&reply, 481, Extra::default()),
            State::Calling(_) => return self.on_early_request(request, &reply),
            State::Waiting(_) | State::Talking { .. } => {}
        }
        let cseq = request.head.cseq.number;
        // Out of order (RFC 3261 §12.2.2). Repetitions are absorbed by the transaction.
        if self.dialog.remote_cseq.is_some_and(|last| cseq <= last) {
            return self.reply(&reply, 500, Extra::default());
        }
        self.dialog.remote_cseq = Some(cseq);
        let unknown = unsupported(request);
        if !unknown.is_empty() {
            let headers = format!("Unsupported: {unknown}\r\n");
            return self.reply(&reply, 420, Extra { headers: &headers, body: None });
        }
        match request.method {
            Method::Invite | Method::Update if keeping::is_too_short(&request.head.extensions) => {
                let headers = keeping::MIN_SE_LINE;
                self.reply(&reply, 422, Extra { headers, body: None });
            }
            Method::Invite => self.on_reinvite(context, request, &reply),
            Method::Update => self.on_update(context, request, &reply),
            Method::Prack => self.on_prack(context, request, &reply),
            Method::Bye => self.on_bye(context, request, &reply),
            Method::Info => self.on_info(request, &reply),
            Method::Refer => self.on_refer(context, request, &reply),
            Method::Notify => self.on_notify(context, request, &reply),
            Method::Options => {
                let headers = format!("{ALLOW_LINE}Accept: application/sdp\r\n");
                self.reply(&reply, 200, Extra { headers: &headers, body: None });
            }
            _ => self.reply(&reply, 405, Extra { headers: ALLOW_LINE, body: None }),
        }
    }

    pub(super) fn reply(&mut self, reply: &Reply, status: u16, extra: Extra<'_>) {
        let bytes = reply.seed.write(status, &self.dialog.local_tag, extra);
        let transaction = reply.transaction;
        self.outputs.push_back(CallOutput::Respond { transaction, status, bytes });
    }

    fn on_bye(&mut self, context: &mut Context<'_>, request: &Request, reply: &Reply) {
        self.reply(reply, 200, Extra::default());
        let reason = request.head.reason.clone().unwrap_or_default();
        let text = if reason.text.is_empty() { "Normal call clearing" } else { &reason.text };
        let mut outcome = CallOutcome { q850: reason.q850, ..outcome(HangupBy::Peer, 200, text) };
        if matches!(self.state, State::Waiting(_)) {
            outcome.sip_status = 487;
            self.refuse_waiting(context, 487, outcome); // A caller's BYE in the early dialog.
        } else {
            self.part(context);
            self.end(context, outcome);
        }
    }

    fn on_info(&mut self, request: &Request, reply: &Reply) {
        let head = &request.head;
        match (&head.content_type, info_digit(head.content_type.as_deref(), &head.body)) {
            (_, Some(digit)) => {
                self.reply(reply, 200, Extra::default());
                self.outputs.push_back(CallOutput::Digit(digit));
            }
            // An empty INFO asks whether we are alive (RFC 2976 §2.2).
            (None, None) => self.reply(reply, 200, Extra::default()),
            (Some(_), None) => {
                let headers = "Accept: application/dtmf-relay, application/dtmf\r\n";
                self.reply(reply, 415, Extra { headers, body: None });
            }
        }
    }

    /// A new offer: hold, resume, another port, another codec.
    fn on_reinvite(&mut self, context: &mut Context<'_>, request: &Request, reply: &Reply) {
        if !matches!(self.state, State::Talking { established: true, .. }) {
            // Before the first INVITE is settled there can be no second (RFC 3261 §14.2).
            let headers = format!("Retry-After: {}\r\n", context.ids.below(11));
            return self.reply(reply, 500, Extra { headers: &headers, body: None });
        }
        if self.session.offer.is_some() {
            return self.reply(reply, 491, Extra::default()); // Ours is under way (§14.2).
        }
        let accepted = match accept(request, &self.session.terms) {
            Ok(accepted) => accepted,
            // The session goes on as it was (§14.2).
            Err(refusal) => return self.reply(reply, refusal.status, Extra::default()),
        };
        self.dialog.refresh_target(&request.head);
        let sdp = match &accepted {
            Some(accepted) => self.session.answer(accepted),
            None => self.session.offer(),
        };
        let mut headers = self.dialog.contact_line(&self.identity);
        headers.push_str(ALLOW_LINE);
        headers.push_str(&self.refreshed(context, &request.head));
        let extra = Extra { headers: &headers, body: Some(("application/sdp", sdp.as_bytes())) };
        let bytes = reply.seed.write_in_dialog(200, &self.dialog.local_tag, extra);
        let (cseq, transaction) = (request.head.cseq.number, reply.transaction);
        self.unacknowledged =
            Some(Unacknowledged::new(context.now, cseq, reply.flow, bytes.clone()));
        self.outputs.push_back(CallOutput::Respond { transaction, status: 200, bytes });
        if let Some(accepted) = accepted {
            self.agreed(accepted.media());
        }
    }

    /// A new offer without an ACK, or only a refresh (RFC 3311 §5.2).
    fn on_update(&mut self, context: &mut Context<'_>, request: &Request, reply: &Reply) {
        let has_offer = !request.head.body.is_empty();
        let waiting = matches!(self.state, State::Waiting(_));
        if has_offer && waiting && !self.may_be_offered_early() {
            // The INVITE's own offer is not answered yet.
            return self.reply(reply, 500, Extra { headers: "Retry-After: 5\r\n", body: None });
        }
        if has_offer && self.session.offer.is_some() {
            return self.reply(reply, 491, Extra::default());
        }
        let accepted = match accept(request, &self.session.terms) {
            Ok(accepted) => accepted,
            Err(refusal) => return self.reply(reply, refusal.status, Extra::default()),
        };
        self.dialog.refresh_target(&request.head);
        let sdp = accepted.as_ref().map(|accepted| self.session.answer(accepted));
        let mut headers = self.dialog.contact_line(&self.identity);
        headers.push_str(ALLOW_LINE);
        if matches!(self.state, State::Talking { .. }) {
            headers.push_str(&self.refreshed(context, &request.head));
        }
        let body = sdp.as_ref().map(|sdp| ("application/sdp", sdp.as_bytes()));
        self.reply(reply, 200, Extra { headers: &headers, body });
        if let Some(sdp) = &sdp {
            self.agreed_before_the_answer(sdp);
        }
        if let Some(accepted) = accepted {
            self.agreed(accepted.media());
        }
    }

    /// The ACK of a 2xx: it may carry the answer to an offer of ours.
    pub(super) fn on_ack(&mut self, context: &mut Context<'_>, ack: &Request) {
        if self.unacknowledged.as_ref().is_none_or(|sent| sent.cseq != ack.head.cseq.number) {
            return;
        }
        self.unacknowledged = None;
        if let Some(offer) = self.session.offer.take() {
            let answer = ack.head.sdp().and_then(|bytes| sdp::parse(bytes).ok());
            match answer.and_then(|answer| offer.answered(&answer).ok()) {
                Some(media) => self.agreed(media),
                None => {
                    let outcome = outcome(HangupBy::Bridge, 488, "No usable answer in the ACK");
                    return self.bye(context, CallOutcome { q850: Some(88), ..outcome });
                }
            }
        }
        self.acknowledged(context);
    }

    fn acknowledged(&mut self, context: &mut Context<'_>) {
        let State::Talking { established, hangup_after_ack } = &mut self.state else { return };
        let first = !core::mem::replace(established, true);
        if let Some(reason) = hangup_after_ack.take() {
            return self.bye(context, super::line_outcome(200, reason));
        }
        if first {
            let asked = self.keeping.agreed();
            self.begin_keeping(context, asked);
        }
        if let (true, Some(media)) = (first, self.session.media.clone()) {
            self.outputs.push_back(CallOutput::Established(media));
        }
    }

    /// Notes what was agreed, and tells if that is news in an established call.
    pub(super) fn agreed(&mut self, media: media_core::NegotiatedMedia) {
        let changed = self.session.media.replace(media.clone()).as_ref() != Some(&media);
        // Before the answer only whoever is heard already may change anything.
        let heard =
            matches!(self.state, State::Talking { established: true, .. } | State::Waiting(_));
        if changed && heard {
            self.outputs.push_back(CallOutput::MediaChanged(media));
        }
    }

    pub(super) fn never_acknowledged(&mut self, context: &mut Context<'_>) {
        let outcome = outcome(HangupBy::Bridge, 408, "ACK Timeout");
        self.bye(context, CallOutcome { q850: Some(102), ..outcome });
    }
}

/// The option tags that `request` requires and we do not know (RFC 3261 §8.2.2.3).
pub(crate) fn unsupported(request: &Request) -> String {
    let known = |tag: &&String| !OPTION_TAGS.iter().any(|ours| ours.eq_ignore_ascii_case(tag));
    let unknown: Vec<&str> =
        request.head.require.iter().filter(known).map(String::as_str).collect();
    unknown.join(", ")
}

/// How to answer one request.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    transaction: u64,
    seed: ResponseSeed,
    flow: Flow,
}
