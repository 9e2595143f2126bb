//! The floor gate: which speech frame may be sent.
//!
//! Owns: the rule, as a value. The audio thread keeps one [`FloorGate`] per line and asks it for
//! every frame; the governor's decisions arrive as calls of [`FloorGate::grant`] and friends, or
//! all at once as a [`FloorWord`], which fits into one atomic integer that the engine publishes.
//! Never blocks, never allocates.
//!
//! A revoke is final: a generation that was revoked, or is older than one that was granted, is
//! never admitted again, in whatever order grants and revokes arrive.

mod word;

pub use word::FloorWord;

use crate::Generation;

/// What becomes of a speech frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Admission {
    /// Its generation has the floor: send it.
    Play,
    /// Its generation has the floor but is paused, or is yet to be granted: keep it for later.
    Hold,
    /// Its generation has lost the floor: throw it away.
    Discard,
}

/// What a generation had sent when it lost the floor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Spoken {
    /// Who was speaking.
    pub generation: Generation,
    /// Samples of it that were sent, at the line's rate.
    pub samples: u64,
}

/// Decides frame by frame. One per line.
#[derive(Clone, Debug, Default)]
pub struct FloorGate {
    /// The newest generation that was granted or revoked.
    newest: Generation,
    /// Whether `newest` has the floor.
    granted: bool,
    paused: bool,
    samples: u64,
}

impl FloorGate {
    /// A gate that lets nobody speak.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the floor to `generation`. `false`, and nothing changes, if it is not newer than
    /// every generation seen so far: its revoke, or a later grant, has overtaken it.
    pub fn grant(&mut self, generation: Generation) -> bool {
        let newer = self.is_newer(generation);
        if newer {
            *self = Self { newest: generation, granted: true, paused: false, samples: 0 };
        }
        newer
    }

    /// Takes the floor from `generation`, now or before it ever has it. Returns what it had
    /// sent, if it did have the floor.
    pub fn revoke(&mut self, generation: Generation) -> Option<Spoken> {
        if self.current() == Some(generation) {
            self.granted = false;
            self.paused = false;
            return Some(Spoken { generation, samples: self.samples });
        }
        if self.is_newer(generation) {
            // The revoke overtook its grant. Whoever speaks now is older and has lost, too.
            let lost = self.current().map(|old| Spoken { generation: old, samples: self.samples });
            *self = Self { newest: generation, ..Self::default() };
            return lost;
        }
        None
    }

    /// Stops `generation` at the sample, for the time being. `false` if it does not have the floor
    /// or was paused already.
    pub fn pause(&mut self, generation: Generation) -> bool {
        let applies = self.current() == Some(generation) && !self.paused;
        self.paused |= applies;
        applies
    }

    /// Lets `generation` go on. `false` if it was not paused.
    pub fn resume(&mut self, generation: Generation) -> bool {
        let applies = self.current() == Some(generation) && self.paused;
        self.paused &= !applies;
        applies
    }

    /// What is to be done with a frame stamped `generation`.
    #[must_use]
    pub fn admit(&self, generation: Generation) -> Admission {
        if self.current() == Some(generation) {
            if self.paused { Admission::Hold } else { Admission::Play }
        } else if self.is_newer(generation) {
            Admission::Hold
        } else {
            Admission::Discard
        }
    }

    /// Counts samples of the current generation that were sent.
    pub fn played(&mut self, samples: usize) {
        self.samples = self.samples.saturating_add(samples as u64);
    }

    /// Samples of the newest generation that were sent, through all pauses.
    #[must_use]
    pub fn samples_played(&self) -> u64 {
        self.samples
    }

    /// Who has the floor.
    #[must_use]
    pub fn current(&self) -> Option<Generation> {
        self.granted.then_some(self.newest)
    }

    /// Whether the one who has the floor is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The state as one word, for publication.
    #[must_use]
    pub fn word(&self) -> FloorWord {
        FloorWord { newest: self.newest, granted: self.granted, paused: self.paused }
    }

    /// Brings the gate to a published state. Returns who lost the floor by it, if anybody did.
    /// A word older than the gate's own state changes nothing.
    pub fn follow(&mut self, word: FloorWord) -> Option<Spoken> {
        let before = self.current().map(|generation| Spoken { generation, samples: self.samples });
        if self.is_newer(word.newest) {
            *self = Self { newest: word.newest, granted: word.granted, ..Self::default() };
        } else if word.newest != self.newest {
            return None;
        }
        // A revoked generation stays revoked.
        self.granted &= word.granted;
        self.paused = self.granted && word.paused;
        before.filter(|spoken| self.current() != Some(spoken.generation))
    }

    /// Compared the shorter way round, because the counter wraps.
    fn is_newer(&self, generation: Generation) -> bool {
        if generation == Generation::NONE {
            return false;
        }
        self.newest == Generation::NONE || (generation.0.wrapping_sub(self.newest.0) as i32) > 0
    }
}
