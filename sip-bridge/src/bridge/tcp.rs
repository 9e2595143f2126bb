//! The TCP listener and its connections.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::intake;
use super::shared::Shared;
use super::udp::ForeignLog;
use crate::agent::Input;
use crate::flow::Flow;
use crate::guard::{Frame, StreamFramer};
use crate::message::TransportKind;

/// The connections that are open, by their far end.
#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<HashMap<SocketAddr, mpsc::Sender<Bytes>>>,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, mpsc::Sender<Bytes>>> {
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
            let Some(queue) = open.get(&address) else { continue };
            match queue.try_send(bytes.clone()) {
                Ok(()) => return,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    open.remove(&address); // Its task ends when the queue is dropped.
                    return;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    open.remove(&address);
                }
            }
        }
        if open.len() >= CONNECTIONS_MAX {
            return;
        }
        let (queue, queued) = mpsc::channel(QUEUE_DEPTH);
        let _ = queue.try_send(bytes); // The queue is empty.
        open.insert(flow.reconnect, queue);
        drop(open);
        let connecting = connect(shared.clone(), flow.reconnect, queued);
        shared.runtime.spawn(connecting);
    }

    fn insert(&self, peer: SocketAddr) -> Option<mpsc::Receiver<Bytes>> {
        let mut open = self.lock();
        if open.len() >= CONNECTIONS_MAX {
            return None;
        }
        let (queue, queued) = mpsc::channel(QUEUE_DEPTH);
        open.insert(peer, queue);
        Some(queued)
    }
}

/// Opens a listening socket.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts until the bridge stops. A foreign source's connection is closed before it is read.
pub(super) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let mut stop = shared.stop.clone();
    let mut foreign = ForeignLog::default();
    loop {
        let accepted = tokio::select! {
            _ = stop.changed() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, most likely: let some close.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if shared.admit(peer.ip()).is_none() {
            foreign.note(&shared, peer);
            continue;
        }
        if let Some(queued) = shared.connections.insert(peer) {
            shared.runtime.spawn(converse(shared.clone(), stream, peer, queued));
        }
    }
}

async fn connect(shared: Arc<Shared>, peer: SocketAddr, queued: mpsc::Receiver<Bytes>) {
    let connected = timeout(CONNECT_MAX, TcpStream::connect(peer)).await;
    match connected {
        Ok(Ok(stream)) => converse(shared, stream, peer, queued).await,
        _ => close(&shared, peer, queued),
    }
}

/// Serves one connection until either side ends it.
async fn converse(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    mut queued: mpsc::Receiver<Bytes>,
) {
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive.with_retries(PROBES));
    let (reader, mut writer) = stream.into_split();
    let mut stop = shared.stop.clone();
    let mut framer = StreamFramer::new();
    let mut deadline = None;
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            bytes = queued.recv() => match bytes {
                Some(bytes) if write(&mut writer, &bytes).await => {}
                _ => break,
            },
            ready = read_ready(&reader, deadline) => {
                if !ready || !read(&shared, &reader, &mut framer, peer) {
                    break;
                }
                // A message has to arrive whole in time, however slowly its bytes drip.
                deadline = match (framer.is_mid_message(), deadline) {
                    (false, _) => None,
                    (true, None) => Some(shared.clock.instant(shared.clock.now() + MESSAGE_MAX)),
                    (true, running) => running,
                };
            },
        }
    }
    close(&shared, peer, queued);
}

fn close(shared: &Arc<Shared>, peer: SocketAddr, queued: mpsc::Receiver<Bytes>) {
    drop(queued);
    let mut open = shared.connections.lock();
    // Unless a newer connection to the same peer has taken the place.
    if open.get(&peer).is_some_and(mpsc::Sender::is_closed) {
        open.remove(&peer);
    }
    drop(open);
    shared.handle(Input::Unreachable(peer));
}

async fn read_ready(reader: &tokio::net::tcp::OwnedReadHalf, deadline: Option<Instant>) -> bool {
    match deadline {
        Some(deadline) => matches!(timeout_at(deadline, reader.readable()).await, Ok(Ok(()))),
        None => reader.readable().await.is_ok(),
    }
}

/// Reads what is there. Returns whether the connection goes on.
fn read(
    shared: &Arc<Shared>,
    reader: &tokio::net::tcp::OwnedReadHalf,
    framer: &mut StreamFramer,
    peer: SocketAddr,
) -> bool {
    let Some(admitted) = shared.admit(peer.ip()) else {
        return false; // Its trunk was taken off the list, or the call that was dialled is over.
    };
    let mut chunk = [0; CHUNK_BYTES];
    let room = framer.room().min(CHUNK_BYTES);
    match reader.try_read(&mut chunk[..room]) {
        Ok(0) => return false,
        Ok(length) => framer.push(&chunk[..length]),
        Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
    }
    loop {
        match framer.next_frame() {
            Ok(Some(Frame::Message(bytes))) => {
                intake::message(shared, TransportKind::Tcp, peer, &admitted, &bytes);
            }
            Ok(Some(Frame::Ping)) => {
                let flow = Flow::direct(TransportKind::Tcp, peer);
                Connections::send(shared, flow, Bytes::from_static(b"\r\n"));
            }
            Ok(None) => return true,
            Err(error) => {
                tracing::debug!(%error, "stream closed: it is not SIP in bounds");
                return false;
            }
        }
    }
}

async fn write(writer: &mut OwnedWriteHalf, bytes: &[u8]) -> bool {
    matches!(timeout(WRITE_MAX, writer.write_all(bytes)).await, Ok(Ok(())))
}

/// A trunk opens one or two; a machine's softphones a dozen.
const CONNECTIONS_MAX: usize = 256;
/// Messages that wait for a peer to read. More than that, and it does not read at all.
const QUEUE_DEPTH: usize = 256;
/// Connections the kernel holds before we accept them.
const BACKLOG: i32 = 128;
/// Bytes read at once; on the stack of the reading call, not in the connection's state.
const CHUNK_BYTES: usize = 4096;
/// A handshake that takes longer is to nobody.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// From a message's first byte to its last.
const MESSAGE_MAX: Duration = Duration::from_secs(10);
/// One message into the kernel's buffer.
const WRITE_MAX: Duration = Duration::from_secs(10);
/// After an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// A peer that vanished is found out within 30 + 3·10 s.
const PROBE_AFTER: Duration = Duration::from_secs(30);
const PROBE_EVERY: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;
