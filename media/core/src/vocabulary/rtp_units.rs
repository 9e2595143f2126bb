/// RTP synchronisation source (RFC 3550 §3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ssrc(pub u32);

/// RTP payload type, 0 to 127 (RFC 3551 §3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PayloadType(pub u8);

/// RTP sequence number. Wraps every 21.85 minutes at 20 ms; arithmetic wraps only in here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SequenceNumber(pub u16);

impl SequenceNumber {
    /// The sequence number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Signed distance from `other` to `self`, the shorter way round.
    #[must_use]
    pub const fn distance(self, other: Self) -> i16 {
        self.0.wrapping_sub(other.0) as i16
    }
}

/// RTP timestamp, in units of the payload's clock rate. Wraps after 149.1 h at 8 kHz.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RtpTimestamp(pub u32);

impl RtpTimestamp {
    /// This timestamp `ticks` clock ticks later.
    #[must_use]
    pub const fn advance(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }

    /// Signed distance from `other` to `self`, the shorter way round.
    #[must_use]
    pub const fn distance(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0) as i32
    }
}
