//! Offer and answer (RFC 3264): one value out of the two descriptions, from which both the SDP that
//! we send and the encoder's settings come, so that they cannot disagree.

mod kept;
mod opus;
mod secure;
#[cfg(test)]
mod srtp_tests;
mod terms;
#[cfg(test)]
mod tests;

use core::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use media_core::rtp::srtp::SrtpKeys;
use media_core::{Codec, Direction, NegotiatedMedia, PayloadType, Ptime};

pub(crate) use terms::Terms;
pub use terms::{CallTerms, MediaTerms, SrtpPolicy};

use self::secure::CRYPTO_TAG;
use crate::sdp::{Description, LocalMedia, MediaLine, MediaShape, write};

/// Why there is no common media. All of them are a 488 to an offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NegotiationError {
    /// No audio line, or it is switched off.
    #[error("no audio offered")]
    NoAudio,
    /// Neither RTP/AVP nor RTP/SAVP.
    #[error("media profile not spoken here (only RTP/AVP and RTP/SAVP)")]
    Profile,
    /// SRTP, where it is switched off.
    #[error("SRTP is not spoken with this trunk")]
    SrtpOff,
    /// No SRTP, where it is required.
    #[error("only SRTP is spoken with this trunk")]
    SrtpRequired,
    /// SRTP with its keys in signalling that anybody can read.
    #[error("SRTP keys came over signalling that is not TLS")]
    KeysInClear,
    /// SRTP without a key and a suite that we can use.
    #[error("no common SRTP suite")]
    NoSuite,
    /// No codec in common.
    #[error("no common codec")]
    NoCodec,
    /// IPv6 only, multicast, or no address at all.
    #[error("no usable IPv4 media address")]
    Address,
    /// Not an address from which the trunk's carrier sends sound.
    #[error("media address is none of the trunk's")]
    ForeignAddress,
}

/// An offer of the peer, accepted: what we agreed on, and the answer that says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    media: NegotiatedMedia,
    /// Which of the offered `a=crypto` lines was taken.
    crypto_tag: Option<u32>,
    lines: Vec<MediaShape>,
}

impl Accepted {
    /// Accepts `offer` with the first offered codec among those of `terms`: the offerer's order
    /// counts (RFC 3264 §6.1). Of several lines the first that can be served is, one with SRTP
    /// before one without.
    ///
    /// # Errors
    /// [`NegotiationError`]: no audio line can be served.
    pub fn offer(offer: &Description, terms: &CallTerms) -> Result<Self, NegotiationError> {
        let mut fault = NegotiationError::NoAudio;
        let mut served = None;
        let mut lines: Vec<_> = offer.media.iter().enumerate().collect();
        lines.sort_by_key(|(_, line)| !secure::is_wanted(line));
        for (index, line) in lines {
            match serve(line, terms) {
                Ok(found) => {
                    served = Some((index, found));
                    break;
                }
                Err(NegotiationError::NoAudio) => {}
                Err(error) => fault = error,
            }
        }
        let (index, (media, crypto_tag)) = served.ok_or(fault)?;
        let lines = offer.media.iter().enumerate();
        let lines =
            lines.map(|(i, line)| if i == index { MediaShape::Served } else { refused(line) });
        Ok(Self { media, crypto_tag, lines: lines.collect() })
    }

    /// What was agreed.
    #[must_use]
    pub fn media(&self) -> NegotiatedMedia {
        self.media.clone()
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
            telephone_events: agreed_event(&self.media),
            ptime: self.media.ptime,
            direction: self.media.direction,
            voip_metrics: self.media.voip_metrics,
            crypto: secure::line(&self.media, self.crypto_tag.unwrap_or(CRYPTO_TAG)),
        };
        write(session, version, local_rtp, &media, &self.lines)
    }
}

/// An offer of ours, waiting for its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    terms: CallTerms,
    media: LocalMedia,
    lines: Vec<MediaShape>,
}

