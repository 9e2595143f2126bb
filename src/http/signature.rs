//! Whether a webhook is the carrier's: Ed25519 over `timestamp|body`, as Telnyx signs them.
//! <https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};

/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "telnyx-signature-ed25519";
/// The header with the time of signing, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "telnyx-timestamp";
/// A signed message that is older, or from the future, is somebody's recording of one.
const AGE_MAX_S: u64 = 300;
const KEY_BYTES: usize = 32;

/// The carrier's public key.
#[derive(Clone, Debug)]
pub struct CarrierKey(Vec<u8>);

/// Why a webhook was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is missing or not what it should be.
    #[error("it needs the headers telnyx-signature-ed25519 and telnyx-timestamp")]
    Missing,
    /// Too old, or signed in the future.
    #[error("it was not signed within the last five minutes; is this machine's clock right?")]
    Late,
    /// Not signed with the carrier's key.
    #[error("it is not signed with the key in [sms] public_key")]
    Wrong,
}

impl CarrierKey {
    /// The key as the carrier shows it: 32 bytes in base64. `None` if it is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim()).ok()?;
        (bytes.len() == KEY_BYTES).then_some(Self(bytes))
    }

    /// Believes `body`, or says why not. `now_s`: seconds since 1970.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(
        &self,
        now_s: u64,
        timestamp: Option<&str>,
        signature: Option<&str>,
        body: &[u8],
    ) -> Result<(), SignatureError> {
        let (timestamp, signature) = timestamp.zip(signature).ok_or(SignatureError::Missing)?;
        let signed_s: u64 = timestamp.parse().map_err(|_| SignatureError::Missing)?;
        let signature = STANDARD.decode(signature).map_err(|_| SignatureError::Missing)?;
        let signed = [timestamp.as_bytes(), b"|", body].concat();
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(&signed, &signature)
            .map_err(|_| SignatureError::Wrong)?;
        // After the signature: only the carrier learns what this machine's clock says.
        if now_s.abs_diff(signed_s) > AGE_MAX_S { Err(SignatureError::Late) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    const NOW: u64 = 1_790_000_000;

    fn signed(timestamp: &str, body: &[u8]) -> (CarrierKey, String) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = CarrierKey::new(&STANDARD.encode(pair.public_key().as_ref())).unwrap();
        let text = [timestamp.as_bytes(), b"|", body].concat();
        (key, STANDARD.encode(pair.sign(&text)))
    }

    #[test]
    fn the_carriers_word_is_believed_and_a_changed_one_is_not() {
        let time = NOW.to_string();
        let (key, signature) = signed(&time, b"{}");
        let (time, signature) = (Some(time.as_str()), Some(signature.as_str()));
        assert_eq!(key.verify(NOW, time, signature, b"{}"), Ok(()));
        assert_eq!(key.verify(NOW, time, signature, b"{ }"), Err(SignatureError::Wrong));
        let later = (NOW + 1).to_string();
        let changed = key.verify(NOW, Some(&later), signature, b"{}");
        assert_eq!(changed, Err(SignatureError::Wrong), "the time is signed too");
        let other = CarrierKey::new(&STANDARD.encode([9; 32])).unwrap();
        assert_eq!(other.verify(NOW, time, signature, b"{}"), Err(SignatureError::Wrong));
    }

    #[test]
    fn a_recording_of_the_carriers_word_is_not_believed() {
        let time = NOW.to_string();
        let (key, signature) = signed(&time, b"{}");
        for (now, believed) in
            [(NOW + 300, true), (NOW + 301, false), (NOW - 300, true), (NOW - 301, false)]
        {
            let verdict = key.verify(now, Some(&time), Some(&signature), b"{}");
            assert_eq!(verdict.is_ok(), believed, "{now}");
        }
    }

    #[test]
    fn what_is_missing_or_no_signature_at_all_is_named() {
        let (key, signature) = signed("1", b"");
        for (time, signature) in [
            (None, Some(signature.as_str())),
            (Some("1"), None),
            (Some("now"), Some(signature.as_str())),
            (Some("1"), Some("not base64!")),
        ] {
            assert_eq!(key.verify(1, time, signature, b""), Err(SignatureError::Missing));
        }
        assert!(CarrierKey::new("c2hvcnQ=").is_none());
    }
}
