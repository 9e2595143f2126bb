//! RTP packets from the wire to linear audio.

use std::sync::atomic::Ordering;
use std::time::Duration;

use media_core::codec::Decoder;
use media_core::jitter::{COMFORT_NOISE, JitterConfig, PacketLength};
use media_core::playout::Playout;
use media_core::quality::estimate_mos;
use media_core::rtp::srtp::{SrtpError, Unprotector};
use media_core::rtp::{
    Admission, DtmfReceiver, Peer, ReceiverStatistics, RtcpSession, RtpPacket, SourceLock,
    VoipMetrics, looks_like_rtcp,
};
use media_core::{Codec, MonoTime, NegotiatedMedia, SampleRate};
use socket2::Socket;

use super::EventPort;
use super::protection::{KeyUpdate, Seal};
use crate::event::AudioEvent;
use crate::random::Random;
use crate::sockets::{self, ArrivalClock, BATCH_PACKETS, DATAGRAM_BYTES_MAX, Datagram, RecvBatch};
use crate::statistics::{Counters, add, count};

/// Packets that one tick takes from one socket. Twice what a peer with 10 ms packets sends in
/// the longest time a socket buffer covers is not needed; what is beyond waits or is dropped by
/// the kernel.
const PACKETS_PER_TICK: usize = 4 * BATCH_PACKETS;

/// Packets that the jitter buffer holds: 640 ms at 20 ms, well above its longest delay.
const JITTER_PACKETS: usize = 32;

/// The longest payload that is taken: 60 ms of G.711 or G.722; the longest frame of Opus.
const fn payload_bytes_max(codec: Codec) -> usize {
    match codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722 => 480,
        Codec::Opus => 1_275,
    }
}

/// One leg's way in. Real-time safe.
pub(crate) struct Receiver {
    peer: Peer,
    reception: ReceiverStatistics,
    /// Boxed, so that a change of codec can swap it in the tick.
    path: Box<DecodePath>,
    dtmf: DtmfReceiver,
    media: NegotiatedMedia,
    seal: Seal,
    /// Whether the kernel already drops strangers.
    filtered: bool,
    /// The kernel's drop count when it was last looked at.
    drops_seen: u32,
}

/// What depends on the codec.
pub(crate) struct DecodePath {
    decoder: Decoder,
    playout: Playout,
}

impl DecodePath {
    /// Takes its memory; call it outside the tick.
    pub fn new(
        media: &NegotiatedMedia,
        decoder: Decoder,
        tick_ms: u32,
        random: &mut Random,
    ) -> Self {
        let config = JitterConfig {
            clock_rate_hz: media.codec.clock_rate_hz(),
            ptime: media.ptime,
            pull_ms: tick_ms,
            capacity_packets: JITTER_PACKETS,
            payload_bytes_max: payload_bytes_max(media.codec),
            packet_length: PacketLength::of(media.codec),
            ..JitterConfig::default()
        };
        Self {
            decoder,
            playout: Playout::new(config, media.codec.sample_rate(), random.next_u64()),
        }
    }
}

impl Receiver {
    pub fn new(media: NegotiatedMedia, path: DecodePath, seal: Seal) -> Self {
        Self {
            peer: Peer::new(media.remote_rtp),
            reception: ReceiverStatistics::new(media.codec.clock_rate_hz()),
            path: Box::new(path),
            dtmf: DtmfReceiver::new(),
            seal,
            media,
            filtered: false,
            drops_seen: 0,
        }
    }

    pub fn codec(&self) -> Codec {
        self.path.decoder.codec()
    }

    /// Rate of the audio that [`Receiver::pull`] gives.
    pub fn rate(&self) -> SampleRate {
        self.codec().sample_rate()
    }

    /// Who is heard and sent to.
    pub fn source(&self) -> &SourceLock {
        self.peer.source()
    }

    /// Milliseconds that the audio given out now is late.
    pub fn delay_ms(&self) -> u32 {
        self.path.playout.statistics().delay_ms
    }

