//! Challenges, proofs, and what a REGISTER is about.

use rsipstack::sip::{Header, Headers};

use super::header::{first, list, name_addr_uri};
use super::values;
use crate::digest::Proof;
use crate::message::AuthHeaders;

/// Reads what a message says about who sent it. What cannot be read is not said.
pub(super) fn auth(headers: &Headers) -> AuthHeaders {
    // A challenge has commas of its own: each is a header line, never a list.
    let challenges = values(headers, |header| match header {
        Header::WwwAuthenticate(challenge) => Some(challenge.value()),
        Header::ProxyAuthenticate(challenge) => Some(challenge.value()),
        _ => None,
    });
    let proofs = values(headers, |header| match header {
        Header::Authorization(proof) => Some(proof.value()),
        Header::ProxyAuthorization(proof) => Some(proof.value()),
        _ => None,
    });
    let contacts = list(headers, |header| match header {
        Header::Contact(contact) => Some(contact.value()),
        _ => None,
    });
    let expires = first(headers, |header| match header {
        Header::Expires(expires) => Some(expires.value()),
        _ => None,
    });
    let expires_min = first(headers, |header| match header {
        Header::MinExpires(min) => Some(min.value()),
        _ => None,
    });
    AuthHeaders {
        challenges: challenges.take(CHALLENGES_MAX).map(str::to_owned).collect(),
        proof: proofs.take(PROOFS_MAX).find_map(Proof::read),
        expires_s: expires.and_then(|it| it.trim().parse().ok()),
        expires_min_s: expires_min.and_then(|it| it.trim().parse().ok()),
        every_contact: contacts.iter().any(|it| it == "*"),
        contacts: contacts.iter().take(CONTACTS_MAX).filter_map(|it| contact(it)).collect(),
    }
}

fn contact(value: &str) -> Option<(crate::message::SipUri, Option<u32>)> {
    let uri = name_addr_uri(value)?;
    // Of the header's own parameters, which stand behind the brackets.
    let own = value.rsplit_once('>').map_or("", |(_, own)| own);
    let mut own = own.split(';').filter_map(|part| part.split_once('='));
    let expires = own.find(|(name, _)| name.trim().eq_ignore_ascii_case("expires"));
    Some((uri, expires.and_then(|(_, seconds)| seconds.trim().parse().ok())))
}

/// As many as one message may carry that we look at.
const CHALLENGES_MAX: usize = 8;
const PROOFS_MAX: usize = 4;
const CONTACTS_MAX: usize = 8;
