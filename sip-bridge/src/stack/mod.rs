//! The SIP stack's grammar behind a window of our own.
//!
//! The only place that names the stack's crate, `rsipstack`. What is taken from it is the message
//! grammar: it turns bytes that passed the [guard](crate::guard) into [`Message`]s. Its
//! transactions and transports are not used, on purpose: they are tasks and unbounded channels
//! around a clock of their own, log whole messages, numbers included, and resolve names from
//! packets inside the receive loop; the line wants them as cores in virtual time, bounded and
//! redacted (see [`crate`]).

mod auth;
mod caller;
mod extensions;
mod header;
#[cfg(test)]
mod tests;
mod transfer;

use std::borrow::Cow;

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
    let foreign = foreign_method(bytes);
    let known = readable_start(bytes, foreign);
    let parsed = SipMessage::try_from(known.as_deref().unwrap_or(bytes));
    match parsed.map_err(|_| ParseError::Grammar)? {
        SipMessage::Request(request) => {
            let (uri_user, foreign_scheme) = request_uri(&request.uri);
            let mut head = header::head(&request.headers, body, foreign)?;
            let uri = request_uri_text(bytes).ok_or(ParseError::Grammar)?;
            if foreign_scheme {
                head.unreadable = Some(FOREIGN_SCHEME);
            } else if is_malformed(&uri) {
                head.unreadable = Some("Request-URI");
            }
            let method = foreign.map_or(method(request.method), |_| Method::Foreign);
            if method == Method::Invite {
                head.caller = Some(Box::new(caller::caller(&request.headers)));
            }
            if matches!(method, Method::Invite | Method::Refer | Method::Notify) {
                head.transfer = Some(Box::new(transfer::transfer(&request.headers)));
            }
            Ok(Message::Request(Request { method, uri, uri_user, head }))
        }
        SipMessage::Response(response) => {
            let head =
                header::head(&response.headers, body, header::foreign_cseq(&response.headers))?;
            let phrase = response.wire_reason.as_deref().unwrap_or(response.status_code.text());
            let status = response.status_code.code();
            Ok(Message::Response(Response { status, phrase: phrase.into(), head }))
        }
    }
}

/// What stands for a method that the grammar does not know, until it is parsed.
const KNOWN_METHOD: &[u8] = b"PUBLISH";
/// What is wrong with a Request-URI whose scheme we cannot serve.
pub(crate) const FOREIGN_SCHEME: &str = "Request-URI scheme";

/// Parses a `sip:` or `sips:` URI without angle brackets.
#[must_use]
pub fn parse_uri(text: &str) -> Option<SipUri> {
    let uri = stack_parse_uri(&plain_user(text)).ok()?;
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

/// The method of a request, if the stack's grammar knows none of that name.
fn foreign_method(bytes: &[u8]) -> Option<&str> {
    let line = bytes.split(|&byte| byte == b'\r').next()?;
    let name = core::str::from_utf8(&line[..memchr::memchr(b' ', line)?]).ok()?;
    let is_response = name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/"));
    let is_foreign = !is_response && !name.is_empty() && name.parse::<StackMethod>().is_err();
    is_foreign.then_some(name)
}

/// The message with a start line that the grammar reads, where it would not read it as it is.
fn readable_start(bytes: &[u8], foreign: Option<&str>) -> Option<Vec<u8>> {
    let (line, rest) = bytes.split_at(memchr::memchr(b'\r', bytes)?);
    let line = core::str::from_utf8(line).ok()?;
    let mended = plain_user(&mended(line)).into_owned();
    match foreign {
        Some(name) => {
            // Not there if what was mended is the name itself, which is no method's then.
            let after = mended.strip_prefix(name)?;
            Some([KNOWN_METHOD, after.as_bytes(), rest].concat())
        }
        None if mended.len() < line.len() => Some([mended.as_bytes(), rest].concat()),
        None => None,
    }
}

/// Takes the third colon out of `[2001:db8:::192.0.2.1]`, which RFC 3261's own grammar made people
/// write (RFC 5118 §4.10).
fn mended(text: &str) -> Cow<'_, str> {
    match text.contains('[') {
        true if text.contains(":::") => Cow::Owned(text.replacen(":::", "::", 1)),
        _ => Cow::Borrowed(text),
    }
}

/// Takes what a number carries with it out of the user part, `+15550100;npdi=yes@` (RFC 4694, RFC 3261
/// §19.1.6): the grammar would take the number for the host.
fn plain_user(text: &str) -> Cow<'_, str> {
    let Some((before, after)) = text.split_once('@') else { return Cow::Borrowed(text) };
    let uri = before.rfind([' ', '<']).map_or(before, |start| &before[start + 1..]);
    match uri.find(';').filter(|_| !uri.contains(['>', '"', '?'])) {
        Some(cut) => {
            let kept = before.len() - uri.len() + cut;
            Cow::Owned(format!("{}@{after}", &before[..kept]))
        }
        None => Cow::Borrowed(text),
    }
}

/// Whether a Request-URI has headers (RFC 3261 §19.1.1), or colons that belong into brackets
/// (RFC 5118 §4.2).
fn is_malformed(uri: &str) -> bool {
    let host = uri.rsplit_once('@').map_or(uri, |(_, host)| host);
    let host = host.strip_prefix("sips:").or_else(|| host.strip_prefix("sip:")).unwrap_or(host);
    let is_sip = uri.get(..3).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sip"));
    let bare = host.split(';').next().unwrap_or(host);
    is_sip && (host.contains('?') || (!bare.starts_with('[') && bare.matches(':').count() > 1))
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
