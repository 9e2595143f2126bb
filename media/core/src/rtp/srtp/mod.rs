//! Secure RTP and RTCP (RFC 3711) with the transforms that SDP's `a=crypto` names (RFC 4568 §6.2), and
//! AES in Galois/Counter mode (RFC 7714).
//!
//! [`Protector`] and [`Unprotector`] are one direction of one session each, RTP and RTCP. Building
//! one derives its keys; afterwards it works in the packet's own buffer and is real-time safe. A
//! packet is authenticated before anything of it is believed: one with a wrong tag, one that was
//! there before, and one that is too old change nothing. Keys are wiped from memory on drop, and
//! nothing here shows them.
//!
//! Not here: how keys are agreed on, and MKI, key derivation rates other than 0, 256-bit keys, and with
//! AEAD RTCP that is not encrypted.

mod aead;
mod cipher;
mod counter;
mod exercise;
mod index;
mod key;
mod protect;
mod unprotect;

pub use exercise::exercise_srtp;
pub use key::{KEY_AND_SALT_BYTES, SrtpKey, SrtpKeys, SrtpProfile};
pub use protect::Protector;
pub use unprotect::Unprotector;

/// Bytes that protecting adds to a packet, at the most: RTCP's index and a tag of 128 bits.
pub const SRTP_BYTES_ADDED_MAX: usize = RTCP_WORD_BYTES + key::AEAD_TAG_BYTES;

/// Why a packet is not protected or not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SrtpError {
    /// Shorter than its headers and its tag.
    #[error("protected packet is cut short at {got} bytes")]
    Truncated {
        /// Bytes there were.
        got: usize,
    },
    /// The tag is not its own.
    #[error("protected packet with a wrong tag")]
    Authentication,
    /// It was there before, or is older than what is remembered.
    #[error("protected packet came before, or too late to tell")]
    Replayed,
    /// The buffer has no room for the tag.
    #[error("{need} bytes do not fit into {room}")]
    NoRoom {
        /// Bytes it takes.
        need: usize,
        /// Bytes there are.
        room: usize,
    },
    /// So many packets were protected with the key that it must not be used any more (RFC 3711
    /// §9.2).
    #[error("the key has protected all the packets that it may")]
    Exhausted,
}

/// What says which RTCP packet it is, and whether it is encrypted.
const RTCP_WORD_BYTES: usize = 4;
/// In front of an RTCP packet's index: whether it is encrypted.
const ENCRYPTED: u32 = 1 << 31;
/// The header and the sender of the first packet of a compound stay readable.
const RTCP_CLEAR_BYTES: usize = 8;
