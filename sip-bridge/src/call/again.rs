//! The INVITE of a call of ours, and the same call tried again: for a longer interval, over another
//! way.

use core::time::Duration;

use super::keeping::{self, EXPIRES_MAX};
use super::{ALLOW_LINE, Call, CallOutput, Context, Dialog, LeftWay, Outgoing, Session, State};
use crate::message::{Extra, Identity, Method, Response};
use crate::pii::Pii;

impl Call {
    /// Calls again with the session interval that the peer insists on (RFC 4028 §7.3). Returns
    /// whether that is possible.
    pub(super) fn ask_for_longer(
        &mut self,
        context: &mut Context<'_>,
        response: &Response,
    ) -> bool {
        let State::Calling(calling) = &mut self.state else { return false };
        let wanted = response.head.extensions.expires_min_s.unwrap_or_default();
        let wanted = Duration::from_secs(wanted.into());
        if wanted <= calling.interval || wanted > EXPIRES_MAX {
            return false;
        }
        calling.interval = wanted;
        self.invite_again(context);
        true
    }

    /// Calls over the next of the other ways, each once, unless it rings already. Returns whether
    /// there is one.
    pub(super) fn take_another_way(&mut self, context: &mut Context<'_>, status: u16) -> bool {
        let State::Calling(calling) = &mut self.state else { return false };
        if calling.rings || calling.cancelled.is_some() {
            return false;
        }
        let Some((target, flow)) = calling.ways.pop_front() else { return false };
        tracing::info!(status, next = %Pii::new(flow.peer), "no way through here; calling over the trunk's next address");
        self.dialog.redirect(target, flow);
        self.invite_again(context);
        true
    }

    /// Nothing came back in time. The call goes on over another way, and what may yet come of this one
    /// is not its business any more.
    pub(super) fn leave_silent_way(&mut self, context: &mut Context<'_>) {
        let State::Calling(calling) = &mut self.state else { return };
        calling.silent_until = None;
        let left = LeftWay {
            identity: self.identity.clone(),
            dialog: self.dialog.clone(),
            branch: calling.branch.clone(),
            cseq: calling.cseq,
            cancelled: false,
        };
        if self.take_another_way(context, 408) {
            self.outputs.push_back(CallOutput::Leave(Box::new(left)));
        }
    }

    /// Calls again with a proof of who we are. Returns whether there is one that may help.
    pub(super) fn prove(&mut self, context: &mut Context<'_>, response: &Response) -> bool {
        let State::Calling(calling) = &mut self.state else { return false };
        calling.proofs += 1;
        // A first challenge of each on the way, and nonces that were too old.
        let helps = calling.proofs <= PROOFS_MAX && self.dialog.challenged(response);
        if helps {
            self.invite_again(context);
        }
        helps
    }

    /// The INVITE once more in the same call: the next number, a new transaction.
    fn invite_again(&mut self, context: &mut Context<'_>) {
        let State::Calling(calling) = &mut self.state else { return };
        let asked = (calling.interval, &*calling.headers);
        let invite = invite(context, &self.identity, &mut self.dialog, &mut self.session, asked);
        calling.branch = invite.branch.clone();
        calling.cseq = self.dialog.local_cseq;
        calling.early.clear();
        calling.proceeding = false;
        let another = !calling.ways.is_empty();
        calling.silent_until = another.then(|| context.now + calling.patience);
        self.outputs.push_back(CallOutput::Request(invite));
    }
}

/// The INVITE that makes the call.
pub(super) fn invite(
    context: &mut Context<'_>,
    identity: &Identity,
    dialog: &mut Dialog,
    session: &mut Session,
    (interval, own): (Duration, &str),
) -> Outgoing {
    let sdp = session.offer();
    let mut headers = dialog.contact_line(identity);
    headers.push_str(ALLOW_LINE);
    headers.push_str(&keeping::request_lines(interval, None));
    headers.push_str(own);
    let extra = Extra { headers: &headers, body: Some(("application/sdp", sdp.as_bytes())) };
    dialog.request(identity, context.ids, Method::Invite, extra)
}

/// More would be guessing.
const PROOFS_MAX: u32 = 3;
