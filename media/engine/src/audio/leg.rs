//! An RTP leg: sockets, both ways, RTCP.

use media_core::codec::{CodecError, Codecs, Decoder, Encoder};
use media_core::resample::Resampler;
use media_core::rtp::srtp::SRTP_BYTES_ADDED_MAX;
use media_core::rtp::{RtcpSession, RtpStream, VoipMetrics};
use media_core::{MonoTime, NegotiatedMedia, SampleRate};
use socket2::{SockAddr, Socket};
use std::sync::atomic::Ordering;

use super::EventPort;
use super::protection::{self, KeyUpdate};
use super::receiver::{DecodePath, Receiver};
use super::sender::{self, EncodePath, Sender};
use crate::clock::Clock;
use crate::ports::{PortLease, RtpPort};
use crate::random::Random;
use crate::rings::FRAME_SAMPLES;
use crate::sockets::{ArrivalClock, RecvBatch};
use crate::statistics::Counters;

/// A compound of one report, a name and a goodbye is shorter.
const PLAIN_RTCP_BYTES: usize = 256;
const RTCP_BYTES: usize = PLAIN_RTCP_BYTES + SRTP_BYTES_ADDED_MAX;

/// One peer of a line. Real-time safe once built.
pub(crate) struct Leg {
    rtp: Socket,
    rtcp_socket: Socket,
    rtcp_to: SockAddr,
    /// Both on one port (RFC 5761).
    muxed: bool,
    receiver: Receiver,
    sender: Sender,
    rtcp: RtcpSession,
    media: NegotiatedMedia,
    line_rate: SampleRate,
    /// Only while the codec's rate is not the line's, which is after a change of codec.
    rates: Option<Box<Rates>>,
    /// Last, so that the ports are given back after the sockets are closed.
    _lease: PortLease,
}

/// What a leg is made of.
pub(crate) struct LegParts {
    pub port: RtpPort,
    pub media: NegotiatedMedia,
    pub coders: Coders,
    pub line_rate: SampleRate,
    pub tick_ms: u32,
    pub now: MonoTime,
}

/// Converts between the codec's rate and the line's.
pub(crate) struct Rates {
    pub up: Resampler,
    pub down: Resampler,
}

/// A renegotiation, with everything built that it needs. What it replaces goes back into it, to
/// be freed elsewhere.
pub(crate) struct MediaUpdate {
    /// Without its keys.
    media: NegotiatedMedia,
    keys: KeyUpdate,
    codec: Option<CodecUpdate>,
    /// What we send is another stream from now on.
    stream: Option<RtpStream>,
    at: MonoTime,
}

struct CodecUpdate {
    encode: Box<EncodePath>,
    decode: Box<DecodePath>,
    rates: Option<Box<Rates>>,
}

/// Both directions of a codec.
pub(crate) struct Coders {
    pub encoder: Encoder,
    pub decoder: Decoder,
}

impl Coders {
    /// For what was negotiated. Allocates.
    pub fn new(codecs: &Codecs, media: &NegotiatedMedia) -> Result<Self, CodecError> {
        Ok(Self { encoder: codecs.encoder(media)?, decoder: codecs.decoder(media.codec)? })
    }
}

impl MediaUpdate {
    /// From what was agreed on before to `media`. Allocates.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn new(
        before: &NegotiatedMedia,
        media: &NegotiatedMedia,
        codecs: &Codecs,
        line_rate: SampleRate,
        tick_ms: u32,
    ) -> Result<Self, CodecError> {
        let keys = KeyUpdate::new(before.srtp.as_ref(), media.srtp.as_ref());
        let (media, at) = (media.without_keys(), Clock::new().now());
        let (codec, clock) = (before.codec, before.codec.clock_rate_hz());
        let mut random = Random::from_system();
        // Where the clock of the RTP timestamps changes, the stream is another one (RFC 7160 §4.1). So it
        // is under another key: peers do not agree whether its packets are counted on then, and of one
        // that begins all do.
        let another_clock = clock != media.codec.clock_rate_hz();
        let another = another_clock || keys.protects_anew();
        let stream = another.then(|| sender::stream(&mut random));
        if codec == media.codec && before.opus == media.opus {
            return Ok(Self { media, keys, codec: None, stream, at });
        }
        let Coders { encoder, decoder } = Coders::new(codecs, &media)?;
        let codec = CodecUpdate {
            encode: Box::new(EncodePath::new(encoder)),
            decode: Box::new(DecodePath::new(&media, decoder, tick_ms, &mut random)),
            rates: Rates::between(media.codec.sample_rate(), line_rate),
        };
        Ok(Self { media, keys, codec: Some(codec), stream, at })
    }
}

