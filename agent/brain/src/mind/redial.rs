//! Callers who were cut off and are back: the conversation goes on where it was.

use std::collections::VecDeque;

use brain_protocol::{LineId, Redial};
use jiff::{SignedDuration, Timestamp, Zoned};

use super::conversation::Conversation;
use super::heard::rest_of;
use super::{Mind, Place};
use crate::memory::CallNote;

/// Conversations whose call has ended, for whoever calls again.
#[derive(Debug, Default)]
pub(super) struct Former(VecDeque<(LineId, Timestamp, Conversation)>);

impl Former {
    /// The call is over; its conversation may go on in another one.
    pub(super) fn keep(&mut self, now: Timestamp, line: LineId, conversation: Conversation) {
        self.0.retain(|(_, since, _)| now.duration_since(*since) <= KEPT);
        if self.0.len() >= KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back((line, now, conversation));
    }

    /// The conversation of that line, if it is not forgotten.
    pub(super) fn take(&mut self, line: LineId) -> Option<Conversation> {
        let at = self.0.iter().position(|(kept, ..)| *kept == line)?;
        self.0.remove(at).map(|(.., conversation)| conversation)
    }
}

impl Mind {
    pub(super) fn on_closed(&mut self, now: &Zoned, line: LineId) {
        let Some(conversation) = self.conversations.remove(&Place::Line(line)) else { return };
        let open = now.timestamp().duration_since(conversation.opened).as_secs();
        self.memory.log_call(CallNote {
            caller: conversation.caller.clone(),
            at: conversation.opened,
            seconds: u64::try_from(open).unwrap_or(0),
        });
        for unheard in conversation.heard_log.kept() {
            self.memory.notice(unheard);
        }
        if !conversation.ending {
            self.former.keep(now.timestamp(), line, conversation);
        }
    }
}

/// What a caller who was cut off is told first. What is told as news anyway is not said twice.
pub(super) fn welcome_back(redial: &Redial, told_anyway: &[String]) -> String {
    let unsaid = redial.unsaid.iter().filter(|unsaid| !told_anyway.contains(&unsaid.text));
    let rests = unsaid.map(|unsaid| rest_of(&unsaid.text, &unsaid.heard_text));
    let rests: Vec<&str> = rests.filter(|rest| !rest.is_empty()).take(RESTS_MAX).collect();
    match rests.is_empty() {
        true => "We were cut off. Please go on.".into(),
        false => format!("We were cut off. I was saying: {}", rests.join(" ")),
    }
}

/// The line itself knows a call no longer than its operator says, minutes as a rule.
const KEPT: SignedDuration = SignedDuration::from_secs(3_600);
const KEPT_MAX: usize = 32;
/// Who is back has asked one or two things.
const RESTS_MAX: usize = 3;
