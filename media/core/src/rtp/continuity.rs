use core::time::Duration;

use super::RtpPacket;
use crate::{MonoTime, SequenceNumber, Ssrc};

/// Whether packets from the peer's address go on with the peer's stream.
///
/// Whoever can write the peer's address on packets can still not guess its SSRC and where its
/// numbering is. So a packet that does not go on with the stream that is heard is refused for as
/// long as that stream flows; once nothing came of it for [`QUIET`], the sender may have started
/// over, and anybody at its address may be heard. One that was heard for a while and comes back
/// goes before whoever took its place meanwhile. Real-time safe.
///
/// A sender that changes its SSRC without a pause is heard again after [`QUIET`]; a signalled change
/// is known before, see [`Continuity::renegotiate`].
#[derive(Clone, Debug, Default)]
pub struct Continuity {
    current: Option<Stream>,
    /// Who was heard before, and fell silent.
    former: Option<Stream>,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: Ssrc,
    newest: SequenceNumber,
    last: MonoTime,
    packets: u32,
}

impl Continuity {
    /// A stream of which nothing was heard.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Judges a packet from the peer's address that arrived at `at`.
    pub fn admits(&mut self, at: MonoTime, packet: &RtpPacket<'_>) -> bool {
        let Some(current) = &mut self.current else {
            self.current = Some(Stream::begin(at, packet));
            return true;
        };
        if current.goes_on_with(packet) {
            current.take(at, packet);
            return true;
        }
        if let Some(former) = self.former.filter(|former| former.goes_on_with(packet)) {
            // The usurper was never the peer, or the peer has thought better of it.
            self.former = None;
            self.current = Some(Stream { last: at, ..former });
            return true;
        }
        if at.since(current.last) < QUIET {
            return false;
        }
        if current.packets >= KNOWN_PACKETS {
            self.former = Some(*current);
        }
        self.current = Some(Stream::begin(at, packet));
        true
    }

    /// The peer announced media anew: what comes next may be another stream, at once.
    pub fn renegotiate(&mut self) {
        *self = Self::default();
    }
}

impl Stream {
    fn begin(at: MonoTime, packet: &RtpPacket<'_>) -> Self {
        Self { ssrc: packet.ssrc, newest: packet.sequence, last: at, packets: 1 }
    }

    fn goes_on_with(&self, packet: &RtpPacket<'_>) -> bool {
        let ahead = packet.sequence.distance(self.newest);
        packet.ssrc == self.ssrc && (-MISORDER_MAX..=DROPOUT_MAX).contains(&ahead)
    }

    fn take(&mut self, at: MonoTime, packet: &RtpPacket<'_>) {
        self.last = at;
        self.packets = self.packets.saturating_add(1);
        if packet.sequence.distance(self.newest) > 0 {
            self.newest = packet.sequence;
        }
    }
}

/// Five packets of 20 ms that did not come: longer than a network loses in a row, shorter than a
/// pause that anybody would put up with.
pub const QUIET: Duration = Duration::from_millis(100);

/// A second of packets: nobody keeps that up by chance.
const KNOWN_PACKETS: u32 = 50;

// RFC 3550 A.1: a minute at 20 ms ahead, 100 packets behind.
const DROPOUT_MAX: i16 = 3_000;
const MISORDER_MAX: i16 = 100;
