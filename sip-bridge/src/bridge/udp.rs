//! The UDP listener.

use core::net::SocketAddr;
use core::sync::atomic::Ordering;
use std::io;
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::intake;
use super::shared::Shared;
use crate::pii::Pii;
use crate::throttle::{DATAGRAMS, Throttle, weight};

/// Opens a UDP socket with room for bursts: one handle to receive with, one to send from anywhere
/// without waiting.
pub(super) fn bind(address: SocketAddr) -> io::Result<(UdpSocket, std::net::UdpSocket)> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    // The kernel caps these silently at net.core.rmem_max and wmem_max.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    let sender = socket.try_clone()?;
    Ok((UdpSocket::from_std(socket.into())?, sender.into()))
}

/// Receives until the bridge stops.
pub(super) async fn serve(shared: Arc<Shared>, socket: UdpSocket) {
    let mut stop = shared.stop.clone();
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX].into_boxed_slice();
    let mut door = Door { foreign: ForeignLog::default(), throttle: Throttle::new(DATAGRAMS) };
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            ready = socket.readable() => if ready.is_err() { return },
        }
        for _ in 0..BATCH_MAX {
            match socket.try_recv_from(&mut buffer) {
                Ok((length, source)) => {
                    receive(&shared, &mut door, source, buffer.get(..length).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // ICMP errors of what we sent come back here; they mean nothing to a listener.
                Err(error) => tracing::trace!(%error, "UDP receive"),
            }
        }
        tokio::task::yield_now().await;
    }
}

/// What the one task that receives remembers of who sent what.
struct Door {
    foreign: ForeignLog,
    throttle: Throttle,
}

fn receive(shared: &Arc<Shared>, door: &mut Door, source: SocketAddr, bytes: &[u8]) {
    let Some(admitted) = shared.admit(source.ip()) else {
        return door.foreign.note(shared, source);
    };
    // Who is listed may be forged over UDP; a flood in a trunk's name is not parsed either.
    let (now, trunk) = (shared.clock.now(), admitted.trunk.as_deref());
    if !door.throttle.lets(now, source.ip(), trunk, weight(bytes.len())) {
        shared.throttled.fetch_add(1, Ordering::Relaxed);
        return;
    }
    intake::datagram(shared, source, &admitted, bytes);
}

/// Says that foreign packets come, without letting them write the log.
#[derive(Default)]
pub(super) struct ForeignLog {
    since_last: u64,
    silent_until: media_core::MonoTime,
}

impl ForeignLog {
    pub(super) fn note(&mut self, shared: &Shared, source: SocketAddr) {
        self.since_last += 1;
        let now = shared.clock.now();
        if now < self.silent_until {
            return;
        }
        self.silent_until = now + FOREIGN_LOG_INTERVAL;
        tracing::warn!(
            source = %Pii::new(source.ip()),
            packets = self.since_last,
            "SIP from a foreign address dropped: no trunk lists it; see [[trunk]] in xenline.toml"
        );
        self.since_last = 0;
    }
}

/// Room for 200 INVITEs at once, with the kernel's bookkeeping.
const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// A UDP datagram holds no more.
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// Datagrams taken before other tasks get their turn.
const BATCH_MAX: usize = 64;
/// One line in ten seconds tells as much as a thousand.
const FOREIGN_LOG_INTERVAL: core::time::Duration = core::time::Duration::from_secs(10);
