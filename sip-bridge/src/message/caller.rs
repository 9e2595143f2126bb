use crate::caller::Diversion;

/// What an INVITE says of who calls, beside the user part of From. As the peer wrote it, within
/// bounds: whether any of it is believed depends on who sent it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallerHeaders {
    /// User part of `P-Asserted-Identity` (RFC 3325), the first that has one.
    pub asserted: Option<String>,
    /// Display name of that, or else of From.
    pub name: String,
    /// `verstat` beside the asserted number.
    pub asserted_verstat: Option<String>,
    /// `verstat` beside From's.
    pub from_verstat: Option<String>,
    /// The attestation level of a header of its own.
    pub level: Option<char>,
    /// Whether `Privacy` asks that the caller not be named.
    pub privacy: bool,
    /// `Diversion` (RFC 5806), or else `History-Info` (RFC 7044), the latest first.
    pub diversions: Vec<Diversion>,
    /// `X-` headers: name and value.
    pub custom: Vec<(String, String)>,
}
