//! Who calls, and how far the network vouches for it.

use serde::Serialize;

use crate::message::CallerHeaders;
use crate::policy::TrunkPolicy;

/// How far the network vouches for the calling number (STIR/SHAKEN, as the carrier reports it in
/// `verstat`; 3GPP TS 24.229 §7.2A.20, ATIS-1000074).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attestation {
    /// A: the originating carrier knows its customer, and that the number is theirs.
    Full,
    /// B: it knows its customer, and not whether the number is theirs.
    Partial,
    /// C: it knows only where the call came in.
    Gateway,
    /// The signature held, and nobody said at which level.
    Passed,
    /// The signature did not hold: the number is likely forged.
    Failed,
    /// Nothing was signed, or nobody looked. What `From` says is then what anybody may write.
    #[default]
    Unverified,
}

impl Attestation {
    /// Reads a `verstat`; `level`: the letter of a header beside it, where the verstat has none.
    #[must_use]
    pub fn read(verstat: &str, level: Option<char>) -> Self {
        let verdict = verstat.to_ascii_uppercase();
        let Some(rest) = verdict.strip_prefix("TN-VALIDATION-") else {
            return Self::Unverified;
        };
        let Some(rest) = rest.strip_prefix("PASSED") else {
            return if rest.starts_with("FAILED") { Self::Failed } else { Self::Unverified };
        };
        match rest.strip_prefix('-').and_then(|rest| rest.chars().next()).or(level) {
            Some('A') => Self::Full,
            Some('B') => Self::Partial,
            Some('C') => Self::Gateway,
            _ => Self::Passed,
        }
    }

    /// As it is written in records and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::Gateway => "gateway",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unverified => "unverified",
        }
    }
}

/// A number that the call was for before it was sent on to us (RDNIS).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Diversion {
    /// Whom it was for; empty where that is withheld.
    pub from: String,
    /// Why it was sent on, in the words of RFC 5806: `no-answer`, `user-busy`, `unconditional`, …
    pub reason: String,
}

/// Who calls. Everything in it names a person: it goes into logs and records like a number.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct CallerIdentity {
    /// User part of `From`, which the caller's side wrote.
    pub from: String,
    /// The number that the trunk asserts (`P-Asserted-Identity`, RFC 3325). `None` where it asserts
    /// none, is not believed, or the caller asked that nobody be told.
    pub asserted: Option<String>,
    /// The display name beside the number, empty if there is none.
    pub name: String,
    /// What the network says of the number.
    pub attestation: Attestation,
    /// The caller asked not to be named (`Privacy`, RFC 3323).
    pub withheld: bool,
    /// Whom the call was for before, the latest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diversions: Vec<Diversion>,
    /// Headers of the trunk's own that its `headers_in` allows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

impl CallerIdentity {
    /// What `from` and the other headers of an INVITE come to on a trunk with this policy.
    #[must_use]
    pub(crate) fn of(from: &str, said: &CallerHeaders, policy: &TrunkPolicy) -> Self {
        let allowed = |(name, _): &&(String, String)| {
            policy.headers_in.iter().any(|it| it.eq_ignore_ascii_case(name))
        };
        let headers = said.custom.iter().filter(allowed).cloned().collect();
        if !policy.trust_identity {
            // What such a peer says of itself is what anybody could say.
            return Self { from: from.into(), name: said.name.clone(), headers, ..Self::default() };
        }
        let asserted = said.asserted.clone().filter(|_| !said.privacy);
        // A verdict is about the number that it stands beside.
        let same = said.asserted.as_deref().is_none_or(|number| number == from);
        let verstat =
            said.asserted_verstat.as_ref().or(said.from_verstat.as_ref().filter(|_| same));
        Self {
            from: from.into(),
            asserted,
            name: if said.privacy { String::new() } else { said.name.clone() },
            attestation: verstat.map_or_else(Attestation::default, |verstat| {
                Attestation::read(verstat, said.level)
            }),
            withheld: said.privacy,
            diversions: said.diversions.clone(),
            headers,
        }
    }

    /// The calling number: what the trunk asserts, or else what `From` says.
    #[must_use]
    pub fn number(&self) -> &str {
        self.asserted.as_deref().unwrap_or(&self.from)
    }
}
