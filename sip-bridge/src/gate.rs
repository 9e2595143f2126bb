//! The source check: trunks, and the peers of calls in progress.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use media_core::MonoTime;

use crate::acl::Acl;
use crate::event::CallId;

/// Who may send us SIP right now.
///
/// Beside the trunks' networks these are the addresses of calls in progress: those we dialled, and
/// those whose trunk was taken off the list during the call. They may finish what they are in and
/// begin nothing.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    acl: Acl,
    calls: BTreeMap<CallId, IpAddr>,
    /// Peers of calls that are over, and until when their last responses are heard.
    leaving: BTreeMap<IpAddr, MonoTime>,
}

/// A source that may be heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Admitted {
    /// The trunk that lists it, if one does.
    pub trunk: Option<Arc<str>>,
}

impl Gate {
    pub(crate) fn new(acl: Acl) -> Self {
        Self { acl, ..Self::default() }
    }

    /// Whether `source` may be heard, and as what.
    pub(crate) fn admit(&self, now: MonoTime, source: IpAddr) -> Option<Admitted> {
        if let Some(trunk) = self.acl.trunk_of(source) {
            return Some(Admitted { trunk: Some(trunk) });
        }
        let source = source.to_canonical();
        let in_call = self.calls.values().any(|ip| *ip == source);
        let leaving = self.leaving.get(&source).is_some_and(|until| now < *until);
        (in_call || leaving).then_some(Admitted { trunk: None })
    }

    /// The trunk that lists `ip`.
    pub(crate) fn trunk_of(&self, ip: IpAddr) -> Option<Arc<str>> {
        self.acl.trunk_of(ip)
    }

    /// Replaces the list. `calls` in progress are heard to their end.
    pub(crate) fn replace(&mut self, acl: Acl, calls: Vec<(CallId, IpAddr)>) {
        self.acl = acl;
        self.calls.extend(calls.into_iter().map(|(call, ip)| (call, ip.to_canonical())));
    }

    /// A call with `peer` begins.
    pub(crate) fn enter(&mut self, call: CallId, peer: IpAddr) {
        self.calls.insert(call, peer.to_canonical());
    }

    /// A call is over; its peer is heard a little longer, to answer our BYE.
    pub(crate) fn leave(&mut self, now: MonoTime, call: CallId) {
        self.leaving.retain(|_, until| now < *until);
        if let Some(peer) = self.calls.remove(&call) {
            self.leaving.insert(peer, now + LEAVING);
        }
    }
}

/// As long as a BYE is retransmitted (64·T1), and its response travels.
const LEAVING: Duration = Duration::from_secs(37);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::Trunk;

    const PEER: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn a_dialled_peer_is_heard_during_the_call_and_a_little_longer() {
        let mut gate = Gate::default();
        assert_eq!(gate.admit(MonoTime::ZERO, PEER), None);
        gate.enter(CallId(1), PEER);
        assert_eq!(gate.admit(MonoTime::ZERO, PEER), Some(Admitted { trunk: None }));
        gate.leave(MonoTime::from_millis(1_000), CallId(1));
        assert!(gate.admit(MonoTime::from_millis(37_000), PEER).is_some());
        assert_eq!(gate.admit(MonoTime::from_millis(39_000), PEER), None);
    }

    #[test]
    fn a_call_outlives_its_trunk_on_the_list() {
        let trunk = Trunk { name: "t".into(), allow: vec!["192.0.2.0/24".parse().unwrap()] };
        let mut gate = Gate::new(Acl::new(&[trunk]));
        gate.replace(Acl::default(), vec![(CallId(1), PEER)]);
        assert_eq!(gate.admit(MonoTime::ZERO, PEER), Some(Admitted { trunk: None }));
        assert_eq!(gate.admit(MonoTime::ZERO, "192.0.2.8".parse().unwrap()), None);
    }
}
