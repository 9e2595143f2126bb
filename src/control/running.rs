use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::CallStats;

/// The day's account of calls out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutboundStatus {
    /// Calls out that are open.
    pub calls: usize,
    /// Minutes used, or promised to those.
    pub minutes_used: u64,
    /// Minutes that a day has.
    pub minutes_per_day: u64,
    /// Money spent or promised, in millionths of the prices' currency.
    pub spent_millionths: u64,
}

/// How the call that is kept open goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptStatus {
    /// Whether it is up.
    pub up: bool,
    /// Seconds for which it was, all its calls together.
    pub up_seconds: u64,
    /// Seconds since it is kept.
    pub kept_seconds: u64,
    /// Times that it was called again.
    pub reconnects: u64,
    /// Seconds until it is tried again; absent: it is up, or being called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_s: Option<u64>,
    /// Why the last try came to nothing, or the last call ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// How the configuration was read the last time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReloadStatus {
    /// Seconds ago.
    pub ago_s: u64,
    /// Why it was not taken; absent: it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A room that the line's agent is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomStatus {
    /// Its name.
    pub room: String,
    /// Who is in it besides agents and recorders.
    pub people: usize,
    /// The line that they sit at; absent: nobody has been heard yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// An open call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineDetails {
    /// Its line.
    pub line: u64,
    /// The trunk it came from, or went to.
    pub trunk: String,
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub called: String,
    /// Whether the line called.
    pub outbound: bool,
    /// Whether both sides hear each other by now.
    pub established: bool,
    /// Seconds since it was answered.
    pub seconds: u64,
    /// What the RTP layer has counted so far; absent while the call is just being answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<CallStats>,
}
