//! The floor gate at work: which speech frame is sent in a tick, and the account of it.

use arrayvec::ArrayVec;
use media_core::floor::{Admission, FloorGate, FloorWord, Spoken};
use media_core::{Generation, MonoTime};
use rtrb::Consumer;

use super::events::EventPort;
use crate::event::AudioEvent;
use crate::rings::{Note, SpeechFrame};

/// Ticks between two progress reports: 100 ms at 20 ms.
const PROGRESS_TICKS: u32 = 5;

/// Generations whose final count is remembered for a late confirmation. More cannot lose the
/// floor within the tick or two that a confirmation takes.
const REMEMBERED: usize = 8;

/// Plays a line's speech ring. The only place where speech becomes sound.
pub(crate) struct Player {
    gate: FloorGate,
    ring: Consumer<SpeechFrame>,
    lost: ArrayVec<Spoken, REMEMBERED>,
    /// Whose first packet went out last.
    started: Generation,
    /// Who was sent to the end last.
    drained: Generation,
    ticks_unreported: u32,
}

/// What there is to send in a tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Playout {
    /// That many samples of speech; silence behind them.
    Speech { samples: usize },
    /// The floor is held, and the speech that goes on has not come.
    Starved,
    /// Nobody is speaking.
    Idle,
}

impl Player {
    pub fn new(ring: Consumer<SpeechFrame>) -> Self {
        Self {
            gate: FloorGate::new(),
            ring,
            lost: ArrayVec::new(),
            started: Generation::NONE,
            drained: Generation::NONE,
            ticks_unreported: 0,
        }
    }

    /// Takes note of the published floor. Once per tick, before [`Player::next`].
    pub fn follow(&mut self, word: FloorWord) {
        if let Some(spoken) = self.gate.follow(word) {
            if self.lost.is_full() {
                self.lost.remove(0);
            }
            self.lost.push(spoken);
        }
    }

    /// Fills `out` with the next frame, if there is one that may be heard. At most the ring's
    /// depth of frames is thrown away on the way.
    pub fn next(&mut self, out: &mut [i16]) -> Playout {
        self.discard_stale();
        match self.ring.peek() {
            Ok(frame) if self.gate.admit(frame.generation) != Admission::Play => {
                return Playout::Idle;
            }
            // The mark behind the last frame is left for `take_end`.
            Ok(frame) if frame.length == 0 => return Playout::Idle,
            Ok(_) => {}
            Err(_) => return self.nothing(),
        }
        let Ok(frame) = self.ring.pop() else { return Playout::Idle };
        let samples = frame.length.min(out.len());
        out[..samples].copy_from_slice(&frame.samples[..samples]);
        out[samples..].fill(0);
        Playout::Speech { samples }
    }

    /// Accounts for a frame from [`Player::next`] that has been sent.
    pub fn sent(&mut self, now: MonoTime, samples: usize, events: &mut EventPort) {
        let Some(generation) = self.gate.current() else { return };
        self.gate.played(samples);
        if self.started != generation {
            self.started = generation;
            self.ticks_unreported = 0;
            events.push(AudioEvent::FirstSample { at: now, generation });
        }
        self.ticks_unreported += 1;
        if self.ticks_unreported >= PROGRESS_TICKS {
            self.ticks_unreported = 0;
            let samples = self.gate.samples_played();
            events.push(AudioEvent::Played { at: now, generation, samples });
        }
        self.take_end(now, events);
    }

    /// Reports the end if the mark behind the last frame is next. Also for speech without any
    /// sound, so it is called in ticks without speech, too.
    pub fn take_end(&mut self, now: MonoTime, events: &mut EventPort) {
        let Some(generation) = self.gate.current() else { return };
        let ends = self.ring.peek().is_ok_and(|f| f.length == 0 && f.generation == generation);
        if ends && !self.gate.is_paused() {
            let _ = self.ring.pop();
            self.drained = generation;
            let samples = self.gate.samples_played();
            events.push(AudioEvent::Drained { at: now, generation, samples });
        }
    }

    /// Confirms what has happened to a generation.
    pub fn confirm(&mut self, now: MonoTime, note: Note, whose: Generation, to: &mut EventPort) {
        let (at, generation, samples) = (now, whose, self.count_of(whose));
        match note {
            Note::TakenOver if self.drained == whose => {}
            Note::Revoked | Note::TakenOver => {
                to.push(AudioEvent::Silenced { at, generation, samples });
            }
            Note::Paused => to.push(AudioEvent::Paused { at, generation, samples }),
            Note::Resumed => to.push(AudioEvent::Resumed { at, generation, samples }),
        }
    }

    /// Whether `word` lets somebody speak of whom nothing was sent yet.
    pub fn begins(&self, word: FloorWord) -> bool {
        word.granted && word.newest != self.started
    }

    /// Whether somebody has the floor and is not done, paused or not.
    pub fn has_floor(&self) -> bool {
        self.gate.current().is_some_and(|generation| generation != self.drained)
    }

    fn count_of(&self, generation: Generation) -> u64 {
        if self.gate.current() == Some(generation) {
            return self.gate.samples_played();
        }
        self.lost.iter().rev().find(|s| s.generation == generation).map_or(0, |s| s.samples)
    }

    fn discard_stale(&mut self) {
        while let Ok(frame) = self.ring.peek() {
            if self.gate.admit(frame.generation) != Admission::Discard {
                return;
            }
            let _ = self.ring.pop();
        }
    }

    fn nothing(&self) -> Playout {
        match self.gate.current() {
            Some(generation) if self.started == generation && self.drained != generation => {
                if self.gate.is_paused() { Playout::Idle } else { Playout::Starved }
            }
            _ => Playout::Idle,
        }
    }
}
