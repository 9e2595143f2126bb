//! Who dies, and when.

use std::time::{Duration, Instant};

use crate::house::{House, Line};
use crate::producers::Producers;
use crate::support::mind::Mind;
use crate::support::phone::Phone;
use crate::support::sound::recorded;
use crate::support::{Random, wait_until};
use crate::thoughts::{calls, turns};

/// A store that is back is found again within half a second; a busy machine takes longer.
const KEPT_AGAIN_WITHIN: Duration = Duration::from_secs(60);
/// A brain is started again within a second; a busy machine takes longer.
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// How long a caller who is not understood waits before saying it again.
const UNDERSTOOD_WITHIN: Duration = Duration::from_secs(6);
const TRIES_MAX: usize = 5;

/// How often who died.
#[derive(Debug, Default)]
pub struct Faults {
    lines: usize,
    brains: usize,
    /// How many of them the line outlived, to the next one.
    brains_back: usize,
    stores: usize,
    stores_hung: usize,
    voices: usize,
    recognisers: usize,
    /// After how many of the last two the line answered again.
    answered: usize,
}

/// Who is there when something happens.
pub struct Scene<'s> {
    pub mind: &'s Mind,
    pub phone: &'s Phone,
    pub producers: &'s Producers,
}

impl Faults {
    /// The line dies, and maybe something else before it or with it. In its second and third life
    /// that is one of its speech workers, in later ones whatever comes.
    pub fn befall(
        &mut self,
        house: &mut House,
        line: &mut Line,
        scene: &Scene<'_>,
        random: &mut Random,
    ) {
        let what = match self.lines {
            1 => 7,
            2 => 8,
            _ => random.below(14),
        };
        match what {
            0 | 1 => {
                // The brain dies first: that alone loses nothing and stops nothing.
                let before = calls(scene.mind);
                line.kill_the_brain();
                self.brains += 1;
                if what == 0 {
                    let back = || (calls(scene.mind) > before).then_some(());
                    wait_until("the next brain to come to the call", BACK_WITHIN, back);
                    self.brains_back += 1;
                }
                std::thread::sleep(Duration::from_millis(random.below(300)));
            }
            2..=4 => self.kill_the_store(house, line, random),
            5 | 6 => self.hang_the_store(house, line, random),
            7 => self.break_the_voice(house, scene),
            8 => self.break_the_recogniser(house, scene),
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

    /// The voice's worker breaks down over whatever it speaks next, an alert at the latest; and the
    /// alert is heard to its end.
    fn break_the_voice(&mut self, house: &House, scene: &Scene<'_>) {
        house.break_down("voice");
        let ending = scene.producers.notice();
        assert!(house.broke_down("voice"), "nothing was spoken: {ending:?}");
        self.voices += 1;
        self.answered += usize::from(ending.as_deref() == Some("spoken"));
    }

    /// The recogniser's worker breaks down over what the caller says; and what the caller says is
    /// understood, this time or the next.
    fn break_the_recogniser(&mut self, house: &House, scene: &Scene<'_>) {
        let before = turns(scene.mind);
        house.break_down("recogniser");
        let understood = (0..TRIES_MAX).any(|_| {
            scene.phone.media.say(&recorded("hello"));
            let latest = Instant::now() + UNDERSTOOD_WITHIN;
            while turns(scene.mind) == before && Instant::now() < latest {
                std::thread::sleep(Duration::from_millis(10));
            }
            turns(scene.mind) > before
        });
        assert!(house.broke_down("recogniser"), "nothing was heard");
        self.recognisers += 1;
        self.answered += usize::from(understood);
    }

    /// Whether the line answered after each breakdown of a worker.
    pub fn were_survived(&self) -> bool {
        self.answered == self.voices + self.recognisers
    }

    /// And another house's.
    pub fn add(&mut self, other: Faults) {
        self.lines += other.lines;
        self.brains += other.brains;
        self.brains_back += other.brains_back;
        self.stores += other.stores;
        self.stores_hung += other.stores_hung;
        self.voices += other.voices;
        self.recognisers += other.recognisers;
        self.answered += other.answered;
    }

    pub fn report(&self) -> String {
        let Faults { lines, brains, brains_back, stores, stores_hung, .. } = self;
        let Faults { voices, recognisers, answered, .. } = self;
        let workers = voices + recognisers;
        format!(
            "crashes={lines} brains={brains} brains_back={brains_back} stores={stores} \
             stores_hung={stores_hung} \
             worker_faults={workers} (voice {voices}, recogniser {recognisers}) \
             answered_again={answered}"
        )
    }
}

/// A line that dies while its store is away cannot know afterwards what was heard meanwhile, and
/// promises nothing about it; so it lives until the store has it.
fn go_on(line: &Line, random: &mut Random) {
    wait_until("the journal to be written again", KEPT_AGAIN_WITHIN, || line.keeps().then_some(()));
    std::thread::sleep(Duration::from_millis(300 + random.below(300)));
}
