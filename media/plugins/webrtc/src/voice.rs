//! The tasks that move packets: one for each track, ended by whoever holds it.

use std::sync::Arc;

use bytes::Bytes;
use media_core::rtp::RtpPacket;
use media_core::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::debug;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::rtp_transceiver::RtpTransceiver;

use crate::port::Packet;
use crate::watched::{Panicked, contained};
use crate::{Clock, Inbound, Outbound, Peer, PeerError, Step};

/// A task that ends with whoever holds it.
#[derive(Debug)]
pub struct Task(Option<JoinHandle<Result<(), Panicked>>>);

impl Task {
    /// Begins it. A panic is logged and ends it alone. To be called in a runtime.
    #[must_use]
    pub fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Task(Some(tokio::spawn(contained(work))))
    }

    /// Comes back if it panicked, and never otherwise. Cancel-safe.
    pub async fn panicked(&mut self) {
        if let Some(task) = &mut self.0 {
            let ended = task.await;
            self.0 = None;
            if matches!(ended, Ok(Err(_))) {
                return;
            }
        }
        std::future::pending().await
    }

    /// Ends it and waits until it has let go of everything.
    pub async fn end(self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
        self.ended().await;
    }

    /// Waits until it has ended by itself, and let go of everything.
    pub(crate) async fn ended(mut self) {
        if let Some(task) = self.0.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Our track on a peer connection.
pub struct Voice {
    track: Arc<TrackLocalStaticRTP>,
    transceiver: Arc<dyn RtpTransceiver>,
}

impl Voice {
    /// Adds a track with the stream `ssrc`, before offer or answer is made.
    ///
    /// `id`: how the peer knows it again. `direction`: `Sendonly`, or `Sendrecv` where the peer's
    /// track is to share the section.
    ///
    /// # Errors
    /// [`PeerError::Stack`].
    pub async fn add(
        peer: &Peer,
        id: &str,
        ssrc: Ssrc,
        direction: RTCRtpTransceiverDirection,
    ) -> Result<Voice, PeerError> {
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc.0),
                ..RTCRtpCodingParameters::default()
            },
            codec: crate::peer::opus().rtp_codec,
            ..RTCRtpEncodingParameters::default()
        };
        let track = MediaStreamTrack::new(
            "xenline".to_owned(),
            id.to_owned(),
            "voice".to_owned(),
            RtpCodecKind::Audio,
            vec![coding],
        );
        let track = Arc::new(TrackLocalStaticRTP::new(track));
        let init = RTCRtpTransceiverInit { direction, ..RTCRtpTransceiverInit::default() };
        let transceiver = peer
            .connection()
            .add_transceiver_from_track(Arc::clone(&track) as Arc<dyn TrackLocal>, Some(init))
            .await
            .map_err(PeerError::stack(Step::AddTrack))?;
        Ok(Voice { track, transceiver })
    }

    /// The peer's number for Opus, once offer and answer have settled it.
    ///
    /// # Errors
    /// [`PeerError::NotNegotiated`].
    pub async fn payload_type(&self) -> Result<PayloadType, PeerError> {
        let sender = self.transceiver.sender().await.ok().flatten();
        let sender = sender.ok_or(PeerError::NotNegotiated)?;
        let parameters = sender.get_parameters().await.map_err(|_| PeerError::NotNegotiated)?;
        let codec = parameters.rtp_parameters.codecs.first();
        codec.map(|codec| PayloadType(codec.payload_type)).ok_or(PeerError::NotNegotiated)
    }
}

/// Which track speaks what the tick makes. Tracks come and go with their connections; what the tick
/// holds stays.
pub struct Microphone(watch::Sender<Option<Arc<Plugged>>>);

struct Plugged {
    track: Arc<TrackLocalStaticRTP>,
    payload_type: PayloadType,
}

impl Microphone {
    /// From now on `voice` speaks, as what was settled on.
    ///
    /// # Errors
    /// [`PeerError::NotNegotiated`].
    pub async fn plug(&self, voice: &Voice) -> Result<(), PeerError> {
        let payload_type = voice.payload_type().await?;
        let track = Arc::clone(&voice.track);
        self.0.send_replace(Some(Arc::new(Plugged { track, payload_type })));
        Ok(())
    }

    /// From now on nothing is sent. What the tick makes meanwhile is lost.
    pub fn unplug(&self) {
        self.0.send_replace(None);
    }
}

/// Sends what the tick makes, on whatever is plugged in, until the tick's end is gone.
#[must_use]
pub fn speak(mut packets: Outbound) -> (Task, Microphone) {
    let (plug, plugged) = watch::channel(None::<Arc<Plugged>>);
    let task = Task::spawn(async move {
        while let Some(packet) = packets.next().await {
            let Some(voice) = plugged.borrow().clone() else { continue };
            // Fails while a connection begins and ends, when nobody can hear it anyway.
            if let Err(error) = voice.track.write_rtp(wire(&packet, voice.payload_type)).await {
                debug!(%error, "a packet of ours was not sent");
            }
        }
    });
    (task, Microphone(plug))
}

/// Takes what comes on a track, until the track or the tick's end is gone.
#[must_use]
pub fn listen(track: Arc<dyn TrackRemote>, mut inbound: Inbound, clock: Clock) -> Task {
    Task::spawn(async move { read(&*track, &mut inbound, &clock).await })
}

/// The loop of [`listen`].
pub(crate) async fn read(track: &dyn TrackRemote, inbound: &mut Inbound, clock: &Clock) {
    while let Some(event) = track.poll().await {
        match event {
            TrackRemoteEvent::OnRtpPacket(packet) => {
                inbound.take(clock(), &parsed(&packet));
                if inbound.is_abandoned() {
                    return;
                }
            }
            TrackRemoteEvent::OnEnded => return,
            _ => {}
        }
    }
}

fn parsed(packet: &rtc::rtp::Packet) -> RtpPacket<'_> {
    let header = &packet.header;
    RtpPacket {
        marker: header.marker,
        payload_type: PayloadType(header.payload_type),
        sequence: SequenceNumber(header.sequence_number),
        timestamp: RtpTimestamp(header.timestamp),
        ssrc: Ssrc(header.ssrc),
        payload: &packet.payload,
    }
}

fn wire(packet: &Packet, payload_type: PayloadType) -> rtc::rtp::Packet {
    let header = rtc::rtp::Header {
        version: 2,
        marker: packet.marker,
        payload_type: payload_type.0,
        sequence_number: packet.sequence.0,
        timestamp: packet.timestamp.0,
        ssrc: packet.ssrc.0,
        ..rtc::rtp::Header::default()
    };
    rtc::rtp::Packet { header, payload: Bytes::copy_from_slice(packet.payload()) }
}
