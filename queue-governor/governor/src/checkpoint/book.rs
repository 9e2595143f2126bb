//! What of the messages must survive a crash.

use media_core::MonoTime;

use crate::dedup::Said;

use super::{Message, MessageEnding, MessageId, MessageKey};

/// One entry of the journal of messages.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MessageRecord {
    /// A message is taken in.
    Accepted {
        /// The message.
        message: Message,
        /// When it expires if it has not left.
        expires_at: Option<MonoTime>,
    },
    /// It is handed to the endpoint from now on.
    OnItsWay {
        /// Which.
        id: MessageId,
    },
    /// The one ending.
    Ended {
        /// Which.
        id: MessageId,
        /// How it ended.
        ending: MessageEnding,
        /// Until when the same is not sent again. `None`: it certainly did not leave.
        remember_until: Option<MonoTime>,
    },
}

/// A message that was accepted and has no ending yet.
#[derive(Clone, PartialEq, Debug)]
pub struct Outgoing {
    /// The message.
    pub message: Message,
    /// When it expires if it has not left.
    pub expires_at: Option<MonoTime>,
    /// It was handed over, and may have left.
    pub on_its_way: bool,
}

/// The fold of the records: what is unfinished, and what was sent lately. As bounded as the
/// checkpoint that wrote them.
#[derive(Clone, Debug, Default)]
pub struct MessageBook {
    /// In order of acceptance.
    outgoing: Vec<Outgoing>,
    sent: Said<MessageKey>,
}

impl MessageBook {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one record in.
    pub fn apply(&mut self, record: &MessageRecord) {
        match record {
            MessageRecord::Accepted { message, expires_at } => self.accept(message, *expires_at),
            MessageRecord::OnItsWay { id } => {
                let known = self.outgoing.iter_mut().find(|it| it.message.id == *id);
                known.into_iter().for_each(|it| it.on_its_way = true);
            }
            MessageRecord::Ended { id, remember_until, .. } => {
                let at = self.outgoing.iter().position(|it| it.message.id == *id);
                let Some(ended) = at.map(|at| self.outgoing.remove(at)) else { return };
                if let Some(until) = remember_until {
                    self.sent.remember(MessageKey::of(&ended.message), *until);
                }
            }
        }
    }

    /// What was accepted and has no ending, in order of acceptance.
    pub fn unfinished(&self) -> impl Iterator<Item = &Outgoing> {
        self.outgoing.iter()
    }

    pub(super) fn into_parts(self) -> (Vec<Outgoing>, Said<MessageKey>) {
        (self.outgoing, self.sent)
    }

    fn accept(&mut self, message: &Message, expires_at: Option<MonoTime>) {
        if self.outgoing.iter().any(|it| it.message.id == message.id) {
            return;
        }
        // The ending of the one whose place it takes follows, or the crash came before it.
        let message = message.clone();
        self.outgoing.push(Outgoing { message, expires_at, on_its_way: false });
    }
}
