//! The line's own socket: how `xenline say` and other programs of this machine's user reach a
//! running line. One JSON request per line in, JSON replies out. File mode 0600 decides who may.

pub mod client;
pub mod server;

use serde::{Deserialize, Serialize};

/// Longest request, in bytes. A claim's text is at most 4 KiB; the rest is room for its fields.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// What can be asked of a running line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ask", deny_unknown_fields)]
pub enum Request {
    /// Say something through the governor.
    Say(SayRequest),
    /// Which calls are open.
    Status,
}

/// A claim handed in from outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SayRequest {
    /// What to say.
    pub text: String,
    /// On this line only; absent: on every open one.
    pub line: Option<u64>,
    /// Whether it may not be skipped.
    pub must_deliver: bool,
    /// Forget it after so many seconds unsaid.
    pub ttl_s: Option<u64>,
    /// Whether the endings are wanted.
    pub wait: bool,
}

/// What the line answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Reply {
    /// The governor took the claim.
    Accepted {
        /// The line it is said on.
        line: u64,
        /// The claim's id.
        claim: String,
    },
    /// The claim has ended; the last word about it.
    Ended {
        /// The line.
        line: u64,
        /// The claim's id.
        claim: String,
        /// `spoken`, `interrupted`, …
        ending: String,
        /// Why, where the ending alone does not say.
        reason: Option<String>,
        /// What the caller heard of it.
        heard: String,
    },
    /// What is going on.
    Status {
        /// The open calls.
        calls: Vec<CallStatus>,
        /// Whether the brain is connected.
        brain_up: bool,
        /// Lateness of the audio tick since the start, 99.9th percentile, in µs.
        tick_late_us_p999: u64,
        /// The latest of all those ticks, in µs.
        tick_late_us_max: u64,
        /// Ticks that were skipped because the one before took too long.
        ticks_skipped: u64,
    },
    /// It was not done, and why.
    Refused {
        /// Says what to do next.
        message: String,
    },
}

/// One open call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallStatus {
    /// Its line.
    pub line: u64,
    /// The trunk it came from.
    pub trunk: String,
    /// Seconds since it was answered.
    pub seconds: u64,
}
