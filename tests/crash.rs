//! The power cord: the real line under a load of claims, killed with `kill -9` at random moments
//! and started again, while a phone listens; and then the audit of what the phone heard against
//! what was acknowledged. Each claim sounds like no other ([`tones`]), so a recording says by
//! itself who was heard, whether all of it was, and whether two were heard at once.
//!
//! `CRASHES` sets how often (10; `make prove`: 200), `CRASH_SEED` repeats a run.

#[path = "crash/audit.rs"]
mod audit;
#[path = "crash/house.rs"]
mod house;
#[path = "crash/producers.rs"]
mod producers;
#[allow(dead_code, reason = "shared with the end-to-end tests")]
#[path = "e2e/support/mod.rs"]
mod support;
#[path = "crash/tones.rs"]
mod tones;
#[path = "crash/wire.rs"]
mod wire;

use std::time::Duration;

use audit::{Audit, Recording};
use house::House;
use producers::{Claims, submit};
use support::phone::Phone;
use support::{alone, figure, wait_until};

/// Claims handed in between two kills.
const CLAIMS_EACH: usize = 3;
/// A claim takes 0.6 s; what is left after the last kill is said within this.
const ALL_SAID_WITHIN: Duration = Duration::from_secs(120);

#[test]
fn a_line_that_is_killed_again_and_again_says_each_claim_once() {
    let _machine = alone();
    let crashes: usize = number("CRASHES").unwrap_or(10) as usize;
    let mut random = Random(number("CRASH_SEED").unwrap_or_else(any_seed));
    figure(format!("crashes: CRASHES={crashes} CRASH_SEED={}", random.0));
    let house = House::new();
    let claims = Claims::new(house.dir());
    let mut recordings: Vec<Recording> = Vec::new();
    for crash in 0..crashes {
        let mut line = house.start();
        let phone = Phone::call(line.sip);
        let submitting = submit(&house.socket, &claims, CLAIMS_EACH);
        std::thread::sleep(Duration::from_millis(100 + random.below(1_000)));
        if crash % 5 == 4 {
            // The brain dies first: that alone loses nothing and stops nothing.
            line.kill_the_brain();
            std::thread::sleep(Duration::from_millis(random.below(300)));
        }
        line.kill();
        submitting.join().expect("no panic");
        // What is on its way through the loopback arrives at once.
        std::thread::sleep(Duration::from_millis(20));
        recordings.push(Recording::of(&phone.media.heard()));
        drop(phone);
    }
    let line = house.start();
    let phone = Phone::call(line.sip);
    wait_until("everything to be said", ALL_SAID_WITHIN, || {
        let queued = line.queued();
        std::thread::sleep(Duration::from_millis(100));
        (queued == 0).then_some(())
    });
    std::thread::sleep(Duration::from_millis(200));
    recordings.push(Recording::of(&phone.media.heard()));
    phone.hang_up();
    line.stop();
    let audit = Audit::of(claims.handed_in(), &claims.acknowledged(), &recordings);
    figure(audit.report(crashes));
    assert!(audit.holds(), "{audit:?}");
}

/// A small generator of repeatable randomness (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn any_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) & 0xffff_ffff
}
