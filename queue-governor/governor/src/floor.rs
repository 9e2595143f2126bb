//! The floor: who holds it, and whose sound is just ending.

use core::time::Duration;

use media_core::{Generation, MonoTime, SampleRate};

use crate::claim::{ClaimId, Source};
use crate::entry::Entry;
use crate::io::Ending;
use crate::ledger::Ledger;

/// The claim that holds the floor. There is one place for it in a governor, so there is one voice.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) entry: Entry,
    pub(crate) generation: Generation,
    pub(crate) ledger: Ledger,
    paused_at: Option<MonoTime>,
    /// Since when another claim waits to take its place.
    pub(crate) superseded_since: Option<MonoTime>,
    /// It went before the responder's claims because it had waited so long.
    pub(crate) aged: bool,
    granted_at: MonoTime,
    first_sample_at: Option<MonoTime>,
    /// When a frame last left, or when it was last able to begin.
    progress_at: MonoTime,
}

impl Holder {
    pub(crate) fn new(
        entry: Entry,
        generation: Generation,
        rate: SampleRate,
        now: MonoTime,
        aged: bool,
    ) -> Self {
        Self {
            entry,
            generation,
            ledger: Ledger::new(rate),
            paused_at: None,
            superseded_since: None,
            aged,
            granted_at: now,
            first_sample_at: None,
            progress_at: now,
        }
    }

    pub(crate) fn on_first_sample(&mut self, now: MonoTime) {
        if self.first_sample_at.is_none() {
            self.first_sample_at = Some(now);
            self.progress_at = now;
        }
    }

    pub(crate) fn on_sent(&mut self, now: MonoTime, samples: u64) {
        if self.ledger.on_sent(samples) {
            self.first_sample_at.get_or_insert(now);
            self.progress_at = now;
        }
    }

    /// Whether the caller hears it, or has heard it.
    pub(crate) fn is_audible(&self) -> bool {
        self.first_sample_at.is_some()
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused_at.is_some()
    }

    /// Since when it is paused.
    pub(crate) fn paused_at(&self) -> Option<MonoTime> {
        self.paused_at
    }

    pub(crate) fn on_pause(&mut self, now: MonoTime) {
        self.paused_at = Some(now);
    }

    pub(crate) fn on_resume(&mut self, now: MonoTime) {
        self.paused_at = None;
        self.progress_at = now;
    }

    /// When it is stalled, if no frame leaves until then. A pause stops the watch.
    pub(crate) fn stalled_at(&self, stall: Duration) -> Option<MonoTime> {
        (!self.is_paused()).then(|| self.progress_at + stall)
    }

    /// When to cut it for something that waits since `since`: at the end of the clause, or at a
    /// word's end before `longest` is over. What is paused or not yet audible is cut at once; an
    /// aged claim, which would otherwise never be heard, is waited for from its first sample on.
    pub(crate) fn cut_at(&self, since: MonoTime, longest: Duration) -> Option<MonoTime> {
        if self.is_paused() {
            return Some(since);
        }
        let Some(first_sample_at) = self.first_sample_at else {
            return (!self.aged).then_some(since.max(self.granted_at));
        };
        let since = since.max(if self.aged { first_sample_at } else { self.granted_at });
        let deadline = since + longest;
        let cut = self.ledger.cut_between(self.position_at(since), self.position_at(deadline));
        Some(cut.map_or(deadline, |sample| self.time_of(sample).min(deadline)))
    }

    /// The sample that leaves at `at`, as far as the last report tells.
    fn position_at(&self, at: MonoTime) -> u64 {
        let sent = self.ledger.sent();
        let later = self.ledger.samples_in(at.since(self.progress_at));
        let earlier = self.ledger.samples_in(self.progress_at.since(at));
        sent.saturating_add(later).saturating_sub(earlier)
    }

    fn time_of(&self, sample: u64) -> MonoTime {
        let sent = self.ledger.sent();
        self.progress_at + self.ledger.duration_of(sample.saturating_sub(sent))
            - self.ledger.duration_of(sent.saturating_sub(sample))
    }
}

/// A claim whose generation was revoked, until the count of what was sent is final.
#[derive(Clone, Debug)]
pub(crate) struct Silencing {
    pub(crate) entry: Entry,
    pub(crate) generation: Generation,
    pub(crate) ledger: Ledger,
    pub(crate) aged: bool,
    pub(crate) then: Then,
    pub(crate) until: MonoTime,
}

/// What becomes of a revoked claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    /// It waits for the floor again.
    Wait {
        /// From the start of the clause that was cut.
        restate: bool,
    },
    /// It ends, unless all of it was sent: then it was spoken.
    End(Ending),
}

/// Who holds the floor, and who just lost it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Floor {
    pub(crate) holder: Option<Holder>,
    /// Bounded by the live claims: each is in one place only.
    pub(crate) silencing: Vec<Silencing>,
    generation: Generation,
}

impl Floor {
    pub(crate) fn next_generation(&mut self) -> Generation {
        self.generation = self.generation.next();
        self.generation
    }

    pub(crate) fn holder_of(&mut self, generation: Generation) -> Option<&mut Holder> {
        self.holder.as_mut().filter(|holder| holder.generation == generation)
    }

    pub(crate) fn silencing_of(&mut self, generation: Generation) -> Option<&mut Silencing> {
        self.silencing.iter_mut().find(|silencing| silencing.generation == generation)
    }

    pub(crate) fn holds(&self, id: &ClaimId) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.entry.id() == id)
    }

    /// Live claims on the floor or just off it.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        let holder = self.holder.iter().map(|holder| &holder.entry);
        holder.chain(self.silencing.iter().map(|silencing| &silencing.entry))
    }

    /// See [`Floor::entries`].
    pub(crate) fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        let holder = self.holder.iter_mut().map(|holder| &mut holder.entry);
        holder.chain(self.silencing.iter_mut().map(|silencing| &mut silencing.entry))
    }
}

/// How a waiting claim takes the floor from its holder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Preemption {
    /// Without delay.
    AtOnce,
    /// At the end of the clause.
    AtClause,
}

/// Whether and how `waiting` takes the floor from `holder`: the operator from all others at once,
/// alerts and answers from workers and the rest at the end of a clause.
pub(crate) fn preemption(waiting: &Entry, holder: &Entry) -> Option<Preemption> {
    match (waiting.source(), holder.source()) {
        (_, Source::Operator) => None,
        (Source::Operator, _) => Some(Preemption::AtOnce),
        _ if holder.claim.uninterruptible => None,
        (Source::System | Source::Responder, Source::Worker | Source::External) => {
            Some(Preemption::AtClause)
        }
        _ => None,
    }
}
