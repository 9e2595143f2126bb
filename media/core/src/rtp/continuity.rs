use core::time::Duration;

use super::RtpPacket;
use crate::jitter::COMFORT_NOISE;
use crate::{MonoTime, SequenceNumber, Ssrc};

/// Whether packets from the peer's address go on with the peer's stream.
///
/// Whoever can write the peer's address on packets can still not guess its SSRC and where its
/// numbering is. So a packet that does not go on with the stream that is heard is refused for as
/// long as that stream flows; once nothing came of it for [`QUIET`], the sender may have started
/// over, and anybody at its address may be heard. A sender that is known to fall silent while nobody
/// speaks (it has sent comfort noise, or begun a talk spurt after such a pause) is waited for a second,
/// [`QUIET_BETWEEN_WORDS`]. One that was heard for a while and comes back goes before whoever took its
/// place meanwhile. Real-time safe.
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
    /// It sends nothing where there is nothing to hear.
    pauses: bool,
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
        if at.since(current.last) < current.quiet() {
            return false;
        }
        if current.is_known() {
            self.former = Some(*current);
        }
        self.current = Some(Stream::begin(at, packet));
        true
    }

    /// Whether the stream that is heard has been heard for so long that nobody is it by chance.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.current.is_some_and(|current| current.is_known())
    }

    /// Whether a packet goes on with a stream that was heard before the one that is heard now.
    #[must_use]
    pub fn is_formers(&self, packet: &RtpPacket<'_>) -> bool {
        self.former.is_some_and(|former| former.goes_on_with(packet))
    }

    /// The peer announced media anew: what comes next may be another stream, at once.
    pub fn renegotiate(&mut self) {
        *self = Self::default();
    }
}

impl Stream {
    fn begin(at: MonoTime, packet: &RtpPacket<'_>) -> Self {
        let pauses = packet.payload_type == COMFORT_NOISE;
        Self { ssrc: packet.ssrc, newest: packet.sequence, last: at, packets: 1, pauses }
    }

    fn is_known(&self) -> bool {
        self.packets >= KNOWN_PACKETS
    }

    fn quiet(&self) -> Duration {
        if self.pauses { QUIET_BETWEEN_WORDS } else { QUIET }
    }

    fn goes_on_with(&self, packet: &RtpPacket<'_>) -> bool {
        let ahead = packet.sequence.distance(self.newest);
        packet.ssrc == self.ssrc && (-MISORDER_MAX..=DROPOUT_MAX).contains(&ahead)
    }

    fn take(&mut self, at: MonoTime, packet: &RtpPacket<'_>) {
        // The marker begins a talk spurt (RFC 3551 §4.1); a network that stood still sets none.
        let spurt = packet.marker && at.since(self.last) >= QUIET;
        self.pauses |= spurt || packet.payload_type == COMFORT_NOISE;
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

/// As long as a breath between sentences. A sender that pauses and starts over in that is heard later.
pub const QUIET_BETWEEN_WORDS: Duration = Duration::from_secs(1);

/// A second of packets: nobody keeps that up by chance.
const KNOWN_PACKETS: u32 = 50;

// RFC 3550 A.1: a minute at 20 ms ahead, 100 packets behind.
const DROPOUT_MAX: i16 = 3_000;
const MISORDER_MAX: i16 = 100;
