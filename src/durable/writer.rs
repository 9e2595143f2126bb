//! The thread's side: batches to the store, the fold beside it.

mod recovery;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use lane_broker::{Lane, LaneStore, Position, PublishError, StoreError};
use media_engine::Clock;
use queue_governor::{Content, Record};
use tokio::sync::{oneshot, watch};

use super::entry::{self, Clocks, Kept};
use super::fold::Fold;
use super::keeper::{KeeperState, Progress, Recovered};
use super::sounds::Sounds;
use super::way::Way;

/// Records written in one go.
pub(super) const BATCH_MAX: usize = 256;
/// A store that refused is asked again after so long.
const AGAIN: Duration = Duration::from_millis(250);
/// After so many entries the fold is written, and what lies before it dropped. A restart reads no
/// more than this, and the lane is far from full.
pub(super) const SNAPSHOT_EVERY: usize = 2_000;
/// The same, by bytes: claims may be long.
const SNAPSHOT_BYTES: usize = 512 * 1024;
/// The same, by the sounds beside it: those of claims that are over lie there until then.
const SNAPSHOT_SOUND_BYTES: usize = 256 * 1024 * 1024;
/// Entries read at once when the lane is folded.
const PAGE: usize = 512;

#[expect(clippy::large_enum_variant, reason = "nearly every order is a record")]
pub(super) enum Order {
    Write(Waiting),
    Flush(SyncSender<()>),
}

/// A record on its way to the disk.
pub(super) struct Waiting {
    pub kept: Kept,
    pub number: u64,
    pub account: Arc<watch::Sender<Progress>>,
    /// The file with its sound, once that is written: a store that refuses is asked again, a disk
    /// is not written again.
    pub sound: Option<String>,
}

impl Waiting {
    /// Of which its author was told already that it is not safe.
    fn for_nobody(kept: Kept) -> Self {
        let account = Arc::new(watch::channel(Progress::default()).0);
        Self { kept, number: 0, account, sound: None }
    }
}

pub(super) struct Writer {
    store: Arc<dyn LaneStore>,
    lane: Lane,
    sounds: Option<Sounds>,
    clock: Clock,
    run: Arc<str>,
    /// Entries of this run, for their keys.
    entries: u64,
    /// Up to here the store was given keys. It may have entries under them although it refused:
    /// its answer can be lost.
    tried: u64,
    /// Snapshots that were tried, for their keys: none is used twice.
    snapshots: u64,
    since_snapshot: usize,
    /// Bytes written since the last snapshot.
    bytes: usize,
    /// Bytes of sound written since then.
    sound_bytes: usize,
    /// The last entry of the lane.
    last: Position,
    /// What an earlier run left could not be read: then nothing of it is dropped either.
    unread: bool,
    /// Who waits for it, where the store was away: it is read, and handed over, before anything is
    /// written.
    late: Option<oneshot::Sender<Recovered>>,
    fold: Fold,
    /// Nothing is said for other programs.
    paused: bool,
    state: Arc<KeeperState>,
}

impl Writer {
    pub fn new(
        (store, lane): (Arc<dyn LaneStore>, Lane),
        sounds: Option<Sounds>,
        clock: Clock,
        run: Arc<str>,
        state: Arc<KeeperState>,
    ) -> Self {
        let (last, fold) = (Position::START, Fold::default());
        Self {
            store,
            lane,
            sounds,
            clock,
            run,
            entries: 0,
            tried: 0,
            snapshots: 0,
            since_snapshot: 0,
            bytes: 0,
            sound_bytes: 0,
            last,
            unread: false,
            late: None,
            fold,
            paused: false,
            state,
        }
    }

