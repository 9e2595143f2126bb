//! The record of a call: one value, one JSON line.

use media_core::Codec;
use serde::{Serialize, Serializer};

use crate::caller::CallerIdentity;
use crate::event::{CallId, CallOutcome};

/// Which way a call was set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallDirection {
    /// The peer called us.
    Inbound,
    /// We called the peer.
    Outbound,
}

/// A call detail record. `serde_json::to_string` makes it one line.
///
/// The bridge fills the signalling part. [`Cdr::media`] and [`Cdr::conversation`] belong to the
/// line, which knows them when it closes. Durations are in milliseconds since the INVITE.
///
/// The numbers are in clear here. Whoever writes the record down decides whether they stay so.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Cdr {
    /// The call's number in this process.
    pub call: CallId,
    /// The SIP Call-ID, as in traces.
    pub sip_call_id: String,
    /// Inbound or outbound.
    pub direction: CallDirection,
    /// The calling number: what the trunk asserts, or else what From says.
    pub from: String,
    /// What is known of the caller beside that, of an inbound call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<Box<CallerIdentity>>,
    /// User part of what was called.
    pub to: String,
    /// The trunk, empty for an outbound call to an address outside every trunk.
    pub trunk: String,
    /// When the INVITE came or went, in milliseconds since 1970 (wall clock).
    pub started_unix_ms: u64,
    /// INVITE to the first 18x.
    pub ring_ms: Option<u64>,
    /// INVITE to the 200.
    pub answer_ms: Option<u64>,
    /// INVITE to the end of the call.
    pub end_ms: u64,
    /// Status, reason and who hung up.
    #[serde(flatten)]
    pub outcome: CallOutcome,
    /// The codec last agreed on.
    #[serde(serialize_with = "codec_name")]
    pub codec: Option<Codec>,
    /// Figures of the media path, filled in by the line.
    #[serde(flatten)]
    pub media: MediaFigures,
    /// Figures of the conversation, filled in by the line.
    #[serde(flatten)]
    pub conversation: ConversationFigures,
}

/// What the media path measured.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct MediaFigures {
    /// RTP packets sent.
    pub rtp_sent: Option<u64>,
    /// RTP packets received.
    pub rtp_received: Option<u64>,
    /// Interarrival jitter, RFC 3550.
    pub jitter_ms: Option<f32>,
    /// Packets lost, of those expected.
    pub loss_percent: Option<f32>,
    /// Estimated MOS (E-model, not listened).
    pub mos_estimated: Option<f32>,
    /// MOS that the peer reported of what we sent (RFC 3611), if it did.
    pub peer_mos: Option<f32>,
}

/// What the line measured about the conversation.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct ConversationFigures {
    /// Turns the caller took.
    pub turns: Option<u32>,
    /// Times the caller interrupted.
    pub barge_ins: Option<u32>,
    /// Interruptions that turned out to be none.
    pub false_barge_ins: Option<u32>,
    /// Time in which nobody was heard while an answer was due: from the end of what the caller said
    /// to the first sample of its answer, or to the end of the call where there was none, less what
    /// the caller or anybody else said meanwhile.
    pub dead_air_ms: Option<u64>,
    /// End of speech to first sample of the reply, median.
    pub turn_latency_ms_p50: Option<u32>,
    /// The same, 95th percentile.
    pub turn_latency_ms_p95: Option<u32>,
    /// Path of the recording.
    pub recording: Option<String>,
    /// Path of the transcript.
    pub transcript: Option<String>,
}

/// The Q.850 cause of a call that was refused with this status (RFC 3398 §8.2.6.1). `None` where the
/// table has none: a 488 says more in its `Warning` than any cause does.
pub(crate) const fn cause_of(sip_status: u16) -> Option<u8> {
    Some(match sip_status {
        404 => 1,
        486 | 600 => 17,
        480 => 18,
        403 | 433 | 603 => 21,
        482 | 483 => 25,
        400 | 481 | 500 | 503 => 41,
        405 => 63,
        415 => 79,
        408 => 102,
        416 | 420 => 127,
        _ => return None,
    })
}

// serde's `serialize_with` hands over a reference to the field, whatever its type.
#[allow(clippy::ref_option)]
fn codec_name<S: Serializer>(codec: &Option<Codec>, serializer: S) -> Result<S::Ok, S::Error> {
    codec.map(Codec::encoding_name).serialize(serializer)
}
