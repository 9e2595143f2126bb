//! The way in, for everybody in the house.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};

use brain_protocol::{BrainMessage, LineMessage, MessageEnding, Version};
use lane_broker::{LaneStore, Position, PublishError, StoreError, TagError, Tags};
use tokio::sync::{mpsc, watch};

use super::input::{Input, OutgoingNews};
use super::message::{Outgoing, Written, WrittenError, id_of, main_lane};
use super::publish::publish;
use super::thread::ToBrain;
use super::waiters::TypedNews;

/// News of one message: that it was accepted, and its ending.
const NEWS_MAX: usize = 2;

/// The way to the lanes and to the thread. Cheap to clone; the thread ends with the last one.
#[derive(Clone)]
pub struct TextHandle {
    pub(super) inputs: Arc<SyncSender<Input>>,
    pub(super) lanes: Lanes,
    pub(super) to_brain: ToBrain,
    pub(super) brains: watch::Sender<BrainState>,
}

/// The lanes that are written in.
#[derive(Clone)]
pub(super) struct Lanes {
    pub store: Arc<dyn LaneStore>,
    pub tags: Arc<Tags>,
    pub names: Arc<Names>,
    pub posts: watch::Sender<u64>,
    /// Messages that the brain has forgotten.
    pub forgotten: Arc<AtomicUsize>,
}

/// Which brain there is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BrainState {
    /// Counts every coming and going, so that none is missed.
    pub lives: u64,
    pub speaks: Option<Version>,
}

/// A message that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its name for good.
    pub id: String,
    /// The lane that keeps it.
    pub lane: String,
    /// Where.
    pub position: u64,
    /// It had been posted before; nothing was added.
    pub duplicate: bool,
}

/// Why a message was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// It is no message.
    #[error(transparent)]
    Unfit(#[from] WrittenError),
    /// Its tag is not known.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// What callers say and what leaves is not written by anybody else.
    #[error("nothing can be posted to {0:?}: the line alone writes there")]
    Reserved(String),
    /// The lane does not take it.
    #[error(transparent)]
    Store(#[from] PublishError),
}

impl TextHandle {
    /// Keeps a message in the main lane of its tag. The same `key` again adds nothing. Blocks as
    /// long as the store writes.
    ///
    /// # Errors
    /// [`PostError`]; nothing was kept, unless the store could not say.
    pub fn post(
        &self,
        tag: &str,
        key: Option<&str>,
        written: &Written,
    ) -> Result<Posted, PostError> {
        let posted = self.lanes.post(tag, key, written)?;
        // A full queue is being worked off, and the lanes are looked at after each of its inputs.
        let _ = self.inputs.try_send(Input::Look);
        Ok(posted)
    }

    /// Hands a message to the checkpoint. Returns its name and what will be told of it; a thread
    /// that is hopelessly behind tells nothing and closes the channel.
    #[must_use]
    pub fn send(&self, tag: &str, outgoing: Outgoing) -> (String, mpsc::Receiver<OutgoingNews>) {
        let id = self.lanes.names.next("out");
        let (news, told) = mpsc::channel(NEWS_MAX);
        let input = Input::Send { id: id.clone(), tag: tag.to_owned(), outgoing, news };
        self.put(input);
        (id, told)
    }

    /// Keeps what somebody typed and, if `wait`, tells its answer too. `tell` is dropped after the
    /// last word.
    pub fn typed(&self, written: Written, wait: bool, tell: Box<dyn Fn(TypedNews) + Send>) {
        if let Err(TrySendError::Full(Input::Typed { tell, .. })) =
            self.inputs.try_send(Input::Typed { written, wait, tell })
        {
            tell(TypedNews::Refused("the line does not keep up; try again".into()));
        }
    }

    /// A brain is up.
    pub fn brain_up(&self, version: Version) {
        self.brain_is(Some(version));
    }

    /// The brain is gone.
    pub fn brain_down(&self) {
        self.brain_is(None);
    }

    /// Not through the queue: this must not be dropped when that is full.
    fn brain_is(&self, speaks: Option<Version>) {
        self.brains.send_modify(|brain| {
            brain.lives += 1;
            brain.speaks = speaks;
        });
        let _ = self.inputs.try_send(Input::Look);
    }

    /// The brain says something about a message.
    pub fn brain(&self, message: BrainMessage) {
        if let Err(TrySendError::Full(Input::Brain(BrainMessage::Send(send)))) =
            self.inputs.try_send(Input::Brain(message))
        {
            let reason = Some("the line does not keep up".into());
            let ending = MessageEnding::Refused;
            // A brain that is gone needs no answer.
            let _ = (self.to_brain)(&LineMessage::MessageEnded {
                message: send.message,
                ending,
                reason,
            });
        }
    }

    /// The lanes.
    #[must_use]
    pub fn store(&self) -> Arc<dyn LaneStore> {
        Arc::clone(&self.lanes.store)
    }

    /// Messages of which the brain has not said in time that it dealt with them, and that wait for
    /// the next brain.
    #[must_use]
    pub fn forgotten(&self) -> usize {
        self.lanes.forgotten.load(Ordering::Relaxed)
    }

    /// The tags that are known.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        &self.lanes.tags
    }

    /// Changes with everything that this house publishes. Others may publish in the same store: look
    /// again now and then.
    #[must_use]
    pub fn posts(&self) -> watch::Receiver<u64> {
        self.lanes.posts.subscribe()
    }

    /// The last entry of a lane that is kept now; 0 if there is none. Blocks like a read.
    ///
    /// # Errors
    /// [`StoreError`]; where the lane ends is not known then.
    pub fn last_of(&self, lane: &lane_broker::Lane) -> Result<Position, StoreError> {
        let lanes = self.lanes.store.lanes()?;
        Ok(lanes.iter().find(|it| it.lane == *lane).map_or(Position::START, |it| it.last))
    }

    fn put(&self, input: Input) {
        if let Err(TrySendError::Full(_)) = self.inputs.try_send(input) {
            tracing::warn!("what is written does not keep up with its inputs; one was dropped");
        }
    }
}

