//! Where the operator sits, and with what sound.

use plugin_console::{Figures, TalkMode};

use crate::control::SeatPart;

/// How the operator takes part.
pub type Part = SeatPart;

/// A part as the operator reads it.
#[must_use]
pub fn words(part: Part) -> &'static str {
    match part {
        Part::Listen => "listening",
        Part::Whisper => "whispering to the agent",
        Part::BargeIn => "on the air",
    }
}

/// Where the operator sits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Seat {
    /// Nowhere.
    #[default]
    Away,
    /// On the way.
    Joining {
        /// To this line.
        line: u64,
        /// So.
        part: Part,
    },
    /// At a line.
    At {
        /// Which.
        line: u64,
        /// How.
        part: Part,
    },
    /// Holding a line's floor by the keyboard alone.
    HoldsFloor {
        /// Of this line.
        line: u64,
    },
}

impl Seat {
    /// The line, if there is one.
    #[must_use]
    pub fn line(self) -> Option<u64> {
        match self {
            Seat::Away => None,
            Seat::Joining { line, .. } | Seat::At { line, .. } | Seat::HoldsFloor { line } => {
                Some(line)
            }
        }
    }
}

/// Whether there is sound.
#[derive(Clone, PartialEq, Debug)]
pub enum Sound {
    /// There is none, and why.
    Without(String),
    /// How it goes.
    With(SoundLook),
}

/// How microphone and loudspeaker go.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SoundLook {
    /// The microphone's name.
    pub microphone: String,
    /// The loudspeaker's.
    pub speaker: String,
    /// How the microphone goes.
    pub mic: Figures,
    /// How the loudspeaker goes.
    pub out: Figures,
    /// When the microphone is open.
    pub mode: TalkMode,
    /// Whether it is.
    pub open: bool,
    /// Other devices are being opened.
    pub opening: bool,
    /// Why there is none; who has none listens.
    pub no_microphone: Option<String>,
}
