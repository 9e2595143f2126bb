use super::{ReportBlock, RtpPacket};
use crate::{MonoTime, RtpTimestamp, SequenceNumber, Ssrc};

/// What has been received from the peer so far, over all its SSRCs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReceptionSnapshot {
    /// Packets received, duplicates not counted.
    pub received: u64,
    /// Packets that were sent and have not come.
    pub lost: u64,
    /// Packets that came more than once.
    pub duplicates: u64,
    /// Packets that came after a later one.
    pub reordered: u64,
    /// Payload bytes received.
    pub payload_bytes: u64,
    /// Interarrival jitter, in microseconds (RFC 3550 §6.4.1).
    pub jitter_us: u32,
    /// Highest jitter there was.
    pub jitter_max_us: u32,
    /// How often the sender started over: another SSRC, or a jump in its numbering.
    pub restarts: u32,
}

/// Reception statistics of one peer, RFC 3550 A.1 (sequence), A.3 (loss), A.8 (jitter).
///
/// A change of SSRC, or two consecutive packets far off (A.1), starts a new count; the
/// snapshot's totals go on. Real-time safe.
#[derive(Clone, Debug)]
pub struct ReceiverStatistics {
    clock_rate_hz: u32,
    current: Option<Source>,
    before: ReceptionSnapshot,
    totals: ReceptionSnapshot,
}

impl ReceiverStatistics {
    /// Statistics of a stream whose RTP clock runs at `clock_rate_hz`.
    #[must_use]
    pub fn new(clock_rate_hz: u32) -> Self {
        Self {
            clock_rate_hz: clock_rate_hz.max(1),
            current: None,
            before: ReceptionSnapshot::default(),
            totals: ReceptionSnapshot::default(),
        }
    }

    /// From now on the stream's RTP clock runs at `clock_rate_hz`, as after a change of codec. Totals
    /// go on.
    pub fn set_clock_rate(&mut self, clock_rate_hz: u32) {
        if self.clock_rate_hz != clock_rate_hz.max(1) {
            if let Some(old) = self.current.take() {
                self.before.lost += u64::try_from(old.lost()).unwrap_or(0);
            }
            self.clock_rate_hz = clock_rate_hz.max(1);
        }
    }

    /// Counts a voice packet that arrived at `now`.
    pub fn on_packet(&mut self, now: MonoTime, packet: &RtpPacket<'_>) {
        let arrival = self.arrival_ticks(now);
        if let Some(source) = self.count(packet) {
            source.update_jitter(arrival, packet.timestamp);
            let jitter_us = self.jitter_us();
            self.totals.jitter_max_us = self.totals.jitter_max_us.max(jitter_us);
        }
    }

    /// Counts a packet whose timestamp does not tell when it was sent: a telephone event.
    pub fn on_event_packet(&mut self, packet: &RtpPacket<'_>) {
        let _ = self.count(packet);
    }

    /// The figures so far.
    #[must_use]
    pub fn snapshot(&self) -> ReceptionSnapshot {
        let lost = self.current.as_ref().map_or(0, Source::lost);
        ReceptionSnapshot {
            lost: self.before.lost + u64::try_from(lost).unwrap_or(0),
            jitter_us: self.jitter_us(),
            ..self.totals
        }
    }

    /// Who is being received.
    #[must_use]
    pub fn ssrc(&self) -> Option<Ssrc> {
        self.current.as_ref().map(|s| s.ssrc)
    }

    /// The report block for RTCP, except for LSR and DLSR. Starts a new interval for the
    /// fraction lost.
    pub fn report_block(&mut self) -> Option<ReportBlock> {
        self.current.as_mut().map(Source::report_block)
    }

    fn count(&mut self, packet: &RtpPacket<'_>) -> Option<&mut Source> {
        if self.current.as_ref().is_none_or(|s| s.ssrc != packet.ssrc) {
            self.restart(packet);
        }
        let source = self.current.as_mut()?;
        match source.sequence(packet.sequence) {
            Arrival::InOrder => {}
            Arrival::Reordered => self.totals.reordered += 1,
            Arrival::Duplicate => {
                self.totals.duplicates += 1;
                return None;
            }
            Arrival::FarOff => return None,
            Arrival::Restart => {
                self.restart(packet);
            }
        }
        self.totals.received += 1;
        self.totals.payload_bytes += packet.payload.len() as u64;
        let source = self.current.as_mut()?;
        source.received += 1;
        Some(source)
    }

