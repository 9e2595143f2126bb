//! A line's tick.

use std::sync::Arc;
use std::time::Duration;

use media_core::comfort_noise::ComfortNoise;
use media_core::{Generation, MonoTime};
use rtrb::Producer;

use super::player::Playout;
use super::watchdog::Watchdog;
use super::{EventPort, Leg, MediaUpdate, Player};
use crate::clock::Clock;
use crate::line::LineShared;
use crate::rings::{FRAME_SAMPLES, LineKey, Note, TapFrame};
use crate::sockets::{ArrivalClock, RecvBatch};
use crate::statistics::count;

/// How quietly a silent line hisses. Audible as "somebody is there", and no louder than the
/// quantisation noise of G.711.
const COMFORT_NOISE_DBOV: i8 = -66;

/// Ticks between two looks at RTCP: half a second at 20 ms.
const RTCP_TICKS: u64 = 25;

/// Ticks between two publications of figures: 100 ms at 20 ms.
const PUBLISH_TICKS: u64 = 5;

/// A line, as its audio thread owns it.
pub(crate) struct AudioLine {
    key: LineKey,
    shared: Arc<LineShared>,
    leg: Leg,
    events: EventPort,
    /// What it says besides echoing; an echo line has none.
    voice: Option<Voice>,
    tap: Option<Producer<TapFrame>>,
    watchdog: Watchdog,
    frame_samples: usize,
    tick_ms: u32,
    /// Ticks since it opened, those left out included.
    ticks: u64,
    /// The tap has news for the pump.
    tapped: bool,
}

struct Voice {
    player: Player,
    noise: ComfortNoise,
}

/// What an audio line is made of.
pub(crate) struct AudioLineParts {
    pub key: LineKey,
    pub shared: Arc<LineShared>,
    pub leg: Leg,
    pub events: EventPort,
    pub player: Option<Player>,
    pub tap: Option<Producer<TapFrame>>,
    pub media_timeout: Duration,
    pub tick_ms: u32,
}

/// One tick of the thread.
#[derive(Clone, Copy)]
pub(crate) struct Tick {
    /// When it should have begun.
    pub deadline: MonoTime,
    pub clock: ArrivalClock,
    /// Ticks before it that were left out.
    pub skipped: u32,
}

impl AudioLine {
    pub fn new(parts: AudioLineParts) -> Self {
        let AudioLineParts { key, shared, leg, events, player, tap, media_timeout, tick_ms } =
            parts;
        let voice = player
            .map(|player| Voice { player, noise: ComfortNoise::new(shared.rate, shared.id.0) });
        Self {
            key,
            leg,
            events,
            voice,
            tap,
            watchdog: Watchdog::new(media_timeout),
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

    /// One tick: hear, speak, report. Never blocks.
    pub fn tick(&mut self, tick: &Tick, batch: &mut RecvBatch) {
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
        let mut heard = [0; FRAME_SAMPLES];
        self.leg.pull(tick.deadline, &mut heard[..self.frame_samples], counters);
        match &mut self.voice {
            Some(_) => self.speak(tick, &heard),
            None => {
                let heard = &heard[..self.frame_samples];
                self.leg.send(now, heard, self.tick_ms, counters);
                self.tap_echo(tick, heard);
            }
        }
        self.look_after(tick, batch);
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

    pub fn confirm(&mut self, now: MonoTime, note: Note, generation: Generation) {
        if let Some(voice) = &mut self.voice {
            voice.player.follow(self.shared.floor.load());
            voice.player.confirm(now, note, generation, &mut self.events);
        }
    }

    /// The last that is heard of the line.
    pub fn farewell(&mut self, now: MonoTime) {
        self.leg.publish(&self.shared.counters);
        self.leg.farewell(now);
    }

    fn speak(&mut self, tick: &Tick, heard: &[i16; FRAME_SAMPLES]) {
        let Some(Voice { player, noise }) = &mut self.voice else { return };
        let counters = &self.shared.counters;
        let mut sent = [0; FRAME_SAMPLES];
        let frame = &mut sent[..self.frame_samples];
        player.follow(self.shared.floor.load());
        let playout = if self.leg.speaks() { player.next(frame) } else { Playout::Idle };
        if !matches!(playout, Playout::Speech { .. }) {
            noise.fill(frame, COMFORT_NOISE_DBOV);
        }
        self.leg.send(tick.clock.now, frame, self.tick_ms, counters);
        match playout {
            Playout::Speech { samples } => {
                player.sent(Clock::new().now(), samples, &mut self.events);
            }
            Playout::Starved => count(&counters.starved_ticks),
            Playout::Idle => {}
        }
        player.take_end(tick.clock.now, &mut self.events);
        let speaking = player.has_floor();
        self.tap(tick, speaking, heard, &sent);
    }

    fn tap_echo(&mut self, tick: &Tick, heard: &[i16]) {
        if self.tap.is_some() {
            let mut frame = [0; FRAME_SAMPLES];
            frame[..heard.len()].copy_from_slice(heard);
            self.tap(tick, false, &frame, &frame);
        }
    }

    fn tap(
        &mut self,
        tick: &Tick,
        speaking: bool,
        heard: &[i16; FRAME_SAMPLES],
        sent: &[i16; FRAME_SAMPLES],
    ) {
        let Some(tap) = &mut self.tap else { return };
        self.tapped = true;
        let frame = TapFrame {
            tick: self.ticks,
            at: self.leg.arrival_of(tick.deadline),
            speaking,
            length: self.frame_samples,
            heard: *heard,
            sent: *sent,
        };
        if tap.push(frame).is_err() {
            count(&self.shared.counters.tap_dropped);
        }
    }

    /// What need not be done in every tick. The slot spreads lines over the ticks.
    fn look_after(&mut self, tick: &Tick, batch: &mut RecvBatch) {
        let counters = &self.shared.counters;
        let turn = self.ticks + self.key.slot as u64;
        if turn.is_multiple_of(PUBLISH_TICKS) {
            self.leg.publish(counters);
        }
        if turn.is_multiple_of(RTCP_TICKS) {
            self.leg.exchange_reports(batch, tick.clock, counters);
        }
    }
}
