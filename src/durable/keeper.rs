use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use lane_broker::{Lane, LaneStore, Tag};
use media_engine::Clock;
use queue_governor::{Book, ClaimId, Record, Unfinished};
use tokio::sync::{oneshot, watch};

use super::entry::{Clocks, Kept};
use super::sounds::Sounds;
use super::way::Way;
use super::writer::{Order, Waiting, Writer};

/// Records that wait for the disk: a minute of a busy house. See [`Way`] for what becomes of more.
const ORDERS_MAX: usize = 8_192;
/// The name of the journal's lane.
pub const LANE: &str = "journal";
/// Longest wait for the disk at a goodbye.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// The journal's thread, and the way to it. Cloning is cheap.
#[derive(Clone)]
pub struct Keeper {
    orders: SyncSender<Order>,
    state: Arc<KeeperState>,
    run: Arc<str>,
    late: Arc<Mutex<Option<oneshot::Receiver<Recovered>>>>,
}

/// How the journal fares.
#[derive(Debug, Default)]
pub struct KeeperState {
    failing: AtomicBool,
    reason: Mutex<Option<String>>,
    forgets: OnceLock<String>,
    way: Mutex<Way>,
    written: AtomicU64,
    not_kept: AtomicU64,
}

impl KeeperState {
    /// Why nothing is safe at present; `None`: it is.
    #[must_use]
    pub fn failing(&self) -> Option<String> {
        if !self.failing.load(Ordering::Acquire) {
            return None;
        }
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why what is safe at present would not outlive this process all the same, or why nothing is
    /// safe. `None`: all is well.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.failing().or_else(|| self.forgets.get().cloned())
    }

    /// The store forgets everything with this process, although another one should be there.
    pub fn will_forget(&self, reason: String) {
        // The first reason stays: it is the one to be mended.
        let _ = self.forgets.set(reason);
    }

    /// Records written by this run.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Records that were given up because the store refused for too long.
    #[must_use]
    pub fn not_kept(&self) -> u64 {
        self.not_kept.load(Ordering::Relaxed)
    }

    pub(super) fn way(&self) -> MutexGuard<'_, Way> {
        // It is whole after every step.
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count_written(&self) {
        self.written.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether it failed before.
    pub(super) fn succeed(&self) -> bool {
        self.failing.swap(false, Ordering::AcqRel)
    }

    pub(super) fn fail(&self, reason: String) {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        self.failing.store(true, Ordering::Release);
    }
}

/// What an earlier run left.
#[derive(Debug, Default)]
pub struct Recovered {
    /// What waits for the next call, in order of acceptance.
    pub waiting: Vec<Unfinished>,
    /// What was said lately.
    pub said: Book,
    /// Claims from a spool that ended, by name.
    pub ended: Vec<ClaimId>,
    /// Nothing was to be said for other programs.
    pub paused: bool,
}

/// One writer's records: handed over in order, and safe in order.
pub struct Account {
    keeper: Keeper,
    issued: u64,
    /// The first record that found no place on the way to the disk, until that is told.
    lost: Option<u64>,
    progress: Arc<watch::Sender<Progress>>,
    seen: watch::Receiver<Progress>,
}

/// Up to where an account's records are safe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// The number of the last record that is.
    pub durable: u64,
    /// The store refuses at present.
    pub failing: bool,
}

impl Keeper {
    /// Folds what the lane holds and starts the thread. Blocking. `sounds`: where ready audio is
    /// kept; `None` with a store that forgets everything anyway.
    ///
    /// # Errors
    /// When the system gives no thread. A store that refuses is no error: see
    /// [`KeeperState::failing`]; nor is one that is away: see [`Keeper::take_late`].
    pub fn start(
        store: Arc<dyn LaneStore>,
        sounds: Option<Sounds>,
        clock: Clock,
    ) -> std::io::Result<(Keeper, Recovered)> {
        let lane = Lane::new(Tag::xen_out(), LANE).map_err(std::io::Error::other)?;
        let now = Clocks::at(clock.now());
        // The keys of two runs must differ, or the store would take one for the other's.
        let run: Arc<str> = format!("{:x}.{:x}", now.wall_ms, now.mono.as_micros()).into();
        let (orders, inbox) = sync_channel(ORDERS_MAX);
        let state = Arc::new(KeeperState::default());
        let mut writer = Writer::new((store, lane), sounds, clock, run.clone(), state.clone());
        let (recovered, late) = writer.recover(now);
        std::thread::Builder::new().name("journal-keeper".into()).spawn(move || {
            writer.run(&inbox);
        })?;
        let late = Arc::new(Mutex::new(late));
        Ok((Keeper { orders, state, run, late }, recovered))
    }

