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
    /// We are in, or on our way. `asked`: the operator wants it, whoever is there.
    In { asked: bool, empty_since: Option<MonoTime> },
    /// We are out and stay out until everybody else is, too.
    Shunned,
    /// We are out and try again.
    Again { at: MonoTime, asked: bool },
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
                always.into_iter().for_each(|room| self.join(room, None, false));
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
            Place::In { asked: false, empty_since: Some(since) } if !self.stays() => {
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
            self.join(room, None, false);
        }
    }

    fn emptied(&mut self, room: &str) {
        if matches!(self.rooms.get(room), Some(Place::Shunned)) {
            self.rooms.remove(room);
        }
    }

    fn count(&mut self, now: MonoTime, room: &str, people: usize) {
        if let Some(Place::In { empty_since, .. }) = self.rooms.get_mut(room) {
            *empty_since = if people == 0 { empty_since.or(Some(now)) } else { None };
        }
    }

    fn wanted(&mut self, room: String, line: Option<LineId>) {
        match self.rooms.get_mut(&room) {
            Some(Place::In { asked, .. }) => *asked = true,
            _ => self.join(room, line, true),
        }
    }

    fn join(&mut self, room: String, line: Option<LineId>, asked: bool) {
        let known = self.rooms.contains_key(&room);
        if !known && self.rooms.len() >= ROOMS_MAX {
            tracing::warn!(max = ROOMS_MAX, "one room more than the line goes into");
            return;
        }
        self.rooms.insert(room.clone(), Place::In { asked, empty_since: None });
        self.outputs.push_back(RosterOutput::Join(room, line));
    }

    fn out(&mut self, now: MonoTime, room: String, why: WhyOut) {
        let Some(Place::In { asked, .. }) = self.rooms.get(&room) else { return };
        let (asked, at) = (*asked, now + AGAIN_AFTER);
        let own = self.stays() && self.rules.mean(&room) || asked;
        match why {
            WhyOut::PutOut => drop(self.rooms.insert(room, Place::Shunned)),
            // Those who were talked with are still there; a room that is always there goes on.
            WhyOut::HungUp if !own => drop(self.rooms.insert(room, Place::Shunned)),
            // Whoever comes is to find us there, so it is opened again soon.
            WhyOut::Closed if own => {
                let at = now + OPENED_AFTER;
                self.rooms.insert(room, Place::Again { at, asked });
            }
            WhyOut::Trouble | WhyOut::HungUp => {
                self.rooms.insert(room, Place::Again { at, asked });
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
                Place::Again { asked, .. } => self.join(room, None, asked),
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

/// Servers close an empty room after 20 s or so; one that does at once is not to be kept busy.
const OPENED_AFTER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use RosterOutput::{Join, Leave};

    fn roster(when: JoinWhen) -> Roster {
        let rooms = vec!["den".to_owned(), "support-*".to_owned()];
        Roster::new(Rules { rooms, when, linger: Duration::from_secs(10) })
    }

    fn at(seconds: u64) -> MonoTime {
        MonoTime::from_micros(seconds * 1_000_000)
    }

    fn tell(roster: &mut Roster, seconds: u64, input: RosterInput) -> Vec<RosterOutput> {
        roster.handle(at(seconds), input);
        std::iter::from_fn(|| roster.poll_output()).collect()
    }

    fn listed(rooms: &[(&str, u32)]) -> RosterInput {
        let own = |&(room, people): &(&str, u32)| (room.to_owned(), people);
        RosterInput::Listed(rooms.iter().map(own).collect())
    }

    fn join(room: &str) -> Vec<RosterOutput> {
        vec![Join(room.to_owned(), None)]
    }

    fn leave(room: &str) -> Vec<RosterOutput> {
        vec![Leave(room.to_owned())]
    }

    #[test]
    fn a_room_is_joined_when_somebody_is_there_and_left_after_the_last() {
        let mut roster = roster(JoinWhen::WhenSomebodyIsThere);
        assert_eq!(tell(&mut roster, 0, RosterInput::Begin), []);
        let there = listed(&[("den", 0), ("support-7", 1), ("elsewhere", 3)]);
        assert_eq!(tell(&mut roster, 1, there.clone()), join("support-7"));
        assert_eq!(tell(&mut roster, 6, there), [], "once");
        assert_eq!(tell(&mut roster, 8, RosterInput::People("support-7".into(), 1)), []);
        assert_eq!(roster.next_timeout(), None);
        tell(&mut roster, 20, RosterInput::People("support-7".into(), 0));
        tell(&mut roster, 25, RosterInput::People("support-7".into(), 0));
        assert_eq!(roster.next_timeout(), Some(at(30)));
        assert_eq!(tell(&mut roster, 30, RosterInput::Timeout), leave("support-7"));
        tell(&mut roster, 31, RosterInput::Out("support-7".into(), WhyOut::Left));
        let back = RosterInput::Came("support-7".into());
        assert_eq!(tell(&mut roster, 90, back), join("support-7"), "a minute later");
    }

    #[test]
    fn a_room_that_is_always_there_is_joined_at_once_and_stayed_in() {
        let mut roster = roster(JoinWhen::Always);
        assert_eq!(tell(&mut roster, 0, RosterInput::Begin), join("den"));
        assert_eq!(tell(&mut roster, 1, listed(&[("support-1", 0)])), join("support-1"));
        tell(&mut roster, 2, RosterInput::People("den".into(), 0));
        assert_eq!(roster.next_timeout(), None);
        for (seconds, why) in [(50, WhyOut::Trouble), (100, WhyOut::HungUp)] {
            tell(&mut roster, seconds, RosterInput::Out("den".into(), why));
            assert_eq!(roster.next_timeout(), Some(at(seconds + 30)));
            assert_eq!(tell(&mut roster, seconds + 30, RosterInput::Timeout), join("den"));
        }
    }

    #[test]
    fn a_room_that_the_server_closes_is_opened_again_where_we_are_always_there() {
        let closed = || RosterInput::Out("den".into(), WhyOut::Closed);
        let mut always = roster(JoinWhen::Always);
        tell(&mut always, 0, RosterInput::Begin);
        assert_eq!(tell(&mut always, 20, closed()), []);
        assert_eq!(tell(&mut always, 21, RosterInput::Timeout), join("den"));
        let mut otherwise = roster(JoinWhen::Webhook);
        tell(&mut otherwise, 0, RosterInput::Came("den".into()));
        assert_eq!(tell(&mut otherwise, 20, closed()), []);
        assert_eq!(otherwise.next_timeout(), None);
        assert_eq!(tell(&mut otherwise, 21, RosterInput::Came("den".into())), join("den"));
    }

    #[test]
    fn whoever_put_us_out_is_not_followed() {
        let mut roster = roster(JoinWhen::Webhook);
        assert_eq!(tell(&mut roster, 0, RosterInput::Came("den".into())), join("den"));
        tell(&mut roster, 5, RosterInput::Out("den".into(), WhyOut::PutOut));
        assert_eq!(tell(&mut roster, 6, RosterInput::Came("den".into())), []);
        assert_eq!(tell(&mut roster, 7, RosterInput::Finished("den".into())), []);
        assert_eq!(tell(&mut roster, 8, RosterInput::Came("den".into())), join("den"));
    }

    #[test]
    fn an_agent_that_hung_up_does_not_come_back_to_the_same_people() {
        let mut roster = roster(JoinWhen::WhenSomebodyIsThere);
        assert_eq!(tell(&mut roster, 0, listed(&[("den", 1)])), join("den"));
        tell(&mut roster, 5, RosterInput::Out("den".into(), WhyOut::HungUp));
        assert_eq!(tell(&mut roster, 6, listed(&[("den", 1)])), []);
        assert_eq!(tell(&mut roster, 11, listed(&[])), []);
        assert_eq!(tell(&mut roster, 16, listed(&[("den", 1)])), join("den"), "others");
    }

    #[test]
    fn the_operator_may_want_any_room_and_send_us_out_of_any() {
        let mut roster = roster(JoinWhen::WhenSomebodyIsThere);
        let line = Some(LineId(3));
        let wanted = RosterInput::Wanted("elsewhere".into(), line);
        assert_eq!(tell(&mut roster, 0, wanted), [Join("elsewhere".into(), line)]);
        tell(&mut roster, 1, RosterInput::People("elsewhere".into(), 0));
        assert_eq!(roster.next_timeout(), None, "whoever is there");
        let unwanted = RosterInput::Unwanted("elsewhere".into());
        assert_eq!(tell(&mut roster, 9, unwanted.clone()), leave("elsewhere"));
        assert_eq!(tell(&mut roster, 9, unwanted), []);
    }

    #[test]
    fn rooms_are_bounded() {
        let mut roster = roster(JoinWhen::WhenSomebodyIsThere);
        let many = (0..2 * ROOMS_MAX).map(|n| (format!("support-{n}"), 1)).collect();
        assert_eq!(tell(&mut roster, 0, RosterInput::Listed(many)).len(), ROOMS_MAX);
    }
}
