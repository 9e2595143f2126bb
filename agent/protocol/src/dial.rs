//! What both directions say about calls that the line places, and about callers who come back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::LineId;

/// What became of a call that the brain asked for. An open enumeration: a newer line may know more
/// outcomes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DialOutcome {
    /// Somebody answered: the conversation is on the line that is named, and was opened like any
    /// other.
    Answered,
    /// The other side is in another call.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The other side, or its network, does not want the call.
    Declined,
    /// The line does not place such a call, or not now; the reason says why and what to do.
    Refused,
    /// It could not be placed; the reason says why.
    Failed,
    /// An outcome that this version has no word for.
    #[serde(other)]
    Unknown,
}

/// The caller was here a moment ago, and that call was cut off. The conversation goes on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Redial {
    /// The line of the call that was cut off.
    pub line: LineId,
    /// How long ago it ended.
    pub ago_ms: u64,
    /// What was said last in it, oldest first.
    #[serde(default)]
    pub said: Vec<Said>,
    /// What the brain had for the caller and the caller did not hear to its end. What must be
    /// delivered is not among it: the line says that by itself.
    #[serde(default)]
    pub unsaid: Vec<Unsaid>,
}

/// Something that was said in an earlier call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// By whom.
    pub by: Speaker,
    /// What the caller said, or heard.
    pub text: String,
}

/// Who spoke. An open enumeration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The caller.
    Caller,
    /// The line, whoever's words they were.
    Agent,
    /// Somebody whom this version has no word for.
    #[serde(other)]
    Unknown,
}

/// Something that the caller did not hear to its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Unsaid {
    /// All of it.
    pub text: String,
    /// What was heard of it.
    #[serde(default)]
    pub heard_text: String,
}
