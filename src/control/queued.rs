use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One claim of the say-queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueuedClaim {
    /// Its id.
    pub claim: String,
    /// `external`, `system` or `operator`.
    pub source: String,
    /// What is to be said.
    pub text: String,
    /// How it stands.
    #[serde(flatten)]
    pub state: ClaimState,
    /// Seconds since it was accepted.
    pub age_s: u64,
    /// Seconds until it is forgotten, if it is not said before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_s: Option<u64>,
    /// Whether it may not be skipped.
    pub must_deliver: bool,
    /// Whose it is; absent: whoever calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// How a claim of the say-queue stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ClaimState {
    /// It waits for a call.
    Waiting,
    /// The governor of this line has it.
    OnLine {
        /// Which line.
        line: u64,
    },
    /// It came to its one ending.
    Ended {
        /// `spoken`, `interrupted`, …
        ending: String,
        /// Why, where the ending alone does not say.
        reason: Option<String>,
        /// What the caller heard of it.
        heard: String,
    },
}
