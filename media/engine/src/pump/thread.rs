//! The pump's round.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use media_core::MonoTime;
use rtrb::Consumer;

use super::{PumpLine, PumpMessage};
use crate::clock::Clock;
use crate::control::Control;
use crate::rings::{LineKey, Retired};
use crate::speech::SttPool;

/// Longest sleep. Everything that matters wakes the pump; this bounds what does not, such as a
/// recorder that was too busy to be asked.
const NAP: Duration = Duration::from_millis(100);

/// Messages per round: four full inboxes. Whoever floods it must not keep lines from being fed.
const MESSAGES_PER_ROUND: usize = 4_096;

/// How long lines may take to finish after the engine was told to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(12);

/// One audio thread's pump.
pub(crate) struct Pump {
    pub control: Arc<Control>,
    pub messages: Receiver<PumpMessage>,
    pub graveyard: Consumer<Retired>,
    pub stt: Arc<SttPool>,
    /// By slot.
    pub lines: Vec<Option<(LineKey, Box<PumpLine>)>>,
}

impl Pump {
    /// Runs until the audio thread is done and the last line is closed.
    pub fn run(mut self) {
        let clock = Clock::new();
        let mut done_at: Option<MonoTime> = None;
        loop {
            std::thread::park_timeout(NAP);
            // Read before the round, so that the round sees everything the audio thread left.
            let audio_done = self.control.audio_done.load(Ordering::Acquire);
            let now = clock.now();
            self.round(now);
            if audio_done {
                let since = *done_at.get_or_insert(now);
                let empty = self.lines.iter().all(Option::is_none);
                if empty || now.since(since) > STOP_PATIENCE {
                    return;
                }
            }
        }
    }

    fn round(&mut self, now: MonoTime) {
        self.control.flush_commands();
        for _ in 0..MESSAGES_PER_ROUND {
            match self.messages.try_recv() {
                Ok(message) => self.take(now, message),
                Err(_) => break,
            }
        }
        for (_, line) in self.lines.iter_mut().flatten() {
            line.service(now, &self.stt);
        }
        while let Ok(retired) = self.graveyard.pop() {
            self.bury(now, retired);
        }
        self.finish(now);
    }

    /// Frees what the tick has let go of, and closes whoever was in it.
    fn bury(&mut self, now: MonoTime, retired: Retired) {
        let gone: Vec<LineKey> = match &retired {
            Retired::Line(line) => std::iter::once(line.key()).chain(line.guests()).collect(),
            Retired::Guest(guest) => vec![guest.key()],
            Retired::Table(table) => table.guests().collect(),
            Retired::Update(_) | Retired::Carriage(_) => Vec::new(),
        };
        // Sockets and ports are free from here on.
        drop(retired);
        for key in gone {
            if let Some((line, stt)) = self.line(key) {
                line.retired(now, stt);
            }
        }
    }

    fn take(&mut self, now: MonoTime, message: PumpMessage) {
        let key = message.key();
        match message {
            PumpMessage::Open { line, .. } => {
                line.opened(&self.stt);
                if let Some(place) = self.lines.get_mut(key.slot) {
                    *place = Some((key, line));
                }
            }
            PumpMessage::Cancel { .. } => self.forget(key),
            message => {
                if let Some((line, stt)) = self.line(key) {
                    line.take(now, message, stt);
                }
            }
        }
    }

    fn finish(&mut self, now: MonoTime) {
        for slot in 0..self.lines.len() {
            if let Some((key, line)) = &mut self.lines[slot]
                && line.finished(now)
            {
                let key = *key;
                self.forget(key);
            }
        }
    }

    fn forget(&mut self, key: LineKey) {
        if self.line(key).is_some() {
            self.lines[key.slot] = None;
            self.control.release(key);
        }
    }

    fn line(&mut self, key: LineKey) -> Option<(&mut PumpLine, &SttPool)> {
        match self.lines.get_mut(key.slot) {
            Some(Some((owner, line))) if *owner == key => Some((line, &self.stt)),
            _ => None,
        }
    }
}
