//! Offers in a dialog that is not answered yet (RFC 3311 §5), in both roles.

use super::in_dialog::{Reply, unsupported};
use super::inbound::accept;
use super::{Call, CallOutput, State};
use crate::message::{Extra, Method, Request};

impl Call {
    /// A request of one of those whom we called, before anybody answered. It may offer anew once the
    /// INVITE's own offer was answered in a response that had to arrive.
    pub(super) fn on_early_request(&mut self, request: &Request, reply: &Reply) {
        let State::Calling(calling) = &mut self.state else { return };
        let early = calling.early.iter_mut().find(|early| early.is_with(&request.head.from.tag));
        let (Some(early), Method::Update) = (early, request.method) else {
            return self.reply(reply, 481, Extra::default());
        };
        let cseq = request.head.cseq.number;
        if early.remote_cseq.replace(cseq).is_some_and(|last| cseq <= last) {
            return self.reply(reply, 500, Extra::default());
        }
        let settled = early.is_settled();
        let unknown = unsupported(request);
        if !unknown.is_empty() {
            let headers = format!("Unsupported: {unknown}\r\n");
            return self.reply(reply, 420, Extra { headers: &headers, body: None });
        }
        if !request.head.body.is_empty() && !settled {
            return self.reply(reply, 491, Extra::default());
        }
        let accepted = match accept(request, &self.session.terms) {
            Ok(accepted) => accepted,
            Err(refusal) => return self.reply(reply, refusal.status, Extra::default()),
        };
        let sdp = accepted.as_ref().map(|accepted| self.session.answer(accepted));
        let headers = self.dialog.contact_line(&self.identity);
        let body = sdp.as_ref().map(|sdp| ("application/sdp", sdp.as_bytes()));
        self.reply(reply, 200, Extra { headers: &headers, body });
        let (Some(accepted), State::Calling(calling)) = (accepted, &mut self.state) else { return };
        let media = accepted.media();
        let from = &request.head.from.tag;
        if let Some(early) = calling.early.iter_mut().find(|early| early.is_with(from)) {
            early.media = Some(media.clone());
        }
        if calling.heard.replace(media.clone()).as_ref() != Some(&media) {
            self.outputs.push_back(CallOutput::EarlyMedia(media));
        }
    }

    /// Whether the caller may offer anew before we answer: it has our answer to the INVITE's offer, and
    /// said so.
    pub(super) fn may_be_offered_early(&self) -> bool {
        let State::Waiting(waiting) = &self.state else { return false };
        let arrived = self.reliable.as_ref().is_some_and(|sent| sent.is_acknowledged());
        waiting.early.is_some() && arrived
    }

    /// What was offered and accepted before we answer is the answer's, which does not repeat it.
    pub(super) fn agreed_before_the_answer(&mut self, sdp: &str) {
        if let State::Waiting(waiting) = &mut self.state {
            waiting.early = Some(sdp.into());
        }
    }
}
