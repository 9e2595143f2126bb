mod intake;
mod turns;

use super::candidate::Candidate;
use super::control::DelayControl;
use super::delay::DelayEstimator;
use super::epoch::{Epoch, Place};
use super::slots::{Slots, Waiting};
use super::{COMFORT_NOISE, Inserted, JitterConfig, JitterStatistics, Popped};
use crate::MonoTime;
use crate::rtp::RtpPacket;
use turns::Step;

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
            delay: DelayEstimator::new(clock_rate_hz, min, max),
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
    /// `deadline`: the tick's deadline, at which the pull begins; not the moment the thread woke,
    /// or its lateness reads as delay. `play_at`: when the piece's first sample will sound. In a
    /// pull that has produced n samples so far, that is the deadline plus n samples.
    pub fn pop(&mut self, deadline: MonoTime, play_at: MonoTime) -> Popped<'_> {
        let at = self.ticks(play_at);
        let offset = (at - self.ticks(deadline)).clamp(0, self.tick_count(OFFSET_MS_MAX));
        if !self.playing && !self.start(at) {
            return Popped::Waiting;
        }
        for _ in 0..=2 * self.slots.capacity() {
            match self.step(at) {
                Step::Again => {}
                Step::Play(waiting, wish) => {
                    self.delay.on_played(offset);
                    return self.frame(waiting, wish);
                }
                Step::Instead(popped) => return popped,
            }
        }
        Popped::Waiting // Every step passes a slot, so this is not reached.
    }

    /// The packet whose turn is next, if it is here: what it repeats of the one before it, which was
    /// just [`Popped::Lost`], need not be invented. Real-time safe.
    #[must_use]
    pub fn peek(&self) -> Option<&[u8]> {
        let waiting = self.slots.get(self.next.sequence)?;
        let voice = !waiting.no_media && waiting.payload_type != COMFORT_NOISE;
        voice.then(|| self.slots.payload(waiting))
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
        if silent { 0 } else { i64::from(waiting.span) }
    }

    /// Clock ticks that a payload lasts. One that does not say counts as long as the others: it will
    /// not be decoded, and its time passes all the same.
    fn span(&self, payload: &[u8]) -> u32 {
        if payload.is_empty() {
            return 0;
        }
        let others = self.packet_ticks.clamp(1, i64::from(u16::MAX)) as u32;
        self.config.packet_length.ticks(payload).unwrap_or(others)
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

// Far from zero, so that packets from before the first one have numbers too.
const FIRST_PLACE: Place = Place { sequence: 1 << 20, ticks: 1 << 40 };

// The longest pull.
const OFFSET_MS_MAX: u32 = 60;

// Times are compared by difference: a quarter of the range cannot overflow.
const TICKS_MAX: u128 = (i64::MAX / 4) as u128;
