use super::candidate::Candidate;
use super::control::DelayControl;
use super::delay::DelayEstimator;
use super::epoch::{Epoch, Follows, Place};
use super::slots::{Slots, Waiting};
use super::{COMFORT_NOISE, Inserted, JitterConfig, JitterStatistics, Popped, PoppedFrame, Wish};
use crate::MonoTime;
use crate::rtp::{ExtendedSequence, RtpPacket};

/// The adaptive jitter buffer of one stream. See the [module](super) for how it keeps time and
/// what bounds it.
#[derive(Debug)]
pub struct JitterBuffer {
    config: JitterConfig,
    slots: Slots,
    epoch: Option<Epoch>,
    candidate: Candidate,
    delay: DelayEstimator,
    control: DelayControl,
    playing: bool,
    /// The packet whose turn is next, and the media time reached.
    next: Place,
    /// Bit n is set if packet `next.sequence - 1 - n` was played.
    played: u128,
    /// Ticks concealed while nothing was here: they fill the gap that shows afterwards.
    held: i64,
    packet_ticks: i64,
    cut: bool,
    statistics: JitterStatistics,
}

impl JitterBuffer {
    /// Takes the memory for a stream. Allocates; call it at admission.
    #[must_use]
    pub fn new(config: JitterConfig) -> Self {
        let capacity_packets = config.capacity_packets.clamp(8, 256);
        let payload_bytes_max = config.payload_bytes_max.clamp(1, 1_500);
        let clock_rate_hz = config.clock_rate_hz.clamp(8_000, 48_000);
        let config = JitterConfig { capacity_packets, payload_bytes_max, clock_rate_hz, ..config };
        let (min, max) = (config.delay_min_ms, config.delay_max_ms.max(config.delay_min_ms));
        Self {
            slots: Slots::new(capacity_packets, payload_bytes_max),
            epoch: None,
            candidate: Candidate::new(payload_bytes_max),
            delay: DelayEstimator::new(clock_rate_hz, config.pull_ms, min, max),
            control: DelayControl::new(clock_rate_hz),
            playing: false,
            next: Place { sequence: 0, ticks: 0 },
            played: 0,
            held: 0,
            packet_ticks: i64::from(config.ptime.ms() * clock_rate_hz / 1_000),
            cut: false,
            statistics: JitterStatistics::default(),
            config,
        }
    }

    /// Takes a voice packet that arrived at `arrival`. Real-time safe.
    pub fn insert(&mut self, arrival: MonoTime, packet: &RtpPacket<'_>) -> Inserted {
        let has_media = !packet.payload.is_empty();
        self.take(arrival, packet, has_media)
    }

    /// Takes note of a packet that shares the numbering and holds no voice: a telephone event.
    /// Its payload is not kept. Real-time safe.
    pub fn pass_over(&mut self, arrival: MonoTime, packet: &RtpPacket<'_>) -> Inserted {
        self.take(arrival, &RtpPacket { payload: &[], ..*packet }, false)
    }

