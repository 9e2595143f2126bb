//! What an earlier run left: read at the start, or as soon as a store that was away is back.

use lane_broker::{Position, StoreError};
use queue_governor::{Content, Ending, FailReason, Record, Source, Unfinished};
use tokio::sync::oneshot;

use super::{PAGE, WriteError, Writer};
use crate::durable::entry::{self, Clocks, Kept};
use crate::durable::keeper::Recovered;

impl Writer {
    /// Folds what the lane holds, and shortens it. From a store that is away nothing comes yet; the
    /// second value is where it comes then.
    pub fn recover(&mut self, now: Clocks) -> (Recovered, Option<oneshot::Receiver<Recovered>>) {
        match self.replay(now) {
            Ok(()) => {}
            Err(error @ StoreError::Unavailable) => {
                let reason = WriteError::Unread(error).to_string();
                tracing::warn!(%reason, "nothing is accepted until it is");
                self.state.fail(reason);
                let (late, waits) = oneshot::channel();
                (self.unread, self.late) = (true, Some(late));
                return (Recovered::default(), Some(waits));
            }
            Err(error) => self.leave_unread(error),
        }
        (self.found(now), None)
    }

    /// Reads what is waited for. What is accepted before that might be known from then, or be told
    /// to have been said already.
    pub(super) fn read_awaited(&mut self) -> Result<(), WriteError> {
        if self.late.is_none() {
            return Ok(());
        }
        let now = Clocks::at(self.clock.now());
        match self.replay(now) {
            Ok(()) => self.unread = false,
            Err(error @ StoreError::Unavailable) => return Err(WriteError::Unread(error)),
            Err(error) => self.leave_unread(error),
        }
        let recovered = self.found(now);
        if self.state.succeed() {
            tracing::info!(
                waiting = recovered.waiting.len(),
                "what an earlier run left is read now"
            );
        }
        if let Some(late) = self.late.take() {
            // A house that closes needs it no more.
            let _ = late.send(recovered);
        }
        Ok(())
    }

    fn leave_unread(&mut self, error: StoreError) {
        tracing::error!(%error, "what an earlier run left cannot be read; it stays where it is");
        self.unread = true;
    }

    fn found(&mut self, now: Clocks) -> Recovered {
        let mut waiting: Vec<Unfinished> = Vec::new();
        let left: Vec<Unfinished> = self.fold.unfinished().cloned().collect();
        for unfinished in left {
            match ending_of(&unfinished) {
                None => waiting.push(unfinished),
                Some(ending) => {
                    tracing::info!(claim = %unfinished.claim.id, ?ending, "a claim that the last run left has ended");
                    self.fold.apply(&unfinished.ended(ending, now.mono));
                }
            }
        }
        // Nothing of it answers what the next caller says.
        waiting.iter_mut().for_each(|unfinished| unfinished.claim.turn = None);
        self.shorten();
        let (said, ended) = (self.fold.said(), self.fold.ended().cloned().collect());
        Recovered { waiting, said, ended, paused: self.paused }
    }

    /// What an earlier run left can be read now, after all: it is in the fold from here on, and the
    /// next run goes on with it. This run's own records are folded once more, which changes nothing.
    pub(super) fn read_late(&mut self, now: Clocks) -> Result<(), StoreError> {
        let paused = self.paused;
        self.replay(now)?;
        (self.unread, self.paused) = (false, paused);
        tracing::info!(
            "what an earlier run left can be read again; the next start goes on with it"
        );
        Ok(())
    }

    fn replay(&mut self, now: Clocks) -> Result<(), StoreError> {
        let mut after = Position::START;
        let mut strange = 0_u32;
        loop {
            let page = self.store.read(&self.lane, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.position;
            self.last = after;
            for entry in &page {
                match entry::read(&entry.body, now) {
                    Ok(read) => {
                        let kept = self.with_sound(read);
                        self.apply(&kept);
                    }
                    Err(error) => {
                        tracing::debug!(%error, position = %entry.position, "an entry is left out");
                        strange += 1;
                    }
                }
            }
        }
        if strange > 0 {
            tracing::warn!(
                strange,
                "entries of the journal cannot be read; were they written by a newer version?"
            );
        }
        Ok(())
    }

    fn with_sound(&self, read: entry::Read) -> Kept {
        let mut kept = read.kept;
        if let (Some(name), Kept::Record(Record::Accepted { claim, .. })) = (read.sound, &mut kept)
            && let Content::Audio { samples, .. } = &mut claim.content
            && let Some(sounds) = &self.sounds
        {
            match sounds.read(&name) {
                Ok(found) => *samples = found,
                Err(error) => {
                    tracing::warn!(%error, claim = %claim.id, "the sound of a claim that waited is gone")
                }
            }
        }
        kept
    }
}

/// What a crash does to an unfinished claim; `None`: it waits for the next call. That is what must
/// be delivered, and what another program wants said within a time that it named.
fn ending_of(unfinished: &Unfinished) -> Option<Ending> {
    let claim = &unfinished.claim;
    if let Content::Audio { samples, .. } = &claim.content
        && samples.is_empty()
    {
        let gone = FailReason::Synthesis("its sound is gone".to_owned());
        return Some(Ending::Failed(gone));
    }
    let minds = matches!(claim.source, Source::Responder | Source::Worker);
    let waits = claim.must_deliver || (!minds && unfinished.expires_at.is_some());
    (!waits).then_some(Ending::Failed(FailReason::LineClosed))
}
