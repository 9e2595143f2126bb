use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the protocol that this crate speaks.
pub const VERSION: Version = Version { major: 1, minor: 4 };

/// A protocol version. A new minor version only adds; a new major version may break.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// Must be equal on both sides.
    pub major: u16,
    /// May differ; the newer side does without what the older one lacks.
    pub minor: u16,
}

impl Version {
    /// Whether it has words for written messages: `text_message`, `send` and what belongs to them.
    #[must_use]
    pub const fn knows_text(self) -> bool {
        self.major == 1 && self.minor >= 1
    }

    /// Whether it has a word for what the operator says to the brain alone: `operator_whisper`.
    #[must_use]
    pub const fn knows_whispers(self) -> bool {
        self.major == 1 && self.minor >= 2
    }

    /// Whether the two can talk to each other.
    #[must_use]
    pub const fn speaks(self, other: Version) -> bool {
        self.major == other.major
    }
}

impl core::fmt::Display for Version {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
