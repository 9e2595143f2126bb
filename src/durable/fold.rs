//! What the journal's records come to. Pure.

use std::collections::VecDeque;

use media_core::MonoTime;
use queue_governor::{Book, ClaimId, Content, Ending, Heard, Record, Unfinished};

use super::entry::without_samples;
use crate::say::SPOOLED;

/// Endings that are remembered by name, so that a claim which its author hands in again after a
/// crash, not knowing that it was taken, is recognised.
const ENDED_KEPT: usize = 512;
/// Sayings remembered by their words: as many as a governor remembers, because a voice does not say
/// more within any sensible window.
const SAID_KEPT: usize = 256;

/// All records so far, folded.
#[derive(Debug, Default)]
pub struct Fold {
    book: Book,
    /// What may not be said again yet: the records of each, from its acceptance to its ending.
    said: VecDeque<Vec<Record>>,
    ended: VecDeque<Record>,
}

impl Fold {
    /// Takes one record in. Applying one twice changes nothing.
    pub fn apply(&mut self, record: &Record) {
        if let Record::Ended { claim, ending, remember_until, .. } = record {
            let known = self.book.unfinished().find(|unfinished| unfinished.claim.id == *claim);
            if let (Some(known), Some(_)) = (known, remember_until) {
                self.said.retain(|said| said.iter().all(|it| it.claim() != claim));
                push(&mut self.said, records_of_said(known, record), SAID_KEPT);
            }
            // What was refused is handed in again to be taken, not to be recognised.
            let is_refused = matches!(ending, Ending::Refused(_));
            let is_handed_in_again = claim.as_str().starts_with(SPOOLED) && !is_refused;
            if is_handed_in_again && !self.ended().any(|ended| ended == claim) {
                push(&mut self.ended, name_only(claim, record), ENDED_KEPT);
            }
        }
        self.book.apply(record);
    }

    /// What has no ending yet, in order of acceptance.
    pub fn unfinished(&self) -> impl Iterator<Item = &Unfinished> {
        self.book.unfinished()
    }

    /// The last claims from a spool that ended.
    pub fn ended(&self) -> impl Iterator<Item = &ClaimId> {
        self.ended.iter().map(Record::claim)
    }

    /// Records that fold into the same: what ended, what may not be said again at `now`, and what
    /// is unfinished.
    #[must_use]
    pub fn snapshot(&mut self, now: MonoTime) -> Vec<Record> {
        self.said.retain(|said| match said.last() {
            Some(Record::Ended { remember_until, .. }) => remember_until.is_some_and(|at| at > now),
            _ => false,
        });
        let said = self.said.iter().flatten().cloned();
        self.ended
            .iter()
            .cloned()
            .chain(said)
            .chain(self.book.unfinished().flat_map(records_of))
            .collect()
    }

    /// A book that remembers what was said and has nothing unfinished.
    #[must_use]
    pub fn said(&self) -> Book {
        let mut book = self.book.clone();
        book.begin_conversation();
        book.take_unfinished(|_| true);
        book
    }
}

/// An ending that says no more than that there was one.
fn name_only(claim: &ClaimId, record: &Record) -> Record {
    let Record::Ended { ending, .. } = record else { return record.clone() };
    let (claim, ending, heard) = (claim.clone(), ending.clone(), Heard::default());
    Record::Ended { claim, ending, heard, remember_until: None }
}

/// What says that `known`, which ends so, is not to be said again. An ending has the words that were
/// heard; of ready audio the place that it went on from is told before.
fn records_of_said(known: &Unfinished, ended: &Record) -> Vec<Record> {
    let mut records = records_of(known);
    if matches!(known.claim.content, Content::Text(_)) {
        records.truncate(1);
    }
    records.iter_mut().take(1).for_each(|accepted| *accepted = without_samples(accepted));
    records.push(ended.clone());
    records
}

/// What an unfinished claim's records come to, as records.
fn records_of(unfinished: &Unfinished) -> Vec<Record> {
    let Unfinished { claim, expires_at, resume_at, heard_to, samples, ms } = unfinished;
    let mut records = vec![Record::Accepted { claim: claim.clone(), expires_at: *expires_at }];
    let mut heard = |at: usize| {
        let (claim, samples, ms) = (claim.id.clone(), *samples, *ms);
        records.push(Record::Heard { claim, resume_at: at, samples, ms });
    };
    if *heard_to > *resume_at {
        heard(*heard_to);
    }
    if *heard_to > 0 || *samples > 0 {
        heard(*resume_at);
    }
    records
}

