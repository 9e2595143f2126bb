use crate::Generation;

/// The floor's state in 34 bits, so that one atomic store publishes it whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FloorWord {
    /// The newest generation that was granted or revoked.
    pub newest: Generation,
    /// Whether it has the floor.
    pub granted: bool,
    /// Whether it is paused.
    pub paused: bool,
}

impl FloorWord {
    /// As an integer.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        (self.newest.0 as u64) << 2 | (self.granted as u64) << 1 | self.paused as u64
    }

    /// From [`FloorWord::to_bits`].
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self {
            newest: Generation((bits >> 2) as u32),
            granted: bits & 0b10 != 0,
            paused: bits & 0b01 != 0,
        }
    }
}
