//! How many datagrams are read in a second, of one source and of all: the last thing that is looked
//! at before a byte is parsed.
//!
//! What comes faster is dropped unread. SIP over UDP sends again what got no answer, so an honest
//! burst is late and not lost.

use core::net::IpAddr;
use std::collections::BTreeMap;

use media_core::MonoTime;

use crate::admission::Bucket;

/// Buckets of each source that was heard within the last second, and one of all.
#[derive(Debug)]
pub(crate) struct Throttle {
    all: Bucket,
    sources: BTreeMap<IpAddr, Bucket>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { all: Bucket::per_second(ALL_PER_S), sources: BTreeMap::new() }
    }
}

impl Throttle {
    /// Whether one more datagram of `source` is read. One source that floods takes nothing from the
    /// others: what it sends beyond its own share is not counted towards all.
    pub(crate) fn lets(&mut self, now: MonoTime, source: IpAddr) -> bool {
        if self.sources.len() >= SOURCES_MAX && !self.sources.contains_key(&source) {
            self.sources.retain(|_, bucket| !bucket.is_full(now));
            if self.sources.len() >= SOURCES_MAX {
                return false;
            }
        }
        let own = self.sources.entry(source).or_insert_with(|| Bucket::per_second(SOURCE_PER_S));
        own.take(now) && self.all.take(now)
    }
}

/// 20 calls a second, the carrier's limit, are a hundred or two datagrams; an exchange of our own
/// with hundreds of calls sends a thousand.
const SOURCE_PER_S: u32 = 4_000;
/// Parsing and answering so many takes a tenth of a core.
const ALL_PER_S: u32 = 8_000;
/// Addresses of trunks that send within one second; a trunk that is a whole network can be forged in
/// as many names.
const SOURCES_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn source(n: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + n).to_be_bytes())
    }

    fn at(ms: u64) -> MonoTime {
        MonoTime::from_millis(ms)
    }

    #[test]
    fn a_source_that_floods_is_read_at_its_own_rate_and_the_others_as_before() {
        let mut throttle = Throttle::default();
        let read = (0..20_000).filter(|_| throttle.lets(at(0), source(1))).count();
        assert_eq!(read, SOURCE_PER_S as usize);
        assert!(throttle.lets(at(0), source(2)), "another source has its own share");
        assert!(!throttle.lets(at(0), source(1)));
        assert!(throttle.lets(at(1), source(1)), "four come in a millisecond");
    }

    #[test]
    fn all_sources_together_are_bounded_too() {
        let mut throttle = Throttle::default();
        let read = (0..30_000).filter(|n| throttle.lets(at(0), source(n % 10))).count();
        assert_eq!(read, ALL_PER_S as usize);
    }

    #[test]
    fn forged_sources_take_bounded_memory_and_are_forgotten_after_a_second() {
        let mut throttle = Throttle::default();
        for n in 0..5_000 {
            throttle.lets(at(0), source(n));
        }
        assert_eq!(throttle.sources.len(), SOURCES_MAX);
        assert!(!throttle.lets(at(0), source(9_999)));
        assert!(throttle.lets(at(1_000), source(9_999)));
        assert_eq!(throttle.sources.len(), 1);
    }
}
