//! Who else answers an INVITE that somebody answered already: it was forked on its way.

use std::sync::Arc;

use super::{Context, Dialog, Outgoing};
use crate::message::{Extra, Identity, Method, Response};

/// Acknowledges further answers and hangs them up (RFC 3261 §13.2.2.4), for as long as they may come:
/// that is as long as the INVITE's transaction lasts, whatever becomes of the call meanwhile.
#[derive(Debug)]
pub(crate) struct Forks {
    identity: Arc<Identity>,
    /// As the INVITE made it, without a peer's tag.
    dialog: Dialog,
    cseq: u32,
    /// The tags of those that were hung up.
    ended: Vec<Box<str>>,
}

impl Forks {
    pub(crate) fn new(identity: Arc<Identity>, dialog: Dialog, cseq: u32) -> Self {
        Self { identity, dialog, cseq, ended: Vec::new() }
    }

    /// Another answer: its ACK, and a BYE unless it has had one.
    pub(crate) fn on_answer(
        &mut self,
        context: &mut Context<'_>,
        response: &Response,
    ) -> (Outgoing, Option<Outgoing>) {
        let tag = &*response.head.to.tag;
        let mut fork = self.dialog.clone();
        fork.confirm(response);
        let ack = fork.ack(&self.identity, context.ids, self.cseq);
        if self.ended.len() >= FORKS_MAX || self.ended.iter().any(|ended| **ended == *tag) {
            return (ack, None);
        }
        self.ended.push(tag.into());
        let bye = fork.request(&self.identity, context.ids, Method::Bye, Extra::default());
        (ack, Some(bye))
    }
}

/// A hunt group rings so many telephones; more answers are acknowledged and left to themselves.
const FORKS_MAX: usize = 8;
