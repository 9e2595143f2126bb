use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use media_core::MonoTime;
use media_core::codec::CodecPlugin;

/// Reads the clock that the audio thread's deadlines are on.
pub type Clock = Arc<dyn Fn() -> MonoTime + Send + Sync>;

/// How peer connections are made.
#[derive(Clone)]
pub struct PeerConfig {
    /// Where media is sent from and received. A wildcard stands for every interface but loopback.
    pub addresses: Vec<SocketAddr>,
    /// Who tells us our address, or relays for us. None by default.
    pub ice_servers: Vec<IceServer>,
    /// Send through a relay only, so that the peer does not learn our address.
    pub relay_only: bool,
    /// Where Opus comes from.
    pub codec: Arc<dyn CodecPlugin>,
    /// The time.
    pub clock: Clock,
    /// Audio that is pulled and pushed at a time: the audio thread's tick.
    pub tick_ms: u32,
    /// Without a sign of life for this long a peer counts as interrupted.
    pub interrupted_after: Duration,
    /// And for this much longer, as lost. RFC 7675 takes a peer's consent for void after 30 s.
    pub lost_after: Duration,
}

impl PeerConfig {
    /// On loopback, with nobody's help.
    #[must_use]
    pub fn loopback(codec: Arc<dyn CodecPlugin>, clock: Clock) -> Self {
        Self {
            addresses: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            ice_servers: Vec::new(),
            relay_only: false,
            codec,
            clock,
            tick_ms: 20,
            interrupted_after: Duration::from_secs(3),
            lost_after: Duration::from_secs(12),
        }
    }
}

/// A STUN or TURN server (RFC 7064, RFC 7065).
#[derive(Clone, Default)]
pub struct IceServer {
    /// `stun:host:port`, `turn:host:port?transport=udp`.
    pub urls: Vec<String>,
    /// For TURN.
    pub username: String,
    /// For TURN. A secret.
    pub credential: String,
}

impl std::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}
