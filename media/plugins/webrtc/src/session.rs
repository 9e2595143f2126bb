//! A browser: offer in, answer out, sound both ways.

use std::sync::Arc;
use std::time::Duration;

use media_core::Ssrc;
use rtc::rtp_transceiver::RTCRtpTransceiverDirection;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::warn;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::RTCPeerConnectionState;

use crate::port::{Counts, LocalSink, RemoteSource, sink, source};
use crate::voice::{self, Microphone, Task, Voice, speak};
use crate::{
    Clock, EVENT_DEPTH, Inbound, Offer, Peer, PeerConfig, PeerError, PeerEvent, PeerEvents,
};

/// What becomes of a browser.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionEvent {
    /// It can be heard and hears.
    Connected,
    /// It gives no sign of life. It may come back by itself, or with an offer that restarts ICE.
    Interrupted,
    /// It gave none for so long that it will not come back: close the session.
    Lost,
    /// It said goodbye: close the session.
    Left,
}

/// A session and what it is used with.
pub struct Answered {
    /// To close it, and to take further offers.
    pub session: Session,
    /// For the browser.
    pub answer: String,
    /// What the browser says.
    pub source: RemoteSource,
    /// What the browser is to hear.
    pub sink: LocalSink,
    /// What becomes of it.
    pub events: mpsc::Receiver<SessionEvent>,
}

/// One browser's connection. Dropping it ends its tasks at once; [`Session::close`] says goodbye
/// before.
pub struct Session {
    peer: Peer,
    /// Holds those that move sound; ends with `moves`.
    standing: Task,
    moves: oneshot::Sender<()>,
    telling: Task,
    gathered: watch::Receiver<bool>,
    counts: Arc<Counts>,
}

impl Session {
    /// Answers an offer. The answer names all our addresses, so nothing more has to be exchanged.
    ///
    /// # Errors
    /// [`PeerError`]. Nothing is left open then.
    pub async fn answer(offer: &Offer, config: &PeerConfig) -> Result<Answered, PeerError> {
        let counts = Arc::new(Counts::default());
        let (inbound, source) = source(&config.codec, config.tick_ms, &counts)?;
        let (sink, outbound) = sink(&config.codec, offer.opus(), &counts)?;
        let (peer, events) = Peer::open(config).await?;
        let (told, events_told) = mpsc::channel(EVENT_DEPTH);
        let (gathered_in, gathered) = watch::channel(false);
        let (tracks_in, tracks) = mpsc::channel(TRACKS_WAITING);
        let ssrc = outbound.ssrc();
        let (speaking, microphone) = speak(outbound);
        let listening = Task::spawn(listen_to_all(tracks, inbound, Arc::clone(&config.clock)));
        let (moves, stop) = oneshot::channel();
        let standing = Task::spawn(stand_by(speaking, listening, told.downgrade(), stop));
        let telling = Task::spawn(tell(events, told, gathered_in, tracks_in));
        let mut session = Session { peer, standing, moves, telling, gathered, counts };
        match session.begin(offer, ssrc, &microphone).await {
            Ok(answer) => Ok(Answered { session, answer, source, sink, events: events_told }),
            Err(error) => {
                session.close().await;
                Err(error)
            }
        }
    }

    async fn begin(
        &mut self,
        offer: &Offer,
        ssrc: Ssrc,
        microphone: &Microphone,
    ) -> Result<String, PeerError> {
        let both = RTCRtpTransceiverDirection::Sendrecv;
        let voice = Voice::add(&self.peer, "xenline", ssrc, both).await?;
        let answer = self.take(offer).await?;
        microphone.plug(&voice).await?;
        Ok(answer)
    }

    /// Takes another offer of the same browser, as one that restarts ICE when its network has
    /// changed. The ends stay as they are.
    ///
    /// # Errors
    /// [`PeerError`]; the session goes on as it was.
    pub async fn take(&mut self, offer: &Offer) -> Result<String, PeerError> {
        self.peer.answer(offer.sdp()).await?;
        // Later offers find our addresses as they were: sockets outlive a restart.
        if !*self.gathered.borrow() {
            let waited = tokio::time::timeout(GATHER_MAX, self.gathered.changed()).await;
            if waited.is_err() {
                let after_ms = GATHER_MAX.as_millis() as u64;
                return Err(PeerError::NoCandidates { after_ms });
            }
        }
        let described = self.peer.local_description().await.unwrap_or_default();
        Ok(described)
    }

