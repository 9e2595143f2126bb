//! What can be seen of a call from outside.

use core::net::SocketAddr;

use media_core::NegotiatedMedia;

use super::{Call, State};
use crate::caller::CallerIdentity;
use crate::flow::Flow;
use crate::message::Replaces;

impl Call {
    /// Call-ID and our tag: what a request in this dialog has as Call-ID and To tag.
    pub(crate) fn dialog_key(&self) -> (&str, &str) {
        (&self.dialog.call_id, &self.dialog.local_tag)
    }

    /// Whether the peer in this dialog has `tag`.
    pub(crate) fn is_with(&self, tag: &str) -> bool {
        *self.dialog.remote_tag == *tag
    }

    /// Whom the call is signalled with.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.dialog.peer()
    }

    /// What was or will be agreed on.
    pub(crate) fn media(&self) -> Option<NegotiatedMedia> {
        self.session.media.clone()
    }

    /// User parts of the calling and the called identity.
    pub(crate) fn parties(&self) -> (&str, &str) {
        self.record.parties()
    }

    /// Who calls, of a call that came in.
    pub(crate) fn caller(&self) -> Option<&CallerIdentity> {
        self.record.caller()
    }

    /// The trunk that it came or goes over, empty if none.
    pub(crate) fn trunk(&self) -> &str {
        self.record.trunk()
    }

    /// Who is at the other end.
    pub(crate) fn other_party(&self) -> &str {
        let (from, to) = self.record.parties();
        if self.record.is_outbound() { to } else { from }
    }

    /// The way to the peer.
    pub(crate) fn flow(&self) -> Flow {
        self.dialog.flow()
    }

    /// Where our RTP is.
    pub(crate) fn local_rtp(&self) -> SocketAddr {
        self.session.local_rtp
    }

    /// Whether the peer has `tag`, or one of the branches has that we called and that may answer.
    pub(crate) fn is_or_may_be_with(&self, tag: &str) -> bool {
        match &self.state {
            State::Calling(calling) => calling.early.iter().any(|early| early.is_with(tag)),
            _ => self.is_with(tag),
        }
    }

    /// Whether another call may take its place, and whether it is answered: an early dialog may be
    /// replaced only by whom we called (RFC 3891 §3).
    pub(crate) fn may_be_replaced(&self) -> Option<bool> {
        match &self.state {
            State::Calling(_) => Some(false),
            State::Talking { .. } => Some(true),
            State::Waiting(_) | State::Over => None,
        }
    }

    /// Whether the other call was made because the peer asked for it.
    pub(crate) fn follows_a_transfer(&self) -> bool {
        self.transfers.is_followed()
    }

    /// `number` where the peer is at home, as a name-addr.
    pub(crate) fn address_at_peer(&self, number: &str) -> Option<String> {
        let clean = |byte: u8| byte.is_ascii_alphanumeric() || b"+-_.*#".contains(&byte);
        let host = self.dialog.remote_host()?;
        (!number.is_empty() && number.bytes().all(clean)).then(|| format!("<sip:{number}@{host}>"))
    }

    /// The far end, and the dialog with it that whoever calls it is to replace: a name-addr.
    pub(crate) fn replaceable(&self) -> Option<String> {
        if !matches!(self.state, State::Talking { established: true, .. }) {
            return None;
        }
        let (call_id, local_tag) = self.dialog_key();
        let replaces = Replaces {
            call_id: call_id.to_owned(),
            to_tag: self.dialog.remote_tag.to_string(),
            from_tag: local_tag.to_owned(),
            early_only: false,
        };
        let target = self.dialog.target_text().split('?').next()?;
        Some(format!("<{target}?Replaces={}>", escaped(&replaces.text())))
    }
}

/// What may stand in a URI's headers (RFC 3261 §25.1, hvalue); everything else is escaped.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
    let one =
        |byte: u8| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}
