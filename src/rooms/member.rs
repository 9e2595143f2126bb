//! One room that the line's agent is in: its people sit down at a line, and it is shown what goes on
//! there.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use media_core::LineId;
use media_engine::Carrier;
use plugin_livekit::text::CHAT_TOPIC;
use plugin_livekit::{
    AgentState, Ending, Heard, Participant, ParticipantKind, Room, RoomEvent, Segment, Text, Whose,
};
use tokio::sync::mpsc;

use super::baton::Baton;
use super::captions::{Caption, Captions, Speaker};
use super::keeper::Calls;
use super::open_calls::ROOM_TRUNK;
use super::roster::WhyOut;
use crate::house::doors::{
    Destination, DoorKind, Doors, Entry, LABEL_BYTES_MAX, NotEntered, Part, SeatEvent, Seated,
};
use crate::report::CallEvent;
use crate::text::{TextHandle, TypedNews, Written};
use crate::watch::{Reader, Seen, Sight, Watch};

/// What a member works with.
pub(super) struct MemberParts {
    /// The room.
    pub name: String,
    pub room: Room,
    pub events: mpsc::Receiver<RoomEvent>,
    pub baton: Baton,
    /// The line that the operator wants its people at.
    pub wanted: Option<LineId>,
    /// They join the one open call, if there is one.
    pub bridges: bool,
    pub show_caller: bool,
    pub doors: Doors,
    pub text: TextHandle,
    pub watch: Watch,
    pub calls: Calls,
}

/// What becomes of a member meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// So many people are in the room.
    People(usize),
    /// They sit at this line.
    At(Option<LineId>),
}

pub(super) struct Member {
    parts: MemberParts,
    people: BTreeMap<String, Participant>,
    /// By track.
    seats: BTreeMap<String, Seat>,
    /// It is known who is there.
    connected: bool,
    line: Option<At>,
    /// The line has ended, though people still sit there.
    hung_up: bool,
    answers: (mpsc::Sender<String>, mpsc::Receiver<String>),
    reader: Reader,
}

/// Somebody's voice at the line.
struct Seat {
    identity: String,
    /// Its end of the baton.
    end: u64,
    seated: Seated,
}

/// The line that the room's people sit at.
struct At {
    line: LineId,
    captions: Captions,
    /// Who opened it: whose words are the line's first peer's. `None`: somebody elsewhere.
    opened_by: Option<String>,
}

impl Member {
    pub fn new(parts: MemberParts) -> Self {
        let reader = parts.watch.read(None);
        let (people, seats, answers) =
            (BTreeMap::new(), BTreeMap::new(), mpsc::channel(ANSWERS_MAX));
        let (connected, line, hung_up) = (false, None, false);
        Self { parts, people, seats, connected, line, hung_up, answers, reader }
    }

    /// Until the room is over, `leave` comes, or the line has hung up.
    pub async fn run(
        mut self,
        mut leave: mpsc::Receiver<()>,
        mut tell: impl FnMut(Report) + Send,
    ) -> WhyOut {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let why = loop {
            tokio::select! {
                event = self.parts.events.recv() => match event {
                    Some(RoomEvent::Ended(ending)) => break why_out(ending),
                    Some(event) => self.happens(event).await,
                    None => break WhyOut::Trouble,
                },
                seen = self.reader.next() => match seen {
                    Some(seen) => self.sees(seen).await,
                    None => break WhyOut::Left,
                },
                Some(answer) = self.answers.1.recv() => self.answer(&answer).await,
                _ = look.tick() => self.look_at_seats(),
                // Gone with whoever keeps us.
                _ = leave.recv() => break WhyOut::Left,
            }
            if self.connected {
                tell(Report::People(self.people.len()));
            }
            tell(Report::At(self.line.as_ref().map(|at| at.line)));
            if self.hung_up {
                break WhyOut::HungUp;
            }
        };
        self.seats.clear();
        self.parts.room.leave().await;
        why
    }

