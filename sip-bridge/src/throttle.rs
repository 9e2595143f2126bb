//! How much is read in a second: of one source, of one trunk whatever addresses it has, and of all. The
//! last thing that is looked at before a byte is parsed.
//!
//! Datagrams that come faster are dropped unread: SIP over UDP sends again what got no answer, so an
//! honest burst is late and not lost. Streams wait, and connections that come faster are closed.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use media_core::MonoTime;

use crate::admission::Bucket;

/// What is taken in a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    /// Of one address.
    pub source: u32,
    /// Of one trunk, which may be a whole network, and over UDP is whoever writes its addresses.
    pub trunk: u32,
    /// Of one trunk, whatever the others send.
    pub trunk_at_least: u32,
    /// Of all trunks together, beside what each has for itself.
    pub all: u32,
}

/// Buckets of each trunk that was heard within the last second, of its sources, and one of all.
#[derive(Debug)]
pub(crate) struct Throttle {
    rates: Rates,
    all: Bucket,
    trunks: BTreeMap<Arc<str>, Share>,
}

/// What one trunk has sent.
#[derive(Debug)]
struct Share {
    bucket: Bucket,
    own: Bucket,
    sources: BTreeMap<IpAddr, Bucket>,
    /// There is no room for another source, and none is looked for before.
    crowded_until: MonoTime,
}

impl Throttle {
    pub(crate) fn new(rates: Rates) -> Self {
        Self { rates, all: Bucket::per_second(rates.all), trunks: BTreeMap::new() }
    }

    /// Whether one more of `source` is read, which `trunk` lists (`None`: a peer that we dialled), and
    /// counts as many as `weight`. A source that floods takes nothing from the others, nor a trunk: what it sends beyond its own
    /// share is not counted towards all.
    pub(crate) fn lets(
        &mut self,
        now: MonoTime,
        source: IpAddr,
        trunk: Option<&str>,
        weight: u32,
    ) -> bool {
        let trunk = trunk.unwrap_or_default();
        if !self.trunks.contains_key(trunk) {
            // Trunks come and go with the configuration.
            self.trunks.retain(|_, share| !share.bucket.is_full(now));
            self.trunks.insert(trunk.into(), Share::new(self.rates));
        }
        let Some(share) = self.trunks.get_mut(trunk) else { return false };
        share.lets(now, source, self.rates.source, weight)
            && (share.own.take_many(now, weight) || self.all.take_many(now, weight))
    }
}

impl Share {
    fn new(rates: Rates) -> Self {
        Self {
            bucket: Bucket::per_second(rates.trunk),
            own: Bucket::per_second(rates.trunk_at_least),
            sources: BTreeMap::new(),
            crowded_until: MonoTime::ZERO,
        }
    }

    fn lets(&mut self, now: MonoTime, source: IpAddr, per_second: u32, weight: u32) -> bool {
        if !self.sources.contains_key(&source) && !self.has_room(now) {
            return false;
        }
        let source = self.sources.entry(source);
        let source = source.or_insert_with(|| Bucket::per_second(per_second));
        source.take_many(now, weight) && self.bucket.take_many(now, weight)
    }

    /// Whether one more source can be told apart. Those who fell silent are looked for now and then:
    /// a flood of forged names is not to cost a look at all of them each time.
    fn has_room(&mut self, now: MonoTime) -> bool {
        if self.sources.len() < SOURCES_MAX {
            return true;
        }
        if now < self.crowded_until {
            return false;
        }
        self.sources.retain(|_, bucket| !bucket.is_full(now));
        let room = self.sources.len() < SOURCES_MAX;
        if !room {
            self.crowded_until = now + LOOK_EVERY;
        }
        room
    }
}

/// What so many bytes of SIP cost to read: a message of many small parts a hundred times what a plain one
/// does, and no more than its length allows.
pub(crate) fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes / WEIGHT_BYTES).unwrap_or(u32::MAX).saturating_add(1)
}

/// Datagrams of less than a kilobyte; longer ones count as several. 20 calls a second, the carrier's limit, are a hundred or two; an exchange of our own with
/// hundreds of calls sends a thousand. Parsing and answering `all` takes a tenth of a core.
pub(crate) const DATAGRAMS: Rates =
    Rates { source: 3_000, trunk: 4_000, trunk_at_least: 1_000, all: 8_000 };
