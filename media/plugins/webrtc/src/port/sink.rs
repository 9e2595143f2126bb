//! To the peer: the tick puts sound in, a task takes packets out.

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

use media_core::codec::{CodecPlugin, PacketEncoder};
use media_core::plugin::AudioSink;
use media_core::{OpusFormat, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};
use ring::rand::{SecureRandom, SystemRandom};
use rtrb::{Consumer, Producer, RingBuffer};

use super::{Counts, LEAVING_DEPTH, Packet};
use crate::PeerError;

/// A way out: what the tick holds, and what the task holds. Allocates; to be called in a runtime.
///
/// # Errors
/// [`PeerError::Codec`], [`PeerError::Wake`], [`PeerError::Random`].
pub fn sink(
    codec: &Arc<dyn CodecPlugin>,
    format: OpusFormat,
    counts: &Arc<Counts>,
) -> Result<(LocalSink, Outbound), PeerError> {
    let encoder = codec.encoder(format)?;
    let (bell, ear) = Bell::hang().map_err(PeerError::Wake)?;
    let (packets, packets_out) = RingBuffer::new(LEAVING_DEPTH);
    let next = first_packet()?;
    let ssrc = next.ssrc;
    let sink = LocalSink { packets, encoder, next, counts: Arc::clone(counts), bell };
    Ok((sink, Outbound { packets: packets_out, bell: ear, ssrc }))
}

/// Streams begin at random places (RFC 3550 §5.1).
fn first_packet() -> Result<Packet, PeerError> {
    let mut random = [0; 10];
    SystemRandom::new().fill(&mut random).map_err(|_| PeerError::Random)?;
    let [s0, s1, s2, s3, q0, q1, t0, t1, t2, t3] = random;
    let mut packet = Packet::new(
        Ssrc(u32::from_be_bytes([s0, s1, s2, s3])),
        SequenceNumber(u16::from_be_bytes([q0, q1])),
        RtpTimestamp(u32::from_be_bytes([t0, t1, t2, t3])),
    );
    packet.marker = true;
    Ok(packet)
}

/// What the peer is to hear, from the audio thread. Real-time safe: a push encodes, and rings a bell,
/// which never waits.
///
/// Dropping it frees memory and closes a descriptor, so that it belongs into the graveyard like a
/// line.
pub struct LocalSink {
    packets: Producer<Packet>,
    encoder: Box<dyn PacketEncoder>,
    /// The next packet's place in the stream.
    next: Packet,
    counts: Arc<Counts>,
    /// Dropped after the ring, so that the task sees that nothing comes any more.
    bell: Bell,
}

impl AudioSink for LocalSink {
    fn sample_rate(&self) -> SampleRate {
        SampleRate::Hz48000
    }

    fn push(&mut self, frame: &[i16]) {
        let encoder = &mut self.encoder;
        self.next.write_payload(|out| encoder.encode(frame, out));
        let made = !self.next.payload().is_empty();
        let kept = made && self.packets.push(self.next).is_ok();
        self.counts.count_departure(kept);
        // A number that is never sent shows the peer that something was lost.
        self.next.sequence = self.next.sequence.next();
        self.next.timestamp = self.next.timestamp.advance(frame.len() as u32);
        self.next.marker = false;
        if kept {
            self.bell.ring();
        }
    }

    fn pass(&mut self, samples: usize) {
        self.next.timestamp = self.next.timestamp.advance(samples as u32);
        self.next.marker = true;
    }
}

/// What wakes the task: a ring cannot, and the runtime's own means take locks. Datagrams, because
/// nobody gets a signal for one that is not received.
struct Bell(UnixDatagram);

impl Bell {
    /// The bell and who hears it.
    fn hang() -> std::io::Result<(Bell, tokio::net::UnixDatagram)> {
        let (bell, ear) = UnixDatagram::pair()?;
        bell.set_nonblocking(true)?;
        ear.set_nonblocking(true)?;
        Ok((Bell(bell), tokio::net::UnixDatagram::from_std(ear)?))
    }

    fn ring(&self) {
        // One that finds no room was preceded by enough, and one that nobody hears wakes nobody.
        let _ = self.0.send(&[1]);
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ring();
    }
}

/// Where the task takes packets from.
pub struct Outbound {
    packets: Consumer<Packet>,
    bell: tokio::net::UnixDatagram,
    ssrc: Ssrc,
}

impl Outbound {
    /// Names our stream.
    #[must_use]
    pub fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// The next packet, once the tick has made one; `None` when its end is gone, and when the
    /// runtime is about to be. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Packet> {
        loop {
            // Asked for before the ring is looked at: what comes after it is then not missed.
            let gone = self.packets.is_abandoned();
            if let Ok(packet) = self.packets.pop() {
                return Some(packet);
            }
            if gone {
                return None;
            }
            self.bell.readable().await.ok()?;
            // All that were rung: those who ring from here on wake us again.
            for _ in 0..2 * LEAVING_DEPTH {
                if self.bell.try_recv(&mut [0]).is_err() {
                    break;
                }
            }
        }
    }
}
