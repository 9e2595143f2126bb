//! Linear audio to RTP packets on the wire.

use std::net::SocketAddr;
use std::time::Duration;

use media_core::codec::Encoder;
use media_core::rtp::srtp::{Protector, SRTP_BYTES_ADDED_MAX};
use media_core::rtp::{Digit, DtmfSender, HEADER_BYTES, RtcpSession, RtpStream};
use media_core::{
    Codec, MonoTime, NegotiatedMedia, RtpTimestamp, SampleRate, SequenceNumber, Ssrc,
};
use socket2::{SockAddr, Socket};

use super::protection::KeyUpdate;
use crate::random::Random;
use crate::statistics::{Counters, count};

/// The longest packet, and one tick that joins on.
const PENDING_MS: u32 = 60 + 20;

/// The longest payload: a frame of Opus. 60 ms of G.711 or G.722 are 480.
const PAYLOAD_BYTES_MAX: usize = 1_275;

/// Eleven minutes of 20 ms lie between any beginning and the first wrap.
const FIRST_SEQUENCE_MASK: u16 = 0x7FFF;

/// How long a key press lasts that we send.
const PRESS: Duration = Duration::from_millis(120);

/// One leg's way out. Real-time safe.
pub(crate) struct Sender {
    stream: RtpStream,
    /// Boxed, so that a change of codec can swap it in the tick.
    path: Box<EncodePath>,
    dtmf: DtmfSender,
    protector: Option<Box<Protector>>,
    media: NegotiatedMedia,
    to: SockAddr,
    to_addr: SocketAddr,
    /// The next packet begins a talk spurt: the first one, or one after a gap.
    marker: bool,
}

/// What depends on the codec.
pub(crate) struct EncodePath {
    encoder: Encoder,
    /// Audio that waits for its packet to fill: the first `filled` samples.
    pending: Box<[i16]>,
    filled: usize,
}

impl EncodePath {
    /// Takes its memory; call it outside the tick.
    pub fn new(encoder: Encoder) -> Self {
        let room = encoder.codec().sample_rate().samples_in_ms(PENDING_MS);
        Self { encoder, pending: vec![0; room].into_boxed_slice(), filled: 0 }
    }

    fn rate(&self) -> SampleRate {
        self.encoder.codec().sample_rate()
    }

    fn append(&mut self, pcm: &[i16]) {
        let room = &mut self.pending[self.filled..];
        let length = pcm.len().min(room.len());
        room[..length].copy_from_slice(&pcm[..length]);
        self.filled += length;
    }

    fn drop_first(&mut self, samples: usize) {
        self.pending.copy_within(samples..self.filled, 0);
        self.filled -= samples;
    }
}

/// A stream with random beginnings (RFC 3550 §5.1). The first number is in the lower half: a peer that
/// misses the first packets of an SRTP stream takes what it hears first for packets before the first
/// wrap, and would never believe one again if they were not (RFC 3711 §3.3.1).
pub(super) fn stream(random: &mut Random) -> RtpStream {
    let sequence = SequenceNumber(random.next_u32() as u16 & FIRST_SEQUENCE_MASK);
    let timestamp = RtpTimestamp(random.next_u32());
    RtpStream::new(Ssrc(random.next_u32()), sequence, timestamp)
}

impl Sender {
    pub fn new(
        media: NegotiatedMedia,
        encoder: Encoder,
        protector: Option<Box<Protector>>,
        random: &mut Random,
    ) -> Self {
        Self {
            protector,
            stream: stream(random),
            path: Box::new(EncodePath::new(encoder)),
            dtmf: DtmfSender::new(media.telephone_event_hz),
            to: SockAddr::from(media.remote_rtp),
            to_addr: media.remote_rtp,
            media,
            marker: true,
        }
    }

    pub fn ssrc(&self) -> Ssrc {
        self.stream.ssrc()
    }

    pub fn codec(&self) -> Codec {
        self.path.encoder.codec()
    }

    /// Rate of the audio that [`Sender::send`] takes.
    pub fn rate(&self) -> SampleRate {
        self.path.rate()
    }

    /// Whether anything may be sent: the direction says so, and there is an address.
    pub fn may_send(&self) -> bool {
        self.media.direction.sends()
            && self.to_addr.port() != 0
            && !self.to_addr.ip().is_unspecified()
    }

    /// Whether key presses are being sent, so that speech is to wait.
    pub fn is_pressing(&self) -> bool {
        self.dtmf.is_active()
    }

    /// From now on packets go to `to`.
    pub fn aim(&mut self, to: SocketAddr) {
        if self.to_addr != to {
            self.to_addr = to;
            self.to = SockAddr::from(to);
        }
    }