    /// Where what an earlier run left comes once its store is back, if that was away at the start:
    /// until then the keeper is [`failing`](KeeperState::failing). `None` else, and the second time.
    #[must_use]
    pub fn take_late(&self) -> Option<oneshot::Receiver<Recovered>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A new account.
    #[must_use]
    pub fn account(&self) -> Account {
        let (progress, seen) = watch::channel(Progress::default());
        Account { keeper: self.clone(), issued: 0, lost: None, progress: Arc::new(progress), seen }
    }

    /// How it fares.
    #[must_use]
    pub fn state(&self) -> &KeeperState {
        &self.state
    }

    /// A name that no other run has.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Puts it on its way to the disk; what finds no place there is set aside, or given up. Says why.
    fn hand_over(&self, waiting: Waiting) -> Result<(), &'static str> {
        let mut way = self.state.way();
        let kept = if way.may_take(&waiting.kept) {
            match self.orders.try_send(Order::Write(waiting)) {
                Ok(()) => {
                    way.entered();
                    return Ok(());
                }
                Err(TrySendError::Full(Order::Write(waiting))) => waiting.kept,
                Err(TrySendError::Full(Order::Flush(_)) | TrySendError::Disconnected(_)) => {
                    self.state.not_kept.fetch_add(1, Ordering::Relaxed);
                    return Err("the journal's thread is gone: start the line again");
                }
            }
        } else {
            waiting.kept
        };
        if !way.set_aside(kept) {
            self.state.not_kept.fetch_add(1, Ordering::Relaxed);
        }
        Err("the journal does not keep up")
    }

    /// Waits until everything handed over so far is safe, or was refused by the store, for
    /// [`FLUSH_MAX`] at most. Blocking.
    pub fn flush(&self) {
        let latest = Instant::now() + FLUSH_MAX;
        let (done, wait) = sync_channel(1);
        let mut order = Order::Flush(done);
        while let Err(error) = self.orders.try_send(order) {
            // A store that refuses can be behind a way that is full.
            let TrySendError::Full(again) = error else { return };
            if Instant::now() >= latest {
                return;
            }
            order = again;
            std::thread::sleep(FLUSH_MAX / 500);
        }
        // The writer is gone when it does not answer; then there is nothing to wait for.
        let _ = wait.recv_timeout(latest.saturating_duration_since(Instant::now()));
    }
}

impl Account {
    /// Hands `record` over; gives its number. Never blocks.
    pub fn write(&mut self, record: Record) -> u64 {
        self.put(Kept::Record(record))
    }

    /// Keeps, from here on, whether nothing is said for other programs. As [`Account::write`].
    pub fn pause(&mut self, paused: bool) -> u64 {
        self.put(Kept::Paused(paused))
    }

    fn put(&mut self, kept: Kept) -> u64 {
        self.issued += 1;
        let waiting =
            Waiting { kept, number: self.issued, account: self.progress.clone(), sound: None };
        if let Err(why) = self.keeper.hand_over(waiting) {
            self.keeper.state.fail(why.to_owned());
            self.lost.get_or_insert(self.issued);
            // Whoever waits for this number wakes, or would wait for another one.
            self.progress.send_modify(|_| {});
        }
        self.issued
    }

    /// Up to where it is safe. A record that was lost is told of once, as a store that fails, and
    /// never counts as safe that time, although later ones may be: what was promised on it is to be
    /// broken then.
    #[must_use]
    pub fn progress(&mut self) -> Progress {
        let seen = *self.seen.borrow();
        if let Some(lost) = self.lost.take() {
            return Progress { durable: seen.durable.min(lost - 1), failing: true };
        }
        let failing = self.keeper.state.failing.load(Ordering::Acquire);
        Progress { failing: seen.failing || failing, ..seen }
    }

    /// Waits until [`Account::progress`] is another one.
    pub async fn changed(&mut self) {
        // The sending half is ours too, so it cannot be gone.
        let _ = self.seen.changed().await;
    }

    /// The number of the last record handed over.
    #[must_use]
    pub fn issued(&self) -> u64 {
        self.issued
    }
}

#[cfg(test)]
mod tests;
