use crate::{RtpTimestamp, SequenceNumber};

/// A sequence number that no longer wraps: it lasts longer than any line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ExtendedSequence(pub u64);

/// Follows sequence numbers over their wraps (RFC 3550 A.1), the shorter way round from the
/// highest one seen, so that up to 32767 packets of reordering are told apart from a wrap.
#[derive(Clone, Debug, Default)]
pub struct SequenceUnwrapper {
    highest: Option<u64>,
}

impl SequenceUnwrapper {
    /// An unwrapper that has seen nothing. The first number it sees gets one full cycle added, so
    /// that packets from before it have a place too.
    #[must_use]
    pub const fn new() -> Self {
        Self { highest: None }
    }

    /// The extended number of `sequence`.
    pub fn extend(&mut self, sequence: SequenceNumber) -> ExtendedSequence {
        let extended = self.peek(sequence);
        self.highest = Some(self.highest.map_or(extended.0, |h| h.max(extended.0)));
        extended
    }

    /// What [`SequenceUnwrapper::extend`] would answer, without remembering it.
    #[must_use]
    pub fn peek(&self, sequence: SequenceNumber) -> ExtendedSequence {
        let Some(highest) = self.highest else {
            return ExtendedSequence(CYCLE + u64::from(sequence.0));
        };
        let distance = sequence.distance(SequenceNumber(highest as u16));
        ExtendedSequence(highest.saturating_add_signed(i64::from(distance)))
    }

    /// The highest number seen.
    #[must_use]
    pub fn highest(&self) -> Option<ExtendedSequence> {
        self.highest.map(ExtendedSequence)
    }
}

/// Follows RTP timestamps over their wraps, the shorter way round from the latest one seen.
#[derive(Clone, Debug, Default)]
pub struct TimestampUnwrapper {
    latest: Option<u64>,
}

impl TimestampUnwrapper {
    /// An unwrapper that has seen nothing. The first timestamp gets one full cycle added.
    #[must_use]
    pub const fn new() -> Self {
        Self { latest: None }
    }

    /// `timestamp` in clock ticks that no longer wrap.
    pub fn extend(&mut self, timestamp: RtpTimestamp) -> u64 {
        let extended = match self.latest {
            None => TICK_CYCLE + u64::from(timestamp.0),
            Some(latest) => {
                let distance = timestamp.distance(RtpTimestamp(latest as u32));
                latest.saturating_add_signed(i64::from(distance))
            }
        };
        self.latest = Some(self.latest.map_or(extended, |l| l.max(extended)));
        extended
    }
}

const CYCLE: u64 = 1 << 16;
const TICK_CYCLE: u64 = 1 << 32;
