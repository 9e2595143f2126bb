//! The legs of a line: their names, and what each is there for.

use media_engine::LegMix;

use crate::report::PartKind;

/// A leg's number at its line. Given out once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LegId(pub u64);

impl LegId {
    /// The peer that the line was opened with.
    pub const FIRST: LegId = LegId(0);
}

impl std::fmt::Display for LegId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a leg is at the line for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Part {
    /// The agent hears it and everybody hears it; the line lasts as long as it has one.
    Caller,
    /// The operator.
    Operator(OperatorPart),
}

/// What the operator does at a line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum OperatorPart {
    /// Hears everybody, and nobody hears it.
    #[default]
    Listen,
    /// Only the agent hears it: what is said goes to the brain.
    Whisper,
    /// Has taken the floor: everybody hears it, and the agent is silent.
    BargeIn,
}

impl Part {
    /// Whether it holds the floor against the agent.
    #[must_use]
    pub fn takes_the_floor(self) -> bool {
        self == Part::Operator(OperatorPart::BargeIn)
    }

    /// In the words of the record.
    #[must_use]
    pub fn kind(self) -> PartKind {
        match self {
            Part::Caller => PartKind::Caller,
            Part::Operator(OperatorPart::Listen) => PartKind::Listen,
            Part::Operator(OperatorPart::Whisper) => PartKind::Whisper,
            Part::Operator(OperatorPart::BargeIn) => PartKind::BargeIn,
        }
    }

    /// Who hears it. `muted`: nobody, whatever it is there for.
    pub(super) fn mix(self, muted: bool) -> LegMix {
        match self {
            _ if muted => LegMix::muted(),
            Part::Caller | Part::Operator(OperatorPart::BargeIn) => LegMix::default(),
            Part::Operator(OperatorPart::Listen) => LegMix::muted(),
            Part::Operator(OperatorPart::Whisper) => LegMix::whispering(),
        }
    }
}
