//! What the shell tells the core.

use super::seat::{Part, SoundLook};
use crate::report::{CallEvent, CallStats};

/// Something that the console learns.
#[derive(Clone, PartialEq, Debug)]
pub enum News {
    /// So many milliseconds have passed since the console was started.
    Time(u64),
    /// The way to the line.
    Link(LinkNews),
    /// Something was seen on the line.
    Seen(Seen),
    /// What the say-queue holds, and whether it is paused.
    Queue(Vec<Queued>, bool),
    /// Whether a brain is connected.
    Brain(bool),
    /// What came of something that was asked: good or not, in words.
    Answer {
        /// Whether it was done.
        done: bool,
        /// In words.
        text: String,
    },
    /// We sit at a line.
    Seated {
        /// Which.
        line: u64,
        /// How.
        part: Part,
    },
    /// We take part in another way, whoever wanted that.
    Part(Part),
    /// We sit there no longer, and why, if it was not our own wish.
    Left(Option<String>),
    /// How the sound goes.
    Sound(SoundLook),
    /// There is none, and why.
    NoSound(String),
}

/// How the way to the line is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkNews {
    /// It is open; what was known of calls is void and comes anew.
    Up,
    /// It is not, and is tried again.
    Down(String),
}

/// What was seen on the line.
#[derive(Clone, PartialEq, Debug)]
pub enum Seen {
    /// An open call, as it stands now.
    Open(OpenCall),
    /// All open calls were told; those that were not are over.
    OnlyThese(Vec<u64>),
    /// An event of a call.
    Event {
        /// Its line.
        line: u64,
        /// When, in milliseconds since the answer.
        t_ms: f64,
        /// What.
        what: CallEvent,
    },
    /// How loud a leg is.
    Level {
        /// The line.
        line: u64,
        /// The leg; 0 came first.
        leg: u64,
        /// What it says, in dBov.
        heard_dbov: i8,
        /// What it is sent.
        sent_dbov: i8,
        /// Whether it is taken to be speaking.
        speech: bool,
    },
    /// So many events were missed.
    Gap(u64),
    /// The line takes no new calls, and ends in so many seconds at the latest.
    Draining(u64),
}

/// See [`Seen::Open`].
#[derive(Clone, PartialEq, Debug, Default)]
pub struct OpenCall {
    /// Its line.
    pub line: u64,
    /// The trunk, or the door.
    pub trunk: String,
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub called: String,
    /// Seconds since the answer.
    pub seconds: u64,
    /// What the network did to it so far.
    pub stats: Option<CallStats>,
}

/// A claim of the say-queue.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Queued {
    /// Its id.
    pub claim: String,
    /// Whose.
    pub source: String,
    /// What is to be said.
    pub text: String,
    /// `waits`, `on line 3`.
    pub state: String,
    /// Since it was accepted.
    pub age_s: u64,
    /// Whether it may not be skipped.
    pub must_deliver: bool,
}

/// `text` without what would move a cursor, hide or turn around what stands beside it.
#[must_use]
pub fn clean(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    let shown = text.chars().take(TEXT_CHARS_MAX);
    shown.map(|c| if harmful(c) { ' ' } else { c }).collect()
}

/// Longest text that is kept for showing; a claim has 4 KiB at most, and nobody reads that here.
const TEXT_CHARS_MAX: usize = 1_000;
