use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// The host of a URI or of a Via.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Host {
    /// An address.
    Ip(IpAddr),
    /// A name. Never looked up when it came in a packet.
    Name(String),
}

/// A transport that we speak.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransportKind {
    /// Datagrams: requests and responses are retransmitted.
    Udp,
    /// A stream: nothing is retransmitted but the 200 to an INVITE.
    Tcp,
}

impl TransportKind {
    /// As written in a Via.
    #[must_use]
    pub const fn via_name(self) -> &'static str {
        match self {
            TransportKind::Udp => "UDP",
            TransportKind::Tcp => "TCP",
        }
    }

    /// As written in a URI's `transport` parameter.
    #[must_use]
    pub const fn uri_name(self) -> &'static str {
        match self {
            TransportKind::Udp => "udp",
            TransportKind::Tcp => "tcp",
        }
    }

    /// Whether the transport delivers what it accepted, so that nothing needs retransmission.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        matches!(self, TransportKind::Tcp)
    }
}

/// A `sip:` URI: as written, and the parts that routing needs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SipUri {
    /// As written, without angle brackets.
    pub text: String,
    /// User part, empty if there is none.
    pub user: String,
    /// Host.
    pub host: Host,
    /// Port, if written.
    pub port: Option<u16>,
    /// `transport` parameter, if it names one that we speak.
    pub transport: Option<TransportKind>,
    /// Whether the `lr` parameter is there: a loose router (RFC 3261 §19.1.1).
    pub loose_routing: bool,
}

impl SipUri {
    /// Where the URI points, if its host is an address. Port 5060 if none is written.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self.host {
            Host::Ip(ip) => Some(SocketAddr::new(ip, self.port.unwrap_or(SIP_PORT))),
            Host::Name(_) => None,
        }
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The port of SIP over UDP and TCP.
pub(crate) const SIP_PORT: u16 = 5060;
