//! Where text leaves: the same dedup, tags, endings and journal as for the voice, for messages.

mod book;
mod io;

use core::time::Duration;
use std::collections::VecDeque;

use media_core::MonoTime;

use crate::claim::Tag;
use crate::config::knows;
use crate::dedup::{KEY_BYTES_MAX, Said, Same};
use crate::reason::RefusalReason;
use crate::text;

pub use book::{MessageBook, MessageRecord, Outgoing};
pub use io::{
    Channel, Message, MessageEnding, MessageFailure, MessageId, MessageInput, MessageOutput,
};

/// Times and bounds of a checkpoint.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CheckpointConfig {
    /// Tags known besides [`Tag::BUILT_IN`].
    pub registered_tags: Vec<Tag>,
    /// What was sent is not sent again within this.
    pub dedup_window: Duration,
    /// Messages that are on their way at once. To one recipient there is never more than one, so
    /// that they arrive in order.
    pub on_their_way_max: usize,
    /// A delivery of which nothing is heard for so long has failed.
    pub answer_max: Duration,
    /// Messages that are alive at once.
    pub messages_max: usize,
    /// Messages that are alive or remembered: what comes beyond that is refused, because what was
    /// sent would have to be forgotten before its window is over. At most
    /// [`CheckpointConfig::REMEMBERED_MAX`].
    pub remembered_max: usize,
    /// Longest text, in bytes.
    pub text_bytes_max: usize,
    /// What was on its way when the line died may have left or not. `true`: it is handed over
    /// again under the same name, for an endpoint that takes each name once. `false`: it ends
    /// `failed`, and is not sent again within the window.
    pub resend_in_doubt: bool,
}

impl CheckpointConfig {
    /// What is remembered at most: 27 a second for ten minutes, which is more than an endpoint
    /// takes; 35 MB if all of them were as long as they may be.
    pub const REMEMBERED_MAX: usize = 16_384;
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            registered_tags: Vec::new(),
            // A carrier's webhook that is repeated comes within minutes.
            dedup_window: Duration::from_secs(600),
            on_their_way_max: 8,
            // More than the retries of one delivery take.
            answer_max: Duration::from_secs(120),
            messages_max: 256,
            remembered_max: Self::REMEMBERED_MAX,
            // Ten parts, which is the most that carriers take.
            text_bytes_max: 1_600,
            resend_in_doubt: false,
        }
    }
}

/// What makes two messages one: the same recipient, and the same trigger or name; or the same
/// words, unless they react to different triggers: who asks twice is answered twice.
#[derive(Clone, PartialEq, Eq, Debug)]
struct MessageKey {
    channel: Channel,
    to: String,
    trigger: Option<String>,
    named: Option<String>,
    words: String,
}

impl MessageKey {
    fn of(message: &Message) -> Self {
        Self {
            channel: message.channel,
            to: message.recipient(),
            trigger: message.trigger.clone(),
            named: message.dedup_key.clone(),
            words: text::normalised(&message.text),
        }
    }

    fn goes_where(&self, other: &Self) -> bool {
        (self.channel, &self.to) == (other.channel, &other.to)
    }
}

impl Same for MessageKey {
    const REMEMBERED_MAX: usize = CheckpointConfig::REMEMBERED_MAX;

    fn is_same(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        let same_trigger = same(&self.trigger, &other.trigger);
        let same_topic = self.trigger.is_none() || other.trigger.is_none() || same_trigger;
        self.goes_where(other)
            && (same_trigger
                || same(&self.named, &other.named)
                || (same_topic && self.words == other.words))
    }
}

/// An accepted message until its ending.
#[derive(Clone, Debug)]
struct Live {
    message: Message,
    key: MessageKey,
    expires_at: Option<MonoTime>,
    /// When it has failed, if it is on its way.
    answer_by: Option<MonoTime>,
    /// It was on its way when the line died: the recipient may have it. So it can neither be taken
    /// back nor be replaced, and does not expire, until it is on its way again.
    in_doubt: bool,
}

/// The one place where messages leave. A pure core, like [`crate::Governor`]: tell it what
/// happened with [`handle`](Self::handle), do what [`poll_output`](Self::poll_output) says until
/// it says nothing, come back at [`next_timeout`](Self::next_timeout).
///
/// Two producers that react to the same trigger produce one message: the first one. What was sent
/// is remembered for [`CheckpointConfig::dedup_window`]; what ended unsent may be sent by another.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    config: CheckpointConfig,
    now: MonoTime,
    /// In order of acceptance. Bounded by [`CheckpointConfig::messages_max`].
    live: Vec<Live>,
    sent: Said<MessageKey>,
    outputs: VecDeque<MessageOutput>,
}

