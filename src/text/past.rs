//! Which part of the messages' journal is still needed, by where it stands. Pure.

use std::collections::{BTreeMap, VecDeque};

use lane_broker::Position;
use media_core::MonoTime;
use queue_governor::{MessageId, MessageRecord};

/// The acceptance of an unfinished message so far back is written once more, so that one message
/// that waits for long does not keep all that came after it.
const FAR: u64 = 1_000;

/// What the records of the journal are about.
#[derive(Default)]
pub(super) struct Past {
    unfinished: BTreeMap<MessageId, Unfinished>,
    /// Where what is not to be sent again stands, and until when.
    sent: VecDeque<(Position, MonoTime)>,
    last: Position,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unfinished {
    /// Where its acceptance stands.
    pub accepted_at: Position,
    /// That it was handed over stands behind that.
    pub on_its_way: bool,
}

impl Past {
    /// A record stands there.
    pub fn take(&mut self, at: Position, record: &MessageRecord) {
        self.last = at;
        match record {
            MessageRecord::Accepted { message, .. } => {
                let new = Unfinished { accepted_at: at, on_its_way: false };
                self.unfinished.entry(message.id.clone()).or_insert(new);
            }
            MessageRecord::OnItsWay { id } => {
                let known = self.unfinished.get_mut(id);
                known.into_iter().for_each(|known| known.on_its_way = true);
            }
            MessageRecord::Ended { id, remember_until, .. } => {
                let ended = self.unfinished.remove(id).map(|ended| ended.accepted_at);
                self.sent.extend(ended.zip(*remember_until));
            }
        }
    }

    /// Up to where nothing is needed any more.
    pub fn over(&mut self, now: MonoTime) -> Position {
        self.sent.retain(|(_, until)| *until > now);
        let sent = self.sent.iter().map(|(at, _)| *at);
        self.before(self.accepted().chain(sent).min())
    }

    /// Up to where nothing is unfinished, but for the message that this record ends. Without what
    /// stands there, what was sent lately is not known after a crash.
    pub fn finished(&self, record: &MessageRecord) -> Position {
        let ends = match record {
            MessageRecord::Ended { id, .. } => self.unfinished.get(id).map(|it| it.accepted_at),
            _ => None,
        };
        self.before(self.accepted().filter(|at| Some(*at) != ends).min())
    }

    /// The unfinished message whose acceptance is to be written once more.
    pub fn far_back(&self) -> Option<(MessageId, Unfinished)> {
        let (id, oldest) = self.unfinished.iter().min_by_key(|(_, it)| it.accepted_at)?;
        (oldest.accepted_at.0 + FAR < self.last.0).then(|| (id.clone(), *oldest))
    }

    /// The acceptance stands there, too.
    pub fn moved(&mut self, id: &MessageId, at: Position) {
        self.last = at;
        let known = self.unfinished.get_mut(id);
        known.into_iter().for_each(|known| known.accepted_at = at);
    }

    fn accepted(&self) -> impl Iterator<Item = Position> {
        self.unfinished.values().map(|it| it.accepted_at)
    }

    fn before(&self, first: Option<Position>) -> Position {
        first.map_or(self.last, |first| Position(first.0.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use queue_governor::{Channel, Message, MessageEnding};

    use super::*;

    fn accepted(id: &str) -> MessageRecord {
        let message = Message::new(id, Channel::Chat, "ann", id);
        MessageRecord::Accepted { message, expires_at: None }
    }

    fn sent(id: &str, until_ms: u64) -> MessageRecord {
        let remember_until = Some(MonoTime::from_millis(until_ms));
        MessageRecord::Ended { id: MessageId::new(id), ending: MessageEnding::Sent, remember_until }
    }

    fn past(records: &[MessageRecord]) -> Past {
        let mut past = Past::default();
        for (n, record) in records.iter().enumerate() {
            past.take(Position(n as u64 + 1), record);
        }
        past
    }

    #[test]
    fn what_waits_and_what_was_sent_lately_is_needed_and_nothing_else() {
        let records = [accepted("a"), sent("a", 500), accepted("b"), sent("b", 900), accepted("c")];
        let mut past = past(&records);
        assert_eq!(past.over(MonoTime::ZERO), Position(0));
        assert_eq!(past.over(MonoTime::from_millis(500)), Position(2));
        assert_eq!(past.over(MonoTime::from_millis(900)), Position(4), "c waits");
        past.take(Position(6), &sent("c", 950));
        assert_eq!(past.over(MonoTime::from_millis(950)), Position(6));
    }

    #[test]
    fn in_need_what_was_sent_goes_before_what_waits() {
        let past = past(&[accepted("a"), sent("a", 500), accepted("b"), accepted("c")]);
        assert_eq!(past.finished(&accepted("d")), Position(2));
        assert_eq!(past.finished(&sent("b", 500)), Position(3), "it ends with this");
    }

    #[test]
    fn what_waits_for_long_is_written_once_more() {
        let mut past = past(&[accepted("a")]);
        assert_eq!(past.far_back(), None);
        for n in 0..=FAR {
            past.take(Position(2 + n), &sent("another", 500));
        }
        let (id, unfinished) = past.far_back().expect("it is far back");
        assert_eq!((id.as_str(), unfinished.accepted_at), ("a", Position(1)));
        past.moved(&id, Position(3 + FAR));
        assert_eq!((past.far_back(), past.over(MonoTime::ZERO)), (None, Position(2 + FAR)));
    }
}
