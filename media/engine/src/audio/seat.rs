//! A peer's seat at a line: what it said and was sent in this tick, and what is told of it.

use std::sync::Arc;

use media_core::MonoTime;
use media_core::plugin::Circle;

use super::line::Tick;
use super::watchdog::{Silence, Watchdog};
use super::{Carriage, EventPort, MediaUpdate};
use crate::line::LineShared;
use crate::rings::{FRAME_SAMPLES, LineKey};
use crate::sockets::RecvBatch;
use crate::statistics::count;
use crate::tap::{TapHead, TapWriter};

/// What a deaf ear hears.
static NOTHING: [i16; FRAME_SAMPLES] = [0; FRAME_SAMPLES];

/// Ticks between two looks at RTCP: half a second at 20 ms.
const RTCP_TICKS: u64 = 25;

/// Ticks between two publications of figures: 100 ms at 20 ms.
const PUBLISH_TICKS: u64 = 5;

/// One leg with its counters, its events and its way to the ear. Real-time safe once built.
pub(crate) struct Seat {
    key: LineKey,
    shared: Arc<LineShared>,
    leg: Carriage,
    circle: Option<Circle>,
    pub events: EventPort,
    tap: Option<TapWriter>,
    watchdog: Watchdog,
    heard: [i16; FRAME_SAMPLES],
    sent: [i16; FRAME_SAMPLES],
    frame_samples: usize,
    tick_ms: u32,
    /// Ticks since it opened, those left out included.
    ticks: u64,
    /// The tap has news for the pump.
    tapped: bool,
}

/// What a seat is made of.
pub(crate) struct SeatParts {
    pub key: LineKey,
    pub shared: Arc<LineShared>,
    pub leg: Carriage,
    pub events: EventPort,
    pub tap: Option<TapWriter>,
    pub silence: Silence,
    pub tick_ms: u32,
}

impl Seat {
    pub fn new(parts: SeatParts) -> Self {
        let SeatParts { key, shared, leg, events, tap, silence, tick_ms } = parts;
        Self {
            key,
            circle: leg.circle(),
            leg,
            events,
            tap,
            watchdog: Watchdog::new(silence),
            heard: [0; FRAME_SAMPLES],
            sent: [0; FRAME_SAMPLES],
            frame_samples: shared.rate.samples_in_ms(tick_ms),
            tick_ms,
            ticks: 0,
            tapped: false,
            shared,
        }
    }

    pub fn key(&self) -> LineKey {
        self.key
    }

    /// Whom the peer hears anyway.
    pub fn circle(&self) -> Option<Circle> {
        self.circle
    }

    pub fn shared(&self) -> &LineShared {
        &self.shared
    }

    /// Samples in a tick at the seat's rate.
    pub fn frame_samples(&self) -> usize {
        self.frame_samples
    }

    /// What the peer said in this tick.
    pub fn heard(&self) -> &[i16] {
        &self.heard[..self.frame_samples]
    }

    /// Whether audio is sent now: not on hold, and not while keys are pressed.
    pub fn speaks(&self) -> bool {
        self.leg.speaks()
    }

    /// Takes what the peer sent, and what it said in this tick out of it.
    pub fn hear(&mut self, tick: &Tick, batch: &mut RecvBatch) {
        if tick.skipped > 0 {
            self.leg.skip(tick.skipped * self.tick_ms);
            self.ticks += u64::from(tick.skipped);
        }
        let counters = &self.shared.counters;
        let arrived = self.leg.receive(batch, tick.clock, &mut self.events, counters);
        let now = tick.clock.now;
        if let Some(event) = self.watchdog.tick(now, arrived, self.leg.expects_media()) {
            self.events.push(event);
        }
        self.leg.pull(tick.deadline, &mut self.heard[..self.frame_samples], counters);
    }

    /// Sends `frame`, one tick at the seat's rate.
    pub fn send(&mut self, tick: &Tick, frame: &[i16]) {
        self.leg.send(tick.clock.now, frame, self.tick_ms, &self.shared.counters);
        if self.tap.is_some() {
            self.sent[..frame.len()].copy_from_slice(frame);
        }
    }

    /// Sends back what was heard.
    pub fn echo(&mut self, tick: &Tick) {
        let heard = &self.heard[..self.frame_samples];
        self.leg.send(tick.clock.now, heard, self.tick_ms, &self.shared.counters);
        if self.tap.is_some() {
            self.sent = self.heard;
        }
    }

    /// Shows the ear and the recorder what was heard and sent. `speaking`: what was sent has
    /// speech in it.
    pub fn tap(&mut self, tick: &Tick, speaking: bool) {
        self.tap_heard(tick, speaking, true);
    }

    /// [`Seat::tap`] for a peer whom the ear is not to hear.
    pub fn tap_deaf(&mut self, tick: &Tick, speaking: bool) {
        self.tap_heard(tick, speaking, false);
    }

    fn tap_heard(&mut self, tick: &Tick, speaking: bool, hears: bool) {
        let Some(tap) = &mut self.tap else { return };
        self.tapped = true;
        let head = TapHead {
            tick: self.ticks,
            at: self.leg.arrival_of(tick.deadline),
            speaking,
            length: self.frame_samples,
        };
        let heard = if hears { &self.heard } else { &NOTHING };
        if !tap.push(head, heard, &self.sent) {
            count(&self.shared.counters.tap_dropped);
        }
    }

    /// What need not be done in every tick. The slot spreads seats over the ticks. Ends the tick.
    pub fn look_after(&mut self, tick: &Tick, batch: &mut RecvBatch) {
        let counters = &self.shared.counters;
        let turn = self.ticks + self.key.slot as u64;
        if turn.is_multiple_of(PUBLISH_TICKS) {
            self.leg.publish(counters);
        }
        if turn.is_multiple_of(RTCP_TICKS) {
            self.leg.exchange_reports(batch, tick.clock, counters);
        }
        self.ticks += 1;
    }

    /// Whether the pump should be woken, once.
    pub fn take_news(&mut self) -> bool {
        let events = self.events.take_news();
        std::mem::take(&mut self.tapped) || events
    }

    pub fn press(&mut self, digit: char) {
        self.leg.press(digit);
    }

    pub fn renegotiate(&mut self, update: &mut MediaUpdate) {
        self.leg.renegotiate(update);
    }

    /// The peer has gone, and the seat stays. `carriage` takes its place; the peer's own comes back
    /// in it, with the last that is heard of it sent.
    pub fn vacate(&mut self, now: MonoTime, carriage: &mut Carriage) {
        self.farewell(now);
        std::mem::swap(&mut self.leg, carriage);
    }

    /// The last that is heard of it.
    pub fn farewell(&mut self, now: MonoTime) {
        self.leg.publish(&self.shared.counters);
        self.leg.farewell(now);
    }
}
