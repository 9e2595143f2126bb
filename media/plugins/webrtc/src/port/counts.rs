use std::sync::atomic::{AtomicU64, Ordering};

/// What passed a port, and what did not. Written from both sides of the rings, read by anybody.
#[derive(Debug, Default)]
pub struct Counts {
    arrived: AtomicU64,
    arrived_lost: AtomicU64,
    left: AtomicU64,
    leaving_lost: AtomicU64,
}

impl Counts {
    /// Packets that came from the peer and into the ring.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// Packets from the peer for which the ring had no room, or that are no Opus packets.
    #[must_use]
    pub fn arrived_lost(&self) -> u64 {
        self.arrived_lost.load(Ordering::Relaxed)
    }

    /// Packets that a tick has made and put into the ring.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Packets of ours for which the ring had no room, or that the encoder did not make.
    #[must_use]
    pub fn leaving_lost(&self) -> u64 {
        self.leaving_lost.load(Ordering::Relaxed)
    }

    pub(super) fn count_arrival(&self, kept: bool) {
        let counter = if kept { &self.arrived } else { &self.arrived_lost };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_departure(&self, kept: bool) {
        let counter = if kept { &self.left } else { &self.leaving_lost };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
