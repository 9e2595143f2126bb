//! What comes in writing: each writer of each lane is a conversation of its own, answered at once
//! and in writing, whatever the workers and the calls do meanwhile.

use brain_protocol::{
    BrainMessage, Channel, ClaimEnding, ClaimId, MessageEnding, MessageId, Position, Send, TurnId,
};
use jiff::Zoned;

use super::conversation::Conversation;
use super::{Mind, Place, Utterance, WriterId, uttered};

/// A written message.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub lane: String,
    pub position: Position,
    pub id: String,
    pub from: String,
    pub text: String,
    pub channel: Channel,
}

/// Where an answer goes, and what it answers.
#[derive(Clone, Debug)]
pub(super) struct ReplyTo {
    channel: Channel,
    to: String,
    trigger: String,
}

/// Who has written lately, latest last.
#[derive(Debug, Default)]
pub(super) struct Writers {
    known: Vec<Writer>,
    named: u64,
}

#[derive(Debug)]
struct Writer {
    id: WriterId,
    lane: String,
    from: String,
}

impl Writers {
    /// The writer's name, and who is forgotten for it.
    fn meet(&mut self, lane: &str, from: &str) -> (WriterId, Option<WriterId>) {
        let met = self.known.iter().position(|it| it.from == from && it.lane == lane);
        let writer = match met {
            Some(index) => self.known.remove(index),
            None => {
                self.named += 1;
                Writer { id: WriterId(self.named), lane: lane.into(), from: from.into() }
            }
        };
        let id = writer.id;
        self.known.push(writer);
        let forgotten = (self.known.len() > WRITERS_MAX).then(|| self.known.remove(0).id);
        (id, forgotten)
    }
}

impl Mind {
    /// Answers a written message like a turn. One that comes again is not answered again.
    pub(super) fn on_text(&mut self, now: &Zoned, text: Text) {
        let (writer, forgotten) = self.writers.meet(&text.lane, &text.from);
        if let Some(forgotten) = forgotten {
            self.conversations.remove(&Place::Text(forgotten));
        }
        let place = Place::Text(writer);
        let conversation = self
            .conversations
            .entry(place)
            .or_insert_with(|| Conversation::new(text.from.clone(), now.timestamp()));
        conversation.reply_to =
            Some(ReplyTo { channel: text.channel, to: text.from, trigger: text.id });
        self.on_turn(now, place, TurnId(text.position.0), &text.text);
    }

    /// Writes to a writer. What answers the last message names it as its trigger.
    pub(super) fn write(&mut self, place: Place, utterance: Utterance) -> Option<ClaimId> {
        let name = self.next_name('m');
        let message = MessageId::new(name.clone()).ok()?;
        let claim = ClaimId::new(name.clone()).ok()?;
        let conversation = self.conversations.get_mut(&place)?;
        let ReplyTo { channel, to, trigger } = conversation.reply_to.clone()?;
        conversation.heard_log.on_said(uttered(&claim, &utterance));
        let trigger = utterance.turn.map(|_| trigger);
        self.send(BrainMessage::Send(Send {
            // The same words in answer to another message are another answer.
            dedup_key: Some(trigger.clone().unwrap_or(name)),
            trigger,
            ..Send::new(message, channel, to, utterance.text)
        }));
        Some(claim)
    }

    /// What was sent was read, as far as anybody knows; what was not may be told another time.
    pub(super) fn on_message_ended(
        &mut self,
        now: &Zoned,
        message: &MessageId,
        ending: MessageEnding,
    ) {
        let Ok(claim) = ClaimId::new(message.as_str()) else { return };
        let ending = match ending {
            MessageEnding::Sent => ClaimEnding::Spoken,
            MessageEnding::Duplicate => ClaimEnding::Duplicate,
            MessageEnding::Superseded => ClaimEnding::Superseded,
            MessageEnding::Expired => ClaimEnding::Expired,
            MessageEnding::Withdrawn => ClaimEnding::Withdrawn,
            MessageEnding::Refused => ClaimEnding::Refused,
            MessageEnding::Failed | MessageEnding::Unknown => ClaimEnding::Failed,
        };
        let writers = self.conversations.range_mut(Place::Text(WriterId(0))..);
        for (_, conversation) in writers {
            let Some(text) = conversation.heard_log.text_of(&claim) else { continue };
            let read = if ending == ClaimEnding::Spoken { text.to_owned() } else { String::new() };
            let log = &mut conversation.heard_log;
            if let Some(lost) = log.on_ended(now.timestamp(), &claim, ending, read) {
                self.memory.notice(lost);
            }
            return;
        }
    }
}

/// Whoever wrote before a thousand others starts a new conversation.
const WRITERS_MAX: usize = 1024;
