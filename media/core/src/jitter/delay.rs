//! How late packets are: the base of their transit, and the distribution above it.

/// Learns the delay that a stream needs. All times in clock ticks.
#[derive(Clone, Debug)]
pub(super) struct DelayEstimator {
    bucket_ticks: i64,
    block_ticks: i64,
    /// How far into a pull packets are needed, at most, lately.
    offset_ticks: i64,
    margin_ticks: i64,
    min_ticks: i64,
    max_ticks: i64,
    base: Option<Base>,
    counts: [u16; BUCKETS],
    total: u32,
    since_quantile: u32,
    quantile_bucket: usize,
}

/// The smallest transit of the current block of time and of the one before.
#[derive(Clone, Copy, Debug)]
struct Base {
    block_end: i64,
    current: i64,
    before: i64,
}

impl DelayEstimator {
    pub(super) fn new(rate_hz: u32, min_ms: u32, max_ms: u32) -> Self {
        let ms = |n: u32| i64::from(n) * i64::from(rate_hz) / 1_000;
        Self {
            bucket_ticks: ms(BUCKET_MS).max(1),
            block_ticks: ms(BLOCK_MS),
            offset_ticks: 0,
            margin_ticks: ms(MARGIN_MS),
            min_ticks: ms(min_ms),
            max_ticks: ms(max_ms),
            base: None,
            counts: [0; BUCKETS],
            total: 0,
            since_quantile: 0,
            quantile_bucket: 0,
        }
    }

    /// Takes the transit of a packet that arrived at `arrival`. Its jitter counts if `learn`.
    pub(super) fn on_arrival(&mut self, arrival: i64, transit: i64, learn: bool) {
        let base = self.advance_base(arrival, transit);
        if learn {
            let late = (transit - base).max(0) / self.bucket_ticks;
            self.count((late as usize).min(BUCKETS - 1));
        }
    }

    /// The smallest transit of the last two to four seconds; `None` before the first packet.
    pub(super) fn base(&self) -> Option<i64> {
        self.base.map(|b| b.current.min(b.before))
    }

    /// The delay to aim for, above the base.
    pub(super) fn target(&self) -> i64 {
        let needed = if self.total == 0 {
            0
        } else {
            let late = (self.quantile_bucket as i64 + 1) * self.bucket_ticks;
            late + self.offset_ticks + self.margin_ticks
        };
        needed.clamp(self.min_ticks, self.max_ticks)
    }

    /// A packet was played `offset` after the beginning of the pull that needed it: it had to be
    /// here so much earlier than its first sample sounded.
    pub(super) fn on_played(&mut self, offset: i64) {
        self.offset_ticks = offset.max(self.offset_ticks - self.offset_ticks / OFFSET_FADES - 1);
        self.offset_ticks = self.offset_ticks.max(0);
    }

    /// Transit times mean something else from now on; the jitter learnt stays.
    pub(super) fn forget_base(&mut self) {
        self.base = None;
    }

    fn advance_base(&mut self, arrival: i64, transit: i64) -> i64 {
        let block_end = arrival + self.block_ticks;
        let mut base = self.base.unwrap_or(Base { block_end, current: transit, before: transit });
        if arrival >= base.block_end {
            let outdated = arrival - base.block_end >= self.block_ticks;
            let before = if outdated { transit } else { base.current };
            base = Base { block_end, current: transit, before };
        }
        base.current = base.current.min(transit);
        self.base = Some(base);
        base.current.min(base.before)
    }

    fn count(&mut self, bucket: usize) {
        self.counts[bucket] += 1;
        self.total += 1;
        if self.total >= REMEMBERED {
            self.counts.iter_mut().for_each(|c| *c /= 2);
            self.total = self.counts.iter().map(|&c| u32::from(c)).sum();
            self.since_quantile = QUANTILE_EVERY;
        }
        self.since_quantile += 1;
        if bucket > self.quantile_bucket || self.since_quantile >= QUANTILE_EVERY {
            self.since_quantile = 0;
            self.quantile_bucket = self.quantile();
        }
    }

    /// The bucket below which all but 0.25 % lie.
    fn quantile(&self) -> usize {
        let mut beyond = self.total / BEYOND_ONE_IN;
        for (bucket, &count) in self.counts.iter().enumerate().rev() {
            if u32::from(count) > beyond {
                return bucket;
            }
            beyond -= u32::from(count);
        }
        0
    }
}

const BUCKET_MS: u32 = 5;

// 320 ms; later than that is not jitter but an outage. The last bucket takes the rest.
const BUCKETS: usize = 64;

// At 500 ppm the base moves 1 ms in this time, and is outdated by at most twice that.
const BLOCK_MS: u32 = 2_000;

// Counts are halved here, so that what is older than some 20 s at 20 ms a packet fades.
const REMEMBERED: u32 = 1_024;
const BEYOND_ONE_IN: u32 = 400;

// Delay may be so much below its target before it is corrected: then it still suffices.
const MARGIN_MS: u32 = super::SHORT_OF_TARGET_MS;

const OFFSET_FADES: i64 = 64;

// The quantile is searched this often, and at once when a packet is later than it.
const QUANTILE_EVERY: u32 = 16;
