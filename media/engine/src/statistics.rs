//! A line's figures: counted by its audio thread in atomics, read by anybody.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// What a line has done so far, and how well.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LineStatistics {
    /// RTP packets sent.
    pub rtp_sent: u64,
    /// RTP packets that the kernel refused to send.
    pub rtp_send_errors: u64,
    /// RTP packets received from the peer.
    pub rtp_received: u64,
    /// RTP packets of the peer that never came, by sequence number (RFC 3550 §6.4.1).
    pub rtp_lost: u64,
    /// Packets that came after their time to be played.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets that overtook others.
    pub reordered: u64,
    /// Packets from addresses other than the peer's. Dropped; nothing is sent there. Once the
    /// peer is known the kernel counts them, together with packets for which the socket's buffer
    /// had no room.
    pub foreign: u64,
    /// Packets from the peer's address that are not the peer's: its key did not protect them, or they
    /// came before; without a key, they do not go on with its stream. Dropped.
    pub unauthentic: u64,
    /// Datagrams that are no RTP, or of a payload type that was not agreed on.
    pub malformed: u64,
    /// Milliseconds of audio that concealment had to invent.
    pub concealed_ms: u64,
    /// Ticks in which the speaker had the floor and no speech was ready.
    pub starved_ticks: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter_ms: f32,
    /// Delay that the jitter buffer adds now.
    pub playout_delay_ms: f32,
    /// The peer's loss report about our packets, percent.
    pub peer_loss_percent: f32,
    /// Mean opinion score that the peer reports of us (RFC 3611), if it does.
    pub peer_mos: Option<f32>,
    /// Round trip from RTCP, once the peer's reports allow it.
    pub round_trip_ms: Option<f32>,
    /// Mean opinion score of what we hear, estimated by the E-model from loss and delay.
    pub mos_estimated: f32,
    /// Where RTP goes to.
    pub remote: Option<SocketAddr>,
    /// Events, hearing frames and recording blocks that found a full ring.
    pub ring_overflows: u64,
}

/// The line's counters, written by the audio thread with relaxed stores.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub rtp_sent: AtomicU64,
    pub rtp_send_errors: AtomicU64,
    pub rtp_received: AtomicU64,
    pub rtp_lost: AtomicU64,
    pub late: AtomicU64,
    pub duplicates: AtomicU64,
    pub reordered: AtomicU64,
    pub foreign: AtomicU64,
    pub unauthentic: AtomicU64,
    pub malformed: AtomicU64,
    pub concealed_us: AtomicU64,
    pub starved_ticks: AtomicU64,
    pub events_dropped: AtomicU64,
    pub tap_dropped: AtomicU64,
    pub recording_dropped: AtomicU64,
    pub jitter_us: AtomicU32,
    pub playout_delay_us: AtomicU32,
    pub peer_fraction_lost: AtomicU32,
    pub peer_mos_tenths: AtomicU32,
    pub round_trip_us: AtomicU32,
    remote: Address,
}

/// One step up.
pub(crate) fn count(counter: &AtomicU64) {
    add(counter, 1);
}

/// `n` steps up. One writer per counter, so that a load and a store do.
pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Ordering::Relaxed) + n, Ordering::Relaxed);
}

impl Counters {
    pub fn set_remote(&self, remote: SocketAddr) {
        self.remote.store(remote);
    }

    pub fn snapshot(&self, ptime_ms: u32) -> LineStatistics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let ms = |micros: &AtomicU32| micros.load(Ordering::Relaxed) as f32 / 1_000.0;
        let round_trip_ms = Some(ms(&self.round_trip_us)).filter(|ms| *ms > 0.0);
        let mut statistics = LineStatistics {
            rtp_sent: get(&self.rtp_sent),
            rtp_send_errors: get(&self.rtp_send_errors),
            rtp_received: get(&self.rtp_received),
            rtp_lost: get(&self.rtp_lost),
            late: get(&self.late),
            duplicates: get(&self.duplicates),
            reordered: get(&self.reordered),
            foreign: get(&self.foreign),
            unauthentic: get(&self.unauthentic),
            malformed: get(&self.malformed),
            concealed_ms: get(&self.concealed_us) / 1_000,
            starved_ticks: get(&self.starved_ticks),
            jitter_ms: ms(&self.jitter_us),
            playout_delay_ms: ms(&self.playout_delay_us),
            peer_loss_percent: self.peer_fraction_lost.load(Ordering::Relaxed) as f32 / 2.56,
            peer_mos: Some(self.peer_mos_tenths.load(Ordering::Relaxed))
                .filter(|tenths| *tenths > 0)
                .map(|tenths| tenths as f32 / 10.0),
            round_trip_ms,
            mos_estimated: 0.0,
            remote: self.remote.load(),
            ring_overflows: get(&self.events_dropped)
                + get(&self.tap_dropped)
                + get(&self.recording_dropped),
        };
        statistics.mos_estimated = mos(&statistics, ptime_ms);
        statistics
    }
}

/// One way is the packet's own length, half the round trip and the jitter buffer. What comes too
/// late is lost to the listener.
fn mos(statistics: &LineStatistics, ptime_ms: u32) -> f32 {
    let expected = statistics.rtp_received + statistics.rtp_lost;
    let missing = statistics.rtp_lost + statistics.late;
    let loss_percent = if expected == 0 { 0.0 } else { 100.0 * missing as f32 / expected as f32 };
    let one_way_ms = ptime_ms as f32
        + statistics.playout_delay_ms
        + statistics.round_trip_ms.unwrap_or(0.0) / 2.0;
    media_core::quality::estimate_mos(one_way_ms, loss_percent.min(100.0)).mos
}

/// A socket address in atomics. It changes so rarely, and is only shown to people, that a reader
/// who meets the change half-way is not worth a lock.
#[derive(Debug, Default)]
struct Address {
    high: AtomicU64,
    low: AtomicU64,
    /// 0: none yet.
    port: AtomicU32,
}

impl Address {
    fn store(&self, addr: SocketAddr) {
        let bits = match addr.ip() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
            IpAddr::V6(v6) => v6.to_bits(),
        };
        self.high.store((bits >> 64) as u64, Ordering::Relaxed);
        self.low.store(bits as u64, Ordering::Relaxed);
        self.port.store(u32::from(addr.port()), Ordering::Relaxed);
    }

    fn load(&self) -> Option<SocketAddr> {
        let port = u16::try_from(self.port.load(Ordering::Relaxed)).ok().filter(|p| *p != 0)?;
        let high = u128::from(self.high.load(Ordering::Relaxed));
        let bits = high << 64 | u128::from(self.low.load(Ordering::Relaxed));
        Some(SocketAddr::new(Ipv6Addr::from_bits(bits).to_canonical(), port))
    }
}