    async fn happens(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::Connected { .. } if !self.connected => {
                self.connected = true;
                self.state(AgentState::Listening).await;
            }
            RoomEvent::Came(who) | RoomEvent::Changed(who) if is_person(&who) => {
                self.people.insert(who.identity.clone(), who);
            }
            RoomEvent::Went { identity } => drop(self.people.remove(&identity)),
            RoomEvent::Heard(heard) if self.people.contains_key(&heard.identity) => {
                self.sit_down(*heard).await;
            }
            RoomEvent::Unheard { track, .. } => self.stand_up(&track),
            RoomEvent::Text(text) if self.people.contains_key(&text.identity) => self.read(text),
            _ => {}
        }
    }

    async fn sit_down(&mut self, heard: Heard) {
        let Heard { track, identity, source, .. } = heard;
        let (end, sink) = self.parts.baton.end();
        let to = self.destination(&identity);
        let opens = matches!(to, Destination::New { .. });
        let entry = Entry {
            door: DoorKind::Room,
            label: label_of(&identity).to_owned(),
            to,
            part: Part::Caller,
            carrier: Carrier::Ends { source: Box::new(source), sink },
        };
        match self.parts.doors.enter(entry).await {
            Ok(seated) => {
                let line = seated.line;
                self.seats.insert(track, Seat { identity: identity.clone(), end, seated });
                self.hand_over();
                if self.line.as_ref().is_none_or(|at| at.line != line) {
                    self.at(line, opens.then_some(identity)).await;
                }
            }
            Err(error) => self.not_entered(&error),
        }
    }

    fn not_entered(&self, error: &NotEntered) {
        let room = &self.parts.name;
        tracing::warn!(room, %error, "somebody in a room cannot sit down at a line");
    }

    fn stand_up(&mut self, track: &str) {
        // A line that nobody else sits at ends; who comes next opens another.
        self.seats.remove(track);
        self.hand_over();
    }

    /// The room's one way out goes to a leg that is there.
    fn hand_over(&self) {
        let holder = self.parts.baton.holder();
        if !self.seats.values().any(|seat| seat.end == holder) {
            let next = self.seats.values().map(|seat| seat.end).min();
            self.parts.baton.pass(next.unwrap_or(0));
        }
    }

    fn destination(&self, identity: &str) -> Destination {
        let here = self.seats.values().next().map(|seat| seat.seated.line);
        let bridged = || self.parts.bridges.then(|| self.parts.calls.lock().only()).flatten();
        match here.or(self.parts.wanted).or_else(bridged) {
            Some(line) => Destination::Line(line),
            None => Destination::New {
                caller: self.caller(identity).to_owned(),
                called: self.parts.name.clone(),
                trunk: format!("{ROOM_TRUNK}{}", self.parts.name),
            },
        }
    }

    /// A telephone calls with its number, everybody else with their name in the room.
    fn caller<'a>(&'a self, identity: &'a str) -> &'a str {
        let phone = self.people.get(identity).and_then(Participant::phone);
        phone.and_then(|phone| phone.number).unwrap_or(identity)
    }

    async fn at(&mut self, line: LineId, opened_by: Option<String>) {
        let bridged = opened_by.is_none();
        self.line = Some(At { line, captions: Captions::new(line.0), opened_by });
        self.state(AgentState::Listening).await;
        if bridged && self.parts.show_caller {
            self.show_caller(line).await;
        }
    }

    /// A bridged telephone, in LiveKit's own words for one.
    async fn show_caller(&self, line: LineId) {
        let Some(opened) = self.parts.calls.lock().opened(line).cloned() else { return };
        self.show_phone([&opened.call, &opened.caller, &opened.called, "active"]).await;
    }

    /// Empty values take them back.
    async fn show_phone(&self, values: [&str; 4]) {
        const NAMES: [&str; 4] =
            ["sip.callID", "sip.phoneNumber", "sip.trunkPhoneNumber", "sip.callStatus"];
        let pairs = NAMES.iter().zip(values);
        let attributes: HashMap<String, String> =
            pairs.map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect();
        let set = self.parts.room.set_attributes(attributes);
        let _ = tokio::time::timeout(SHOWN_WITHIN, set).await;
    }

    /// What somebody wrote goes to the brain like anything typed; its answer comes back here.
    fn read(&self, text: Text) {
        if text.topic != CHAT_TOPIC {
            return;
        }
        let answers = self.answers.0.clone();
        let tell = move |news| {
            if let TypedNews::Answer(answer) = news {
                // A room in which more is written than is read waits for nobody.
                let _ = answers.try_send(answer);
            }
        };
        let written = Written { text: text.text, from: text.identity };
        self.parts.text.typed(written, true, Box::new(tell));
    }

    async fn answer(&self, answer: &str) {
        let sent = tokio::time::timeout(SHOWN_WITHIN, self.parts.room.chat(answer)).await;
        if let Ok(Err(error)) = sent {
            tracing::warn!(room = self.parts.name, %error, "an answer did not reach the room");
        }
    }

    async fn sees(&mut self, seen: Seen) {
        let Seen::Sight(_, sight) = seen else { return };
        let Sight::Call { line, event } = &*sight else { return };
        let Some(at) = self.line.as_mut().filter(|at| at.line.0 == *line) else { return };
        for caption in at.captions.take(&event.what) {
            match caption {
                Caption::State(state) => self.state(state).await,
                Caption::Words { id, text, is_final, speaker } => {
                    let (whose, text) = self.whose(speaker, text);
                    self.show(Segment { id, text, is_final, whose }).await;
                }
            }
        }
        if matches!(event.what, CallEvent::CallClosed(_)) {
            self.line_ended().await;
        }
    }

    /// With nobody of the room at it, that is no more than was to be expected.
    async fn line_ended(&mut self) {
        self.hung_up = !self.seats.is_empty();
        self.seats.clear();
        let bridged = self.line.take().is_some_and(|at| at.opened_by.is_none());
        if bridged && self.parts.show_caller {
            self.show_phone([""; 4]).await;
        }
        self.state(AgentState::Listening).await;
    }

    /// Ends that were not seen: the watch forgets where it is read too slowly.
    fn look_at_seats(&mut self) {
        self.hung_up |= self.seats.values_mut().any(Seat::is_closed);
    }

    /// Whose track the words are on, and how they are shown there: what is said by somebody who is
    /// not in the room comes over our own.
    fn whose(&self, speaker: Speaker, text: String) -> (Whose, String) {
        let Speaker::Caller(label) = speaker else { return (Whose::Ours, text) };
        let opened_by = self.line.as_ref().and_then(|at| at.opened_by.as_deref());
        let label = label.as_deref().or(opened_by.map(label_of));
        let seat = self.seats.iter().find(|(_, seat)| Some(label_of(&seat.identity)) == label);
        if let Some((track, seat)) = seat {
            let (identity, track) = (seat.identity.clone(), track.clone());
            return (Whose::Theirs { identity, track }, text);
        }
        (Whose::Ours, format!("{}: {text}", label.unwrap_or("caller")))
    }

    async fn show(&self, segment: Segment) {
        let shown = tokio::time::timeout(SHOWN_WITHIN, self.parts.room.transcript(segment)).await;
        if !matches!(shown, Ok(Ok(()))) {
            tracing::debug!(room = self.parts.name, "a caption is lost: the room is not there now");
        }
    }

    async fn state(&self, state: AgentState) {
        let _ = tokio::time::timeout(SHOWN_WITHIN, self.parts.room.set_state(state)).await;
    }
}

