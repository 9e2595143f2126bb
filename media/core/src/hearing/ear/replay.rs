//! An ear without sound.

use super::Ear;
use super::facts::{EarDecision, EarFacts, EarInput};
use super::senses::{Noted, Senses};
use crate::hearing::EarConfig;

/// Decides again what an [`Ear`] decided, from what that one noted (see [`EarConfig::traced`]). It
/// runs the ear's own code: a difference in what comes out is a difference between the builds.
/// Sound there is none, so decode jobs are decided but cannot be done.
pub struct EarReplay {
    ear: Ear,
}

impl EarReplay {
    /// An ear that listens as `config` says and has been told nothing.
    #[must_use]
    pub fn new(config: EarConfig) -> Self {
        Self { ear: Ear::with(config, Senses::Noted(Noted::default())) }
    }

    /// Takes the next step and decides.
    pub fn step(&mut self, input: &EarInput) -> Vec<EarDecision> {
        self.take(input);
        core::iter::from_fn(|| self.ear.poll_output()).map(|output| (&output).into()).collect()
    }

    /// Questions to the sound that nobody asked when there was some. Beyond the first of them
    /// the replay is a guess.
    #[must_use]
    pub fn unanswered(&self) -> u64 {
        match &self.ear.senses {
            Senses::Noted(noted) => noted.unanswered,
            Senses::Live(_) => 0,
        }
    }

    fn take(&mut self, input: &EarInput) {
        match &input.facts {
            EarFacts::Sound { samples, agent_speaking, frames } => {
                let noted = self.noted();
                noted.frames.extend(frames);
                noted.explained = input.explained;
                // A push of sound is bounded; so is what stands for one.
                let silence = [0; SAMPLES_MAX];
                let samples = (*samples as usize).min(SAMPLES_MAX);
                self.ear.begin(input.at, *agent_speaking);
                self.ear.sound.push(self.ear.now, &silence[..samples]);
                self.ear.listen();
            }
            EarFacts::Decoded { job, understood } => {
                self.noted().explained = input.explained;
                self.ear.understand(input.at, *job, understood.clone());
            }
        }
    }

    fn noted(&mut self) -> &mut Noted {
        match &mut self.ear.senses {
            Senses::Noted(noted) => noted,
            Senses::Live(_) => unreachable!("a replay is made without live senses"),
        }
    }
}

/// The longest push, at the recogniser's rate.
const SAMPLES_MAX: usize = 60 * 16;
