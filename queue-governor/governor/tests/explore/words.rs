//! The words that the others share: a broken promise, a word that is heard, who is heard.

use queue_governor::Source;

/// Why a step was not taken to its end.
#[derive(Debug)]
pub enum Halt {
    /// It broke a promise: which one, and how.
    Broken(String),
    /// The process was killed.
    Killed,
}

/// Breaks a promise unless `holds`.
pub fn promise(holds: bool, broken: impl FnOnce() -> String) -> Result<(), Halt> {
    if holds { Ok(()) } else { Err(Halt::Broken(broken())) }
}

/// A word by the number of its content and its place therein.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Word {
    pub content: Option<u8>,
    pub place: u8,
}

impl Word {
    /// Contents are written `c0w0 c0w1, …`; anything else is the governor's own.
    pub fn parse(word: &str) -> Word {
        let digit = |at: usize| word.as_bytes().get(at).filter(|byte| byte.is_ascii_digit());
        match (word.starts_with('c'), digit(1), digit(3)) {
            (true, Some(content), Some(place)) => {
                Word { content: Some(content - b'0'), place: place - b'0' }
            }
            _ => Word { content: None, place: 0 },
        }
    }
}

/// Who holds the floor.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    /// The claim's number in its world; none is the governor's own filler.
    pub claim: Option<usize>,
    pub source: Source,
    /// Only the operator stops it.
    pub uninterruptible: bool,
}

impl Holder {
    pub fn outlasts_the_caller(&self) -> bool {
        self.uninterruptible || self.source == Source::Operator
    }
}
