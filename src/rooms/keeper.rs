//! The task behind the rooms: asks the server, hears its webhooks and the operator, and has
//! [`Roster`] say which rooms to be in.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use media_core::plugin::Circle;
use media_core::{LineId, MonoTime};
use media_engine::Clock;
use plugin_livekit::{ApiKey, IceServers, Joining, Room, RoomConfig, Webhook};
use plugin_webrtc::PeerConfig;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};

use super::baton::Baton;
use super::member::{Member, MemberParts, Report};
use super::open_calls::OpenCalls;
use super::roster::{Roster, RosterInput, RosterOutput, Rules, WhyOut};
use super::server::{RoomServer, ServerError};
use super::{RoomStatus, RoomsAsked};
use crate::config::{JoinWhen, LivekitSection, RoomIce};
use crate::house::doors::Doors;
use crate::text::TextHandle;
use crate::watch::{Reader, Seen, Sight, Watch};

/// What rooms are kept with.
pub struct RoomsParts {
    /// Which, and when.
    pub section: LivekitSection,
    /// From the environment.
    pub api: ApiKey,
    /// The way to the lines.
    pub doors: Doors,
    /// What is written in rooms.
    pub text: TextHandle,
    /// What goes on at the lines.
    pub watch: Watch,
    /// The audio threads' clock.
    pub clock: Clock,
}

/// The open calls, as the keeper sees them.
#[derive(Clone, Default)]
pub(super) struct Calls(Arc<Mutex<OpenCalls>>);

impl Calls {
    pub fn lock(&self) -> MutexGuard<'_, OpenCalls> {
        // Whole between two calls, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Keeper {
    parts: RoomsParts,
    url: String,
    roster: Roster,
    members: BTreeMap<String, Inside>,
    tasks: JoinSet<WhyOut>,
    /// Whose tasks they are: the room, and which of its joins.
    whose: HashMap<Id, (String, u64)>,
    reports: Pipe<(String, Report)>,
    listings: Pipe<Listing>,
    server: RoomServer,
    /// Whether the server answered last time, so that trouble is logged once.
    answers: bool,
    reader: Reader,
    calls: Calls,
    joins: u64,
}

/// Both ends: one is given to the tasks.
type Pipe<T> = (mpsc::Sender<T>, mpsc::Receiver<T>);

/// What the server says when it is asked.
type Listing = Result<Vec<(String, u32)>, ServerError>;

/// A room that we are in.
struct Inside {
    number: u64,
    people: usize,
    line: Option<LineId>,
    /// Dropped, it is left.
    _leave: mpsc::Sender<()>,
}

impl Keeper {
    pub fn new(parts: RoomsParts, url: String) -> Self {
        let section = &parts.section;
        let rules =
            Rules { rooms: section.rooms.clone(), when: section.join, linger: section.linger() };
        let server = RoomServer::new(&url, parts.api.clone());
        let reader = parts.watch.read(None);
        Self {
            parts,
            url,
            roster: Roster::new(rules),
            members: BTreeMap::new(),
            tasks: JoinSet::new(),
            whose: HashMap::new(),
            reports: mpsc::channel(REPORTS_MAX),
            listings: mpsc::channel(1),
            server,
            answers: true,
            reader,
            calls: Calls::default(),
            joins: 0,
        }
    }

