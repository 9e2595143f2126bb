//! A SIP message as the cores see it: the parts they decide on, parsed; the parts they only
//! repeat, as the peer wrote them.
//!
//! Values here are built by the stack (from bytes that passed the guard) and by nothing else, so
//! the cores depend on no parser.

mod auth;
mod caller;
mod request;
mod respond;
mod timer;
mod transfer;
mod uri;

pub use auth::AuthHeaders;
pub use caller::CallerHeaders;
pub(crate) use request::{Identity, RequestLine, write_request};
pub(crate) use respond::{Extra, ResponseSeed, phrase};
pub use timer::{Extensions, Refresher};
pub use transfer::{ReferTo, Replaces, TransferHeaders};
pub use uri::{Host, SipUri, TransportKind};

/// A request method.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)] // They are their own names.
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Info,
    Update,
    Prack,
    Message,
    Notify,
    Publish,
    Refer,
    Register,
    Subscribe,
    /// One that we do not know.
    Foreign,
}

impl Method {
    /// The method as written on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Method::Invite => "INVITE",
            Method::Ack => "ACK",
            Method::Bye => "BYE",
            Method::Cancel => "CANCEL",
            Method::Options => "OPTIONS",
            Method::Info => "INFO",
            Method::Update => "UPDATE",
            Method::Prack => "PRACK",
            Method::Message => "MESSAGE",
            Method::Notify => "NOTIFY",
            Method::Publish => "PUBLISH",
            Method::Refer => "REFER",
            Method::Register => "REGISTER",
            Method::Subscribe => "SUBSCRIBE",
            Method::Foreign => "(foreign)",
        }
    }
}

/// One hop of a Record-Route or Route list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// As the peer wrote it, angle brackets and parameters included.
    pub text: String,
    /// The URI inside.
    pub uri: SipUri,
}

/// The topmost Via, as far as responses and matching need it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Via {
    /// `branch`, empty if absent (RFC 2543).
    pub branch: String,
    /// Host of sent-by.
    pub host: Host,
    /// Port of sent-by, if written.
    pub port: Option<u16>,
    /// Whether `rport` asks for the response to come back to the source port (RFC 3581).
    pub rport: bool,
}

impl Via {
    /// Whether the branch was made by an RFC 3261 element and identifies the transaction alone.
    #[must_use]
    pub fn has_magic_cookie(&self) -> bool {
        self.branch.len() > MAGIC_COOKIE.len()
            && self.branch[..].as_bytes()[..MAGIC_COOKIE.len()]
                .eq_ignore_ascii_case(MAGIC_COOKIE.as_bytes())
    }
}

/// From or To.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Party {
    /// The header value as written, tag included.
    pub text: String,
    /// User part of the URI, empty if there is none.
    pub user: String,
    /// The tag, empty if there is none.
    pub tag: String,
}

/// CSeq.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CSeq {
    /// Sequence number, below 2³¹.
    pub number: u32,
    /// Method.
    pub method: Method,
}

/// A `Reason` header (RFC 3326).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reason {
    /// The cause of a `Q.850` reason.
    pub q850: Option<u8>,
    /// The text, of whichever protocol.
    pub text: String,
}

/// What requests and responses have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Every Via value, topmost first, as written.
    pub vias: Vec<String>,
    /// The topmost one, parsed.
    pub via: Via,
    /// From.
    pub from: Party,
    /// To.
    pub to: Party,
    /// Call-ID.
    pub call_id: String,
    /// CSeq.
    pub cseq: CSeq,
    /// A method that we do not know, as written.
    pub foreign_method: Option<String>,
    /// The first Contact's URI.
    pub contact: Option<SipUri>,
    /// Record-Route, topmost first.
    pub record_routes: Vec<Route>,
    /// Where a request would go on to from us, if Max-Forwards did not say that it may not: its Route,
    /// where Max-Forwards is 0.
    pub spent_routes: Vec<SipUri>,
    /// Content-Type without parameters, lower case.
    pub content_type: Option<String>,
    /// Option tags of Require.
    pub require: Vec<String>,
    /// The session timer and other extensions.
    pub extensions: Extensions,
    /// Reason.
    pub reason: Option<Reason>,
    /// What an INVITE says of who calls, beside From.
    pub caller: Option<Box<CallerHeaders>>,
    /// What a request says about transfers.
    pub transfer: Option<Box<TransferHeaders>>,
    /// Challenges, proofs, and what a REGISTER is about; where there is any of it.
    pub auth: Option<Box<AuthHeaders>>,
    /// The name of a header that matters and could not be read. A request with one gets 400.
    pub unreadable: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
}

impl Head {
    /// The body, if it says to be SDP. A body without a type is taken for SDP: some gateways
    /// forget the header, and the SDP parser decides anyway.
    #[must_use]
    pub fn sdp(&self) -> Option<&[u8]> {
        let is_sdp = self.content_type.as_deref().is_none_or(|kind| kind == "application/sdp");
        (is_sdp && !self.body.is_empty()).then_some(&self.body[..])
    }
}

/// A request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Request-URI as written.
    pub uri: String,
    /// User part of the Request-URI, empty if there is none.
    pub uri_user: String,
    /// Everything else.
    pub head: Head,
}

impl Request {
    /// Whether the Request-URI is a `sips:` one.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips:"))
    }
}

/// A response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// 100 to 699.
    pub status: u16,
    /// The reason phrase as written.
    pub phrase: String,
    /// Everything else.
    pub head: Head,
}

/// A message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// What every branch made by an RFC 3261 element begins with (§8.1.1.7).
pub(crate) const MAGIC_COOKIE: &str = "z9hG4bK";
