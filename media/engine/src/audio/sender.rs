//! Linear audio to RTP packets on the wire.

use std::net::SocketAddr;
use std::time::Duration;

use media_core::codec::Encoder;
use media_core::rtp::{Digit, DtmfSender, HEADER_BYTES, RtcpSession, RtpStream};
use media_core::{
    Codec, MonoTime, NegotiatedMedia, RtpTimestamp, SampleRate, SequenceNumber, Ssrc,
};
use socket2::{SockAddr, Socket};

use crate::random::Random;
use crate::statistics::{Counters, count};

/// All our codecs carry 64 kbit/s and have an RTP clock of 8 kHz: a byte is a clock tick.
const BYTES_PER_MS: usize = 8;

/// The longest packet, and one tick that joins on.
const PENDING_BYTES: usize = (60 + 20) * BYTES_PER_MS;

/// How long a key press lasts that we send.
const PRESS: Duration = Duration::from_millis(120);

/// One leg's way out. Real-time safe.
pub(crate) struct Sender {
    stream: RtpStream,
    encoder: Encoder,
    dtmf: DtmfSender,
    media: NegotiatedMedia,
    to: SockAddr,
    to_addr: SocketAddr,
    pending: [u8; PENDING_BYTES],
    filled: usize,
    /// The next packet begins a talk spurt: the first one, or one after a gap.
    marker: bool,
}

impl Sender {
    pub fn new(media: NegotiatedMedia, random: &mut Random) -> Self {
        let sequence = SequenceNumber(random.next_u32() as u16);
        let timestamp = RtpTimestamp(random.next_u32());
        Self {
            stream: RtpStream::new(Ssrc(random.next_u32()), sequence, timestamp),
            encoder: Encoder::new(media.codec),
            dtmf: DtmfSender::new(media.codec.clock_rate_hz()),
            media,
            to: SockAddr::from(media.remote_rtp),
            to_addr: media.remote_rtp,
            pending: [0; PENDING_BYTES],
            filled: 0,
            marker: true,
        }
    }

    pub fn ssrc(&self) -> Ssrc {
        self.stream.ssrc()
    }

    pub fn codec(&self) -> Codec {
        self.encoder.codec()
    }

    /// Rate of the audio that [`Sender::send`] takes.
    pub fn rate(&self) -> SampleRate {
        self.codec().sample_rate()
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

    /// Follows a renegotiation. `encoder`, if the codec is another one, gives way to the old one.
    pub fn renegotiate(&mut self, media: NegotiatedMedia, encoder: Option<&mut Encoder>) {
        self.media = media;
        if let Some(encoder) = encoder {
            std::mem::swap(&mut self.encoder, encoder);
            self.filled = 0;
            self.marker = true;
        }
    }

    /// Lets media time pass without sending; what waited for its packet to fill is left out.
    pub fn pass(&mut self, ms: u32) {
        self.stream.advance(ms * BYTES_PER_MS as u32 + self.filled as u32);
        self.filled = 0;
        self.marker = true;
    }

    /// Encodes one tick and sends what makes whole packets.
    pub fn send(
        &mut self,
        now: MonoTime,
        pcm: &[i16],
        socket: &Socket,
        rtcp: &mut RtcpSession,
        counters: &Counters,
    ) {
        self.filled += self.encoder.encode(pcm, &mut self.pending[self.filled..]);
        let length = self.media.ptime.ms() as usize * BYTES_PER_MS;
        while self.filled >= length {
            self.send_packet(now, length, socket, rtcp, counters);
            self.pending.copy_within(length..self.filled, 0);
            self.filled -= length;
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
        let mut bytes = [0; HEADER_BYTES + PENDING_BYTES];
        let ticks = length as u32;
        let at = self.stream.timestamp();
        let event = self
            .media
            .send_telephone_event
            .and_then(|kind| Some((kind, self.dtmf.next_packet(at, ticks)?)));
        let (packet, payload_bytes) = match &event {
            Some((kind, event)) => {
                self.marker = true;
                let payload = &event.payload;
                let packet = self.stream.packet_at(*kind, event.marker, event.timestamp, payload);
                (packet, payload.len())
            }
            None => {
                let marker = std::mem::take(&mut self.marker);
                let kind = self.media.send_payload_type;
                (self.stream.packet(kind, marker, &self.pending[..length]), length)
            }
        };
        let written = packet.write(&mut bytes);
        self.stream.advance(ticks);
        let Ok(written) = written else { return };
        match socket.send_to(&bytes[..written], &self.to) {
            Ok(_) => {
                rtcp.on_sent(now, at, payload_bytes);
                count(&counters.rtp_sent);
            }
            Err(_) => count(&counters.rtp_send_errors),
        }
    }
}
