//! Never twice: what makes two claims the same, and what was said lately.

use std::collections::VecDeque;

use media_core::{MonoTime, SampleRate};

use crate::claim::{Claim, TurnId};
use crate::text;

/// Longest key that a producer gives. Keys are kept for the whole window; a hash or a UUID fits.
pub(crate) const KEY_BYTES_MAX: usize = 128;

/// Keys that a claim takes over from its duplicates. Who finds more names for one thing than that has
/// no names for things; what comes under a further one is compared by its words.
const ALSO_MAX: usize = 8;

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
    /// Further names, of what ended as its duplicate.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    also: Vec<String>,
    words: String,
    turn: Option<TurnId>,
    /// `turn` is one of an earlier conversation.
    of_earlier: bool,
    /// Of what was said: how much of it, unless that is all.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    cut: Option<Cut>,
}

/// How far into a saying it was heard that ended before its end, what it went on after included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Cut {
    /// So many words of a text.
    Words(usize),
    /// So many milliseconds of ready audio.
    Ms(u64),
}

impl Cut {
    /// Up to this sample of ready audio.
    pub(crate) fn at_sample(sample: usize, rate: SampleRate) -> Self {
        Cut::Ms((sample as u64).saturating_mul(1_000) / u64::from(rate.hz()))
    }
}

impl Key {
    pub(crate) fn of(claim: &Claim) -> Self {
        Self {
            named: claim.dedup_key.clone(),
            also: claim.also_keys.clone(),
            words: text::normalised(claim.content.words()),
            turn: claim.turn,
            of_earlier: false,
            cut: None,
        }
    }

    /// Whether the other one is the same by its words as well, so that a place in one is a place in
    /// the other.
    pub(crate) fn has_the_words_of(&self, other: &Key) -> bool {
        self.words == other.words
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        self.named.iter().chain(&self.also)
    }

    /// What was said up to there and no further.
    pub(crate) fn up_to(self, cut: Option<Cut>) -> Self {
        Self { cut, ..self }
    }
}

impl Same for Key {
    /// At one a second, which is more than a voice can do, this is longer than any sensible window.
    const REMEMBERED_MAX: usize = 256;

    fn is_same(&self, other: &Key) -> bool {
        let same_name = self.names().any(|name| other.names().any(|its| its == name));
        let same_turn = self.turn == other.turn && self.of_earlier == other.of_earlier;
        let same_topic = self.turn.is_none() || other.turn.is_none() || same_turn;
        same_name || (same_topic && self.words == other.words)
    }
}

/// Takes the keys of `same` over into `claim`, which stays in its place. Says whether that makes them
/// more.
pub(crate) fn take_keys_over(claim: &mut Claim, same: &Claim) -> bool {
    let before = claim.also_keys.len();
    for key in same.dedup_key.iter().chain(&same.also_keys) {
        let is_known = claim.dedup_key.as_ref() == Some(key) || claim.also_keys.contains(key);
        if !is_known && claim.also_keys.len() < ALSO_MAX {
            claim.also_keys.push(key.clone());
        }
    }
    claim.also_keys.len() > before
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
    /// How far what says the same in the same words was heard, if it was never said to its end:
    /// then what must be delivered is not a duplicate, and goes on from there. `None`: it is one,
    /// or nothing of the kind was said.
    pub(crate) fn cut(&self, key: &Key, now: MonoTime) -> Option<Vec<Cut>> {
        let same = self.recent.iter().filter(|(said, until)| *until > now && said.is_same(key));
        let cuts: Option<Vec<_>> = same.map(|(said, _)| said.cut.map(|cut| (said, cut))).collect();
        let cuts = cuts.filter(|cuts| !cuts.is_empty())?;
        Some(
            cuts.into_iter()
                .filter(|(said, _)| said.has_the_words_of(key))
                .map(|(_, cut)| cut)
                .collect(),
        )
    }

    /// Every text in it by which sayings are compared.
    pub(crate) fn words_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.recent
            .iter_mut()
            .flat_map(|(key, _)| key.named.iter_mut().chain(&mut key.also).chain([&mut key.words]))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.recent.is_empty()
    }

    /// Another conversation begins: turns count from the start again.
    pub(crate) fn forget_turns(&mut self) {
        self.recent.iter_mut().for_each(|(key, _)| key.of_earlier = true);
    }
}