    /// Until nobody can hand anything over any more.
    pub fn run(mut self, inbox: &Receiver<Order>) {
        let mut batch: Vec<Waiting> = Vec::new();
        let mut flushed: Vec<SyncSender<()>> = Vec::new();
        loop {
            match self.next_order(inbox, &batch) {
                Ok(order) => take(order, &mut self.state.way(), &mut batch, &mut flushed),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.gather(inbox, &mut batch, &mut flushed);
                    // The house is gone; one last try.
                    if batch.is_empty() || self.write(&mut batch).is_err() {
                        return;
                    }
                    batch.clear();
                }
            }
            self.gather(inbox, &mut batch, &mut flushed);
            self.settle(&mut batch);
            if self.state.way().is_clear() || self.state.failing().is_some() {
                for done in flushed.drain(..) {
                    // Whoever waited may have given up.
                    let _ = done.send(());
                }
            }
        }
    }

    /// As much as a batch may have of what is on its way, and then, when that is free, of what was
    /// set aside. Nobody hands anything over meanwhile, so that each stays behind what was before it.
    fn gather(
        &self,
        inbox: &Receiver<Order>,
        batch: &mut Vec<Waiting>,
        flushed: &mut Vec<SyncSender<()>>,
    ) {
        let mut way = self.state.way();
        while batch.len() < BATCH_MAX
            && let Ok(order) = inbox.try_recv()
        {
            take(order, &mut way, batch, flushed);
        }
        batch.extend(way.take_back(BATCH_MAX - batch.len()).into_iter().map(Waiting::for_nobody));
    }

    /// The next order, or that a batch that was refused is due again. While that is as large as it
    /// may be, the rest stays on its way, which is bounded.
    fn next_order(
        &self,
        inbox: &Receiver<Order>,
        batch: &[Waiting],
    ) -> Result<Order, RecvTimeoutError> {
        if batch.len() < BATCH_MAX {
            return if batch.is_empty() && self.late.is_none() && self.state.way().is_clear() {
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                inbox.recv_timeout(AGAIN)
            };
        }
        // Whoever could hand something over looks at this, too.
        if Arc::strong_count(&self.state) == 1 {
            return Err(RecvTimeoutError::Disconnected);
        }
        std::thread::sleep(AGAIN);
        Err(RecvTimeoutError::Timeout)
    }

    /// Writes the batch and tells the accounts; one that was refused stays, to be tried again.
    fn settle(&mut self, batch: &mut Vec<Waiting>) {
        let read = self.read_awaited();
        if batch.is_empty() {
            return;
        }
        match read.and_then(|()| self.write(batch)) {
            Ok(()) => {
                if self.state.succeed() {
                    tracing::info!("the journal is written again");
                }
                for waiting in batch.drain(..) {
                    self.state.count_written();
                    let durable = waiting.number;
                    waiting.account.send_replace(Progress { durable, failing: false });
                }
                if self.is_long() {
                    self.shorten();
                }
            }
            Err(error) => {
                let known = self.state.failing();
                let reason = error.to_string();
                if known.as_ref() != Some(&reason) {
                    tracing::warn!(%reason, "the journal cannot be written: what is accepted now would not survive a crash");
                }
                self.state.fail(reason);
                for waiting in batch.iter() {
                    waiting.account.send_modify(|progress| progress.failing = true);
                }
            }
        }
    }

    fn is_long(&self) -> bool {
        self.since_snapshot >= SNAPSHOT_EVERY
            || self.bytes >= SNAPSHOT_BYTES
            || self.sound_bytes >= SNAPSHOT_SOUND_BYTES
    }

    fn write(&mut self, batch: &mut [Waiting]) -> Result<(), WriteError> {
        let now = Clocks::at(self.clock.now());
        let mut entries = Vec::with_capacity(batch.len());
        for (index, waiting) in batch.iter_mut().enumerate() {
            if waiting.sound.is_none() {
                waiting.sound = self.write_sound(&waiting.kept)?;
            }
            // The same entry gets the same key when it is tried again.
            let key = format!("{}-{}", self.run, self.entries + index as u64);
            let body = entry::write(&waiting.kept, now, waiting.sound.clone());
            entries.push((key, body.map_err(WriteError::Form)?));
        }
        let next = self.entries + entries.len() as u64;
        let again = usize::try_from(self.tried - self.entries).unwrap_or(usize::MAX);
        self.tried = self.tried.max(next);
        match self.publish(&entries, again) {
            // Under these keys lies something else: the next try takes others.
            Err(WriteError::KeyTaken) => {
                self.entries = self.tried;
                return Err(WriteError::KeyTaken);
            }
            published => published?,
        }
        self.entries = next;
        self.since_snapshot += entries.len();
        batch.iter().for_each(|waiting| self.apply(&waiting.kept));
        Ok(())
    }

    fn apply(&mut self, kept: &Kept) {
        match kept {
            Kept::Record(record) => self.fold.apply(record),
            Kept::Paused(paused) => self.paused = *paused,
        }
    }

    /// Writes the sound of what this accepts; gives the file's name.
    fn write_sound(&mut self, kept: &Kept) -> Result<Option<String>, WriteError> {
        let (Some(sounds), Some((claim, samples))) = (&self.sounds, sound_of(kept)) else {
            return Ok(None);
        };
        self.sound_bytes += size_of_val(samples);
        sounds.write(claim, samples).map(Some).map_err(WriteError::Sound)
    }

    /// An entry of a snapshot. Its sound lies there already, unless somebody took it away.
    fn entry_again(
        &mut self,
        key: String,
        kept: &Kept,
        now: Clocks,
    ) -> Result<(String, Vec<u8>), WriteError> {
        let written = self.sounds.as_ref().zip(sound_of(kept));
        let sound = match written.and_then(|(sounds, (claim, it))| sounds.written(claim, it)) {
            None => self.write_sound(kept)?,
            written => written,
        };
        Ok((key, entry::write(kept, now, sound).map_err(WriteError::Form)?))
    }

    /// The first `again` of them were tried before, and the store may know their keys.
    fn publish(&mut self, entries: &[(String, Vec<u8>)], again: usize) -> Result<(), WriteError> {
        let published = self.store.publish_many(&self.lane, entries)?;
        if published.iter().skip(again).any(|published| published.duplicate) {
            return Err(WriteError::KeyTaken);
        }
        self.last = published.last().map_or(self.last, |last| last.position);
        self.bytes += entries.iter().map(|(key, body)| key.len() + body.len()).sum::<usize>();
        Ok(())
    }

    /// Writes the fold, and drops what it stands for. A store that refuses keeps all of it, until
    /// the next time.
    fn shorten(&mut self) {
        (self.since_snapshot, self.bytes, self.sound_bytes) = (0, 0, 0);
        let now = Clocks::at(self.clock.now());
        // Else the lane would grow until it takes no claim any more.
        if self.unread && self.read_late(now).is_err() {
            return;
        }
        let records = self.fold.snapshot(now.mono).into_iter().map(Kept::Record);
        let kept: Vec<_> = records.chain(self.paused.then_some(Kept::Paused(true))).collect();
        // A snapshot that went wrong half way may be in the lane: the next one is not taken for it,
        // nor is what is written meanwhile.
        self.snapshots += 1;
        let prefix = format!("{}-s{}", self.run, self.snapshots);
        let entries: Result<Vec<_>, WriteError> = kept
            .iter()
            .enumerate()
            .map(|(index, kept)| self.entry_again(format!("{prefix}-{index}"), kept, now))
            .collect();
        let written = entries.and_then(|entries| {
            let before = self.last;
            self.publish(&entries, 0)?;
            self.store.trim(&self.lane, before).map_err(PublishError::from)?;
            self.bytes = 0;
            Ok(())
        });
        match written {
            Ok(()) => {
                if let Some(sounds) = &self.sounds {
                    sounds.keep_only(self.fold.unfinished().map(|it| it.claim.id.as_str()));
                }
            }
            Err(error) => tracing::warn!(%error, "the journal could not be shortened"),
        }
    }
}

/// The ready sound of a claim that is accepted, and the claim's name.
fn sound_of(kept: &Kept) -> Option<(&str, &[i16])> {
    match kept {
        Kept::Record(Record::Accepted { claim, .. }) => match &claim.content {
            Content::Audio { samples, .. } if !samples.is_empty() => {
                Some((claim.id.as_str(), samples))
            }
            _ => None,
        },
        _ => None,
    }
}

fn take(order: Order, way: &mut Way, batch: &mut Vec<Waiting>, flushed: &mut Vec<SyncSender<()>>) {
    match order {
        Order::Write(waiting) => {
            way.left();
            batch.push(waiting);
        }
        Order::Flush(done) => flushed.push(done),
    }
}

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Store(#[from] PublishError),
    #[error("what an earlier run left cannot be read: {0}")]
    Unread(StoreError),
    #[error("the sound of a claim cannot be kept: {0}")]
    Sound(std::io::Error),
    #[error("a record has no written form: {0}")]
    Form(serde_json::Error),
    #[error("the store has something else under a record's name")]
    KeyTaken,
}
