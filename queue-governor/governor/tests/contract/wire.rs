//! No word is heard twice: what went out, word by word, against what says the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use media_core::MonoTime;
use proptest::prelude::*;
use queue_governor::{Claim, ClaimId, OnInterrupt};

use crate::properties::Conditions;
use crate::reference_model::are_the_same;
use crate::support::*;

/// What was sent shortly before the line died, or closed, nobody was told of: reports come every
/// 100 ms, and are late.
const UNREPORTED: Duration = Duration::from_millis(150);

/// What is remembered as said, at the least.
const WINDOW: Duration = Duration::from_secs(30);

/// The words that went out, over all lives of a line.
#[derive(Default)]
pub struct Wire {
    words: Vec<Word>,
    /// When lives ended.
    ends: Vec<MonoTime>,
    /// Of an earlier call, and not yet handed to this one; or when it was.
    away: BTreeSet<ClaimId>,
    came_back: BTreeMap<ClaimId, MonoTime>,
}

impl Wire {
    /// Takes in what `world` sent until now.
    pub fn hear(
        &mut self,
        world: &World,
        claims: &BTreeMap<String, Claim>,
        conditions: &Conditions,
    ) -> Result<(), TestCaseError> {
        if !conditions.say_which_words_were_sent() {
            return Ok(());
        }
        let before = self.words.len();
        let sent = world.line.words_sent.iter().filter(|it| it.at <= world.now);
        for word in sent.filter(|it| claims.contains_key(it.claim.as_str())) {
            for (number, earlier) in self.words.iter().enumerate() {
                let is_earlier_life = number < before;
                let again = earlier.word == word.word
                    && word.at.since(earlier.at) < WINDOW
                    && are_the_same(&claims[earlier.claim.as_str()], &claims[word.claim.as_str()]);
                let granted = granted_before(world, word);
                prop_assert!(
                    !again
                        || claims[word.claim.as_str()].on_interrupt == OnInterrupt::Restate
                        || self.ends.iter().any(|end| end.since(earlier.at) < UNREPORTED)
                        || is_earlier_life && self.came_later(&earlier.claim, granted),
                    "{:?} is heard again at {:?} of {}",
                    earlier,
                    word.at,
                    word.claim
                );
            }
            self.words.push(word.clone());
        }
        Ok(())
    }

    /// The line died, and knows all that is not over.
    pub fn killed(&mut self, at: MonoTime) {
        self.ends.push(at);
        self.away.clear();
        self.came_back.clear();
    }

    /// The call is over, and leaves these.
    pub fn hung_up(&mut self, at: MonoTime, left: impl Iterator<Item = ClaimId>) {
        self.ends.push(at);
        self.away.extend(left);
        self.came_back.clear();
    }

    pub fn carried_over(&mut self, at: MonoTime, id: &ClaimId) {
        self.away.remove(id);
        self.came_back.insert(id.clone(), at);
    }

    /// Whether nobody in this call knew of the claim at `granted`.
    fn came_later(&self, id: &ClaimId, granted: MonoTime) -> bool {
        self.away.contains(id) || self.came_back.get(id).is_some_and(|at| *at >= granted)
    }
}

/// When that for which `word` was sent had been granted.
fn granted_before(world: &World, word: &Word) -> MonoTime {
    let mut grants = world.grants.iter().rev();
    let granted = grants.find(|(at, id, _)| *id == word.claim && *at <= word.at);
    granted.expect("it was granted").0
}
