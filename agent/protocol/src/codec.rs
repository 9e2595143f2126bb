use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::LINE_BYTES_MAX;

/// One direction's messages.
pub trait Message: Serialize + DeserializeOwned {
    /// The `type` of every message this version knows.
    const KINDS: &'static [&'static str];
}

/// Writes one message as a line, newline included.
///
/// # Errors
/// [`EncodeError`] when the line would be longer than [`LINE_BYTES_MAX`].
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, EncodeError> {
    let mut line = serde_json::to_vec(message).map_err(|_| EncodeError { bytes: 0 })?;
    line.push(b'\n');
    if line.len() > LINE_BYTES_MAX {
        return Err(EncodeError { bytes: line.len() });
    }
    Ok(line)
}

/// Reads one message from a line, with or without its newline.
///
/// # Errors
/// [`DecodeError`]; the length is checked before anything is parsed.
pub fn decode<M: Message>(line: &[u8]) -> Result<M, DecodeError> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    if line.len() >= LINE_BYTES_MAX {
        return Err(DecodeError::TooLong { bytes: line.len() });
    }
    let text = core::str::from_utf8(line).map_err(|_| DecodeError::NotUtf8)?;
    let head: Head = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    if !M::KINDS.contains(&head.kind.as_str()) {
        return Err(DecodeError::UnknownType { kind: shortened(&head.kind) });
    }
    serde_json::from_str(text)
        .map_err(|error| DecodeError::BadFields { kind: head.kind, error: short_error(&error) })
}

/// A line that is no message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`LINE_BYTES_MAX`].
    #[error("a line of {bytes} bytes; at most {max} are read", max = LINE_BYTES_MAX)]
    TooLong {
        /// Length without the newline.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("a line that is not UTF-8")]
    NotUtf8,
    /// Not a JSON object with a `type`.
    #[error("not a JSON object with a \"type\": {error}")]
    Malformed {
        /// What the parser says, without the content.
        error: String,
    },
    /// A message of a newer minor version, to be skipped.
    #[error("message type \"{kind}\" is not known to this version")]
    UnknownType {
        /// Its type, shortened.
        kind: String,
    },
    /// A known message with missing or wrong fields.
    #[error("message \"{kind}\": {error}")]
    BadFields {
        /// Its type.
        kind: String,
        /// What is wrong.
        error: String,
    },
}

impl DecodeError {
    /// Whether a reader goes on with the next line: a newer peer said something we have no word
    /// for. Anything else means that the peer is broken.
    #[must_use]
    pub const fn may_be_skipped(&self) -> bool {
        matches!(self, DecodeError::UnknownType { .. })
    }
}

/// A message that would be longer than [`LINE_BYTES_MAX`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the message takes {bytes} bytes; at most {max} are sent", max = LINE_BYTES_MAX)]
pub struct EncodeError {
    /// Its length.
    pub bytes: usize,
}

/// Cuts a byte stream into lines, in at most [`LINE_BYTES_MAX`] bytes of memory.
///
/// `push` bytes as they arrive, then take lines with `next_line` until there is none.
#[derive(Debug, Default)]
pub struct LineSplitter {
    buffer: Vec<u8>,
    start: usize,
    searched: usize,
}

impl LineSplitter {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes may be pushed now. Never 0 after `next_line` said that there is none.
    #[must_use]
    pub fn room(&self) -> usize {
        LINE_BYTES_MAX - (self.buffer.len() - self.start)
    }

    /// Takes bytes, and returns how many: at most [`LineSplitter::room`].
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        self.forget_taken_lines();
        let taken = bytes.len().min(self.room());
        self.buffer.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// The next whole line without its newline, or none yet.
    ///
    /// # Errors
    /// [`Overlong`] when the room is used up and no line has ended. The stream is then
    /// beyond repair: nobody can say where the next message begins.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, Overlong> {
        let from = self.searched.max(self.start);
        let Some(length) = self.buffer[from..].iter().position(|&byte| byte == b'\n') else {
            self.searched = self.buffer.len();
            return if self.room() == 0 { Err(Overlong) } else { Ok(None) };
        };
        let begin = self.start;
        let end = from + length;
        self.start = end + 1;
        self.searched = self.start;
        Ok(Some(&self.buffer[begin..end]))
    }

    fn forget_taken_lines(&mut self) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
    }
}

/// A line has no end within [`LINE_BYTES_MAX`] bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a line has no end within {max} bytes", max = LINE_BYTES_MAX)]
pub struct Overlong;

/// Feeds arbitrary bytes to everything that reads from a peer. For fuzzing.
///
/// # Panics
/// Only if the decoder is wrong: what decodes must encode to something that decodes to the same.
pub fn exercise_decoder(bytes: &[u8]) {
    let mut splitter = LineSplitter::new();
    let mut rest = bytes;
    loop {
        let taken = splitter.push(rest);
        rest = &rest[taken..];
        loop {
            match splitter.next_line() {
                Ok(Some(line)) => {
                    exercise_line::<crate::LineMessage>(line);
                    exercise_line::<crate::BrainMessage>(line);
                }
                Ok(None) => break,
                Err(Overlong) => return,
            }
        }
        if rest.is_empty() {
            return;
        }
    }
}

fn exercise_line<M: Message + PartialEq + core::fmt::Debug>(line: &[u8]) {
    let Ok(message) = decode::<M>(line) else { return };
    // Escaping may make the line longer than it came; only then may it be refused.
    if let Ok(again) = encode(&message) {
        assert_eq!(decode::<M>(&again).as_ref(), Ok(&message), "a message changed on its way");
    }
}

#[derive(serde::Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
}

fn malformed(error: &serde_json::Error) -> DecodeError {
    DecodeError::Malformed { error: short_error(error) }
}

/// Errors may quote the peer, who may be long-winded; the log is not to be.
fn short_error(error: &serde_json::Error) -> String {
    shortened(&error.to_string())
}

fn shortened(text: &str) -> String {
    text.chars().take(QUOTE_CHARS_MAX).collect()
}

const QUOTE_CHARS_MAX: usize = 160;
