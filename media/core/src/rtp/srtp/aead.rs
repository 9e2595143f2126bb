//! AES in Galois/Counter mode (RFC 7714).

use aes_gcm::aead::{AeadInOut, KeyInit, Tag};
use aes_gcm::{Aes128Gcm, Nonce};
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{Label, Packet, derive};
use super::key::{AEAD_SALT_BYTES, AEAD_TAG_BYTES, KEY_BYTES};
use super::{SrtpKey, SrtpProfile};

/// The keys of one direction of one protocol. Wiped when dropped.
pub(super) struct AeadKeys {
    gcm: Aes128Gcm,
    salt: [u8; AEAD_SALT_BYTES],
}

impl AeadKeys {
    pub(super) fn derive(profile: SrtpProfile, master: &SrtpKey, label: Label) -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let mut salt = [0; AEAD_SALT_BYTES];
        derive(profile, master, label as u8, &mut *key);
        derive(profile, master, label as u8 + 2, &mut salt);
        Self::of(&key, salt)
    }

    fn of(key: &[u8; KEY_BYTES], salt: [u8; AEAD_SALT_BYTES]) -> Self {
        Self { gcm: Aes128Gcm::new_from_slice(key).expect("16 bytes are a key"), salt }
    }

    /// Encrypts `payload` and gives the tag over it and `beside`.
    pub(super) fn seal(
        &self,
        which: Packet,
        beside: &[u8],
        payload: &mut [u8],
    ) -> [u8; AEAD_TAG_BYTES] {
        let nonce = self.nonce(which);
        let sealed = self.gcm.encrypt_inout_detached(&nonce, beside, payload.into());
        sealed.expect("a packet is shorter than 64 GiB").into()
    }

    /// Decrypts `payload` if `tag` is that of it and `beside`. `false`: it stays as it is.
    pub(super) fn open(
        &self,
        which: Packet,
        beside: &[u8],
        payload: &mut [u8],
        tag: &[u8],
    ) -> bool {
        let Ok(tag) = <&Tag<Aes128Gcm>>::try_from(tag) else { return false };
        let nonce = self.nonce(which);
        self.gcm.decrypt_inout_detached(&nonce, beside, payload.into(), tag).is_ok()
    }

    /// RFC 7714 §8.1, §9.1: an RTCP packet's index is as good a number as an RTP packet's.
    fn nonce(&self, which: Packet) -> Nonce<aes_gcm::aead::consts::U12> {
        let mut nonce = self.salt;
        for (byte, ssrc) in nonce[2..6].iter_mut().zip(which.ssrc.0.to_be_bytes()) {
            *byte ^= ssrc;
        }
        for (byte, index) in nonce[6..].iter_mut().zip(&which.index.to_be_bytes()[2..]) {
            *byte ^= index;
        }
        nonce.into()
    }
}

impl Drop for AeadKeys {
    fn drop(&mut self) {
        // The cipher wipes its own.
        self.salt.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ssrc;

    /// RFC 7714 §16: the key, and "Quid pro quo".
    fn keys() -> AeadKeys {
        AeadKeys::of(&core::array::from_fn(|n| n as u8), *b"Quid pro quo")
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    #[test]
    fn a_packet_is_sealed_and_opened_as_in_rfc_7714_16_1() {
        let which = Packet { ssrc: Ssrc(0x5501_a0b2), index: 0xf17b };
        assert_eq!(keys().nonce(which).to_vec(), bytes("51753c6580c2726f20718414"));
        let header = bytes("8040f17b8041f8d35501a0b2");
        let mut payload = b"Gallia est omnis divisa in partes tres".to_vec();
        let tag = keys().seal(which, &header, &mut payload);
        assert_eq!(
            payload,
            bytes("f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833")
        );
        assert_eq!(tag.to_vec(), bytes("899d7f27beb16a9152cf765ee4390cce"));
        let sealed = payload.clone();
        assert!(!keys().open(which, &header, &mut payload, &[0; AEAD_TAG_BYTES]));
        assert!(!keys().open(which, &header[1..], &mut payload, &tag));
        assert!(!keys().open(which, &header, &mut payload, &tag[1..]));
        assert_eq!(payload, sealed, "not even decrypted");
        assert!(keys().open(which, &header, &mut payload, &tag));
        assert_eq!(payload, b"Gallia est omnis divisa in partes tres");
    }
}