impl Offer {
    /// Offers the codecs of `terms` with their usual payload types, and telephone-event for
    /// telephony's clock and each other one of theirs. SRTP is offered where it is required.
    #[must_use]
    pub fn new(terms: &CallTerms) -> Self {
        let codecs = &terms.codecs;
        let clocked = |hz: u32| codecs.iter().any(|codec| codec.clock_rate_hz() == hz);
        let wanted = |(_, hz): &(PayloadType, u32)| *hz == TELEPHONY_HZ || clocked(*hz);
        let events = TELEPHONE_EVENTS.into_iter().filter(wanted).collect();
        let codecs = codecs.iter().map(|codec| (*codec, codec.usual_payload_type())).collect();
        let secure = terms.srtp == SrtpPolicy::Required;
        Self {
            terms: terms.clone(),
            media: LocalMedia {
                codecs,
                telephone_events: events,
                ptime: Ptime::MS20,
                direction: Direction::SendRecv,
                voip_metrics: true,
                crypto: if secure { secure::offered(&terms.key) } else { Vec::new() },
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
    pub(crate) fn again(
        media: &NegotiatedMedia,
        terms: &CallTerms,
        lines: Vec<MediaShape>,
    ) -> Self {
        Self {
            terms: CallTerms { codecs: [media.codec].into(), ..terms.clone() },
            media: LocalMedia {
                codecs: vec![(media.codec, media.receive_payload_type)],
                telephone_events: agreed_event(media),
                ptime: media.ptime,
                direction: media.direction,
                voip_metrics: media.voip_metrics,
                crypto: secure::line(media, CRYPTO_TAG),
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
        // What was offered is what can be answered, whatever else the trunk may do.
        let srtp = match self.media.crypto.is_empty() {
            false => SrtpPolicy::Required,
            true => SrtpPolicy::Off,
        };
        let (mut media, tag) = serve(line, &CallTerms { srtp, ..self.terms.clone() })?;
        let taken = tag.zip(media.srtp.as_ref().map(|keys| keys.profile));
        let mut offered = self.media.crypto.iter().map(|crypto| (crypto.tag, crypto.profile));
        if taken.is_some_and(|taken| !offered.any(|offered| offered == taken)) {
            return Err(NegotiationError::NoSuite);
        }
        let ours = self.media.codecs.iter().find(|(codec, _)| *codec == media.codec);
        media.receive_payload_type = ours.map_or(media.send_payload_type, |(_, number)| *number);
        let events = &self.media.telephone_events;
        let ours = events.iter().find(|(_, hz)| *hz == media.telephone_event_hz);
        media.receive_telephone_event =
            media.send_telephone_event.and(ours.map(|(number, _)| *number));
        Ok(media)
    }
}

/// The media that one line of a peer's description allows, and the `a=crypto` line that it takes.
fn serve(
    line: &MediaLine,
    terms: &CallTerms,
) -> Result<(NegotiatedMedia, Option<u32>), NegotiationError> {
    if !line.kind.eq_ignore_ascii_case("audio") || line.port == 0 {
        return Err(NegotiationError::NoAudio);
    }
    let crypto = secure::protection(line, terms)?;
    let ip = line.address.ok_or(NegotiationError::Address)?;
    if !ip.is_ipv4() || ip.is_multicast() {
        return Err(NegotiationError::Address);
    }
    if !ip.is_unspecified() && !terms.sends_from(ip) {
        return Err(NegotiationError::ForeignAddress);
    }
    let (codec, payload_type) =
        first_common(line, &terms.codecs).ok_or(NegotiationError::NoCodec)?;
    let (event, telephone_event_hz) = telephone_event(line, codec).unzip();
    let keys = crypto.map(|crypto| SrtpKeys {
        profile: crypto.profile,
        send: terms.key.clone(),
        receive: crypto.key.clone(),
    });
    let media = NegotiatedMedia {
        remote_rtp: SocketAddr::new(ip, line.port),
        remote_rtcp: remote_rtcp(line, ip),
        codec,
        send_payload_type: payload_type,
        receive_payload_type: payload_type,
        send_telephone_event: event,
        receive_telephone_event: event,
        telephone_event_hz: telephone_event_hz.unwrap_or(codec.clock_rate_hz()),
        opus: opus::asked(line, payload_type),
        ptime: opus::frame_length(codec, ptime(line)),
        direction: direction(line, ip),
        voip_metrics: line.voip_metrics,
        srtp: keys.map(Arc::new),
    };
    Ok((media, crypto.map(|crypto| crypto.tag)))
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
                && map.channels == codec.rtpmap_channels()
        }
        None => codec.has_static_payload_type() && codec.usual_payload_type() == number,
    }
}

/// Telephone events and their clock: the codec's (RFC 4733 §2.5.1.1), or that of telephony, which is
/// all that some phones know beside Opus.
fn telephone_event(line: &MediaLine, codec: Codec) -> Option<(PayloadType, u32)> {
    let clocks = [codec.clock_rate_hz(), TELEPHONY_HZ];
    clocks.into_iter().find_map(|hz| {
        let event = |map: &&crate::sdp::RtpMap| {
            map.encoding.eq_ignore_ascii_case("telephone-event")
                && map.clock_rate_hz == hz
                && line.payload_types.contains(&map.payload_type)
        };
        line.maps.iter().find(event).map(|map| (map.payload_type, hz))
    })
}

fn agreed_event(media: &NegotiatedMedia) -> Vec<(PayloadType, u32)> {
    let event = media.receive_telephone_event.map(|number| (number, media.telephone_event_hz));
    event.into_iter().collect()
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

const TELEPHONY_HZ: u32 = 8_000;

/// The dynamic payload types that everybody uses for telephone-event, by their clocks.
const TELEPHONE_EVENTS: [(PayloadType, u32); 2] =
    [(PayloadType(101), TELEPHONY_HZ), (PayloadType(110), 48_000)];
