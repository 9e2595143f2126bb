//! The server's addresses, kept until they can be taken.

use plugin_webrtc::Peer;
use plugin_webrtc::webrtc::peer_connection::RTCIceCandidateInit;
use tracing::debug;

/// One side's candidates, kept until they can be taken.
#[derive(Default)]
pub(super) struct Candidates {
    described: bool,
    waiting: Vec<RTCIceCandidateInit>,
}

impl Candidates {
    /// Takes one, or keeps it as long as no description was taken.
    pub async fn take(&mut self, candidate: RTCIceCandidateInit, peer: &Peer) {
        if !self.described {
            if self.waiting.len() < CANDIDATES_MAX {
                self.waiting.push(candidate);
            }
        } else if let Err(error) = peer.add_candidate(candidate).await {
            debug!(%error, "a candidate of the room's cannot be used");
        }
    }

    /// A description was taken.
    pub async fn release(&mut self, peer: &Peer) {
        self.described = true;
        for candidate in std::mem::take(&mut self.waiting) {
            self.take(candidate, peer).await;
        }
    }
}

/// As many as an offer may have.
const CANDIDATES_MAX: usize = 32;
