//! The checkpoint for what is written, and its journal in the lane `xen-out:messages`.

use std::time::Duration;

use lane_broker::{Lane, LaneStore, Position, PublishError, StoreError, Tag};
use media_core::MonoTime;
use queue_governor::{
    Checkpoint, CheckpointConfig, Message, MessageBook, MessageId, MessageInput, MessageOutput,
    MessageRecord,
};

use super::handle::Lanes;
use super::message::TEXT_BYTES_MAX;
use super::past::Past;
use super::retry::NotSent;

/// The name of the journal's lane.
pub const JOURNAL: &str = "messages";
/// Records read at a time when the line starts.
const READ_MAX: usize = 256;
/// Longer than all tries of one short message take. Where others before it use up its time, it is
/// given up by then.
const ANSWER_MAX: Duration = Duration::from_secs(300);
/// Messages on their way at once: what a gateway that is away for a minute may hold up.
const MESSAGES_MAX: usize = 1_024;
/// Endings after which the journal is cut.
const CUT_EVERY: u32 = 200;

/// What is to be done or told: everything but the journal, which is kept here.
#[derive(Debug)]
pub(super) enum Step {
    /// What comes out of the checkpoint.
    Do(MessageOutput),
    /// The journal cannot be written; everything waits for it.
    Stuck,
}

/// The journal before and after it is read.
enum Stage {
    /// It could not be read yet.
    Unread {
        config: CheckpointConfig,
        told: bool,
    },
    Ready(Box<Checkpoint>),
}

/// Messages on their way out. Times are [`MonoTime`]s since 1970, so that a journal can be read by
/// a later process.
pub(super) struct Outbox {
    stage: Stage,
    lanes: Lanes,
    journal: Lane,
    past: Past,
    /// The latest moment that was told.
    now: MonoTime,
    ended: u32,
    /// A record that could not be written yet.
    unwritten: Option<MessageRecord>,
}

impl Outbox {
    /// Goes on where the journal ends, as soon as it can be read. `resend`: the gateway takes a
    /// message with the same name once, so what may have left is handed over again. `None` if the
    /// journal cannot be named.
    pub fn recover(
        lanes: Lanes,
        tags: Vec<queue_governor::Tag>,
        resend: bool,
        now: MonoTime,
    ) -> Option<Self> {
        let journal = Lane::new(Tag::xen_out(), JOURNAL).ok()?;
        let config = CheckpointConfig {
            registered_tags: tags,
            text_bytes_max: TEXT_BYTES_MAX,
            answer_max: ANSWER_MAX,
            messages_max: MESSAGES_MAX,
            resend_in_doubt: resend,
            ..CheckpointConfig::default()
        };
        let stage = Stage::Unread { config, told: false };
        let past = Past::default();
        let mut outbox = Self { stage, lanes, journal, past, now, ended: 0, unwritten: None };
        outbox.read_journal(now);
        Some(outbox)
    }

    /// What is unfinished in the journal must be known before anything new is taken in.
    fn read_journal(&mut self, now: MonoTime) {
        let Stage::Unread { config, told } = &mut self.stage else { return };
        match read_book(self.lanes.store.as_ref(), &self.journal) {
            Ok((book, past)) => {
                self.past = past;
                let checkpoint = Checkpoint::recover(config.clone(), book, now);
                self.stage = Stage::Ready(Box::new(checkpoint));
            }
            Err(error) if !core::mem::replace(told, true) => {
                tracing::warn!(%error, "messages wait: their journal cannot be read");
            }
            Err(_) => {}
        }
    }

    fn handle(&mut self, now: MonoTime, input: MessageInput) {
        self.now = self.now.max(now);
        if let Stage::Ready(checkpoint) = &mut self.stage {
            checkpoint.handle(now, input);
        }
    }

    /// A producer wants it sent. Not to be called while [`Outbox::is_stuck`].
    pub fn submit(&mut self, now: MonoTime, message: Message) {
        self.handle(now, MessageInput::Send(message));
    }

    /// The endpoint took it, or will not.
    pub fn settled(&mut self, now: MonoTime, id: &str, outcome: Result<(), NotSent>) {
        let id = MessageId::new(id);
        let input = match outcome {
            Ok(()) => MessageInput::Delivered(id),
            Err(why) if why.may_have_left() => MessageInput::Unsure(id, why.to_string()),
            Err(why) => MessageInput::Failed(id, why.to_string()),
        };
        self.handle(now, input);
    }

    /// When a message on its way has failed if nothing is heard of it; `None`: it has ended.
    pub fn answer_by(&self, id: &MessageId) -> Option<MonoTime> {
        match &self.stage {
            Stage::Ready(checkpoint) => checkpoint.answer_by(id),
            Stage::Unread { .. } => None,
        }
    }

