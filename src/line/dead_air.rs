//! The time in which nobody was heard while an answer was due.

use std::collections::BTreeSet;
use std::time::Duration;

use media_core::MonoTime;
use queue_governor::{ClaimId, TurnId};

use super::company::AgentState;

/// Adds up the silence that the agent owes the caller.
///
/// An answer is due from the end of a turn until the first sample of a claim that answers it. It is
/// due no longer when the brain is done with the turn and no such claim is left, because not every
/// turn asks for words ("stop"). Time in which the caller, or any voice of ours, was heard is no
/// silence. Told what happened in the order of time; what comes a tick late counts from then.
#[derive(Clone, Debug, Default)]
pub(super) struct DeadAir {
    total: Duration,
    due: Option<Due>,
    caller_speaks: bool,
    we_speak: bool,
    /// Up to where time has been counted.
    counted: MonoTime,
}

#[derive(Clone, Debug)]
struct Due {
    turn: TurnId,
    /// Claims that answer it and were not heard yet.
    waiting: BTreeSet<ClaimId>,
    brain_is_done: bool,
}

impl DeadAir {
    /// The caller began to make a sound, or it turned out to be nothing.
    pub fn caller(&mut self, at: MonoTime, speaks: bool) {
        self.count(at);
        self.caller_speaks = speaks;
    }

    /// What the caller said is over since `speech_end`, and wants an answer. It takes the place of
    /// what was due before.
    pub fn asked(&mut self, speech_end: MonoTime, turn: TurnId) {
        self.count(speech_end);
        self.caller_speaks = false;
        self.due = Some(Due { turn, waiting: BTreeSet::new(), brain_is_done: false });
    }

    /// Somebody wants to say this in answer to `turn`.
    pub fn proposed(&mut self, claim: &ClaimId, turn: Option<TurnId>) {
        if let Some(due) = self.due.as_mut().filter(|due| Some(due.turn) == turn) {
            due.waiting.insert(claim.clone());
        }
    }

    /// The first sample of a claim.
    pub fn begins(&mut self, at: MonoTime, turn: Option<TurnId>) {
        self.voice(at, true);
        if self.due.as_ref().is_some_and(|due| Some(due.turn) == turn) {
            self.due = None;
        }
    }

    /// A voice of ours goes on (`true`) or is silent.
    pub fn voice(&mut self, at: MonoTime, speaks: bool) {
        self.count(at);
        self.we_speak = speaks;
    }

    /// A claim is over.
    pub fn ended(&mut self, at: MonoTime, claim: &ClaimId) {
        if let Some(due) = &mut self.due {
            due.waiting.remove(claim);
        }
        self.settle(at);
    }

    /// The brain has nothing more to hand in for `turn`.
    pub fn brain_is_done(&mut self, at: MonoTime, turn: TurnId) {
        if let Some(due) = self.due.as_mut().filter(|due| due.turn == turn) {
            due.brain_is_done = true;
        }
        self.settle(at);
    }

    /// The call is over: nothing is due any more.
    pub fn over(&mut self, at: MonoTime) {
        self.count(at);
        self.due = None;
    }

    /// What is heard of the agent now.
    pub fn agent_state(&self) -> AgentState {
        match (self.we_speak, &self.due) {
            (true, _) => AgentState::Speaking,
            (false, Some(_)) => AgentState::Thinking,
            (false, None) => AgentState::Listening,
        }
    }

    /// All of it so far.
    pub fn total(&self) -> Duration {
        self.total
    }

    fn settle(&mut self, at: MonoTime) {
        self.count(at);
        if self.due.as_ref().is_some_and(|due| due.brain_is_done && due.waiting.is_empty()) {
            self.due = None;
        }
    }

    fn count(&mut self, until: MonoTime) {
        if self.due.is_some() && !self.caller_speaks && !self.we_speak && until > self.counted {
            self.total += until.since(self.counted);
        }
        // The end of a turn is told later than it was; that time is counted from there.
        self.counted = if self.due.is_some() { self.counted.max(until) } else { until };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: MonoTime = MonoTime::from_millis(1_000);

    fn at(ms: u64) -> MonoTime {
        MonoTime::from_millis(ms)
    }

    fn asked() -> DeadAir {
        let mut air = DeadAir::default();
        air.caller(at(200), true);
        air.asked(ASKED, TurnId(1));
        air
    }

    fn total_ms(mut air: DeadAir) -> u128 {
        air.over(at(10_000));
        air.total().as_millis()
    }

    #[test]
    fn it_lasts_from_the_end_of_the_question_to_the_first_sample_of_its_answer() {
        let mut air = asked();
        air.proposed(&ClaimId::new("a"), Some(TurnId(1)));
        air.begins(at(1_400), Some(TurnId(1)));
        air.voice(at(2_000), false);
        air.brain_is_done(at(2_100), TurnId(1));
        assert_eq!(total_ms(air), 400);
    }

    #[test]
    fn a_question_that_is_never_answered_counts_to_the_end_of_the_call() {
        assert_eq!(total_ms(asked()), 9_000);
        assert_eq!(total_ms(DeadAir::default()), 0, "nobody asked");
    }

    #[test]
    fn a_filler_and_the_caller_are_somebody_who_is_heard() {
        let mut air = asked();
        air.begins(at(1_500), None);
        air.voice(at(2_500), false);
        air.caller(at(3_000), true);
        air.caller(at(3_200), false);
        air.begins(at(4_000), Some(TurnId(1)));
        assert_eq!(total_ms(air), 500 + 500 + 800);
    }

    #[test]
    fn what_wants_no_words_is_owed_none() {
        let mut air = asked();
        air.brain_is_done(at(1_050), TurnId(1));
        assert_eq!(total_ms(air), 50);
    }

    #[test]
    fn an_answer_that_was_handed_in_and_lost_is_owed_until_it_is_lost() {
        let mut air = asked();
        air.proposed(&ClaimId::new("a"), Some(TurnId(1)));
        air.brain_is_done(at(1_050), TurnId(1));
        air.ended(at(3_000), &ClaimId::new("a"));
        assert_eq!(total_ms(air), 2_000);
    }

    #[test]
    fn the_next_question_takes_the_place_of_the_one_before() {
        let mut air = asked();
        air.caller(at(1_500), true);
        air.asked(at(2_500), TurnId(2));
        air.begins(at(2_600), Some(TurnId(1)));
        air.voice(at(3_000), false);
        air.begins(at(3_300), Some(TurnId(2)));
        assert_eq!(total_ms(air), 500 + 100 + 300);
    }
}
