//! The words of whoever sits down at a line through the socket: the operator's console.
//!
//! `attach` is answered with `attached`, and the connection stays open: what happens to the seat comes
//! down it, and closing it is leaving. `part`, which may come by any other connection, changes how one
//! takes part. Sound does not travel here but as RTP between two ports of this machine's loopback: Opus
//! at 48 kHz, 20 ms a packet ([`attach_media`]).

use std::net::SocketAddr;

use media_core::{Codec, Direction, NegotiatedMedia, OpusFormat, Ptime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the operator takes part.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeatPart {
    /// Hears everybody; nobody hears them.
    Listen,
    /// Only the agent hears them.
    Whisper,
    /// Everybody hears them, and the agent is silent.
    BargeIn,
}

/// What both sides of an attached console send and expect. `remote`: the other side's RTP.
#[must_use]
pub fn attach_media(remote: SocketAddr) -> NegotiatedMedia {
    let payload_type = Codec::Opus.usual_payload_type();
    let remote_rtcp = SocketAddr::new(remote.ip(), remote.port().saturating_add(1));
    NegotiatedMedia {
        remote_rtp: remote,
        remote_rtcp,
        codec: Codec::Opus,
        send_payload_type: payload_type,
        receive_payload_type: payload_type,
        send_telephone_event: None,
        receive_telephone_event: None,
        telephone_event_hz: Codec::Opus.clock_rate_hz(),
        // Nothing is lost on a loopback.
        opus: OpusFormat::default(),
        ptime: Ptime::MS20,
        direction: Direction::SendRecv,
        voip_metrics: false,
        srtp: None,
    }
}
