//! Packets in: where each belongs, and what becomes of it.

use super::{FIRST_PLACE, JitterBuffer};
use crate::MonoTime;
use crate::jitter::Inserted;
use crate::jitter::epoch::{Epoch, Follows, Place};
use crate::jitter::slots::Waiting;
use crate::rtp::RtpPacket;

impl JitterBuffer {
    pub(super) fn take(
        &mut self,
        at: MonoTime,
        packet: &RtpPacket<'_>,
        has_media: bool,
    ) -> Inserted {
        if packet.payload.len() > self.slots.payload_bytes_max() {
            self.statistics.oversize += 1;
            return Inserted::Oversize;
        }
        let arrival = self.ticks(at);
        let Some(epoch) = &self.epoch else {
            // Packets that were sent before the one that came first may still come.
            let sequence = FIRST_PLACE.sequence - self.slots.capacity();
            self.next = Place { sequence, ..FIRST_PLACE };
            let rate_hz = self.config.clock_rate_hz;
            self.epoch = Some(Epoch::begin(packet, FIRST_PLACE, arrival, rate_hz));
            return self.put(packet, FIRST_PLACE, arrival, has_media);
        };
        match epoch.place(packet, arrival, has_media) {
            Follows::Here(place) => self.put(packet, place, arrival, has_media),
            Follows::Apart => self.hold(packet, arrival, has_media),
            Follows::Stale => {
                self.statistics.late += 1;
                Inserted::Late
            }
        }
    }

    fn put(&mut self, packet: &RtpPacket<'_>, at: Place, arrival: i64, media: bool) -> Inserted {
        if self.candidate.clear() {
            self.statistics.strays += 1;
        }
        if self.slots.get(at.sequence).is_some() || self.was_played(at.sequence) {
            self.statistics.duplicates += 1;
            return Inserted::Duplicate;
        }
        if let Some(epoch) = &mut self.epoch {
            epoch.advance(packet, at, arrival, media);
        }
        if media {
            self.delay.on_arrival(arrival, arrival - at.ticks, self.playing);
        }
        if !self.playing && self.slots.count() == 0 {
            let window = at.sequence.saturating_sub(self.slots.capacity() / 2);
            self.advance_to(self.next.sequence.max(window));
        }
        if at.sequence < self.next.sequence {
            self.statistics.late += 1;
            return Inserted::Late;
        }
        let dropped = self.make_room(at.sequence);
        let waiting = Waiting {
            sequence: at.sequence,
            ticks: at.ticks,
            timestamp: packet.timestamp,
            payload_type: packet.payload_type,
            length: packet.payload.len() as u16,
            span: self.span(packet.payload),
            no_media: !media,
        };
        self.slots.put(waiting, packet.payload);
        if dropped > 0 { Inserted::Overflowed { dropped } } else { Inserted::Queued }
    }

    /// Pushes out what is more than the capacity older than `sequence`.
    fn make_room(&mut self, sequence: u64) -> u32 {
        let capacity = self.slots.capacity();
        let first = (sequence + 1).saturating_sub(capacity);
        if first <= self.next.sequence {
            return 0;
        }
        let oldest = self.next.sequence;
        let mut dropped = 0;
        for gone in oldest..first.min(oldest + capacity) {
            dropped += u32::from(self.slots.take(gone).is_some());
        }
        self.advance_to(first);
        self.statistics.overflowed += u64::from(dropped);
        self.cut = true;
        dropped
    }

    /// Keeps a packet that fits nothing, or starts over with it and the one kept before.
    fn hold(&mut self, packet: &RtpPacket<'_>, arrival: i64, has_media: bool) -> Inserted {
        let rate_hz = self.config.clock_rate_hz;
        let (Some(held), Some(epoch)) =
            (self.candidate.followed_by(packet, rate_hz), self.epoch.as_ref())
        else {
            if self.candidate.hold(packet, arrival, has_media) {
                self.statistics.strays += 1;
            }
            return Inserted::Held;
        };
        let newest = epoch.newest();
        let place = Place {
            sequence: self.next.sequence.max(newest.sequence + 1),
            ticks: self.next.ticks.max(newest.ticks + self.packet_ticks),
        };
        let payload = self.candidate.lend();
        let first = held.packet(&payload);
        self.epoch = Some(epoch.restart(&first, place, held.arrival));
        self.delay.forget_base();
        self.control.reset();
        self.statistics.restarts += 1;
        self.put(&first, place, held.arrival, held.has_media);
        self.candidate.give_back(payload);
        let second = self.epoch.as_ref().map(|e| e.place(packet, arrival, has_media));
        if let Some(Follows::Here(place)) = second {
            self.put(packet, place, arrival, has_media);
        }
        Inserted::Restarted
    }
}
