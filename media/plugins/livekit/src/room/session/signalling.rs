//! What the server and the two connections say, and what is answered.

use std::sync::Arc;

use livekit_protocol as proto;
use plugin_webrtc::webrtc::peer_connection::{RTCIceCandidateInit, RTCPeerConnectionState};
use plugin_webrtc::{PeerError, PeerEvent};
use proto::SignalTarget;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use tracing::warn;

use super::{News, Session};
use crate::link::Lost;
use crate::room::channel;

impl Session {
    pub(super) async fn signal(&mut self, message: Response) -> Vec<News> {
        let done = match message {
            Response::TrackPublished(published) => {
                self.published = Some(published);
                self.offer(false).await.map_err(|error| (Lost::Publisher, error))
            }
            Response::Answer(answer) => return self.answered(answer).await,
            Response::Offer(offer) => {
                self.answer(offer).await.map_err(|error| (Lost::Subscriber, error))
            }
            Response::Trickle(trickle) => {
                self.trickled(trickle).await;
                Ok(())
            }
            Response::Update(update) => return vec![News::People(update.participants)],
            Response::Leave(leave) => return vec![News::Leave(leave)],
            Response::Mute(mute) if mute.sid == self.track() => {
                return vec![News::WeAreMuted(mute.muted)];
            }
            _ => Ok(()),
        };
        match done {
            Ok(()) => Vec::new(),
            Err((lost, error)) => {
                warn!(%error, "the room's signalling led nowhere");
                vec![News::Lost(lost)]
            }
        }
    }

    pub(super) async fn offer(&mut self, restart: bool) -> Result<(), PeerError> {
        let sdp = self.publisher.offer(restart).await?;
        self.offered = true;
        self.client.send(Request::Offer(description("offer", sdp, 0))).await;
        Ok(())
    }

    async fn answered(&mut self, answer: proto::SessionDescription) -> Vec<News> {
        if let Err(error) = self.publisher.take_answer(&answer.sdp).await {
            warn!(%error, "the room's answer cannot be used");
            return vec![News::Lost(Lost::Publisher)];
        }
        self.offered = false;
        self.publisher_candidates.release(&self.publisher).await;
        self.up_if_ready()
    }

    async fn answer(&mut self, offer: proto::SessionDescription) -> Result<(), PeerError> {
        let sdp = self.subscriber.answer(&offer.sdp).await?;
        let answer = description("answer", sdp, offer.id);
        self.client.send(Request::Answer(answer.clone())).await;
        self.agreed = Some((offer, answer));
        self.subscriber_candidates.release(&self.subscriber).await;
        Ok(())
    }

    async fn trickled(&mut self, trickle: proto::TrickleRequest) {
        let Ok(candidate) = serde_json::from_str(&trickle.candidate_init) else { return };
        match trickle.target() {
            SignalTarget::Publisher => {
                self.publisher_candidates.take(candidate, &self.publisher).await;
            }
            SignalTarget::Subscriber => {
                self.subscriber_candidates.take(candidate, &self.subscriber).await;
            }
        }
    }

    pub(super) async fn published(&mut self, event: PeerEvent) -> Option<News> {
        match event {
            PeerEvent::Candidate(candidate) => {
                self.trickle(&candidate, SignalTarget::Publisher).await;
                None
            }
            PeerEvent::State(RTCPeerConnectionState::Connected) => {
                self.publisher_up = true;
                self.up_if_ready().pop()
            }
            PeerEvent::State(RTCPeerConnectionState::Failed) => {
                self.publisher_up = false;
                Some(News::Lost(Lost::Publisher))
            }
            _ => None,
        }
    }

    pub(super) async fn subscribed(&mut self, event: PeerEvent) -> Option<News> {
        match event {
            PeerEvent::Candidate(candidate) => {
                self.trickle(&candidate, SignalTarget::Subscriber).await;
                None
            }
            PeerEvent::State(RTCPeerConnectionState::Failed) => Some(News::Lost(Lost::Subscriber)),
            PeerEvent::Track(track) => Some(News::Track(track)),
            PeerEvent::Channel(channel) => {
                if self.readers.len() < CHANNELS_MAX {
                    let packets = self.packets_in.clone();
                    self.readers.push(channel::read(channel, packets, Arc::default()));
                }
                None
            }
            _ => None,
        }
    }

    fn up_if_ready(&self) -> Vec<News> {
        let ready = self.publisher_up && !self.offered && self.published.is_some();
        if ready { vec![News::Up] } else { Vec::new() }
    }

    async fn trickle(&self, candidate: &RTCIceCandidateInit, target: SignalTarget) {
        let Ok(candidate_init) = serde_json::to_string(candidate) else { return };
        let target = target.into();
        let trickle = proto::TrickleRequest { candidate_init, target, r#final: false };
        self.client.send(Request::Trickle(trickle)).await;
    }

    /// What we take the state of the session for.
    pub(super) fn state(&self) -> proto::SyncState {
        let (offer, answer) = self.agreed.clone().unzip();
        proto::SyncState {
            offer,
            answer,
            subscription: Some(proto::UpdateSubscription::default()),
            publish_tracks: self.published.iter().cloned().collect(),
            // Data channels are numbered there for a move to another server, which is a join to us.
            ..proto::SyncState::default()
        }
    }
}

fn description(kind: &str, sdp: String, id: u32) -> proto::SessionDescription {
    let r#type = kind.to_owned();
    proto::SessionDescription { r#type, sdp, id, ..proto::SessionDescription::default() }
}

/// Ours, and the server's two.
const CHANNELS_MAX: usize = 6;
