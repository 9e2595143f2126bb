//! The session keys of one direction of one protocol, how they are derived (RFC 3711 §4.3), and what a
//! packet is sealed and opened with.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

use super::aead::AeadKeys;
use super::counter::CounterKeys;
use super::{RTCP_CLEAR_BYTES, SrtpKey, SrtpProfile};
use crate::Ssrc;

pub(super) const BLOCK_BYTES: usize = 16;

/// Which of the two protocols keys are derived for: the first of its three labels.
#[derive(Clone, Copy)]
pub(super) enum Label {
    Rtp = 0,
    Rtcp = 3,
}

/// Which packet it is: no two are protected with the same.
#[derive(Clone, Copy)]
pub(super) struct Packet {
    pub ssrc: Ssrc,
    /// 48 bits of RTP, 31 of RTCP.
    pub index: u64,
}

/// The keys of one direction of one protocol. Wiped when dropped.
pub(super) enum SessionKeys {
    Counter(CounterKeys),
    Aead(AeadKeys),
}

impl SessionKeys {
    pub(super) fn derive(profile: SrtpProfile, master: &SrtpKey, label: Label) -> Self {
        match profile {
            SrtpProfile::AeadAes128Gcm => Self::Aead(AeadKeys::derive(profile, master, label)),
            SrtpProfile::AesCm128HmacSha1Tag80 | SrtpProfile::AesCm128HmacSha1Tag32 => {
                Self::Counter(CounterKeys::derive(profile, master, label))
            }
        }
    }

    /// Protects an RTP packet of which the first `clear` bytes stay readable, and fills its tag.
    pub(super) fn seal_rtp(&self, which: Packet, bytes: &mut [u8], clear: usize, tag: &mut [u8]) {
        match self {
            Self::Counter(keys) => {
                keys.apply(which.ssrc, which.index, &mut bytes[clear..]);
                tag.copy_from_slice(&keys.tag([bytes, &rollover(which)])[..tag.len()]);
            }
            Self::Aead(keys) => {
                let (header, payload) = bytes.split_at_mut(clear);
                tag.copy_from_slice(&keys.seal(which, header, payload));
            }
        }
    }

    /// Makes it readable, if `tag` is its own. `false`: nothing has changed.
    pub(super) fn open_rtp(
        &self,
        which: Packet,
        bytes: &mut [u8],
        clear: usize,
        tag: &[u8],
    ) -> bool {
        match self {
            Self::Counter(keys) => {
                let genuine = keys.is_tag([bytes, &rollover(which)], tag);
                if genuine {
                    keys.apply(which.ssrc, which.index, &mut bytes[clear..]);
                }
                genuine
            }
            Self::Aead(keys) => {
                let (header, payload) = bytes.split_at_mut(clear);
                keys.open(which, header, payload, tag)
            }
        }
    }

    /// Protects an RTCP compound with `word` as what says so, and fills its tag.
    pub(super) fn seal_rtcp(&self, which: Packet, bytes: &mut [u8], word: u32, tag: &mut [u8]) {
        let word = word.to_be_bytes();
        match self {
            Self::Counter(keys) => {
                keys.apply(which.ssrc, which.index, &mut bytes[RTCP_CLEAR_BYTES..]);
                tag.copy_from_slice(&keys.tag([bytes, &word])[..tag.len()]);
            }
            Self::Aead(keys) => {
                let (header, payload) = bytes.split_at_mut(RTCP_CLEAR_BYTES);
                tag.copy_from_slice(&keys.seal(which, &beside(header, word), payload));
            }
        }
    }

    /// Makes it readable, if `tag` is its own; `encrypted`: it is not readable yet. `false`: nothing
    /// has changed.
    pub(super) fn open_rtcp(
        &self,
        which: Packet,
        bytes: &mut [u8],
        (word, encrypted): (u32, bool),
        tag: &[u8],
    ) -> bool {
        let word = word.to_be_bytes();
        match self {
            Self::Counter(keys) => {
                let genuine = keys.is_tag([bytes, &word], tag);
                if genuine && encrypted {
                    keys.apply(which.ssrc, which.index, &mut bytes[RTCP_CLEAR_BYTES..]);
                }
                genuine
            }
            // RTCP that is only authenticated is agreed on by a parameter that we do not take.
            Self::Aead(_) if !encrypted => false,
            Self::Aead(keys) => {
                let (header, payload) = bytes.split_at_mut(RTCP_CLEAR_BYTES);
                keys.open(which, &beside(header, word), payload, tag)
            }
        }
    }
}

/// What of an RTP packet's index is not in it (RFC 3711 §4.2).
fn rollover(which: Packet) -> [u8; 4] {
    ((which.index >> 16) as u32).to_be_bytes()
}

/// What of an RTCP packet stays readable, one behind the other (RFC 7714 §9.2).
fn beside(header: &[u8], word: [u8; 4]) -> [u8; RTCP_CLEAR_BYTES + 4] {
    let mut beside = [0; RTCP_CLEAR_BYTES + 4];
    beside[..RTCP_CLEAR_BYTES].copy_from_slice(header);
    beside[RTCP_CLEAR_BYTES..].copy_from_slice(&word);
    beside
}

/// Derives what has `label`. A salt that is shorter than this takes is filled up with zeros behind it
/// (RFC 7714 §11).
pub(super) fn derive(profile: SrtpProfile, master: &SrtpKey, label: u8, out: &mut [u8]) {
    let salt = master.salt(profile);
    let mut block = [0; BLOCK_BYTES];
    block[..salt.len()].copy_from_slice(salt);
    block[7] ^= label;
    let aes = Aes128::new_from_slice(master.key()).expect("16 bytes are a key");
    out.fill(0);
    apply_keystream(&aes, block, out);
}

/// Adds the key stream that begins with `block`, whose last two bytes count.
pub(super) fn apply_keystream(aes: &Aes128, block: [u8; BLOCK_BYTES], data: &mut [u8]) {
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
}
