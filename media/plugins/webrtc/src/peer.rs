//! A peer connection as it is made here, and what it tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::media_engine::MIME_TYPE_OPUS;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tracing::warn;
use webrtc::data_channel::DataChannel;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
    RTCConfigurationBuilder, RTCIceCandidateInit, RTCIceGatheringState, RTCIceServer,
    RTCIceTransportPolicy, RTCPeerConnectionIceEvent, RTCPeerConnectionState,
    RTCSessionDescription, Registry, SettingEngineBuilder, register_default_interceptors,
};

use crate::watched::Watched;
use crate::{PeerConfig, PeerError, Step};

/// Events that wait for the owner: those of a connection's whole life are fewer, unless a network
/// comes and goes and nobody looks.
pub const EVENT_DEPTH: usize = 256;

/// What a peer connection tells its owner.
#[derive(Clone)]
#[non_exhaustive]
pub enum PeerEvent {
    /// It is connected, interrupted, lost, or closed.
    State(RTCPeerConnectionState),
    /// An address of ours, for those who send them one by one.
    Candidate(RTCIceCandidateInit),
    /// There are no more.
    Gathered,
    /// The peer's audio. Comes with its first packet.
    Track(Arc<dyn TrackRemote>),
    /// The peer has opened a data channel.
    Channel(Arc<dyn DataChannel>),
}

/// Where they come out.
pub type PeerEvents = mpsc::Receiver<PeerEvent>;

/// A connection to one peer, that carries Opus. Dropping it closes it a little later.
pub struct Peer {
    connection: Arc<dyn PeerConnection>,
    closed: Arc<AtomicBool>,
}

impl Peer {
    /// Binds the sockets and starts the connection's task.
    ///
    /// # Errors
    /// [`PeerError::Stack`] with [`Step::Open`], as when an address is not ours.
    pub async fn open(config: &PeerConfig) -> Result<(Peer, PeerEvents), PeerError> {
        let (events, received) = mpsc::channel(EVENT_DEPTH);
        let closed = Arc::new(AtomicBool::new(false));
        let failed = PeerError::stack(Step::Open);
        let mut media = MediaEngine::default();
        media.register_codec(opus(), RtpCodecKind::Audio).map_err(&failed)?;
        let registry = register_default_interceptors(Registry::new(), &mut media);
        let settings = SettingEngineBuilder::new()
            .with_include_loopback_candidate(true)
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_ice_timeouts(
                Some(config.interrupted_after),
                Some(config.lost_after),
                Some(KEEPALIVE_EVERY),
            )
            .build();
        let connection = PeerConnectionBuilder::new()
            .with_configuration(configuration(config))
            .with_media_engine(media)
            .with_interceptor_registry(registry.map_err(&failed)?)
            .with_setting_engine(settings)
            .with_runtime(Arc::new(watched(&events, &closed)))
            .with_handler(Arc::new(Teller { events }))
            .with_udp_addrs(config.addresses.clone())
            .build()
            .await
            .map_err(&failed)?;
        Ok((Peer { connection: Arc::new(connection), closed }, received))
    }

    /// The connection itself.
    #[must_use]
    pub fn connection(&self) -> &Arc<dyn PeerConnection> {
        &self.connection
    }

    /// Takes the peer's offer and makes our answer, without candidates.
    ///
    /// # Errors
    /// [`PeerError::Stack`].
    pub async fn answer(&self, offer: &str) -> Result<String, PeerError> {
        let taking = PeerError::stack(Step::TakeOffer);
        let offer = RTCSessionDescription::offer(offer.to_owned()).map_err(&taking)?;
        self.connection.set_remote_description(offer).await.map_err(&taking)?;
        let making = PeerError::stack(Step::Answer);
        let answer = self.connection.create_answer(None).await.map_err(&making)?;
        let sdp = answer.sdp.clone();
        self.connection.set_local_description(answer).await.map_err(&making)?;
        Ok(sdp)
    }

    /// Makes our offer, without candidates; `restart`: with new addresses and secrets for both
    /// (RFC 8445 §9).
    ///
    /// # Errors
    /// [`PeerError::Stack`].
    pub async fn offer(&self, restart: bool) -> Result<String, PeerError> {
        let making = PeerError::stack(Step::Offer);
        if restart {
            self.connection.restart_ice().await.map_err(&making)?;
        }
        let offer = self.connection.create_offer(None).await.map_err(&making)?;
        let sdp = offer.sdp.clone();
        self.connection.set_local_description(offer).await.map_err(&making)?;
        Ok(sdp)
    }

