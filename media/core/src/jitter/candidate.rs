//! The packet that may be a sender's new beginning.

use crate::rtp::RtpPacket;
use crate::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

/// Keeps one packet that fits nothing until the next one shows what it was.
#[derive(Debug)]
pub(super) struct Candidate {
    held: Option<Held>,
    payload: Box<[u8]>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    marker: bool,
    payload_type: PayloadType,
    sequence: SequenceNumber,
    timestamp: RtpTimestamp,
    ssrc: Ssrc,
    length: usize,
    pub(super) arrival: i64,
    pub(super) has_media: bool,
}

impl Candidate {
    pub(super) fn new(payload_bytes_max: usize) -> Self {
        Self { held: None, payload: vec![0; payload_bytes_max].into_boxed_slice() }
    }

    /// Keeps `packet`; answers whether another one had to go.
    pub(super) fn hold(&mut self, packet: &RtpPacket<'_>, arrival: i64, has_media: bool) -> bool {
        let length = packet.payload.len();
        self.payload[..length].copy_from_slice(packet.payload);
        let held = Held {
            marker: packet.marker,
            payload_type: packet.payload_type,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
            length,
            arrival,
            has_media,
        };
        self.held.replace(held).is_some()
    }

    /// The packet kept, if `packet` is the one right after it.
    pub(super) fn followed_by(&self, packet: &RtpPacket<'_>, rate_hz: u32) -> Option<Held> {
        self.held.filter(|h| {
            let later = i64::from(packet.timestamp.distance(h.timestamp));
            h.ssrc == packet.ssrc
                && h.sequence.next() == packet.sequence
                && (0..=2 * i64::from(rate_hz)).contains(&later)
        })
    }

    /// Forgets the packet kept; answers whether there was one.
    pub(super) fn clear(&mut self) -> bool {
        self.held.take().is_some()
    }

    /// Takes the buffer out while its packet is being placed; give it back.
    pub(super) fn lend(&mut self) -> Box<[u8]> {
        self.held = None;
        core::mem::take(&mut self.payload)
    }

    pub(super) fn give_back(&mut self, payload: Box<[u8]>) {
        self.payload = payload;
    }
}

impl Held {
    pub(super) fn packet<'a>(&self, payload: &'a [u8]) -> RtpPacket<'a> {
        RtpPacket {
            marker: self.marker,
            payload_type: self.payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            payload: &payload[..self.length],
        }
    }
}
