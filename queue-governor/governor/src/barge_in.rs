//! Whether the caller speaks, as one state per line: `onset → decide → (speech | not)`, and the
//! open utterance until it is a turn.

use core::time::Duration;

use media_core::{MonoTime, Verdict};

/// What is known of the caller's speech. The two deadlines are independent, because a second
/// onset can come while the first utterance is still open, and the first may close before the
/// second is decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    /// An onset is undecided until then.
    undecided_until: Option<MonoTime>,
    /// An utterance is open, at the longest until then.
    open_until: Option<MonoTime>,
}

impl Caller {
    /// Whether the caller speaks, or may be speaking.
    pub(crate) fn may_be_speaking(&self) -> bool {
        self.undecided_until.is_some() || self.open_until.is_some()
    }

    /// A new onset does not prolong an undecided one: `decide` bounds the pause.
    pub(crate) fn on_onset(&mut self, now: MonoTime, decide: Duration) {
        self.undecided_until.get_or_insert(now + decide);
    }

    pub(crate) fn on_verdict(&mut self, now: MonoTime, verdict: Verdict, turn_max: Duration) {
        self.undecided_until = None;
        if verdict == Verdict::Speech {
            self.open_until = Some(now + turn_max);
        }
    }

    /// The open utterance is over. An undecided onset after it stays undecided.
    pub(crate) fn on_utterance_end(&mut self) {
        self.open_until = None;
    }

    pub(crate) fn on_time(&mut self, now: MonoTime) {
        self.undecided_until = self.undecided_until.filter(|until| *until > now);
        self.open_until = self.open_until.filter(|until| *until > now);
    }

    pub(crate) fn next_timeout(&self) -> Option<MonoTime> {
        self.undecided_until.into_iter().chain(self.open_until).min()
    }
}
