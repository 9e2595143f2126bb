//! What callers heard the operator say, for a brain that was not there to be told.

use std::collections::VecDeque;

use brain_protocol::LineMessage;
use media_core::MonoTime;

use super::backlog::Turn;
use super::conversation::Conversation;

/// The last words of the operator in a call, oldest first.
#[derive(Debug, Default)]
pub(super) struct OperatorsWords(VecDeque<Words>);

#[derive(Clone, Debug)]
struct Words {
    at_ms: u64,
    text: String,
}

impl OperatorsWords {
    fn keep(&mut self, now: MonoTime, text: &str) {
        if self.0.len() == KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Words { at_ms: now.as_micros() / 1_000, text: text.to_owned() });
    }
}

impl Conversation {
    /// The operator said something that callers heard: the brain is told, now or when there is one.
    pub(super) fn operator_said(&mut self, now: MonoTime, text: String) {
        self.operators_words.keep(now, &text);
        self.tell(LineMessage::OperatorSaid { line: self.brain_line(), text });
    }

    /// A brain has come: it is told what the operator said before, and given the turns that no brain
    /// has dealt with, in the order in which all of it was said. What an earlier brain was told died
    /// with it.
    pub(super) fn tell_what_was_said(&mut self, now: MonoTime, turns: Vec<Turn>) {
        let mut words = self.operators_words.0.clone().into_iter().peekable();
        for turn in turns {
            while let Some(before) = words.next_if(|it| it.at_ms <= turn.at_ms) {
                self.tell_words(before);
            }
            self.send_turn(now, turn);
        }
        words.for_each(|it| self.tell_words(it));
    }

    fn tell_words(&mut self, Words { text, .. }: Words) {
        self.tell(LineMessage::OperatorSaid { line: self.brain_line(), text });
    }
}

/// As much of an operator's talk as anybody refers to; each is as long as a claim or an utterance at
/// most.
const KEPT_MAX: usize = 16;
