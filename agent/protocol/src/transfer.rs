use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a transfer. An open enumeration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransferOutcome {
    /// The other one answered; this line is being closed.
    Done,
    /// The network took the call over and did not say how that went.
    Unreported,
    /// The line's operator does not allow it.
    Refused,
    /// It came to nothing; the caller is still here.
    Failed,
    /// An outcome that this version has no word for.
    #[serde(other)]
    Unknown,
}
