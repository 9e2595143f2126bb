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
    /// A stream that nobody on the way reads (RFC 3261 §26.2.1).
    Tls,
}

impl TransportKind {
    /// As written in a Via.
    #[must_use]
    pub const fn via_name(self) -> &'static str {
        match self {
            TransportKind::Udp => "UDP",
            TransportKind::Tcp => "TCP",
            TransportKind::Tls => "TLS",
        }
    }

    /// As written in a URI's `transport` parameter.
    #[must_use]
    pub const fn uri_name(self) -> &'static str {
        match self {
            TransportKind::Udp => "udp",
            TransportKind::Tcp => "tcp",
            TransportKind::Tls => "tls",
        }
    }

    /// The port where none is written (RFC 3261 §19.1.2).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            TransportKind::Udp | TransportKind::Tcp => SIP_PORT,
            TransportKind::Tls => SIPS_PORT,
        }
    }

    /// Whether the transport delivers what it accepted, so that nothing needs retransmission.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        matches!(self, TransportKind::Tcp | TransportKind::Tls)
    }
}

/// A `sip:` or `sips:` URI: as written, and the parts that routing needs.
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
    /// Whether it is `sips:`: to be reached over TLS alone.
    pub secure: bool,
    /// `transport` parameter, if it names one that we speak; TLS for every `sips:`.
    pub transport: Option<TransportKind>,
    /// Whether the `lr` parameter is there: a loose router (RFC 3261 §19.1.1).
    pub loose_routing: bool,
}

impl SipUri {
    /// Where the URI points, if its host is an address. The transport's own port if none
    /// is written.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address_over(self.transport.unwrap_or(TransportKind::Udp))
    }

    /// The same, once it is known how the way there is taken.
    #[must_use]
    pub fn address_over(&self, transport: TransportKind) -> Option<SocketAddr> {
        match self.host {
            Host::Ip(ip) => {
                Some(SocketAddr::new(ip, self.port.unwrap_or(transport.default_port())))
            }
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
/// The port of SIP over TLS.
const SIPS_PORT: u16 = 5061;