    /// How the peer sounds here (RFC 3611 §4.7).
    pub fn voip_metrics(&self, round_trip: Option<Duration>) -> VoipMetrics {
        let (reception, jitter) = (self.reception.snapshot(), self.path.playout.statistics());
        let pattern = self.path.playout.loss_pattern();
        let expected = (reception.received + reception.lost).max(1);
        let rate = |packets: u64| (packets * 256 / expected).min(255) as u8;
        let ptime_ms = u64::from(self.media.ptime.ms());
        let word = |value: u64| value.min(u64::from(u16::MAX)) as u16;
        let discarded = jitter.late + jitter.skipped + jitter.overflowed;
        let round_trip_ms = round_trip.map_or(0, |time| time.as_millis() as u64);
        let own_ms = ptime_ms + u64::from(jitter.delay_ms);
        let missing = 100.0 * (reception.lost + discarded) as f32 / expected as f32;
        let heard = estimate_mos(0.0, missing);
        let talked = estimate_mos(own_ms as f32 + round_trip_ms as f32 / 2.0, missing);
        VoipMetrics {
            loss_rate: rate(reception.lost),
            discard_rate: rate(discarded),
            burst_density: pattern.burst_density,
            gap_density: pattern.gap_density,
            burst_ms: word(pattern.burst_packets * ptime_ms),
            gap_ms: word(pattern.gap_packets * ptime_ms),
            round_trip_ms: word(round_trip_ms),
            end_system_delay_ms: word(own_ms),
            r_factor: talked.r.round() as u8,
            mos_listening: (heard.mos * 10.0).round() as u8,
            mos_conversation: (talked.mos * 10.0).round() as u8,
            jitter_buffer_ms: word(u64::from(jitter.target_ms)),
            jitter_buffer_max_ms: word(u64::from(jitter.delay_max_ms)),
            jitter_buffer_limit_ms: word(u64::from(JitterConfig::default().delay_max_ms)),
        }
    }

    /// For RTCP.
    pub fn reception(&mut self) -> &mut ReceiverStatistics {
        &mut self.reception
    }

    /// Follows a renegotiation. A `path` for another codec gives way to the old one.
    pub fn renegotiate(
        &mut self,
        media: NegotiatedMedia,
        path: Option<&mut Box<DecodePath>>,
        socket: &Socket,
    ) {
        self.peer.renegotiate(media.remote_rtp);
        if self.source().peer().is_none() && std::mem::take(&mut self.filtered) {
            sockets::admit_all(socket);
        }
        if let Some(path) = path {
            std::mem::swap(&mut self.path, path);
            self.reception.set_clock_rate(media.codec.clock_rate_hz());
        }
        self.media = media;
    }

    /// Follows a change of the peer's key.
    pub fn follow_keys(&mut self, now: MonoTime, update: &mut KeyUpdate) {
        self.seal.follow(now, update);
    }

    /// Empties the socket. Returns whether audio or key presses from the peer were among what it
    /// held.
    pub fn receive(
        &mut self,
        socket: &Socket,
        batch: &mut RecvBatch,
        clock: ArrivalClock,
        rtcp: &mut RtcpSession,
        events: &mut EventPort,
        counters: &Counters,
    ) -> bool {
        let mut arrived = false;
        for _ in 0..PACKETS_PER_TICK / BATCH_PACKETS {
            let packets = batch.receive(socket);
            for index in 0..packets {
                match batch.packet(index, clock) {
                    Some(datagram) => {
                        arrived |= self.take(&datagram, clock.now, rtcp, events, counters);
                    }
                    None => count(&counters.malformed),
                }
            }
            if packets < BATCH_PACKETS {
                break;
            }
        }
        if arrived && !self.filtered {
            self.filter(socket);
        }
        arrived
    }

    fn take(
        &mut self,
        datagram: &Datagram<'_>,
        now: MonoTime,
        rtcp: &mut RtcpSession,
        events: &mut EventPort,
        counters: &Counters,
    ) -> bool {
        if looks_like_rtcp(datagram.bytes) {
            self.take_rtcp(datagram, now, rtcp, counters);
            return false;
        }
        if !self.source().may_be(datagram.from) {
            count(&counters.foreign);
            return false;
        }
        let mut readable = [0; DATAGRAM_BYTES_MAX];
        let Some(bytes) = self.unseal(now, datagram.bytes, Unprotector::rtp, &mut readable) else {
            count(&counters.unauthentic);
            return false;
        };
        let Ok(packet) = RtpPacket::parse(bytes) else {
            count(&counters.malformed);
            return false;
        };
        let authentic = self.seal.is_used();
        match self.peer.admit(datagram.arrival, datagram.from, &packet, authentic) {
            Admission::Accept => self.accept(&packet, datagram.arrival, now, events, counters),
            Admission::Doubtful => {
                count(&counters.unauthentic);
                false
            }
            Admission::Learning => false,
            Admission::Foreign => {
                count(&counters.foreign);
                false
            }
        }
    }

