//! Session descriptions (RFC 8866): a bounded way in, a small way out.
//!
//! [`parse`] reads what offer/answer needs from a peer's SDP through a library, behind limits of
//! our own. [`write`] writes ours.

mod crypto;
mod description;
mod write;

pub use crypto::Crypto;
pub use description::{Description, MediaLine, RtpMap, SdpError, parse};
pub(crate) use write::{LocalMedia, MediaShape, write};

/// Longest SDP. A trunk's has 300 to 800 bytes, a browser's offer some thousand.
pub const SDP_BYTES_MAX: usize = 8 * 1024;
/// Most lines in an SDP.
pub const SDP_LINES_MAX: usize = 256;
/// Most media lines. A phone call has one or two.
pub const MEDIA_LINES_MAX: usize = 8;
/// Most formats of one media line that are looked at.
pub const FORMATS_MAX: usize = 32;
