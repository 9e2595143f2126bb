use super::RtpPacket;
use crate::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

/// An outgoing RTP stream: counts sequence numbers and media time, so that voice, silence and
/// telephone events share one numbering.
#[derive(Clone, Debug)]
pub struct RtpStream {
    ssrc: Ssrc,
    next_sequence: SequenceNumber,
    timestamp: RtpTimestamp,
}

impl RtpStream {
    /// A stream that begins at these values. They should be random (RFC 3550 §5.1).
    #[must_use]
    pub const fn new(ssrc: Ssrc, first: SequenceNumber, timestamp: RtpTimestamp) -> Self {
        Self { ssrc, next_sequence: first, timestamp }
    }

    /// Our synchronisation source.
    #[must_use]
    pub const fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// Media time of the next packet's first sample.
    #[must_use]
    pub const fn timestamp(&self) -> RtpTimestamp {
        self.timestamp
    }

    /// Lets media time pass: call once per ptime, whatever was sent in it.
    pub const fn advance(&mut self, ticks: u32) {
        self.timestamp = self.timestamp.advance(ticks);
    }

    /// The next packet, at the current media time.
    pub const fn packet<'a>(
        &mut self,
        payload_type: PayloadType,
        marker: bool,
        payload: &'a [u8],
    ) -> RtpPacket<'a> {
        self.packet_at(payload_type, marker, self.timestamp, payload)
    }

    /// The next packet, at a media time of its own: a telephone event keeps the time it began.
    pub const fn packet_at<'a>(
        &mut self,
        payload_type: PayloadType,
        marker: bool,
        timestamp: RtpTimestamp,
        payload: &'a [u8],
    ) -> RtpPacket<'a> {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.next();
        RtpPacket { marker, payload_type, sequence, timestamp, ssrc: self.ssrc, payload }
    }
}
