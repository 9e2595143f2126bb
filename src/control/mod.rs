//! The line's own socket: how `xenline say` and other programs of this machine reach a running
//! line. One request per line in (a JSON object, or plain words to be said), JSON replies out. The
//! file's mode decides who can open it, and the peer's credentials who may ask for what.

pub mod actions;
mod attach;
pub mod client;
mod messages;
mod parse;
pub mod peer;
mod queued;
mod running;
pub mod server;

pub use attach::{SeatPart, attach_media};
pub use messages::{CallStatus, ProcessStatus, Reply, Request, TapStatus};
pub use queued::{ClaimState, QueuedClaim};
pub use running::{KeptStatus, LineDetails, OutboundStatus, ReloadStatus, RoomStatus};

/// A claim handed in from outside.
pub type SayRequest = lane_broker::intake::Wish;

/// Longest request, in bytes. A claim's text is at most 4 KiB; the rest is room for its fields.
pub const REQUEST_BYTES_MAX: usize = lane_broker::intake::WISH_BYTES_MAX;
