//! The written message, as it lies in a lane and as it leaves.

use lane_broker::{Lane, Position, Tag};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest text, in bytes. Also the most that a request to the door may bring.
pub const TEXT_BYTES_MAX: usize = 20 * 1024;
/// Longest name of a writer or recipient, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// What a name is made of, as a schema says it; how long it may be is said beside it.
pub const NAME_PATTERN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// What a text has at least one of: anything that is no white space.
pub const TEXT_PATTERN: &str =
    r"[^\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]";
/// The lane of each tag into which messages come and from which they leave.
pub const MAIN: &str = "main";

/// A message as its lane keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// What was written: at most 20480 bytes, and not only white space.
    #[schemars(length(min = 1, max = 20480), regex(pattern = TEXT_PATTERN))]
    pub text: String,
    /// Who wrote: a person's or program's name, a phone number, of at most 128 bytes without control
    /// characters. An answer goes there.
    #[serde(default = "nobody")]
    #[schemars(length(min = 1, max = 128), regex(pattern = NAME_PATTERN))]
    pub from: String,
}

/// Why a message is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrittenError {
    /// It says nothing.
    #[error("\"text\" is empty; say something")]
    Empty,
    /// It says too much.
    #[error("\"text\" has more than {TEXT_BYTES_MAX} bytes; send it in parts")]
    TooLong,
    /// Nobody, or a name that breaks a log line.
    #[error("a name has 1 to {NAME_BYTES_MAX} bytes and no control characters")]
    BadName,
}

impl Written {
    /// Whether it can be taken in.
    ///
    /// # Errors
    /// [`WrittenError`].
    pub fn check(&self) -> Result<(), WrittenError> {
        check_text(&self.text)?;
        check_name(&self.from)
    }
}

/// A message that is to leave, as programs hand it in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outgoing {
    /// How it leaves.
    pub channel: OutgoingChannel,
    /// To whom: a phone number for `sms`, a writer's name for `chat`.
    #[schemars(length(min = 1, max = 128), regex(pattern = NAME_PATTERN))]
    pub to: String,
    /// What it says.
    #[schemars(length(min = 1, max = 20480), regex(pattern = TEXT_PATTERN))]
    pub text: String,
    /// What it reacts to, e.g. the `id` of a message in a lane. One reaction goes to each
    /// recipient, whoever sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = NAME_PATTERN))]
    pub trigger: Option<String>,
    /// Two messages with the same key are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = NAME_PATTERN))]
    pub dedup_key: Option<String>,
    /// Not worth sending if it has not left by then, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 4_294_967_295_u32))]
    pub ttl_s: Option<u32>,
}

impl Outgoing {
    /// Whether it can be sent.
    ///
    /// # Errors
    /// [`WrittenError`].
    pub fn check(&self) -> Result<(), WrittenError> {
        check_text(&self.text)?;
        check_name(&self.to)?;
        self.trigger.iter().chain(&self.dedup_key).try_for_each(|name| check_name(name))
    }
}

/// A message that has left, as the lane `xen-out:main` keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Left {
    /// Its sender's name for it.
    pub message: String,
    /// How it left.
    pub channel: OutgoingChannel,
    /// To whom.
    pub to: String,
    /// What it says.
    pub text: String,
    /// What it reacts to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
}

/// How a message leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutgoingChannel {
    /// Into the lane `xen-out:main`, where whoever wrote reads it.
    Chat,
    /// As a short message to a phone.
    Sms,
}

/// The lane of a tag that messages come into.
pub(super) fn main_lane(tag: Tag) -> Option<Lane> {
    Lane::new(tag, MAIN).ok()
}

/// The name of a message for good: `sms:main/12`.
pub(super) fn id_of(lane: &str, position: Position) -> String {
    format!("{lane}/{position}")
}

fn check_text(text: &str) -> Result<(), WrittenError> {
    match text.len() {
        _ if text.trim().is_empty() => Err(WrittenError::Empty),
        ..=TEXT_BYTES_MAX => Ok(()),
        _ => Err(WrittenError::TooLong),
    }
}

/// Whether it is a name of somebody who writes or is written to.
///
/// # Errors
/// [`WrittenError::BadName`].
pub fn check_name(name: &str) -> Result<(), WrittenError> {
    let good = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(char::is_control);
    if good { Ok(()) } else { Err(WrittenError::BadName) }
}

fn nobody() -> String {
    "somebody".into()
}
