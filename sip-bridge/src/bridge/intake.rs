//! Bytes that an admitted source sent, on their way to the agent.

use core::net::SocketAddr;
use std::sync::Arc;

use super::shared::Shared;
use crate::agent::Input;
use crate::gate::Admitted;
use crate::guard::{self, GuardError};
use crate::message::{Message, Method, TransportKind};
use crate::stack;

/// Takes one datagram.
pub(super) fn datagram(shared: &Arc<Shared>, source: SocketAddr, from: &Admitted, bytes: &[u8]) {
    if guard::is_keepalive(bytes) {
        return;
    }
    shared.contained(|| match guard::check_datagram(bytes) {
        Ok(message) => self::message(shared, TransportKind::Udp, source, from, message),
        Err(error) => refused(shared, TransportKind::Udp, source, from, bytes, error),
    });
}

/// Takes one message that passed the guard.
pub(super) fn message(
    shared: &Arc<Shared>,
    transport: TransportKind,
    source: SocketAddr,
    from: &Admitted,
    bytes: &[u8],
) {
    shared.contained(|| match stack::parse(bytes) {
        Ok(message) => {
            let trunk = from.trunk.as_deref();
            shared.handle(Input::Message { transport, source, trunk, message });
        }
        Err(error) => tracing::debug!(%error, "message dropped"),
    });
}

/// What the guard refused is dropped, or answered 400 where RFC 3261 §18.3 asks for it.
pub(super) fn refused(
    shared: &Arc<Shared>,
    transport: TransportKind,
    source: SocketAddr,
    from: &Admitted,
    bytes: &[u8],
    error: GuardError,
) {
    tracing::debug!(%error, "message refused");
    if !error.is_answerable() {
        return;
    }
    if let Ok(Message::Request(mut request)) = stack::parse(bytes) {
        if request.method == Method::Ack {
            return; // It gets no answer, and acknowledges nothing.
        }
        request.head.unreadable = Some("Content-Length");
        let (trunk, message) = (from.trunk.as_deref(), Message::Request(request));
        shared.handle(Input::Message { transport, source, trunk, message });
    }
}
