//! The SIP stack's grammar behind a window of our own.
//!
//! The only place that names the stack's crate, `rsipstack`. What is taken from it is the message
//! grammar: it turns bytes that passed the [guard](crate::guard) into [`Message`]s. Its
//! transactions and transports are not used, on purpose: they are tasks and unbounded channels
//! around a clock of their own, log whole messages, numbers included, and resolve names from
//! packets inside the receive loop; the line wants them as cores in virtual time, bounded and
//! redacted (see [`crate`]).

mod extensions;
mod header;
#[cfg(test)]
mod tests;

use rsipstack::sip::{
    Header, Headers, Method as StackMethod, Scheme, SipMessage, Transport, Uri,
    parse_uri as stack_parse_uri,
};

use crate::message::{Host, Message, Method, Request, Response, SipUri, TransportKind};

/// Why a message that was framed well could not be understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseError {
    /// The start line or a header line is outside the grammar, or the method is unknown.
    #[error("not a SIP message that the grammar knows")]
    Grammar,
    /// A header without which no answer can be addressed is missing or unreadable.
    #[error("header {0} is missing or unreadable")]
    Header(&'static str),
}

/// Parses one whole message. `bytes` must have passed the guard; on other bytes the result is
/// still an error and never a panic, but may accept what the guard refuses.
///
/// # Errors
/// [`ParseError`] if no answer could be addressed. A message that can be answered is returned, with
/// [`unreadable`](crate::message::Head::unreadable) set if a header that matters is broken.
pub fn parse(bytes: &[u8]) -> Result<Message, ParseError> {
    // The guard cut the message to its Content-Length; the grammar would drop a body without one.
    let body = memchr::memmem::find(bytes, b"\r\n\r\n").map(|end| &bytes[end + 4..]);
    let body = body.unwrap_or_default().to_vec();
    match SipMessage::try_from(bytes).map_err(|_| ParseError::Grammar)? {
        SipMessage::Request(request) => {
            let (uri_user, foreign_scheme) = request_uri(&request.uri);
            let mut head = header::head(&request.headers, body)?;
            if foreign_scheme {
                head.unreadable.get_or_insert("Request-URI");
            }
            let uri = request_uri_text(bytes).ok_or(ParseError::Grammar)?;
            Ok(Message::Request(Request { method: method(request.method), uri, uri_user, head }))
        }
        SipMessage::Response(response) => {
            let head = header::head(&response.headers, body)?;
            let phrase = response.wire_reason.as_deref().unwrap_or(response.status_code.text());
            let status = response.status_code.code();
            Ok(Message::Response(Response { status, phrase: phrase.into(), head }))
        }
    }
}

/// Parses a `sip:` or `sips:` URI without angle brackets.
#[must_use]
pub fn parse_uri(text: &str) -> Option<SipUri> {
    let uri = stack_parse_uri(text).ok()?;
    sip_uri(text, &uri)
}

fn sip_uri(text: &str, uri: &Uri) -> Option<SipUri> {
    let secure = match uri.scheme {
        Some(Scheme::Sip) => false,
        Some(Scheme::Sips) => true,
        _ => return None,
    };
    let text = text.trim().trim_start_matches('<').trim_end_matches('>').trim();
    let transport = uri.params.iter().find_map(|parameter| match parameter {
        rsipstack::sip::Param::Transport(Transport::Udp) => Some(TransportKind::Udp),
        rsipstack::sip::Param::Transport(Transport::Tcp) => Some(TransportKind::Tcp),
        rsipstack::sip::Param::Transport(Transport::Tls) => Some(TransportKind::Tls),
        _ => None,
    });
    let loose_routing = uri.params.iter().any(|parameter| match parameter {
        rsipstack::sip::Param::Lr => true,
        rsipstack::sip::Param::Other(name, _) => name.value().eq_ignore_ascii_case("lr"),
        _ => false,
    });
    Some(SipUri {
        text: text.into(),
        user: uri.user().unwrap_or_default().into(),
        host: host(&uri.host_with_port.host),
        port: uri.host_with_port.port.map(|port| port.0),
        secure,
        transport: if secure { Some(TransportKind::Tls) } else { transport },
        loose_routing,
    })
}

fn host(host: &rsipstack::sip::Host) -> Host {
    match host {
        rsipstack::sip::Host::IpAddr(ip) => Host::Ip(*ip),
        rsipstack::sip::Host::Domain(name) => Host::Name(name.0.clone()),
    }
}

/// The user part that was dialled, and whether the scheme is one that we cannot serve.
fn request_uri(uri: &Uri) -> (String, bool) {
    match &uri.scheme {
        Some(Scheme::Sip | Scheme::Sips) => (uri.user().unwrap_or_default().into(), false),
        // A telephone number where an address is expected (RFC 3966): the number is the user.
        Some(Scheme::Other(scheme)) if scheme.eq_ignore_ascii_case("tel") => {
            (uri.host_with_port.host.to_string(), false)
        }
        _ => (String::new(), true),
    }
}

/// The Request-URI as it stands in the start line; the grammar's own printing would change it.
fn request_uri_text(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|&byte| byte == b'\r').next()?;
    let line = core::str::from_utf8(line).ok()?;
    line.split_ascii_whitespace().nth(1).map(str::to_owned)
}

const fn method(method: StackMethod) -> Method {
    match method {
        StackMethod::Invite => Method::Invite,
        StackMethod::Ack => Method::Ack,
        StackMethod::Bye => Method::Bye,
        StackMethod::Cancel => Method::Cancel,
        StackMethod::Options => Method::Options,
        StackMethod::Info => Method::Info,
        StackMethod::Update => Method::Update,
        StackMethod::PRack => Method::Prack,
        StackMethod::Message => Method::Message,
        StackMethod::Notify => Method::Notify,
        StackMethod::Publish => Method::Publish,
        StackMethod::Refer => Method::Refer,
        StackMethod::Register => Method::Register,
        StackMethod::Subscribe => Method::Subscribe,
    }
}

/// The values of every header that `pick` selects, in order.
fn values<'a>(
    headers: &'a Headers,
    pick: impl Fn(&'a Header) -> Option<&'a str> + 'a,
) -> impl Iterator<Item = &'a str> + 'a {
    headers.iter().filter_map(pick)
}
