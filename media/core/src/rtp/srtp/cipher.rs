//! AES in counter mode, and the session keys that it derives (RFC 3711 §4.1.1, §4.3).

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use zeroize::{Zeroize, Zeroizing};

use super::SrtpKey;
use crate::Ssrc;

const BLOCK_BYTES: usize = 16;
const SALT_BYTES: usize = 14;
const AUTH_KEY_BYTES: usize = 20;

/// Which of the two protocols keys are derived for: the first of its three labels.
#[derive(Clone, Copy)]
pub(super) enum Label {
    Rtp = 0,
    Rtcp = 3,
}

/// The keys of one direction of one protocol. Wiped when dropped.
pub(super) struct SessionKeys {
    aes: Aes128,
    salt: [u8; SALT_BYTES],
    mac: Hmac<Sha1>,
}

impl SessionKeys {
    pub(super) fn derive(master: &SrtpKey, label: Label) -> Self {
        let derive = |offset: u8, out: &mut [u8]| {
            let mut block = [0; BLOCK_BYTES];
            block[..SALT_BYTES].copy_from_slice(master.salt());
            block[7] ^= label as u8 + offset;
            let aes = Aes128::new_from_slice(master.key()).expect("16 bytes are a key");
            out.fill(0);
            apply_keystream(&aes, block, out);
        };
        let mut key = Zeroizing::new([0; BLOCK_BYTES]);
        let mut auth = Zeroizing::new([0; AUTH_KEY_BYTES]);
        let mut salt = [0; SALT_BYTES];
        derive(0, &mut *key);
        derive(1, &mut *auth);
        derive(2, &mut salt);
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

impl Drop for SessionKeys {
    fn drop(&mut self) {
        // The cipher and the MAC wipe their own.
        self.salt.zeroize();
    }
}

/// Adds the key stream that begins with `block`, whose last two bytes count.
fn apply_keystream(aes: &Aes128, block: [u8; BLOCK_BYTES], data: &mut [u8]) {
    for (count, chunk) in data.chunks_mut(BLOCK_BYTES).enumerate() {
        let mut stream = block;
        stream[14..].copy_from_slice(&(count as u16).to_be_bytes());
        let stream_block = (&mut stream).into();
        aes.encrypt_block(stream_block);
        chunk.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        let digit = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex");
        core::array::from_fn(digit)
    }

    #[test]
    fn the_key_stream_is_that_of_rfc_3711_b_2() {
        let key: [u8; 16] = bytes("2B7E151628AED2A6ABF7158809CF4F3C");
        let block = bytes("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000");
        let mut stream = [0; 48];
        let aes = Aes128::new_from_slice(&key).expect("a key");
        apply_keystream(&aes, block, &mut stream);
        let expected: [u8; 48] = bytes(
            "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB\
             41E95B3BB0A2E8DD477901E4FCA894C0",
        );
        assert_eq!(stream, expected);
    }

    #[test]
    fn the_session_keys_are_those_of_rfc_3711_b_3() {
        let master =
            SrtpKey::new(bytes("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6"));
        let keys = SessionKeys::derive(&master, Label::Rtp);
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
