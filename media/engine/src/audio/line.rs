//! A line's tick.

use media_core::comfort_noise::ComfortNoise;
use media_core::floor::FloorWord;
use media_core::{Generation, MonoTime};

use super::player::Playout;
use super::{Guest, MediaUpdate, Player, Seat, Table};
use crate::clock::Clock;
use crate::leg::LegMix;
use crate::rings::{FRAME_SAMPLES, LineKey, Note};
use crate::sockets::{ArrivalClock, RecvBatch};
use crate::statistics::count;

/// How quietly a silent line hisses. Audible as "somebody is there", and no louder than the
/// quantisation noise of G.711.
const COMFORT_NOISE_DBOV: i8 = -66;

/// A line, as its audio thread owns it.
pub(crate) struct AudioLine {
    /// The peer that it was opened with.
    host: Seat,
    /// What it says besides echoing; an echo line has none.
    voice: Option<Voice>,
    /// How the host takes part, alone or in company.
    mix: LegMix,
    /// Once others have joined.
    table: Option<Box<Table>>,
}

struct Voice {
    player: Player,
    noise: ComfortNoise,
    /// Who had the floor when the tick's commands were taken.
    known: Generation,
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
    pub fn new(host: Seat, player: Option<Player>) -> Self {
        let (rate, seed) = (host.shared().rate, host.shared().id.0);
        let voice = player.map(|player| Voice {
            player,
            noise: ComfortNoise::new(rate, seed),
            known: Generation::NONE,
        });
        Self { host, voice, mix: LegMix::default(), table: None }
    }

    pub fn key(&self) -> LineKey {
        self.host.key()
    }

    /// Before commands are taken: whoever is given the floor after this may have been given it after
    /// a command that is not taken yet.
    pub fn look(&mut self) {
        if let Some(voice) = &mut self.voice {
            voice.known = self.host.shared().floor.load().newest;
        }
    }

    /// One tick: hear, speak, report. Never blocks.
    pub fn tick(&mut self, tick: &Tick, batch: &mut RecvBatch) {
        self.host.hear(tick, batch);
        if let Some(table) = &mut self.table {
            table.hear(tick, batch);
        }
        match &mut self.voice {
            Some(voice) => voice.speak(tick, &mut self.host, self.mix, self.table.as_deref_mut()),
            None => {
                self.host.echo(tick);
                self.host.tap(tick, false);
            }
        }
        self.host.look_after(tick, batch);
        if let Some(table) = &mut self.table {
            table.look_after(tick, batch);
        }
    }

    /// Whether the pump should be woken, once.
    pub fn take_news(&mut self) -> bool {
        let guests = self.table.as_mut().is_some_and(|table| table.take_news());
        self.host.take_news() || guests
    }

    /// The seat of `key`: the line's own, or a guest's.
    pub fn seat(&mut self, key: LineKey) -> Option<&mut Seat> {
        if self.host.key() == key {
            return Some(&mut self.host);
        }
        self.table.as_mut()?.seat(key)
    }

    pub fn renegotiate(&mut self, key: LineKey, update: &mut MediaUpdate) {
        if let Some(seat) = self.seat(key) {
            seat.renegotiate(update);
        }
    }

    /// Sets how the peer of `key` takes part.
    pub fn set_mix(&mut self, key: LineKey, mix: LegMix) {
        let guest = (key != self.host.key()).then_some(key);
        if guest.is_none() {
            self.mix = mix;
        }
        if let Some(table) = &mut self.table {
            table.set_mix(guest, mix);
        }
    }

    /// From this tick on `table` is who is in company; what it replaces comes back, to be freed
    /// elsewhere.
    pub fn reseat(&mut self, mut table: Box<Table>) -> Option<Box<Table>> {
        match &mut self.table {
            Some(before) => table.adopt(before),
            None => table.set_mix(None, self.mix),
        }
        self.table.replace(table)
    }

    /// A guest who has left and whose last sound has faded.
    pub fn take_departed(&mut self, now: MonoTime) -> Option<Box<Guest>> {
        self.table.as_mut()?.take_departed(now)
    }

    /// Who else sits at the line.
    pub fn guests(&self) -> impl Iterator<Item = LineKey> {
        self.table.iter().flat_map(|table| table.guests())
    }

    pub fn confirm(&mut self, now: MonoTime, note: Note, generation: Generation) {
        if let Some(voice) = &mut self.voice {
            voice.player.follow(self.host.shared().floor.load());
            voice.player.confirm(now, note, generation, &mut self.host.events);
        }
    }

    /// The last that is heard of the line.
    pub fn farewell(&mut self, now: MonoTime) {
        self.host.farewell(now);
        if let Some(table) = &mut self.table {
            table.farewell(now);
        }
    }
}

impl Voice {
    fn speak(&mut self, tick: &Tick, host: &mut Seat, mix: LegMix, table: Option<&mut Table>) {
        let table = table.filter(|table| table.has_guests());
        let speaks = host.speaks() || table.as_ref().is_some_and(|table| table.speaks());
        let mut samples = [0; FRAME_SAMPLES];
        let frame = &mut samples[..host.frame_samples()];
        let floor = host.shared().floor.load();
        let waits = table.as_ref().is_some_and(|table| self.waits(floor, table));
        let playout = self.next(floor, speaks && !waits, frame);
        match table {
            None => {
                host.send(tick, frame);
                self.account(tick, playout, host);
                match mix.heard {
                    true => host.tap(tick, self.player.has_floor()),
                    false => host.tap_deaf(tick, self.player.has_floor()),
                }
            }
            Some(table) => {
                let speaks = matches!(playout, Playout::Speech { .. });
                let speaker = if speaks { floor.newest } else { Generation::NONE };
                table.send(tick, host, frame, speaker);
                self.account(tick, playout, host);
                table.tap(tick, host, self.player.has_floor());
            }
        }
    }

    /// Whether a voice that is to begin waits for the next tick. Who was silenced before it was given
    /// the floor has faded out by then, so the two are in no packet together.
    fn waits(&self, floor: FloorWord, table: &Table) -> bool {
        self.player.begins(floor) && (floor.newest != self.known || table.falls_silent())
    }

    /// Fills `frame` with what the floor allows, or with the noise of an open line.
    fn next(&mut self, floor: FloorWord, speaks: bool, frame: &mut [i16]) -> Playout {
        self.player.follow(floor);
        let playout = if speaks { self.player.next(frame) } else { Playout::Idle };
        if !matches!(playout, Playout::Speech { .. }) {
            self.noise.fill(frame, COMFORT_NOISE_DBOV);
        }
        playout
    }

    /// Reports what was just sent.
    fn account(&mut self, tick: &Tick, playout: Playout, host: &mut Seat) {
        match playout {
            Playout::Speech { samples } => {
                self.player.sent(Clock::new().now(), samples, &mut host.events);
            }
            Playout::Starved => count(&host.shared().counters.starved_ticks),
            Playout::Idle => {}
        }
        self.player.take_end(tick.clock.now, &mut host.events);
    }
}
