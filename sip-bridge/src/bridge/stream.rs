//! The listeners for streams, and a conversation over one, whether encrypted or not.

use core::future::poll_fn;
use core::net::{IpAddr, SocketAddr};
use core::pin::Pin;
use core::sync::atomic::Ordering;
use core::task::Poll;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::connections::{Connections, StreamKey};
use super::shared::Shared;
use super::udp::ForeignLog;
use super::{intake, tls};
use crate::agent::Input;
use crate::flow::Flow;
use crate::gate::Admitted;
use crate::guard::{Frame, StreamFramer};
use crate::message::TransportKind;
use crate::throttle::weight;

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
pub(super) async fn serve(shared: Arc<Shared>, listener: TcpListener, transport: TransportKind) {
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
        let Some(admitted) = shared.admit(peer.ip()) else {
            foreign.note(&shared, peer);
            continue;
        };
        let key = (transport, peer);
        let Some(queued) = enter(&shared, key, admitted.trunk.as_deref()) else { continue };
        prepare(&stream);
        if transport == TransportKind::Tls {
            shared.runtime.spawn(tls::accept(shared.clone(), stream, key, queued));
        } else {
            shared.runtime.spawn(converse(shared.clone(), stream, key, queued));
        }
    }
}

/// Takes a connection in, if its peer has neither too many nor opens them too fast.
fn enter(shared: &Shared, key: StreamKey, trunk: Option<&str>) -> Option<mpsc::Receiver<Bytes>> {
    let (now, peer) = (shared.clock.now(), key.1);
    let in_time = shared.pace.lets_in(now, peer.ip(), trunk);
    if !in_time {
        shared.throttled.fetch_add(1, Ordering::Relaxed);
    }
    let queued = in_time.then(|| shared.connections.insert(&shared.gate(), key)).flatten();
    if queued.is_none() {
        shared.pace.tell_refused(now, peer, trunk);
    }
    queued
}

/// Opens a connection and serves it.
pub(super) async fn connect(shared: Arc<Shared>, key: StreamKey, queued: mpsc::Receiver<Bytes>) {
    match open(key.1).await {
        Some(stream) => converse(shared, stream, key, queued).await,
        None => close(&shared, key, queued),
    }
}

/// Opens a connection.
pub(super) async fn open(peer: SocketAddr) -> Option<TcpStream> {
    let stream = timeout(CONNECT_MAX, TcpStream::connect(peer)).await.ok()?.ok()?;
    prepare(&stream);
    Some(stream)
}

/// Small messages at once, and a peer that vanished is found out.
fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY);
    let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive.with_retries(PROBES));
}

/// Serves one connection until either side ends it.
pub(super) async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    shared: Arc<Shared>,
    mut stream: S,
    key: StreamKey,
    mut queued: mpsc::Receiver<Bytes>,
) {
    let mut stop = shared.stop.clone();
    let mut framer = StreamFramer::new();
    let mut deadline = None;
    loop {
        // From here on nothing was said in either direction.
        let idle = tokio::time::sleep(IDLE_MAX);
        tokio::select! {
            _ = stop.changed() => break,
            () = idle => break,
            bytes = queued.recv() => match bytes {
                Some(bytes) if write(&mut stream, &bytes).await => {}
                _ => break,
            },
            admitted = read(&shared, &mut stream, &mut framer, key, deadline) => {
                let Some(admitted) = admitted else { break };
                let Some(taken) = take(&shared, &mut framer, key, &admitted) else { break };
                keep_pace(&shared, key.1.ip(), admitted.trunk.as_deref(), 1 + taken).await;
                // A message has to arrive whole in time, however slowly its bytes drip.
                deadline = match (framer.is_mid_message(), deadline) {
                    (false, _) => None,
                    (true, None) => Some(shared.clock.instant(shared.clock.now() + MESSAGE_MAX)),
                    (true, running) => running,
                };
            },
        }
    }
    close(&shared, key, queued);
    // Over TLS the end is said, so that nobody takes it for a cut.
    let _ = timeout(GOODBYE_MAX, stream.shutdown()).await;
}

