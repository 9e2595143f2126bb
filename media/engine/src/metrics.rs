//! Figures of the whole engine.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::control::{Control, ThreadFigures};
use crate::histogram::{Lateness, lateness};

/// What the engine has done so far, and how punctually.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EngineMetrics {
    /// How late ticks began, over all audio threads.
    pub lateness: Lateness,
    /// Ticks run.
    pub ticks: u64,
    /// Ticks left out because a thread was a whole tick late or more.
    pub ticks_skipped: u64,
    /// Ticks that began 5 ms late or later.
    pub ticks_late: u64,
    /// Time that all ticks took together, in microseconds: of 20,000 for each tick.
    pub tick_us_sum: u64,
    /// Longest time that a tick took for all its lines, in microseconds.
    pub tick_us_max: u64,
    /// Lines, from opening until the last of their memory is free.
    pub lines: usize,
    /// Port pairs in use.
    pub ports_in_use: usize,
    /// Port pairs that rest after a call.
    pub ports_resting: usize,
    /// Lines that wait for the recogniser.
    pub stt_waiting: usize,
    /// Claims that wait for the voice.
    pub tts_waiting: usize,
    /// Commands that were lost because an audio thread stood still.
    pub commands_lost: u64,
    /// Times that something to be freed found the graveyard full.
    pub graveyard_full: u64,
    /// Lines that were given up because of a panic in the tick: bugs of ours.
    pub panics: u64,
}

impl EngineMetrics {
    pub(crate) fn gather(
        threads: &[Arc<Control>],
        lines: usize,
        (ports_in_use, ports_resting): (usize, usize),
        (stt_waiting, tts_waiting): (usize, usize),
    ) -> Self {
        let figures = || threads.iter().map(|control| &control.figures);
        let sum = |get: fn(&ThreadFigures) -> u64| figures().map(get).sum();
        Self {
            lateness: lateness(figures().map(|f| &f.lateness)),
            ticks: sum(|f| f.ticks.load(Ordering::Relaxed)),
            ticks_skipped: sum(|f| f.ticks_skipped.load(Ordering::Relaxed)),
            ticks_late: sum(|f| f.ticks_late.load(Ordering::Relaxed)),
            tick_us_sum: sum(|f| f.tick_us_sum.load(Ordering::Relaxed)),
            tick_us_max: figures()
                .map(|f| f.tick_us_max.load(Ordering::Relaxed))
                .max()
                .unwrap_or(0),
            lines,
            ports_in_use,
            ports_resting,
            stt_waiting,
            tts_waiting,
            commands_lost: sum(|f| f.commands_lost.load(Ordering::Relaxed)),
            graveyard_full: sum(|f| f.graveyard_full.load(Ordering::Relaxed)),
            panics: sum(|f| f.panics.load(Ordering::Relaxed)),
        }
    }
}
