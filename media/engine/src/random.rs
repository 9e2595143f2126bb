//! Randomness for SSRCs, sequence numbers and names (RFC 3550 §5.1, RFC 7022).

/// A small generator seeded by the kernel. Not for secrets.
pub(crate) struct Random(u64);

impl Random {
    pub fn from_system() -> Self {
        let mut seed = [0_u8; 8];
        // SAFETY: the buffer is writable and as long as said. If the kernel refuses, the seed is
        // the clock's, which is enough to keep two calls apart.
        let got = unsafe { libc::getrandom(seed.as_mut_ptr().cast(), seed.len(), 0) };
        let clock = crate::clock::Clock::new().now().as_micros();
        let seed = u64::from_ne_bytes(seed);
        Self(if got == 8 { seed } else { clock.wrapping_mul(0x9E37_79B9_7F4A_7C15) })
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }
}
