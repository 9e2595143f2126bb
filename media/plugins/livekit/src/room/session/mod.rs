//! One session in a room: a signalling connection and two peer connections.

mod candidates;
mod signalling;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use livekit_protocol as proto;
use livekit_signaling::{SignalClient, SignalError, SignalEvent, SignalEvents, SignalOptions};
use media_core::Ssrc;
use plugin_webrtc::webrtc::data_channel::{DataChannel, RTCDataChannelInit};
use plugin_webrtc::webrtc::media_stream::track_remote::TrackRemote;
use plugin_webrtc::webrtc::rtp_transceiver::RTCRtpTransceiverDirection;
use plugin_webrtc::{Peer, PeerError, PeerEvent, PeerEvents, Step, Task, Voice};
use prost::Message as _;
use proto::signal_request::Message as Request;
use proto::{TrackSource, TrackType};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::channel::{self, PACKET_DEPTH};
use crate::link::{Lost, Refusal};
use crate::{RoomConfig, TextError};
use candidates::Candidates;

/// What arrived at a session and was not looked at yet.
pub(super) enum Arrival {
    Signal(SignalEvent),
    Publisher(PeerEvent),
    Subscriber(PeerEvent),
    Packet(Box<proto::DataPacket>),
    /// The signalling crate's task is gone.
    Over,
}

/// What an arrival means for the room.
pub(super) enum News {
    /// Our voice is on its way: the attempt has come to its end.
    Up,
    Lost(Lost),
    Leave(proto::LeaveRequest),
    People(Vec<proto::ParticipantInfo>),
    Track(Arc<dyn TrackRemote>),
    WeAreMuted(bool),
    Packet(Box<proto::DataPacket>),
}

pub(super) struct Session {
    client: SignalClient,
    signals: SignalEvents,
    publisher: Peer,
    publisher_events: PeerEvents,
    publisher_candidates: Candidates,
    publisher_up: bool,
    /// An offer of ours is to be answered.
    offered: bool,
    subscriber: Peer,
    subscriber_events: PeerEvents,
    subscriber_candidates: Candidates,
    /// The server's latest offer and our answer to it.
    agreed: Option<(proto::SessionDescription, proto::SessionDescription)>,
    voice: Voice,
    published: Option<proto::TrackPublishedResponse>,
    reliable: Arc<dyn DataChannel>,
    /// Held, for dropping it closes it.
    _lossy: Arc<dyn DataChannel>,
    open: Arc<AtomicBool>,
    packets_in: mpsc::Sender<proto::DataPacket>,
    packets: mpsc::Receiver<proto::DataPacket>,
    readers: Vec<Task>,
}

impl Session {
    /// Knocks at the server and opens what a session needs. [`News::Up`] follows, or does not.
    pub async fn begin(
        config: &RoomConfig,
        token: &str,
        (ssrc, muted): (Ssrc, bool),
    ) -> Result<(Session, proto::JoinResponse), Refusal> {
        let mut options = SignalOptions::default();
        options.region_failover = false;
        options.single_peer_connection = false;
        options.client_capabilities = Vec::new();
        options.protocol_version = PROTOCOL_VERSION;
        // We read texts in pieces, uncompressed.
        options.client_protocol = livekit_signaling::CLIENT_PROTOCOL_DEFAULT;
        let connected = SignalClient::connect(&config.url, token, options, None).await;
        let (client, joined, signals) = connected.map_err(|error| {
            warn!(%error, "the LiveKit server does not let us in");
            refusal(&error)
        })?;
        let offered = config.peer(&joined.ice_servers);
        let session = Session::open(offered, client, signals, ssrc).await;
        let session = session.map_err(|error| {
            warn!(%error, "no peer connection for the room");
            Refusal::ForNow
        })?;
        session.client.send(Request::AddTrack(add_track(muted))).await;
        Ok((session, joined))
    }

    async fn open(
        config: plugin_webrtc::PeerConfig,
        client: SignalClient,
        signals: SignalEvents,
        ssrc: Ssrc,
    ) -> Result<Session, PeerError> {
        let (publisher, publisher_events) = Peer::open(&config).await?;
        let (subscriber, subscriber_events) = Peer::open(&config).await?;
        let sendonly = RTCRtpTransceiverDirection::Sendonly;
        let voice = Voice::add(&publisher, TRACK_ID, ssrc, sendonly).await?;
        let reliable = RTCDataChannelInit { ordered: true, ..RTCDataChannelInit::default() };
        let lossy = RTCDataChannelInit {
            ordered: false,
            max_retransmits: Some(0),
            ..RTCDataChannelInit::default()
        };
        let failed = |source| PeerError::Stack { step: Step::Channel, source };
        let stack = publisher.connection();
        let reliable =
            stack.create_data_channel("_reliable", Some(reliable)).await.map_err(failed)?;
        let lossy = stack.create_data_channel("_lossy", Some(lossy)).await.map_err(failed)?;
        let (packets_in, packets) = mpsc::channel(PACKET_DEPTH);
        let open = Arc::new(AtomicBool::new(false));
        let readers = vec![
            channel::read(Arc::clone(&reliable), packets_in.clone(), Arc::clone(&open)),
            channel::read(Arc::clone(&lossy), packets_in.clone(), Arc::default()),
        ];
        Ok(Session {
            client,
            signals,
            publisher,
            publisher_events,
            publisher_candidates: Candidates::default(),
            publisher_up: false,
            offered: false,
            subscriber,
            subscriber_events,
            subscriber_candidates: Candidates::default(),
            agreed: None,
            voice,
            published: None,
            reliable,
            _lossy: lossy,
            open,
            packets_in,
            packets,
            readers,
        })
    }

