//! The thread that hands what is written to the brain, and what is to leave to its channel.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use brain_protocol::{BrainMessage, LineMessage, MessageEnding};
use brain_supervisor::SendError;
use lane_broker::{Lane, Position};
use media_core::MonoTime;
use queue_governor::{Channel, Message, MessageOutput, Tag};
use tokio::sync::{mpsc, watch};

use super::handle::{BrainState, Lanes};
use super::held::Held;
use super::inbox::Inbox;
use super::input::{Input, OutgoingNews};
use super::message::{Left, OutgoingChannel, Written, id_of};
use super::outbox::{Outbox, Step};
use super::publish::publish;
use super::retry::NotSent;
use super::sms::{Sms, SmsThread};
use super::start::Clock;
use super::waiters::{Tell, TypedNews, Waiters};
use super::words::{channel_of, message_of, told};

/// Others may publish in the same store, and nobody says so.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A brain's queue that is full is being worked off.
const BRAIN_BUSY: Duration = Duration::from_millis(10);
const STUCK: &str = "the journal of messages cannot be read or written: look at the disk or the store of the lanes, and try again";

/// The way to the brain: takes a message at once, or not at all.
pub type ToBrain = Arc<dyn Fn(&LineMessage) -> Result<(), SendError> + Send + Sync>;

pub(super) struct Thread {
    rooms: Rooms,
    lives: u64,
    /// There is a brain, and it has words for messages.
    listens: bool,
    /// Who hears of each message that was not the brain's.
    senders: BTreeMap<String, mpsc::Sender<OutgoingNews>>,
    /// Short messages on their way, to be told in the lane when they have left.
    short: BTreeMap<String, Left>,
    waiters: Waiters,
    held: Held,
}

/// The rooms that the thread goes between.
pub(super) struct Rooms {
    pub lanes: Lanes,
    pub inbox: Inbox,
    pub outbox: Outbox,
    /// Where chat leaves to.
    pub main: Lane,
    pub sms: Option<SmsThread>,
    pub brain: watch::Receiver<BrainState>,
    pub to_brain: ToBrain,
    pub clock: Clock,
}

impl Thread {
    pub fn new(rooms: Rooms) -> Self {
        Self {
            rooms,
            lives: 0,
            listens: false,
            senders: BTreeMap::new(),
            short: BTreeMap::new(),
            waiters: Waiters::default(),
            held: Held::default(),
        }
    }

