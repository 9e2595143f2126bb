//! One numbering for a stream whose sender may start over: wraps, SSRC changes and jumps are
//! mapped into sequence numbers and media time that only grow.

use crate::rtp::RtpPacket;
use crate::{RtpTimestamp, SequenceNumber, Ssrc};

/// A packet's place in the one numbering.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) sequence: u64,
    pub(super) ticks: i64,
}

/// What a packet is to the stream followed so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Follows {
    /// It belongs.
    Here(Place),
    /// It comes from the sender's former SSRC, or from long ago.
    Stale,
    /// It does not fit: perhaps the sender starts over.
    Apart,
}

/// The stream followed: where its newest packet is, on the wire and in the one numbering.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch {
    ssrc: Ssrc,
    former: Option<Ssrc>,
    wire_sequence: SequenceNumber,
    wire_timestamp: RtpTimestamp,
    newest: Place,
    newest_arrival: i64,
    rate_hz: i64,
}

impl Epoch {
    /// Begins with `packet`, and gives it a place.
    pub(super) fn begin(packet: &RtpPacket<'_>, at: Place, arrival: i64, rate_hz: u32) -> Self {
        Self {
            ssrc: packet.ssrc,
            former: None,
            wire_sequence: packet.sequence,
            wire_timestamp: packet.timestamp,
            newest: at,
            newest_arrival: arrival,
            rate_hz: i64::from(rate_hz),
        }
    }

    /// The sender starts over with `packet`, which gets the place `at`.
    pub(super) fn restart(&self, packet: &RtpPacket<'_>, at: Place, arrival: i64) -> Self {
        let former = if packet.ssrc == self.ssrc { self.former } else { Some(self.ssrc) };
        Self { former, ..Self::begin(packet, at, arrival, self.rate_hz as u32) }
    }

    pub(super) fn newest(&self) -> Place {
        self.newest
    }

    /// Where `packet` belongs. `has_media`: its timestamp is that of its own media, not that of
    /// a telephone event's beginning.
    pub(super) fn place(&self, packet: &RtpPacket<'_>, arrival: i64, has_media: bool) -> Follows {
        let quiet = arrival - self.newest_arrival > self.rate_hz / 5;
        if packet.ssrc != self.ssrc {
            let straggler = self.former == Some(packet.ssrc) && !quiet;
            return if straggler { Follows::Stale } else { Follows::Apart };
        }
        let ahead = i64::from(packet.sequence.distance(self.wire_sequence));
        if !(-MISORDER_MAX..=DROPOUT_MAX).contains(&ahead) {
            return Follows::Apart;
        }
        let later = i64::from(packet.timestamp.distance(self.wire_timestamp));
        if has_media && !self.is_plausible(ahead, later, arrival) {
            return Follows::Apart;
        }
        Follows::Here(Place {
            sequence: self.newest.sequence.saturating_add_signed(ahead),
            ticks: if has_media { self.newest.ticks + later } else { self.newest.ticks },
        })
    }

    /// Remembers a packet that was placed.
    pub(super) fn advance(&mut self, packet: &RtpPacket<'_>, at: Place, arrival: i64, media: bool) {
        if at.sequence <= self.newest.sequence {
            return;
        }
        self.wire_sequence = packet.sequence;
        self.newest.sequence = at.sequence;
        self.newest_arrival = arrival;
        if media {
            self.wire_timestamp = packet.timestamp;
            self.newest.ticks = at.ticks;
        }
    }

    /// Media time cannot run ahead of real time by more than some slack, nor against the
    /// packet order.
    fn is_plausible(&self, ahead: i64, later: i64, arrival: i64) -> bool {
        let packet_max = self.rate_hz * PACKET_MS_MAX / 1_000;
        if ahead >= 0 {
            let elapsed = (arrival - self.newest_arrival).max(0);
            let slack = 2 * self.rate_hz + ahead * packet_max;
            (0..=elapsed.saturating_add(slack)).contains(&later)
        } else {
            // A telephone event may be the newest number while its media time is not.
            (-2 * self.rate_hz + ahead * packet_max..=packet_max).contains(&later)
        }
    }
}

// RFC 3550 A.1: a minute at 20 ms ahead, 100 packets behind.
const DROPOUT_MAX: i64 = 3_000;
const MISORDER_MAX: i64 = 100;
const PACKET_MS_MAX: i64 = 60;
