//! What is let go only when the records before it are safe. Pure.
//!
//! What follows a record waits for it, and for a bounded time only: a caller is not kept waiting
//! for a disk. An acceptance is a promise, and is never told as one before it is true. To another
//! program it waits as long as the disk takes, and is broken when that fails, so that the program
//! hands its claim in again. The brain's words are said with or without a disk; so the brain is
//! told, at the latest after a while, that its claim is taken in and not kept. What is told of a
//! claim stays behind its promise.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use media_core::MonoTime;
use queue_governor::ClaimId;

use super::Progress;

/// A grant or an answer waits no longer for the disk than this; then it goes on, and what was not
/// safe is told.
pub const LATE: Duration = Duration::from_millis(50);
/// The brain waits no longer for a promise than this. A disk under load takes less for a record, and
/// a mind can do without for so long: its words are being said meanwhile.
pub const UNKEPT: Duration = Duration::from_secs(1);

/// What is held back, in order. `T`: whatever is to be done.
pub struct HoldBack<T> {
    held: VecDeque<Held<T>>,
    issued: u64,
    progress: Progress,
}

/// What waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Anything that follows a record.
    Follows,
    /// Another program is told that its claim is accepted.
    Promise,
    /// The brain is told so.
    PromiseToTheBrain,
    /// Somebody is told how a claim ended: it needs no promise any more.
    Ending,
    /// The last that the brain is told of a line.
    Goodbye,
}

/// Something that waits no longer.
#[derive(PartialEq, Eq, Debug)]
pub struct LetGo<T> {
    /// What.
    pub item: T,
    /// Whether the records before it are safe. A promise is true only if they are.
    pub safe: bool,
}

struct Held<T> {
    item: T,
    kind: Kind,
    /// Whom it is told of.
    claim: Option<ClaimId>,
    /// The record that must be safe first.
    after: u64,
    /// When it goes on all the same; `None`: never.
    due: Option<MonoTime>,
}

impl<T> Default for HoldBack<T> {
    fn default() -> Self {
        Self { held: VecDeque::new(), issued: 0, progress: Progress::default() }
    }
}

impl<T> HoldBack<T> {
    /// A record was handed to the journal under this number.
    pub fn written(&mut self, number: u64) {
        self.issued = number;
    }

    /// The journal says how far it is.
    pub fn progressed(&mut self, progress: Progress) {
        self.progress = progress;
    }

    /// Whether nothing waits, and nothing has to.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.held.is_empty() && self.progress.durable >= self.issued
    }

    /// Holds `item` back behind everything written so far. `claim`: what it is told of.
    pub fn hold(&mut self, now: MonoTime, kind: Kind, claim: Option<ClaimId>, item: T) {
        let late = now + LATE;
        let due = match kind {
            Kind::Promise => None,
            Kind::PromiseToTheBrain => Some(now + UNKEPT),
            Kind::Follows | Kind::Ending | Kind::Goodbye => Some(late),
        };
        match kind {
            Kind::Ending => self.hurry(late, |held| held.claim == claim),
            Kind::Goodbye => self.hurry(late, |held| held.kind == Kind::PromiseToTheBrain),
            _ => {}
        }
        self.held.push_back(Held { item, kind, claim, after: self.issued, due });
    }

    /// The next that need not wait any more.
    pub fn next(&mut self, now: MonoTime) -> Option<LetGo<T>> {
        loop {
            let at = self.in_front().find(|(_, held)| self.is_ready(now, held))?.0;
            let held = self.held.remove(at)?;
            let safe = held.after <= self.progress.durable;
            // Nobody is told of an acceptance that is not true, and nobody needs it: the ending follows.
            if safe || held.kind != Kind::Promise {
                return Some(LetGo { item: held.item, safe });
            }
        }
    }

    /// When to call [`HoldBack::next`] if the journal says nothing before.
    #[must_use]
    pub fn next_timeout(&self) -> Option<MonoTime> {
        self.in_front().filter_map(|(_, held)| held.due).min()
    }

    /// Promises that the journal, as it fails, cannot make true. One that is true already is kept.
    pub fn take_broken(&mut self) -> Vec<T> {
        if !self.progress.failing {
            return Vec::new();
        }
        let durable = self.progress.durable;
        let is_broken = |held: &Held<T>| held.due.is_none() && held.after > durable;
        let (broken, held) = self.held.drain(..).partition(is_broken);
        self.held = held;
        let broken: VecDeque<Held<T>> = broken;
        broken.into_iter().map(|held| held.item).collect()
    }

    /// Whether something that waits is so.
    pub fn any(&self, is: impl Fn(&T) -> bool) -> bool {
        self.held.iter().any(|held| is(&held.item))
    }

    /// Forgets what waits and is so. Says whether something was.
    pub fn forget(&mut self, is: impl Fn(&T) -> bool) -> bool {
        let before = self.held.len();
        self.held.retain(|held| !is(&held.item));
        self.held.len() < before
    }

    fn is_ready(&self, now: MonoTime, held: &Held<T>) -> bool {
        let is_late = |due: MonoTime| self.progress.failing || now >= due;
        held.after <= self.progress.durable || held.due.is_some_and(is_late)
    }

    /// What waits for nothing but the journal: what is told of a claim waits behind its promise, too.
    /// What waits for safety alone does not keep the others.
    fn in_front(&self) -> impl Iterator<Item = (usize, &Held<T>)> {
        let mut promised = BTreeSet::new();
        self.held.iter().enumerate().filter(move |(_, held)| {
            let Some(claim) = &held.claim else { return true };
            let is_promise = matches!(held.kind, Kind::Promise | Kind::PromiseToTheBrain);
            let behind = promised.contains(claim);
            if is_promise {
                promised.insert(claim);
            }
            !behind
        })
    }

    /// Promises that are so wait until `due` at the longest.
    fn hurry(&mut self, due: MonoTime, is: impl Fn(&Held<T>) -> bool) {
        let promises = self.held.iter_mut().filter(|held| {
            matches!(held.kind, Kind::Promise | Kind::PromiseToTheBrain) && is(held)
        });
        promises.for_each(|held| held.due = Some(held.due.map_or(due, |own| own.min(due))));
    }
}

#[cfg(test)]
mod tests;
