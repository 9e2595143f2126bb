//! Offer and answer (RFC 3264): one value out of the two descriptions, from which both the SDP that
//! we send and the encoder's settings come, so that they cannot disagree.

#[cfg(test)]
mod tests;

use core::net::{IpAddr, SocketAddr};

use media_core::{Codec, Direction, NegotiatedMedia, PayloadType, Ptime};

use crate::sdp::{Description, LocalMedia, MediaLine, MediaShape, write};

/// Why there is no common media. All of them are a 488 to an offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NegotiationError {
    /// No audio line, or it is switched off.
    #[error("no audio offered")]
    NoAudio,
    /// SRTP or another profile that we do not speak.
    #[error("media profile not spoken here (only RTP/AVP)")]
    Profile,
    /// No codec in common.
    #[error("no common codec")]
    NoCodec,
    /// IPv6 only, multicast, or no address at all.
    #[error("no usable IPv4 media address")]
    Address,
}

/// An offer of the peer, accepted: what we agreed on, and the answer that says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    media: NegotiatedMedia,
    lines: Vec<MediaShape>,
}

impl Accepted {
    /// Accepts `offer` with the first offered codec among `codecs`: the offerer's order counts
    /// (RFC 3264 §6.1).
    ///
    /// # Errors
    /// [`NegotiationError`]: no audio line can be served. Of several lines the first that can is.
    pub fn offer(offer: &Description, codecs: &[Codec]) -> Result<Self, NegotiationError> {
        let mut fault = NegotiationError::NoAudio;
        let mut served = None;
        for (index, line) in offer.media.iter().enumerate() {
            match serve(line, codecs) {
                Ok(media) => {
                    served = Some((index, media));
                    break;
                }
                Err(NegotiationError::NoAudio) => {}
                Err(error) => fault = error,
            }
        }
        let (index, media) = served.ok_or(fault)?;
        let lines = offer.media.iter().enumerate();
        let lines =
            lines.map(|(i, line)| if i == index { MediaShape::Served } else { refused(line) });
        Ok(Self { media, lines: lines.collect() })
    }

    /// What was agreed.
    #[must_use]
    pub const fn media(&self) -> NegotiatedMedia {
        self.media
    }

    /// The media lines of the answer, the refused ones too.
    #[must_use]
    pub(crate) fn lines(&self) -> &[MediaShape] {
        &self.lines
    }

    /// The answer, for the same media.
    #[must_use]
    pub fn answer(&self, session: u64, version: u64, local_rtp: SocketAddr) -> String {
        let media = LocalMedia {
            codecs: vec![(self.media.codec, self.media.receive_payload_type)],
            telephone_event: self.media.receive_telephone_event,
            ptime: self.media.ptime,
            direction: self.media.direction,
        };
        write(session, version, local_rtp, &media, &self.lines)
    }
}

/// An offer of ours, waiting for its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    media: LocalMedia,
    lines: Vec<MediaShape>,
}

impl Offer {
    /// Offers `codecs` with their static payload types, and telephone-event.
    #[must_use]
    pub fn new(codecs: &[Codec]) -> Self {
        let codecs = codecs.iter().map(|codec| (*codec, codec.static_payload_type())).collect();
        Self {
            media: LocalMedia {
                codecs,
                telephone_event: Some(TELEPHONE_EVENT),
                ptime: Ptime::MS20,
                direction: Direction::SendRecv,
            },
            lines: vec![MediaShape::Served],
        }
    }

    /// The offer in a session that has media lines already: they are repeated, those that were
    /// refused too (RFC 3264 §8).
    #[must_use]
    pub(crate) fn with_lines(mut self, lines: Vec<MediaShape>) -> Self {
        self.lines = lines;
        self
    }

    /// Offers what is agreed already, to refresh a session without changing it (RFC 4028 §7.4).
    /// `lines`: the session's media lines, which an offer has to repeat (RFC 3264 §8).
    #[must_use]
    pub(crate) fn again(media: &NegotiatedMedia, lines: Vec<MediaShape>) -> Self {
        Self {
            media: LocalMedia {
                codecs: vec![(media.codec, media.receive_payload_type)],
                telephone_event: media.receive_telephone_event,
                ptime: media.ptime,
                direction: media.direction,
            },
            lines,
        }
    }

    /// The offer's SDP.
    #[must_use]
    pub fn sdp(&self, session: u64, version: u64, local_rtp: SocketAddr) -> String {
        write(session, version, local_rtp, &self.media, &self.lines)
    }

