//! Several ears as one: the governor knows one caller, who speaks when anybody does and is silent
//! when all are.

use std::collections::BTreeMap;

use media_core::Verdict;
use queue_governor::{Input, TurnId};

use super::legs::LegId;

/// What each ear of a line last decided, and what the governor was made to think. With one ear the
/// governor is told exactly what that ear says.
#[derive(Debug, Default)]
pub(super) struct Ears {
    of: BTreeMap<LegId, Ear>,
    /// What the governor was told, and not told otherwise since.
    told: Ear,
}

/// Whether somebody may be speaking, and whether somebody is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Ear {
    doubts: bool,
    speaks: bool,
}

impl Ears {
    /// Possible speech has begun.
    #[must_use]
    pub fn onset(&mut self, leg: LegId) -> Vec<Input> {
        self.of.entry(leg).or_default().doubts = true;
        self.told.doubts = true;
        vec![Input::CallerOnset]
    }

    /// What it turned out to be. While others are in doubt the agent waits for them, too.
    #[must_use]
    pub fn verdict(&mut self, leg: LegId, verdict: Verdict) -> Vec<Input> {
        let ear = self.of.entry(leg).or_default();
        ear.doubts = false;
        ear.speaks |= verdict == Verdict::Speech;
        let mut inputs = Vec::new();
        if verdict == Verdict::Speech {
            self.told = Ear { doubts: false, speaks: true };
            inputs.push(Input::CallerVerdict(verdict));
        } else if !self.all().doubts {
            self.told.doubts = false;
            inputs.push(Input::CallerVerdict(verdict));
        }
        self.restate(inputs)
    }

    /// An utterance was understood. Who still speaks keeps the agent waiting.
    #[must_use]
    pub fn turn(&mut self, leg: LegId, turn: TurnId) -> Vec<Input> {
        self.of.entry(leg).or_default().speaks = false;
        self.told.speaks = false;
        self.restate(vec![Input::CallerTurn(turn)])
    }

    /// An utterance was not understood. The agent hears of silence when all are silent.
    #[must_use]
    pub fn silent(&mut self, leg: LegId) -> Vec<Input> {
        self.of.entry(leg).or_default().speaks = false;
        if self.all().speaks {
            return Vec::new();
        }
        self.told.speaks = false;
        vec![Input::CallerSilent]
    }

    /// The leg has left, in the middle of a word perhaps.
    #[must_use]
    pub fn gone(&mut self, leg: LegId) -> Vec<Input> {
        let Some(Ear { doubts, speaks }) = self.of.remove(&leg) else { return Vec::new() };
        let (mut inputs, all) = (Vec::new(), self.all());
        if doubts && !all.doubts && self.told.doubts {
            self.told.doubts = false;
            inputs.push(Input::CallerVerdict(Verdict::Noise));
        }
        if speaks && !all.speaks {
            self.told.speaks = false;
            inputs.push(Input::CallerSilent);
        }
        inputs
    }

    /// Whether anybody is speaking, or may be.
    pub fn are_open(&self) -> bool {
        let Ear { doubts, speaks } = self.all();
        doubts || speaks
    }

    fn all(&self) -> Ear {
        let any = |is: fn(&Ear) -> bool| self.of.values().any(is);
        Ear { doubts: any(|ear| ear.doubts), speaks: any(|ear| ear.speaks) }
    }

    /// What one ear said has ended for the governor what another still hears: it is told again.
    fn restate(&mut self, mut inputs: Vec<Input>) -> Vec<Input> {
        let all = self.all();
        if all.speaks && !self.told.speaks {
            self.told = Ear { doubts: false, speaks: true };
            inputs.push(Input::CallerVerdict(Verdict::Speech));
        }
        if all.doubts && !self.told.doubts {
            self.told.doubts = true;
            inputs.push(Input::CallerOnset);
        }
        inputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: LegId = LegId(0);
    const B: LegId = LegId(1);

    #[test]
    fn one_ear_is_passed_on_word_for_word() {
        let mut ears = Ears::default();
        assert_eq!(ears.onset(A), [Input::CallerOnset]);
        assert_eq!(ears.verdict(A, Verdict::Noise), [Input::CallerVerdict(Verdict::Noise)]);
        assert_eq!(ears.onset(A), [Input::CallerOnset]);
        assert_eq!(ears.verdict(A, Verdict::Speech), [Input::CallerVerdict(Verdict::Speech)]);
        assert_eq!(ears.turn(A, TurnId(1)), [Input::CallerTurn(TurnId(1))]);
        assert_eq!(ears.silent(A), [Input::CallerSilent]);
    }

    #[test]
    fn a_cough_of_one_does_not_end_the_doubt_about_another() {
        let mut ears = Ears::default();
        let _ = (ears.onset(A), ears.onset(B));
        assert_eq!(ears.verdict(A, Verdict::Noise), []);
        assert_eq!(ears.verdict(B, Verdict::Echo), [Input::CallerVerdict(Verdict::Echo)]);
    }

    #[test]
    fn the_turn_of_one_leaves_another_speaking() {
        let mut ears = Ears::default();
        let _ = (ears.onset(A), ears.verdict(A, Verdict::Speech));
        let _ = (ears.onset(B), ears.verdict(B, Verdict::Speech));
        let speaks = Input::CallerVerdict(Verdict::Speech);
        assert_eq!(ears.turn(A, TurnId(1)), [Input::CallerTurn(TurnId(1)), speaks]);
        assert_eq!(ears.silent(B), [Input::CallerSilent]);
    }

    #[test]
    fn who_leaves_in_the_middle_of_a_word_is_silent() {
        let mut ears = Ears::default();
        let _ = (ears.onset(A), ears.verdict(A, Verdict::Speech), ears.onset(B));
        assert_eq!(ears.gone(B), [Input::CallerVerdict(Verdict::Noise)]);
        assert_eq!(ears.gone(A), [Input::CallerSilent]);
        assert!(!ears.are_open());
    }

    /// A governor as far as it matters here: see `queue_governor`'s `barge_in`.
    fn thinks(mut caller: Ear, inputs: &[Input]) -> Ear {
        for input in inputs {
            match input {
                Input::CallerOnset => caller.doubts = true,
                Input::CallerVerdict(verdict) => {
                    caller.doubts = false;
                    caller.speaks |= *verdict == Verdict::Speech;
                }
                Input::CallerTurn(_) | Input::CallerSilent => caller.speaks = false,
                _ => unreachable!("an ear says nothing else"),
            }
        }
        caller
    }

    #[test]
    fn the_governor_thinks_that_somebody_speaks_exactly_while_somebody_does() {
        for seed in 1..400_u64 {
            let (mut ears, mut caller, mut dice) = (Ears::default(), Ear::default(), seed);
            for turn in 1..200 {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed);
                let leg = LegId((dice >> 33) % 4);
                let inputs = match (dice >> 40) % 6 {
                    0 => ears.onset(leg),
                    1 => ears.verdict(leg, Verdict::Speech),
                    2 => ears.verdict(leg, Verdict::Noise),
                    3 => ears.turn(leg, TurnId(turn)),
                    4 => ears.silent(leg),
                    _ => ears.gone(leg),
                };
                caller = thinks(caller, &inputs);
                assert_eq!(caller, ears.all(), "seed {seed}, step {turn}: {inputs:?}");
            }
        }
    }
}
