//! What is written down for after a crash, and what becomes of it then.

use core::time::Duration;

use media_core::{LineId, MonoTime};

use crate::claim::{ClaimId, OnInterrupt};
use crate::config::GovernorConfig;
use crate::dedup::Same;
use crate::entry::Entry;
use crate::io::{Ending, Output};
use crate::journal::{Book, Record, Unfinished};

use super::Governor;

/// Ready audio has no words that say when to write its progress down.
const AUDIO_PROGRESS: Duration = Duration::from_millis(200);

impl Governor {
    /// A governor that goes on after a crash, or after an earlier call, from what the journal
    /// says: every unfinished claim waits, with what was not heard of it left to be said, and what
    /// was said lately is not said again.
    ///
    /// Nothing of it is written down anew: the journal that `book` comes from has it. Claims that
    /// are settled by what the book says end at once, with their outputs waiting to be polled:
    /// what was heard to its end is `spoken`, what another one took the place of is `superseded`,
    /// what was said by another one is a `duplicate`. The floor is first given by the next
    /// [`handle`](Self::handle), which is due at once.
    #[must_use]
    pub fn recover(config: GovernorConfig, line: LineId, book: Book, now: MonoTime) -> Self {
        let mut governor = Self::new(config, line);
        let (unfinished, said) = book.into_parts();
        governor.now = now;
        governor.said = said;
        for unfinished in unfinished {
            governor.take_up(unfinished);
        }
        governor.expire();
        governor.is_unsettled = governor.queue.len() > 0;
        governor
    }

    /// Goes on with a claim that an earlier call left unfinished.
    pub(super) fn on_carried_over(&mut self, unfinished: Unfinished) {
        if self.live(&unfinished.claim.id).is_none() {
            self.take_up(unfinished);
            // Its time may have been over before it came.
            self.expire();
        }
    }

    fn take_up(&mut self, unfinished: Unfinished) {
        self.accepted += 1;
        let mut entry = Entry::resumed(unfinished, self.accepted, self.now);
        entry.since_turn = self.turn.unwrap_or_default();
        if entry.is_complete() {
            return self.end(entry, Ending::Spoken);
        }
        // Its acceptance was written, and the endings that followed from it perhaps not.
        if let Some(old) = self.replaced_by(&entry) {
            self.end(old, Ending::Superseded);
        }
        if let Some(old) = &entry.claim.supersedes {
            self.supersede_on_the_floor(old);
        }
        if self.was_said_elsewhere(&entry) {
            return self.end_as_said(entry);
        }
        let key = entry.key.clone();
        if self.takes_keys_of_the_same(&key, &mut entry) {
            self.write(entry.amended());
        }
        self.make_known_to(&key, &entry.claim);
        let same = self.queue.take_all(|other| other.key.is_same(&key));
        self.join(entry, same);
    }

    /// Whether the same was said by another. What was begun itself goes on where it was cut, unless
    /// that was to its end.
    pub(super) fn was_said_elsewhere(&self, entry: &Entry) -> bool {
        let goes_on = || entry.was_begun() && self.said.cut(&entry.key, self.now).is_some();
        self.said.has(&entry.key, self.now) && !goes_on()
    }

    /// The same was said, or a beginning of it. What must be delivered ends only if it was said to
    /// its end; otherwise it waits, with what was not heard left to be said.
    pub(super) fn end_as_said(&mut self, mut entry: Entry) {
        if !self.goes_on_after_the_same(&mut entry) {
            return self.end(entry, Ending::Duplicate);
        }
        self.write_goes_on(&mut entry);
        self.queue.push(entry);
    }

    /// Puts `entry` where the same was cut, if it must be delivered and that was never said to its
    /// end.
    pub(super) fn goes_on_after_the_same(&self, entry: &mut Entry) -> bool {
        let cuts = self.said.cut(&entry.key, self.now).filter(|_| entry.claim.must_deliver);
        if let Some(cuts) = &cuts {
            let _ = entry.go_on_after(cuts);
        }
        cuts.is_some() && !entry.is_complete()
    }

