//! The streams that are open, and the way to open one.

use core::net::SocketAddr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::shared::Shared;
use super::{stream, tls};
use crate::agent::Input;
use crate::flow::Flow;
use crate::gate::Gate;
use crate::message::TransportKind;
use crate::pii::Pii;

/// Which stream: how it is spoken, and its far end.
pub(super) type StreamKey = (TransportKind, SocketAddr);

/// The connections that are open, by their far end.
#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
}

type Open = HashMap<StreamKey, mpsc::Sender<Bytes>>;

impl Connections {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Queues `bytes` for the connection of `flow`, or opens one. A peer that does not read what it
    /// is sent loses its connection.
    pub(super) fn send(shared: &Arc<Shared>, flow: Flow, bytes: Bytes) {
        let mut open = shared.connections.lock();
        for address in [flow.peer, flow.reconnect] {
            let key = (flow.transport, address);
            let Some(queue) = open.get(&key) else { continue };
            match queue.try_send(bytes.clone()) {
                Ok(()) => return,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    open.remove(&key); // Its task ends when the queue is dropped.
                    return;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    open.remove(&key);
                }
            }
        }
        let key = (flow.transport, flow.reconnect);
        if !has_room(&mut open, key, CONNECTIONS_MAX) {
            drop(open);
            return no_room(shared, key);
        }
        let (queue, queued) = mpsc::channel(QUEUE_DEPTH);
        let _ = queue.try_send(bytes); // The queue is empty.
        open.insert(key, queue);
        drop(open);
        if flow.transport == TransportKind::Tls {
            shared.runtime.spawn(tls::connect(shared.clone(), key, queued));
        } else {
            shared.runtime.spawn(stream::connect(shared.clone(), key, queued));
        }
    }

    /// A connection that was accepted, if there is room for it.
    pub(super) fn insert(&self, gate: &Gate, key: StreamKey) -> Option<mpsc::Receiver<Bytes>> {
        let mut open = self.lock();
        if !has_room(&mut open, key, ACCEPTED_MAX)
            || of_its_trunk(&open, gate, key) >= PER_TRUNK_MAX
        {
            return None;
        }
        let (queue, queued) = mpsc::channel(QUEUE_DEPTH);
        open.insert(key, queue);
        Some(queued)
    }

    /// Forgets a connection whose queue is gone, unless a newer one to the same peer has taken its
    /// place.
    pub(super) fn remove_closed(&self, key: StreamKey) {
        let mut open = self.lock();
        if open.get(&key).is_some_and(mpsc::Sender::is_closed) {
            open.remove(&key);
        }
    }
}

/// Whether one more is within bounds. What ended without saying so is not there.
fn has_room(open: &mut Open, (_, peer): StreamKey, max: usize) -> bool {
    open.retain(|_, queue| !queue.is_closed());
    let same_source = open.keys().filter(|(_, other)| other.ip() == peer.ip()).count();
    open.len() < max && same_source < PER_SOURCE_MAX
}

/// How many there are with the trunk of this peer.
fn of_its_trunk(open: &Open, gate: &Gate, (_, peer): StreamKey) -> usize {
    let trunk = gate.trunk_of(peer.ip());
    let is_of_it = |other: &StreamKey| gate.trunk_of(other.1.ip()) == trunk;
    trunk.as_ref().map_or(0, |_| open.keys().filter(|other| is_of_it(other)).count())
}

/// What waits for a connection that cannot be had is told at once, and not after its timeout.
fn no_room(shared: &Arc<Shared>, key: StreamKey) {
    tracing::warn!(
        peer = %Pii::new(key.1),
        "no connection left to send over: too many are open; `ss -tn` says whose they are"
    );
    let shared = shared.clone();
    // Not from within: whoever sends holds the agent.
    shared.runtime.clone().spawn(async move { shared.handle(Input::Unreachable(key.0, key.1)) });
}

/// A trunk opens one or two; a machine's softphones a dozen.
const CONNECTIONS_MAX: usize = 256;
/// Those that peers opened: what is left is for us to reach somebody.
const ACCEPTED_MAX: usize = 224;
/// From one address, which a household's telephones or an exchange's processes share. Nobody takes
/// them all.
const PER_SOURCE_MAX: usize = 64;
/// From one trunk, which may be a whole network: half of them, and the other trunks have theirs. We
/// reach a trunk that has all of these.
const PER_TRUNK_MAX: usize = ACCEPTED_MAX / 2;
/// Messages that wait for a peer to read. More than that, and it does not read at all.
const QUEUE_DEPTH: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::{Acl, Trunk};

    fn key(host: u8, port: u16) -> StreamKey {
        (TransportKind::Tcp, SocketAddr::from(([192, 0, 2, host], port)))
    }

    #[test]
    fn one_address_takes_no_more_than_its_share_and_what_ended_counts_no_more() {
        let connections = Connections::default();
        let mut held: Vec<_> =
            (1..=80).filter_map(|port| connections.insert(&nobodys(), key(1, port))).collect();
        assert_eq!(held.len(), PER_SOURCE_MAX);
        assert!(connections.insert(&nobodys(), key(2, 1)).is_some(), "another one is let in");
        held.pop(); // Its task ended without a word.
        assert!(connections.insert(&nobodys(), key(1, 99)).is_some());
    }

    #[test]
    fn peers_leave_room_for_connections_of_ours() {
        let connections = Connections::default();
        let keys = (1..=20).flat_map(|host| (1..=20).map(move |port| key(host, port)));
        let held: Vec<_> = keys.filter_map(|key| connections.insert(&nobodys(), key)).collect();
        assert_eq!(held.len(), ACCEPTED_MAX);
        assert!(has_room(&mut connections.lock(), key(99, 1), CONNECTIONS_MAX));
    }

    #[test]
    fn one_trunk_takes_half_whatever_addresses_it_has_and_another_one_is_let_in() {
        let net = |name: &str, net: &str| Trunk {
            name: name.into(),
            allow: vec![net.parse().expect("a network")],
        };
        let trunks = [net("office", "192.0.2.0/25"), net("carrier", "192.0.2.200/32")];
        let gate = Gate::new(Acl::new(&trunks));
        let connections = Connections::default();
        let keys = (1..=20).flat_map(|host| (1..=20).map(move |port| key(host, port)));
        let held: Vec<_> = keys.filter_map(|key| connections.insert(&gate, key)).collect();
        assert_eq!(held.len(), PER_TRUNK_MAX);
        assert!(connections.insert(&gate, key(200, 1)).is_some());
    }

    /// A gate that knows no trunk.
    fn nobodys() -> Gate {
        Gate::default()
    }
}
