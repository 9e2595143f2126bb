//! What a call leaves behind for its caller's next one: what was said last, and what was not heard.

use std::collections::VecDeque;
use std::time::Duration;

use brain_protocol::{Redial, Said, Speaker, Unsaid};
use media_core::MonoTime;
use media_engine::LineStatistics;
use sip_bridge::CallOutcome;

use super::conversation::{Conversation, Figures};
use super::inputs::Untaken;

/// What lies around a call: how it came about, and what is left of it.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// The line called.
    pub outbound: bool,
    /// The call that this one goes on with.
    pub redial: Option<Box<Redial>>,
    pub memory: Memory,
}

impl Conversation {
    /// The line called, and `caller` is who was called. To be said before anything happens.
    pub fn calls_out(&mut self) {
        self.context.outbound = true;
    }

    /// This call goes on with one that was cut off. To be said before anything happens.
    pub fn goes_on_with(&mut self, redial: Redial) {
        self.context.redial = Some(Box::new(redial));
    }

    /// What the caller's next call is to know of this one.
    pub fn take_memory(&mut self) -> Memory {
        core::mem::take(&mut self.context.memory)
    }
}

/// What is left of a call.
pub struct LineEnd {
    /// Final figures of the media.
    pub statistics: LineStatistics,
    /// What the record counts of the conversation.
    pub figures: Figures,
    /// For the caller's next call.
    pub memory: Memory,
    /// When it was over.
    pub over: MonoTime,
    /// How it ended.
    pub outcome: CallOutcome,
    /// What it was offered when it was closing already.
    pub untaken: Vec<Untaken>,
}

/// The end of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    said: VecDeque<(MonoTime, Said)>,
    unsaid: Vec<Unsaid>,
}

/// [`Memory`], as the next call is told of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Remembered {
    /// What was said last, oldest first.
    pub said: Vec<Said>,
    /// What the caller did not hear to its end.
    pub unsaid: Vec<Unsaid>,
}

impl Memory {
    pub(super) fn said(&mut self, at: MonoTime, by: Speaker, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if self.said.len() >= SAID_MAX {
            self.said.pop_front();
        }
        self.said.push_back((at, Said { by, text: shortened(text) }));
    }

    pub(super) fn not_said(&mut self, text: &str, heard: &str) {
        if self.unsaid.len() < UNSAID_MAX {
            let (text, heard_text) = (shortened(text), shortened(heard));
            self.unsaid.push(Unsaid { text, heard_text });
        }
    }

    /// What is told to the next call. `deaf_for`: so long before `now` the caller had gone already,
    /// and what was said meanwhile was heard by nobody.
    #[must_use]
    pub fn remembered(mut self, now: MonoTime, deaf_for: Duration) -> Remembered {
        let gone = now - deaf_for;
        let unheard = |(at, said): &(MonoTime, Said)| *at > gone && said.by == Speaker::Agent;
        let unheard: Vec<_> = match deaf_for {
            Duration::ZERO => Vec::new(),
            _ => self.said.iter().filter(|entry| unheard(entry)).cloned().collect(),
        };
        self.said.retain(|entry| !unheard.contains(entry));
        let whole =
            |(_, said): (MonoTime, Said)| Unsaid { text: said.text, heard_text: String::new() };
        let mut unsaid: Vec<_> = unheard.into_iter().map(whole).collect();
        unsaid.extend(self.unsaid);
        unsaid.truncate(UNSAID_MAX);
        Remembered { said: self.said.into_iter().map(|(_, said)| said).collect(), unsaid }
    }
}

fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned()
}

/// As much of a conversation as anybody refers to after a minute.
const SAID_MAX: usize = 12;
/// A governor holds more, and nobody wants to hear more.
const UNSAID_MAX: usize = 8;
/// With the numbers above a message to the brain stays within half of its 64 KiB.
const TEXT_BYTES_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> MonoTime {
        MonoTime::from_millis(s * 1_000)
    }

    fn texts(said: &[Said]) -> Vec<&str> {
        said.iter().map(|said| said.text.as_str()).collect()
    }

    #[test]
    fn the_last_words_are_kept_and_the_first_ones_go() {
        let mut memory = Memory::default();
        for n in 0..20 {
            memory.said(at(n), Speaker::Caller, &format!("sentence {n}"));
        }
        memory.not_said("It is ten past nine.", "It is");
        let told = memory.remembered(at(30), Duration::ZERO);
        assert_eq!(told.said.len(), SAID_MAX);
        assert_eq!(told.said[11].text, "sentence 19");
        assert_eq!(told.unsaid[0].heard_text, "It is");
    }

    #[test]
    fn what_was_said_to_a_caller_who_had_gone_was_not_heard() {
        let mut memory = Memory::default();
        memory.said(at(1), Speaker::Caller, "what time is it");
        memory.said(at(3), Speaker::Agent, "One moment.");
        memory.said(at(9), Speaker::Agent, "It is ten past nine.");
        let told = memory.remembered(at(35), Duration::from_secs(30));
        assert_eq!(texts(&told.said), ["what time is it", "One moment."]);
        assert_eq!(told.unsaid[0].text, "It is ten past nine.");
        assert_eq!(told.unsaid[0].heard_text, "");
    }

    #[test]
    fn a_long_speech_is_kept_in_bounds() {
        let mut memory = Memory::default();
        memory.said(at(1), Speaker::Agent, &"ä".repeat(5_000));
        let told = memory.remembered(at(2), Duration::ZERO);
        assert!(told.said[0].text.len() <= TEXT_BYTES_MAX);
    }
}
