//! The streams that are open, and the way to open one.

use core::net::SocketAddr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::shared::Shared;
use super::{stream, tls};
use crate::flow::Flow;
use crate::message::TransportKind;

/// Which stream: how it is spoken, and its far end.
pub(super) type StreamKey = (TransportKind, SocketAddr);

/// The connections that are open, by their far end.
#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<HashMap<StreamKey, mpsc::Sender<Bytes>>>,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, HashMap<StreamKey, mpsc::Sender<Bytes>>> {
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
        if open.len() >= CONNECTIONS_MAX {
            return;
        }
        let (queue, queued) = mpsc::channel(QUEUE_DEPTH);
        let _ = queue.try_send(bytes); // The queue is empty.
        let key = (flow.transport, flow.reconnect);
        open.insert(key, queue);
        drop(open);
        if flow.transport == TransportKind::Tls {
            shared.runtime.spawn(tls::connect(shared.clone(), key, queued));
        } else {
            shared.runtime.spawn(stream::connect(shared.clone(), key, queued));
        }
    }

    /// A connection that was accepted, if there is room for it.
    pub(super) fn insert(&self, key: StreamKey) -> Option<mpsc::Receiver<Bytes>> {
        let mut open = self.lock();
        if open.len() >= CONNECTIONS_MAX {
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

/// A trunk opens one or two; a machine's softphones a dozen.
const CONNECTIONS_MAX: usize = 256;
/// Messages that wait for a peer to read. More than that, and it does not read at all.
const QUEUE_DEPTH: usize = 256;
