//! The floor's next step: resume, cut, grant.

use media_core::MonoTime;

use crate::claim::{ClaimId, Source};
use crate::config::Coalescing;
use crate::dedup::Same;
use crate::entry::Entry;
use crate::floor::{Holder, Preemption, Silencing, Then, preemption};
use crate::io::{Ending, Output, Voice};
use crate::queue::is_aged;
use crate::reason::FloorReason;

use super::{Governor, Saying};

/// When and why the holder is cut for another claim.
pub(super) struct Cut {
    pub(super) at: MonoTime,
    why: CutFor,
}

enum CutFor {
    /// The one that gets the floor next.
    Higher(ClaimId),
    Successor,
}

impl Governor {
    /// Brings the floor to where it belongs. Every grant is decided here, on what is known now.
    pub(super) fn settle(&mut self) {
        if self.closed {
            return;
        }
        // What waits for a cut takes the place of a paused claim, whose clause is broken anyway.
        if !self.cut_if_due() {
            self.resume_if_the_caller_is_silent();
        }
        if self.floor.holder.is_none() {
            self.grant_next();
        }
    }

    fn cut_if_due(&mut self) -> bool {
        let Some(cut) = self.next_cut().filter(|cut| cut.at <= self.now) else { return false };
        match cut.why {
            CutFor::Higher(by) => self.preempt(&by),
            CutFor::Successor => self.revoke_to_end(Ending::Superseded, FloorReason::Superseded),
        }
        true
    }

    /// The next cut of the holder, if something waits for one.
    pub(super) fn next_cut(&self) -> Option<Cut> {
        let holder = self.floor.holder.as_ref()?;
        // Whether the caller speaks is decided first.
        let may_cut = !(holder.is_paused() && self.caller.may_be_speaking());
        let superseded = holder.superseded_since.filter(|_| may_cut);
        let superseded = superseded.and_then(|since| {
            let at = holder.cut_at(since, self.config.preempt_max)?;
            Some(Cut { at, why: CutFor::Successor })
        });
        self.next_preemption(holder, may_cut).into_iter().chain(superseded).min_by_key(|cut| cut.at)
    }

    fn next_preemption(&self, holder: &Holder, may_cut: bool) -> Option<Cut> {
        let cuts = |entry: &Entry| self.may_speak(entry) && self.cuts(entry, holder, may_cut);
        let best = self.queue.best(self.now, self.config.age, None, cuts)?;
        let longest = match preemption(best, &holder.entry)? {
            Preemption::AtOnce => return Some(self.cut_for(best, self.now)),
            Preemption::AtClause => self.config.preempt_max,
        };
        let waiting = self.queue.iter().filter(|entry| cuts(entry));
        let since = waiting.map(|entry| entry.waiting_since).min()?;
        Some(self.cut_for(best, holder.cut_at(since, longest)?))
    }

    fn cut_for(&self, entry: &Entry, at: MonoTime) -> Cut {
        Cut { at, why: CutFor::Higher(entry.id().clone()) }
    }

    /// Whether `entry` takes the floor from `holder`. What says the same waits for what is heard of it.
    fn cuts(&self, entry: &Entry, holder: &Holder, may_cut: bool) -> bool {
        if holder.entry.key.is_same(&entry.key) {
            return false;
        }
        match preemption(entry, &holder.entry) {
            Some(Preemption::AtOnce) => true,
            Some(Preemption::AtClause) => may_cut,
            None => false,
        }
    }

    fn preempt(&mut self, by: &ClaimId) {
        self.revoke_to_wait(FloorReason::Preempted { by: by.clone() });
        if let Some(entry) = self.queue.take(by) {
            let _ = self.grant_waiting(entry);
        }
    }

    fn resume_if_the_caller_is_silent(&mut self) {
        let now = self.now;
        let silent = !self.caller.may_be_speaking();
        let Some(holder) = self.floor.holder.as_mut().filter(|it| it.is_paused() && silent) else {
            return;
        };
        let paused_at = holder.paused_at().unwrap_or(now);
        if now.since(paused_at) >= self.config.long_pause && holder.ledger.is_within_a_word() {
            return self.begin_the_word_again();
        }
        holder.on_resume(now);
        let generation = holder.generation;
        self.outputs.push_back(Output::Resume(generation));
        self.tell_floor(FloorReason::Resumed);
    }

    /// After a long pause the rest of a word is of no use. Its count was final when the pause was
    /// reported, so nothing needs to be waited for.
    fn begin_the_word_again(&mut self) {
        let Some(mut holder) = self.floor.holder.take() else { return };
        let cut = holder.generation;
        self.outputs.push_back(Output::Revoke(cut));
        holder.entry.record(&holder.ledger, false);
        self.write_cut(&mut holder.entry);
        if !self.catch_up(&mut holder.entry) {
            return self.end(holder.entry, Ending::Duplicate);
        }
        self.grant(holder.entry, FloorReason::Resumed);
        if let Some(again) = self.floor.holder.as_mut() {
            again.superseded_since = holder.superseded_since;
            again.aged = holder.aged;
        }
    }