    /// What was begun more than once goes on where it was heard furthest: here, or in an earlier call
    /// from which one of them came back. Says whether something is left of it then.
    pub(super) fn catch_up(&mut self, entry: &mut Entry) -> bool {
        let said = self.said.cut(&entry.key, self.now);
        if said.is_none() && self.said.has(&entry.key, self.now) {
            return false;
        }
        let begun = self.queue.begun_in_the_words_of(entry).map(Entry::reached);
        let cuts: Vec<_> = said.into_iter().flatten().chain(begun).collect();
        if entry.go_on_after(&cuts) {
            self.write_goes_on(entry);
        }
        !entry.is_complete()
    }

    /// Writes how far it was heard, and then where it goes on, which by its policy can lie before.
    pub(super) fn write_goes_on(&mut self, entry: &mut Entry) {
        self.write_cut(entry);
        if entry.was_heard() && entry.claim.on_interrupt == OnInterrupt::Restate {
            entry.restate();
            self.write_cut(entry);
        }
    }

    /// What waits although `entry` was accepted in its place. The uninterruptible goes on if it
    /// was begun.
    fn replaced_by(&mut self, entry: &Entry) -> Option<Entry> {
        let id = entry.claim.supersedes.as_ref()?;
        let old = self.queue.get(id)?;
        let goes_on = old.claim.uninterruptible && old.was_heard();
        (!goes_on).then(|| self.queue.take(id)).flatten()
    }

    /// Of claims that say the same one stays: what was partly heard, or else the higher source; and
    /// what must be delivered.
    fn join(&mut self, mut entry: Entry, same: Vec<Entry>) {
        for mut other in same {
            if other.was_heard() && entry.was_heard() {
                self.queue.push(other);
                continue;
            }
            let keeps_other =
                other.was_heard() || (!entry.was_heard() && other.source() <= entry.source());
            if keeps_other {
                core::mem::swap(&mut entry, &mut other);
            }
            if other.claim.must_deliver {
                self.queue.push(other);
                continue;
            }
            if entry.absorb(&other.claim, other.expires_at) {
                self.write(entry.amended());
            }
            self.end(other, Ending::Duplicate);
        }
        self.queue.push(entry);
    }

    pub(super) fn write_accepted(&mut self, entry: &Entry) {
        let (claim, expires_at) = (entry.claim.clone(), entry.expires_at);
        self.write(Record::Accepted { claim, expires_at });
    }

    /// How far the holder was heard, if that is worth a record.
    pub(super) fn write_progress(&mut self) {
        let Some(holder) = self.floor.holder.as_mut() else { return };
        if let Some(record) = holder.entry.progress(&holder.ledger, AUDIO_PROGRESS) {
            self.write(record);
        }
    }

    /// Where a claim that was cut goes on.
    pub(super) fn write_cut(&mut self, entry: &mut Entry) {
        if let Some(record) = entry.cut() {
            self.write(record);
        }
    }

    /// The governor's own claims are not written down: nothing is lost if no filler is said after
    /// a crash.
    pub(super) fn write(&mut self, record: Record) {
        if !record.claim().as_str().starts_with(ClaimId::OWN_PREFIX) {
            self.outputs.push_back(Output::Journal(record));
        }
    }

    /// The ending of an accepted claim, and until when the same is not said again. What it took over
    /// from the same and added nothing to is remembered as that one's, for that one's time.
    pub(super) fn write_ended(&mut self, entry: &Entry, ending: &Ending) -> Option<MonoTime> {
        let until = self.now + self.config.dedup_window;
        let remember_until = entry.was_begun().then_some(until);
        self.write(Record::Ended {
            claim: entry.id().clone(),
            ending: ending.clone(),
            heard: entry.heard_of_its_own(),
            remember_until,
        });
        remember_until
    }
}
