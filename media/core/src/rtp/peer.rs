use core::net::SocketAddr;

use super::{Admission, Continuity, RtpPacket, SourceLock};
use crate::MonoTime;

/// Who is heard and sent to: where a packet comes from and whether it goes on with what was heard are
/// judged together, so that a packet which is refused moves nothing. Real-time safe.
///
/// SDP's own address, which signalling vouches for, takes the place of a port that was learned, but not
/// while that port's stream flows and has been heard for a second: one forged packet is not to take the
/// peer away. Who lost its place that way while it was silent has it back with the next packet of its
/// stream.
#[derive(Clone, Debug)]
pub struct Peer {
    lock: SourceLock,
    continuity: Continuity,
    /// Whose place the address in SDP took.
    former: Option<SocketAddr>,
}

impl Peer {
    /// Waits for `expected`, the peer's RTP address in SDP.
    #[must_use]
    pub fn new(expected: SocketAddr) -> Self {
        Self { lock: SourceLock::new(expected), continuity: Continuity::new(), former: None }
    }

    /// Judges a packet that arrived at `at`. `authentic`: whoever wrote it knows the session's key, and
    /// is the peer whatever the stream.
    pub fn admit(
        &mut self,
        at: MonoTime,
        from: SocketAddr,
        packet: &RtpPacket<'_>,
        authentic: bool,
    ) -> Admission {
        if self.former == Some(from) && (authentic || self.continuity.is_formers(packet)) {
            self.former = self.lock.peer();
            self.lock.restore(from);
        }
        let mut lock = self.lock.clone();
        let admission = lock.admit(from, packet);
        let is_heard = admission == Admission::Accept;
        let doubtful = is_heard && !authentic && !self.continuity.admits(at, packet);
        if doubtful && self.continuity.is_known() {
            return Admission::Doubtful;
        }
        let before = self.lock.peer().filter(|_| lock.peer() != self.lock.peer());
        self.former = before.or(self.former);
        self.lock = lock;
        if doubtful { Admission::Doubtful } else { admission }
    }

    /// Where from, and where to.
    #[must_use]
    pub const fn source(&self) -> &SourceLock {
        &self.lock
    }

    /// The peer announced media anew, at `expected`: what comes next may be another stream, at once.
    pub fn renegotiate(&mut self, expected: SocketAddr) {
        self.lock.renegotiate(expected);
        self.continuity.renegotiate();
        if self.lock.peer().is_none() {
            self.former = None;
        }
    }
}
