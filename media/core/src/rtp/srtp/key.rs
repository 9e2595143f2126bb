use core::fmt;

use zeroize::Zeroize;

/// Bytes of a master key and its salt, at the most: 128 and 112 bits (RFC 3711 §8.2).
pub const KEY_AND_SALT_BYTES: usize = 30;
pub(super) const KEY_BYTES: usize = 16;
/// RFC 7714 §12: 96 bits of salt, a tag of 128.
pub(super) const AEAD_SALT_BYTES: usize = 12;
pub(super) const AEAD_TAG_BYTES: usize = 16;

/// How packets are protected (RFC 4568 §6.2, RFC 7714 §14.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SrtpProfile {
    /// AES in Galois/Counter mode, whose tag is 128 bits long.
    AeadAes128Gcm,
    /// AES in counter mode, and a tag of 80 bits.
    AesCm128HmacSha1Tag80,
    /// The same with a tag of 32 bits on RTP; RTCP keeps 80.
    AesCm128HmacSha1Tag32,
}

impl SrtpProfile {
    /// All of them, the stronger first.
    pub const ALL: [SrtpProfile; 3] = [
        SrtpProfile::AeadAes128Gcm,
        SrtpProfile::AesCm128HmacSha1Tag80,
        SrtpProfile::AesCm128HmacSha1Tag32,
    ];

    /// Its name in SDP (RFC 4568 §6.2, RFC 7714 §14.2).
    #[must_use]
    pub const fn suite_name(self) -> &'static str {
        match self {
            SrtpProfile::AeadAes128Gcm => "AEAD_AES_128_GCM",
            SrtpProfile::AesCm128HmacSha1Tag80 => "AES_CM_128_HMAC_SHA1_80",
            SrtpProfile::AesCm128HmacSha1Tag32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// The profile of this name.
    #[must_use]
    pub fn from_suite_name(name: &str) -> Option<SrtpProfile> {
        Self::ALL.into_iter().find(|profile| profile.suite_name() == name)
    }

    /// Bytes of its master key and salt: of [`SrtpKey`] it takes so many, the first ones.
    #[must_use]
    pub const fn key_and_salt_bytes(self) -> usize {
        match self {
            SrtpProfile::AeadAes128Gcm => KEY_BYTES + AEAD_SALT_BYTES,
            SrtpProfile::AesCm128HmacSha1Tag80 | SrtpProfile::AesCm128HmacSha1Tag32 => {
                KEY_AND_SALT_BYTES
            }
        }
    }

    /// Bytes of the tag of an RTP packet.
    pub(super) const fn rtp_tag_bytes(self) -> usize {
        match self {
            SrtpProfile::AeadAes128Gcm => AEAD_TAG_BYTES,
            SrtpProfile::AesCm128HmacSha1Tag80 => 10,
            SrtpProfile::AesCm128HmacSha1Tag32 => 4,
        }
    }

    /// Bytes of the tag of an RTCP packet: the long one in both profiles with HMAC (RFC 4568 §6.2).
    pub(super) const fn rtcp_tag_bytes(self) -> usize {
        match self {
            SrtpProfile::AeadAes128Gcm => AEAD_TAG_BYTES,
            SrtpProfile::AesCm128HmacSha1Tag80 | SrtpProfile::AesCm128HmacSha1Tag32 => 10,
        }
    }

    /// Where, behind an RTCP packet, the word with its index is: before the tag (RFC 3711 §3.4) or
    /// behind it (RFC 7714 §9.2).
    pub(super) const fn rtcp_word_at(self) -> usize {
        match self {
            SrtpProfile::AeadAes128Gcm => AEAD_TAG_BYTES,
            SrtpProfile::AesCm128HmacSha1Tag80 | SrtpProfile::AesCm128HmacSha1Tag32 => 0,
        }
    }
}

/// A master key with its salt. Never shown, and wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKey([u8; KEY_AND_SALT_BYTES]);

impl SrtpKey {
    /// The key and the salt as they are in SDP, one behind the other.
    #[must_use]
    pub const fn new(key_and_salt: [u8; KEY_AND_SALT_BYTES]) -> Self {
        Self(key_and_salt)
    }

    /// Both, to be written into SDP and nowhere else.
    #[must_use]
    pub const fn key_and_salt(&self) -> &[u8; KEY_AND_SALT_BYTES] {
        &self.0
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.0[..KEY_BYTES]
    }

    /// The salt that `profile` takes.
    pub(super) fn salt(&self, profile: SrtpProfile) -> &[u8] {
        &self.0[KEY_BYTES..profile.key_and_salt_bytes()]
    }
}

impl Drop for SrtpKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SrtpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SrtpKey(…)")
    }
}

/// What offer and answer agreed on for the protection of a session: one profile, a key each way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SrtpKeys {
    /// How.
    pub profile: SrtpProfile,
    /// Protects what we send.
    pub send: SrtpKey,
    /// Protects what the peer sends.
    pub receive: SrtpKey,
}
