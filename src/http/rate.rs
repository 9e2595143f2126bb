//! How much may come in: a bucket for each source and one for all of them. Told the time.

use std::collections::BTreeMap;
use std::time::Duration;

/// Sources that are told apart; who comes beyond that shares one bucket. More than any machine's
/// scripts and any family's phones.
const SOURCES_MAX: usize = 1_024;

/// Who comes again after so long is no stranger.
const KNOWN_AFTER: Duration = Duration::from_secs(60);

/// So many at once, and so many in a minute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// At once, after a pause.
    pub burst: u32,
    /// In the long run.
    pub per_minute: u32,
}

/// The buckets. Time is what has passed since any fixed moment.
#[derive(Debug)]
pub struct Rates {
    all: Bucket,
    each: Rate,
    sources: BTreeMap<String, Bucket>,
    /// For those who are not told apart.
    others: Bucket,
}

impl Rates {
    /// Full buckets.
    #[must_use]
    pub fn new(each: Rate, all: Rate) -> Self {
        Self { all: Bucket::full(all), each, sources: BTreeMap::new(), others: Bucket::full(each) }
    }

    /// Lets one in, or says when to come again. Who is kept out takes nothing from the others.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(&mut self, now: Duration, source: &str) -> Result<(), Duration> {
        match self.wait(now, source) {
            Duration::ZERO => {
                self.charge(source);
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// How long until this source may.
    pub(super) fn wait(&mut self, now: Duration, source: &str) -> Duration {
        self.all.fill(now);
        self.make_room(now, source);
        let all = self.all.wait();
        let bucket = self.bucket(source);
        bucket.fill(now);
        bucket.wait().max(all)
    }

    /// It did.
    pub(super) fn charge(&mut self, source: &str) {
        self.bucket(source).level -= 1.0;
        self.all.level -= 1.0;
    }

    /// Whether this source came once a while ago, and again since. Its bucket is kept before those
    /// of others.
    pub(super) fn is_known(&mut self, now: Duration, source: &str) -> bool {
        let Some(bucket) = self.sources.get_mut(source) else { return false };
        bucket.known |= now.saturating_sub(bucket.since) >= KNOWN_AFTER;
        bucket.known
    }

    fn bucket(&mut self, source: &str) -> &mut Bucket {
        self.sources.get_mut(source).unwrap_or(&mut self.others)
    }

    /// Gives a source its bucket; one that is full again need not be remembered, least of all one
    /// that came but once.
    fn make_room(&mut self, now: Duration, source: &str) {
        if self.sources.contains_key(source) {
            return;
        }
        for known_too in [false, true] {
            if self.sources.len() >= SOURCES_MAX {
                self.sources.retain(|_, bucket| {
                    bucket.fill(now);
                    !bucket.is_full() || (bucket.known && !known_too)
                });
            }
        }
        if self.sources.len() < SOURCES_MAX {
            let mut bucket = Bucket::full(self.each);
            (bucket.at, bucket.since) = (now, now);
            self.sources.insert(source.to_owned(), bucket);
        }
    }
}

#[derive(Debug)]
struct Bucket {
    rate: Rate,
    level: f64,
    at: Duration,
    since: Duration,
    known: bool,
}

impl Bucket {
    fn full(rate: Rate) -> Self {
        let (at, since) = (Duration::ZERO, Duration::ZERO);
        Self { rate, level: f64::from(rate.burst), at, since, known: false }
    }

    fn per_second(&self) -> f64 {
        f64::from(self.rate.per_minute) / 60.0
    }

    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.level = (self.level + passed * self.per_second()).min(f64::from(self.rate.burst));
        self.at = self.at.max(now);
    }

    fn is_full(&self) -> bool {
        self.level >= f64::from(self.rate.burst)
    }

    /// Until there is one.
    fn wait(&self) -> Duration {
        if self.level >= 1.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64((1.0 - self.level) / self.per_second()).unwrap_or(WAIT_MAX)
    }
}

/// What a rate of none at all comes to.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: Rate = Rate { burst: 3, per_minute: 60 };
    const ALL: Rate = Rate { burst: 5, per_minute: 120 };

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_source_that_floods_is_told_when_to_come_again_and_others_are_let_in() {
        let mut rates = Rates::new(EACH, ALL);
        for _ in 0..3 {
            assert_eq!(rates.take(at(0), "one"), Ok(()));
        }
        assert_eq!(rates.take(at(0), "one"), Err(at(1_000)));
        assert_eq!(rates.take(at(0), "two"), Ok(()), "a refusal takes nothing from the others");
        assert!(rates.take(at(999), "one").is_err());
        assert_eq!(rates.take(at(1_000), "one"), Ok(()));
    }

    #[test]
    fn all_sources_together_have_a_limit_too() {
        let mut rates = Rates::new(EACH, ALL);
        for source in ["a", "b", "c", "d", "e"] {
            assert_eq!(rates.take(at(0), source), Ok(()));
        }
        assert_eq!(rates.take(at(0), "f"), Err(at(500)));
        assert_eq!(rates.take(at(500), "f"), Ok(()));
    }

    #[test]
    fn a_pause_earns_a_burst_and_no_more() {
        let mut rates = Rates::new(EACH, Rate { burst: 100, per_minute: 6_000 });
        assert_eq!(rates.take(at(0), "one"), Ok(()));
        let later = at(3_600_000);
        assert_eq!((0..9).filter(|_| rates.take(later, "one").is_ok()).count(), 3);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_and_takes_nothing() {
        let mut rates = Rates::new(EACH, ALL);
        assert_eq!((0..9).filter(|_| rates.take(at(5_000), "one").is_ok()).count(), 3);
        assert!(rates.take(at(1_000), "one").is_err());
        assert!(rates.take(at(5_500), "one").is_err());
        assert_eq!(rates.take(at(6_000), "one"), Ok(()));
    }

    #[test]
    fn sources_are_bounded_and_strangers_beyond_that_share_a_bucket() {
        let wide = Rate { burst: 1_000_000, per_minute: 60 };
        let mut rates = Rates::new(EACH, wide);
        for n in 0..SOURCES_MAX {
            assert_eq!(rates.take(at(0), &n.to_string()), Ok(()));
        }
        let strangers = (0..9).filter(|n| rates.take(at(0), &format!("stranger {n}")).is_ok());
        assert_eq!(strangers.count(), 3);
        assert_eq!(rates.sources.len(), SOURCES_MAX);
        assert_eq!(rates.take(at(60_000), "a friend"), Ok(()), "the idle ones are forgotten");
        assert!(rates.sources.len() < SOURCES_MAX);
    }
}
