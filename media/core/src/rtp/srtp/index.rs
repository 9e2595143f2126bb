//! Which packet of a stream it is, over the wraps of its sequence number, and which were there.

use crate::{SequenceNumber, Ssrc};

/// RTP streams that one key may protect one after the other: a sender that changes its SSRC. The
/// one that was not heard for longest gives way.
pub(super) const STREAMS_MAX: usize = 4;

/// Five minutes of 20 ms: whoever is heard so long after its counter turned over was not at its
/// beginning.
const JOINED_LATE_BELOW: u16 = 1 << 14;
/// Packets from one turn of the counter to the next.
const TURN: u64 = 1 << 16;

/// One received RTP stream and its RTCP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) ssrc: Ssrc,
    window: Window,
    pub(super) reports: Window,
    /// How far it was under the key before this one.
    before: Option<u64>,
}

impl Stream {
    /// A stream of which nothing was received. Its rollover counter begins at 0.
    pub(super) fn new(ssrc: Ssrc) -> Self {
        Self { ssrc, window: Window::default(), reports: Window::default(), before: None }
    }

    /// The same stream under another key, of which nothing was received.
    pub(super) fn under_another_key(&self) -> Self {
        Self { before: self.window.highest.or(self.before), ..Self::new(self.ssrc) }
    }

    /// The index of the packet with this sequence number: the one next to the highest so far
    /// (RFC 3711 §3.3.1, Appendix A).
    pub(super) fn index(&self, sequence: SequenceNumber) -> u64 {
        self.window.highest.map_or(u64::from(sequence.0), |highest| next_to(highest, sequence))
    }

    /// What the index may be besides where the peer has another key, and nothing was received under it
    /// yet: its counter goes on through the change (RFC 3711 §3.3.1). Many peers begin it anew, all
    /// those that have another address now (RFC 4568 §7.1.4) and some that have not.
    pub(super) fn index_going_on(&self, sequence: SequenceNumber) -> Option<u64> {
        let before = self.before.filter(|_| self.window.highest.is_none())?;
        Some(next_to(before, sequence)).filter(|index| *index >= TURN)
    }

    /// What the index may be besides where nothing was received yet: the peer began before its counter
    /// turned over, and its first packets were lost. Only a low number may have come after a turn
    /// that we missed, and one turn is all that a call's beginning can hold.
    pub(super) fn index_after_a_turn(&self, sequence: SequenceNumber) -> Option<u64> {
        let fresh = self.window.highest.is_none() && sequence.0 < JOINED_LATE_BELOW;
        fresh.then(|| u64::from(sequence.0) + TURN)
    }

    pub(super) fn is_new(&self, index: u64) -> bool {
        self.window.is_new(index)
    }

    pub(super) fn take(&mut self, index: u64) {
        self.window.take(index);
    }
}

/// The index next to `highest` that ends in this number. Before the first turn of the counter there is
/// nothing.
fn next_to(highest: u64, sequence: SequenceNumber) -> u64 {
    let ahead = i64::from(sequence.distance(SequenceNumber(highest as u16)));
    highest.checked_add_signed(ahead).unwrap_or(u64::from(sequence.0))
}

/// The last packets that were received (RFC 3711 §3.3.2).
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Window {
    highest: Option<u64>,
    /// Bit n is set if packet `highest - n` was received.
    seen: u128,
}

impl Window {
    /// Whether the packet was not received yet, and is not too old to tell.
    pub(super) fn is_new(&self, index: u64) -> bool {
        let Some(highest) = self.highest else { return true };
        match highest.checked_sub(index) {
            None => true,
            Some(behind) => behind < u64::from(u128::BITS) && self.seen & (1 << behind) == 0,
        }
    }

    /// The packet was received, and is genuine.
    pub(super) fn take(&mut self, index: u64) {
        let highest = *self.highest.get_or_insert(index);
        match highest.checked_sub(index) {
            None => {
                let ahead = u32::try_from(index - highest).unwrap_or(u32::MAX);
                self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
                self.highest = Some(index);
            }
            Some(behind) if behind < u64::from(u128::BITS) => self.seen |= 1 << behind,
            Some(_) => {}
        }
    }
}
