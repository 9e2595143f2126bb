//! Who else sat at a line, in the words of its record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a peer that is not on the trunk came to the line.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DoorKind {
    /// From a page.
    Browser,
    /// From a room of a server of rooms.
    Room,
    /// From the operator's console.
    Console,
    /// By a way that this version does not know.
    #[serde(other)]
    Other,
}

/// What a leg is at the line for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Talks with the agent, and everybody hears it.
    Caller,
    /// The operator: hears, and nobody hears it.
    Listen,
    /// The operator: only the agent hears it.
    Whisper,
    /// The operator has taken the floor.
    BargeIn,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

impl DoorKind {
    /// As it stands in the record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Room => "room",
            Self::Console => "console",
            Self::Other => "other",
        }
    }
}

impl PartKind {
    /// As it stands in the record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Listen => "listen",
            Self::Whisper => "whisper",
            Self::BargeIn => "barge_in",
            Self::Other => "other",
        }
    }
}

impl std::fmt::Display for DoorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::fmt::Display for PartKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
