use core::net::SocketAddr;

use crate::message::TransportKind;

/// How a peer is reached: a transport and its address there. Over TCP and TLS the address names
/// the connection; `reconnect` says where to open a new one when that is gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Flow {
    /// UDP, TCP or TLS.
    pub transport: TransportKind,
    /// The peer's address; over a stream that of the connection's far end.
    pub peer: SocketAddr,
    /// Where to connect when there is no connection to `peer`. Not used over UDP.
    pub reconnect: SocketAddr,
}

impl Flow {
    /// A flow to `peer` itself.
    #[must_use]
    pub const fn direct(transport: TransportKind, peer: SocketAddr) -> Self {
        Self { transport, peer, reconnect: peer }
    }
}
