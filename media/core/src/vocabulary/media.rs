use core::net::SocketAddr;
use std::sync::Arc;

use crate::rtp::srtp::SrtpKeys;

use super::{PayloadType, Ptime, SampleRate};

/// A voice codec that a leg can carry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    /// G.711 µ-law, RFC 3551 §4.5.14.
    Pcmu,
    /// G.711 A-law, RFC 3551 §4.5.14.
    Pcma,
    /// G.722 at 64 kbit/s, RFC 3551 §4.5.2.
    G722,
    /// Opus, RFC 6716 and RFC 7587. Its encoder and decoder come from a plugin.
    Opus,
}

impl Codec {
    /// Ticks of the RTP clock per second: 8000, also for G.722's 16 kHz audio; 48000 for Opus,
    /// whatever it carries (RFC 7587 §4.1).
    #[must_use]
    pub const fn clock_rate_hz(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8_000,
            Codec::Opus => 48_000,
        }
    }

    /// Rate of the linear audio the codec carries.
    #[must_use]
    pub const fn sample_rate(self) -> SampleRate {
        match self {
            Codec::Pcmu | Codec::Pcma => SampleRate::Hz8000,
            Codec::G722 => SampleRate::Hz16000,
            Codec::Opus => SampleRate::Hz48000,
        }
    }

    /// The payload type that we offer it with: the static one (RFC 3551 §6), or, for Opus, which
    /// has none, the dynamic one that everybody uses.
    #[must_use]
    pub const fn usual_payload_type(self) -> PayloadType {
        match self {
            Codec::Pcmu => PayloadType(0),
            Codec::Pcma => PayloadType(8),
            Codec::G722 => PayloadType(9),
            Codec::Opus => PayloadType(111),
        }
    }

    /// Whether its payload type means it without an `rtpmap`.
    #[must_use]
    pub const fn has_static_payload_type(self) -> bool {
        !matches!(self, Codec::Opus)
    }

    /// Channels that its `rtpmap` names. Opus has two there even when it carries one (RFC 7587 §7).
    #[must_use]
    pub const fn rtpmap_channels(self) -> u8 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 1,
            Codec::Opus => 2,
        }
    }

    /// The encoding name in SDP's `rtpmap`.
    #[must_use]
    pub const fn encoding_name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
            Codec::Opus => "opus",
        }
    }
}

/// What an Opus decoder asks of whoever encodes for it (RFC 7587 §6.1): the `fmtp` of an
/// `rtpmap`, as far as a voice call heeds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpusFormat {
    /// `useinbandfec`: it makes use of forward error correction.
    pub forward_error_correction: bool,
    /// `maxplaybackrate`: what is above half of it would be encoded for nothing.
    pub playback_hz_max: u32,
    /// `maxaveragebitrate`, in bits per second; `None`: the encoder's choice.
    pub bitrate_max: Option<u32>,
    /// `cbr`: every packet as long as the others.
    pub constant_bitrate: bool,
}

impl Default for OpusFormat {
    /// What a missing `fmtp` says.
    fn default() -> Self {
        Self {
            forward_error_correction: false,
            playback_hz_max: 48_000,
            bitrate_max: None,
            constant_bitrate: false,
        }
    }
}

/// Who sends media, seen from us (RFC 3264 §5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Direction {
    /// Both sides send.
    #[default]
    SendRecv,
    /// Only we send.
    SendOnly,
    /// Only the peer sends.
    RecvOnly,
    /// Nobody sends.
    Inactive,
}

impl Direction {
    /// Whether we send.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether the peer sends.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The same flow seen from the other side.
    #[must_use]
    pub const fn reversed(self) -> Direction {
        match self {
            Direction::SendOnly => Direction::RecvOnly,
            Direction::RecvOnly => Direction::SendOnly,
            other => other,
        }
    }
}

/// What offer and answer agreed on. The one value that feeds both the SDP answer and the
/// encoder, so that the two cannot disagree.
///
/// Clone it outside the tick only, or without its keys: they are shared, and wiped by whoever lets go
/// of them last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NegotiatedMedia {
    /// Where the peer wants RTP.
    pub remote_rtp: SocketAddr,
    /// Where the peer wants RTCP: `a=rtcp`, or the RTP port plus one (RFC 3605).
    pub remote_rtcp: SocketAddr,
    /// The voice codec, both ways.
    pub codec: Codec,
    /// Payload type we put on voice packets (the peer's number).
    pub send_payload_type: PayloadType,
    /// Payload type we accept as voice (our number).
    pub receive_payload_type: PayloadType,
    /// RFC 4733 payload type we send, if negotiated (the peer's number).
    pub send_telephone_event: Option<PayloadType>,
    /// RFC 4733 payload type we accept, if negotiated (our number).
    pub receive_telephone_event: Option<PayloadType>,
    /// What the durations of telephone events count. The codec's clock, unless the peer knows only
    /// the 8000 of telephony.
    pub telephone_event_hz: u32,
    /// What the peer's decoder asks for, where the codec is Opus.
    pub opus: OpusFormat,
    /// Audio per packet that we send.
    pub ptime: Ptime,
    /// Who sends, seen from us.
    pub direction: Direction,
    /// Whether the peer takes RTCP's VoIP metrics (RFC 3611).
    pub voip_metrics: bool,
    /// What packets are protected with both ways; `None`: they are not.
    pub srtp: Option<Arc<SrtpKeys>>,
}

impl NegotiatedMedia {
    /// The same without the keys: what the tick may hold, and drop.
    #[must_use]
    pub fn without_keys(&self) -> Self {
        Self { srtp: None, ..self.clone() }
    }
}