    /// What passed so far.
    #[must_use]
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Says goodbye and ends everything.
    pub async fn close(self) {
        let Self { peer, standing, moves, telling, .. } = self;
        peer.close().await;
        drop(moves);
        standing.ended().await;
        telling.end().await;
    }
}

/// Holds the two that move sound, until they are to stop; it is over when they are. If one of them is
/// broken the browser is lost, not merely mute or deaf.
async fn stand_by(
    mut speaking: Task,
    mut listening: Task,
    told: mpsc::WeakSender<SessionEvent>,
    stop: oneshot::Receiver<()>,
) {
    let broken = async {
        tokio::select! {
            () = speaking.panicked() => {}
            () = listening.panicked() => {}
        }
    };
    tokio::select! {
        () = broken => {
            if let Some(told) = told.upgrade() {
                // Full, there is news enough that nobody takes.
                let _ = told.try_send(SessionEvent::Lost);
            }
        }
        // Nothing is ever sent.
        _ = stop => {}
    }
    speaking.end().await;
    listening.end().await;
}

/// Sorts what the connection tells.
async fn tell(
    mut events: PeerEvents,
    told: mpsc::Sender<SessionEvent>,
    gathered: watch::Sender<bool>,
    tracks: mpsc::Sender<Arc<dyn TrackRemote>>,
) {
    while let Some(event) = events.recv().await {
        match event {
            PeerEvent::State(state) => {
                let Some(event) = meaning(state) else { continue };
                if let Err(mpsc::error::TrySendError::Full(_)) = told.try_send(event) {
                    warn!(?event, "an event of a browser is lost: nobody takes them");
                }
            }
            PeerEvent::Gathered => drop(gathered.send_replace(true)),
            PeerEvent::Track(track) => {
                if tracks.try_send(track).is_err() {
                    warn!("a browser sends one track after the other; this one is not heard");
                }
            }
            PeerEvent::Candidate(_) | PeerEvent::Channel(_) => {}
        }
    }
}

fn meaning(state: RTCPeerConnectionState) -> Option<SessionEvent> {
    match state {
        RTCPeerConnectionState::Connected => Some(SessionEvent::Connected),
        RTCPeerConnectionState::Disconnected => Some(SessionEvent::Interrupted),
        RTCPeerConnectionState::Failed => Some(SessionEvent::Lost),
        RTCPeerConnectionState::Closed => Some(SessionEvent::Left),
        _ => None,
    }
}

/// One track after the other: a browser has one at a time.
async fn listen_to_all(
    mut tracks: mpsc::Receiver<Arc<dyn TrackRemote>>,
    mut inbound: Inbound,
    clock: Clock,
) {
    while let Some(track) = tracks.recv().await {
        voice::read(&*track, &mut inbound, &clock).await;
    }
}

/// Tracks that may follow one another before the first is done.
const TRACKS_WAITING: usize = 4;

/// How long our addresses may take: a STUN server answers within a second, or does not.
const GATHER_MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    /// What a task holds, and is in no hurry to let go of.
    struct Held(Arc<()>);

    impl Drop for Held {
        fn drop(&mut self) {
            (0..100).for_each(|_| std::thread::yield_now());
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_has_ended_the_stand_by_has_ended_those_that_move_sound() {
        let all = Arc::new(());
        let moving = || {
            let held = Held(Arc::clone(&all));
            Task::spawn(async move {
                let _held = &held.0;
                std::future::pending().await
            })
        };
        let (told, _events) = mpsc::channel(1);
        let (moves, stop) = oneshot::channel();
        let standing = Task::spawn(stand_by(moving(), moving(), told.downgrade(), stop));
        drop(moves);
        standing.ended().await;
        assert_eq!(Arc::strong_count(&all), 1, "nothing is held any more");
    }
}
