use core::net::IpAddr;

use media_core::{Direction, PayloadType};
use sdp_types::{Connection, Media, Session};

use super::crypto::Crypto;
use super::{FORMATS_MAX, MEDIA_LINES_MAX, SDP_BYTES_MAX, SDP_LINES_MAX};

/// Why an SDP is not looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SdpError {
    /// Over a limit.
    #[error("SDP over the limit on {0}")]
    TooLarge(&'static str),
    /// Not SDP.
    #[error("malformed SDP")]
    Malformed,
}

/// A peer's session description, as far as offer/answer goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Description {
    /// Media lines in order.
    pub media: Vec<MediaLine>,
}

/// One media line with everything that applies to it, session level included.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaLine {
    /// `audio`, `video`, …
    pub kind: String,
    /// Port; 0 refuses or disables the line.
    pub port: u16,
    /// Transport protocol as written.
    pub protocol: String,
    /// The format list as written.
    pub formats: String,
    /// Payload types in the peer's order of preference.
    pub payload_types: Vec<PayloadType>,
    /// Where media goes. `None` if no connection line applies or it is no address.
    pub address: Option<IpAddr>,
    /// The port of `a=rtcp` (RFC 3605). Its address is not read: RTCP goes where RTP goes.
    pub rtcp_port: Option<u16>,
    /// `a=rtpmap` lines.
    pub maps: Vec<RtpMap>,
    /// `a=fmtp` lines: the payload type, and its parameters as written.
    pub formats_asked: Vec<(PayloadType, String)>,
    /// `a=ptime` in ms.
    pub ptime_ms: Option<u32>,
    /// `a=maxptime` in ms.
    pub maxptime_ms: Option<u32>,
    /// Direction, seen from the peer. `sendrecv` if none is written.
    pub direction: Direction,
    /// Whether `a=rtcp-xr` asks for VoIP metrics (RFC 3611 §5.1), here or for the session.
    pub voip_metrics: bool,
    /// `a=crypto` lines that we can use, in the peer's order of preference.
    pub crypto: Vec<Crypto>,
}

/// An `a=rtpmap` line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RtpMap {
    /// The payload type it maps.
    pub payload_type: PayloadType,
    /// Encoding name as written; compare without case.
    pub encoding: String,
    /// RTP clock rate.
    pub clock_rate_hz: u32,
    /// Channels; 1 if none are written.
    pub channels: u8,
}

/// Reads an SDP.
///
/// # Errors
/// [`SdpError`] if it is over a limit or not SDP. An SDP that is well formed but useless is `Ok`;
/// negotiation decides.
pub fn parse(bytes: &[u8]) -> Result<Description, SdpError> {
    if bytes.len() > SDP_BYTES_MAX {
        return Err(SdpError::TooLarge("size"));
    }
    if memchr::memchr_iter(b'\n', bytes).count() > SDP_LINES_MAX {
        return Err(SdpError::TooLarge("lines"));
    }
    let session = Session::parse(bytes).map_err(|_| SdpError::Malformed)?;
    if session.medias.len() > MEDIA_LINES_MAX {
        return Err(SdpError::TooLarge("media lines"));
    }
    Ok(Description {
        media: session.medias.iter().map(|media| media_line(media, &session)).collect(),
    })
}

fn media_line(media: &Media, session: &Session) -> MediaLine {
    let connection = media.connections.first().or(session.connection.as_ref());
    let number = |name: &str| first(media, name)?.trim().parse().ok();
    MediaLine {
        kind: media.media.clone(),
        port: media.port,
        protocol: media.proto.clone(),
        formats: media.fmt.clone(),
        payload_types: payload_types(&media.fmt),
        address: connection.and_then(address),
        rtcp_port: first(media, "rtcp").and_then(rtcp_port),
        maps: media.get_attribute_values("rtpmap").flatten().filter_map(rtp_map).collect(),
        formats_asked: media.get_attribute_values("fmtp").flatten().filter_map(fmtp).collect(),
        ptime_ms: number("ptime"),
        maxptime_ms: number("maxptime"),
        direction: direction(|name| media.has_attribute(name))
            .or_else(|| direction(|name| session.has_attribute(name)))
            .unwrap_or_default(),
        voip_metrics: media
            .get_attribute_values("rtcp-xr")
            .chain(session.get_attribute_values("rtcp-xr"))
            .flatten()
            .any(|formats| {
                formats.split_ascii_whitespace().any(|one| one.starts_with("voip-metrics"))
            }),
        crypto: media.get_attribute_values("crypto").flatten().filter_map(Crypto::parse).collect(),
    }
}

fn first<'a>(media: &'a Media, name: &'a str) -> Option<&'a str> {
    media.get_first_attribute_value(name).flatten()
}

fn payload_types(formats: &str) -> Vec<PayloadType> {
    let numbers = formats.split_ascii_whitespace().filter_map(|format| format.parse::<u8>().ok());
    numbers.filter(|number| *number < 128).map(PayloadType).take(FORMATS_MAX).collect()
}

fn address(connection: &Connection) -> Option<IpAddr> {
    connection.try_address().ok().map(|address| address.ip)
}

/// `53020` or `53020 IN IP4 126.16.64.4`.
fn rtcp_port(value: &str) -> Option<u16> {
    value.split_ascii_whitespace().next()?.parse().ok()
}

/// `101 telephone-event/8000`.
fn rtp_map(value: &str) -> Option<RtpMap> {
    let (payload_type, encoding) = value.trim().split_once(' ')?;
    let payload_type = payload_type.parse::<u8>().ok().filter(|number| *number < 128)?;
    let mut parts = encoding.trim().split('/');
    Some(RtpMap {
        payload_type: PayloadType(payload_type),
        encoding: parts.next()?.to_owned(),
        clock_rate_hz: parts.next()?.parse().ok()?,
        channels: parts.next().map_or(Some(1), |channels| channels.parse().ok())?,
    })
}

/// `111 minptime=10;useinbandfec=1`.
fn fmtp(value: &str) -> Option<(PayloadType, String)> {
    let (payload_type, parameters) = value.trim().split_once(' ')?;
    let payload_type = payload_type.parse::<u8>().ok().filter(|number| *number < 128)?;
    Some((PayloadType(payload_type), parameters.trim().to_owned()))
}

fn direction(has: impl Fn(&str) -> bool) -> Option<Direction> {
    [
        ("inactive", Direction::Inactive),
        ("sendonly", Direction::SendOnly),
        ("recvonly", Direction::RecvOnly),
        ("sendrecv", Direction::SendRecv),
    ]
    .into_iter()
    .find_map(|(name, direction)| has(name).then_some(direction))
}
