//! Claims that wait, and which of them is next.

use core::cmp::Reverse;
use core::time::Duration;

use media_core::MonoTime;

use crate::claim::{ClaimId, Source};
use crate::dedup::Same;
use crate::entry::{Entry, Thing};

/// Claims that wait for the floor. Bounded by the door, which counts all live claims; so small
/// that a scan is the fastest search.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    waiting: Vec<Entry>,
    /// How many of them were begun. Nothing is heard of a claim while it waits.
    begun: usize,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.begun += usize::from(entry.was_begun());
        self.waiting.push(entry);
    }

    /// What was begun, waits to go on, and says the same as `entry`.
    pub(crate) fn begun_as(&self, entry: &Entry) -> impl Iterator<Item = &Entry> {
        let any = if self.begun > 0 { &self.waiting[..] } else { &[] };
        any.iter().filter(|other| other.was_begun() && other.key.is_same(&entry.key))
    }

    /// The same, in the same words.
    pub(crate) fn begun_in_the_words_of(&self, entry: &Entry) -> impl Iterator<Item = &Entry> {
        self.begun_as(entry).filter(|other| other.key.has_the_words_of(&entry.key))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.waiting.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.waiting.iter_mut()
    }

    /// The next one among those that `may` speak: by source, aged ones before the responder's;
    /// what was cut before what is new; what goes on with the `saying` that just ended before the
    /// rest; then by priority and age.
    pub(crate) fn best(
        &self,
        now: MonoTime,
        age: Duration,
        saying: Option<&Thing>,
        may: impl Fn(&Entry) -> bool,
    ) -> Option<&Entry> {
        self.waiting.iter().filter(|entry| may(entry)).min_by_key(|entry| {
            let goes_on = saying.is_some() && entry.thing().as_ref() == saying;
            Self::order(entry, is_aged(entry, now, age), goes_on)
        })
    }

    fn order(
        entry: &Entry,
        aged: bool,
        goes_on: bool,
    ) -> (u8, MonoTime, bool, bool, Reverse<i8>, u64) {
        let rank = match (entry.source(), aged) {
            (Source::Operator, _) => 0,
            (Source::System, _) => 1,
            (_, true) => 2,
            (Source::Responder, _) => 3,
            (Source::Worker, _) => 4,
            (Source::External, _) => 5,
        };
        let oldest = if aged { entry.waiting_since } else { MonoTime::ZERO };
        let (new, priority) = (!entry.was_granted(), Reverse(entry.claim.priority));
        (rank, oldest, new, !goes_on, priority, entry.number)
    }

    pub(crate) fn get(&self, id: &ClaimId) -> Option<&Entry> {
        self.waiting.iter().find(|entry| entry.id() == id)
    }

    pub(crate) fn take(&mut self, id: &ClaimId) -> Option<Entry> {
        let at = self.waiting.iter().position(|entry| entry.id() == id)?;
        let entry = self.waiting.remove(at);
        self.begun -= usize::from(entry.was_begun());
        Some(entry)
    }

    /// Takes out all that are `gone`, in order of arrival.
    pub(crate) fn take_all(&mut self, gone: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let taken: Vec<_> = self.waiting.extract_if(.., |entry| gone(entry)).collect();
        self.begun -= taken.iter().filter(|entry| entry.was_begun()).count();
        taken
    }

    pub(crate) fn next_expiry(&self) -> Option<MonoTime> {
        self.waiting.iter().filter_map(|entry| entry.expires_at).min()
    }
}

/// Whether `entry` waited so long that it goes before the responder.
pub(crate) fn is_aged(entry: &Entry, now: MonoTime, age: Duration) -> bool {
    matches!(entry.source(), Source::Worker | Source::External) && now >= entry.waiting_since + age
}
