use arrayvec::ArrayVec;
use core::time::Duration;

use super::{
    Compound, CompoundWriter, NtpTime, ReceiverStatistics, ReportBlock, RtcpError, RtcpPacket,
    SenderInfo, VoipMetrics,
};
use crate::{MonoTime, RtpTimestamp, Ssrc};

/// What the peer's reports say about what we send.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RemoteView {
    /// Compound packets received.
    pub reports: u64,
    /// Our packets that the peer misses.
    pub lost: u32,
    /// Its recent loss, in 1/256.
    pub fraction_lost: u8,
    /// Jitter it sees, in clock ticks.
    pub jitter_ticks: u32,
    /// The latest round-trip time.
    pub round_trip: Option<Duration>,
    /// The peer said goodbye.
    pub said_goodbye: bool,
    /// How what we send sounds to the peer, if it says so.
    pub voip: Option<VoipMetrics>,
}

/// RTCP of one two-party RTP session: when to report, what to say, and what the peer says.
///
/// Reports go out every five seconds, spread by ±half as RFC 3550 §6.2 asks, and the bandwidth
/// stays far below its 5 %. Real-time safe.
#[derive(Clone, Debug)]
pub struct RtcpSession {
    ssrc: Ssrc,
    cname: ArrayVec<u8, CNAME_BYTES_MAX>,
    packets: u32,
    octets: u32,
    last_sent: Option<(MonoTime, RtpTimestamp)>,
    clock_rate_hz: u32,
    /// The peer's last sender report: middle NTP bits, and when it came.
    last_sr: Option<(u32, MonoTime)>,
    remote: RemoteView,
    voip: Option<VoipMetrics>,
    due: MonoTime,
    spread: u32,
}

impl RtcpSession {
    /// A session that starts at `now`. `cname` beyond 64 bytes is cut. The SSRC, which is
    /// random, also spreads the report times.
    #[must_use]
    pub fn new(ssrc: Ssrc, cname: &str, clock_rate_hz: u32, now: MonoTime) -> Self {
        let mut session = Self {
            ssrc,
            cname: cname.bytes().take(CNAME_BYTES_MAX).collect(),
            packets: 0,
            octets: 0,
            last_sent: None,
            clock_rate_hz,
            last_sr: None,
            remote: RemoteView::default(),
            voip: None,
            due: now,
            spread: ssrc.0 | 1,
        };
        session.due = now + session.interval() / 2;
        session
    }

    /// We go on as another stream, because the clock of our timestamps is another one (RFC 7160
    /// §4.1), or our key. Our name stays, and so does what is known of the peer.
    pub fn restart(&mut self, now: MonoTime, ssrc: Ssrc, clock_rate_hz: u32) {
        (self.ssrc, self.clock_rate_hz) = (ssrc, clock_rate_hz);
        (self.packets, self.octets, self.last_sent) = (0, 0, None);
        self.due = now + self.interval() / 2;
    }

