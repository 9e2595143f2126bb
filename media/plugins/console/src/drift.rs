//! Keeps a ring between two clocks neither empty nor full.

/// Follows how much lies in a ring between a device and the line's tick, and says how far the
/// resampler's ratio is to be bent so that the same little always does.
///
/// What is steered is the *least* that lay there within a second: the rest of what is seen depends
/// on the sizes of blocks and on where in them one looks, and the least is what a late block may eat
/// into. A proportional-integral controller: the integral is the clocks' difference, which is
/// found in half a minute. Told of 10 ms steps; never reads a clock.
#[derive(Clone, Debug)]
pub struct Drift {
    per_ms: f64,
    least: Option<usize>,
    steps: u32,
    difference_ppm: f64,
    bent_ppm: f64,
}

/// What is to be done about the ring.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Bent {
    /// From now on the resampler yields this many times what it would by the nominal rates.
    Ratio(f64),
    /// Far too much lies there: leave out so many samples at the device's rate.
    Skip(usize),
}

impl Drift {
    /// Believes that the clocks agree. `device_hz`: the device's rate.
    #[must_use]
    pub fn new(device_hz: u32) -> Self {
        let per_ms = f64::from(device_hz) / 1_000.0;
        Self { per_ms, least: None, steps: 0, difference_ppm: 0.0, bent_ppm: 0.0 }
    }

    /// What should be there beyond what a step takes, in samples.
    #[must_use]
    pub fn margin_samples(&self) -> usize {
        (MARGIN_MS * self.per_ms) as usize
    }

    /// How much faster the device fills the ring, or slower it empties it, than it says: in
    /// millionths.
    #[must_use]
    pub fn difference_ppm(&self) -> i32 {
        self.difference_ppm.round() as i32
    }

    /// Takes a step of 10 ms, in which `least` samples lay in the ring at the least, if anybody
    /// looked.
    pub fn step(&mut self, least: Option<usize>) -> Option<Bent> {
        self.least = match (self.least, least) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.steps += 1;
        if self.steps < WINDOW_STEPS {
            return None;
        }
        self.steps = 0;
        let least = self.least.take()?;
        let over_ms = least as f64 / self.per_ms - MARGIN_MS;
        if over_ms > OVER_MS_MAX {
            return Some(Bent::Skip((over_ms * self.per_ms) as usize));
        }
        let sum = self.difference_ppm + INTEGRAL_PPM_PER_MS * over_ms;
        self.difference_ppm = sum.clamp(-DIFFERENCE_PPM_MAX, DIFFERENCE_PPM_MAX);
        let bent = self.difference_ppm + PPM_PER_MS * over_ms;
        self.bent_ppm = bent.clamp(-BENT_PPM_MAX, BENT_PPM_MAX);
        Some(Bent::Ratio(1.0 - self.bent_ppm / 1e6))
    }
}

/// How far a ratio may be bent at most, as a factor; what resamplers are built for.
pub(crate) const RATIO_MAX: f64 = 1.01;

