//! What the line says of a claim.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a claim. An open enumeration: a newer line may know more endings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimEnding {
    /// The caller heard all of it.
    Spoken,
    /// The caller spoke; `heard_text` says how far it came.
    Interrupted,
    /// A later claim took its place.
    Superseded,
    /// The caller has moved on.
    Stale,
    /// It was not heard within its time to live.
    Expired,
    /// The same was said a moment ago.
    Duplicate,
    /// The brain took it back.
    Withdrawn,
    /// It was never queued; the reason says why.
    Refused,
    /// It could not be spoken; the reason says why.
    Failed,
    /// An ending that this version has no word for.
    #[serde(other)]
    Unknown,
}

/// What an older line promised.
pub(crate) const fn kept() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(crate) const fn is_kept(kept: &bool) -> bool {
    *kept
}