    /// The next thing that arrives. Cancel-safe.
    pub async fn next(&mut self) -> Arrival {
        // The sessions' own senders and connections live as long as it does, so that only signals
        // can come to an end.
        tokio::select! {
            signal = self.signals.recv() => signal.map_or(Arrival::Over, Arrival::Signal),
            Some(event) = self.publisher_events.recv() => Arrival::Publisher(event),
            Some(event) = self.subscriber_events.recv() => Arrival::Subscriber(event),
            Some(packet) = self.packets.recv() => Arrival::Packet(Box::new(packet)),
        }
    }

    /// Looks at what arrived and does what it asks for.
    pub async fn take(&mut self, arrival: Arrival) -> Vec<News> {
        let taken = match arrival {
            Arrival::Signal(SignalEvent::Message(message)) => return self.signal(*message).await,
            // That of a connection before this one comes late.
            Arrival::Signal(SignalEvent::Close(_)) if self.client.is_connected().await => None,
            Arrival::Signal(SignalEvent::Close(_)) | Arrival::Over => {
                Some(News::Lost(Lost::Signal))
            }
            Arrival::Publisher(event) => self.published(event).await,
            Arrival::Subscriber(event) => self.subscribed(event).await,
            Arrival::Packet(packet) => Some(News::Packet(packet)),
        };
        taken.into_iter().collect()
    }

    /// Goes on after an interruption, as the same participant. [`News::Up`] follows, or does not.
    pub async fn resume(&mut self, lost: Lost) -> Result<(), Refusal> {
        let reason = match lost {
            Lost::Signal => proto::ReconnectReason::RrSignalDisconnected,
            Lost::Publisher => proto::ReconnectReason::RrPublisherFailed,
            Lost::Subscriber => proto::ReconnectReason::RrSubscriberFailed,
        };
        // What the server does not know any more is joined anew, so a refusal is never for good.
        self.client.restart(reason).await.map_err(|error| {
            debug!(%error, "the session cannot be resumed");
            Refusal::ForNow
        })?;
        self.client.send(Request::SyncState(self.state())).await;
        self.publisher_up &= lost != Lost::Publisher;
        self.offer(true).await.map_err(|error| {
            debug!(%error, "no offer to resume with");
            Refusal::ForNow
        })
    }

    /// The signalling connection may carry everything again.
    pub async fn resumed(&self) {
        self.client.set_reconnected().await;
    }

    /// Our track on this session, to be plugged in.
    pub fn voice(&self) -> &Voice {
        &self.voice
    }

    /// The room's name for our track; empty until it has one.
    pub fn track(&self) -> &str {
        let track = self.published.as_ref().and_then(|published| published.track.as_ref());
        track.map_or("", |track| &track.sid)
    }

    /// Says that we are muted, or no longer, once there is a track to say it of.
    pub async fn mute(&self, muted: bool) {
        let sid = self.track().to_owned();
        if sid.is_empty() {
            return;
        }
        self.client.send(Request::Mute(proto::MuteTrackRequest { sid, muted })).await;
    }

    /// Says things about us.
    pub async fn set_attributes(&self, attributes: HashMap<String, String>) {
        let request_id = self.client.next_request_id();
        let update = proto::UpdateParticipantMetadata {
            attributes,
            request_id,
            ..proto::UpdateParticipantMetadata::default()
        };
        self.client.send(Request::UpdateMetadata(update)).await;
    }

    /// Sends packets to everybody, or none of them.
    pub async fn send(&self, packets: Vec<proto::DataPacket>) -> Result<(), TextError> {
        if !self.open.load(Ordering::Acquire) {
            return Err(TextError::NotConnected);
        }
        if self.reliable.outstanding_bytes().await.unwrap_or(0) > OUTSTANDING_BYTES_MAX {
            return Err(TextError::Busy);
        }
        for packet in packets {
            let bytes = packet.encode_to_vec();
            let sent = self.reliable.send(bytes.as_slice().into()).await;
            sent.map_err(|_| TextError::NotConnected)?;
        }
        Ok(())
    }

    /// Ends everything; `farewell`: the server is told.
    pub async fn close(self, farewell: bool) {
        self.publisher.close().await;
        self.subscriber.close().await;
        if farewell {
            let leave = proto::LeaveRequest {
                reason: proto::DisconnectReason::ClientInitiated.into(),
                action: proto::leave_request::Action::Disconnect.into(),
                ..proto::LeaveRequest::default()
            };
            self.client.send(Request::Leave(leave)).await;
        }
        self.client.close().await;
        for reader in self.readers {
            reader.end().await;
        }
    }
}

fn add_track(muted: bool) -> proto::AddTrackRequest {
    proto::AddTrackRequest {
        cid: TRACK_ID.to_owned(),
        name: "voice".to_owned(),
        r#type: TrackType::Audio.into(),
        source: TrackSource::Microphone.into(),
        muted,
        // Packets come also in silence, and each once.
        audio_features: vec![proto::AudioTrackFeature::TfNoDtx.into()],
        disable_red: true,
        ..proto::AddTrackRequest::default()
    }
}

/// Whether it is worth knocking again.
fn refusal(error: &SignalError) -> Refusal {
    match error {
        SignalError::UrlParse(_) | SignalError::TokenFormat => Refusal::ForGood,
        SignalError::Client(status, _) if matches!(status.as_u16(), 401 | 403) => Refusal::ForGood,
        _ => Refusal::ForNow,
    }
}

/// Whose rules the session follows: those before data channels were agreed on beforehand.
const PROTOCOL_VERSION: u32 = 16;

/// How server and we know our track before it has the room's name.
const TRACK_ID: &str = "xenline-voice";

/// Some texts of the longest kind. Who has more underway does not read.
const OUTSTANDING_BYTES_MAX: usize = 256 * 1024;
