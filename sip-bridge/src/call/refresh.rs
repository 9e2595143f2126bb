//! What keeps an answered call: refreshes of ours (UPDATE, or a re-INVITE that changes nothing),
//! questions, and the peer's refreshes.

use core::time::Duration;

use super::inbound::outcome;
use super::keeping::{self, Agreed, Due, Pending};
use super::{ALLOW_LINE, Call, CallOutput, Context, State};
use crate::event::{CallOutcome, HangupBy};
use crate::message::{Extra, Head, Method, Response};
use crate::negotiation::Offer;
use crate::sdp;

impl Call {
    /// The 2xx has been acknowledged: from here on the call is kept.
    pub(super) fn begin_keeping(&mut self, context: &Context<'_>, agreed: Option<Agreed>) {
        self.keeping.begin(context.now, agreed);
    }

    /// Agrees to the timer that a request in the dialog asks for, and begins it anew.
    pub(super) fn refreshed(&mut self, context: &Context<'_>, head: &Head) -> String {
        let agreed = keeping::agree(&head.extensions, self.keeping.agreed());
        self.keeping.begin(context.now, agreed);
        keeping::answer_lines(agreed)
    }

    pub(super) fn keeping_timeout(&mut self, context: &mut Context<'_>) {
        match self.keeping.on_timeout(context.now) {
            Due::Nothing => {}
            // An offer is under way; a moment later it is not.
            Due::Refresh(_) if self.unacknowledged.is_some() => {
                self.keeping.again(context.now, SETTLING);
            }
            Due::Refresh(agreed) => self.refresh(context, agreed),
            Due::Ask => self.ask(context, Method::Options, Extra::default()),
            Due::Stuck => self.give_up_refresh(context),
            Due::Expired => self.lost(context, 408, "Session expired"),
        }
    }

    fn refresh(&mut self, context: &mut Context<'_>, agreed: Agreed) {
        let mut headers = self.dialog.contact_line(&self.identity);
        headers.push_str(ALLOW_LINE);
        headers.push_str(&keeping::request_lines(agreed.interval, Some(agreed.we_refresh)));
        if self.keeping.peer_updates {
            return self.ask(context, Method::Update, Extra { headers: &headers, body: None });
        }
        let Some(media) = &self.session.media else { return };
        let offer = Offer::again(media, &self.session.terms, self.session.lines.clone());
        let sdp = self.session.offer_of(offer);
        let extra = Extra { headers: &headers, body: Some(("application/sdp", sdp.as_bytes())) };
        self.ask(context, Method::Invite, extra);
    }

    fn ask(&mut self, context: &mut Context<'_>, method: Method, extra: Extra<'_>) {
        let request = self.dialog.request(&self.identity, context.ids, method, extra);
        let (branch, cseq) = (request.branch.clone(), self.dialog.local_cseq);
        self.keeping.pending = Some(Pending { method, branch, cseq, give_up: None });
        self.outputs.push_back(CallOutput::Request(request));
    }

    /// A response in an answered call. Returns whether it was one to what keeps the call.
    pub(super) fn on_kept(&mut self, context: &mut Context<'_>, response: &Response) -> bool {
        let cseq = response.head.cseq;
        let is_ours =
            |pending: &mut Pending| (pending.method, pending.cseq) == (cseq.method, cseq.number);
        if response.status < 200 {
            let ours = self.keeping.pending.as_mut().is_some_and(is_ours);
            if ours {
                self.keeping.at_work(context.now);
            }
            return ours;
        }
        let Some(pending) = self.keeping.pending.take_if(is_ours) else { return false };
        match pending.method {
            Method::Invite => self.on_reinvited(context, &pending, response),
            Method::Update => self.on_updated(context, response),
            _ => self.on_asked(context, response),
        }
        true
    }

    fn on_reinvited(&mut self, context: &mut Context<'_>, pending: &Pending, response: &Response) {
        let branch = pending.branch.clone();
        let accepted = response.status < 300;
        let ack = match accepted {
            true => self.dialog.ack(&self.identity, context.ids, pending.cseq),
            false => {
                let of = (&*branch, pending.cseq);
                self.dialog.follow_up(&self.identity, Method::Ack, of, None, Extra::default())
            }
        };
        self.outputs.push_back(CallOutput::Acknowledge { branch, ack });
        let offer = self.session.offer.take();
        if !accepted {
            return self.on_refresh_refused(context, response);
        }
        self.dialog.refresh_target(&response.head);
        self.keeping.begin(context.now, keeping::agreed_by(&response.head.extensions));
        let answer = response.head.sdp().and_then(|bytes| sdp::parse(bytes).ok());
        match offer.zip(answer).and_then(|(offer, answer)| offer.answered(&answer).ok()) {
            Some(media) => self.agreed(media),
            None => self.lost(context, 488, "No usable answer in the 200"),
        }
    }

