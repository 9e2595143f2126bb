//! A socket that says again what opens a connection.
//!
//! The stack sends a flight of the DTLS handshake anew when its timer runs out (RFC 6347 §4.2.4), but
//! the peer's own repetition stops that timer and starts none: whoever repeats sooner than after a second,
//! as servers and browsers do, waits for a flight that was lost until it gives up, half a minute later.
//! Measured: of rooms that lose one packet in twenty each way, one in fifteen opened after 25 s or more. So
//! each datagram of the handshake is sent several times over, as a network might, too: who has it
//! already drops it by its record's number (RFC 6347 §4.1.2.6).
//!
//! What goes through a TURN server is wrapped for it (RFC 8656 §11, §12); the server unwraps each repetition
//! like the first.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

#[derive(Debug)]
pub(crate) struct Again {
    socket: Arc<dyn AsyncUdpSocket>,
    /// Datagrams that are still to be said again; no longer than there is this socket.
    waiting: Mutex<JoinSet<()>>,
}

impl Again {
    pub fn new(socket: Arc<dyn AsyncUdpSocket>) -> Self {
        Self { socket, waiting: Mutex::default() }
    }

    fn say_again(&self, transmit: &Transmit<'_>) {
        let Ok(runtime) = Handle::try_current() else { return };
        // Whole between two calls, so a panic elsewhere does not spoil it.
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.try_join_next().is_some() {}
        if waiting.len() >= WAITING_MAX {
            return;
        }
        // A socket that is closed meanwhile is not kept open for this.
        let socket = Arc::downgrade(&self.socket);
        let (datagram, to) = (transmit.contents.to_vec(), transmit.destination);
        let again = async move {
            for wait in AGAIN_AFTER {
                tokio::time::sleep(wait).await;
                let Some(socket) = socket.upgrade() else { return };
                // What is not sent is as good as lost.
                let _ = socket.send_to(&datagram, to).await;
            }
        };
        waiting.spawn_on(again, &runtime);
    }
}

impl AsyncUdpSocket for Again {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let sent = self.socket.poll_send(cx, transmit);
        let is_one = transmit.segment_size.is_none_or(|size| size >= transmit.contents.len());
        if matches!(sent, Poll::Ready(Ok(_))) && is_one && opens(transmit.contents) {
            self.say_again(transmit);
        }
        sent
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_recv(cx, bufs, meta)
    }

    fn max_gso_segments(&self) -> usize {
        self.socket.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.socket.max_gro_segments()
    }
}

/// Whether a datagram begins with a record of the handshake: a handshake message or the change of cipher,
/// of epoch 0 (RFC 6347 §4.1; RFC 7983 tells it from STUN and RTP).
fn opens(datagram: &[u8]) -> bool {
    matches!(relayed(datagram).unwrap_or(datagram), [20 | 22, _, _, 0, 0, ..])
}

/// What a TURN server is to hand on: the data of a channel, or of a Send indication.
fn relayed(datagram: &[u8]) -> Option<&[u8]> {
    match datagram {
        [0x40..=0x4f, _, _, _, data @ ..] => Some(data),
        [0x00, 0x16, ..] => data_of(datagram.get(STUN_HEADER_BYTES..)?),
        _ => None,
    }
}

/// The DATA attribute among those of a STUN message (RFC 8489 §14): type, length, value, and padding to
/// four bytes.
fn data_of(mut attributes: &[u8]) -> Option<&[u8]> {
    while let [kind_0, kind_1, length_0, length_1, rest @ ..] = attributes {
        let length = usize::from(u16::from_be_bytes([*length_0, *length_1]));
        if [*kind_0, *kind_1] == DATA {
            return rest.get(..length);
        }
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

const STUN_HEADER_BYTES: usize = 20;
const DATA: [u8; 2] = [0x00, 0x13];

/// After a datagram, and after each repetition. With one in twenty lost, all four are in one handshake
/// of 160,000; a handshake that lost some takes less than a second longer.
const AGAIN_AFTER: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(200), Duration::from_millis(400)];

/// A handshake has three flights each way of at most two datagrams; more is somebody who asks for them.
const WAITING_MAX: usize = 12;

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use webrtc::runtime::{Runtime, TokioRuntime};

    use super::*;

    #[tokio::test]
    async fn what_opens_a_connection_is_said_again_and_nothing_else_is() {
        let bound = || UdpSocket::bind("127.0.0.1:0").unwrap();
        let (ours, theirs) = (bound(), tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let again = Again::new(TokioRuntime.wrap_udp_socket(ours).unwrap());
        let to = theirs.local_addr().unwrap();
        let hello = [&[22, 254, 253, 0, 0][..], &[7; 20]].concat();
        // An encrypted record, a packet of sound, a check of the way.
        for said in [[23, 254, 253, 0, 1], [0x80, 111, 0, 0, 0], [0, 1, 0, 0, 0]] {
            again.send_to(&said, to).await.unwrap();
        }
        again.send_to(&hello, to).await.unwrap();
        let mut heard = Vec::new();
        let mut datagram = [0; 64];
        while heard.iter().filter(|it: &&Vec<u8>| **it == hello).count() <= AGAIN_AFTER.len() {
            let length = theirs.recv(&mut datagram).await.unwrap();
            heard.push(datagram[..length].to_vec());
        }
        assert_eq!(heard.len(), 3 + 1 + AGAIN_AFTER.len(), "each of the others once");
    }

    #[test]
    fn what_opens_a_connection_is_known_inside_of_what_a_relay_is_sent() {
        let (hello, sound) = ([22, 254, 253, 0, 0, 0, 7], [0x80, 111, 0, 0, 0, 0, 7]);
        let header = [&[0x00, 0x16][..], &[0; STUN_HEADER_BYTES - 2]].concat();
        let peer = [0x00, 0x12, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0];
        for (said, is) in [(hello, true), (sound, false)] {
            let data = [&[0x00, 0x13, 0, 7][..], &said, &[0]].concat();
            for wrapped in [
                said.to_vec(),
                [&[0x40, 0x01, 0, 7][..], &said].concat(),
                [&header[..], &peer, &data].concat(),
                [&header[..], &data, &peer].concat(),
            ] {
                assert_eq!(opens(&wrapped), is, "{wrapped:?}");
            }
        }
        let whole = [&header[..], &peer, &[0x00, 0x13, 0, 7], &hello].concat();
        for cut in 0..whole.len() {
            assert!(!opens(&whole[..cut]), "cut off after {cut} bytes");
        }
    }

    #[tokio::test]
    async fn who_asks_without_end_is_answered_once_each() {
        let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
        let again = Again::new(TokioRuntime.wrap_udp_socket(ours).unwrap());
        let to = again.local_addr().unwrap();
        for _ in 0..10 * WAITING_MAX {
            again.send_to(&[22, 254, 253, 0, 0], to).await.unwrap();
        }
        assert_eq!(again.waiting.lock().unwrap().len(), WAITING_MAX);
    }
}
