use std::collections::BTreeMap;
use std::time::Duration;

use super::permit::Who;
use super::wish::{Refusal, Wish};

/// Users whose pace is kept at once; a machine has fewer that speak.
const PEERS_MAX: usize = 64;
/// Buckets are counted in millionths of a wish, so that no time is too short to count.
const ONE: u64 = 1_000_000;

const MB: usize = 1024 * 1024;

/// How much comes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DoorLimits {
    /// Wishes a second of one user, in the long run.
    pub per_second: u32,
    /// Wishes of one user at once, after a pause.
    pub burst: u32,
    /// Wishes that wait for a call at once.
    pub waiting_max: usize,
    /// Bytes of ready sound that wait, or are being said, at once.
    pub sound_bytes_max: usize,
}

impl Default for DoorLimits {
    fn default() -> Self {
        // Nobody listens to more than a few sentences a second; a burst is a script's loop.
        // Sound is held in memory until it is said: half an hour of it at 16 kHz, far more than a
        // call bears, and little beside what a recogniser takes.
        Self { per_second: 50, burst: 200, waiting_max: 256, sound_bytes_max: 64 * MB }
    }
}

/// Lets wishes in, at a pace for each user and a pace for all: four times that of one, so that a
/// user who floods leaves room for others. The time is told.
#[derive(Debug)]
pub struct Door {
    limits: DoorLimits,
    all: Bucket,
    each: BTreeMap<Who, Bucket>,
}

impl Door {
    /// A door that nobody has come through yet.
    #[must_use]
    pub fn new(limits: DoorLimits) -> Self {
        Self { limits, all: Bucket::full(&all(&limits)), each: BTreeMap::new() }
    }

    /// Whether a `wish` of `who` may come in at `now`, counted from any origin, while `waiting`
    /// wait for a call.
    ///
    /// # Errors
    /// The [`Refusal`]; [`Refusal::again_in_ms`] says whether trying again helps.
    pub fn admit(
        &mut self,
        now: Duration,
        who: Who,
        wish: &Wish,
        waiting: usize,
    ) -> Result<(), Refusal> {
        wish.check(who)?;
        if waiting >= self.limits.waiting_max {
            return Err(Refusal::QueueFull { max: self.limits.waiting_max });
        }
        self.make_room(now, who);
        let limits = self.limits;
        let own =
            self.each.entry(who).or_insert_with(|| Bucket { at: now, ..Bucket::full(&limits) });
        own.fill(now, &limits);
        self.all.fill(now, &all(&limits));
        let missing = own.missing().max(self.all.missing());
        if missing > 0 {
            let per_second = limits.per_second;
            let again_in_ms = missing.div_ceil(u64::from(per_second.max(1)) * ONE / 1_000);
            return Err(Refusal::TooFast { per_second, again_in_ms });
        }
        own.level -= ONE;
        self.all.level -= ONE;
        Ok(())
    }

    /// Whether so many bytes of sound may come in beside the `held` ones. What is larger than all that
    /// may be held is let in by itself: how long one sound may be is decided elsewhere.
    ///
    /// # Errors
    /// [`Refusal::TooMuchSound`].
    pub fn has_room_for(&self, sound_bytes: usize, held: usize) -> Result<(), Refusal> {
        let max = self.limits.sound_bytes_max;
        if sound_bytes == 0 || held == 0 || held.saturating_add(sound_bytes) <= max {
            return Ok(());
        }
        Err(Refusal::TooMuchSound { max_mb: max / MB })
    }

    /// Forgets whoever has been quiet longest, when there is no place for one more.
    fn make_room(&mut self, now: Duration, who: Who) {
        if self.each.len() < PEERS_MAX || self.each.contains_key(&who) {
            return;
        }
        let quietest = self.each.iter().max_by_key(|(_, bucket)| now.saturating_sub(bucket.at));
        if let Some(quietest) = quietest.map(|(who, _)| *who) {
            self.each.remove(&quietest);
        }
    }
}

/// A bucket that fills with time and gives one for each wish.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: u64,
    at: Duration,
}

impl Bucket {
    fn full(limits: &DoorLimits) -> Self {
        Self { level: u64::from(limits.burst) * ONE, at: Duration::ZERO }
    }

