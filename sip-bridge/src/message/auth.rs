use crate::digest::Proof;

/// What a message says about who sent it, and for how long.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuthHeaders {
    /// `WWW-Authenticate`, or `Proxy-Authenticate`: challenges as written.
    pub(crate) challenges: Vec<String>,
    /// `Authorization`, or `Proxy-Authorization`: the first that is a proof.
    pub(crate) proof: Option<Proof>,
    /// `Expires`, in seconds.
    pub(crate) expires_s: Option<u32>,
    /// `Min-Expires`, in seconds.
    pub(crate) expires_min_s: Option<u32>,
    /// Contacts: the URI, and its own `expires`. Empty for `*`.
    pub(crate) contacts: Vec<(super::SipUri, Option<u32>)>,
    /// Whether Contact is `*`.
    pub(crate) every_contact: bool,
}
