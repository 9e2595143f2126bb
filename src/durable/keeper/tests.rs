mod full;
mod late;
mod sounds;

use std::sync::atomic::AtomicUsize;

use lane_broker::{
    Delivery, Entry, GroupError, LaneInfo, Limits, MemoryStore, Pending, Position, PublishError,
    Published, Retention, StoreError,
};
use media_core::{MonoTime, SampleRate};
use queue_governor::{Claim, Content, Ending, Heard, Source};

use super::super::writer::{BATCH_MAX, SNAPSHOT_EVERY};
use super::*;

/// A store whose disk is full whenever the test says so.
struct Disk {
    store: MemoryStore,
    full: AtomicBool,
    /// How often it was asked to add something.
    asked: AtomicUsize,
    /// So many entries were the most that it refused at once.
    refused: AtomicUsize,
    /// It gives nothing.
    unreadable: AtomicBool,
    /// It is away.
    away: AtomicBool,
    /// It dies before it drops anything, once.
    untrimmed: AtomicBool,
    /// What it adds next is there, and nobody hears of it.
    unanswered: AtomicBool,
    /// It takes nothing while somebody holds this.
    slow: Mutex<()>,
}

impl Disk {
    fn new() -> Arc<Disk> {
        let store = MemoryStore::new(Limits::default());
        let [full, unreadable, away, untrimmed, unanswered] =
            [(); 5].map(|()| AtomicBool::new(false));
        Arc::new(Disk {
            store,
            full,
            asked: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            unreadable,
            away,
            untrimmed,
            unanswered,
            slow: Mutex::default(),
        })
    }

    fn bytes(&self) -> usize {
        self.store.lanes().expect("memory").iter().map(|info| info.bytes).sum()
    }

    fn entries(&self) -> usize {
        let lane = Lane::new(Tag::xen_out(), LANE).unwrap();
        self.store.read(&lane, Position::START, usize::MAX).expect("memory").len()
    }
}

impl LaneStore for Disk {
    fn publish(&self, lane: &Lane, key: &str, body: &[u8]) -> Result<Published, PublishError> {
        self.store.publish(lane, key, body)
    }
    fn publish_many(
        &self,
        lane: &Lane,
        entries: &[(String, Vec<u8>)],
    ) -> Result<Vec<Published>, PublishError> {
        self.asked.fetch_add(1, Ordering::AcqRel);
        if self.full.load(Ordering::Acquire) {
            self.refused.fetch_max(entries.len(), Ordering::AcqRel);
            return Err(StoreError::Full.into());
        }
        if self.away.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable.into());
        }
        let _taken = self.slow.lock().expect("no panic");
        let published = self.store.publish_many(lane, entries)?;
        if self.unanswered.swap(false, Ordering::AcqRel) {
            return Err(StoreError::Full.into());
        }
        Ok(published)
    }
    fn read(&self, lane: &Lane, after: Position, max: usize) -> Result<Vec<Entry>, StoreError> {
        if self.unreadable.load(Ordering::Acquire) {
            return Err(StoreError::Full);
        }
        if self.away.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable);
        }
        self.store.read(lane, after, max)
    }
    fn lanes(&self) -> Result<Vec<LaneInfo>, StoreError> {
        self.store.lanes()
    }
    fn join(&self, lane: &Lane, group: &str, from: Position) -> Result<(), GroupError> {
        self.store.join(lane, group, from)
    }
    fn take(
        &self,
        lane: &Lane,
        group: &str,
        consumer: &str,
        max: usize,
    ) -> Result<Vec<Delivery>, GroupError> {
        self.store.take(lane, group, consumer, max)
    }
    fn ack(&self, lane: &Lane, group: &str, position: Position) -> Result<bool, GroupError> {
        self.store.ack(lane, group, position)
    }
    fn pending(&self, lane: &Lane, group: &str) -> Result<Vec<Pending>, GroupError> {
        self.store.pending(lane, group)
    }
    fn give_up(&self, lane: &Lane, group: &str, consumer: &str) -> Result<usize, GroupError> {
        self.store.give_up(lane, group, consumer)
    }
    fn give_up_idle(&self, lane: &Lane, group: &str, idle: Duration) -> Result<usize, GroupError> {
        self.store.give_up_idle(lane, group, idle)
    }
    fn trim(&self, lane: &Lane, upto: Position) -> Result<usize, StoreError> {
        if self.untrimmed.swap(false, Ordering::AcqRel) {
            return Err(StoreError::Full);
        }
        self.store.trim(lane, upto)
    }
    fn retain(&self, lane: &Lane, keep: &Retention) -> Result<usize, StoreError> {
        self.store.retain(lane, keep)
    }
    fn remove(&self, lane: &Lane) -> Result<bool, StoreError> {
        self.store.remove(lane)
    }
}