    fn fill(&mut self, now: Duration, limits: &DoorLimits) {
        let micros = u64::try_from(now.saturating_sub(self.at).as_micros()).unwrap_or(u64::MAX);
        self.at = self.at.max(now);
        let came = micros.saturating_mul(u64::from(limits.per_second));
        self.level = self.level.saturating_add(came).min(u64::from(limits.burst) * ONE);
    }

    fn missing(&self) -> u64 {
        ONE.saturating_sub(self.level)
    }
}

fn all(each: &DoorLimits) -> DoorLimits {
    let four_times = |n: u32| n.saturating_mul(4);
    DoorLimits { per_second: four_times(each.per_second), burst: four_times(each.burst), ..*each }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: DoorLimits =
        DoorLimits { per_second: 10, burst: 5, waiting_max: 100, sound_bytes_max: 8 * MB };

    fn let_in(door: &mut Door, ms: u64, who: Who, tries: usize) -> usize {
        let now = Duration::from_millis(ms);
        let wish = Wish::text("hello");
        (0..tries).filter(|_| door.admit(now, who, &wish, 0).is_ok()).count()
    }

    #[test]
    fn a_flood_is_let_in_at_its_pace_and_told_when_to_try_again() {
        let mut door = Door::new(LIMITS);
        assert_eq!(let_in(&mut door, 0, Who::Owner, 100), 5, "the burst");
        let refused = door.admit(Duration::ZERO, Who::Owner, &Wish::text("a"), 0);
        assert_eq!(refused, Err(Refusal::TooFast { per_second: 10, again_in_ms: 100 }));
        assert_eq!(let_in(&mut door, 99, Who::Owner, 9), 0);
        assert_eq!(let_in(&mut door, 100, Who::Owner, 9), 1);
        let second: usize = (1..=100).map(|n| let_in(&mut door, 100 + n * 10, Who::Owner, 3)).sum();
        assert_eq!(second, 10, "in a second");
    }

    #[test]
    fn a_user_who_floods_leaves_room_for_the_others() {
        let mut door = Door::new(LIMITS);
        let_in(&mut door, 0, Who::Guest(1), 1_000);
        assert_eq!(let_in(&mut door, 0, Who::Owner, 3), 3);
    }

    #[test]
    fn a_crowd_of_users_is_let_in_at_four_times_the_pace_of_one() {
        let mut door = Door::new(LIMITS);
        let crowd: usize = (0..1_000).map(|uid| let_in(&mut door, 0, Who::Guest(uid), 1)).sum();
        assert_eq!(crowd, 20);
        assert!(door.each.len() <= PEERS_MAX);
    }

    #[test]
    fn a_clock_that_stands_or_goes_back_lets_nobody_in_for_nothing() {
        let mut door = Door::new(LIMITS);
        let_in(&mut door, 5_000, Who::Owner, 5);
        assert_eq!(let_in(&mut door, 0, Who::Owner, 5), 0);
        assert_eq!(let_in(&mut door, 5_000, Who::Owner, 5), 0);
    }

    #[test]
    fn a_full_queue_refuses_and_says_so() {
        let mut door = Door::new(LIMITS);
        let full = door.admit(Duration::ZERO, Who::Owner, &Wish::text("a"), 100);
        assert_eq!(full, Err(Refusal::QueueFull { max: 100 }));
        assert_eq!(full.unwrap_err().again_in_ms(), Some(1_000));
    }

    #[test]
    fn sound_is_let_in_by_its_bytes_and_words_always() {
        let door = Door::new(LIMITS);
        assert_eq!(door.has_room_for(5 * MB, 3 * MB), Ok(()));
        let full = door.has_room_for(5 * MB + 1, 3 * MB);
        assert_eq!(full, Err(Refusal::TooMuchSound { max_mb: 8 }));
        assert_eq!(full.unwrap_err().again_in_ms(), Some(1_000), "some of it will have been said");
        assert_eq!(door.has_room_for(0, 9 * MB), Ok(()));
        assert_eq!(door.has_room_for(20 * MB, 0), Ok(()), "else it would never be said");
        assert!(door.has_room_for(usize::MAX, 1).is_err());
    }
}