    fn grant_next(&mut self) {
        while let Some(entry) = self.next_to_speak().and_then(|id| self.queue.take(&id)) {
            if self.grant_waiting(entry) {
                return;
            }
        }
    }

    fn next_to_speak(&self) -> Option<ClaimId> {
        let may = |entry: &Entry| self.may_speak(entry);
        let saying = self.saying.thing.as_ref();
        let next = self.queue.best(self.now, self.config.age, saying, may)?;
        Some(next.id().clone())
    }

    /// Whether a claim may have the floor as things are: only the operator's while the operator
    /// has it; no other program's while those are held; only what outlasts the caller while the
    /// caller may be speaking; the responder first for a moment after a turn; and not while the same
    /// was begun and may go on, or it is open how much of it was just heard.
    pub(super) fn may_speak(&self, entry: &Entry) -> bool {
        let mut silencing = self.floor.silencing.iter();
        if silencing.any(|silencing| silencing.entry.key.is_same(&entry.key)) {
            return false;
        }
        let goes_on = |other: &Entry| self.may_speak(other);
        if !entry.was_begun() && self.queue.begun_as(entry).any(goes_on) {
            return false;
        }
        if self.operator_has_the_floor {
            return entry.source() == Source::Operator;
        }
        if self.external_is_held && entry.source() == Source::External {
            return false;
        }
        if self.caller.may_be_speaking() {
            return entry.outlasts_the_caller();
        }
        let leaves_the_reply_to_others =
            matches!(entry.source(), Source::Worker | Source::External);
        !leaves_the_reply_to_others
            || self.reply_window_until.is_none() && !self.keeps_its_distance(entry)
    }

    /// Whether `entry` waits because something unrelated was said just before.
    fn keeps_its_distance(&self, entry: &Entry) -> bool {
        let related = entry.was_granted() || self.saying.goes_on_with(entry);
        self.saying.gap_until.is_some() && !related && !is_aged(entry, self.now, self.config.age)
    }

    /// When the gap is over, for one claim at least: what ages meanwhile does not wait for its end.
    pub(super) fn gap_ends_at(&self) -> Option<MonoTime> {
        let until = self.saying.gap_until?;
        let aged = self.queue.iter().map(|entry| entry.waiting_since + self.config.age);
        aged.filter(|at| *at > self.now).chain([until]).min()
    }

    /// Something was heard of `entry`, which has just left the floor.
    pub(super) fn on_said(&mut self, entry: &Entry) {
        let joins = self.config.coalescing != Coalescing::Off;
        self.saying = Saying {
            gap_until: Some(self.now + self.config.gap).filter(|until| *until > self.now),
            thing: entry.thing().filter(|_| joins),
        };
    }

    /// `false`: all that it had to say was heard of the same, and it ended.
    fn grant_waiting(&mut self, mut entry: Entry) -> bool {
        if !self.catch_up(&mut entry) {
            self.end(entry, Ending::Duplicate);
            return false;
        }
        let why = match (entry.voice, entry.was_granted()) {
            (Voice::Fallback, _) => FloorReason::Fallback,
            (Voice::Own, true) => FloorReason::Regranted,
            (Voice::Own, false) => FloorReason::Granted,
        };
        self.grant(entry, why);
        true
    }

    /// Gives the floor, which is free, to `entry` under a new generation.
    pub(super) fn grant(&mut self, mut entry: Entry, why: FloorReason) {
        debug_assert!(self.floor.holder.is_none(), "one voice: the floor is granted when free");
        let aged = is_aged(&entry, self.now, self.config.age);
        let generation = self.floor.next_generation();
        entry.grants = entry.grants.saturating_add(1);
        self.outputs.push_back(Output::Grant {
            claim: entry.id().clone(),
            generation,
            speech: entry.rest(),
            voice: entry.voice,
        });
        let rate = self.config.line_rate;
        self.floor.holder = Some(Holder::new(entry, generation, rate, self.now, aged));
        self.tell_floor(why);
    }

    pub(super) fn revoke_to_wait(&mut self, why: FloorReason) {
        self.revoke(Then::Wait { restate: false }, why);
    }

    pub(super) fn revoke_to_end(&mut self, ending: Ending, why: FloorReason) {
        self.revoke(Then::End(ending), why);
    }

    /// Takes the floor from its holder. Its claim is settled when the last sample is counted.
    pub(super) fn revoke(&mut self, then: Then, why: FloorReason) {
        let Some(holder) = self.floor.holder.take() else { return };
        let then = match (holder.superseded_since, then) {
            (Some(_), Then::Wait { .. }) => Then::End(Ending::Superseded),
            (_, then) => then,
        };
        if holder.is_audible() {
            self.on_said(&holder.entry);
        }
        self.outputs.push_back(Output::Revoke(holder.generation));
        self.floor.silencing.push(Silencing {
            entry: holder.entry,
            generation: holder.generation,
            ledger: holder.ledger,
            aged: holder.aged,
            then,
            until: self.now + self.config.silenced,
        });
        self.tell_floor(why);
    }
}
