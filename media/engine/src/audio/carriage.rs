//! What carries a seat's audio: sockets of our own, somebody else's packets, or nothing any more.

use media_core::MonoTime;
use media_core::plugin::Circle;

use super::{Ends, EventPort, Leg, MediaUpdate};
use crate::sockets::{ArrivalClock, RecvBatch};
use crate::statistics::Counters;

/// A seat's way to its peer. Real-time safe once built.
pub(crate) enum Carriage {
    Rtp(Box<Leg>),
    Ends(Ends),
    /// The peer has gone and the seat is kept: the line's first, while others are still there.
    Nobody,
}

impl Carriage {
    /// Whether the peer is to send, and its silence is to be told of.
    pub fn expects_media(&self) -> bool {
        matches!(self, Self::Rtp(leg) if leg.expects_media())
    }

    /// Whom the peer hears anyway.
    pub fn circle(&self) -> Option<Circle> {
        match self {
            Self::Ends(ends) => ends.circle(),
            Self::Rtp(_) | Self::Nobody => None,
        }
    }

    /// Whether audio is sent now: not on hold, and not while keys are pressed.
    pub fn speaks(&self) -> bool {
        match self {
            Self::Rtp(leg) => leg.speaks(),
            Self::Ends(_) => true,
            Self::Nobody => false,
        }
    }

    /// Takes what arrived. Returns whether media from the peer did.
    pub fn receive(
        &mut self,
        batch: &mut RecvBatch,
        clock: ArrivalClock,
        events: &mut EventPort,
        counters: &Counters,
    ) -> bool {
        match self {
            Self::Rtp(leg) => leg.receive(batch, clock, events, counters),
            Self::Ends(ends) => ends.take_arrived(),
            Self::Nobody => false,
        }
    }

    /// Fills `out`, at the seat's rate, with what the peer said.
    pub fn pull(&mut self, deadline: MonoTime, out: &mut [i16], counters: &Counters) {
        match self {
            Self::Rtp(leg) => leg.pull(deadline, out, counters),
            Self::Ends(ends) => ends.pull(deadline, out, counters),
            Self::Nobody => out.fill(0),
        }
    }

    /// When the audio arrived that is given out at `deadline`.
    pub fn arrival_of(&self, deadline: MonoTime) -> MonoTime {
        match self {
            Self::Rtp(leg) => leg.arrival_of(deadline),
            Self::Ends(ends) => ends.arrival_of(deadline),
            Self::Nobody => deadline,
        }
    }

    /// Sends one tick of audio at the seat's rate; on hold only time passes.
    pub fn send(&mut self, now: MonoTime, pcm: &[i16], tick_ms: u32, counters: &Counters) {
        match self {
            Self::Rtp(leg) => leg.send(now, pcm, tick_ms, counters),
            Self::Ends(ends) => ends.send(pcm),
            Self::Nobody => {}
        }
    }

    /// Ticks were left out: media time goes on without packets.
    pub fn skip(&mut self, ms: u32) {
        match self {
            Self::Rtp(leg) => leg.skip(ms),
            Self::Ends(ends) => ends.skip(ms),
            Self::Nobody => {}
        }
    }

    /// Presses a key, where the peer knows of keys.
    pub fn press(&mut self, digit: char) {
        if let Self::Rtp(leg) = self {
            leg.press(digit);
        }
    }

    /// Follows a renegotiation, where there was something to negotiate.
    pub fn renegotiate(&mut self, update: &mut MediaUpdate) {
        if let Self::Rtp(leg) = self {
            leg.renegotiate(update);
        }
    }

    /// Publishes figures.
    pub fn publish(&mut self, counters: &Counters) {
        match self {
            Self::Rtp(leg) => leg.publish(counters),
            Self::Ends(ends) => ends.publish(counters),
            Self::Nobody => {}
        }
    }

    /// Reads the peer's reports and sends ours, when due.
    pub fn exchange_reports(
        &mut self,
        batch: &mut RecvBatch,
        clock: ArrivalClock,
        counters: &Counters,
    ) {
        if let Self::Rtp(leg) = self {
            leg.exchange_reports(batch, clock, counters);
        }
    }

    /// Says goodbye, where that is said in the media.
    pub fn farewell(&mut self, now: MonoTime) {
        if let Self::Rtp(leg) = self {
            leg.farewell(now);
        }
    }
}