impl Seat {
    /// Whether the line has let go of it.
    fn is_closed(&mut self) -> bool {
        loop {
            match self.seated.events.try_recv() {
                Ok(SeatEvent::LineClosed { .. }) => return true,
                Ok(_) => {}
                Err(mpsc::error::TryRecvError::Empty) => return false,
                Err(mpsc::error::TryRecvError::Disconnected) => return true,
            }
        }
    }
}

/// Who is talked with. Two agents would not come to an end, and a recorder has nothing to say.
fn is_person(who: &Participant) -> bool {
    matches!(who.kind, ParticipantKind::Person | ParticipantKind::Phone)
}

/// What stands in the transcript: as much of the identity as a label may have.
fn label_of(identity: &str) -> &str {
    &identity[..identity.floor_char_boundary(LABEL_BYTES_MAX)]
}

fn why_out(ending: Ending) -> WhyOut {
    match ending {
        Ending::Left => WhyOut::Left,
        // `DisconnectReason`: somebody else is there under our name, or somebody has removed us; or the
        // room was empty but for us.
        Ending::Removed(DUPLICATE_IDENTITY | PARTICIPANT_REMOVED) => WhyOut::PutOut,
        Ending::Removed(ROOM_CLOSED) => WhyOut::Closed,
        Ending::Removed(_) | Ending::Refused | Ending::GaveUp => WhyOut::Trouble,
    }
}

const DUPLICATE_IDENTITY: i32 = 2;
const PARTICIPANT_REMOVED: i32 = 4;
const ROOM_CLOSED: i32 = 10;

/// Answers that wait while the room is away.
const ANSWERS_MAX: usize = 16;
/// A caption that waits longer is of what was said long ago.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);
/// How often seats are looked at that nothing is heard of.
const LOOK_EVERY: Duration = Duration::from_secs(1);
