use core::net::SocketAddr;

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
}

impl Codec {
    /// Ticks of the RTP clock per second. 8000 for all three, also for G.722's 16 kHz audio.
    #[must_use]
    pub const fn clock_rate_hz(self) -> u32 {
        8_000
    }

    /// Rate of the linear audio the codec carries.
    #[must_use]
    pub const fn sample_rate(self) -> SampleRate {
        match self {
            Codec::Pcmu | Codec::Pcma => SampleRate::Hz8000,
            Codec::G722 => SampleRate::Hz16000,
        }
    }

    /// The static payload type (RFC 3551 §6).
    #[must_use]
    pub const fn static_payload_type(self) -> PayloadType {
        match self {
            Codec::Pcmu => PayloadType(0),
            Codec::Pcma => PayloadType(8),
            Codec::G722 => PayloadType(9),
        }
    }

    /// The encoding name in SDP's `rtpmap`.
    #[must_use]
    pub const fn encoding_name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    /// Audio per packet that we send.
    pub ptime: Ptime,
    /// Who sends, seen from us.
    pub direction: Direction,
}
