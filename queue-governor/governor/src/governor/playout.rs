//! What the audio side reports, and the watch for a voice that says nothing.

use media_core::{Generation, MonoTime};

use crate::claim::{Claim, ClaimId, Content, Source};
use crate::entry::Entry;
use crate::floor::Then;
use crate::io::{Ending, LedgerWord, Output, Voice};
use crate::reason::{FailReason, FloorReason};

use super::Governor;

impl Governor {
    pub(super) fn on_made(&mut self, generation: Generation, samples: u64, words: &[LedgerWord]) {
        if let Some(holder) = self.floor.holder_of(generation) {
            holder.ledger.on_made(holder.entry.granted_text(), samples, words);
        } else if let Some(silencing) = self.floor.silencing_of(generation) {
            silencing.ledger.on_made(silencing.entry.granted_text(), samples, words);
        }
    }

    pub(super) fn on_whole(&mut self, generation: Generation, samples: u64) {
        if let Some(holder) = self.floor.holder_of(generation) {
            holder.ledger.on_whole(samples);
        } else if let Some(silencing) = self.floor.silencing_of(generation) {
            silencing.ledger.on_whole(samples);
        }
    }

    pub(super) fn on_first_sample(&mut self, generation: Generation) {
        let now = self.now;
        if let Some(holder) = self.floor.holder_of(generation) {
            holder.on_first_sample(now);
        }
    }

    pub(super) fn on_played(&mut self, generation: Generation, samples: u64) {
        let now = self.now;
        if let Some(holder) = self.floor.holder_of(generation) {
            holder.on_sent(now, samples);
            self.write_progress();
        } else if let Some(silencing) = self.floor.silencing_of(generation) {
            silencing.ledger.on_sent(samples);
        }
    }

    /// All was sent. That of a revoked generation can cross the revoke on its way; it is the
    /// truth all the same.
    pub(super) fn on_drained(&mut self, generation: Generation, samples: u64) {
        let now = self.now;
        if let Some(holder) = self.floor.holder_of(generation) {
            holder.on_sent(now, samples);
            if holder.ledger.sent() == 0 {
                return self.on_failed(generation, "the voice made no sound".to_owned());
            }
            self.finish_holder();
        } else if let Some(silencing) = self.floor.silencing_of(generation) {
            silencing.ledger.on_sent(samples);
            silencing.ledger.on_whole(samples);
            self.settle_silence(generation);
        }
    }

    pub(super) fn on_silenced(&mut self, generation: Generation, samples: u64) {
        if let Some(silencing) = self.floor.silencing_of(generation) {
            silencing.ledger.on_sent(samples);
            self.settle_silence(generation);
        }
    }

    /// The voice failed: the fallback voice says what was not heard yet. If it was that one, or
    /// ready audio that cannot be said otherwise, the claim ends.
    pub(super) fn on_failed(&mut self, generation: Generation, reason: String) {
        let Some(holder) = self.floor.holder_of(generation) else { return };
        if can_fall_back(&holder.entry) {
            holder.entry.voice = Voice::Fallback;
            self.revoke_to_wait(FloorReason::Failed);
        } else {
            let failed = Ending::Failed(FailReason::Synthesis(reason));
            self.revoke_to_end(failed, FloorReason::Failed);
        }
    }

    pub(super) fn stalled_at(&self) -> Option<MonoTime> {
        self.floor.holder.as_ref()?.stalled_at(self.config.stall)
    }

    /// No dead air: filler, then the claim again, then the fallback voice, then the end.
    pub(super) fn watch_for_stall(&mut self) {
        let stalled = self.stalled_at().is_some_and(|at| at <= self.now);
        let Some(holder) = self.floor.holder.as_mut().filter(|_| stalled) else { return };
        if holder.ledger.all_sent() {
            return self.finish_holder();
        }
        let entry = &mut holder.entry;
        entry.stalls = entry.stalls.saturating_add(1);
        if entry.stalls == 1 && entry.voice == Voice::Own {
            self.revoke_to_wait(FloorReason::StallRevoked);
            self.grant_filler();
        } else if can_fall_back(entry) {
            entry.voice = Voice::Fallback;
            self.revoke_to_wait(FloorReason::StallRevoked);
        } else {
            let stall_ms = self.config.stall.as_millis() as u64;
            let stalled = Ending::Failed(FailReason::Stalled { stall_ms });
            self.revoke_to_end(stalled, FloorReason::StallRevoked);
        }
    }

    /// The filler is the governor's own claim. It is said by the voice that did not stall.
    fn grant_filler(&mut self) {
        let Some(content) = self.config.filler.clone() else { return };
        let id = format!("{}filler-{}", ClaimId::OWN_PREFIX, self.fillers + 1);
        let claim = Claim { content, ..Claim::text(id, Source::System, "") };
        let mut entry = Entry::new(claim, self.accepted + 1, self.now);
        entry.voice = Voice::Fallback;
        if !self.may_speak(&entry) {
            return;
        }
        self.fillers += 1;
        self.accepted += 1;
        self.outputs.push_back(Output::Accepted(entry.id().clone()));
        self.grant(entry, FloorReason::StallFiller);
    }

    fn finish_holder(&mut self) {
        let Some(mut holder) = self.floor.holder.take() else { return };
        holder.entry.record(&holder.ledger, true);
        self.on_said(&holder.entry);
        self.tell_floor(FloorReason::Spoken);
        self.end(holder.entry, Ending::Spoken);
    }

    pub(super) fn settle_overdue_silence(&mut self) {
        let now = self.now;
        while let Some(overdue) = self.floor.silencing.iter().find(|it| it.until <= now) {
            self.settle_silence(overdue.generation);
        }
    }

    /// The line is closed: what was counted so far is the final count, and nothing waits except
    /// what must be delivered.
    pub(super) fn silence_all_now(&mut self, ending: &Ending) {
        while let Some(silencing) = self.floor.silencing.first_mut() {
            let waits = matches!(silencing.then, Then::Wait { .. });
            if waits && !silencing.entry.claim.must_deliver {
                silencing.then = Then::End(ending.clone());
            }
            let generation = silencing.generation;
            self.settle_silence(generation);
        }
    }

    /// The count is final: the claim ends or waits again.
    fn settle_silence(&mut self, generation: Generation) {
        let silencing = &mut self.floor.silencing;
        let Some(at) = silencing.iter().position(|it| it.generation == generation) else { return };
        let mut settled = silencing.remove(at);
        settled.entry.record(&settled.ledger, false);
        let ending = match settled.then {
            _ if settled.entry.is_complete() => Ending::Spoken,
            Then::End(ending) => ending,
            Then::Wait { .. } if self.is_stale(&settled.entry) => Ending::Stale,
            Then::Wait { restate } => {
                if restate {
                    settled.entry.restate();
                }
                settled.entry.waiting_since = self.waits_again_since(settled.aged);
                self.write_cut(&mut settled.entry);
                // While it spoke, by what came back from an earlier call.
                if self.was_said_elsewhere(&settled.entry) {
                    return self.end_as_said(settled.entry);
                }
                return self.queue.push(settled.entry);
            }
        };
        self.end(settled.entry, ending);
    }

    /// A claim that aged until it was heard keeps three quarters of its age when it is cut, so
    /// that under constant answers it is not only begun but finished.
    fn waits_again_since(&self, aged: bool) -> MonoTime {
        if aged { self.now - self.config.age * 3 / 4 } else { self.now }
    }
}

fn can_fall_back(entry: &Entry) -> bool {
    entry.voice == Voice::Own && matches!(entry.claim.content, Content::Text(_))
}