    /// Presses a key. Without agreed telephone events nothing happens.
    pub fn press(&mut self, digit: char) {
        if self.media.send_telephone_event.is_some()
            && let Some(digit) = Digit::from_char(digit)
        {
            let _ = self.dtmf.start(digit, PRESS);
        }
    }

    /// Goes on as another stream.
    pub fn start_over(&mut self, stream: RtpStream) {
        self.stream = stream;
    }

    /// Follows a renegotiation. A `path` for another codec gives way to the old one, and so does
    /// another key.
    pub fn renegotiate(
        &mut self,
        media: NegotiatedMedia,
        path: Option<&mut Box<EncodePath>>,
        keys: &mut KeyUpdate,
    ) {
        if let Some(protector) = &mut keys.protector {
            std::mem::swap(&mut self.protector, protector);
        }
        if self.media.telephone_event_hz != media.telephone_event_hz {
            self.dtmf = DtmfSender::new(media.telephone_event_hz);
        }
        self.media = media;
        if let Some(path) = path {
            std::mem::swap(&mut self.path, path);
            self.path.filled = 0;
            self.marker = true;
        }
    }

    /// Protects the report that is the first `length` bytes of `buffer`, where that is agreed; its
    /// length, or nothing if it is not to be sent.
    pub fn protect_report(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        match &mut self.protector {
            Some(protector) => protector.rtcp(buffer, length).ok(),
            None => Some(length),
        }
    }

    /// Lets media time pass without sending; what waited for its packet to fill is left out.
    pub fn pass(&mut self, ms: u32) {
        let waited = std::mem::take(&mut self.path.filled) as u64;
        let (clock, rate) = (self.codec().clock_rate_hz(), self.rate().hz());
        let waited = waited * u64::from(clock) / u64::from(rate);
        self.stream.advance(ms * (clock / 1_000) + waited as u32);
        self.marker = true;
    }

    /// Takes one tick of audio and sends what makes whole packets.
    pub fn send(
        &mut self,
        now: MonoTime,
        pcm: &[i16],
        socket: &Socket,
        rtcp: &mut RtcpSession,
        counters: &Counters,
    ) {
        self.path.append(pcm);
        let length = self.rate().samples_in_ms(self.media.ptime.ms());
        while self.path.filled >= length {
            self.send_packet(now, length, socket, rtcp, counters);
            self.path.drop_first(length);
        }
    }

    fn send_packet(
        &mut self,
        now: MonoTime,
        length: usize,
        socket: &Socket,
        rtcp: &mut RtcpSession,
        counters: &Counters,
    ) {
        let ptime_ms = self.media.ptime.ms();
        let at = self.stream.timestamp();
        let event_ticks = ptime_ms * (self.media.telephone_event_hz / 1_000);
        let event = self
            .media
            .send_telephone_event
            .and_then(|kind| Some((kind, self.dtmf.next_packet(at, event_ticks)?)));
        let mut payload = [0; PAYLOAD_BYTES_MAX];
        let (packet, payload_bytes) = match &event {
            Some((kind, event)) => {
                self.marker = true;
                let payload = &event.payload;
                let packet = self.stream.packet_at(*kind, event.marker, event.timestamp, payload);
                (packet, payload.len())
            }
            None => {
                let EncodePath { encoder, pending, .. } = &mut *self.path;
                let bytes = encoder.encode(&pending[..length], &mut payload);
                let marker = std::mem::take(&mut self.marker);
                let kind = self.media.send_payload_type;
                (self.stream.packet(kind, marker, &payload[..bytes]), bytes)
            }
        };
        let mut bytes = [0; HEADER_BYTES + PAYLOAD_BYTES_MAX + SRTP_BYTES_ADDED_MAX];
        let written = packet.write(&mut bytes).ok();
        self.stream.advance(ptime_ms * (self.codec().clock_rate_hz() / 1_000));
        let written = written.and_then(|length| match &mut self.protector {
            Some(protector) => protector.rtp(&mut bytes, length).ok(),
            None => Some(length),
        });
        let Some(written) = written else { return };
        match socket.send_to(&bytes[..written], &self.to) {
            Ok(_) => {
                rtcp.on_sent(now, at, payload_bytes);
                count(&counters.rtp_sent);
            }
            Err(_) => count(&counters.rtp_send_errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stream_begins_within_ten_minutes_of_its_first_wrap() {
        let mut random = Random::from_system();
        for _ in 0..1_000 {
            let mut stream = stream(&mut random);
            let packet = stream.packet(media_core::PayloadType(0), false, &[]);
            assert!(packet.sequence.0 <= FIRST_SEQUENCE_MASK, "{}", packet.sequence.0);
        }
    }
}