    /// The next piece of media. Real-time safe.
    ///
    /// `play_at`: when its first sample will sound. For a pull that begins at its tick's deadline
    /// and has produced n samples so far, that is the deadline plus n samples; take the deadline
    /// and not the moment the thread woke, or its lateness reads as delay.
    pub fn pop(&mut self, play_at: MonoTime) -> Popped<'_> {
        let at = self.ticks(play_at);
        if !self.playing && !self.start(at) {
            return Popped::Waiting;
        }
        for _ in 0..=2 * self.slots.capacity() {
            match self.step(at) {
                Step::Again => {}
                Step::Play(waiting, wish) => return self.frame(waiting, wish),
                Step::Instead(popped) => return popped,
            }
        }
        Popped::Waiting // Every step passes a slot, so this is not reached.
    }

    /// The frame popped last was played `ticks` longer than it was, or, below zero, shorter.
    pub fn stretched(&mut self, ticks: i64) {
        self.control.on_stretched(ticks);
        let magnitude = ticks.unsigned_abs();
        if ticks > 0 {
            self.statistics.lengthened_ticks += magnitude;
        } else {
            self.statistics.shortened_ticks += magnitude;
        }
    }

    /// Counters and figures.
    #[must_use]
    pub fn statistics(&self) -> JitterStatistics {
        JitterStatistics {
            target_ms: self.ms(self.delay.target()),
            waiting: self.slots.count() as u32,
            ..self.statistics
        }
    }

    /// Forgets the stream, as after a change of codec. Counters and memory stay.
    pub fn reset(&mut self) {
        self.slots.clear();
        self.epoch = None;
        self.candidate.clear();
        self.delay.forget_base();
        self.pause();
        self.played = 0;
    }

    fn take(&mut self, at: MonoTime, packet: &RtpPacket<'_>, has_media: bool) -> Inserted {
        if packet.payload.len() > self.slots.payload_bytes_max() {
            self.statistics.oversize += 1;
            return Inserted::Oversize;
        }
        let arrival = self.ticks(at);
        let Some(epoch) = &self.epoch else {
            self.next = FIRST_PLACE;
            let rate_hz = self.config.clock_rate_hz;
            self.epoch = Some(Epoch::begin(packet, FIRST_PLACE, arrival, rate_hz));
            return self.put(packet, FIRST_PLACE, arrival, has_media);
        };
        match epoch.place(packet, arrival, has_media) {
            Follows::Here(place) => self.put(packet, place, arrival, has_media),
            Follows::Apart => self.hold(packet, arrival, has_media),
            Follows::Stale => {
                self.statistics.late += 1;
                Inserted::Late
            }
        }
    }

    fn put(&mut self, packet: &RtpPacket<'_>, at: Place, arrival: i64, media: bool) -> Inserted {
        if self.candidate.clear() {
            self.statistics.strays += 1;
        }
        if self.slots.get(at.sequence).is_some() || self.was_played(at.sequence) {
            self.statistics.duplicates += 1;
            return Inserted::Duplicate;
        }
        if let Some(epoch) = &mut self.epoch {
            epoch.advance(packet, at, arrival, media);
        }
        if media {
            self.delay.on_arrival(arrival, arrival - at.ticks, self.playing);
        }
        if !self.playing && self.slots.count() == 0 {
            let window = at.sequence.saturating_sub(self.slots.capacity() / 2);
            self.advance_to(self.next.sequence.max(window));
        }
        if at.sequence < self.next.sequence {
            self.statistics.late += 1;
            return Inserted::Late;
        }
        let dropped = self.make_room(at.sequence);
        let waiting = Waiting {
            sequence: at.sequence,
            ticks: at.ticks,
            timestamp: packet.timestamp,
            payload_type: packet.payload_type,
            length: packet.payload.len() as u16,
            no_media: !media,
        };
        self.slots.put(waiting, packet.payload);
        if dropped > 0 { Inserted::Overflowed { dropped } } else { Inserted::Queued }
    }

    /// Pushes out what is more than the capacity older than `sequence`.
    fn make_room(&mut self, sequence: u64) -> u32 {
        let capacity = self.slots.capacity();
        let first = (sequence + 1).saturating_sub(capacity);
        if first <= self.next.sequence {
            return 0;
        }
        let oldest = self.next.sequence;
        let mut dropped = 0;
        for gone in oldest..first.min(oldest + capacity) {
            dropped += u32::from(self.slots.take(gone).is_some());
        }
        self.advance_to(first);
        self.statistics.overflowed += u64::from(dropped);
        self.cut = true;
        dropped
    }

    /// Keeps a packet that fits nothing, or starts over with it and the one kept before.
    fn hold(&mut self, packet: &RtpPacket<'_>, arrival: i64, has_media: bool) -> Inserted {
        let rate_hz = self.config.clock_rate_hz;
        let (Some(held), Some(epoch)) =
            (self.candidate.followed_by(packet, rate_hz), self.epoch.as_ref())
        else {
            if self.candidate.hold(packet, arrival, has_media) {
                self.statistics.strays += 1;
            }
            return Inserted::Held;
        };
        let newest = epoch.newest();
        let place = Place {
            sequence: self.next.sequence.max(newest.sequence + 1),
            ticks: self.next.ticks.max(newest.ticks + self.packet_ticks),
        };
        let payload = self.candidate.lend();
        let first = held.packet(&payload);
        self.epoch = Some(epoch.restart(&first, place, held.arrival));
        self.delay.forget_base();
        self.control.reset();
        self.statistics.restarts += 1;
        self.put(&first, place, held.arrival, held.has_media);
        self.candidate.give_back(payload);
        let second = self.epoch.as_ref().map(|e| e.place(packet, arrival, has_media));
        if let Some(Follows::Here(place)) = second {
            self.put(packet, place, arrival, has_media);
        }
        Inserted::Restarted
    }

    /// Begins to play once the first packet has been delayed enough.
    fn start(&mut self, at: i64) -> bool {
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
    fn step(&mut self, at: i64) -> Step {
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

    fn frame(&mut self, waiting: Waiting, wish: Wish) -> Popped<'_> {
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

    fn pause(&mut self) {
        self.playing = false;
        self.held = 0;
        self.cut = false;
        self.control.reset();
    }

    /// `sequence`, whose turn it is, was given out.
    fn pass(&mut self, sequence: u64) {
        self.advance_to(sequence + 1);
        self.played |= 1;
    }

    fn advance_to(&mut self, sequence: u64) {
        let by = u32::try_from(sequence - self.next.sequence).unwrap_or(u32::MAX);
        self.played = self.played.checked_shl(by).unwrap_or(0);
        self.next.sequence = sequence;
    }

    fn was_played(&self, sequence: u64) -> bool {
        let behind = self.next.sequence.checked_sub(sequence + 1);
        behind.is_some_and(|n| n < 128 && self.played & (1 << n) != 0)
    }

    fn media_ticks(&self, waiting: &Waiting) -> i64 {
        let silent = waiting.payload_type == COMFORT_NOISE;
        if silent { 0 } else { i64::from(waiting.length) }
    }

    fn ticks(&self, at: MonoTime) -> i64 {
        let ticks = u128::from(at.as_micros()) * u128::from(self.config.clock_rate_hz) / 1_000_000;
        ticks.min(TICKS_MAX) as i64
    }

    fn tick_count(&self, ms: u32) -> i64 {
        i64::from(ms) * i64::from(self.config.clock_rate_hz) / 1_000
    }

    fn ms(&self, ticks: i64) -> u32 {
        (ticks.max(0) * 1_000 / i64::from(self.config.clock_rate_hz)).min(60_000) as u32
    }
}

enum Step {
    Again,
    Play(Waiting, Wish),
    Instead(Popped<'static>),
}

// Far from zero, so that packets from before the first one have numbers too.
const FIRST_PLACE: Place = Place { sequence: 1 << 20, ticks: 1 << 40 };

// A pull comes every 20 ms; one that comes a little before the delay is over starts the stream.
const START_SLACK_MS: u32 = 5;

// Timestamps that creep by less are the sender's rounding, not silence.
const GAP_IGNORED_MS: u32 = 2;

// Times are compared by difference: a quarter of the range cannot overflow.
const TICKS_MAX: u128 = (i64::MAX / 4) as u128;
