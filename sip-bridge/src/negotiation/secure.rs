//! What is particular to SRTP with keys in SDP (RFC 4568).

use std::sync::Arc;

use media_core::NegotiatedMedia;
use media_core::rtp::srtp::{SrtpKey, SrtpKeys, SrtpProfile};

use super::{CallTerms, NegotiationError, SrtpPolicy};
use crate::sdp::{Crypto, MediaLine};

/// The number of our first `a=crypto` line.
pub(super) const CRYPTO_TAG: u32 = 1;
/// What we offer, the stronger first: what everybody can do comes last. Never a short tag.
const OFFERED: [SrtpProfile; 2] = [SrtpProfile::AeadAes128Gcm, SrtpProfile::AesCm128HmacSha1Tag80];

/// Our `a=crypto` lines in an offer, with one key: only one of them comes into use.
pub(super) fn offered(key: &SrtpKey) -> Vec<Crypto> {
    let line = |(tag, profile)| Crypto { tag, profile, key: key.clone() };
    (CRYPTO_TAG..).zip(OFFERED).map(line).collect()
}

/// How `line` is protected, if that is what `terms` want.
pub(super) fn protection<'a>(
    line: &'a MediaLine,
    terms: &CallTerms,
) -> Result<Option<&'a Crypto>, NegotiationError> {
    let secure = is_wanted(line);
    if !secure && !line.protocol.eq_ignore_ascii_case("RTP/AVP") {
        return Err(NegotiationError::Profile);
    }
    match (terms.srtp, secure) {
        (SrtpPolicy::Off, true) => Err(NegotiationError::SrtpOff),
        (SrtpPolicy::Required, false) => Err(NegotiationError::SrtpRequired),
        (SrtpPolicy::Off | SrtpPolicy::Optional, false) => Ok(None),
        _ if !terms.keys_may_travel => Err(NegotiationError::KeysInClear),
        _ => line.crypto.first().map(Some).ok_or(NegotiationError::NoSuite),
    }
}

/// Whether `line` is of SRTP.
pub(super) fn is_wanted(line: &MediaLine) -> bool {
    line.protocol.eq_ignore_ascii_case("RTP/SAVP")
}

/// The `a=crypto` line of ours that stands for what was agreed.
pub(super) fn line(media: &NegotiatedMedia, tag: u32) -> Vec<Crypto> {
    let line = |keys: &Arc<SrtpKeys>| Crypto { tag, profile: keys.profile, key: keys.send.clone() };
    media.srtp.iter().map(line).collect()
}
