//! The task of a room: does what [`Link`] wants done, and tells what happens.

mod asked;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use livekit_protocol as proto;
use media_core::{MonoTime, Ssrc};
use plugin_webrtc::Microphone;
use plugin_webrtc::webrtc::media_stream::track_remote::TrackRemote;
use proto::leave_request::Action;
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use super::ears::Ears;
use super::session::{Arrival, News, Session};
use super::{AgentState, Command, EVENT_DEPTH, attributes};
use crate::link::{Link, LinkInput, LinkOutput, Refusal, TRY_MAX, Try, TryId};
use crate::text::Assembler;
use crate::{Change, People, RoomConfig, RoomEvent, Text, token};

pub(super) struct Driver {
    config: RoomConfig,
    ssrc: Ssrc,
    microphone: Microphone,
    events: mpsc::Sender<RoomEvent>,
    link: Link,
    trying: Option<TryId>,
    session: Option<Session>,
    people: People,
    ears: Ears,
    texts: Assembler,
    attributes: HashMap<String, String>,
    muted: bool,
    /// The owner takes no events any more.
    unattended: bool,
}

impl Driver {
    pub fn new(
        config: RoomConfig,
        ssrc: Ssrc,
        microphone: Microphone,
        events: mpsc::Sender<RoomEvent>,
    ) -> Self {
        let link = Link::new(config.seed);
        Self {
            config,
            ssrc,
            microphone,
            events,
            link,
            trying: None,
            session: None,
            people: People::default(),
            ears: Ears::default(),
            texts: Assembler::default(),
            attributes: attributes::of_state(AgentState::Initializing),
            muted: false,
            unattended: false,
        }
    }

