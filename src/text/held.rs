//! What the brain says of messages while their journal is away.

use std::collections::VecDeque;

use brain_protocol::BrainMessage;

/// As many as may be on their way, each as long as a text may be: 20 MB.
const HELD_MAX: usize = 1_024;

/// Answers and acknowledgements, in their order: a message is not dealt with before its answer is
/// kept, so that a line that dies meanwhile gives it to the next brain.
#[derive(Default)]
pub(super) struct Held(VecDeque<BrainMessage>);

impl Held {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// It comes back when too many wait.
    pub fn keep(&mut self, message: BrainMessage) -> Option<BrainMessage> {
        if self.0.len() >= HELD_MAX {
            return Some(message);
        }
        self.0.push_back(message);
        None
    }

    /// The one that waits longest.
    pub fn next(&mut self) -> Option<BrainMessage> {
        self.0.pop_front()
    }
}
