//! AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1).

use aes::Aes128;
use aes::cipher::KeyInit;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{BLOCK_BYTES, Label, apply_keystream, derive};
use super::{SrtpKey, SrtpProfile};
use crate::Ssrc;

const SALT_BYTES: usize = 14;
const AUTH_KEY_BYTES: usize = 20;

/// The keys of one direction of one protocol. Wiped when dropped.
pub(super) struct CounterKeys {
    aes: Aes128,
    salt: [u8; SALT_BYTES],
    mac: Hmac<Sha1>,
}

impl CounterKeys {
    pub(super) fn derive(profile: SrtpProfile, master: &SrtpKey, label: Label) -> Self {
        let mut key = Zeroizing::new([0; BLOCK_BYTES]);
        let mut auth = Zeroizing::new([0; AUTH_KEY_BYTES]);
        let mut salt = [0; SALT_BYTES];
        derive(profile, master, label as u8, &mut *key);
        derive(profile, master, label as u8 + 1, &mut *auth);
        derive(profile, master, label as u8 + 2, &mut salt);
        Self {
            aes: Aes128::new_from_slice(&*key).expect("16 bytes are a key"),
            salt,
            mac: Hmac::new_from_slice(&*auth).expect("a MAC takes a key of any length"),
        }
    }

    /// Encrypts or decrypts the payload of packet `index` (RFC 3711 §4.1.1).
    pub(super) fn apply(&self, ssrc: Ssrc, index: u64, payload: &mut [u8]) {
        let mut block = [0; BLOCK_BYTES];
        block[..SALT_BYTES].copy_from_slice(&self.salt);
        for (byte, ssrc) in block[4..8].iter_mut().zip(ssrc.0.to_be_bytes()) {
            *byte ^= ssrc;
        }
        // The 48 bits of the index.
        for (byte, index) in block[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= index;
        }
        apply_keystream(&self.aes, block, payload);
    }

    /// The tag over `parts`, one behind the other.
    pub(super) fn tag(&self, parts: [&[u8]; 2]) -> [u8; AUTH_KEY_BYTES] {
        self.authenticate(parts).finalize().into_bytes().into()
    }

    /// Whether `tag`, cut to its length, is the tag over `parts`. In constant time.
    pub(super) fn is_tag(&self, parts: [&[u8]; 2], tag: &[u8]) -> bool {
        self.authenticate(parts).verify_truncated_left(tag).is_ok()
    }

    fn authenticate(&self, parts: [&[u8]; 2]) -> Hmac<Sha1> {
        let mut mac = self.mac.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac
    }
}

impl Drop for CounterKeys {
    fn drop(&mut self) {
        // The cipher and the MAC wipe their own.
        self.salt.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use aes::cipher::BlockCipherEncrypt;

    use super::*;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        let digit = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex");
        core::array::from_fn(digit)
    }

    #[test]
    fn the_session_keys_are_those_of_rfc_3711_b_3() {
        let master =
            SrtpKey::new(bytes("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6"));
        let keys = CounterKeys::derive(SrtpProfile::AesCm128HmacSha1Tag80, &master, Label::Rtp);
        assert_eq!(keys.salt, bytes("30CBBC08863D8C85D49DB34A9AE1"));
        let mut block = [0; 16];
        keys.aes.encrypt_block((&mut block).into());
        let mut expected = [0; 16];
        let cipher: [u8; 16] = bytes("C61E7A93744F39EE10734AFE3FF7A087");
        Aes128::new_from_slice(&cipher).expect("a key").encrypt_block((&mut expected).into());
        assert_eq!(block, expected);
        let auth: [u8; 20] = bytes("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
        let mac = Hmac::<Sha1>::new_from_slice(&auth).expect("a key");
        assert_eq!(
            keys.tag([b"x", b""]),
            <[u8; 20]>::from(mac.chain_update(b"x").finalize().into_bytes())
        );
    }
}
