//! The audio thread: an absolute deadline every tick, and what happens when one is missed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use assert_no_alloc::assert_no_alloc;
use media_core::{MonoTime, Ptime};
use rtrb::{Consumer, Producer, PushError};

use super::line::Tick;
use super::{AudioLine, MediaUpdate, Table};
use crate::clock::{Clock, micros, minimise_timer_slack, sleep_until, wall_ahead_ns};
use crate::control::Control;
use crate::realtime;
use crate::rings::{COMMANDS_PER_TICK, Command, LineKey, Retired, SeatKey};
use crate::sockets::{ArrivalClock, RecvBatch};

/// One audio thread. Shares nothing but atomics and rings.
pub(crate) struct AudioThread {
    pub control: Arc<Control>,
    pub commands: Consumer<Command>,
    pub graveyard: Producer<Retired>,
    /// By slot; never grows.
    pub lines: Vec<Option<Box<AudioLine>>>,
    pub ptime: Ptime,
    pub realtime_priority: Option<u8>,
}

impl AudioThread {
    /// Runs until it is told to stop, then lets go of all lines.
    pub fn run(mut self) {
        minimise_timer_slack();
        realtime::request(self.realtime_priority);
        let mut state = State { batch: RecvBatch::new(), leaving: None, highest: 0 };
        let clock = Clock::new();
        let tick = std::time::Duration::from_millis(u64::from(self.ptime.ms()));
        let mut deadline = clock.now() + tick;
        while !self.control.stop.load(Ordering::Acquire) {
            sleep_until(deadline);
            let now = clock.now();
            let late = now.since(deadline);
            let skipped = (late.as_micros() / tick.as_micros()) as u32;
            self.record(micros(late), skipped);
            deadline = deadline + tick * skipped;
            let round = Tick {
                deadline,
                clock: ArrivalClock { now, wall_ahead_ns: wall_ahead_ns() },
                skipped,
            };
            let news = assert_no_alloc(|| self.tick(&round, &mut state));
            if news {
                self.control.wake_pump();
            }
            let spent = micros(clock.now().since(now));
            self.control.figures.tick_us_max.fetch_max(spent, Ordering::Relaxed);
            self.control.figures.tick_us_sum.fetch_add(spent, Ordering::Relaxed);
            deadline = deadline + tick;
        }
        self.end(clock.now(), &mut state);
    }

    fn record(&self, late_us: u64, skipped: u32) {
        let figures = &self.control.figures;
        figures.lateness.record(late_us);
        figures.ticks.fetch_add(1, Ordering::Relaxed);
        if late_us >= LATE_US {
            figures.ticks_late.fetch_add(1, Ordering::Relaxed);
        }
        if skipped > 0 {
            figures.ticks_skipped.fetch_add(u64::from(skipped), Ordering::Relaxed);
        }
    }

    /// One tick of all lines. Returns whether the pump has something to do.
    fn tick(&mut self, tick: &Tick, state: &mut State) -> bool {
        for line in self.lines[..state.highest].iter_mut().flatten() {
            line.look();
        }
        let mut news = self.obey(tick.clock.now, state);
        for slot in 0..state.highest {
            let Some(line) = &mut self.lines[slot] else { continue };
            // A panic is our own bug. It costs this line and no other.
            let ran = catch_unwind(AssertUnwindSafe(|| line.tick(tick, &mut state.batch)));
            news |= line.take_news();
            news |= see_off(line, &mut self.graveyard, tick.clock.now);
            if ran.is_err() {
                self.control.figures.panics.fetch_add(1, Ordering::Relaxed);
                let key = line.key();
                news |= self.close(key, tick.clock.now);
            }
        }
        news
    }

    /// Takes commands, until there are none, or enough for one tick, or the graveyard is full.
    fn obey(&mut self, now: MonoTime, state: &mut State) -> bool {
        let mut news = false;
        if let Some(retired) = state.leaving.take() {
            news = true;
            if !self.retire(retired, state) {
                return news;
            }
        }
        for _ in 0..COMMANDS_PER_TICK {
            let Ok(command) = self.commands.pop() else { break };
            match command {
                Command::Open(line) => self.open(line, state),
                Command::Reseat(key, table) => {
                    if let Some(before) = self.reseat(key, table) {
                        news = true;
                        if !self.retire(Retired::Table(before), state) {
                            break;
                        }
                    }
                }
                Command::Update(key, update) => {
                    let update = self.update(key, update);
                    news = true;
                    if !self.retire(Retired::Update(update), state) {
                        break;
                    }
                }
                Command::Vacate(key, mut carriage) => {
                    if let Some(seat) = self.line(key.line).and_then(|line| line.seat(key.seat)) {
                        seat.vacate(now, &mut carriage);
                    }
                    news = true;
                    if !self.retire(Retired::Carriage(carriage), state) {
                        break;
                    }
                }
                Command::Digit(key, digit) => {
                    if let Some(seat) = self.line(key.line).and_then(|line| line.seat(key.seat)) {
                        seat.press(digit);
                    }
                }
                Command::Mix(key, mix) => {
                    if let Some(line) = self.line(key.line) {
                        line.set_mix(key.seat, mix);
                    }
                }
                Command::Note(key, note, generation) => {
                    if let Some(line) = self.line(key) {
                        line.confirm(now, note, generation);
                    }
                }
                Command::Close(key) => {
                    if let Some(line) = self.take_line(key, now) {
                        news = true;
                        if !self.retire(Retired::Line(line), state) {
                            break;
                        }
                    }
                }
            }
        }
        news
    }

