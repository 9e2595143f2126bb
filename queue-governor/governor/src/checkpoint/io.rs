//! What goes into a checkpoint and what comes out of it.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use crate::claim::Tag;
use crate::reason::RefusalReason;

use super::MessageRecord;

/// A producer's name for a message: 1 to [`MessageId::BYTES_MAX`] bytes, unique among those alive.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MessageId(Arc<str>);

impl MessageId {
    /// Longest name.
    pub const BYTES_MAX: usize = crate::ClaimId::BYTES_MAX;

    /// The name as given. Its length is judged at the door.
    #[must_use]
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(Arc::from(id.as_ref()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// By which way a message leaves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Channel {
    /// To a phone number, through the carrier.
    Sms,
    /// To whoever reads a lane.
    Chat,
}

/// A text that is to be sent.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Message {
    /// The producer's name for it.
    pub id: MessageId,
    /// Its class, for what leaves `xen-out`. Unknown or empty: refused.
    pub tag: Tag,
    /// By which way.
    pub channel: Channel,
    /// To whom: a phone number, or a name that the channel knows.
    pub to: String,
    /// What is sent.
    pub text: String,
    /// What it reacts to. Two messages to one recipient with the same trigger are one, whatever
    /// they say; an acknowledgement and the answer that follows it have triggers of their own.
    pub trigger: Option<String>,
    /// Names the content where the words alone do not.
    pub dedup_key: Option<String>,
    /// The message that this one takes the place of, if it has not left yet.
    pub supersedes: Option<MessageId>,
    /// Longest wait, from acceptance, until it leaves.
    pub ttl: Option<Duration>,
}

impl Message {
    /// A message tagged `xen-out`, with every option at its default.
    #[must_use]
    pub fn new(
        id: impl AsRef<str>,
        channel: Channel,
        to: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self {
            id: MessageId::new(id),
            tag: Tag::XEN_OUT,
            channel,
            to: to.into(),
            text: text.into(),
            trigger: None,
            dedup_key: None,
            supersedes: None,
            ttl: None,
        }
    }

    /// To whom it goes, for comparison: a phone number without what people write between digits.
    pub(super) fn recipient(&self) -> String {
        match self.channel {
            Channel::Sms => self.to.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect(),
            Channel::Chat => self.to.trim().to_owned(),
        }
    }
}

/// Something that happened.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MessageInput {
    /// A producer wants it sent.
    Send(Message),
    /// The endpoint took it.
    Delivered(MessageId),
    /// The endpoint certainly did not take it, and will not be tried again. Its words.
    Failed(MessageId, String),
    /// The endpoint may have taken it or not, and will not be tried again. Its words.
    Unsure(MessageId, String),
    /// A producer no longer wants it. What is on its way, and unknown names, are left alone.
    Withdraw(MessageId),
    /// Nothing but time passed.
    Timeout,
}

/// Something to be done, or to be told.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MessageOutput {
    /// Write this down. What comes after it waits until it is safe.
    Journal(MessageRecord),
    /// The message is taken in and will end exactly once.
    Accepted(MessageId),
    /// Hand it to the endpoint, with its id as the name under which it is taken once; then report
    /// [`MessageInput::Delivered`], [`MessageInput::Failed`] or [`MessageInput::Unsure`].
    Deliver(Message),
    /// What became of a message. Comes once for each accepted one, and once, without
    /// [`MessageOutput::Accepted`], for one that was turned away at the door.
    Ended {
        /// Which.
        id: MessageId,
        /// How it ended.
        ending: MessageEnding,
    },
}

/// How a message ended.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MessageEnding {
    /// The endpoint took it.
    Sent,
    /// The same is already waiting, on its way, or was sent.
    Duplicate,
    /// Another message took its place.
    Superseded,
    /// Its time to live was over before its turn came.
    Expired,
    /// Its producer took it back.
    Withdrawn,
    /// It was never taken in.
    Refused(RefusalReason),
    /// It was taken in and, as far as is known, not sent.
    Failed(MessageFailure),
}

impl MessageEnding {
    /// Whether the recipient has it, or may have it.
    #[must_use]
    pub fn may_have_left(&self) -> bool {
        matches!(
            self,
            Self::Sent
                | Self::Failed(
                    MessageFailure::NoAnswer | MessageFailure::Unsure(_) | MessageFailure::InDoubt
                )
        )
    }
}

/// Why an accepted message could not be sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MessageFailure {
    /// The endpoint did not take it. Its words.
    #[error("it was not taken: {0}")]
    Rejected(String),
    /// Nothing was heard of the delivery in time.
    #[error("whether it was taken is not known: no answer came in time")]
    NoAnswer,
    /// The endpoint may have taken it. Its words.
    #[error("it may have been sent, so it is not sent again: {0}")]
    Unsure(String),
    /// The line died while it was on its way.
    #[error("whether it was taken is not known: the line stopped while it was on its way")]
    InDoubt,
}
