use core::fmt::Write as _;
use core::net::SocketAddr;

use bytes::Bytes;

use super::{Host, Request};

/// Headers and body that a response or request carries beside the copied ones.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extra<'a> {
    /// Whole header lines, each ended by CRLF.
    pub headers: &'a str,
    /// Content-Type and body.
    pub body: Option<(&'a str, &'a [u8])>,
}

/// What a response copies from its request, kept until the final response is written.
///
/// Record-Route is kept apart: only responses that make a dialog repeat it (RFC 3261 §12.1.1), and
/// they repeat it exactly as it came, private addresses included.
#[derive(Clone, Debug)]
pub(crate) struct ResponseSeed {
    vias_and_from: Box<str>,
    to: Box<str>,
    to_has_tag: bool,
    call_id_and_cseq: Box<str>,
    record_routes: Box<str>,
}

impl ResponseSeed {
    /// Copies what the responses to `request`, received from `source`, will repeat.
    pub(crate) fn new(request: &Request, source: SocketAddr) -> Self {
        let head = &request.head;
        let mut vias_and_from = String::with_capacity(256);
        for (index, via) in head.vias.iter().enumerate() {
            vias_and_from.push_str("Via: ");
            if index == 0 {
                push_top_via(&mut vias_and_from, via, request, source);
            } else {
                vias_and_from.push_str(via);
            }
            vias_and_from.push_str("\r\n");
        }
        let _ = write!(vias_and_from, "From: {}\r\n", head.from.text);
        let cseq = head.cseq;
        let mut record_routes = String::new();
        for route in &head.record_routes {
            let _ = write!(record_routes, "Record-Route: {}\r\n", route.text);
        }
        Self {
            vias_and_from: vias_and_from.into(),
            to: head.to.text.as_str().into(),
            to_has_tag: !head.to.tag.is_empty(),
            call_id_and_cseq: format!(
                "Call-ID: {}\r\nCSeq: {} {}\r\n",
                head.call_id,
                cseq.number,
                head.foreign_method.as_deref().unwrap_or(cseq.method.name())
            )
            .into(),
            record_routes: record_routes.into(),
        }
    }

    /// A response. `tag` is put on To unless it has one or `tag` is empty (100 needs none).
    pub(crate) fn write(&self, status: u16, tag: &str, extra: Extra<'_>) -> Bytes {
        self.build(status, tag, false, extra)
    }

    /// A response that makes a dialog: it repeats Record-Route.
    pub(crate) fn write_in_dialog(&self, status: u16, tag: &str, extra: Extra<'_>) -> Bytes {
        self.build(status, tag, true, extra)
    }

    fn build(&self, status: u16, tag: &str, routes: bool, extra: Extra<'_>) -> Bytes {
        let mut out = String::with_capacity(768);
        let _ = write!(out, "SIP/2.0 {status} {}\r\n", phrase(status));
        out.push_str(&self.vias_and_from);
        out.push_str("To: ");
        out.push_str(&self.to);
        if !self.to_has_tag && !tag.is_empty() {
            out.push_str(";tag=");
            out.push_str(tag);
        }
        out.push_str("\r\n");
        out.push_str(&self.call_id_and_cseq);
        if routes {
            out.push_str(&self.record_routes);
        }
        finish(out, extra)
    }
}

/// Ends a head with `extra` and Content-Length, and appends the body.
pub(super) fn finish(mut out: String, extra: Extra<'_>) -> Bytes {
    out.push_str(extra.headers);
    let (kind, body) = extra.body.unwrap_or(("", b""));
    if !kind.is_empty() {
        let _ = write!(out, "Content-Type: {kind}\r\n");
    }
    let _ = write!(out, "Content-Length: {}\r\n\r\n", body.len());
    let mut bytes = out.into_bytes();
    bytes.extend_from_slice(body);
    Bytes::from(bytes)
}

/// Writes the topmost Via with the source's address where RFC 3261 §18.2.1 and RFC 3581 §4 want it.
fn push_top_via(out: &mut String, via: &str, request: &Request, source: SocketAddr) {
    let parsed = &request.head.via;
    let mut parts = via.split(';');
    out.push_str(parts.next().unwrap_or(via).trim_end());
    for parameter in parts {
        let parameter = parameter.trim();
        let name = parameter.split('=').next().unwrap_or(parameter).trim_end();
        if name.eq_ignore_ascii_case("received") || name.eq_ignore_ascii_case("rport") {
            continue; // Only we know where the packet came from.
        }
        out.push(';');
        out.push_str(parameter);
    }
    let named_itself = parsed.host == Host::Ip(source.ip());
    if parsed.rport || !named_itself {
        let _ = write!(out, ";received={}", source.ip());
    }
    if parsed.rport {
        let _ = write!(out, ";rport={}", source.port());
    }
}

/// The standard phrase of a status that we send, or tell a peer of (RFC 3261 §21 and its registry).
pub(crate) const fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        415 => "Unsupported Media Type",
        402 => "Payment Required",
        407 => "Proxy Authentication Required",
        409 => "Conflict",
        410 => "Gone",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        433 => "Anonymity Disallowed",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        500 => "Server Internal Error",
        493 => "Undecipherable",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        513 => "Message Too Large",
        580 => "Precondition Failure",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        608 => "Rejected",
        _ => class(status),
    }
}

/// Of a status that only a peer says, and we pass on: its class (§21).
const fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "Progress",
        2 => "Success",
        3 => "Redirection",
        4 => "Request Failure",
        5 => "Server Failure",
        _ => "Global Failure",
    }
}
