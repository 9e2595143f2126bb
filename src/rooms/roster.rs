//! Which rooms to be in. A core: what is heard of rooms in, what to do about them out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use media_core::{LineId, MonoTime};

use crate::config::{JoinWhen, LivekitSection};

/// By what rule rooms are joined.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Which, as the configuration writes them.
    pub rooms: Vec<String>,
    /// When.
    pub when: JoinWhen,
    /// How long an empty one is stayed in.
    pub linger: Duration,
}

impl Rules {
    fn mean(&self, room: &str) -> bool {
        self.rooms.iter().any(|pattern| LivekitSection::means(pattern, room))
    }

    /// Those that are there even when nobody is.
    fn always(&self) -> impl Iterator<Item = &String> {
        let always = self.when == JoinWhen::Always;
        self.rooms.iter().filter(move |room| always && !room.ends_with('*'))
    }
}

/// What is heard of rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RosterInput {
    /// The line serves.
    Begin,
    /// The rooms of the server, each with how many people are in it, agents left out.
    Listed(Vec<(String, u32)>),
    /// Somebody came into a room.
    Came(String),
    /// A room is over.
    Finished(String),
    /// How many people are in a room, as we see who are in it.
    People(String, usize),
    /// The operator wants us in a room, and its people at that line, if one is named.
    Wanted(String, Option<LineId>),
    /// The operator does not want us in a room.
    Unwanted(String),
    /// We are out of a room.
    Out(String, WhyOut),
    /// [`Roster::next_timeout`] has come.
    Timeout,
}

/// Why we are out of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyOut {
    /// We left.
    Left,
    /// The line has said what it had to say: the agent hung up.
    HungUp,
    /// Somebody has put us out, or is there under our name.
    PutOut,
    /// The server has closed the room, because nobody else was there for a while.
    Closed,
    /// The server cannot be reached, or does not want us now.
    Trouble,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RosterOutput {
    /// Go into this room, its people to that line, if one is named.
    Join(String, Option<LineId>),
    /// Leave it.
    Leave(String),
}

/// The core. One input, then drain [`Roster::poll_output`], then wait for [`Roster::next_timeout`].
#[derive(Debug)]
pub struct Roster {
    rules: Rules,
    rooms: BTreeMap<String, Place>,
    outputs: VecDeque<RosterOutput>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// We are in, or on our way. `asked`: the operator wants it, whoever is there. `closings`: how often
    /// in a row the server has closed it right after we came.
    /// `since`: we have seen who is there.
    In { asked: bool, empty_since: Option<MonoTime>, since: Option<MonoTime>, closings: u32 },
    /// We are out and stay out until everybody else is, too.
    Shunned,
    /// We are out and try again.
    Again { at: MonoTime, asked: bool, closings: u32 },
}