    fn restart(&mut self, packet: &RtpPacket<'_>) {
        if let Some(old) = self.current.take() {
            self.before.lost += u64::try_from(old.lost()).unwrap_or(0);
            self.totals.restarts = self.totals.restarts.saturating_add(1);
        }
        self.current = Some(Source::new(packet));
    }

    fn arrival_ticks(&self, now: MonoTime) -> u32 {
        // The difference of two transit times is taken modulo 2^32, so wrapping is right here.
        (u128::from(now.as_micros()) * u128::from(self.clock_rate_hz) / 1_000_000) as u32
    }

    fn jitter_us(&self) -> u32 {
        let jitter_q4 = self.current.as_ref().map_or(0, |s| s.jitter_q4);
        (u64::from(jitter_q4) * 1_000_000 / 16 / u64::from(self.clock_rate_hz)) as u32
    }
}

enum Arrival {
    InOrder,
    Reordered,
    Duplicate,
    FarOff,
    Restart,
}

/// RFC 3550 A.1's `source`.
#[derive(Clone, Debug)]
struct Source {
    ssrc: Ssrc,
    base: u64,
    highest: u64,
    far_off: Option<SequenceNumber>,
    /// Bit n is set if `highest - n` has come.
    seen: u128,
    received: u64,
    expected_prior: u64,
    received_prior: u64,
    transit: Option<u32>,
    jitter_q4: u32,
}

impl Source {
    fn new(packet: &RtpPacket<'_>) -> Self {
        let first = CYCLE + u64::from(packet.sequence.0);
        Self {
            ssrc: packet.ssrc,
            base: first,
            highest: first,
            far_off: None,
            seen: 0,
            received: 0,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter_q4: 0,
        }
    }

    fn sequence(&mut self, sequence: SequenceNumber) -> Arrival {
        let ahead = i64::from(sequence.distance(SequenceNumber(self.highest as u16)));
        if (1..=DROPOUT_MAX).contains(&ahead) {
            self.far_off = None;
            self.highest += ahead.unsigned_abs();
            self.seen = self.seen.checked_shl(ahead as u32).unwrap_or(0) | 1;
            return Arrival::InOrder;
        }
        let behind = ahead.unsigned_abs();
        if ahead > 0 || behind >= SEEN_BITS {
            let follows = self.far_off.is_some_and(|before| before.next() == sequence);
            self.far_off = Some(sequence);
            return if follows { Arrival::Restart } else { Arrival::FarOff };
        }
        let bit = 1u128 << behind;
        if self.seen & bit != 0 {
            return Arrival::Duplicate;
        }
        self.seen |= bit;
        let first = behind == 0;
        self.base = self.base.min(self.highest - behind);
        if first { Arrival::InOrder } else { Arrival::Reordered }
    }

    fn expected(&self) -> u64 {
        self.highest - self.base + 1
    }

    fn lost(&self) -> i64 {
        self.expected() as i64 - self.received as i64
    }

    fn update_jitter(&mut self, arrival: u32, timestamp: RtpTimestamp) {
        let transit = arrival.wrapping_sub(timestamp.0);
        if let Some(before) = self.transit.replace(transit) {
            let d = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // A jump of the sender's timestamps is not jitter.
            let d = d.min(JITTER_STEP_MAX);
            self.jitter_q4 = (self.jitter_q4 + d).saturating_sub((self.jitter_q4 + 8) >> 4);
        }
    }

    fn report_block(&mut self) -> ReportBlock {
        let expected = self.expected();
        let expected_now = expected - self.expected_prior.min(expected);
        let received_now = self.received - self.received_prior;
        self.expected_prior = expected;
        self.received_prior = self.received;
        let lost_now = expected_now.saturating_sub(received_now);
        let fraction = (lost_now << 8).checked_div(expected_now).unwrap_or(0).min(255);
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: fraction as u8,
            cumulative_lost: self.lost().clamp(-0x80_0000, 0x7F_FFFF) as i32,
            // Seen from outside, the first cycle is number 0.
            highest_sequence: (self.highest - CYCLE) as u32,
            jitter: self.jitter_q4 >> 4,
            last_sr: 0,
            delay_since_last_sr: 0,
        }
    }
}

const CYCLE: u64 = 1 << 16;

// RFC 3550 A.1: MAX_DROPOUT is a minute at 20 ms; MAX_MISORDER 100, here what the bits remember.
const DROPOUT_MAX: i64 = 3_000;
const SEEN_BITS: u64 = 128;

// One second at 8 kHz.
const JITTER_STEP_MAX: u32 = 8_000;
