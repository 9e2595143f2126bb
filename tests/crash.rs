//! The power cord: the real line under a load of claims and messages, killed with `kill -9` at
//! random moments and started again, while a phone listens and a carrier's endpoint takes what is
//! written. Its brain and, where that is a process, the store of its lanes are killed as well, and
//! the store is stopped for a while. Then the audit: what was heard, what arrived and what stands
//! in the journal, entry by entry, against what was acknowledged. Each claim sounds like no other
//! ([`tones`]), so a recording says by itself who was heard, whether all of it was, and whether two
//! were heard at once.
//!
//! Two lines go through this side by side, one with its lanes in SQLite, one in Redis. Recogniser
//! and voice are threads of the line and die with it; what a panic of one costs is shown by
//! `cargo test -p media-engine --test speech`, and what a voice that fails or hangs leads to by the
//! governor's `stall` tests.
//!
//! `CRASHES` sets how often a line is killed (10; `make prove`: 200), `CRASH_SEED` repeats a run.

#[path = "crash/audit.rs"]
mod audit;
#[path = "crash/faults.rs"]
mod faults;
#[path = "crash/full_disk.rs"]
mod full_disk;
#[path = "crash/gateway.rs"]
mod gateway;
#[path = "crash/house.rs"]
mod house;
#[path = "crash/journal.rs"]
mod journal;
#[path = "crash/messages.rs"]
mod messages;
#[path = "crash/producers.rs"]
mod producers;
#[path = "crash/redis.rs"]
mod redis;
#[path = "crash/revokes.rs"]
mod revokes;
#[allow(dead_code, reason = "shared with the end-to-end tests")]
#[path = "e2e/support/mod.rs"]
mod support;
#[path = "crash/tones.rs"]
mod tones;
#[path = "crash/wire.rs"]
mod wire;

use std::sync::Arc;
use std::time::Duration;

use xenline::config::LaneStoreKind;

use audit::{Audit, Recording};
use faults::{Faults, Random};
use gateway::{Gateway, Messages};
use house::{House, Line};
use journal::Ledger;
use producers::{Claims, submit};
use support::phone::Phone;
use support::{alone, figure, wait_until};

/// Claims and messages handed in between two kills.
const CLAIMS_EACH: usize = 3;
/// A claim takes 0.6 s; what is left after the last kill is said within this.
const ALL_SAID_WITHIN: Duration = Duration::from_secs(240);

#[test]
fn a_line_that_is_killed_again_and_again_says_and_sends_each_thing_once() {
    let _machine = alone();
    let crashes = number("CRASHES").unwrap_or(10);
    let seed = number("CRASH_SEED").unwrap_or_else(any_seed);
    figure(format!("crashes: CRASHES={crashes} CRASH_SEED={seed}"));
    let (in_sqlite, in_redis) = std::thread::scope(|scope| {
        let sqlite = scope.spawn(|| endure(LaneStoreKind::Sqlite, crashes.div_ceil(2), seed));
        let redis = scope.spawn(|| endure(LaneStoreKind::Redis, crashes / 2, seed + 1));
        (sqlite.join().expect("no panic"), redis.join().expect("no panic"))
    });
    let (faults, audit) = (in_sqlite.0.and(in_redis.0), in_sqlite.1.and(in_redis.1));
    figure(audit.report(&faults.report()));
    assert!(audit.holds(), "{audit:#?}");
}

/// One line's lives.
fn endure(store: LaneStoreKind, crashes: u64, seed: u64) -> (Faults, Audit) {
    let gateway = Gateway::start();
    let mut house = House::new(store, &gateway.url);
    let (claims, messages) = (Claims::new(house.dir()), Arc::new(Messages::default()));
    let (mut random, mut faults) = (Random(seed), Faults::default());
    let (mut ledger, mut recordings) = (Ledger::default(), Vec::new());
    for _ in 0..crashes {
        let mut line = house.start();
        let phone = Phone::call(line.sip);
        let submitting = submit((&house.socket, &claims), (house.door, &messages), CLAIMS_EACH);
        std::thread::sleep(Duration::from_millis(100 + random.below(1_000)));
        faults.befall(&mut house, &mut line, &mut random);
        submitting.join().expect("no panic");
        // What is on its way through the loopback arrives at once.
        std::thread::sleep(Duration::from_millis(20));
        recordings.push(Recording::of(&phone.media.heard(), &claims));
        ledger.read(&*house.store());
        drop(phone);
    }
    let line = house.start();
    recordings.push(last_call(&line, &claims, &messages, &gateway));
    line.stop();
    ledger.read(&*house.store());
    let audit = Audit::of_sound(&claims, &ledger, &recordings)
        .with_journal(&claims, &ledger, &house.log())
        .with_messages(&messages, &gateway);
    (faults, audit)
}

/// Nothing dies any more: what is left is said and sent.
fn last_call(line: &Line, claims: &Claims, messages: &Messages, gateway: &Gateway) -> Recording {
    let phone = Phone::call(line.sip);
    wait_until("everything to be said and sent", ALL_SAID_WITHIN, || {
        std::thread::sleep(Duration::from_millis(100));
        (line.queued() == 0 && messages.lost(gateway).is_empty()).then_some(())
    });
    std::thread::sleep(Duration::from_millis(200));
    let recording = Recording::of(&phone.media.heard(), claims);
    phone.hang_up();
    recording
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn any_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) & 0xffff_ffff
}
