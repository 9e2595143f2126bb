//! The say-queue's door: what other programs hand in to be said, read and judged. Pure.
//!
//! A [`Wish`] is a line of text or a JSON object, as it lies in a spool or comes over a socket.
//! [`parse`] reads one, [`Wish::check`] says whether it makes sense, [`Permit::judge`] who its
//! author is to us, and [`Door::admit`] whether it may come in now. Nothing here speaks, opens a
//! file or reads a clock; what comes of a wish is decided by the governor.
//!
//! Nothing that a stranger writes causes a panic, and every refusal says what to do next.

mod door;
mod parse;
mod permit;
mod wish;

pub use door::{Door, DoorLimits};
pub use parse::{Unreadable, WISH_BYTES_MAX, exercise, parse};
pub use permit::{Peer, Permit, Who};
pub use wish::{Policy, Refusal, TEXT_BYTES_MAX, TTL_S_MAX, Wish, WishSource};