    /// Until the other end of `stop` is dropped; then every room is left.
    pub async fn run(
        mut self,
        mut asked: mpsc::Receiver<RoomsAsked>,
        mut stop: oneshot::Receiver<()>,
    ) {
        self.tell(RosterInput::Begin);
        let mut poll = tokio::time::interval(self.ask_every());
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let due = self.roster.next_timeout().map(|due| due.since(self.now()));
            tokio::select! {
                _ = &mut stop => break,
                Some(asked) = asked.recv() => self.asked(asked),
                Some((room, report)) = self.reports.1.recv() => self.reported(room, report),
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                Some(listing) = self.listings.1.recv() => self.listed(listing),
                Some(seen) = self.reader.next() => self.sees(&seen),
                _ = poll.tick() => self.ask_server(),
                () = tokio::time::sleep(due.unwrap_or(LONG)), if due.is_some() => {
                    self.tell(RosterInput::Timeout);
                }
            }
        }
        self.members.clear();
        let leave = async { while self.tasks.join_next().await.is_some() {} };
        // A server that is away need not hear that we go.
        let _ = tokio::time::timeout(GONE_WITHIN, leave).await;
    }

    /// With webhooks only what they did not bring is asked for: who was there before.
    fn ask_every(&self) -> Duration {
        match self.parts.section.join {
            JoinWhen::Webhook => MISSED_EVERY,
            _ => self.parts.section.poll(),
        }
    }

    fn asked(&mut self, asked: RoomsAsked) {
        match asked {
            RoomsAsked::Webhook(Webhook { event, room, participant }) => {
                use plugin_livekit::ParticipantKind::{Person, Phone};
                let person = participant.is_some_and(|(_, kind)| matches!(kind, Person | Phone));
                match event.as_str() {
                    "participant_joined" if person => self.tell(RosterInput::Came(room)),
                    "room_finished" => self.tell(RosterInput::Finished(room)),
                    _ => {}
                }
            }
            RoomsAsked::Join { room, line } => self.tell(RosterInput::Wanted(room, line)),
            RoomsAsked::Leave { room, known } => {
                // Nobody may wait for the answer any more.
                let _ = known.send(self.members.contains_key(&room));
                self.tell(RosterInput::Unwanted(room));
            }
            RoomsAsked::List { rooms } => drop(rooms.send(self.list())),
        }
    }

    fn list(&self) -> Vec<RoomStatus> {
        let status = |(room, inside): (&String, &Inside)| RoomStatus {
            room: room.clone(),
            people: inside.people,
            line: inside.line.map(|line| line.0),
        };
        self.members.iter().map(status).collect()
    }

    fn reported(&mut self, room: String, report: Report) {
        let Some(inside) = self.members.get_mut(&room) else { return };
        match report {
            Report::At(line) => inside.line = line,
            Report::People(people) => {
                inside.people = people;
                self.tell(RosterInput::People(room, people));
            }
        }
    }

    /// A member that panicked is out, too, and its room is tried again like after any trouble.
    fn ended(&mut self, ended: Result<(Id, WhyOut), JoinError>) {
        let (id, why) = ended.unwrap_or_else(|error| {
            tracing::error!(%error, "a room loses its task: a bug of ours");
            (error.id(), WhyOut::Trouble)
        });
        if let Some((room, number)) = self.whose.remove(&id) {
            self.is_out(room, number, why);
        }
    }

    fn is_out(&mut self, room: String, number: u64, why: WhyOut) {
        // Of one that was there before the one that is, nothing is to be said.
        if self.members.get(&room).is_none_or(|inside| inside.number == number) {
            tracing::info!(room, ?why, "out of a room");
            self.members.remove(&room);
            self.tell(RosterInput::Out(room, why));
        }
    }

    fn sees(&mut self, seen: &Seen) {
        if let Seen::Sight(_, sight) = seen
            && let Sight::Call { line, event } = &**sight
        {
            self.calls.lock().take(*line, &event.what);
        }
    }

    /// In a thread that may block; one question at a time.
    fn ask_server(&mut self) {
        let Ok(place) = self.listings.0.clone().try_reserve_owned() else { return };
        let server = self.server.clone();
        tokio::task::spawn_blocking(move || drop(place.send(server.rooms())));
    }

    fn listed(&mut self, listing: Listing) {
        let answered = std::mem::replace(&mut self.answers, listing.is_ok());
        match listing {
            Ok(rooms) => self.tell(RosterInput::Listed(rooms)),
            Err(error) if answered => tracing::warn!(%error, "rooms are not joined for now"),
            Err(error) => tracing::debug!(%error, "rooms are still not joined"),
        }
    }

    fn tell(&mut self, input: RosterInput) {
        self.roster.handle(self.now(), input);
        while let Some(output) = self.roster.poll_output() {
            match output {
                RosterOutput::Join(room, line) => self.join(room, line),
                // What becomes of it comes out of its task.
                RosterOutput::Leave(room) => drop(self.members.remove(&room)),
            }
        }
    }

    fn join(&mut self, room: String, wanted: Option<LineId>) {
        self.joins += 1;
        let number = self.joins;
        let joining = match Room::join(self.room_config(&room, number)) {
            Ok(joining) => joining,
            Err(error) => {
                tracing::warn!(room, %error, "a room is not joined");
                return self.tell(RosterInput::Out(room, WhyOut::Trouble));
            }
        };
        let Joining { room: handle, sink, events, .. } = joining;
        let bridge = &self.parts.section.bridge;
        let parts = MemberParts {
            name: room.clone(),
            room: handle,
            events,
            baton: Baton::new(Box::new(sink), Circle(number)),
            wanted,
            bridges: bridge.iter().any(|pattern| LivekitSection::means(pattern, &room)),
            show_caller: self.parts.section.show_caller,
            doors: self.parts.doors.clone(),
            text: self.parts.text.clone(),
            watch: self.parts.watch.clone(),
            calls: self.calls.clone(),
        };
        let (leave, leaving) = mpsc::channel(1);
        let (reports, name) = (self.reports.0.clone(), room.clone());
        let mut last = (None, None);
        let tell = move |report| {
            let last = match report {
                Report::People(_) => &mut last.0,
                Report::At(_) => &mut last.1,
            };
            // What does not fit is told with the next thing that happens.
            if *last != Some(report) && reports.try_send((name.clone(), report)).is_ok() {
                *last = Some(report);
            }
        };
        let task = self.tasks.spawn(Member::new(parts).run(leaving, tell));
        self.whose.insert(task.id(), (room.clone(), number));
        self.members.insert(room, Inside { number, people: 0, line: None, _leave: leave });
    }

    fn room_config(&self, room: &str, number: u64) -> RoomConfig {
        let section = &self.parts.section;
        let clock = self.parts.clock;
        let codec = Arc::new(plugin_opus::Opus);
        let peer = PeerConfig {
            addresses: vec![SocketAddr::from((section.media_ip, 0))],
            ..PeerConfig::loopback(codec, Arc::new(move || clock.now()))
        };
        RoomConfig {
            url: self.url.clone(),
            api: self.parts.api.clone(),
            room: room.to_owned(),
            identity: section.identity.clone(),
            name: section.name.clone(),
            peer,
            ice_servers: match section.ice {
                RoomIce::None => IceServers::Ours,
                RoomIce::Server => IceServers::OfTheServer,
            },
            // Rooms that a server loses at once come back one after the other.
            seed: self.now().as_micros() ^ number << 48,
        }
    }

    fn now(&self) -> MonoTime {
        self.parts.clock.now()
    }
}

/// What members have to tell: of each room two things, several times over.
const REPORTS_MAX: usize = 256;
/// A webhook that was lost is made up for.
const MISSED_EVERY: Duration = Duration::from_secs(60);
/// A farewell takes one round trip.
const GONE_WITHIN: Duration = Duration::from_secs(3);
/// Never used: the branch is off without a time to wait for.
const LONG: Duration = Duration::from_secs(3_600);