impl Checkpoint {
    /// A checkpoint where nothing waits.
    #[must_use]
    pub fn new(config: CheckpointConfig) -> Self {
        Self::recover(config, MessageBook::default(), MonoTime::ZERO)
    }

    /// A checkpoint that goes on after a crash from what its journal says. What had not left waits
    /// again, and what was sent is not sent again. Endings that follow from the journal wait to be
    /// polled. The first message is handed over by the next [`handle`](Self::handle), which is due
    /// at once.
    #[must_use]
    pub fn recover(config: CheckpointConfig, book: MessageBook, now: MonoTime) -> Self {
        let (outgoing, sent) = book.into_parts();
        let mut checkpoint = Self { config, now, live: Vec::new(), sent, outputs: VecDeque::new() };
        outgoing.into_iter().for_each(|outgoing| checkpoint.take_up(outgoing));
        checkpoint
    }

    fn take_up(&mut self, outgoing: Outgoing) {
        let Outgoing { message, expires_at, on_its_way } = outgoing;
        let key = MessageKey::of(&message);
        let expires_at = expires_at.filter(|_| !on_its_way);
        let live = Live { message, key, expires_at, answer_by: None, in_doubt: on_its_way };
        // Its acceptance was written, and the ending that followed from it perhaps not.
        if let Some(at) = self.live.iter().position(|it| it.is_replaced_by(&live.message)) {
            let old = self.live.remove(at);
            self.end(old, MessageEnding::Superseded);
        }
        if on_its_way && !self.config.resend_in_doubt {
            self.end(live, MessageEnding::Failed(MessageFailure::InDoubt));
        } else if self.sent.has(&live.key, self.now) {
            self.end(live, MessageEnding::Duplicate);
        } else {
            self.live.push(live);
        }
    }

    /// Something happened, or time passed. O(live messages).
    pub fn handle(&mut self, now: MonoTime, input: MessageInput) {
        self.now = self.now.max(now);
        self.expire();
        self.sent.forget_before(self.now);
        match input {
            MessageInput::Send(message) => self.on_send(message),
            MessageInput::Delivered(id) => self.settle(&id, MessageEnding::Sent),
            MessageInput::Failed(id, reason) => {
                self.settle(&id, MessageEnding::Failed(MessageFailure::Rejected(reason)));
            }
            MessageInput::Unsure(id, reason) => {
                self.settle(&id, MessageEnding::Failed(MessageFailure::Unsure(reason)));
            }
            MessageInput::Withdraw(id) => self.on_withdraw(&id),
            MessageInput::Timeout => {}
        }
        self.hand_over();
    }

    /// The next thing to do or to tell, in order.
    pub fn poll_output(&mut self) -> Option<MessageOutput> {
        self.outputs.pop_front()
    }

    /// When to call [`Checkpoint::handle`] with [`MessageInput::Timeout`] if nothing else happens.
    #[must_use]
    pub fn next_timeout(&self) -> Option<MonoTime> {
        let due = |it: &Live| it.answer_by.or(it.expires_at);
        let at_once = self.next_to_leave().map(|_| self.now);
        self.live.iter().filter_map(due).chain(at_once).min()
    }

    /// When a message that is on its way has failed if nothing is heard of it; `None`: it is not on
    /// its way, or has ended.
    #[must_use]
    pub fn answer_by(&self, id: &MessageId) -> Option<MonoTime> {
        self.live.iter().find(|it| it.message.id == *id)?.answer_by
    }