    fn on_updated(&mut self, context: &mut Context<'_>, response: &Response) {
        match response.status {
            200..300 => {
                self.dialog.refresh_target(&response.head);
                self.keeping.begin(context.now, keeping::agreed_by(&response.head.extensions));
            }
            405 | 501 => {
                self.keeping.peer_updates = false; // It said otherwise; a re-INVITE does it too.
                self.keeping.again(context.now, Duration::ZERO);
            }
            _ => self.on_refresh_refused(context, response),
        }
    }

    fn on_refresh_refused(&mut self, context: &mut Context<'_>, response: &Response) {
        match response.status {
            408 | 481 => self.lost(context, response.status, "The peer forgot the call"),
            401 | 407 if self.dialog.challenged(response) => {
                self.keeping.again(context.now, SETTLING);
            }
            422 => self.keeping.lengthen(context.now, response.head.extensions.expires_min_s),
            491 => {
                let wait = self.glare_wait(context);
                self.keeping.again(context.now, wait);
            }
            _ => self.keeping.again_later(context.now),
        }
    }

    fn on_asked(&mut self, context: &mut Context<'_>, response: &Response) {
        match response.status {
            408 | 481 => self.lost(context, response.status, "The peer forgot the call"),
            _ => self.keeping.answered(context.now), // Whatever it says, it is there.
        }
    }

    /// No response at all to what keeps the call.
    pub(super) fn on_kept_unanswered(&mut self, context: &mut Context<'_>, method: Method) {
        let of_method = |pending: &mut Pending| pending.method == method;
        if self.keeping.pending.take_if(of_method).is_none() {
            return;
        }
        self.session.offer = None;
        let heard = self.session.media.as_ref().is_some_and(|media| media.direction.receives());
        if method != Method::Options || self.keeping.unanswered(context.now, heard) {
            self.lost(context, 408, "The peer answers no more");
        }
    }

    /// The peer said that it is at work on our re-INVITE, and no more: it is cancelled, and the call
    /// with it (RFC 3261 §9.1, §12.2.1.2).
    fn give_up_refresh(&mut self, context: &mut Context<'_>) {
        if let Some(Pending { branch, cseq, .. }) = &self.keeping.pending {
            let (of, extra) = ((&**branch, *cseq), Extra::default());
            let cancel = self.dialog.follow_up(&self.identity, Method::Cancel, of, None, extra);
            self.outputs.push_back(CallOutput::Request(cancel));
        }
        self.lost(context, 408, "The peer answers no more");
    }

    /// The call ends. What is said of a re-INVITE of ours after that is acknowledged without it.
    pub(super) fn part(&mut self, context: &mut Context<'_>) {
        let Some(Pending { method: Method::Invite, branch, cseq, .. }) =
            self.keeping.pending.take()
        else {
            return;
        };
        let of = (&*branch, cseq);
        let refused =
            self.dialog.follow_up(&self.identity, Method::Ack, of, None, Extra::default());
        let accepted = self.dialog.ack(&self.identity, context.ids, cseq);
        self.outputs.push_back(CallOutput::Part { branch, refused, accepted });
    }

    /// How long to wait after a 491 (RFC 3261 §14.1): whose Call-ID it is waits longer.
    fn glare_wait(&self, context: &mut Context<'_>) -> Duration {
        let tens_of_ms = match self.record.is_outbound() {
            true => 210 + context.ids.below(191),
            false => context.ids.below(201),
        };
        Duration::from_millis(10 * tens_of_ms)
    }

    fn lost(&mut self, context: &mut Context<'_>, status: u16, why: &str) {
        if matches!(self.state, State::Talking { .. }) {
            let outcome = outcome(HangupBy::Bridge, status, why);
            self.bye(context, CallOutcome { q850: Some(RECOVERY_ON_TIMER_EXPIRY), ..outcome });
        }
    }
}

/// Until the peer's ACK of our last 2xx can be expected.
const SETTLING: Duration = Duration::from_secs(1);
/// Q.850: recovery on timer expiry.
const RECOVERY_ON_TIMER_EXPIRY: u8 = 102;