    /// Takes the peer's answer to our offer.
    ///
    /// # Errors
    /// [`PeerError::Stack`].
    pub async fn take_answer(&self, answer: &str) -> Result<(), PeerError> {
        let failed = PeerError::stack(Step::TakeAnswer);
        let answer = RTCSessionDescription::answer(answer.to_owned()).map_err(&failed)?;
        self.connection.set_remote_description(answer).await.map_err(&failed)
    }

    /// Takes an address of the peer's. Those that could not be used are passed over.
    ///
    /// # Errors
    /// [`PeerError::Stack`], as when no description of the peer's was taken yet.
    pub async fn add_candidate(&self, candidate: RTCIceCandidateInit) -> Result<(), PeerError> {
        let text = candidate.candidate.as_str();
        if !crate::offer::is_usable(text.strip_prefix("candidate:").unwrap_or(text)) {
            return Ok(());
        }
        let failed = PeerError::stack(Step::Candidate);
        self.connection.add_ice_candidate(candidate).await.map_err(failed)
    }

    /// Our description as it is now, with the addresses found so far.
    pub async fn local_description(&self) -> Option<String> {
        self.connection.local_description().await.map(|description| description.sdp)
    }

    /// Ends the connection and its task.
    pub async fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        close(&*self.connection).await;
    }
}

impl Drop for Peer {
    /// The stack's own task would go on without us, for as long as the runtime does.
    fn drop(&mut self) {
        if !self.closed.swap(true, Ordering::Relaxed)
            && let Ok(runtime) = Handle::try_current()
        {
            let connection = Arc::clone(&self.connection);
            runtime.spawn(async move { close(&*connection).await });
        }
    }
}

async fn close(connection: &dyn PeerConnection) {
    if let Err(error) = connection.close().await {
        warn!(%error, "a peer connection did not close in order");
    }
}

/// A connection whose task has ended is lost, unless we have closed it.
fn watched(events: &mpsc::Sender<PeerEvent>, closed: &Arc<AtomicBool>) -> Watched {
    // Neither keeps the events open: they end with the connection.
    let (events, closed) = (events.downgrade(), Arc::clone(closed));
    Watched::new(move || {
        if !closed.load(Ordering::Relaxed)
            && let Some(events) = events.upgrade()
        {
            Teller { events }.tell(PeerEvent::State(RTCPeerConnectionState::Failed));
        }
    })
}

/// How the handler's calls become events.
struct Teller {
    events: mpsc::Sender<PeerEvent>,
}

impl Teller {
    fn tell(&self, event: PeerEvent) {
        // Never waits: these calls come from the task that moves the packets.
        if let Err(mpsc::error::TrySendError::Full(_)) = self.events.try_send(event) {
            warn!("an event of a peer connection is lost: nobody takes them");
        }
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Teller {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        match event.candidate.to_json() {
            Ok(candidate) => self.tell(PeerEvent::Candidate(candidate)),
            Err(error) => warn!(%error, "an address of ours cannot be told"),
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.tell(PeerEvent::Gathered);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.tell(PeerEvent::State(state));
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        self.tell(PeerEvent::Track(track));
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.tell(PeerEvent::Channel(channel));
    }
}

fn configuration(config: &PeerConfig) -> webrtc::peer_connection::RTCConfiguration {
    let servers = config.ice_servers.iter().map(|server| RTCIceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.clone(),
    });
    let policy = match config.relay_only {
        true => RTCIceTransportPolicy::Relay,
        false => RTCIceTransportPolicy::All,
    };
    RTCConfigurationBuilder::new()
        .with_ice_servers(servers.collect())
        .with_ice_transport_policy(policy)
        .build()
}

/// The one codec, as we offer it. What the peer sends may repeat itself against loss.
pub(crate) fn opus() -> RTCRtpCodecParameters {
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: MIME_TYPE_OPUS.to_owned(),
            clock_rate: 48_000,
            channels: 2,
            sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
            rtcp_feedback: Vec::new(),
        },
        payload_type: 111,
    }
}

/// RFC 7675 asks for a check every 5 s, or somewhat more often.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(1);