/// What a late block may eat into: a busy desktop wakes a sound thread some milliseconds late.
const MARGIN_MS: f64 = 12.0;
/// Steps of 10 ms to a second.
const WINDOW_STEPS: u32 = 100;
/// With these two, an error is a third of itself after ten seconds, without swinging past.
const PPM_PER_MS: f64 = 100.0;
const INTEGRAL_PPM_PER_MS: f64 = 2.5;
/// Crystals are within 100 millionths, cheap ones within 200; software's clocks beyond that.
const DIFFERENCE_PPM_MAX: f64 = 1_000.0;
/// A thirtieth of a semitone: nobody hears it.
const BENT_PPM_MAX: f64 = 2_000.0;
/// After a standstill of one side: a conversation does not wait until that is bent away.
const OVER_MS_MAX: f64 = 80.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// A device and a tick with clocks of their own, in whole microseconds of true time.
    struct World {
        drift: Drift,
        ratio: f64,
        dice: u64,
        ring: f64,
        starved: u32,
        skipped: usize,
        most: f64,
    }

    impl World {
        fn new() -> Self {
            let drift = Drift::new(48_000);
            let ring = drift.margin_samples() as f64 + 1_440.0;
            Self { drift, ratio: 1.0, dice: 7, ring, starved: 0, skipped: 0, most: 0.0 }
        }

        /// Up to `max` microseconds late.
        fn late(&mut self, max: u64) -> u64 {
            self.dice ^= self.dice << 13;
            self.dice ^= self.dice >> 7;
            self.dice ^= self.dice << 17;
            self.dice % (max + 1)
        }

        fn decide(&mut self, least: Option<usize>) {
            match self.drift.step(least) {
                Some(Bent::Ratio(ratio)) => self.ratio = ratio,
                Some(Bent::Skip(samples)) => {
                    self.ring -= samples as f64;
                    self.skipped += samples;
                }
                None => {}
            }
        }
    }

    /// An hour of a microphone whose clock is `ppm` fast, in blocks of `block` samples: what was
    /// starved after the first minute, what was skipped, and the longest that a sample lay there.
    fn hour_of_microphone(ppm: f64, block: u64) -> (u32, usize, f64, i32) {
        let mut world = World::new();
        let block_us = block as f64 / 48_000.0 * 1e6 / (1.0 + ppm / 1e6);
        let (mut blocks, mut tick) = (0u64, 0u64);
        let mut next_block = 0;
        while tick < 360_000 {
            let now = tick * 10_000 + world.late(1_500);
            while next_block <= now {
                world.ring += block as f64;
                blocks += 1;
                next_block = (blocks as f64 * block_us) as u64 + world.late(4_000);
            }
            let wanted = 480.0 / world.ratio;
            if world.ring < wanted {
                world.starved += u32::from(tick > 6_000);
            } else {
                world.ring -= wanted;
            }
            if tick > 6_000 {
                world.most = world.most.max(world.ring);
            }
            let least = Some(world.ring as usize);
            world.decide(least);
            tick += 1;
        }
        (world.starved, world.skipped, world.most / 48.0, world.drift.difference_ppm())
    }

    /// The same of a loudspeaker, which takes what the tick brings.
    fn hour_of_speaker(ppm: f64, block: u64) -> (u32, usize, f64, i32) {
        let mut world = World::new();
        let block_us = block as f64 / 48_000.0 * 1e6 / (1.0 + ppm / 1e6);
        let (mut blocks, mut tick) = (0u64, 0u64);
        let mut next_block = 0;
        while tick < 360_000 {
            let now = tick * 10_000 + world.late(1_500);
            let mut least = None;
            while next_block <= now {
                if world.ring < block as f64 {
                    world.starved += u32::from(tick > 6_000);
                    world.ring = 0.0;
                } else {
                    world.ring -= block as f64;
                }
                least = Some(least.unwrap_or(usize::MAX).min(world.ring as usize));
                blocks += 1;
                next_block = (blocks as f64 * block_us) as u64 + world.late(4_000);
            }
            world.ring += 480.0 * world.ratio;
            if tick > 6_000 {
                world.most = world.most.max(world.ring);
            }
            world.decide(least);
            tick += 1;
        }
        (world.starved, world.skipped, world.most / 48.0, world.drift.difference_ppm())
    }

    #[test]
    fn an_hour_with_clocks_two_hundred_millionths_apart_starves_and_loses_nothing() {
        for ppm in [-200.0, 0.0, 200.0] {
            for block in [128, 480, 960, 1_024] {
                let block_ms = block as f64 / 48.0;
                for (name, sign, hour) in [
                    ("microphone", 1.0, hour_of_microphone(ppm, block)),
                    ("loudspeaker", -1.0, hour_of_speaker(ppm, block)),
                ] {
                    let (starved, skipped, most_ms, found_ppm) = hour;
                    let what = format!("{name} {ppm} ppm, blocks of {block}: {hour:?}");
                    assert_eq!((starved, skipped), (0, 0), "{what}");
                    assert!(most_ms < MARGIN_MS + 2.0 * block_ms + 30.0, "{what}");
                    // The window sees the least of a moving pattern, so the integral wanders a bit.
                    assert!((f64::from(found_ppm) - sign * ppm).abs() < 120.0, "{what}");
                }
            }
        }
    }

    #[test]
    fn what_a_standstill_left_behind_is_skipped_at_once() {
        let mut drift = Drift::new(48_000);
        let second: Vec<_> = (0..WINDOW_STEPS).filter_map(|_| drift.step(Some(24_000))).collect();
        assert_eq!(second, [Bent::Skip(24_000 - drift.margin_samples())]);
    }

    #[test]
    fn a_device_that_says_nothing_bends_nothing() {
        let mut drift = Drift::new(44_100);
        assert!((0..10 * WINDOW_STEPS).all(|_| drift.step(None).is_none()));
        assert_eq!(drift.difference_ppm(), 0);
    }
}
