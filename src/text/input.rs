//! What the thread is told, and what it tells of a message.

use brain_protocol::{BrainMessage, MessageEnding};
use tokio::sync::mpsc;

use super::message::{Outgoing, Written};
use super::retry::NotSent;
use super::waiters::Tell;

/// How a message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutgoingNews {
    /// It is kept, and will end once.
    Accepted,
    /// It is not kept, because nothing can be at present; it may be handed in again.
    NotNow {
        /// Why.
        reason: String,
    },
    /// It came to its one ending.
    Ended {
        /// How.
        ending: MessageEnding,
        /// Where the ending alone does not say why.
        reason: Option<String>,
    },
}

/// What can happen to the thread.
pub(super) enum Input {
    /// Something was published, or a brain came or went.
    Look,
    Brain(BrainMessage),
    Send {
        id: String,
        tag: String,
        outgoing: Outgoing,
        news: mpsc::Sender<OutgoingNews>,
    },
    Typed {
        written: Written,
        wait: bool,
        tell: Tell,
    },
    /// A short message left, or will not.
    Settled(String, Result<(), NotSent>),
}