fn push<T>(queue: &mut VecDeque<T>, item: T, max: usize) {
    if queue.len() == max {
        queue.pop_front();
    }
    queue.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_core::SampleRate;
    use queue_governor::{Claim, RefusalReason, Source};

    fn accepted(id: &str) -> Record {
        let claim = Claim::text(id, Source::External, format!("these are the words of {id}"));
        Record::Accepted { claim, expires_at: None }
    }

    fn heard(id: &str, resume_at: usize) -> Record {
        Record::Heard { claim: ClaimId::new(id), resume_at, samples: 800, ms: 100 }
    }

    fn ended(id: &str, until_ms: u64) -> Record {
        ended_as(Ending::Spoken, id, until_ms)
    }

    fn ended_as(ending: Ending, id: &str, until_ms: u64) -> Record {
        Record::Ended {
            claim: ClaimId::new(id),
            ending,
            heard: Heard::default(),
            remember_until: Some(MonoTime::from_millis(until_ms)),
        }
    }

    fn folded(records: &[Record]) -> Fold {
        let mut fold = Fold::default();
        records.iter().for_each(|record| fold.apply(record));
        fold
    }

    #[test]
    fn a_snapshot_folds_into_the_same() {
        let records = [
            accepted("a"),
            accepted("b"),
            heard("a", 10),
            accepted("c"),
            ended("b", 900),
            // Restated: the clause that was cut is said again.
            heard("c", 20),
            heard("c", 6),
        ];
        let mut fold = folded(&records);
        let now = MonoTime::from_millis(100);
        let snapshot = fold.snapshot(now);
        let mut again = folded(&snapshot);
        let unfinished = |fold: &Fold| fold.unfinished().cloned().collect::<Vec<_>>();
        assert_eq!(unfinished(&again), unfinished(&fold));
        assert_eq!(again.snapshot(now), snapshot);
        // Behind the records that it stands for it changes nothing.
        let mut twice = folded(&[&records[..], &snapshot[..]].concat());
        assert_eq!(unfinished(&twice), unfinished(&fold));
        assert_eq!(twice.snapshot(now).len(), snapshot.len());
    }

    #[test]
    fn a_snapshot_knows_from_where_ready_audio_went_on() {
        let Record::Accepted { mut claim, expires_at } = accepted("a") else { panic!("accepted") };
        let (label, samples) = ("chime".to_owned(), vec![7; 16_000].into());
        claim.content = Content::Audio { label, samples, rate: SampleRate::Hz8000 };
        let went_on =
            Record::Heard { claim: claim.id.clone(), resume_at: 8_000, samples: 0, ms: 0 };
        let mut fold = folded(&[
            Record::Accepted { claim, expires_at },
            went_on,
            ended_as(Ending::Withdrawn, "a", 900),
        ]);
        let mut again = folded(&fold.snapshot(MonoTime::ZERO));
        assert_eq!(again.said(), fold.said());
        assert_eq!(again.snapshot(MonoTime::ZERO), fold.snapshot(MonoTime::ZERO));
    }

    #[test]
    fn what_may_be_said_again_leaves_the_snapshot() {
        let mut fold = folded(&[accepted("a"), ended("a", 900)]);
        assert_eq!(fold.snapshot(MonoTime::from_millis(899)).len(), 2);
        assert!(fold.snapshot(MonoTime::from_millis(900)).is_empty());
    }

    #[test]
    fn what_a_spool_may_hand_in_again_is_known_by_name_for_longer() {
        let mut fold = folded(&[accepted("spool-a"), ended("spool-a", 900)]);
        let snapshot = fold.snapshot(MonoTime::from_millis(900));
        let again = folded(&snapshot);
        assert_eq!(again.ended().map(ClaimId::as_str).collect::<Vec<_>>(), ["spool-a"]);
        assert_eq!(again.unfinished().count(), 0);
    }

    #[test]
    fn what_could_not_be_kept_is_not_known_by_name_until_it_was_taken_in() {
        let (claim, heard) = (ClaimId::new("spool-a"), Heard::default());
        let ending = Ending::Refused(RefusalReason::NotKept);
        let broken = Record::Ended { claim, ending, heard, remember_until: None };
        let mut fold = folded(&[accepted("spool-a"), broken]);
        assert_eq!((fold.unfinished().count(), fold.ended().count()), (0, 0));
        [accepted("spool-a"), ended("spool-a", 900)].iter().for_each(|record| fold.apply(record));
        assert_eq!(fold.ended().map(ClaimId::as_str).collect::<Vec<_>>(), ["spool-a"]);
    }

    #[test]
    fn what_it_remembers_is_bounded() {
        let mut fold = Fold::default();
        for n in 0..2_000 {
            fold.apply(&accepted(&format!("spool-{n}")));
            fold.apply(&ended(&format!("spool-{n}"), 1_000));
        }
        assert_eq!(fold.ended().count(), ENDED_KEPT);
        assert_eq!(fold.snapshot(MonoTime::ZERO).len(), ENDED_KEPT + 2 * SAID_KEPT);
    }
}
