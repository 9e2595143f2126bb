//! What stands in a log.

use media_core::MonoTime;
use media_core::hearing::{EarConfig, EarStep};
use queue_governor::{Book, GovernorConfig, Input, Output};
use serde::{Deserialize, Serialize};

use super::LOG_VERSION;

/// The first line: what has to be known before a decision can be made again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format.
    pub xenline_log: u32,
    /// Which xenline wrote it.
    pub build: String,
    /// Whether the words are those that were said.
    pub words: bool,
    /// The line's number in its process.
    pub line: u64,
    /// The governor's times and bounds.
    pub governor: GovernorConfig,
    /// How the ear listened.
    pub ear: EarConfig,
}

impl Header {
    /// The header of a call that begins now, written by this build.
    #[must_use]
    pub fn new(line: u64, governor: GovernorConfig, ear: EarConfig, words: bool) -> Self {
        let build = env!("CARGO_PKG_VERSION").to_owned();
        Self { xenline_log: LOG_VERSION, build, words, line, governor, ear }
    }
}

/// A line of the log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// What the governor remembered of earlier calls when it began. Comes before its first step.
    Recovered {
        /// When.
        at: MonoTime,
        /// What was unfinished, and said lately.
        book: Box<Book>,
        /// Lengths of the ready audio in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        audio: Vec<usize>,
    },
    /// A step of the governor.
    Governor(Box<GovernorStep>),
    /// Steps of the ear, about a second of them.
    #[serde(with = "super::ear")]
    Ear(Vec<EarStep>),
    /// A further leg has an ear of its own from now on.
    LegEar {
        /// The leg's number at the line.
        leg: u64,
        /// When.
        at: MonoTime,
        /// How it listens.
        ear: Box<EarConfig>,
    },
    /// Steps of a further leg's ear, about a second of them.
    LegHeard {
        /// The leg's number at the line.
        leg: u64,
        /// What it was told, and what it decided.
        #[serde(with = "super::ear")]
        steps: Vec<EarStep>,
    },
    /// The log ends before the call does.
    Cut {
        /// Why.
        why: String,
    },
    /// The last line of a whole log.
    End {
        /// Lines between the header and this one.
        entries: u64,
    },
}

impl Entry {
    /// When its first step was taken.
    #[must_use]
    pub fn at(&self) -> Option<MonoTime> {
        match self {
            Entry::Recovered { at, .. } | Entry::LegEar { at, .. } => Some(*at),
            Entry::Governor(step) => Some(step.at),
            Entry::Ear(steps) | Entry::LegHeard { steps, .. } => {
                steps.first().map(|step| step.input.at)
            }
            Entry::Cut { .. } | Entry::End { .. } => None,
        }
    }
}

/// What the governor was told, and what it decided.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GovernorStep {
    /// When.
    pub at: MonoTime,
    /// What happened.
    pub input: Input,
    /// Lengths of the ready audio in it, whose samples decide nothing and are not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audio: Vec<usize>,
    /// What is to be done and told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    /// When the governor wanted to be asked next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<MonoTime>,
}