    /// Counts an RTP packet that was sent.
    pub fn on_sent(&mut self, now: MonoTime, timestamp: RtpTimestamp, payload_bytes: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload_bytes as u32);
        self.last_sent = Some((now, timestamp));
    }

    /// Takes a datagram from the peer's RTCP port.
    ///
    /// # Errors
    /// [`RtcpError`], if it is not a well-formed compound; nothing changes then.
    pub fn on_rtcp(&mut self, now: MonoTime, bytes: &[u8]) -> Result<(), RtcpError> {
        let compound = Compound::parse(bytes)?;
        self.remote.reports += 1;
        for packet in compound.iter() {
            match packet {
                RtcpPacket::SenderReport { sender, reports, .. } => {
                    self.last_sr = Some((sender.ntp.middle(), now));
                    self.take_reports(now, reports.iter());
                }
                RtcpPacket::ReceiverReport { reports, .. } => {
                    self.take_reports(now, reports.iter());
                }
                RtcpPacket::ExtendedReport { blocks, .. } => {
                    let about_us = blocks.voip_metrics().filter(|(about, _)| *about == self.ssrc);
                    self.remote.voip =
                        about_us.map(|(_, metrics)| metrics).last().or(self.remote.voip);
                }
                RtcpPacket::Goodbye { .. } => self.remote.said_goodbye = true,
                RtcpPacket::SourceDescription(_) | RtcpPacket::Other { .. } => {}
            }
        }
        Ok(())
    }

    /// How the peer sounds: part of every report from now on, for a peer that takes it.
    pub const fn tell_voip_metrics(&mut self, metrics: VoipMetrics) {
        self.voip = Some(metrics);
    }

    /// Whether a report is due.
    #[must_use]
    pub fn is_due(&self, now: MonoTime) -> bool {
        now >= self.due
    }

    /// When the next report is due.
    #[must_use]
    pub const fn next_due(&self) -> MonoTime {
        self.due
    }

    /// Writes a report (SR if we have sent anything, else RR) with our name, and plans the next.
    /// Returns its length.
    ///
    /// # Errors
    /// [`RtcpError::NoRoom`]; 256 bytes always suffice.
    pub fn write_report(
        &mut self,
        now: MonoTime,
        receiver: &mut ReceiverStatistics,
        out: &mut [u8],
    ) -> Result<usize, RtcpError> {
        self.due = now + self.interval();
        self.report(now, receiver, out).map(|w| w.len())
    }

    /// Writes a last report with a goodbye. Returns its length.
    ///
    /// # Errors
    /// [`RtcpError::NoRoom`]; 256 bytes always suffice.
    pub fn write_goodbye(
        &mut self,
        now: MonoTime,
        receiver: &mut ReceiverStatistics,
        out: &mut [u8],
    ) -> Result<usize, RtcpError> {
        let ssrc = self.ssrc;
        let mut writer = self.report(now, receiver, out)?;
        writer.goodbye(ssrc, b"")?;
        Ok(writer.len())
    }

    /// What the peer reported.
    #[must_use]
    pub const fn remote(&self) -> RemoteView {
        self.remote
    }

    fn report<'b>(
        &self,
        now: MonoTime,
        receiver: &mut ReceiverStatistics,
        out: &'b mut [u8],
    ) -> Result<CompoundWriter<'b>, RtcpError> {
        let block = receiver.report_block().map(|block| self.with_sr_times(now, block));
        let mut writer = CompoundWriter::new(out);
        match self.sender_info(now) {
            Some(sender) => writer.sender_report(self.ssrc, &sender, block.as_slice())?,
            None => writer.receiver_report(self.ssrc, block.as_slice())?,
        };
        writer.cname(self.ssrc, &self.cname)?;
        if let (Some(metrics), Some(block)) = (&self.voip, &block) {
            writer.voip_metrics(self.ssrc, block.ssrc, metrics)?;
        }
        Ok(writer)
    }

    fn sender_info(&self, now: MonoTime) -> Option<SenderInfo> {
        let (sent_at, timestamp) = self.last_sent?;
        let since = now.since(sent_at).as_micros() * u128::from(self.clock_rate_hz) / 1_000_000;
        Some(SenderInfo {
            ntp: NtpTime::from_mono(now),
            timestamp: timestamp.advance(since as u32),
            packets: self.packets,
            octets: self.octets,
        })
    }

    fn with_sr_times(&self, now: MonoTime, block: ReportBlock) -> ReportBlock {
        let Some((last_sr, at)) = self.last_sr else { return block };
        let delay = now.since(at).as_micros() * 65_536 / 1_000_000;
        ReportBlock {
            last_sr,
            delay_since_last_sr: u32::try_from(delay).unwrap_or(u32::MAX),
            ..block
        }
    }

    fn take_reports(&mut self, now: MonoTime, reports: impl Iterator<Item = ReportBlock>) {
        for block in reports.filter(|b| b.ssrc == self.ssrc) {
            self.remote.lost = u32::try_from(block.cumulative_lost).unwrap_or(0);
            self.remote.fraction_lost = block.fraction_lost;
            self.remote.jitter_ticks = block.jitter;
            if let Some(round_trip) = round_trip(now, &block) {
                self.remote.round_trip = Some(round_trip);
            }
        }
    }

    fn interval(&mut self) -> Duration {
        // A linear congruential step is random enough to keep two hundred calls apart.
        self.spread = self.spread.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let spread_ms = self.spread >> 16; // 0 to 65535
        INTERVAL / 2 + INTERVAL * spread_ms / 65_536
    }
}

/// RFC 3550 §6.4.1: A − LSR − DLSR, modulo 2^32 in 1/65536 s. `None` if the peer has seen no
/// report of ours, or reports nonsense.
fn round_trip(now: MonoTime, block: &ReportBlock) -> Option<Duration> {
    if block.last_sr == 0 {
        return None;
    }
    let arrived = NtpTime::from_mono(now).middle();
    let elapsed = arrived.wrapping_sub(block.last_sr).wrapping_sub(block.delay_since_last_sr);
    let round_trip = Duration::from_micros(u64::from(elapsed) * 1_000_000 / 65_536);
    (round_trip < ROUND_TRIP_MAX).then_some(round_trip)
}

const CNAME_BYTES_MAX: usize = 64;
const INTERVAL: Duration = Duration::from_secs(5);

// A slower answer is a wrong clock: rounding below zero shows as 18 hours.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(30);