/// Reads of streams, and the messages in them, long ones several times: two or three for each message of
/// an honest peer.
pub(crate) const STREAMS: Rates =
    Rates { source: 6_000, trunk: 8_000, trunk_at_least: 2_000, all: 16_000 };
/// Connections that peers open. An office opens its own within a second when its power is back; who
/// opens and closes them without end has us shake hands, which over TLS costs a thousandth of a second.
pub(crate) const CONNECTIONS: Rates =
    Rates { source: 96, trunk: 112, trunk_at_least: 32, all: 224 };
const WEIGHT_BYTES: usize = 1_024;
/// Addresses of one trunk that send within one second; a trunk that is a whole network can be forged in
/// as many names.
const SOURCES_MAX: usize = 1_024;
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = DATAGRAMS;

    fn source(n: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + n).to_be_bytes())
    }

    fn at(ms: u64) -> MonoTime {
        MonoTime::from_millis(ms)
    }

    fn throttle() -> Throttle {
        Throttle::new(RATES)
    }

    #[test]
    fn a_source_that_floods_is_read_at_its_own_rate_and_the_others_as_before() {
        let mut throttle = throttle();
        let read = (0..20_000).filter(|_| throttle.lets(at(0), source(1), Some("a"), 1)).count();
        assert_eq!(read, RATES.source as usize);
        assert!(throttle.lets(at(0), source(2), Some("a"), 1), "another source has its own share");
        assert!(!throttle.lets(at(0), source(1), Some("a"), 1));
        assert!(throttle.lets(at(1), source(1), Some("a"), 1), "three come in a millisecond");
    }

    #[test]
    fn a_trunk_is_read_at_its_own_rate_whatever_addresses_it_has() {
        let mut throttle = throttle();
        let read =
            (0..30_000).filter(|n| throttle.lets(at(0), source(n % 10), Some("a"), 1)).count();
        assert_eq!(read, RATES.trunk as usize);
        let others = (0..1_000).filter(|_| throttle.lets(at(0), source(99), Some("b"), 1)).count();
        assert_eq!(others, 1_000, "another trunk has its own share");
        assert!(throttle.lets(at(0), source(77), None, 1), "and so has a peer that we called");
    }

    #[test]
    fn all_trunks_together_are_bounded_and_each_keeps_a_share_that_nobody_takes() {
        let mut throttle = throttle();
        let trunks = ["a", "b", "c", "d"];
        let flood = (0..60_000_u32).filter(|n| {
            throttle.lets(at(0), source(n % 400), Some(trunks[*n as usize % trunks.len()]), 1)
        });
        assert_eq!(flood.count(), (RATES.all + 4 * RATES.trunk_at_least) as usize);
        let quiet =
            (0..5_000).filter(|_| throttle.lets(at(0), source(1), Some("quiet"), 1)).count();
        assert_eq!(quiet, RATES.trunk_at_least as usize);
    }

    #[test]
    fn a_long_message_counts_as_many_as_it_could_be_short_ones() {
        assert_eq!([0, 800, 1_500, 16_384].map(weight), [1, 1, 2, 17]);
        let mut throttle = throttle();
        let read = (0..1_000).filter(|_| throttle.lets(at(0), source(1), Some("a"), 10)).count();
        assert_eq!(read, RATES.source as usize / 10);
    }

    #[test]
    fn forged_sources_take_bounded_memory_nothing_of_another_trunk_and_are_forgotten_in_a_second() {
        let mut throttle = throttle();
        for n in 0..5_000 {
            throttle.lets(at(0), source(n), Some("a"), 1);
        }
        assert_eq!(throttle.trunks["a"].sources.len(), SOURCES_MAX);
        assert!(!throttle.lets(at(0), source(9_999), Some("a"), 1));
        assert!(throttle.lets(at(0), source(9_999), Some("b"), 1), "there is room for others");
        assert!(throttle.lets(at(1_000), source(9_999), Some("a"), 1));
        assert_eq!(throttle.trunks["a"].sources.len(), 1);
        throttle.lets(at(3_000), source(1), Some("c"), 1);
        assert_eq!(throttle.trunks.len(), 1, "who fell silent takes no memory");
    }
}