    /// What the peer's `answer` makes of the offer. Its payload types are what we send with, ours
    /// are what we accept: they may differ (RFC 3264 §6.1).
    ///
    /// # Errors
    /// [`NegotiationError`]: the answer refuses, or answers something that was not offered.
    pub fn answered(&self, answer: &Description) -> Result<NegotiatedMedia, NegotiationError> {
        let served = self.lines.iter().position(|line| *line == MediaShape::Served);
        let line = answer.media.get(served.unwrap_or_default()).ok_or(NegotiationError::NoAudio)?;
        let codecs: Vec<Codec> = self.media.codecs.iter().map(|(codec, _)| *codec).collect();
        let mut media = serve(line, &codecs)?;
        let ours = self.media.codecs.iter().find(|(codec, _)| *codec == media.codec);
        media.receive_payload_type = ours.map_or(media.send_payload_type, |(_, number)| *number);
        media.receive_telephone_event = media.send_telephone_event.and(self.media.telephone_event);
        Ok(media)
    }
}

/// The media that one line of a peer's description allows.
fn serve(line: &MediaLine, codecs: &[Codec]) -> Result<NegotiatedMedia, NegotiationError> {
    if !line.kind.eq_ignore_ascii_case("audio") || line.port == 0 {
        return Err(NegotiationError::NoAudio);
    }
    if !line.protocol.eq_ignore_ascii_case("RTP/AVP") {
        return Err(NegotiationError::Profile);
    }
    let ip = line.address.ok_or(NegotiationError::Address)?;
    if !ip.is_ipv4() || ip.is_multicast() {
        return Err(NegotiationError::Address);
    }
    let (codec, payload_type) = first_common(line, codecs).ok_or(NegotiationError::NoCodec)?;
    let event = telephone_event(line);
    Ok(NegotiatedMedia {
        remote_rtp: SocketAddr::new(ip, line.port),
        remote_rtcp: remote_rtcp(line, ip),
        codec,
        send_payload_type: payload_type,
        receive_payload_type: payload_type,
        send_telephone_event: event,
        receive_telephone_event: event,
        ptime: ptime(line),
        direction: direction(line, ip),
    })
}

fn first_common(line: &MediaLine, codecs: &[Codec]) -> Option<(Codec, PayloadType)> {
    line.payload_types.iter().find_map(|number| {
        codecs.iter().find(|codec| means(line, *number, **codec)).map(|codec| (*codec, *number))
    })
}

/// Whether payload type `number` of `line` stands for `codec`: by its map, or statically.
fn means(line: &MediaLine, number: PayloadType, codec: Codec) -> bool {
    match line.maps.iter().find(|map| map.payload_type == number) {
        Some(map) => {
            map.encoding.eq_ignore_ascii_case(codec.encoding_name())
                && map.clock_rate_hz == codec.clock_rate_hz()
        }
        None => codec.static_payload_type() == number,
    }
}

fn telephone_event(line: &MediaLine) -> Option<PayloadType> {
    let event = |map: &&crate::sdp::RtpMap| {
        map.encoding.eq_ignore_ascii_case("telephone-event")
            && map.clock_rate_hz == 8_000
            && line.payload_types.contains(&map.payload_type)
    };
    line.maps.iter().find(event).map(|map| map.payload_type)
}

fn remote_rtcp(line: &MediaLine, ip: IpAddr) -> SocketAddr {
    let port = line.rtcp_port.or(line.port.checked_add(1)).unwrap_or(line.port);
    SocketAddr::new(ip, port)
}

/// The packet time that the peer wants to receive, if telephony uses it and it is within the
/// peer's maximum; 20 ms otherwise.
fn ptime(line: &MediaLine) -> Ptime {
    let wanted = line.ptime_ms.and_then(|ms| Ptime::from_ms(u8::try_from(ms).ok()?));
    let wanted = wanted.unwrap_or(Ptime::MS20);
    match line.maxptime_ms {
        Some(max) if wanted.ms() > max => {
            Ptime::from_ms(10).filter(|_| max < 20).unwrap_or(Ptime::MS20)
        }
        _ => wanted,
    }
}

/// Our direction: the peer's, reversed (RFC 3264 §6.1, §8.4). An address of 0.0.0.0 is the hold of
/// RFC 2543: nobody can be sent to.
fn direction(line: &MediaLine, ip: IpAddr) -> Direction {
    let ours = line.direction.reversed();
    match ours {
        Direction::SendRecv if ip.is_unspecified() => Direction::RecvOnly,
        Direction::SendOnly if ip.is_unspecified() => Direction::Inactive,
        _ => ours,
    }
}

fn refused(line: &MediaLine) -> MediaShape {
    MediaShape::Refused {
        kind: line.kind.clone(),
        protocol: line.protocol.clone(),
        formats: line.formats.clone(),
    }
}

/// The dynamic payload type that everybody uses for telephone-event.
const TELEPHONE_EVENT: PayloadType = PayloadType(101);