impl Lanes {
    /// As [`TextHandle::post`].
    pub fn post(
        &self,
        tag: &str,
        key: Option<&str>,
        written: &Written,
    ) -> Result<Posted, PostError> {
        written.check()?;
        let tag = self.tags.parse(tag)?;
        if RESERVED.contains(&tag.as_str()) {
            return Err(PostError::Reserved(tag.to_string()));
        }
        let lane = main_lane(tag).ok_or(PublishError::BadKey)?;
        let own;
        let key = match key {
            Some(key) => key,
            None => {
                own = self.names.next("post");
                &own
            }
        };
        let body = serde_json::to_vec(written).map_err(|_| WrittenError::Empty)?;
        let published = publish(self.store.as_ref(), &lane, key, &body)?;
        self.changed();
        let (name, position) = (lane.to_string(), published.position);
        let id = id_of(&name, position);
        Ok(Posted { id, lane: name, position: position.0, duplicate: published.duplicate })
    }

    /// Something was published: whoever reads lanes looks.
    pub fn changed(&self) {
        self.posts.send_modify(|posts| *posts += 1);
    }
}

/// Names that are unique also across restarts.
#[derive(Debug)]
pub(super) struct Names {
    boot: u64,
    given: AtomicU64,
}

impl Names {
    /// `boot`: a number that no earlier process had, such as the time in microseconds.
    pub fn new(boot: u64) -> Self {
        Self { boot, given: AtomicU64::new(0) }
    }

    pub fn next(&self, kind: &str) -> String {
        format!("{kind}-{:x}-{}", self.boot, self.given.fetch_add(1, Ordering::Relaxed))
    }
}

/// What only the line writes.
const RESERVED: [&str; 2] = ["call", "xen-out"];
