//! The operator's console: a terminal in which the line is seen, and from which it is joined.
//!
//! A core and a shell. The core knows what is to be seen and what a key does: [`Model`] takes
//! [`News`] of the line and keys of the operator, and answers with an [`Act`]; [`draw`] shows it in a
//! terminal of any size from 40 × 12. It reads no clock and touches no terminal, so a test can show it
//! a call and look at the picture. The shell ([`run`]) holds the terminal, the line's socket, which it
//! opens again when it breaks, and the sound devices, without which everything but one's own voice
//! still works.
//!
//! What other people wrote (names, words, texts of claims) is shown without control characters.

mod attach;
mod call;
mod keys;
mod link;
mod model;
mod news;
mod opening;
mod screen;
mod seat;
mod shell;
mod view;

pub use call::{Call, Claim, Entry, Who};
pub use keys::{Act, Prompt};
pub use model::{Model, Notice};
pub use news::{LinkNews, News, OpenCall, Queued, Seen};
pub use seat::{Part, Seat, Sound, SoundLook};
pub use shell::{Options, run};
pub use view::draw;
