//! The floor as it is published to the audio thread: one atomic word per line.

use media_core::Generation;
use media_core::floor::{FloorGate, FloorWord};

use crate::sync::{AtomicU64, Ordering};

/// A line's floor, written by whoever holds the [`crate::Line`] and read by its audio thread once
/// per tick. The rules are [`FloorGate`]'s; one atomic exchange publishes each decision, so that
/// a revoke takes effect with the next tick and waits for no queue.
#[derive(Debug, Default)]
pub(crate) struct SharedFloor(AtomicU64);

/// What a grant did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Granted {
    /// The floor is `generation`'s. It had been another one's before, if one is named.
    Yes { lost: Option<Generation> },
    /// A later grant or its own revoke overtook it.
    Overtaken,
}

impl SharedFloor {
    /// Reads it. One load, real-time safe.
    pub fn load(&self) -> FloorWord {
        FloorWord::from_bits(self.0.load(Ordering::Acquire))
    }

    /// Whether `generation` has the floor, paused or not.
    pub fn is_current(&self, generation: Generation) -> bool {
        let word = self.load();
        word.granted && word.newest == generation
    }

    /// Gives the floor to `generation`.
    pub fn grant(&self, generation: Generation) -> Granted {
        let before = self.change(|gate| gate.grant(generation));
        match before {
            Some(word) => Granted::Yes { lost: word.granted.then_some(word.newest) },
            None => Granted::Overtaken,
        }
    }

    /// Takes the floor from `generation`, now or before it gets it. Returns who lost it, which
    /// is an older generation where the revoke overtook its grant.
    pub fn revoke(&self, generation: Generation) -> Option<Generation> {
        let before = self.change(|gate| {
            let word = gate.word();
            gate.revoke(generation);
            gate.word() != word
        });
        before.filter(|word| word.granted).map(|word| word.newest)
    }

    /// Pauses `generation`. Returns whether that changed anything.
    pub fn pause(&self, generation: Generation) -> bool {
        self.change(|gate| gate.pause(generation)).is_some()
    }

    /// Lets `generation` go on. Returns whether that changed anything.
    pub fn resume(&self, generation: Generation) -> bool {
        self.change(|gate| gate.resume(generation)).is_some()
    }

    /// Applies a decision. Returns the word before it, or `None` if it changed nothing.
    fn change(&self, mut decide: impl FnMut(&mut FloorGate) -> bool) -> Option<FloorWord> {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |bits| {
                let mut gate = FloorGate::new();
                gate.follow(FloorWord::from_bits(bits));
                decide(&mut gate).then(|| gate.word().to_bits())
            })
            .ok()
            .map(FloorWord::from_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Generation = Generation(1);
    const TWO: Generation = Generation(2);

    #[test]
    fn a_revoke_of_an_older_generation_leaves_the_newer_one_alone() {
        let floor = SharedFloor::default();
        assert_eq!(floor.grant(ONE), Granted::Yes { lost: None });
        assert_eq!(floor.grant(TWO), Granted::Yes { lost: Some(ONE) });
        assert_eq!(floor.revoke(ONE), None);
        assert!(!floor.pause(ONE));
        assert!(floor.is_current(TWO));
        assert_eq!(floor.revoke(TWO), Some(TWO));
        assert!(!floor.is_current(TWO));
        assert_eq!(floor.revoke(TWO), None, "it is revoked once");
    }

    #[test]
    fn a_revoke_that_overtakes_its_grant_stays_in_force() {
        let floor = SharedFloor::default();
        floor.grant(ONE);
        assert_eq!(floor.revoke(TWO), Some(ONE), "the older one has lost, too");
        assert_eq!(floor.grant(TWO), Granted::Overtaken);
        assert!(!floor.is_current(TWO));
        assert_eq!(floor.grant(Generation(3)), Granted::Yes { lost: None });
    }

    #[test]
    fn a_grant_is_never_born_paused() {
        let floor = SharedFloor::default();
        floor.grant(ONE);
        assert!(floor.pause(ONE));
        assert!(!floor.pause(ONE), "paused already");
        assert!(floor.load().paused);
        floor.grant(TWO);
        assert!(!floor.load().paused);
    }
}
