//! What both directions say about written messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::MessageId;

/// A written message that is to leave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Send {
    /// The brain's name for the message.
    pub message: MessageId,
    /// How it leaves.
    pub channel: Channel,
    /// To whom: a phone number for `sms`, the writer's name for `chat`.
    pub to: String,
    /// What kind of thing this is: `xen-out`. An unknown tag, or none, is refused.
    #[serde(default)]
    pub tag: String,
    /// What it reacts to, e.g. the `id` of a `text_message`. Of several messages that react to the
    /// same thing one goes to each recipient, whoever sends them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// What it says.
    pub text: String,
    /// Two messages with the same key are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup_key: Option<String>,
    /// Not worth sending if it has not left by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
}

impl Send {
    /// A message with nothing special about it.
    #[must_use]
    pub fn new(
        message: MessageId,
        channel: Channel,
        to: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self {
            message,
            channel,
            to: to.into(),
            tag: OUT_TAG.into(),
            trigger: None,
            text: text.into(),
            dedup_key: None,
            ttl_ms: None,
        }
    }
}

/// How a written message leaves. An open enumeration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Into the lane `xen-out:main`, where whoever wrote reads it.
    Chat,
    /// As a short message to a phone.
    Sms,
    /// A channel that this version has no word for. Refused where something is to be sent.
    #[serde(other)]
    Unknown,
}

/// What became of a written message. An open enumeration: a newer line may know more endings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageEnding {
    /// It left: whoever carries it has taken it.
    Sent,
    /// The same was sent a moment ago, or another reaction to the same trigger.
    Duplicate,
    /// A later message took its place.
    Superseded,
    /// It did not leave within its time to live.
    Expired,
    /// It was taken back.
    Withdrawn,
    /// It was never queued; the reason says why.
    Refused,
    /// It could not be sent; the reason says why.
    Failed,
    /// An ending that this version has no word for.
    #[serde(other)]
    Unknown,
}

/// The tag of what leaves.
const OUT_TAG: &str = "xen-out";
