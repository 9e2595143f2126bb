//! Who dies, and when.

use std::time::Duration;

use crate::house::{House, Line};
use crate::support::wait_until;

/// A store that is back is found again within half a second; a busy machine takes longer.
const KEPT_AGAIN_WITHIN: Duration = Duration::from_secs(60);

/// How often who died.
#[derive(Debug, Default)]
pub struct Faults {
    lines: usize,
    brains: usize,
    stores: usize,
    stores_hung: usize,
}

impl Faults {
    /// The line dies, and maybe something else before it or with it.
    pub fn befall(&mut self, house: &mut House, line: &mut Line, random: &mut Random) {
        match random.below(10) {
            0 | 1 => {
                // The brain dies first: that alone loses nothing and stops nothing.
                line.kill_the_brain();
                self.brains += 1;
                std::thread::sleep(Duration::from_millis(random.below(300)));
            }
            2..=4 => self.kill_the_store(house, line, random),
            5 | 6 => self.hang_the_store(house, line, random),
            _ => {}
        }
        line.kill();
        self.lines += 1;
        // The power is cut for both.
        if random.below(8) == 0
            && let Some(redis) = house.redis()
        {
            redis.kill();
            redis.restart();
            self.stores += 1;
        }
    }

    /// The store dies alone, and comes back. Meanwhile the line speaks on and takes nothing in;
    /// afterwards it knows what it said.
    fn kill_the_store(&mut self, house: &mut House, line: &Line, random: &mut Random) {
        let Some(redis) = house.redis() else { return };
        redis.kill();
        self.stores += 1;
        std::thread::sleep(Duration::from_millis(random.below(700)));
        redis.restart();
        go_on(line, random);
    }

    /// The store hangs, as on a machine that swaps.
    fn hang_the_store(&mut self, house: &mut House, line: &Line, random: &mut Random) {
        let Some(redis) = house.redis() else { return };
        redis.stop();
        self.stores_hung += 1;
        std::thread::sleep(Duration::from_millis(200 + random.below(2_000)));
        redis.go_on();
        go_on(line, random);
    }

    /// Of two houses.
    #[must_use]
    pub fn and(self, other: Faults) -> Self {
        Faults {
            lines: self.lines + other.lines,
            brains: self.brains + other.brains,
            stores: self.stores + other.stores,
            stores_hung: self.stores_hung + other.stores_hung,
        }
    }

    pub fn report(&self) -> String {
        let Faults { lines, brains, stores, stores_hung } = self;
        format!("crashes={lines} brains={brains} stores={stores} stores_hung={stores_hung}")
    }
}

/// A line that dies while its store is away cannot know afterwards what was heard meanwhile, and
/// promises nothing about it; so it lives until the store has it.
fn go_on(line: &Line, random: &mut Random) {
    wait_until("the journal to be written again", KEPT_AGAIN_WITHIN, || line.keeps().then_some(()));
    std::thread::sleep(Duration::from_millis(300 + random.below(300)));
}

/// A small generator of repeatable randomness (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