fn start(disk: &Arc<Disk>) -> (Keeper, Recovered) {
    Keeper::start(disk.clone(), None, Clock::new()).expect("a thread")
}

fn accepted(id: &str, must_deliver: bool) -> Record {
    let claim =
        Claim { must_deliver, ..Claim::text(id, Source::External, format!("the words of {id}")) };
    Record::Accepted { claim, expires_at: None }
}

fn heard(id: &str, resume_at: usize) -> Record {
    Record::Heard { claim: ClaimId::new(id), resume_at, samples: 800, ms: 100 }
}

fn spoken(id: &str) -> Record {
    Record::Ended {
        claim: ClaimId::new(id),
        ending: Ending::Spoken,
        heard: Heard::default(),
        remember_until: Some(Clock::new().now() + Duration::from_secs(60)),
    }
}

fn names(recovered: &Recovered) -> Vec<&str> {
    recovered.waiting.iter().map(|unfinished| unfinished.claim.id.as_str()).collect()
}

/// Bounded waiting, for what another thread does.
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let latest = std::time::Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(std::time::Instant::now() < latest, "in vain: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn what_was_accepted_and_not_said_waits_after_a_crash_from_where_it_was_heard() {
    let disk = Disk::new();
    let (keeper, nothing) = start(&disk);
    assert!(nothing.waiting.is_empty());
    let mut account = keeper.account();
    for record in [accepted("a", true), accepted("b", true), heard("b", 4), accepted("c", false)] {
        account.write(record);
    }
    account.write(spoken("a"));
    keeper.flush();
    // No goodbye: the next one reads what is there.
    let (_, recovered) = start(&disk);
    assert_eq!(names(&recovered), ["b"]);
    assert_eq!(recovered.waiting[0].resume_at, 4);
    let (_, again) = start(&disk);
    assert_eq!((names(&again), again.waiting[0].resume_at), (vec!["b"], 4));
}

#[test]
fn what_is_written_after_a_snapshot_that_went_wrong_half_way_is_kept() {
    let half_way: [fn(&Disk) -> &AtomicBool; 2] = [|disk| &disk.untrimmed, |disk| &disk.unanswered];
    for goes_wrong in half_way {
        let disk = Disk::new();
        let (keeper, _) = start(&disk);
        let mut account = keeper.account();
        account.write(accepted("a", true));
        account.write(accepted("b", true));
        keeper.flush();
        goes_wrong(&disk).store(true, Ordering::Release);
        let (keeper, _) = start(&disk);
        assert!(!goes_wrong(&disk).load(Ordering::Acquire), "it went wrong");
        let mut account = keeper.account();
        account.write(accepted("c", true));
        let last = account.write(accepted("d", true));
        until("it to be safe", || account.progress().durable == last);
        let (_, recovered) = start(&disk);
        assert_eq!(names(&recovered), ["a", "b", "c", "d"]);
    }
}

#[test]
fn a_batch_whose_answer_was_lost_is_there_once() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    let mut account = keeper.account();
    disk.unanswered.store(true, Ordering::Release);
    let first = account.write(accepted("a", true));
    until("the loss to be told", || account.progress().failing);
    assert_eq!(account.progress().durable, 0);
    let second = account.write(accepted("b", true));
    until("both to be safe", || account.progress().durable == second);
    assert_eq!((first, disk.entries()), (1, 2));
}

#[test]
fn a_key_that_is_taken_does_not_pass_for_a_record_that_is_written() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    let lane = Lane::new(Tag::xen_out(), LANE).unwrap();
    disk.store.publish(&lane, &format!("{}-0", keeper.run()), b"somebody else's").expect("memory");
    let mut account = keeper.account();
    let first = account.write(accepted("a", true));
    until("it to be safe", || account.progress().durable == first);
    let (_, recovered) = start(&disk);
    assert_eq!(names(&recovered), ["a"]);
}

#[test]
fn the_lane_stays_short_whatever_is_written() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    let mut account = keeper.account();
    account.write(accepted("first", true));
    for n in 0..20 {
        for m in 0..250 {
            account.write(accepted(&format!("c-{n}-{m}"), true));
            account.write(spoken(&format!("c-{n}-{m}")));
        }
        keeper.flush();
    }
    assert!(keeper.state().written() > 10_000);
    // What is new since a snapshot, a batch, and the snapshot: the first, and 128 sayings.
    assert!(disk.entries() < SNAPSHOT_EVERY + BATCH_MAX + 600, "{} entries", disk.entries());
    let (_, recovered) = start(&disk);
    assert_eq!(names(&recovered), ["first"]);
    assert!(disk.entries() < 600, "{} entries", disk.entries());
}

