use core::fmt::Write as _;
use core::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use super::respond::{Extra, finish};
use super::{Method, Route, TransportKind};

/// Who we are towards peers: what our Via, Contact and User-Agent say.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Where UDP reaches us.
    pub udp: Option<SocketAddr>,
    /// Where TCP reaches us.
    pub tcp: Option<SocketAddr>,
    /// Where TLS reaches us.
    pub tls: Option<SocketAddr>,
    /// Where media reaches us, when the RTP socket has no address of its own.
    pub media_ip: IpAddr,
    /// Product name.
    pub user_agent: Box<str>,
}

impl Identity {
    /// Our address over `transport`; over another one if there is no such listener.
    pub(crate) fn address(&self, transport: TransportKind) -> SocketAddr {
        let any = self.udp.or(self.tcp).or(self.tls);
        let listener = self.listener(transport).or(any);
        listener.unwrap_or(SocketAddr::new(self.media_ip, transport.default_port()))
    }

    /// Whether `ip` is an address of ours.
    pub(crate) fn is_at(&self, ip: IpAddr) -> bool {
        let listeners = [self.udp, self.tcp, self.tls].into_iter().flatten();
        listeners.map(|listener| listener.ip()).chain([self.media_ip]).any(|ours| ours == ip)
    }

    /// Whether we listen over `transport`.
    pub(crate) fn speaks(&self, transport: TransportKind) -> bool {
        self.listener(transport).is_some()
    }

    fn listener(&self, transport: TransportKind) -> Option<SocketAddr> {
        match transport {
            TransportKind::Udp => self.udp,
            TransportKind::Tcp => self.tcp,
            TransportKind::Tls => self.tls,
        }
    }

    /// A Contact header line; `secure`: a `sips:` one, where the dialog began with one.
    pub(crate) fn contact_line(&self, transport: TransportKind, secure: bool) -> String {
        let address = self.address(transport);
        let parameter = match transport {
            TransportKind::Udp => "",
            TransportKind::Tcp => ";transport=tcp",
            TransportKind::Tls if secure => "",
            TransportKind::Tls => ";transport=tls",
        };
        let scheme = if secure { "sips" } else { "sip" };
        format!("Contact: <{scheme}:xenline@{address}{parameter}>\r\n")
    }

    /// `address`, or our media address with its port if it is the wildcard.
    pub(crate) fn reachable(&self, address: SocketAddr) -> SocketAddr {
        let ip = if address.ip().is_unspecified() { self.media_ip } else { address.ip() };
        SocketAddr::new(ip, address.port())
    }
}

/// The parts of a request that its transaction and dialog decide.
pub(crate) struct RequestLine<'a> {
    pub method: Method,
    pub uri: &'a str,
    pub transport: TransportKind,
    pub branch: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub call_id: &'a str,
    pub cseq: u32,
    pub routes: &'a [Route],
    /// A strict router's last Route entry: the remote target.
    pub last_route: Option<&'a str>,
}

/// Writes a request.
pub(crate) fn write_request(
    identity: &Identity,
    line: &RequestLine<'_>,
    extra: Extra<'_>,
) -> Bytes {
    let mut out = String::with_capacity(768);
    let name = line.method.name();
    let sent_by = identity.address(line.transport);
    let via = line.transport.via_name();
    let _ = write!(
        out,
        "{name} {} SIP/2.0\r\nVia: SIP/2.0/{via} {sent_by};branch={};rport\r\n",
        line.uri, line.branch
    );
    for route in line.routes {
        let _ = write!(out, "Route: {}\r\n", route.text);
    }
    if let Some(target) = line.last_route {
        let _ = write!(out, "Route: <{target}>\r\n");
    }
    let _ = write!(
        out,
        "Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} {name}\r\n\
         User-Agent: {}\r\n",
        line.from, line.to, line.call_id, line.cseq, identity.user_agent
    );
    finish(out, extra)
}
