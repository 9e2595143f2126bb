//! The checkpoint for what is written, and its journal in the lane `xen-out:messages`.

use std::time::Duration;

use lane_broker::{Lane, LaneStore, Position, Retention, Tag};
use media_core::MonoTime;
use queue_governor::{
    Checkpoint, CheckpointConfig, Message, MessageBook, MessageInput, MessageOutput, MessageRecord,
};

use super::handle::Lanes;
use super::message::TEXT_BYTES_MAX;
use super::publish::publish;

/// Where the journal is.
const JOURNAL: &str = "messages";
/// Records read at a time when the line starts.
const READ_MAX: usize = 256;
/// Longer than all tries of one short message take.
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

/// Messages on their way out. Times are [`MonoTime`]s since 1970, so that a journal can be read by
/// a later process.
pub(super) struct Outbox {
    checkpoint: Checkpoint,
    lanes: Lanes,
    journal: Lane,
    window: Duration,
    ended: u32,
    /// A record that could not be written yet.
    unwritten: Option<MessageRecord>,
}

impl Outbox {
    /// Goes on where the journal ends. `resend`: the gateway takes a message with the same name once,
    /// so what may have left is handed over again. `None` if the journal cannot be read.
    pub fn recover(
        lanes: Lanes,
        tags: Vec<queue_governor::Tag>,
        resend: bool,
        now: MonoTime,
    ) -> Option<Self> {
        let journal = Lane::new(Tag::xen_out(), JOURNAL).ok()?;
        let book = read_book(lanes.store.as_ref(), &journal)?;
        let config = CheckpointConfig {
            registered_tags: tags,
            text_bytes_max: TEXT_BYTES_MAX,
            answer_max: ANSWER_MAX,
            messages_max: MESSAGES_MAX,
            resend_in_doubt: resend,
            ..CheckpointConfig::default()
        };
        let window = config.dedup_window;
        let checkpoint = Checkpoint::recover(config, book, now);
        Some(Self { checkpoint, lanes, journal, window, ended: 0, unwritten: None })
    }

    /// A producer wants it sent.
    pub fn submit(&mut self, now: MonoTime, message: Message) {
        self.checkpoint.handle(now, MessageInput::Send(message));
    }

    /// The endpoint took it, or will not.
    pub fn settled(&mut self, now: MonoTime, id: &str, outcome: Result<(), String>) {
        let id = queue_governor::MessageId::new(id);
        let input = match outcome {
            Ok(()) => MessageInput::Delivered(id),
            Err(why) => MessageInput::Failed(id, why),
        };
        self.checkpoint.handle(now, input);
    }

    /// Time has passed.
    pub fn timeout(&mut self, now: MonoTime) {
        self.checkpoint.handle(now, MessageInput::Timeout);
    }

    /// When to come back if nothing happens before.
    pub fn next_timeout(&self) -> Option<MonoTime> {
        self.checkpoint.next_timeout()
    }

    /// Whether the journal is writable, as far as is known. If not, nothing new is taken in.
    pub fn is_stuck(&self) -> bool {
        self.unwritten.is_some()
    }

    /// The next step. Whatever is to be done after a record was written, comes after that.
    pub fn poll(&mut self) -> Option<Step> {
        if let Some(record) = self.unwritten.take()
            && !self.write(record)
        {
            return Some(Step::Stuck);
        }
        loop {
            match self.checkpoint.poll_output()? {
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
        let key = self.lanes.names.next("record");
        if let Err(error) = publish(self.lanes.store.as_ref(), &self.journal, &key, &body) {
            tracing::warn!(%error, "messages wait: their journal cannot be written");
            self.unwritten = Some(record);
            return false;
        }
        if matches!(record, MessageRecord::Ended { .. }) {
            self.ended += 1;
            self.cut();
        }
        true
    }

    /// What ended so long ago that it could be sent again, need not be remembered.
    fn cut(&mut self) {
        if self.ended >= CUT_EVERY && self.checkpoint.alive() == 0 {
            self.ended = 0;
            let keep = Retention { age: Some(self.window * 2), entries: None, bytes: None };
            // What is not cut now is cut the next time.
            let _ = self.lanes.store.retain(&self.journal, &keep);
        }
    }
}

fn read_book(store: &dyn LaneStore, journal: &Lane) -> Option<MessageBook> {
    let mut book = MessageBook::new();
    let mut after = Position::START;
    loop {
        let records = store.read(journal, after, READ_MAX).ok()?;
        let Some(last) = records.last() else { return Some(book) };
        after = last.position;
        for entry in &records {
            match serde_json::from_slice(&entry.body) {
                Ok(record) => book.apply(&record),
                Err(error) => {
                    tracing::warn!(position = %entry.position, %error, "a record of the messages makes no sense");
                }
            }
        }
    }
}
