use bytes::{Buf, Bytes, BytesMut};

use super::{GuardError, MESSAGE_BYTES_MAX, head};

/// What a stream held next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// One whole message.
    Message(Bytes),
    /// A double CRLF between messages, to be answered with one CRLF (RFC 5626 §4.4.1).
    Ping,
}

/// Cuts a byte stream into messages.
///
/// Holds at most one message and what arrived after it in the same read; [`StreamFramer::push`]
/// only what [`StreamFramer::room`] allows. After an error the stream cannot be trusted to be in
/// step again: close it.
#[derive(Debug, Default)]
pub struct StreamFramer {
    buffer: BytesMut,
    /// How long the message is that the buffer begins with, once its head is there: it is looked at
    /// once, however slowly its body drips.
    whole: Option<usize>,
}

impl StreamFramer {
    /// A framer for a new stream. Takes no memory until bytes arrive.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes [`StreamFramer::push`] takes at most. Never 0 after `next` returned `None`.
    #[must_use]
    pub fn room(&self) -> usize {
        (2 * MESSAGE_BYTES_MAX).saturating_sub(self.buffer.len())
    }

    /// Appends what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether part of a message waits for the rest.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The next frame, or `None` until more bytes arrive.
    ///
    /// # Errors
    /// [`GuardError`]: the peer does not speak SIP, or not in bounds. On a stream Content-Length is
    /// mandatory (RFC 3261 §20.14).
    pub fn next_frame(&mut self) -> Result<Option<Frame>, GuardError> {
        if self.whole.is_some() {
            return self.message();
        }
        loop {
            if self.buffer.starts_with(b"\r\n\r\n") {
                self.buffer.advance(4);
                return Ok(Some(Frame::Ping));
            }
            // A lone CRLF: an answer to a ping of ours, or the first half of a ping.
            if self.buffer.starts_with(b"\r\n") && self.buffer.len() > 2 && self.buffer[2] != b'\r'
            {
                self.buffer.advance(2);
                continue;
            }
            break;
        }
        if self.buffer.is_empty() || self.buffer[0] == b'\r' {
            self.give_memory_back();
            return if self.buffer.len() > 3 { Err(GuardError::Truncated) } else { Ok(None) };
        }
        self.message()
    }

    fn message(&mut self) -> Result<Option<Frame>, GuardError> {
        let Some(whole) = self.whole.map_or_else(|| self.length(), |whole| Ok(Some(whole)))? else {
            return Ok(None);
        };
        if self.buffer.len() < whole {
            self.whole = Some(whole);
            return Ok(None);
        }
        self.whole = None;
        let message = self.buffer.split_to(whole).freeze();
        Ok(Some(Frame::Message(message)))
    }

    /// How long the message is, once its head is there.
    fn length(&self) -> Result<Option<usize>, GuardError> {
        let checked = match head::check(&self.buffer) {
            Ok(checked) => checked,
            Err(GuardError::Truncated) if self.buffer.len() <= MESSAGE_BYTES_MAX => {
                return Ok(None);
            }
            Err(GuardError::Truncated) => return Err(GuardError::TooLarge("head")),
            Err(error) => return Err(error),
        };
        let body = checked.content_length.ok_or(GuardError::ContentLength("is missing"))?;
        let whole = checked.length + body;
        if whole > MESSAGE_BYTES_MAX {
            return Err(GuardError::TooLarge("message"));
        }
        Ok(Some(whole))
    }

    /// An idle stream keeps no buffer.
    fn give_memory_back(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }
}