impl Roster {
    /// In no room yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, rooms: BTreeMap::new(), outputs: VecDeque::new() }
    }

    /// Takes what was heard at `now`.
    pub fn handle(&mut self, now: MonoTime, input: RosterInput) {
        match input {
            RosterInput::Begin => {
                let always: Vec<String> = self.rules.always().cloned().collect();
                always.into_iter().for_each(|room| self.join(room, None, false, 0));
            }
            RosterInput::Listed(listed) => self.listed(&listed),
            RosterInput::Came(room) => self.seen(room, true),
            RosterInput::Finished(room) => self.emptied(&room),
            RosterInput::People(room, people) => self.count(now, &room, people),
            RosterInput::Wanted(room, line) => self.wanted(room, line),
            RosterInput::Unwanted(room) => {
                if matches!(self.rooms.get(&room), Some(Place::In { .. } | Place::Again { .. })) {
                    self.rooms.insert(room.clone(), Place::Shunned);
                    self.outputs.push_back(RosterOutput::Leave(room));
                }
            }
            RosterInput::Out(room, why) => self.out(now, room, why),
            RosterInput::Timeout => self.timeout(now),
        }
    }

    /// What is to be done, in order.
    pub fn poll_output(&mut self) -> Option<RosterOutput> {
        self.outputs.pop_front()
    }

    /// When to say [`RosterInput::Timeout`].
    #[must_use]
    pub fn next_timeout(&self) -> Option<MonoTime> {
        self.rooms.values().filter_map(|place| self.due(place)).min()
    }

    fn due(&self, place: &Place) -> Option<MonoTime> {
        match *place {
            Place::In { asked: false, empty_since: Some(since), .. } if !self.stays() => {
                Some(since + self.rules.linger)
            }
            Place::Again { at, .. } => Some(at),
            Place::In { .. } | Place::Shunned => None,
        }
    }

    fn stays(&self) -> bool {
        self.rules.when == JoinWhen::Always
    }

    fn listed(&mut self, listed: &[(String, u32)]) {
        let there = |room: &String| listed.iter().any(|(it, people)| it == room && *people > 0);
        // Nobody is left who has sent us away.
        self.rooms.retain(|room, place| !matches!(place, Place::Shunned) || there(room));
        for (room, people) in listed {
            self.seen(room.clone(), *people > 0);
        }
    }

    /// A room is there; `people`: and somebody in it.
    fn seen(&mut self, room: String, people: bool) {
        if self.rules.mean(&room) && (people || self.stays()) && !self.rooms.contains_key(&room) {
            self.join(room, None, false, 0);
        }
    }

    fn emptied(&mut self, room: &str) {
        if matches!(self.rooms.get(room), Some(Place::Shunned)) {
            self.rooms.remove(room);
        }
    }

    fn count(&mut self, now: MonoTime, room: &str, people: usize) {
        if let Some(Place::In { empty_since, since, .. }) = self.rooms.get_mut(room) {
            since.get_or_insert(now);
            *empty_since = if people == 0 { empty_since.or(Some(now)) } else { None };
        }
    }

    fn wanted(&mut self, room: String, line: Option<LineId>) {
        match self.rooms.get_mut(&room) {
            Some(Place::In { asked, .. }) => *asked = true,
            _ => self.join(room, line, true, 0),
        }
    }

    fn join(&mut self, room: String, line: Option<LineId>, asked: bool, closings: u32) {
        let known = self.rooms.contains_key(&room);
        if !known && self.rooms.len() >= ROOMS_MAX {
            tracing::warn!(max = ROOMS_MAX, "one room more than the line goes into");
            return;
        }
        let place = Place::In { asked, empty_since: None, since: None, closings };
        self.rooms.insert(room.clone(), place);
        self.outputs.push_back(RosterOutput::Join(room, line));
    }

    fn out(&mut self, now: MonoTime, room: String, why: WhyOut) {
        let Some(Place::In { asked, since, closings, .. }) = self.rooms.get(&room).copied() else {
            return;
        };
        let again = |at, closings| Place::Again { at, asked, closings };
        let own = self.stays() && self.rules.mean(&room) || asked;
        match why {
            WhyOut::PutOut => drop(self.rooms.insert(room, Place::Shunned)),
            // Those who were talked with are still there; a room that is always there goes on.
            WhyOut::HungUp if !own => drop(self.rooms.insert(room, Place::Shunned)),
            // Whoever comes is to find us there, so it is opened again soon.
            WhyOut::Closed if own => {
                let lasted = since.is_some_and(|since| now.since(since) >= LASTING);
                let closings = if lasted { 1 } else { closings.saturating_add(1) };
                self.rooms.insert(room, again(now + opened_after(closings), closings));
            }
            WhyOut::Trouble | WhyOut::HungUp => {
                self.rooms.insert(room, again(now + AGAIN_AFTER, 0));
            }
            WhyOut::Left | WhyOut::Closed => drop(self.rooms.remove(&room)),
        }
    }

    fn timeout(&mut self, now: MonoTime) {
        let due = |(room, place): (&String, &Place)| {
            self.due(place).filter(|due| *due <= now).map(|_| (room.clone(), *place))
        };
        let due: Vec<(String, Place)> = self.rooms.iter().filter_map(due).collect();
        for (room, place) in due {
            self.rooms.remove(&room);
            match place {
                // The next listing says whether anybody is still there.
                Place::Again { asked: false, .. }
                    if self.rules.when == JoinWhen::WhenSomebodyIsThere => {}
                Place::Again { asked, closings, .. } => self.join(room, None, asked, closings),
                Place::Shunned => {}
                Place::In { .. } => self.outputs.push_back(RosterOutput::Leave(room)),
            }
        }
    }
}

/// Rooms at the same time: each is a conversation, and a machine has a few.
pub const ROOMS_MAX: usize = 32;

/// The room's own attempts to come back are over then, and took a minute.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// How long a room stays closed that its server closes for the so-manieth time in a row right after we
/// came. Servers close an empty room after 20 s or so, and then it is open again a second later; one that
/// does at once is not to be kept busy.
fn opened_after(closings: u32) -> Duration {
    match closings {
        0..=TRIES_MAX => {
            (OPENED_AFTER * 2_u32.pow(closings.saturating_sub(1).min(3))).min(OPENED_AFTER_MAX)
        }
        _ => AGAIN_AFTER,
    }
}

const OPENED_AFTER: Duration = Duration::from_secs(1);
/// As LiveKit's own clients wait at most before they try again, and how often they do.
const OPENED_AFTER_MAX: Duration = Duration::from_secs(7);
const TRIES_MAX: u32 = 10;
/// A room that was open for so long was not closed at once.
const LASTING: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
