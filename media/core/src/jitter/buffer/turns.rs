//! Media out: whose turn it is, and what is given out where a packet is missing.

use super::JitterBuffer;
use crate::jitter::slots::Waiting;
use crate::jitter::{Popped, PoppedFrame, Wish};
use crate::rtp::ExtendedSequence;

/// What came of looking at the packet whose turn it is.
pub(super) enum Step {
    /// It was passed over: look at the next.
    Again,
    /// It is played.
    Play(Waiting, Wish),
    /// This is given out instead.
    Instead(Popped<'static>),
}

impl JitterBuffer {
    /// Begins to play once the first packet has been delayed enough.
    pub(super) fn start(&mut self, at: i64) -> bool {
        self.pass_events();
        let (Some(first), Some(base)) =
            (self.slots.first_from(self.next.sequence), self.delay.base())
        else {
            return false;
        };
        let (sequence, ticks) = (first.sequence, first.ticks);
        let slack = self.tick_count(START_SLACK_MS);
        if at < base + ticks + self.delay.target() - slack {
            return false;
        }
        self.advance_to(sequence);
        self.next.ticks = ticks;
        self.control.reset();
        self.playing = true;
        true
    }

    /// Nothing plays: packets without media need not wait for their turn.
    fn pass_events(&mut self) {
        for _ in 0..self.slots.capacity() {
            let first = self.slots.first_from(self.next.sequence);
            let Some(sequence) = first.filter(|w| w.no_media).map(|w| w.sequence) else { return };
            self.advance_to(sequence);
            self.slots.take(sequence);
            self.pass(sequence);
        }
    }

    /// Looks at the packet whose turn it is, and decides what is given out in its place.
    pub(super) fn step(&mut self, at: i64) -> Step {
        let next = self.slots.get(self.next.sequence).copied();
        let Some(waiting) = next else {
            return match self.slots.first_from(self.next.sequence + 1).copied() {
                Some(later) => self.lose(later),
                None => Step::Instead(self.underrun()),
            };
        };
        if waiting.no_media {
            self.slots.take(waiting.sequence);
            self.pass(waiting.sequence);
            return Step::Again;
        }
        if let Some(ticks) = self.gap_before(&waiting, at) {
            return Step::Instead(Popped::Silence { ticks });
        }
        self.slots.take(waiting.sequence);
        self.pass(waiting.sequence);
        self.next.ticks = waiting.ticks + self.media_ticks(&waiting);
        let delay = at - waiting.ticks - self.delay.base().unwrap_or(at - waiting.ticks);
        let too_much = delay > self.tick_count(self.config.delay_max_ms);
        if too_much && self.slots.count() > 0 {
            self.statistics.skipped += 1;
            self.cut = true;
            return Step::Again;
        }
        self.statistics.delay_ms = self.ms(delay);
        self.statistics.delay_max_ms = self.statistics.delay_max_ms.max(self.ms(delay));
        Step::Play(waiting, self.control.on_frame(delay - self.delay.target()))
    }

    pub(super) fn frame(&mut self, waiting: Waiting, wish: Wish) -> Popped<'_> {
        self.statistics.played += 1;
        let ticks = self.media_ticks(&waiting);
        if ticks > 0 {
            self.packet_ticks = ticks;
        }
        Popped::Frame(PoppedFrame {
            payload: self.slots.payload(&waiting),
            payload_type: waiting.payload_type,
            timestamp: waiting.timestamp,
            sequence: ExtendedSequence(waiting.sequence),
            ticks: ticks as u32,
            after_cut: core::mem::take(&mut self.cut),
            wish,
        })
    }

    /// Media time between what was given out and `waiting`, one pull of it at most. Packets in
    /// between that are lost have been given out as such, so the sender was silent, or moved its
    /// timestamps: then `waiting` is not early, and there is no gap.
    fn gap_before(&mut self, waiting: &Waiting, at: i64) -> Option<u32> {
        let since_heard = waiting.ticks - self.next.ticks - core::mem::take(&mut self.held);
        let due = waiting.ticks + self.delay.base().unwrap_or(0) + self.delay.target();
        let gap = since_heard.min(due - at);
        if self.cut || gap <= self.tick_count(GAP_IGNORED_MS) {
            return None;
        }
        let ticks = gap.min(self.tick_count(self.config.pull_ms));
        self.next.ticks = waiting.ticks - gap + ticks;
        Some(ticks as u32)
    }

    /// The packet whose turn it is is missing, while `later` is here.
    fn lose(&mut self, later: Waiting) -> Step {
        let missing = (later.sequence - self.next.sequence) as i64;
        let whole_gap = later.ticks - self.next.ticks;
        let concealed = core::mem::take(&mut self.held).min(whole_gap.max(0));
        let gap = whole_gap - concealed;
        if self.cut || gap <= self.tick_count(GAP_IGNORED_MS) {
            self.statistics.lost += missing as u64;
            self.advance_to(later.sequence);
            self.next.ticks = later.ticks;
            return Step::Again;
        }
        let covered = missing * concealed / whole_gap.max(1);
        let ticks = (gap / (missing - covered).max(1)).clamp(1, self.packet_ticks.max(1));
        self.statistics.lost += covered as u64 + 1;
        self.advance_to(self.next.sequence + covered as u64 + 1);
        self.next.ticks += concealed + ticks;
        Step::Instead(Popped::Lost { ticks: ticks as u32 })
    }

    fn underrun(&mut self) -> Popped<'static> {
        if self.held >= self.tick_count(self.config.hold_max_ms) {
            self.pause();
            self.delay.forget_base();
            return Popped::Waiting;
        }
        if self.held == 0 {
            self.statistics.underruns += 1;
        }
        let ticks = self.packet_ticks.clamp(1, self.tick_count(self.config.pull_ms).max(1));
        self.held += ticks;
        Popped::Underrun { ticks: ticks as u32 }
    }
}

// A pull comes every 20 ms; one that comes a little before the delay is over starts the stream.
// As much before it as is tolerated afterwards: the first packet of a stream is often some
// milliseconds late, by which the delay turns out longer than it was meant to be.
const START_SLACK_MS: u32 = crate::jitter::SHORT_OF_TARGET_MS;

// Timestamps that creep by less are the sender's rounding, not silence.
const GAP_IGNORED_MS: u32 = 2;
