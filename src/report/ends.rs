//! How a call began and how it ended, in the words of its record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who called whom, and over what.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CallOpened {
    /// Our id of the call.
    pub call: String,
    /// Who calls.
    pub caller: String,
    /// What the network says of that number: `full`, `partial`, …, `unverified`; empty in records of
    /// versions that did not ask.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub attestation: String,
    /// Who is called.
    pub called: String,
    /// The trunk it came over.
    pub trunk: String,
    /// Encoding name as in SDP: `PCMU`, `PCMA`, `G722`.
    pub codec: String,
    /// Answered at, in milliseconds of the Unix epoch.
    pub answered_unix_ms: u64,
    /// Time of the recording's first sample; negative if it began before the answer.
    pub recording_start_ms: f64,
}

/// How the call ended, and its media figures.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CallClosed {
    /// `caller`, `agent`, `operator`, `watchdog`, …
    pub hangup_by: String,
    /// In words.
    pub reason: String,
    /// Final SIP status, where there was one.
    pub sip_status: Option<u16>,
    /// What the RTP layer counted.
    pub stats: CallStats,
}

/// What the RTP layer counted over a call.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CallStats {
    /// Packets sent.
    pub rtp_sent: u64,
    /// Packets received from the locked source.
    pub rtp_received: u64,
    /// Packets that never came (RFC 3550 §6.4.1).
    pub rtp_lost: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter_ms: f64,
    /// What the jitter buffer added.
    pub playout_delay_ms: f64,
    /// Mean opinion score estimated by the E-model (ITU-T G.107). Nobody listened.
    pub mos_estimated: f64,
    /// The one that the peer reported of what we sent (RFC 3611), if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_mos: Option<f64>,
}
