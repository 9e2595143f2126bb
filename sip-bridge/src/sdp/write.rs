use core::fmt::Write as _;
use core::net::{IpAddr, SocketAddr};

use media_core::{Codec, Direction, PayloadType, Ptime};

use super::Crypto;

/// The audio line that we serve.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LocalMedia {
    /// Codecs with the payload types that we accept for them, the preferred first.
    pub codecs: Vec<(Codec, PayloadType)>,
    /// RFC 4733 events with the clocks that their durations count, one per clock of the codecs.
    pub telephone_events: Vec<(PayloadType, u32)>,
    /// Audio per packet that we want.
    pub ptime: Ptime,
    /// Direction, seen from us.
    pub direction: Direction,
    /// Whether we take RTCP's VoIP metrics and say so.
    pub voip_metrics: bool,
    /// How it may be protected, with our key, the preferred first; empty: it is not.
    pub crypto: Vec<Crypto>,
}

/// A media line of the offer, as the answer has to mirror it (RFC 3264 §6).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum MediaShape {
    /// The line that we serve.
    Served,
    /// A line that we refuse: the same kind, protocol and formats, port 0.
    Refused {
        /// `kind` of the offer.
        kind: String,
        /// `protocol` of the offer.
        protocol: String,
        /// `formats` of the offer.
        formats: String,
    },
}

/// Writes a session description. `session` is the id, constant for a call; `version` counts up
/// whenever the description changes (RFC 3264 §8).
pub(crate) fn write(
    session: u64,
    version: u64,
    local_rtp: SocketAddr,
    media: &LocalMedia,
    lines: &[MediaShape],
) -> String {
    let mut out = String::with_capacity(320);
    let family = family(local_rtp.ip());
    let ip = local_rtp.ip();
    let _ = write!(
        out,
        "v=0\r\no=- {session} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n"
    );
    for line in lines {
        match line {
            MediaShape::Served => served(&mut out, local_rtp.port(), media),
            MediaShape::Refused { kind, protocol, formats } => {
                let _ = write!(out, "m={kind} 0 {protocol} {formats}\r\n");
            }
        }
    }
    out
}

fn served(out: &mut String, port: u16, media: &LocalMedia) {
    let profile = if media.crypto.is_empty() { "RTP/AVP" } else { "RTP/SAVP" };
    let _ = write!(out, "m=audio {port} {profile}");
    for (_, payload_type) in &media.codecs {
        let _ = write!(out, " {}", payload_type.0);
    }
    for (payload_type, _) in &media.telephone_events {
        let _ = write!(out, " {}", payload_type.0);
    }
    out.push_str("\r\n");
    for (codec, payload_type) in &media.codecs {
        let (name, clock) = (codec.encoding_name(), codec.clock_rate_hz());
        let _ = write!(out, "a=rtpmap:{} {name}/{clock}", payload_type.0);
        match codec.rtpmap_channels() {
            1 => out.push_str("\r\n"),
            channels => {
                let _ = write!(out, "/{channels}\r\na=fmtp:{} {OPUS_ASKED}\r\n", payload_type.0);
            }
        }
    }
    for (PayloadType(event), clock) in &media.telephone_events {
        let _ = write!(out, "a=rtpmap:{event} telephone-event/{clock}\r\na=fmtp:{event} 0-15\r\n");
    }
    if media.voip_metrics {
        out.push_str("a=rtcp-xr:voip-metrics\r\n");
    }
    media.crypto.iter().for_each(|crypto| crypto.write(out));
    let _ =
        write!(out, "a=ptime:{}\r\na={}\r\n", media.ptime.ms(), direction_name(media.direction));
}

/// What our Opus decoder asks for (RFC 7587 §6.1): repetitions against loss, one channel, packets
/// also in silence, and no more bits than a voice is worth, so that 60 ms stay well below a
/// datagram.
const OPUS_ASKED: &str = "useinbandfec=1;stereo=0;usedtx=0;maxaveragebitrate=64000";

const fn family(ip: IpAddr) -> &'static str {
    match ip {
        IpAddr::V4(_) => "IP4",
        IpAddr::V6(_) => "IP6",
    }
}

const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    }
}
