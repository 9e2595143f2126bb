//! An INVITE of ours that nobody said a word about, left because the call went on over another way.
//!
//! It cannot be cancelled before a provisional response came (RFC 3261 §9.1), and whoever got it may
//! yet ring, or answer. So it is cancelled as soon as that is allowed, and an answer is acknowledged
//! and hung up.

use std::sync::Arc;

use super::{Context, Dialog, Outgoing};
use crate::message::{Extra, Identity, Method, Response};

/// See the module.
#[derive(Debug)]
pub(crate) struct LeftWay {
    pub(super) identity: Arc<Identity>,
    pub(super) dialog: Dialog,
    pub(super) branch: String,
    pub(super) cseq: u32,
    pub(super) cancelled: bool,
}

/// What is to be done about a response to it.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    /// In the INVITE's own transaction, now and whenever the final response is repeated.
    pub ack: Option<Outgoing>,
    /// A CANCEL or a BYE.
    pub request: Option<Outgoing>,
}

impl LeftWay {
    /// The transaction of the INVITE.
    pub(crate) fn branch(&self) -> &str {
        &self.branch
    }

    /// Somebody spoke of it after all.
    pub(crate) fn on_response(
        &mut self,
        context: &mut Context<'_>,
        response: &Response,
    ) -> Closing {
        let of = (&*self.branch, self.cseq);
        match response.status {
            100..200 if core::mem::replace(&mut self.cancelled, true) => Closing::default(),
            100..200 => {
                let extra = Extra::default();
                let cancel = self.dialog.follow_up(&self.identity, Method::Cancel, of, None, extra);
                Closing { request: Some(cancel), ack: None }
            }
            200..300 => {
                let mut answered = self.dialog.clone();
                answered.confirm(response);
                let ack = answered.ack(&self.identity, context.ids, self.cseq);
                let extra = Extra::default();
                let bye = answered.request(&self.identity, context.ids, Method::Bye, extra);
                Closing { ack: Some(ack), request: Some(bye) }
            }
            _ => {
                let to = Some(response.head.to.text.as_str());
                let extra = Extra::default();
                let ack = self.dialog.follow_up(&self.identity, Method::Ack, of, to, extra);
                Closing { ack: Some(ack), request: None }
            }
        }
    }
}