    /// Messages accepted and not yet ended.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.live.len()
    }

    fn on_send(&mut self, message: Message) {
        if let Err(reason) = self.examine(&message) {
            let ending = MessageEnding::Refused(reason);
            return self.outputs.push_back(MessageOutput::Ended { id: message.id, ending });
        }
        let key = MessageKey::of(&message);
        let replaced = self.live.iter().position(|it| it.is_replaced_by(&message));
        let is_other = |(at, it): (usize, &Live)| Some(at) != replaced && it.key.is_same(&key);
        if self.sent.has(&key, self.now) || self.live.iter().enumerate().any(is_other) {
            let ending = MessageEnding::Duplicate;
            return self.outputs.push_back(MessageOutput::Ended { id: message.id, ending });
        }
        if let Some(max) = self.full().filter(|_| replaced.is_none()) {
            let ending = MessageEnding::Refused(RefusalReason::QueueFull { max });
            return self.outputs.push_back(MessageOutput::Ended { id: message.id, ending });
        }
        let expires_at = message.ttl.map(|ttl| self.now + ttl);
        self.write(MessageRecord::Accepted { message: message.clone(), expires_at });
        if let Some(at) = replaced {
            let old = self.live.remove(at);
            self.end(old, MessageEnding::Superseded);
        }
        self.outputs.push_back(MessageOutput::Accepted(message.id.clone()));
        self.live.push(Live { message, key, expires_at, answer_by: None, in_doubt: false });
    }

    /// The bound that is reached, if one is.
    fn full(&self) -> Option<usize> {
        let CheckpointConfig { messages_max, remembered_max, .. } = self.config;
        let remembered_max = remembered_max.min(CheckpointConfig::REMEMBERED_MAX);
        // What is alive will have to be remembered.
        let remembered = self.live.len() + self.sent.len();
        let bounds = [(self.live.len(), messages_max), (remembered, remembered_max)];
        bounds.into_iter().find(|(is, max)| is >= max).map(|(_, max)| max)
    }

    fn examine(&self, message: &Message) -> Result<(), RefusalReason> {
        let id = message.id.as_str();
        if id.is_empty() || id.len() > MessageId::BYTES_MAX {
            return Err(RefusalReason::BadId);
        }
        if self.live.iter().any(|it| it.message.id == message.id) {
            return Err(RefusalReason::IdInUse);
        }
        knows(&self.config.registered_tags, &message.tag)?;
        let keys = [&message.trigger, &message.dedup_key].into_iter().flatten();
        if let Some(got) = keys.map(String::len).max().filter(|got| *got > KEY_BYTES_MAX) {
            return Err(RefusalReason::KeyTooLong { got, max: KEY_BYTES_MAX });
        }
        if message.recipient().is_empty() || message.to.len() > KEY_BYTES_MAX {
            return Err(RefusalReason::NoRecipient);
        }
        let (got, max) = (message.text.len(), self.config.text_bytes_max);
        match message.text.trim() {
            "" => Err(RefusalReason::Empty),
            _ if got > max => Err(RefusalReason::TextTooLong { got, max }),
            _ => Ok(()),
        }
    }

    /// What is on its way, or was, cannot be taken back.
    fn on_withdraw(&mut self, id: &MessageId) {
        let waits = |it: &Live| it.message.id == *id && it.is_still_here();
        if let Some(at) = self.live.iter().position(waits) {
            let withdrawn = self.live.remove(at);
            self.end(withdrawn, MessageEnding::Withdrawn);
        }
    }

    fn settle(&mut self, id: &MessageId, ending: MessageEnding) {
        let on_its_way = |it: &Live| it.message.id == *id && it.answer_by.is_some();
        if let Some(at) = self.live.iter().position(on_its_way) {
            let settled = self.live.remove(at);
            self.end(settled, ending);
        }
    }

    fn expire(&mut self) {
        let now = self.now;
        let due = |at: Option<MonoTime>| at.is_some_and(|at| at <= now);
        let over = |it: &mut Live| due(it.answer_by.or(it.expires_at));
        for over in self.live.extract_if(.., over).collect::<Vec<_>>() {
            let ending = match over.answer_by {
                Some(_) => MessageEnding::Failed(MessageFailure::NoAnswer),
                None => MessageEnding::Expired,
            };
            self.end(over, ending);
        }
    }

    fn hand_over(&mut self) {
        while let Some(at) = self.next_to_leave() {
            let next = &mut self.live[at];
            next.answer_by = Some(self.now + self.config.answer_max.max(Duration::from_millis(1)));
            let message = next.message.clone();
            self.write(MessageRecord::OnItsWay { id: message.id.clone() });
            self.outputs.push_back(MessageOutput::Deliver(message));
        }
    }

    /// The oldest that waits and to whose recipient nothing is on its way.
    fn next_to_leave(&self) -> Option<usize> {
        let on_their_way = || self.live.iter().filter(|it| it.answer_by.is_some());
        if on_their_way().count() >= self.config.on_their_way_max.max(1) {
            return None;
        }
        self.live.iter().position(|it| {
            it.answer_by.is_none() && !on_their_way().any(|other| other.key.goes_where(&it.key))
        })
    }

    fn write(&mut self, record: MessageRecord) {
        self.outputs.push_back(MessageOutput::Journal(record));
    }

    /// The one place where a message ends.
    fn end(&mut self, live: Live, ending: MessageEnding) {
        let until = self.now + self.config.dedup_window;
        let remember_until = ending.may_have_left().then_some(until);
        if let Some(until) = remember_until {
            self.sent.remember(live.key, until);
        }
        let id = live.message.id;
        self.write(MessageRecord::Ended { id: id.clone(), ending: ending.clone(), remember_until });
        self.outputs.push_back(MessageOutput::Ended { id, ending });
    }
}

impl Live {
    /// Whether it certainly has not left.
    fn is_still_here(&self) -> bool {
        self.answer_by.is_none() && !self.in_doubt
    }

    /// A message takes the place of one that is still here.
    fn is_replaced_by(&self, new: &Message) -> bool {
        new.supersedes.as_ref() == Some(&self.message.id) && self.is_still_here()
    }
}