    pub async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut leave: watch::Receiver<bool>,
    ) {
        self.tell_link(LinkInput::Begin);
        while self.work(&mut leave).await {
            let wait = self.link.next_timeout().map(|due| due.since(self.now()));
            tokio::select! {
                // The sender is also gone when nobody holds the room.
                _ = leave.changed() => self.tell_link(LinkInput::Leave),
                Some(command) = commands.recv() => self.obey(command).await,
                arrival = next_of(&mut self.session) => self.arrived(arrival).await,
                () = tokio::time::sleep(wait.unwrap_or(LONG)), if wait.is_some() => {
                    self.tell_link(LinkInput::Timeout);
                }
            }
        }
    }

    /// Does what the link wants; `false` when it is over.
    async fn work(&mut self, leave: &mut watch::Receiver<bool>) -> bool {
        if self.unattended {
            self.tell_link(LinkInput::Leave);
        }
        while let Some(output) = self.link.poll_output() {
            match output {
                LinkOutput::Try(id, how) => {
                    self.trying = Some(id);
                    let tried = tokio::select! {
                        tried = tokio::time::timeout(TRY_MAX, self.attempt(how)) => {
                            tried.unwrap_or(Err(Refusal::ForNow))
                        }
                        _ = leave.changed() => {
                            self.tell_link(LinkInput::Leave);
                            continue;
                        }
                    };
                    if let Err(refusal) = tried {
                        self.tell_link(LinkInput::Failed(id, refusal));
                    }
                }
                LinkOutput::Connected { anew } => {
                    self.trying = None;
                    self.connected(anew).await;
                }
                LinkOutput::Interrupted => self.tell(RoomEvent::Interrupted),
                LinkOutput::Ended(ending) => {
                    self.end_session(true).await;
                    self.tell(RoomEvent::Ended(ending));
                    return false;
                }
            }
        }
        true
    }

    async fn attempt(&mut self, how: Try) -> Result<(), Refusal> {
        let lost = match how {
            Try::Resume(lost) => lost,
            Try::Join => return self.join().await,
        };
        match &mut self.session {
            Some(session) => session.resume(lost).await,
            None => Err(Refusal::ForNow),
        }
    }

    async fn join(&mut self) -> Result<(), Refusal> {
        self.end_session(false).await;
        let RoomConfig { api, room, identity, name, .. } = &self.config;
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let token = token(api, room, identity, name, since_epoch);
        let begun = Session::begin(&self.config, &token, (self.ssrc, self.muted)).await;
        let (session, joined) = begun?;
        session.set_attributes(self.attributes.clone()).await;
        self.session = Some(session);
        // Told once we are connected; what changes until then is added to it.
        let changes = self.people.update(&self.config.identity, joined.other_participants);
        self.changed(changes);
        Ok(())
    }

    async fn connected(&mut self, anew: bool) {
        let Some(session) = &self.session else { return };
        if !anew {
            session.resumed().await;
        }
        // It may have been asked for while there was no track to mute.
        session.mute(self.muted).await;
        if !self.muted
            && let Err(error) = self.microphone.plug(session.voice()).await
        {
            warn!(%error, "our voice does not reach the room");
        }
        info!(room = self.config.room, anew, "in the room");
        self.tell(RoomEvent::Connected { anew });
    }

    async fn end_session(&mut self, farewell: bool) {
        self.microphone.unplug();
        let Some(session) = self.session.take() else { return };
        let changes = self.people.clear();
        self.changed(changes);
        for track in self.ears.tracks() {
            self.unhear(&track);
        }
        self.ears.forget();
        self.ears.rest().await;
        self.texts = Assembler::default();
        session.close(farewell).await;
    }

    async fn arrived(&mut self, arrival: Arrival) {
        let Some(session) = &mut self.session else { return };
        for news in session.take(arrival).await {
            self.learn(news).await;
        }
        self.ears.rest().await;
    }

    async fn learn(&mut self, news: News) {
        match news {
            News::Up => {
                if let Some(id) = self.trying {
                    self.tell_link(LinkInput::Done(id));
                }
            }
            News::Lost(lost) => self.tell_link(LinkInput::Lost(lost)),
            News::Leave(leave) => self.tell_link(meaning(&leave)),
            News::People(infos) => {
                let changes = self.people.update(&self.config.identity, infos);
                self.changed(changes);
            }
            News::Track(track) => {
                let id = track.track_id().await;
                match self.people.owner_of(&id).map(|owner| owner.identity.clone()) {
                    Some(identity) => self.hear(&id, &identity, track),
                    None => self.ears.keep(id, track),
                }
            }
            News::WeAreMuted(muted) => self.tell(RoomEvent::WeAreMuted(muted)),
            News::Packet(packet) => {
                if let Some(text) = self.texts.take(*packet) {
                    self.tell_text(text);
                }
            }
        }
    }

    fn changed(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Came(participant) => self.tell(RoomEvent::Came(participant)),
                Change::Changed(participant) => self.tell(RoomEvent::Changed(participant)),
                Change::Went { identity } => self.tell(RoomEvent::Went { identity }),
                Change::Published { track, identity } => {
                    if let Some(remote) = self.ears.claim(&track) {
                        self.hear(&track, &identity, remote);
                    }
                }
                Change::Muted { track, identity, muted } => {
                    self.tell(RoomEvent::Muted { track, identity, muted });
                }
                Change::Unpublished { track, .. } => self.unhear(&track),
            }
        }
    }

    fn hear(&mut self, id: &str, identity: &str, track: Arc<dyn TrackRemote>) {
        self.unhear(id);
        match self.ears.listen((id, identity), track, &self.config.peer) {
            Ok(heard) => self.tell(RoomEvent::Heard(Box::new(heard))),
            Err(error) => warn!(%error, "somebody in the room cannot be heard"),
        }
    }

    fn unhear(&mut self, track: &str) {
        if let Some(identity) = self.ears.close(track) {
            self.tell(RoomEvent::Unheard { track: track.to_owned(), identity });
        }
    }

    fn tell_link(&mut self, input: LinkInput) {
        let now = self.now();
        self.link.handle(now, input);
    }

    /// Anybody can write without end; that must not be why the owner misses what matters.
    fn tell_text(&mut self, text: Text) {
        if self.events.capacity() > TEXTS_LEAVE_FREE {
            self.tell(RoomEvent::Text(text));
        } else {
            warn!(?text, "a text is lost: more is written than is read");
        }
    }

    fn tell(&mut self, event: RoomEvent) {
        if self.events.try_send(event).is_err() {
            self.unattended = true;
        }
    }

    fn now(&self) -> MonoTime {
        (self.config.peer.clock)()
    }
}

/// Nothing arrives where there is no session.
async fn next_of(session: &mut Option<Session>) -> Arrival {
    match session {
        Some(session) => session.next().await,
        None => std::future::pending().await,
    }
}

fn meaning(leave: &proto::LeaveRequest) -> LinkInput {
    match leave.action() {
        Action::Disconnect => LinkInput::Removed(leave.reason),
        Action::Resume => LinkInput::AskedToResume,
        Action::Reconnect => LinkInput::AskedToJoinAnew,
    }
}

/// Places for events that texts do not take.
const TEXTS_LEAVE_FREE: usize = EVENT_DEPTH / 2;

/// Never used: the branch is off without a time to wait for.
const LONG: Duration = Duration::from_secs(3_600);
