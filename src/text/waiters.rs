//! Who waits for the answer to what was typed.

use std::collections::VecDeque;

/// Clients of the line's socket at the same time, and then some.
const WAITERS_MAX: usize = 64;

/// How what was typed stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedNews {
    /// It is kept under this id.
    Kept(String),
    /// It was not taken in, and why.
    Refused(String),
    /// It is answered with this.
    Answer(String),
    /// It was dealt with, and needs no answer.
    Done,
}

/// Tells a client; dropping it ends the conversation.
pub(super) type Tell = Box<dyn Fn(TypedNews) + Send>;

/// Those who wait, by the id of what they typed.
#[derive(Default)]
pub(super) struct Waiters(VecDeque<(String, Tell)>);

impl Waiters {
    /// The one who waits longest gives way to one too many.
    pub fn add(&mut self, id: String, tell: Tell) {
        if self.0.len() == WAITERS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((id, tell));
    }

    /// The last word to whoever waits for this.
    pub fn tell(&mut self, id: &str, news: TypedNews) {
        if let Some(index) = self.0.iter().position(|(waiting, _)| waiting == id)
            && let Some((_, tell)) = self.0.remove(index)
        {
            tell(news);
        }
    }
}
