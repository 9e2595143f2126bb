//! The shell: sockets, clock and tasks around the agent core.

use core::net::SocketAddr;
use core::time::Duration;

use tokio::sync::mpsc;

use crate::acl::Trunk;
use crate::config::{BridgeConfig, DialSpec};
use crate::event::{BridgeEvent, CallId, HangupReason, Rejection};

/// Why a bridge did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener could not be opened.
    #[error(
        "cannot listen for SIP on {transport} {address}: {source}; is the port taken, or is the address not this machine's?"
    )]
    Listen {
        /// `udp` or `tcp`.
        transport: &'static str,
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Neither UDP nor TCP is configured.
    #[error("no SIP listener configured: set a UDP or a TCP address")]
    NoListener,
}

/// Why a call could not be placed.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The target is not a `sip:` URI that we can follow.
    #[error("cannot call {0:?}: expected sip:user@host[:port][;transport=udp|tcp]")]
    BadTarget(String),
    /// The host has no address.
    #[error("cannot find the host {host:?}: {source}")]
    Resolve {
        /// The host part of the target.
        host: String,
        /// What the resolver said.
        source: std::io::Error,
    },
    /// No listener for the transport the target asks for, or its address family.
    #[error("no {transport} listener to call {target} from")]
    NoListener {
        /// `udp` or `tcp`.
        transport: &'static str,
        /// The target.
        target: SocketAddr,
    },
    /// All channels are in use, or the bridge is draining.
    #[error("no channel free: {active} of {channels_max} in use")]
    NoChannel {
        /// Calls in progress.
        active: usize,
        /// The limit.
        channels_max: usize,
    },
}

/// What the bridge holds at this moment. All zero again when no call is left and the last
/// transactions have timed out (32 s after their final response over UDP).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BridgeCounts {
    /// Calls in any state.
    pub calls: usize,
    /// Transactions, server and client, including those that only absorb retransmissions.
    pub transactions: usize,
    /// Timers pending.
    pub timers: usize,
    /// TCP connections.
    pub connections: usize,
    /// Events waiting because the consumer is behind.
    pub events_waiting: usize,
}

/// A running bridge.
pub struct Bridge {
    config: BridgeConfig,
}

impl Bridge {
    /// Opens the listeners and starts to serve. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] names the listener that could not be opened.
    pub async fn start(
        config: BridgeConfig,
        events: mpsc::Sender<BridgeEvent>,
    ) -> Result<Bridge, StartError> {
        let _ = events;
        if config.udp.is_none() && config.tcp.is_none() {
            return Err(StartError::NoListener);
        }
        Ok(Bridge { config })
    }

    /// Where we receive over UDP: the port the system chose if the configuration said 0.
    #[must_use]
    pub fn local_udp(&self) -> Option<SocketAddr> {
        self.config.udp
    }

    /// Where we receive over TCP.
    #[must_use]
    pub fn local_tcp(&self) -> Option<SocketAddr> {
        self.config.tcp
    }

    /// Sends another 180. The first one has been sent by the bridge itself.
    pub fn ring(&self, call: CallId) {
        let _ = call;
    }

    /// Answers an inbound call: 200, with our RTP at `local_rtp`.
    pub fn answer(&self, call: CallId, local_rtp: SocketAddr) {
        let _ = (call, local_rtp);
    }

    /// Refuses an inbound call that is not answered yet. An answered one is hung up instead.
    pub fn reject(&self, call: CallId, rejection: Rejection) {
        let _ = (call, rejection);
    }

    /// Ends a call in whatever state it is: CANCEL, 480 or BYE.
    pub fn hangup(&self, call: CallId, reason: HangupReason) {
        let _ = (call, reason);
    }

    /// Places a call. Returns when the INVITE is on its way; the rest arrives as events.
    ///
    /// # Errors
    /// [`DialError`]: the target, its host, or our capacity.
    pub async fn dial(&self, spec: DialSpec) -> Result<CallId, DialError> {
        Err(DialError::BadTarget(spec.target))
    }

    /// Replaces the trunks' address list. Calls in progress from an address that is no longer
    /// listed are heard until they end; TCP connections from it are closed when they are idle.
    pub fn set_acl(&self, trunks: &[Trunk]) {
        let _ = trunks;
    }

    /// Calls in any state.
    #[must_use]
    pub fn active_calls(&self) -> usize {
        self.counts().calls
    }

    /// What the bridge holds at this moment.
    #[must_use]
    pub fn counts(&self) -> BridgeCounts {
        BridgeCounts::default()
    }

    /// Takes no new calls from now on (503), leaving the running ones alone.
    pub fn drain(&self) {}

    /// Drains: waits up to `drain` for the running calls to end, hangs up those that are left,
    /// and closes the listeners.
    pub async fn shutdown(self, drain: Duration) {
        let _ = drain;
    }
}
