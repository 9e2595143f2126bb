//! The power cord: the real line under a load of claims and messages, killed with `kill -9` at
//! random moments and started again, while a phone listens and a carrier's endpoint takes what is
//! written. Its brain and, where that is a process, the store of its lanes are killed as well, and
//! the store is stopped for a while. Then the audit: what was heard, what arrived and what stands
//! in the journal, entry by entry, against what was acknowledged. Each claim sounds like no other
//! ([`tones`]), so a recording says by itself who was heard, whether all of it was, and whether two
//! were heard at once.
//!
//! Lines go through this side by side, half of them with their lanes in SQLite, half in Redis.
//! Recogniser and voice are threads of the line, which no signal ends alone: they are broken down by order, at
//! random over a claim or over the caller's words, and the line has to answer again.
//!
//! The claims are of fifteen kinds ([`claims::Kind`]), an operator takes the floor now and then, and a
//! caller speaks into some calls.
//!
//! `CRASHES` sets how often a line is killed (10; `make prove`: 200), `CRASH_SEED` repeats a run.

#[path = "crash/audit.rs"]
mod audit;
#[path = "crash/claims.rs"]
mod claims;
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
#[path = "crash/recording.rs"]
mod recording;
#[path = "crash/redis.rs"]
mod redis;
#[path = "crash/revokes.rs"]
mod revokes;
#[path = "crash/sounds.rs"]
mod sounds;
#[allow(dead_code, reason = "shared with the end-to-end tests")]
#[path = "e2e/support/mod.rs"]
mod support;
#[path = "crash/thoughts.rs"]
mod thoughts;
#[path = "crash/tones.rs"]
mod tones;
#[path = "crash/wire.rs"]
mod wire;

use std::sync::Arc;
use std::time::Duration;

use xenline::config::{Config, LaneStoreKind};

use audit::Audit;
use claims::Claims;
use faults::{Faults, Scene};
use gateway::{Gateway, Messages};
use house::{House, Line};
use journal::Ledger;
use producers::Producers;
use recording::Recording;
use support::mind::Mind;
use support::phone::Phone;
use support::sound::recorded;
use support::{Random, SEED, alone, figure, number, wait_until};
use thoughts::said_it;

/// A line lives so long under its load before something befalls it.
const LIVES_MS: std::ops::Range<u64> = 100..1_000;
/// In one of so many calls the caller says something.
const CALLER_EACH: u64 = 4;
/// A claim takes a second at most; what is left after the last kill is said within this.
const ALL_SAID_WITHIN: Duration = Duration::from_secs(240);

#[test]
fn a_line_that_is_killed_again_and_again_says_and_sends_each_thing_once() {
    let _machine = alone();
    let crashes = number("CRASHES").unwrap_or(10);
    let seed = number("CRASH_SEED").unwrap_or(SEED);
    figure(format!("crashes: CRASHES={crashes} CRASH_SEED={seed}"));
    // They mostly wait: for a line to start, and for claims to be heard.
    let lines = if crashes < 40 { 2 } else { 4 };
    let (mut faults, mut audit) = (Faults::default(), Audit::default());
    std::thread::scope(|scope| {
        let lives = |nth: u64| {
            let store =
                if nth.is_multiple_of(2) { LaneStoreKind::Sqlite } else { LaneStoreKind::Redis };
            let crashes = (crashes + nth) / lines;
            scope.spawn(move || endure(store, crashes, seed + nth))
        };
        let houses: Vec<_> = (0..lines).map(lives).collect();
        for house in houses {
            let (befell, found) = house.join().expect("no panic");
            faults.add(befell);
            audit.add(found);
        }
    });
    audit.report(&faults.report()).into_iter().for_each(figure);
    assert!(audit.holds(), "{audit:#?}");
    assert!(faults.were_survived(), "{faults:?}");
}

/// One line's lives.
fn endure(store: LaneStoreKind, crashes: u64, seed: u64) -> (Faults, Audit) {
    let (gateway, claims) = (Gateway::start(), Claims::new());
    let mind = thoughts::start(&claims);
    let mut house = House::with(store, &gateway.url, |config| as_audited(config, &mind));
    let messages = Arc::new(Messages::default());
    let (mut random, mut faults) = (Random(seed), Faults::default());
    let producers = Producers::new(&house, &claims, &messages, random.below(u64::MAX));
    let (mut ledger, mut recordings, mut hung_up) = (Ledger::default(), Vec::new(), Vec::new());
    for _ in 0..crashes {
        let mut line = house.start();
        let phone = Phone::call(line.sip);
        std::thread::scope(|scope| {
            scope.spawn(|| producers.act());
            if random.below(CALLER_EACH) == 0 {
                phone.media.say(&recorded("hello"));
            }
            let lives_ms = LIVES_MS.start + random.below(LIVES_MS.end - LIVES_MS.start);
            std::thread::sleep(Duration::from_millis(lives_ms));
            let scene = Scene { mind: &mind, phone: &phone, producers: &producers };
            faults.befall(&mut house, &mut line, &scene, &mut random);
        });
        producers.mourn();
        // What is on its way through the loopback arrives at once.
        std::thread::sleep(Duration::from_millis(20));
        recordings.push(Recording::of(&phone.media.heard()));
        ledger.read(&*house.store());
        // It notices within a moment that it is not needed any more.
        hung_up.push(std::thread::spawn(move || drop(phone)));
    }
    let so_far = mind.told().len();
    let line = house.start();
    let all_said =
        || line.queued() == 0 && messages.lost(&gateway).is_empty() && said_it(&mind, so_far);
    recordings.push(last_call(&line, all_said));
    line.stop();
    ledger.read(&*house.store());
    hung_up.into_iter().for_each(|phone| phone.join().expect("no panic"));
    let audit = Audit::of_sound(&claims, &ledger, &recordings)
        .with_journal(&claims, &ledger, &house.log())
        .with_messages(&messages, &gateway);
    (faults, audit)
}

/// Only what is handed in is heard: no filler, nothing about a brain that is away, and a voice is
/// waited for on a machine that is busy with other lines. What was said is remembered for the whole
/// run, and unrelated claims follow each other closely.
fn as_audited(config: &mut Config, mind: &Mind) {
    config.brain.command = mind.command();
    config.brain.away_text = String::new();
    config.governor.filler = String::new();
    config.governor.stall_ms = 5_000;
    config.governor.dedup_s = 3_600;
    config.governor.gap_ms = 40;
}

/// Nothing dies any more: what is left is said and sent.
fn last_call(line: &Line, all_said: impl Fn() -> bool) -> Recording {
    let phone = Phone::call(line.sip);
    wait_until("everything to be said and sent", ALL_SAID_WITHIN, || {
        // What ends between two claims is seen a moment later to go on.
        std::thread::sleep(Duration::from_millis(100));
        if !all_said() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(200));
        all_said().then_some(())
    });
    let recording = Recording::of(&phone.media.heard());
    phone.hang_up();
    recording
}