impl Rates {
    /// Converters from `codec` up to `line` and back down, if the two differ. Allocates.
    pub fn between(codec: SampleRate, line: SampleRate) -> Option<Box<Self>> {
        (codec != line).then(|| {
            Box::new(Self { up: Resampler::new(codec, line), down: Resampler::new(line, codec) })
        })
    }
}

impl Leg {
    pub fn new(parts: LegParts) -> Self {
        let LegParts { port, media, coders, line_rate, tick_ms, now } = parts;
        let RtpPort { rtp, rtcp, lease, .. } = port;
        let mut random = Random::from_system();
        let (protector, seal) = protection::both(media.srtp.as_ref());
        let media = media.without_keys();
        let path = DecodePath::new(&media, coders.decoder, tick_ms, &mut random);
        let sender = Sender::new(media.clone(), coders.encoder, protector, &mut random);
        let cname = format!("{:016x}", random.next_u64());
        let session = RtcpSession::new(sender.ssrc(), &cname, media.codec.clock_rate_hz(), now);
        Self {
            rtp,
            rtcp_socket: rtcp,
            rtcp_to: SockAddr::from(media.remote_rtcp),
            muxed: media.remote_rtcp == media.remote_rtp,
            receiver: Receiver::new(media.clone(), path, seal),
            sender,
            rtcp: session,
            rates: Rates::between(media.codec.sample_rate(), line_rate),
            media,
            line_rate,
            _lease: lease,
        }
    }

    /// Follows a renegotiation; swaps old parts into `update`.
    pub fn renegotiate(&mut self, update: &mut MediaUpdate) {
        // It has no keys, so nothing is shared and nothing freed.
        self.media = update.media.clone();
        self.rtcp_to = SockAddr::from(self.media.remote_rtcp);
        self.muxed = self.media.remote_rtcp == self.media.remote_rtp;
        let (encode, decode) = match &mut update.codec {
            Some(codec) => {
                std::mem::swap(&mut self.rates, &mut codec.rates);
                (Some(&mut codec.encode), Some(&mut codec.decode))
            }
            None => (None, None),
        };
        if let Some(stream) = update.stream.take() {
            let clock_rate_hz = self.media.codec.clock_rate_hz();
            self.rtcp.restart(update.at, stream.ssrc(), clock_rate_hz);
            self.sender.start_over(stream);
        }
        self.sender.renegotiate(self.media.clone(), encode, &mut update.keys);
        self.receiver.renegotiate(self.media.clone(), decode, &self.rtp);
        self.receiver.follow_keys(update.at, &mut update.keys);
        self.sender.aim(self.receiver.source().destination());
    }

    /// Whether the peer is to send.
    pub fn expects_media(&self) -> bool {
        self.media.direction.receives()
    }

    /// Whether we send audio now: not on hold, and not while keys are pressed.
    pub fn speaks(&self) -> bool {
        self.sender.may_send() && !self.sender.is_pressing()
    }

    /// Presses a key.
    pub fn press(&mut self, digit: char) {
        self.sender.press(digit);
    }

    /// Takes what arrived. Returns whether media from the peer did.
    pub fn receive(
        &mut self,
        batch: &mut RecvBatch,
        clock: ArrivalClock,
        events: &mut EventPort,
        counters: &Counters,
    ) -> bool {
        let (socket, rtcp) = (&self.rtp, &mut self.rtcp);
        let arrived = self.receiver.receive(socket, batch, clock, rtcp, events, counters);
        if arrived {
            self.sender.aim(self.receiver.source().destination());
        }
        arrived
    }

    /// Fills `out`, at the line's rate, with what the peer said.
    pub fn pull(&mut self, deadline: MonoTime, out: &mut [i16], counters: &Counters) {
        let Some(rates) = &mut self.rates else {
            return self.receiver.pull(deadline, out, counters);
        };
        let mut pcm = [0; FRAME_SAMPLES];
        let length = scaled(out.len(), self.line_rate, self.receiver.rate());
        let pcm = &mut pcm[..length];
        self.receiver.pull(deadline, pcm, counters);
        let made = rates.up.process(pcm, out);
        out[made..].fill(0);
    }