    fn open(&mut self, line: Box<AudioLine>, state: &mut State) {
        let slot = line.key().slot;
        // The sender acquired the slot, so it is free and within bounds.
        debug_assert!(self.lines[slot].is_none(), "a slot is given out once");
        state.highest = state.highest.max(slot + 1);
        self.lines[slot] = Some(line);
    }

    /// Seats a line's company anew. What is not needed any more comes back; without the line that
    /// is the table itself.
    fn reseat(&mut self, key: LineKey, table: Box<Table>) -> Option<Box<Table>> {
        match self.line(key) {
            Some(line) => line.reseat(table),
            None => Some(table),
        }
    }

    fn update(&mut self, key: SeatKey, mut update: Box<MediaUpdate>) -> Box<MediaUpdate> {
        if let Some(line) = self.line(key.line) {
            line.renegotiate(key.seat, &mut update);
        }
        update
    }

    fn close(&mut self, key: LineKey, now: MonoTime) -> bool {
        if let Some(line) = self.take_line(key, now) {
            // After a panic there is no second place to keep it; a full graveyard would leak.
            if let Err(PushError::Full(Retired::Line(line))) =
                self.graveyard.push(Retired::Line(line))
            {
                self.control.figures.graveyard_full.fetch_add(1, Ordering::Relaxed);
                std::mem::forget(line);
            }
        }
        true
    }

    fn take_line(&mut self, key: LineKey, now: MonoTime) -> Option<Box<AudioLine>> {
        self.line(key)?;
        let mut line = self.lines[key.slot].take()?;
        line.farewell(now);
        Some(line)
    }

    fn line(&mut self, key: LineKey) -> Option<&mut AudioLine> {
        self.lines.get_mut(key.slot)?.as_deref_mut().filter(|line| line.key() == key)
    }

    /// Hands something over to be freed. If the graveyard is full it waits in `state`, and no
    /// further command is taken meanwhile.
    fn retire(&mut self, retired: Retired, state: &mut State) -> bool {
        match self.graveyard.push(retired) {
            Ok(()) => true,
            Err(PushError::Full(retired)) => {
                self.control.figures.graveyard_full.fetch_add(1, Ordering::Relaxed);
                state.leaving = Some(retired);
                false
            }
        }
    }

    /// The end: not a tick any more, so that waiting for the pump is allowed.
    fn end(mut self, now: MonoTime, state: &mut State) {
        while let Ok(command) = self.commands.pop() {
            if let Command::Open(line) = command {
                self.open(line, state);
            }
        }
        let lines = std::mem::take(&mut self.lines);
        let left = state.leaving.take();
        for mut retired in left.into_iter().chain(lines.into_iter().flatten().map(Retired::Line)) {
            if let Retired::Line(line) = &mut retired {
                line.farewell(now);
            }
            while let Err(PushError::Full(back)) = self.graveyard.push(retired) {
                retired = back;
                self.control.wake_pump();
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        self.control.audio_done.store(true, Ordering::Release);
        self.control.wake_pump();
    }
}

/// Hands over guests who have left and faded out, as far as the graveyard has room; the rest sit,
/// silent, until the next tick. Returns whether there were any.
fn see_off(line: &mut AudioLine, graveyard: &mut Producer<Retired>, now: MonoTime) -> bool {
    let mut any = false;
    while graveyard.slots() > 0 {
        let Some(guest) = line.take_departed(now) else { break };
        // There is room, and nobody else takes it.
        let _ = graveyard.push(Retired::Guest(guest));
        any = true;
    }
    any
}

/// From here on a tick counts as late: a quarter of the smallest packet time in common use, before
/// anything is heard of it.
const LATE_US: u64 = 5_000;

/// What the thread keeps between ticks.
struct State {
    batch: RecvBatch,
    /// What found the graveyard full.
    leaving: Option<Retired>,
    /// One above the highest slot that was ever used.
    highest: usize,
}
