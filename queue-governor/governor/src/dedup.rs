//! Never twice: what makes two claims the same, and what was said lately.

use std::collections::VecDeque;

use media_core::MonoTime;

use crate::claim::{Claim, TurnId};
use crate::text;

/// Longest key that a producer gives. Keys are kept for the whole window; a hash or a UUID fits.
pub(crate) const KEY_BYTES_MAX: usize = 128;

/// Whether two things would be twice the same to whoever hears or reads them.
pub(crate) trait Same {
    /// How many are remembered; the oldest makes room.
    const REMEMBERED_MAX: usize;

    fn is_same(&self, other: &Self) -> bool;
}

/// What a claim says, for comparison.
///
/// Two claims are the same if their dedup keys are equal, or if their words are equal and they do
/// not answer different turns: who asks twice is answered twice.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Key {
    named: Option<String>,
    words: String,
    turn: Option<TurnId>,
    /// `turn` is one of an earlier conversation.
    of_earlier: bool,
}

impl Key {
    pub(crate) fn of(claim: &Claim) -> Self {
        Self {
            named: claim.dedup_key.clone(),
            words: text::normalised(claim.content.words()),
            turn: claim.turn,
            of_earlier: false,
        }
    }
}

impl Same for Key {
    /// At one a second, which is more than a voice can do, this is longer than any sensible window.
    const REMEMBERED_MAX: usize = 256;

    fn is_same(&self, other: &Key) -> bool {
        let same_name = self.named.is_some() && self.named == other.named;
        let same_turn = self.turn == other.turn && self.of_earlier == other.of_earlier;
        let same_topic = self.turn.is_none() || other.turn.is_none() || same_turn;
        same_name || (same_topic && self.words == other.words)
    }
}

/// What was said, or sent, within the window.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Said<K = Key> {
    recent: VecDeque<(K, MonoTime)>,
}

impl<K> Default for Said<K> {
    fn default() -> Self {
        Self { recent: VecDeque::new() }
    }
}

impl<K: Same> Said<K> {
    pub(crate) fn remember(&mut self, key: K, until: MonoTime) {
        if self.recent.len() >= K::REMEMBERED_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((key, until));
    }

    /// Drops what may be said again. Windows end in the order in which they began.
    pub(crate) fn forget_before(&mut self, now: MonoTime) {
        while self.recent.pop_front_if(|(_, until)| *until <= now).is_some() {}
    }

    pub(crate) fn len(&self) -> usize {
        self.recent.len()
    }

    pub(crate) fn has(&self, key: &K, now: MonoTime) -> bool {
        self.recent.iter().any(|(said, until)| *until > now && said.is_same(key))
    }
}

impl Said {
    /// Every text in it by which sayings are compared.
    pub(crate) fn words_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.recent.iter_mut().flat_map(|(key, _)| key.named.iter_mut().chain([&mut key.words]))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.recent.is_empty()
    }

    /// Another conversation begins: turns count from the start again.
    pub(crate) fn forget_turns(&mut self) {
        self.recent.iter_mut().for_each(|(key, _)| key.of_earlier = true);
    }
}
