//! Lateness of ticks, counted without locks.

use std::sync::atomic::{AtomicU64, Ordering};

/// Values below this have a bucket each; above, each power of two has this many. Percentiles are
/// right to 1/32.
const SUB_BUCKETS: u64 = 32;
const SUB_BITS: u32 = SUB_BUCKETS.trailing_zeros();
/// 2^26 µs are 67 s. What is later counts as that.
const MAGNITUDES: u32 = 26;
const BUCKETS: usize = ((MAGNITUDES - SUB_BITS + 1) as usize) * SUB_BUCKETS as usize;

/// A histogram of microseconds. One writer, any number of readers; recording is two relaxed
/// increments and real-time safe.
pub(crate) struct Histogram {
    buckets: Box<[AtomicU64; BUCKETS]>,
    max: AtomicU64,
}

/// Percentiles of tick lateness, in microseconds: how long after its deadline a tick began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lateness {
    /// Ticks counted.
    pub count: u64,
    /// Median.
    pub p50_us: u64,
    /// 99 of 100 ticks were no later.
    pub p99_us: u64,
    /// 999 of 1,000 ticks were no later.
    pub p999_us: u64,
    /// The latest tick.
    pub max_us: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Self { buckets: Box::new([const { AtomicU64::new(0) }; BUCKETS]), max: AtomicU64::new(0) }
    }

    pub fn record(&self, micros: u64) {
        self.buckets[bucket_of(micros)].fetch_add(1, Ordering::Relaxed);
        self.max.fetch_max(micros, Ordering::Relaxed);
    }
}

/// The percentiles of several histograms together.
pub(crate) fn lateness<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Lateness {
    let mut counts = vec![0; BUCKETS];
    let mut max_us = 0;
    for histogram in histograms {
        for (sum, bucket) in counts.iter_mut().zip(histogram.buckets.iter()) {
            *sum += bucket.load(Ordering::Relaxed);
        }
        max_us = max_us.max(histogram.max.load(Ordering::Relaxed));
    }
    let count: u64 = counts.iter().sum();
    let at = |per_mille: u64| percentile(&counts, count, per_mille).min(max_us);
    Lateness { count, p50_us: at(500), p99_us: at(990), p999_us: at(999), max_us }
}

fn percentile(counts: &[u64], count: u64, per_mille: u64) -> u64 {
    let wanted = (count * per_mille).div_ceil(1_000);
    let mut seen = 0;
    for (bucket, n) in counts.iter().enumerate() {
        seen += n;
        if seen >= wanted && seen > 0 {
            return highest_in(bucket as u64);
        }
    }
    0
}

fn bucket_of(micros: u64) -> usize {
    let micros = micros.min((1 << MAGNITUDES) - 1);
    if micros < SUB_BUCKETS {
        return micros as usize;
    }
    let magnitude = micros.ilog2() - SUB_BITS;
    (u64::from(magnitude) * SUB_BUCKETS + (micros >> magnitude)) as usize
}

fn highest_in(bucket: u64) -> u64 {
    if bucket < 2 * SUB_BUCKETS {
        return bucket;
    }
    let magnitude = bucket / SUB_BUCKETS - 1;
    let mantissa = bucket % SUB_BUCKETS + SUB_BUCKETS;
    ((mantissa + 1) << magnitude) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_a_thirty_second() {
        let histogram = Histogram::new();
        for micros in 1..=10_000 {
            histogram.record(micros);
        }
        let late = lateness([&histogram].into_iter());
        assert_eq!((late.count, late.max_us), (10_000, 10_000));
        for (got, exact) in [(late.p50_us, 5_000), (late.p99_us, 9_900), (late.p999_us, 9_990)] {
            assert!(got >= exact && got <= exact + exact / 31, "{got} for {exact}");
        }
    }

    #[test]
    fn every_value_has_a_bucket_whose_top_is_not_below_it() {
        for micros in (0..100_000).chain([1 << 25, (1 << 26) - 1]) {
            let bucket = bucket_of(micros);
            assert!(bucket < BUCKETS && highest_in(bucket as u64) >= micros, "{micros}");
        }
        assert!(bucket_of(u64::MAX) < BUCKETS);
        assert_eq!(lateness([&Histogram::new()].into_iter()), Lateness::default());
    }
}
