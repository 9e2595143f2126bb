use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One conversation on the line.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct LineId(pub u64);

/// One thing that the caller said on a line, counted from 1.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct TurnId(pub u64);

/// Where in the lane of the call a turn is kept until it is acknowledged.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Position(pub u64);

/// An id is empty or too long.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an id has 1 to {max} bytes, this one has {bytes}", max = ID_BYTES_MAX)]
pub struct IdError {
    /// Length of what was offered.
    pub bytes: usize,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(try_from = "String")]
        #[schemars(extend("minLength" = 1, "maxLength" = 64))]
        pub struct $name(String);

        impl $name {
            /// # Errors
            /// [`IdError`] unless the text has 1 to 64 bytes.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                match text.len() {
                    1..=ID_BYTES_MAX => Ok(Self(text)),
                    bytes => Err(IdError { bytes }),
                }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The brain's name for a claim. Chosen by the brain, and unique also across its restarts, so
    /// a fresh brain must not start again at the same names.
    ClaimId
}

text_id! {
    /// The brain's name for a written message. Unique like a [`ClaimId`].
    MessageId
}

text_id! {
    /// The brain's name for a call that it wants placed. Unique like a [`ClaimId`].
    DialId
}

text_id! {
    /// The brain's name for a job that a worker does. Unique like a [`ClaimId`].
    JobId
}

/// Room for a UUID, a counter and a word. Ids are kept per claim, so they are bounded.
const ID_BYTES_MAX: usize = 64;
