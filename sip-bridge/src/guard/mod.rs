//! Framing and start line, checked by us before the stack sees a byte.
//!
//! The stack's grammar is lenient where leniency is dangerous: it takes Content-Length values that
//! are too large, negative or repeated, Request-URIs in angle brackets, and trailing blanks in the
//! start line, and drops every header after one that is not UTF-8. What passes here has
//!
//! - one well-formed start line, single spaces, no angle brackets;
//! - header lines that are UTF-8 without control characters, ended by CRLF, with token names;
//! - exactly one From, To, Call-ID and CSeq, at least one Via, at most one Content-Length;
//! - a Content-Length that the bytes at hand satisfy, and no more bytes than it says;
//! - bounded sizes: nothing is searched, copied or counted beyond them.
//!
//! RFC 3261 §7 and §18.3, RFC 4475 §3.1.2.

mod framer;
mod head;
#[cfg(test)]
mod tests;

pub use framer::{Frame, StreamFramer};

/// Longest message, head and body. The carrier refuses requests over 6,144 bytes (513), so twice
/// that and some is room enough for any peer.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// Most header lines. Real ones have 15 to 40.
pub const HEADER_LINES_MAX: usize = 128;
/// Longest start line. The carrier refuses Request-URIs over 512 bytes.
pub const START_LINE_BYTES_MAX: usize = 1024;
/// Longest header line, folding included.
pub const HEADER_BYTES_MAX: usize = 4096;

/// Why bytes are not a message that we look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GuardError {
    /// Longer than [`MESSAGE_BYTES_MAX`], or one of its lines is over its limit.
    #[error("larger than the limit on {0}")]
    TooLarge(&'static str),
    /// No empty line ends the head.
    #[error("the head does not end")]
    Truncated,
    /// The start line is malformed.
    #[error("malformed start line: {0}")]
    StartLine(&'static str),
    /// A header line is malformed.
    #[error("malformed header line: {0}")]
    HeaderLine(&'static str),
    /// A header that must be there once is missing or repeated.
    #[error("{0} must be there exactly once")]
    NotOnce(&'static str),
    /// Content-Length is malformed, repeated, or says more than there is.
    #[error("Content-Length {0}")]
    ContentLength(&'static str),
}

impl GuardError {
    /// Whether a request with this fault is answered 400 (RFC 3261 §18.3) if the stack can make out
    /// whom to answer. Everything else is dropped: it is noise, or an attack.
    #[must_use]
    pub const fn is_answerable(self) -> bool {
        matches!(self, GuardError::ContentLength(_))
    }
}

/// Checks one datagram and returns the message in it: head and exactly Content-Length bytes of
/// body. Bytes after that are ignored, as RFC 3261 §18.3 asks.
///
/// # Errors
/// [`GuardError`] says what is wrong. Leading empty lines are skipped (§7.5).
pub fn check_datagram(datagram: &[u8]) -> Result<&[u8], GuardError> {
    let message = skip_empty_lines(datagram);
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(GuardError::TooLarge("message"));
    }
    let head = head::check(message)?;
    let available = message.len() - head.length;
    match head.content_length {
        Some(length) if length > available => {
            Err(GuardError::ContentLength("says more than the datagram holds"))
        }
        Some(length) => Ok(&message[..head.length + length]),
        // Over UDP the datagram's end is the body's end (§20.14).
        None => Ok(message),
    }
}

/// Whether a datagram is only a keep-alive: empty lines, or NULs as some devices send.
#[must_use]
pub fn is_keepalive(datagram: &[u8]) -> bool {
    datagram.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

fn skip_empty_lines(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    &bytes[start.unwrap_or(bytes.len())..]
}
