use core::fmt::Write as _;

use media_core::rtp::srtp::{KEY_AND_SALT_BYTES, SrtpKey};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::message::MAGIC_COOKIE;

/// The bridge's randomness, passed in as a seed: tags, branches, Call-IDs, session ids.
///
/// They must not be guessable (RFC 3261 §19.3): who guesses a tag can end a call.
#[derive(Debug)]
pub(crate) struct IdSource {
    rng: StdRng,
}

impl IdSource {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { rng: StdRng::from_seed(seed) }
    }

    /// A From or To tag: 64 random bits.
    pub(crate) fn tag(&mut self) -> Box<str> {
        format!("{:016x}", self.rng.next_u64()).into()
    }

    /// A Via branch: 96 random bits behind the magic cookie.
    pub(crate) fn branch(&mut self) -> String {
        let mut branch = String::from(MAGIC_COOKIE);
        let _ = write!(branch, "{:016x}{:08x}", self.rng.next_u64(), self.rng.next_u32());
        branch
    }

    /// A Call-ID: 128 random bits.
    pub(crate) fn call_id(&mut self) -> Box<str> {
        format!("{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64()).into()
    }

    /// An SDP session id: numeric, below 2⁶².
    pub(crate) fn session(&mut self) -> u64 {
        self.rng.next_u64() >> 2
    }

    /// A word of our own in a proof: 64 random bits.
    pub(crate) fn word(&mut self) -> Box<str> {
        self.tag()
    }

    /// A key that nobody knows.
    pub(crate) fn key(&mut self) -> [u8; 32] {
        let mut key = [0; 32];
        self.rng.fill_bytes(&mut key);
        key
    }

    /// An SRTP master key and its salt: 240 random bits (RFC 4568 §6.1).
    pub(crate) fn srtp_key(&mut self) -> SrtpKey {
        let mut key = [0; KEY_AND_SALT_BYTES];
        self.rng.fill_bytes(&mut key);
        SrtpKey::new(key)
    }

    /// A number below `bound`, near enough to uniform for a back-off.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound.max(1)
    }

    /// A first CSeq: below 2¹⁶, so that it never reaches 2³¹ in a month of refreshes.
    pub(crate) fn cseq(&mut self) -> u32 {
        (self.rng.next_u32() >> 16).max(1)
    }
}