    /// Takes a datagram that is RTCP, from either port. Round trips count from its arrival: the
    /// port is read rarely, and the wait for that is no travel.
    pub fn take_rtcp(
        &mut self,
        datagram: &Datagram<'_>,
        now: MonoTime,
        rtcp: &mut RtcpSession,
        counters: &Counters,
    ) {
        if !self.source().admits_rtcp(datagram.from) {
            return count(&counters.foreign);
        }
        let mut readable = [0; DATAGRAM_BYTES_MAX];
        match self.unseal(now, datagram.bytes, Unprotector::rtcp, &mut readable) {
            None => count(&counters.unauthentic),
            Some(bytes) if rtcp.on_rtcp(datagram.arrival, bytes).is_ok() => {}
            Some(_) => count(&counters.malformed),
        }
    }

    /// What a datagram says, if the peer wrote it. Protected packets become readable in `room`.
    fn unseal<'a>(
        &mut self,
        now: MonoTime,
        bytes: &'a [u8],
        open: fn(&mut Unprotector, &mut [u8]) -> Result<usize, SrtpError>,
        room: &'a mut [u8; DATAGRAM_BYTES_MAX],
    ) -> Option<&'a [u8]> {
        if !self.seal.is_used() {
            return Some(bytes);
        }
        let packet = &mut room[..bytes.len()];
        packet.copy_from_slice(bytes);
        let length = self.seal.open(now, packet, open).ok()?;
        Some(&packet[..length])
    }

    fn accept(
        &mut self,
        packet: &RtpPacket<'_>,
        arrival: MonoTime,
        now: MonoTime,
        events: &mut EventPort,
        counters: &Counters,
    ) -> bool {
        let kind = packet.payload_type;
        let voice = kind == self.media.receive_payload_type;
        if voice || kind == COMFORT_NOISE {
            if voice {
                self.reception.on_packet(arrival, packet);
            } else {
                self.reception.on_event_packet(packet);
            }
            self.path.playout.insert(arrival, packet);
        } else {
            self.reception.on_event_packet(packet);
            self.path.playout.pass_over(arrival, packet);
            if self.media.receive_telephone_event != Some(kind) {
                count(&counters.malformed);
                return false;
            }
            if let Some(digit) = self.dtmf.on_event(arrival, packet.timestamp, packet.payload) {
                events.push(AudioEvent::Dtmf { at: now, digit: digit.as_char() });
            }
        }
        true
    }

    /// Fills `out` with what is to be heard now. Returns whether the peer has a stream at all.
    pub fn pull(&mut self, deadline: MonoTime, out: &mut [i16], counters: &Counters) {
        let DecodePath { decoder, playout } = &mut *self.path;
        let pulled = playout.pull(deadline, out, decoder);
        if pulled.concealed > 0 {
            let micros = pulled.concealed as u64 * 1_000_000 / u64::from(self.rate().hz());
            add(&counters.concealed_us, micros);
        }
    }

    /// Publishes figures, once in a while.
    pub fn publish(&mut self, socket: &Socket, counters: &Counters) {
        let reception = self.reception.snapshot();
        let jitter = self.path.playout.statistics();
        for (counter, value) in [
            (&counters.rtp_received, reception.received),
            (&counters.rtp_lost, reception.lost),
            (&counters.duplicates, reception.duplicates),
            (&counters.reordered, reception.reordered),
            (&counters.late, jitter.late + jitter.skipped + jitter.overflowed),
        ] {
            counter.store(value, Ordering::Relaxed);
        }
        counters.jitter_us.store(reception.jitter_us, Ordering::Relaxed);
        counters.playout_delay_us.store(jitter.delay_ms * 1_000, Ordering::Relaxed);
        if self.filtered {
            let drops = sockets::drops(socket);
            add(&counters.foreign, u64::from(drops.wrapping_sub(self.drops_seen)));
            self.drops_seen = drops;
        }
    }

    /// Once the peer is known, strangers are the kernel's business. The address in SDP stays
    /// welcome beside a learned one.
    fn filter(&mut self, socket: &Socket) {
        if let Some(peer) = self.source().peer() {
            self.drops_seen = sockets::drops(socket);
            sockets::admit_only(socket, [peer, self.media.remote_rtp]);
            self.filtered = true;
        }
    }
}
