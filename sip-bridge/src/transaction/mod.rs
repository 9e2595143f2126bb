//! Transactions (RFC 3261 §17, RFC 6026): who retransmits what, when, and when to forget it.
//!
//! Four state machines over opaque messages. They are told what came and the time that passed; a
//! [`Step`] tells the owner what to send and which timer to start. Timers cannot be cancelled: one
//! that fires in a state that no longer wants it does nothing, which is simpler than cancelling and
//! costs one small entry for at most 32 s.

mod client;
mod key;
mod server;

use core::time::Duration;

use bytes::Bytes;

pub(crate) use client::{ClientStep, ClientTransaction};
pub(crate) use key::{client_key, server_key};
pub(crate) use server::ServerTransaction;

/// Round-trip estimate (RFC 3261 §17.1.1.1).
pub(crate) const T1: Duration = Duration::from_millis(500);
/// Longest interval between retransmissions.
pub(crate) const T2: Duration = Duration::from_secs(4);
/// How long a message can remain in the network.
pub(crate) const T4: Duration = Duration::from_secs(5);
/// 64·T1: when to give up, and how long to remember what was answered.
pub(crate) const GIVE_UP: Duration = Duration::from_secs(32);

/// What a transaction's timer is for. Letters are those of RFC 3261 table 4 and RFC 6026.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tick {
    /// A, E, G: send again.
    Retransmit,
    /// B, F, H: nobody answered.
    GiveUp,
    /// D, I, J, K, L, M: nothing more can come.
    Forget,
}

/// What to do after a transaction was driven.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// Send these bytes to the transaction's peer.
    pub send: Option<Bytes>,
    /// Start these timers.
    pub start: [Option<(Duration, Tick)>; 2],
    /// The transaction is over: remove it.
    pub over: bool,
}

impl Step {
    fn nothing() -> Self {
        Self::default()
    }

    fn over() -> Self {
        Self { over: true, ..Self::default() }
    }

    fn send(bytes: Bytes) -> Self {
        Self { send: Some(bytes), ..Self::default() }
    }

    fn and_start(mut self, after: Duration, tick: Tick) -> Self {
        let free = self.start.iter_mut().find(|slot| slot.is_none());
        if let Some(slot) = free {
            *slot = Some((after, tick));
        }
        self
    }

    /// Forget after `wait`, at once over a reliable transport.
    fn and_linger(mut self, reliable: bool, wait: Duration) -> Self {
        if reliable {
            self.over = true;
            return self;
        }
        self.and_start(wait, Tick::Forget)
    }
}
