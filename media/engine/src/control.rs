//! The way from everybody else to one audio thread and its pump.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use crate::histogram::Histogram;
use crate::pump::PumpMessage;
use crate::rings::{COMMAND_DEPTH, Command, LineKey};

/// Commands that may wait behind a full ring: some seconds of an audio thread that stands still.
/// Beyond that, lines are refused and other commands are lost and counted.
const BACKLOG_MAX: usize = 16 * COMMAND_DEPTH;

/// Messages that may wait for a pump. Speech workers block on a full inbox, which slows only
/// them.
const INBOX_DEPTH: usize = 1_024;

/// One audio thread and its pump, seen from outside.
pub(crate) struct Control {
    commands: Mutex<CommandPort>,
    inbox: SyncSender<PumpMessage>,
    pump: OnceLock<Thread>,
    /// Set once; both threads end at their next round.
    pub stop: AtomicBool,
    /// The audio thread has let go of everything. The pump ends after it.
    pub audio_done: AtomicBool,
    pub figures: ThreadFigures,
    slots: Mutex<Slots>,
    lines_open: Arc<AtomicUsize>,
}

/// Places for lines on this thread.
struct Slots {
    free: Vec<usize>,
    serial: u64,
}

/// What an audio thread counts about itself.
pub(crate) struct ThreadFigures {
    pub lateness: Histogram,
    pub ticks: AtomicU64,
    pub ticks_skipped: AtomicU64,
    pub ticks_late: AtomicU64,
    pub tick_us_max: AtomicU64,
    pub tick_us_sum: AtomicU64,
    pub commands_lost: AtomicU64,
    pub graveyard_full: AtomicU64,
    pub panics: AtomicU64,
    /// Lines from admission until their memory is free.
    pub lines: AtomicUsize,
}

struct CommandPort {
    ring: Producer<Command>,
    backlog: VecDeque<Command>,
}

impl Control {
    /// `lines_open` counts the lines of the whole engine.
    pub fn new(
        lines_max: usize,
        lines_open: Arc<AtomicUsize>,
    ) -> (Self, Consumer<Command>, Receiver<PumpMessage>) {
        let (ring, commands) = RingBuffer::new(COMMAND_DEPTH);
        let (inbox, messages) = sync_channel(INBOX_DEPTH);
        let control = Self {
            commands: Mutex::new(CommandPort { ring, backlog: VecDeque::new() }),
            inbox,
            pump: OnceLock::new(),
            stop: AtomicBool::new(false),
            audio_done: AtomicBool::new(false),
            figures: ThreadFigures::new(),
            slots: Mutex::new(Slots { free: (0..lines_max).rev().collect(), serial: 0 }),
            lines_open,
        };
        (control, commands, messages)
    }

    /// Says which thread to wake; once, when it has been started.
    pub fn set_pump(&self, pump: Thread) {
        let _ = self.pump.set(pump);
    }

    /// Wakes the pump. Real-time safe: one system call at most.
    pub fn wake_pump(&self) {
        if let Some(pump) = self.pump.get() {
            pump.unpark();
        }
    }

    /// Hands a command to the audio thread, in order. Gives it back if even the backlog is full.
    pub fn command(&self, command: Command) -> Result<(), Command> {
        let mut port = self.lock();
        port.flush();
        let command = match port.push(command) {
            Ok(()) => return Ok(()),
            Err(command) => command,
        };
        if port.backlog.len() >= BACKLOG_MAX {
            self.figures.commands_lost.fetch_add(1, Ordering::Relaxed);
            return Err(command);
        }
        port.backlog.push_back(command);
        Ok(())
    }

    /// Moves waiting commands on. The pump calls it in every round.
    pub fn flush_commands(&self) {
        self.lock().flush();
    }

    /// Hands a message to the pump. Blocks while its inbox is full, so never call it from the
    /// tick, nor from the pump itself. A pump that has ended takes nothing; that is no error.
    pub fn send(&self, message: PumpMessage) {
        if self.inbox.send(message).is_ok() {
            self.wake_pump();
        }
    }

    /// A place for a line. The engine has made sure that there are no more lines than places.
    pub fn acquire(&self) -> Option<LineKey> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.free.pop()?;
        slots.serial += 1;
        self.figures.lines.fetch_add(1, Ordering::Relaxed);
        Some(LineKey { slot, serial: slots.serial })
    }

    /// Gives a place back, once nothing of the line is left.
    pub fn release(&self, key: LineKey) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.free.push(key.slot);
        self.figures.lines.fetch_sub(1, Ordering::Relaxed);
        self.lines_open.fetch_sub(1, Ordering::AcqRel);
    }

    fn lock(&self) -> MutexGuard<'_, CommandPort> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CommandPort {
    fn flush(&mut self) {
        while let Some(command) = self.backlog.pop_front() {
            if let Err(PushError::Full(command)) = self.ring.push(command) {
                self.backlog.push_front(command);
                return;
            }
        }
    }

    fn push(&mut self, command: Command) -> Result<(), Command> {
        if !self.backlog.is_empty() {
            return Err(command);
        }
        self.ring.push(command).map_err(|PushError::Full(command)| command)
    }
}

impl ThreadFigures {
    fn new() -> Self {
        Self {
            lateness: Histogram::new(),
            ticks: AtomicU64::new(0),
            ticks_skipped: AtomicU64::new(0),
            ticks_late: AtomicU64::new(0),
            tick_us_max: AtomicU64::new(0),
            tick_us_sum: AtomicU64::new(0),
            commands_lost: AtomicU64::new(0),
            graveyard_full: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            lines: AtomicUsize::new(0),
        }
    }
}