    /// When the audio of [`Leg::pull`] arrived that is given out at `deadline`.
    pub fn arrival_of(&self, deadline: MonoTime) -> MonoTime {
        deadline - std::time::Duration::from_millis(u64::from(self.receiver.delay_ms()))
    }

    /// Sends one tick of audio at the line's rate; on hold only time passes.
    pub fn send(&mut self, now: MonoTime, pcm: &[i16], tick_ms: u32, counters: &Counters) {
        if !self.sender.may_send() {
            return self.sender.pass(tick_ms);
        }
        let mut converted = [0; FRAME_SAMPLES];
        let pcm = match &mut self.rates {
            None => pcm,
            Some(rates) => {
                let length = scaled(pcm.len(), self.line_rate, self.sender.rate());
                let made = rates.down.process(pcm, &mut converted[..length]);
                converted[made..].fill(0);
                &converted[..length]
            }
        };
        self.sender.send(now, pcm, &self.rtp, &mut self.rtcp, counters);
    }

    /// Ticks were left out: media time goes on without packets.
    pub fn skip(&mut self, ms: u32) {
        self.sender.pass(ms);
    }

    /// Reads the peer's reports and sends ours, when due. Called every so many ticks.
    pub fn exchange_reports(
        &mut self,
        batch: &mut RecvBatch,
        clock: ArrivalClock,
        counters: &Counters,
    ) {
        for index in 0..batch.receive(&self.rtcp_socket) {
            if let Some(datagram) = batch.packet(index, clock) {
                self.receiver.take_rtcp(&datagram, clock.now, &mut self.rtcp, counters);
            }
        }
        if self.rtcp.is_due(clock.now) {
            if self.media.voip_metrics {
                let metrics = self.receiver.voip_metrics(self.rtcp.remote().round_trip);
                self.rtcp.tell_voip_metrics(metrics);
            }
            let mut bytes = [0; RTCP_BYTES];
            let (reception, room) = (self.receiver.reception(), &mut bytes[..PLAIN_RTCP_BYTES]);
            if let Ok(length) = self.rtcp.write_report(clock.now, reception, room) {
                self.send_rtcp(&mut bytes, length);
            }
        }
        self.publish_reports(counters);
    }

    /// Says goodbye.
    pub fn farewell(&mut self, now: MonoTime) {
        let mut bytes = [0; RTCP_BYTES];
        let (reception, room) = (self.receiver.reception(), &mut bytes[..PLAIN_RTCP_BYTES]);
        if let Ok(length) = self.rtcp.write_goodbye(now, reception, room) {
            self.send_rtcp(&mut bytes, length);
        }
    }

    /// Publishes figures.
    pub fn publish(&mut self, counters: &Counters) {
        self.receiver.publish(&self.rtp, counters);
        counters.set_remote(self.receiver.source().destination());
    }

    fn publish_reports(&self, counters: &Counters) {
        let remote = self.rtcp.remote();
        counters.peer_fraction_lost.store(u32::from(remote.fraction_lost), Ordering::Relaxed);
        if let Some(voip) = remote.voip.filter(|voip| voip.mos_conversation < VoipMetrics::UNKNOWN)
        {
            counters.peer_mos_tenths.store(u32::from(voip.mos_conversation), Ordering::Relaxed);
        }
        if let Some(round_trip) = remote.round_trip {
            let micros = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX);
            counters.round_trip_us.store(micros, Ordering::Relaxed);
        }
    }

    /// Sends the report that is the first `length` bytes of `buffer`, protected where that is agreed.
    fn send_rtcp(&mut self, buffer: &mut [u8; RTCP_BYTES], length: usize) {
        if self.media.remote_rtcp.port() == 0 || self.media.remote_rtcp.ip().is_unspecified() {
            return;
        }
        let Some(length) = self.sender.protect_report(buffer, length) else { return };
        let bytes = &buffer[..length];
        let socket = if self.muxed { &self.rtp } else { &self.rtcp_socket };
        // A report that is lost is followed by the next.
        let _ = socket.send_to(bytes, &self.rtcp_to);
    }
}

/// `samples` at `from` take this many at `to`.
fn scaled(samples: usize, from: SampleRate, to: SampleRate) -> usize {
    (samples * to.hz() as usize / from.hz() as usize).min(FRAME_SAMPLES)
}
