use core::net::SocketAddr;

use super::RtpPacket;
use crate::{PayloadType, SequenceNumber, Ssrc};

/// What to do with a datagram, judged by where it came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// From the peer: it is audio.
    Accept,
    /// From the peer's machine but an unannounced port. Not audio yet; once
    /// [`CONSISTENT_PACKETS`] in a row fit together, that port becomes the peer.
    Learning,
    /// From the peer's address, but it does not go on with the peer's stream, which flows: ignore it.
    /// Judged by [`super::Peer`].
    Doubtful,
    /// From somebody else: ignore it, answer nothing, count it.
    Foreign,
}

/// Symmetric RTP with a strict source.
///
/// The peer is the address in SDP, or the first source at SDP's IP whose packets are consistent
/// (same SSRC and payload type, consecutive). Afterwards only that source is heard and sent to,
/// except that the very address in SDP, which signalling vouches for, replaces a learned one.
/// A re-INVITE with another address starts over.
#[derive(Clone, Debug)]
pub struct SourceLock {
    expected: SocketAddr,
    locked: Option<SocketAddr>,
    candidate: Option<Candidate>,
}

impl SourceLock {
    /// Waits for `expected`, the peer's RTP address in SDP.
    #[must_use]
    pub const fn new(expected: SocketAddr) -> Self {
        Self { expected, locked: None, candidate: None }
    }

    /// Judges a packet. Real-time safe.
    pub fn admit(&mut self, from: SocketAddr, packet: &RtpPacket<'_>) -> Admission {
        if self.locked == Some(from) {
            return Admission::Accept;
        }
        if from == self.expected {
            self.lock(from);
            return Admission::Accept;
        }
        if self.locked.is_some() || from.ip() != self.expected.ip() {
            return Admission::Foreign;
        }
        let candidate = Candidate::follow(self.candidate.take(), from, packet);
        if candidate.consistent >= CONSISTENT_PACKETS {
            self.lock(from);
            return Admission::Accept;
        }
        self.candidate = Some(candidate);
        Admission::Learning
    }

    /// Whether RTP from `from` could be the peer's at all.
    #[must_use]
    pub fn may_be(&self, from: SocketAddr) -> bool {
        self.locked == Some(from) || from.ip() == self.expected.ip()
    }

    /// Whether RTCP from `from` is the peer's: its IP must be right, its port is its own matter.
    #[must_use]
    pub fn admits_rtcp(&self, from: SocketAddr) -> bool {
        from.ip() == self.destination().ip()
    }

    /// The source that is locked, once there is one.
    #[must_use]
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.locked
    }

    /// Where to send RTP: the locked source, until then the address in SDP.
    #[must_use]
    pub fn destination(&self) -> SocketAddr {
        self.locked.unwrap_or(self.expected)
    }

    /// The peer announced an address in a new offer or answer. The same one changes nothing.
    pub fn renegotiate(&mut self, expected: SocketAddr) {
        if self.expected != expected {
            *self = Self::new(expected);
        }
    }

    /// `from` was the peer before, and is again.
    pub(super) fn restore(&mut self, from: SocketAddr) {
        self.lock(from);
    }

    fn lock(&mut self, from: SocketAddr) {
        self.locked = Some(from);
        self.candidate = None;
    }
}

/// Packets in a row that make an unannounced port the peer.
pub const CONSISTENT_PACKETS: u8 = 3;

#[derive(Clone, Copy, Debug)]
struct Candidate {
    from: SocketAddr,
    ssrc: Ssrc,
    payload_type: PayloadType,
    sequence: SequenceNumber,
    consistent: u8,
}

impl Candidate {
    fn follow(before: Option<Candidate>, from: SocketAddr, packet: &RtpPacket<'_>) -> Candidate {
        let follows = |c: &Candidate| {
            c.from == from
                && c.ssrc == packet.ssrc
                && c.payload_type == packet.payload_type
                && c.sequence.next() == packet.sequence
        };
        let consistent = before.filter(follows).map_or(0, |c| c.consistent) + 1;
        Candidate {
            from,
            ssrc: packet.ssrc,
            payload_type: packet.payload_type,
            sequence: packet.sequence,
            consistent,
        }
    }
}