#[test]
fn a_hundred_thousand_claims_come_and_end_and_none_is_refused() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    let mut account = keeper.account();
    // As much waits all the time as a house takes in, and each is as long as it may be.
    for n in 0..200 {
        let text = format!("{n} {}", "words ".repeat(650));
        let claim =
            Claim { must_deliver: true, ..Claim::text(format!("w-{n}"), Source::External, text) };
        account.write(Record::Accepted { claim, expires_at: None });
    }
    let mut ending = spoken("");
    for n in 0..100_000 {
        let id = format!("c-{n}");
        account.write(accepted(&id, n % 2 == 0));
        let Record::Ended { claim, .. } = &mut ending else { panic!("an ending") };
        *claim = ClaimId::new(id);
        account.write(ending.clone());
        if n % 2_000 == 0 {
            keeper.flush();
            assert_eq!(keeper.state().failing(), None, "after {n} claims");
        }
    }
    keeper.flush();
    assert_eq!(keeper.state().failing(), None);
    assert_eq!((keeper.state().written(), keeper.state().not_kept()), (200_200, 0));
    assert!(disk.bytes() < 4 << 20, "{} bytes", disk.bytes());
    let (_, recovered) = start(&disk);
    assert_eq!(recovered.waiting.len(), 200);
}

#[test]
fn a_lane_that_could_not_be_read_at_the_start_is_shortened_when_it_can_be() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    keeper.account().write(accepted("before", true));
    keeper.flush();
    disk.unreadable.store(true, Ordering::Release);
    let (keeper, nothing) = start(&disk);
    assert_eq!(names(&nothing), [""; 0]);
    disk.unreadable.store(false, Ordering::Release);
    let mut account = keeper.account();
    for n in 0..SNAPSHOT_EVERY {
        account.write(accepted(&format!("c-{n}"), true));
        account.write(spoken(&format!("c-{n}")));
    }
    account.write(accepted("after", true));
    keeper.flush();
    assert!(disk.entries() < SNAPSHOT_EVERY + BATCH_MAX, "{} entries", disk.entries());
    let (_, recovered) = start(&disk);
    assert_eq!(names(&recovered), ["before", "after"], "what it left is not lost");
}

#[test]
fn a_pause_is_kept_until_it_is_over_however_much_is_written_meanwhile() {
    let disk = Disk::new();
    let (keeper, fresh) = start(&disk);
    assert!(!fresh.paused);
    let mut account = keeper.account();
    account.pause(true);
    for n in 0..SNAPSHOT_EVERY {
        account.write(accepted(&format!("c-{n}"), true));
        account.write(spoken(&format!("c-{n}")));
    }
    keeper.flush();
    let (keeper, paused) = start(&disk);
    assert!(paused.paused);
    keeper.account().pause(false);
    keeper.flush();
    let (_, over) = start(&disk);
    assert!(!over.paused);
}

#[test]
fn ready_sound_survives_and_what_lost_its_sound_ends() {
    let disk = Disk::new();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let sounds = || Some(Sounds::open(dir.path()).expect("a directory"));
    let sound = |id: &str| {
        let (samples, rate) = (vec![5; 160].into(), SampleRate::Hz8000);
        let content = Content::Audio { label: "chime".into(), samples, rate };
        let claim = Claim { content, must_deliver: true, ..Claim::text(id, Source::External, "") };
        Record::Accepted { claim, expires_at: None }
    };
    let (keeper, _) = Keeper::start(disk.clone(), sounds(), Clock::new()).expect("a thread");
    let mut account = keeper.account();
    account.write(sound("a"));
    account.write(sound("b"));
    keeper.flush();
    std::fs::remove_file(dir.path().join("a.pcm")).expect("it was written");
    let (_, recovered) = Keeper::start(disk.clone(), sounds(), Clock::new()).expect("a thread");
    assert_eq!(names(&recovered), ["b"]);
    let Content::Audio { samples, .. } = &recovered.waiting[0].claim.content else {
        panic!("it was sound")
    };
    assert_eq!(samples.len(), 160);
}

#[test]
fn a_time_that_was_named_lets_a_claim_wait_and_a_mind_answers_nobody_later() {
    let disk = Disk::new();
    let (keeper, _) = start(&disk);
    let mut account = keeper.account();
    let later = Some(Clock::new().now() + Duration::from_secs(60));
    for (id, source) in [("out", Source::External), ("mind", Source::Responder)] {
        account.write(Record::Accepted { claim: Claim::text(id, source, id), expires_at: later });
    }
    keeper.flush();
    let (_, recovered) = start(&disk);
    assert_eq!(names(&recovered), ["out"]);
    assert!(recovered.waiting[0].expires_at > Some(MonoTime::ZERO));
}
