//! What is written: messages that come into the lanes from people, programs and phones, and
//! messages that leave.
//!
//! In: [`TextHandle::post`] publishes a [`Written`] in the lane `<tag>:main` of its tag; when it
//! returns, the message is kept. The lanes that the brain answers are handed to it one message after
//! the other and again to the next brain, until each is acknowledged.
//!
//! Out: [`TextHandle::send`], and `send` of the brain's, pass one checkpoint. Of several messages
//! that react to the same trigger one goes to each recipient, whoever sends them; every message ends
//! once, is journalled before that is told, and goes on after a crash. Chat leaves into the lane
//! `xen-out:main`, short messages over an HTTP endpoint.
//!
//! One thread ([`start`]) carries both, because stores and disks block. It never waits for a brain,
//! and nothing in a call waits for it.

#[cfg(test)]
mod absent;
mod handle;
mod held;
mod inbox;
mod input;
mod message;
mod outbox;
mod past;
mod publish;
mod retry;
mod sms;
mod start;
mod thread;
mod waiters;
mod words;

pub use handle::{PostError, Posted, TextHandle};
pub use input::OutgoingNews;
pub use message::{
    Left, MAIN, NAME_BYTES_MAX, NAME_PATTERN, Outgoing, OutgoingChannel, TEXT_PATTERN, Written,
    WrittenError, check_name,
};
pub use outbox::JOURNAL;
pub use sms::{SMS_KEY_VARIABLE, SmsGateway};
pub use start::{TextParts, start};
pub use thread::ToBrain;
pub use waiters::TypedNews;