    /// Until the last handle is gone.
    pub fn run(mut self, inputs: &Receiver<Input>) {
        let mut wait = Duration::ZERO;
        loop {
            match inputs.recv_timeout(wait) {
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            wait = self.turn();
        }
    }

    /// Does what there is to do. Returns how long nothing follows from time alone.
    fn turn(&mut self) -> Duration {
        self.rooms.outbox.timeout(self.rooms.clock.now());
        let stuck = self.deliver() || self.let_go();
        let busy = self.feed_brain();
        let due = self.rooms.outbox.next_timeout().map(|at| at.since(self.rooms.clock.now()));
        let wait = match due {
            Some(due) if !stuck => due.min(LOOK_AGAIN),
            _ => LOOK_AGAIN,
        };
        if busy { wait.min(BRAIN_BUSY) } else { wait }
    }

    fn take(&mut self, input: Input) {
        let now = self.rooms.clock.now();
        match input {
            Input::Look => {}
            Input::Brain(message) => self.brain_says(message),
            Input::Send { id, tag, outgoing, news } => {
                if self.rooms.outbox.is_stuck() {
                    let _ = news.try_send(OutgoingNews::NotNow { reason: STUCK.into() });
                    return;
                }
                let refusal = self.refusal(outgoing.channel);
                if let Some(reason) = refusal {
                    let ending = MessageEnding::Refused;
                    let _ = news.try_send(OutgoingNews::Ended { ending, reason: Some(reason) });
                    return;
                }
                self.senders.insert(id.clone(), news);
                self.rooms.outbox.submit(now, message_of(id, tag, outgoing));
            }
            Input::Typed { written, wait, tell } => self.typed(&written, wait, tell),
            Input::Settled(id, outcome) => {
                let left = self.short.remove(&id);
                if let (Some(left), Ok(())) = (left, &outcome) {
                    // It has left whether or not that can be told.
                    let _ = self.put_out(&left);
                }
                self.rooms.outbox.settled(now, &id, outcome);
            }
        }
    }

    /// While the journal is stuck, what the brain says is held: it would not say it again.
    fn brain_says(&mut self, message: BrainMessage) {
        if !self.rooms.outbox.is_stuck() && self.held.is_empty() {
            return self.brain_said(message);
        }
        if let Some(BrainMessage::Send(send)) = self.held.keep(message) {
            let news = OutgoingNews::NotNow { reason: STUCK.into() };
            self.tell(send.message.as_str(), news);
        }
    }

    /// What was held, now that it can be kept. `true`: the journal is stuck again.
    fn let_go(&mut self) -> bool {
        while let Some(message) = self.held.next() {
            self.brain_said(message);
            if self.deliver() {
                return true;
            }
        }
        false
    }

    fn brain_said(&mut self, message: BrainMessage) {
        match message {
            BrainMessage::Send(send) => self.brain_sends(self.rooms.clock.now(), send),
            BrainMessage::TextDone { lane, position } => {
                let position = Position(position.0);
                if self.rooms.inbox.acknowledge(&lane, position) {
                    self.waiters.tell(&id_of(&lane, position), TypedNews::Done);
                }
            }
            _ => {}
        }
    }

    fn brain_sends(&mut self, now: MonoTime, send: brain_protocol::Send) {
        let channel = match send.channel {
            brain_protocol::Channel::Chat => Ok(OutgoingChannel::Chat),
            brain_protocol::Channel::Sms => Ok(OutgoingChannel::Sms),
            brain_protocol::Channel::Unknown => Err("this line has no such channel".to_owned()),
        };
        let channel = channel.and_then(|it| self.refusal(it).map_or(Ok(it), Err));
        let id = send.message.to_string();
        match channel {
            Ok(channel) => {
                let message = Message {
                    tag: Tag::new(send.tag),
                    trigger: send.trigger,
                    dedup_key: send.dedup_key,
                    ttl: send.ttl_ms.map(Duration::from_millis),
                    ..Message::new(id, channel_of(channel), send.to, send.text)
                };
                self.rooms.outbox.submit(now, message);
            }
            Err(reason) => {
                let ending = MessageEnding::Refused;
                self.tell(&id, OutgoingNews::Ended { ending, reason: Some(reason) });
            }
        }
    }

    /// Why nothing can leave this way.
    fn refusal(&self, channel: OutgoingChannel) -> Option<String> {
        (channel == OutgoingChannel::Sms && self.rooms.sms.is_none())
            .then(|| NotSent::NoGateway.to_string())
    }

    fn typed(&mut self, written: &Written, wait: bool, tell: Tell) {
        match self.rooms.lanes.post(TYPED, None, written) {
            Ok(posted) => {
                tell(TypedNews::Kept(posted.id.clone()));
                if wait {
                    self.waiters.add(posted.id, tell);
                }
            }
            Err(error) => tell(TypedNews::Refused(error.to_string())),
        }
    }

    /// Does what the checkpoint says. `true`: its journal cannot be written.
    fn deliver(&mut self) -> bool {
        loop {
            match self.rooms.outbox.poll() {
                None => return false,
                Some(Step::Stuck) => return true,
                Some(Step::Do(MessageOutput::Accepted(id))) => {
                    self.tell(id.as_str(), OutgoingNews::Accepted);
                }
                Some(Step::Do(MessageOutput::Deliver(message))) => self.hand_over(&message),
                Some(Step::Do(MessageOutput::Ended { id, ending })) => {
                    let (ending, reason) = told(&ending);
                    self.tell(id.as_str(), OutgoingNews::Ended { ending, reason });
                    self.senders.remove(id.as_str());
                }
                Some(Step::Do(MessageOutput::Journal(_))) => {}
            }
        }
    }

    fn hand_over(&mut self, message: &Message) {
        // Its sender has been told, because the journal was stuck for so long.
        let Some(answer_by) = self.rooms.outbox.answer_by(&message.id) else { return };
        let id = message.id.to_string();
        let left = Left {
            message: id.clone(),
            channel: match message.channel {
                Channel::Chat => OutgoingChannel::Chat,
                Channel::Sms => OutgoingChannel::Sms,
            },
            to: message.to.clone(),
            text: message.text.clone(),
            trigger: message.trigger.clone(),
        };
        let outcome = match (message.channel, &self.rooms.sms) {
            (Channel::Chat, _) => self.put_out(&left),
            (Channel::Sms, Some(sms)) => {
                let answer_by = Instant::now() + answer_by.since(self.rooms.clock.now());
                let (to, text) = (left.to.clone(), left.text.clone());
                match sms.send(Sms { id: id.clone(), to, text, answer_by }) {
                    Ok(()) => {
                        self.short.insert(id, left);
                        return;
                    }
                    Err(_) => Err(NotSent::TooMany),
                }
            }
            (Channel::Sms, None) => Err(NotSent::NoGateway),
        };
        self.rooms.outbox.settled(self.rooms.clock.now(), &id, outcome);
    }

    /// Puts a message into the lane that everybody reads, and before whoever waits for it.
    fn put_out(&mut self, left: &Left) -> Result<(), NotSent> {
        let body = serde_json::to_vec(left).map_err(|_| NotSent::NoForm)?;
        publish(self.rooms.lanes.store.as_ref(), &self.rooms.main, &left.message, &body)?;
        self.rooms.lanes.changed();
        if let Some(trigger) = &left.trigger {
            self.waiters.tell(trigger, TypedNews::Answer(left.text.clone()));
        }
        Ok(())
    }

    fn tell(&mut self, id: &str, news: OutgoingNews) {
        if let Some(sender) = self.senders.get(id) {
            // Whoever went away needs no answer.
            let _ = sender.try_send(news);
            return;
        }
        let Ok(message) = brain_protocol::MessageId::new(id) else { return };
        let told = match news {
            OutgoingNews::Accepted => LineMessage::MessageAccepted { message },
            OutgoingNews::NotNow { reason } => {
                let ending = MessageEnding::Refused;
                LineMessage::MessageEnded { message, ending, reason: Some(reason) }
            }
            OutgoingNews::Ended { ending, reason } => {
                LineMessage::MessageEnded { message, ending, reason }
            }
        };
        // A brain that went away is not waited for.
        let _ = (self.rooms.to_brain)(&told);
    }

    /// `true`: the brain's queue is full for the moment.
    fn feed_brain(&mut self) -> bool {
        let brain = *self.rooms.brain.borrow_and_update();
        if core::mem::replace(&mut self.lives, brain.lives) != brain.lives {
            self.rooms.inbox.brain_gone();
            self.listens = brain.speaks.is_some_and(brain_protocol::Version::knows_text);
            if brain.speaks.is_some() && !self.listens {
                tracing::warn!(
                    "this brain has no words for what is written; it waits in its lanes"
                );
            }
        }
        let now = self.rooms.clock.now();
        if self.held.is_empty() {
            self.rooms.inbox.remind(now);
        }
        self.rooms.lanes.forgotten.store(self.rooms.inbox.forgotten(), Ordering::Relaxed);
        while self.listens
            && let Some(message) = self.rooms.inbox.next()
        {
            match (self.rooms.to_brain)(message) {
                Ok(()) => self.rooms.inbox.sent(now),
                Err(SendError::TooLong) => {
                    tracing::warn!("a message is too long for the brain, and stays with the line");
                    self.rooms.inbox.sent(now);
                }
                Err(SendError::Full) => return true,
                Err(SendError::NotConnected) => return false,
            }
        }
        false
    }
}

/// The tag of what `xenline type` writes.
const TYPED: &str = "typed";

#[cfg(test)]
mod tests;