    /// Time has passed.
    pub fn timeout(&mut self, now: MonoTime) {
        self.read_journal(now);
        self.handle(now, MessageInput::Timeout);
    }

    /// When to come back if nothing happens before.
    pub fn next_timeout(&self) -> Option<MonoTime> {
        match &self.stage {
            Stage::Ready(checkpoint) => checkpoint.next_timeout(),
            Stage::Unread { .. } => None,
        }
    }

    /// Whether the journal could not be read, or not be written the last time. While that is so,
    /// nothing new is taken in.
    pub fn is_stuck(&self) -> bool {
        self.unwritten.is_some() || matches!(self.stage, Stage::Unread { .. })
    }

    /// The next step. Whatever is to be done after a record was written, comes after that.
    pub fn poll(&mut self) -> Option<Step> {
        if let Some(record) = self.unwritten.take()
            && !self.write(record)
        {
            return Some(Step::Stuck);
        }
        loop {
            let Stage::Ready(checkpoint) = &mut self.stage else { return Some(Step::Stuck) };
            match checkpoint.poll_output()? {
                MessageOutput::Journal(record) => {
                    if !self.write(record) {
                        return Some(Step::Stuck);
                    }
                }
                output => return Some(Step::Do(output)),
            }
        }
    }

    fn write(&mut self, record: MessageRecord) -> bool {
        let Ok(body) = serde_json::to_vec(&record) else { return true };
        let at = match self.publish(&record, &body) {
            Ok(at) => at,
            Err(error) => {
                tracing::warn!(%error, "messages wait: their journal cannot be written");
                self.unwritten = Some(record);
                return false;
            }
        };
        self.past.take(at, &record);
        if matches!(record, MessageRecord::Ended { .. }) {
            self.ended += 1;
            self.cut();
        }
        true
    }

    /// Where the lane is full, what is over goes first, then what was sent lately; what is
    /// unfinished never goes.
    fn publish(&mut self, record: &MessageRecord, body: &[u8]) -> Result<Position, PublishError> {
        let key = self.lanes.names.next("record");
        let store = self.lanes.store.as_ref();
        for upto in [self.past.over(self.now), self.past.finished(record)] {
            match store.publish(&self.journal, &key, body) {
                Err(PublishError::LaneFull(_) | PublishError::LaneBytesFull(_)) => {
                    store.trim(&self.journal, upto)?;
                }
                published => return published.map(|published| published.position),
            }
        }
        store.publish(&self.journal, &key, body).map(|published| published.position)
    }

    /// Now and then, what is over is dropped.
    fn cut(&mut self) {
        if self.ended < CUT_EVERY {
            return;
        }
        self.ended = 0;
        // What is not cut now is cut the next time.
        let cut = self.bring_forward().and_then(|()| {
            let over = self.past.over(self.now);
            Ok(self.lanes.store.trim(&self.journal, over)?)
        });
        if let Err(error) = cut {
            tracing::debug!(%error, "the journal of messages is not shortened now");
        }
    }

    /// Writes once more what is unfinished and far back. Whoever reads both takes the first.
    fn bring_forward(&mut self) -> Result<(), PublishError> {
        while let Some((id, unfinished)) = self.past.far_back() {
            let store = self.lanes.store.as_ref();
            let before = Position(unfinished.accepted_at.0.saturating_sub(1));
            let Some(entry) = store.read(&self.journal, before, 1)?.pop() else { return Ok(()) };
            let key = self.lanes.names.next("record");
            let at = store.publish(&self.journal, &key, &entry.body)?.position;
            if unfinished.on_its_way
                && let Ok(body) = serde_json::to_vec(&MessageRecord::OnItsWay { id: id.clone() })
            {
                store.publish(&self.journal, &self.lanes.names.next("record"), &body)?;
            }
            self.past.moved(&id, at);
        }
        Ok(())
    }
}

fn read_book(store: &dyn LaneStore, journal: &Lane) -> Result<(MessageBook, Past), StoreError> {
    let (mut book, mut past) = (MessageBook::new(), Past::default());
    let mut after = Position::START;
    loop {
        let records = store.read(journal, after, READ_MAX)?;
        let Some(last) = records.last() else { return Ok((book, past)) };
        after = last.position;
        for entry in &records {
            match serde_json::from_slice(&entry.body) {
                Ok(record) => {
                    book.apply(&record);
                    past.take(entry.position, &record);
                }
                Err(error) => {
                    tracing::warn!(position = %entry.position, %error, "a record of the messages makes no sense");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
