//! How fast streams are read and connections taken, and what is said of those that are refused.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media_core::MonoTime;

use crate::pii::Pii;
use crate::throttle::{CONNECTIONS, STREAMS, Throttle};

/// All listeners' streams together.
pub(super) struct Pace {
    reads: Mutex<Throttle>,
    arrivals: Mutex<Throttle>,
    refused: Mutex<RefusedLog>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            reads: Mutex::new(Throttle::new(STREAMS)),
            arrivals: Mutex::new(Throttle::new(CONNECTIONS)),
            refused: Mutex::default(),
        }
    }
}

impl Pace {
    /// Whether one more read of a stream, or message in it, is taken now.
    pub(super) fn lets_read(&self, now: MonoTime, source: IpAddr, trunk: Option<&str>) -> bool {
        lock(&self.reads).lets(now, source, trunk, 1)
    }

    /// Whether one more connection is taken now.
    pub(super) fn lets_in(&self, now: MonoTime, source: IpAddr, trunk: Option<&str>) -> bool {
        lock(&self.arrivals).lets(now, source, trunk, 1)
    }

    /// A connection is refused. Whoever looks for a telephone that cannot get through has to find it.
    pub(super) fn tell_refused(&self, now: MonoTime, peer: SocketAddr, trunk: Option<&str>) {
        let trunk = trunk.unwrap_or("none");
        let Some(unsaid) = lock(&self.refused).note(now, trunk) else { return };
        tracing::warn!(
            trunk,
            unsaid,
            peer = %Pii::new(peer.ip()),
            "SIP connection refused: its address or trunk holds all the connections that it may, or opens them too fast; \
             `ss -tn` says whose they are"
        );
    }
}

/// Once a minute for each trunk tells as much as a thousand times.
#[derive(Default)]
struct RefusedLog(BTreeMap<Arc<str>, Told>);

struct Told {
    until: MonoTime,
    unsaid: u64,
}

impl RefusedLog {
    /// Whether this refusal is worth a line, and how many were not since the last one.
    fn note(&mut self, now: MonoTime, trunk: &str) -> Option<u64> {
        if let Some(told) = self.0.get_mut(trunk).filter(|told| now < told.until) {
            told.unsaid += 1;
            return None;
        }
        let unsaid = self.0.get(trunk).map_or(0, |told| told.unsaid);
        // Trunks come and go with the configuration.
        self.0.retain(|_, told| now < told.until);
        self.0.insert(trunk.into(), Told { until: now + SAY_EVERY, unsaid: 0 });
        Some(unsaid)
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

const SAY_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trunk_that_opens_connections_without_end_leaves_the_others_theirs() {
        let (pace, now) = (Pace::default(), MonoTime::from_millis(5));
        let peer = |n: u8| IpAddr::from([192, 0, 2, n]);
        let opened = (0..1_000).filter(|n| pace.lets_in(now, peer((n % 5) as u8), Some("office")));
        assert_eq!(opened.count(), CONNECTIONS.trunk as usize);
        assert!(pace.lets_in(now, peer(200), Some("carrier")));
        assert!(pace.lets_read(now, peer(1), Some("office")), "those that are open go on");
    }

    #[test]
    fn refused_connections_are_told_once_a_minute_for_each_trunk_with_how_many_were_not() {
        let mut log = RefusedLog::default();
        let at = |s: u64| MonoTime::from_millis(s * 1_000);
        assert_eq!(log.note(at(1), "office"), Some(0));
        assert!((2..60).all(|s| log.note(at(s), "office").is_none()));
        assert_eq!(log.note(at(30), "carrier"), Some(0), "another trunk's are told");
        assert_eq!(log.note(at(61), "office"), Some(58));
        assert_eq!(log.note(at(200), "carrier"), Some(0));
        assert_eq!(log.0.len(), 1, "what is long ago takes no memory");
    }
}
