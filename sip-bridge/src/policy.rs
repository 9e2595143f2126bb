//! What a trunk is believed and allowed beyond being heard at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::{Credentials, DigestAlgorithm};

/// What one trunk is believed and allowed. The default is what a carrier gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrunkPolicy {
    /// Whether what it says of its callers (`P-Asserted-Identity`, `verstat`, `Diversion`) is believed.
    /// A carrier's word is; a telephone's is not.
    pub trust_identity: bool,
    /// Telephones that register here and prove who they are with every call. `None`: whoever the
    /// trunk's networks let in calls, and nobody registers.
    pub phones: Option<Phones>,
    /// With what we prove who we are where the trunk asks (401, 407).
    pub credentials: Option<Credentials>,
    /// `X-` headers of an INVITE that reach the line; nothing else does.
    pub headers_in: Vec<String>,
    /// Whether it may have us call somebody else in its place (REFER).
    pub transfers: bool,
    /// Whether its callers are heard, and hear, before the line answers (183 with SDP).
    pub early_media: bool,
    /// `X-` headers that the line may put into requests to it; others are left out.
    pub headers_out: Vec<String>,
    /// The numbers that may be called over it, as it writes them, with or without a `+`. Empty: whatever
    /// it sends.
    pub numbers: Vec<String>,
    /// Which of its callers are not let through.
    pub refuse: Vec<Unwanted>,
    /// What its certificate has to say where we connect over TLS. `None`: the name that was called, or
    /// else its address.
    pub tls_name: Option<String>,
}

/// A caller who may be refused for what the network says of the number, or does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unwanted {
    /// The network says that the number is forged (`verstat` failed): 603.
    Failed,
    /// The number is withheld: 433 (RFC 5079).
    Withheld,
}

impl Default for TrunkPolicy {
    fn default() -> Self {
        Self {
            trust_identity: true,
            phones: None,
            credentials: None,
            headers_in: Vec::new(),
            transfers: false,
            early_media: false,
            headers_out: Vec::new(),
            numbers: Vec::new(),
            refuse: Vec::new(),
            tls_name: None,
        }
    }
}

impl TrunkPolicy {
    /// Whether `user`, of a Request-URI, is a number of ours.
    pub(crate) fn serves(&self, user: &str) -> bool {
        let plain = |number: &str| {
            let number = number.split(';').next().unwrap_or(number);
            number.strip_prefix('+').unwrap_or(number).to_owned()
        };
        self.numbers.is_empty() || self.numbers.iter().any(|ours| plain(ours) == plain(user))
    }
}

/// The telephones of a trunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Phones {
    /// What they see as the name of this place, and what their secrets are for.
    pub realm: String,
    /// With what they may prove it, the preferred first. Some telephones give up on seeing one that they
    /// do not know.
    pub digests: Vec<DigestAlgorithm>,
    /// Who they are.
    pub users: Vec<Credentials>,
}

/// Whether `name` may be on a trunk's list of headers: `X-` and a token.
#[must_use]
pub fn is_custom_header(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let rest = name.get(..2).filter(|start| start.eq_ignore_ascii_case("x-")).map(|_| &name[2..]);
    name.len() <= HEADER_NAME_BYTES_MAX
        && rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(token))
}

/// The policies of all trunks, by name. A trunk that is not among them is believed nothing, and calls
/// nobody: it was taken off the list while its packet was read.
#[derive(Clone, Debug)]
pub(crate) struct Policies {
    by_trunk: BTreeMap<String, Arc<TrunkPolicy>>,
    unknown: Arc<TrunkPolicy>,
}

impl Policies {
    /// Those of these trunks alone; one without a policy gets the default.
    pub(crate) fn of_trunks<'a>(
        trunks: impl IntoIterator<Item = &'a str>,
        policies: BTreeMap<String, TrunkPolicy>,
    ) -> Self {
        let policy =
            |name: &str| (name.to_owned(), policies.get(name).cloned().unwrap_or_default());
        Self::new(trunks.into_iter().map(policy).collect())
    }

    pub(crate) fn new(policies: BTreeMap<String, TrunkPolicy>) -> Self {
        let by_trunk = policies.into_iter().map(|(name, policy)| (name, Arc::new(policy)));
        let unknown = TrunkPolicy { trust_identity: false, ..TrunkPolicy::default() };
        Self { by_trunk: by_trunk.collect(), unknown: Arc::new(unknown) }
    }

    /// Whether `trunk` is one.
    pub(crate) fn knows(&self, trunk: &str) -> bool {
        self.by_trunk.contains_key(trunk)
    }

    pub(crate) fn of(&self, trunk: &str) -> &Arc<TrunkPolicy> {
        self.by_trunk.get(trunk).unwrap_or(&self.unknown)
    }
}

/// The header lines for `headers` of a request to a trunk: those it may get, written so that they
/// cannot be taken for anything else. `policy`: `None` for a peer outside every trunk, who gets what
/// the program that dials wrote.
pub(crate) fn custom_lines(headers: &[(String, String)], policy: Option<&TrunkPolicy>) -> String {
    let allowed = |name: &str| {
        policy
            .is_none_or(|policy| policy.headers_out.iter().any(|it| it.eq_ignore_ascii_case(name)))
    };
    let mut lines = String::new();
    let good = headers.iter().filter(|(name, _)| is_custom_header(name) && allowed(name));
    for (name, value) in good.take(CUSTOM_HEADERS_MAX) {
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        if value.len() <= CUSTOM_VALUE_BYTES_MAX {
            lines.push_str(&format!("{name}: {}\r\n", value.trim()));
        }
    }
    lines
}

/// Custom headers of one message: a call centre sends three or four.
pub(crate) const CUSTOM_HEADERS_MAX: usize = 16;
/// Longest value of one: an account number or an identifier, not a document.
pub(crate) const CUSTOM_VALUE_BYTES_MAX: usize = 256;
/// Longest name.
const HEADER_NAME_BYTES_MAX: usize = 64;