/// A connection is over, or never came to be.
pub(super) fn close(shared: &Arc<Shared>, key: StreamKey, queued: mpsc::Receiver<Bytes>) {
    drop(queued);
    shared.connections.remove_closed(key);
    shared.handle(Input::Unreachable(key.0, key.1));
}

/// Waits for bytes and hands them to the framer. `None`: the connection is over, or its message
/// took too long, or its trunk was taken off the list, or the call that was dialled is over.
async fn read<S: AsyncRead + Unpin>(
    shared: &Shared,
    stream: &mut S,
    framer: &mut StreamFramer,
    key: StreamKey,
    deadline: Option<Instant>,
) -> Option<Admitted> {
    let mut arriving = poll_fn(|context| {
        let mut chunk = [0; CHUNK_BYTES]; // On the stack of the poll, not in the task's state.
        let room = framer.room().min(CHUNK_BYTES);
        let mut buffer = ReadBuf::new(&mut chunk[..room]);
        match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(_)) => Poll::Ready(None),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(None),
            Poll::Ready(Ok(())) => {
                let admitted = shared.admit(key.1.ip());
                if admitted.is_some() {
                    framer.push(buffer.filled());
                }
                Poll::Ready(admitted)
            }
        }
    });
    match deadline {
        Some(deadline) => timeout_at(deadline, &mut arriving).await.ok().flatten(),
        None => arriving.await,
    }
}

/// Who sends faster than its share waits, and TCP with them.
async fn keep_pace(shared: &Shared, source: IpAddr, trunk: Option<&str>, taken: u32) {
    for _ in 0..taken {
        while !shared.pace.lets_read(shared.clock.now(), source, trunk) {
            tokio::time::sleep(PACE).await;
        }
    }
}

/// Takes what the framer has. Returns how much that was, or `None`: the connection is over.
fn take(
    shared: &Arc<Shared>,
    framer: &mut StreamFramer,
    (transport, peer): StreamKey,
    admitted: &Admitted,
) -> Option<u32> {
    let mut taken: u32 = 0;
    loop {
        match framer.next_frame() {
            Ok(Some(Frame::Message(bytes))) => {
                intake::message(shared, transport, peer, admitted, &bytes);
                taken = taken.saturating_add(weight(bytes.len()));
            }
            Ok(Some(Frame::Ping)) => {
                taken = taken.saturating_add(1);
                let flow = Flow::direct(transport, peer);
                Connections::send(shared, flow, Bytes::from_static(b"\r\n"));
            }
            Ok(None) => return Some(taken),
            Err(error) => {
                tracing::debug!(%error, "stream closed: it is not SIP in bounds");
                return None;
            }
        }
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> bool {
    let written = async {
        stream.write_all(bytes).await?;
        stream.flush().await // What TLS still holds of it.
    };
    matches!(timeout(WRITE_MAX, written).await, Ok(Ok(())))
}

/// Connections the kernel holds before we accept them.
const BACKLOG: i32 = 128;
/// Bytes read at once.
const CHUNK_BYTES: usize = 4096;
/// How long who sends too fast waits before it is looked at again.
const PACE: Duration = Duration::from_millis(5);
/// A handshake that takes longer is to nobody.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(5);
/// From a message's first byte to its last.
const MESSAGE_MAX: Duration = Duration::from_secs(10);
/// One message into the kernel's buffer.
const WRITE_MAX: Duration = Duration::from_secs(10);
/// The end of a connection that nobody waits for any more.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// Longer than a telephone's registration lasts and than a call goes without a question; whoever says
/// nothing for so long opens another connection when there is something to say.
const IDLE_MAX: Duration =
    if cfg!(test) { Duration::from_millis(300) } else { Duration::from_secs(7_500) };
/// After an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// A peer that vanished is found out within 30 + 3·10 s.
const PROBE_AFTER: Duration = Duration::from_secs(30);
const PROBE_EVERY: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;
