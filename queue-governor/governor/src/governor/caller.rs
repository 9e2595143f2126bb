//! What the caller does to the floor: pause, decide, resume or yield; and what a new turn does.

use media_core::Verdict;

use crate::claim::{Claim, Source, TurnId};
use crate::config::GovernorConfig;
use crate::entry::Entry;
use crate::floor::Then;
use crate::io::{Ending, Output};
use crate::reason::FloorReason;

use super::Governor;

impl Governor {
    pub(super) fn on_onset(&mut self) {
        self.caller.on_onset(self.now, self.config.decide);
        let now = self.now;
        let Some(holder) = self.floor.holder.as_mut() else { return };
        if holder.is_paused() || holder.entry.outlasts_the_caller() {
            return;
        }
        holder.on_pause(now);
        let generation = holder.generation;
        self.outputs.push_back(Output::Pause(generation));
        self.tell_floor(FloorReason::Paused);
    }

    /// Anything but speech only ends the doubt; [`Governor::settle`] resumes.
    pub(super) fn on_verdict(&mut self, verdict: Verdict) {
        self.caller.on_verdict(self.now, verdict, self.config.caller_turn_max);
        if verdict == Verdict::Speech {
            self.yield_to_the_caller();
        }
    }

    pub(super) fn on_turn(&mut self, turn: TurnId) {
        self.caller.on_utterance_end();
        if self.turn.is_some_and(|current| turn <= current) {
            return;
        }
        self.turn = Some(turn);
        self.reply_window_until =
            Some(self.now + self.config.reply_window).filter(|until| *until > self.now);
        self.end_what_is_stale();
    }

    fn yield_to_the_caller(&mut self) {
        let holder = self.floor.holder.as_ref().map(|holder| &holder.entry);
        if let Some(entry) = holder.filter(|entry| !entry.outlasts_the_caller()) {
            let then = after_interruption(entry);
            self.revoke(then, FloorReason::BargeIn);
        }
        // Under the operator the agent's state is kept as it was, to be handed back.
        if self.operator_has_the_floor {
            return;
        }
        for silencing in &mut self.floor.silencing {
            if matches!(silencing.then, Then::Wait { .. }) && is_cut_off(&silencing.entry) {
                silencing.then = Then::End(Ending::Interrupted);
            }
        }
        for entry in self.queue.take_all(is_cut_off) {
            self.end(entry, Ending::Interrupted);
        }
    }

    fn end_what_is_stale(&mut self) {
        let holder = self.floor.holder.as_ref().map(|holder| &holder.entry);
        if holder.is_some_and(|entry| self.is_stale(entry) && !entry.claim.uninterruptible) {
            self.revoke_to_end(Ending::Stale, FloorReason::Stale);
        }
        let (config, turn) = (&self.config, self.turn);
        for entry in
            self.queue.take_all(|entry| is_stale(&entry.claim, entry.since_turn, config, turn))
        {
            self.end(entry, Ending::Stale);
        }
    }

    /// Whether the caller's turns since took the topic of what was taken in away.
    pub(super) fn is_stale(&self, entry: &Entry) -> bool {
        is_stale(&entry.claim, entry.since_turn, &self.config, self.turn)
    }

    /// The same for what is only now handed in.
    pub(super) fn is_stale_at_the_door(&self, claim: &Claim) -> bool {
        is_stale(claim, self.turn.unwrap_or_default(), &self.config, self.turn)
    }
}

fn is_stale(
    claim: &Claim,
    since: TurnId,
    config: &GovernorConfig,
    current: Option<TurnId>,
) -> bool {
    let turns = config.stale_turns(claim.source).filter(|_| !claim.must_deliver);
    // A mind that answers nothing in particular is not outrun; a program answers nothing ever.
    let answers = claim.turn.or((claim.source == Source::External).then_some(since));
    let (Some(turns), Some(answers), Some(current)) = (turns, answers, current) else {
        return false;
    };
    current.0 >= answers.0.saturating_add(turns)
}

fn after_interruption(entry: &Entry) -> Then {
    if entry.drops_on_interrupt() {
        Then::End(Ending::Interrupted)
    } else {
        Then::Wait { restate: entry.claim.on_interrupt == crate::OnInterrupt::Restate }
    }
}

/// Whether a waiting claim answers the turn that the caller cut off, and is to be dropped then.
fn is_cut_off(entry: &Entry) -> bool {
    entry.claim.turn.is_some() && entry.drops_on_interrupt() && !entry.outlasts_the_caller()
}
