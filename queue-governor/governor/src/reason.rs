//! Why something was refused, failed, or changed hands.

use crate::claim::ClaimId;

/// Why a claim was not taken in.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RefusalReason {
    /// No tag.
    #[error("it has no tag; give it one of the known tags, for what leaves xen-out")]
    Untagged,
    /// A tag that is neither built in nor registered.
    #[error("tag {0:?} is not known here; register it in the configuration")]
    UnknownTag(String),
    /// An empty, overlong or reserved name.
    #[error("an id has 1 to 64 bytes and does not begin with \"xenline:\"")]
    BadId,
    /// A live claim has this name. This ending is about the submission; the live claim goes on.
    #[error("something live has this id")]
    IdInUse,
    /// Nothing to say.
    #[error("nothing to say: the text is blank or the audio empty")]
    Empty,
    /// Too much to say at once.
    #[error("{got} bytes of text are more than {max}; split the claim")]
    TextTooLong {
        /// What was offered.
        got: usize,
        /// What is taken.
        max: usize,
    },
    /// Too much audio at once.
    #[error("{got_ms} ms of audio are more than {max_ms} ms; split the claim")]
    AudioTooLong {
        /// What was offered.
        got_ms: u64,
        /// What is taken.
        max_ms: u64,
    },
    /// A dedup key longer than is kept.
    #[error("a dedup key of {got} bytes is longer than {max}")]
    KeyTooLong {
        /// What was offered.
        got: usize,
        /// What is taken.
        max: usize,
    },
    /// As many claims wait as may wait for this source.
    #[error("{max} are waiting, which is the most; try again later")]
    QueueFull {
        /// How many may wait when one of this source comes.
        max: usize,
    },
    /// A message that names nobody.
    #[error("the message names nobody to send it to, or no phone number where one is needed")]
    NoRecipient,
    /// It would take the place of a claim of a higher source.
    #[error("a claim cannot supersede one of a higher source")]
    SupersedesHigherSource,
    /// The call is over.
    #[error("the line is closed")]
    LineClosed,
    /// It could not be kept, and whoever handed it in was told so. Never said by a governor: for
    /// the journal of whoever carries it.
    #[error("it could not be kept")]
    NotKept,
}

/// Why an accepted claim could not be said.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FailReason {
    /// The voice, and the fallback voice after it, failed. The engine's words.
    #[error("synthesis failed: {0}")]
    Synthesis(String),
    /// No frame left in time, also not with the fallback voice.
    #[error("no frame left for {stall_ms} ms, also with the fallback voice")]
    Stalled {
        /// The limit.
        stall_ms: u64,
    },
    /// The call ended first.
    #[error("the line closed first")]
    LineClosed,
}

/// Why the floor changed hands, or state.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FloorReason {
    /// A waiting claim got it for the first time.
    Granted,
    /// A claim that was cut got it back.
    Regranted,
    /// The caller may be speaking: paused at the sample.
    Paused,
    /// It was not speech: resumed at the sample.
    Resumed,
    /// All was sent.
    Spoken,
    /// A claim of a higher source is waiting.
    Preempted {
        /// Which.
        by: ClaimId,
    },
    /// The caller speaks.
    BargeIn,
    /// Another claim took its place.
    Superseded,
    /// The caller said something new.
    Stale,
    /// Its producer took it back.
    Withdrawn,
    /// The operator took the floor.
    OperatorTook,
    /// The operator handed it back.
    OperatorReleased,
    /// No frame left for `stall_ms`: a filler speaks until the claim gets the floor again.
    StallFiller,
    /// No frame left after the filler either: revoked.
    StallRevoked,
    /// The fallback voice says it.
    Fallback,
    /// It could not be said.
    Failed,
    /// The call is over.
    LineClosed,
}
