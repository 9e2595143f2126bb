//! From the peer: a task puts packets in, the tick takes sound out.

use std::sync::Arc;

use media_core::codec::{CodecPlugin, Codecs, Decoder};
use media_core::jitter::{JitterConfig, PacketLength};
use media_core::playout::{Playout, Pulled};
use media_core::plugin::AudioSource;
use media_core::rtp::RtpPacket;
use media_core::{Codec, MonoTime, Ptime, SampleRate};
use rtrb::{Consumer, Producer, RingBuffer};

use super::packet::PAYLOAD_BYTES_MAX;
use super::{ARRIVED_DEPTH, Counts, Packet};
use crate::PeerError;

/// A way in: what the task holds, and what the tick holds. Allocates.
///
/// `tick_ms`: how much the tick pulls at a time.
///
/// # Errors
/// [`PeerError::Codec`].
pub fn source(
    codec: &Arc<dyn CodecPlugin>,
    tick_ms: u32,
    counts: &Arc<Counts>,
) -> Result<(Inbound, RemoteSource), PeerError> {
    let decoder = Codecs::default().with(Arc::clone(codec)).decoder(Codec::Opus)?;
    let (packets_in, packets) = RingBuffer::new(ARRIVED_DEPTH);
    let config = JitterConfig {
        clock_rate_hz: Codec::Opus.clock_rate_hz(),
        ptime: Ptime::MS20,
        pull_ms: tick_ms,
        payload_bytes_max: PAYLOAD_BYTES_MAX,
        packet_length: PacketLength::of(Codec::Opus),
        ..JitterConfig::default()
    };
    // Opus conceals and has noise of its own, so the seed of ours is of no moment.
    let playout = Playout::new(config, SampleRate::Hz48000, 1);
    let inbound = Inbound { packets: packets_in, counts: Arc::clone(counts) };
    Ok((inbound, RemoteSource { packets, playout, decoder }))
}

/// Where the task puts what arrives.
pub struct Inbound {
    packets: Producer<Packet>,
    counts: Arc<Counts>,
}

impl Inbound {
    /// Puts a packet of the peer's in, that came `at`. Without room it is lost and counted.
    pub fn take(&mut self, at: MonoTime, packet: &RtpPacket<'_>) {
        let mut taken = Packet::new(packet.ssrc, packet.sequence, packet.timestamp);
        taken.at = at;
        taken.marker = packet.marker;
        let fits = taken.set_payload(packet.payload);
        self.counts.count_arrival(fits && self.packets.push(taken).is_ok());
    }

    /// Whether the tick's end is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.packets.is_abandoned()
    }
}

/// What the peer says, for the audio thread. Real-time safe.
pub struct RemoteSource {
    packets: Consumer<Packet>,
    playout: Playout,
    decoder: Decoder,
}

impl RemoteSource {
    fn insert_arrived(&mut self) {
        // As much as the ring holds: what arrives meanwhile waits for the next tick.
        for _ in 0..ARRIVED_DEPTH {
            let Ok(packet) = self.packets.pop() else { return };
            let rtp = RtpPacket {
                marker: packet.marker,
                // Only one codec is negotiated, so the peer's number for it says nothing.
                payload_type: Codec::Opus.usual_payload_type(),
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                ssrc: packet.ssrc,
                payload: packet.payload(),
            };
            self.playout.insert(packet.at, &rtp);
        }
    }
}

impl AudioSource for RemoteSource {
    fn sample_rate(&self) -> SampleRate {
        SampleRate::Hz48000
    }

    fn pull(&mut self, deadline: MonoTime, out: &mut [i16]) -> Pulled {
        self.insert_arrived();
        self.playout.pull(deadline, out, &mut self.decoder)
    }

    fn delay_ms(&self) -> u32 {
        self.playout.statistics().delay_ms
    }
}
