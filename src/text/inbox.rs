//! What was written and no brain has acknowledged yet, lane by lane.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use brain_protocol::{Channel, LineMessage};
use lane_broker::{Delivery, GroupError, Lane, LaneStore, Position, Tag};

use super::message::{Written, id_of, main_lane};

const GROUP: &str = "brain";
const CONSUMER: &str = "brain";
/// Messages of one lane that the brain holds unacknowledged. It answers at once, so this is a
/// matter of milliseconds; and one lane's flood leaves the others their share.
const IN_FLIGHT_MAX: usize = 32;
/// Whoever writes here is answered on a phone.
const SMS: &str = "sms";

/// The lanes that the brain answers, and its place in them. Sans-I/O but for the store.
pub(super) struct Inbox {
    store: Arc<dyn LaneStore>,
    lanes: Vec<Watched>,
    unsent: VecDeque<LineMessage>,
}

struct Watched {
    lane: Lane,
    name: String,
    /// The group is there.
    joined: bool,
    /// What a brain that went away held is yet to be given up.
    orphaned: bool,
    /// With the brain, not acknowledged.
    in_flight: BTreeSet<u64>,
    /// Acknowledged by the brain, and the store does not know it yet. Each takes the place that it
    /// had in flight.
    unsettled: BTreeSet<u64>,
}

impl Watched {
    fn new(lane: Lane) -> Self {
        Self {
            name: lane.to_string(),
            lane,
            joined: false,
            orphaned: false,
            in_flight: BTreeSet::new(),
            unsettled: BTreeSet::new(),
        }
    }

    /// Tells the store what it could not be told before. Until it knows, nothing is taken: it would
    /// deliver again what was dealt with.
    fn catch_up(&mut self, store: &dyn LaneStore) -> Result<(), GroupError> {
        if !self.joined {
            store.join(&self.lane, GROUP, Position::START)?;
            self.joined = true;
        }
        while let Some(position) = self.unsettled.first().copied() {
            // One that is not pending any more is settled.
            store.ack(&self.lane, GROUP, Position(position))?;
            self.unsettled.pop_first();
        }
        if self.orphaned {
            store.give_up(&self.lane, GROUP, CONSUMER)?;
            self.orphaned = false;
        }
        Ok(())
    }

    fn take(&mut self, store: &dyn LaneStore) -> Result<Vec<Delivery>, GroupError> {
        self.catch_up(store)?;
        match IN_FLIGHT_MAX.saturating_sub(self.in_flight.len()) {
            0 => Ok(Vec::new()),
            room => store.take(&self.lane, GROUP, CONSUMER, room),
        }
    }
}

impl Inbox {
    /// Joins the main lane of each tag. One that cannot be joined is joined when it can be.
    pub fn new(store: Arc<dyn LaneStore>, tags: &[Tag]) -> Self {
        let lanes = tags.iter().filter_map(|tag| main_lane(tag.clone())).map(Watched::new);
        let mut lanes: Vec<_> = lanes.collect();
        for watched in &mut lanes {
            if let Err(error) = watched.catch_up(store.as_ref()) {
                let lane = &watched.name;
                tracing::warn!(%lane, %error, "what is written in this lane waits for the store");
            }
        }
        Self { store, lanes, unsent: VecDeque::new() }
    }

    /// The next message for the brain; [`Inbox::sent`] when it is with the brain.
    pub fn next(&mut self) -> Option<&LineMessage> {
        if self.unsent.is_empty() {
            self.fill();
        }
        self.unsent.front()
    }

    /// The brain has got it.
    pub fn sent(&mut self) {
        self.unsent.pop_front();
    }

    /// The brain has dealt with it. `false`: it was acknowledged before. A store that is away is
    /// told when it is back.
    pub fn acknowledge(&mut self, lane: &str, position: Position) -> bool {
        let Some(watched) = self.lanes.iter_mut().find(|it| it.name == lane) else { return false };
        match self.store.ack(&watched.lane, GROUP, position) {
            Ok(settled) => {
                watched.in_flight.remove(&position.0);
                // The store had been told, and its answer was lost.
                settled | watched.unsettled.remove(&position.0)
            }
            Err(error) => {
                let held = watched.in_flight.remove(&position.0);
                if held {
                    watched.unsettled.insert(position.0);
                    tracing::debug!(%lane, %position, %error, "the store is told later");
                }
                held
            }
        }
    }

    /// What the brain held goes to the next one.
    pub fn brain_gone(&mut self) {
        self.unsent.clear();
        for watched in &mut self.lanes {
            watched.in_flight.clear();
            watched.orphaned = true;
            // A store that is down is told before it is asked for more.
            let _ = watched.catch_up(self.store.as_ref());
        }
    }

    fn fill(&mut self) {
        for watched in &mut self.lanes {
            let taken = watched.take(self.store.as_ref()).unwrap_or_default();
            for delivery in taken {
                match message_of(watched, &delivery) {
                    Some(message) => {
                        watched.in_flight.insert(delivery.entry.position.0);
                        self.unsent.push_back(message);
                    }
                    None => {
                        let position = delivery.entry.position;
                        tracing::debug!(lane = %watched.name, %position, "no written message; left out");
                        if self.store.ack(&watched.lane, GROUP, position).is_err() {
                            watched.unsettled.insert(position.0);
                        }
                    }
                }
            }
        }
    }
}

fn message_of(watched: &Watched, delivery: &Delivery) -> Option<LineMessage> {
    let written: Written = serde_json::from_slice(&delivery.entry.body).ok()?;
    let position = delivery.entry.position;
    let tag = watched.lane.tag().as_str();
    Some(LineMessage::TextMessage {
        lane: watched.name.clone(),
        tag: tag.to_owned(),
        position: brain_protocol::Position(position.0),
        id: id_of(&watched.name, position),
        from: written.from,
        text: written.text,
        channel: if tag == SMS { Channel::Sms } else { Channel::Chat },
        replayed: delivery.deliveries > 1,
    })
}

#[cfg(test)]
mod tests {
    use lane_broker::{Limits, MemoryStore, Tags};

    use super::*;
    use crate::text::absent::Absent;

    fn inbox(tags: &[&str]) -> (Inbox, Arc<dyn LaneStore>) {
        let store: Arc<dyn LaneStore> = Arc::new(MemoryStore::new(Limits::default()));
        (inbox_of(&store, tags), store)
    }

    fn inbox_of(store: &Arc<dyn LaneStore>, tags: &[&str]) -> Inbox {
        let known = Tags::default();
        let tags: Vec<Tag> = tags.iter().map(|tag| known.parse(tag).unwrap()).collect();
        Inbox::new(store.clone(), &tags)
    }

    fn write(store: &Arc<dyn LaneStore>, tag: &str, n: usize) {
        let written = Written { text: format!("text {n}"), from: "ann".into() };
        let lane = main_lane(Tags::default().parse(tag).unwrap()).unwrap();
        let body = serde_json::to_vec(&written).unwrap();
        store.publish(&lane, &format!("k{n}"), &body).unwrap();
    }

    fn taken(inbox: &mut Inbox) -> Vec<(String, u64, bool)> {
        let mut taken = Vec::new();
        while let Some(LineMessage::TextMessage { lane, position, replayed, .. }) = inbox.next() {
            taken.push((lane.clone(), position.0, *replayed));
            inbox.sent();
        }
        taken
    }

    #[test]
    fn what_a_dead_brain_held_comes_again_and_what_it_finished_does_not() {
        let (mut inbox, store) = inbox(&["typed"]);
        (1..=3).for_each(|n| write(&store, "typed", n));
        assert_eq!(taken(&mut inbox).len(), 3);
        assert!(inbox.acknowledge("typed:main", Position(2)));
        assert!(!inbox.acknowledge("typed:main", Position(2)), "once");
        inbox.brain_gone();
        let lane = || "typed:main".to_owned();
        assert_eq!(taken(&mut inbox), [(lane(), 1, true), (lane(), 3, true)]);
    }

    #[test]
    fn a_flood_in_one_lane_leaves_the_others_their_share() {
        let (mut inbox, store) = inbox(&["typed", "sms"]);
        (0..500).for_each(|n| write(&store, "typed", n));
        write(&store, "sms", 1);
        let first = taken(&mut inbox);
        assert_eq!(first.len(), IN_FLIGHT_MAX + 1);
        assert!(first.iter().any(|(lane, ..)| lane == "sms:main"));
        assert!(inbox.acknowledge("typed:main", Position(1)));
        assert_eq!(taken(&mut inbox).len(), 1, "an acknowledgement makes room for one");
    }

    #[test]
    fn what_is_acknowledged_while_the_store_is_away_makes_room_when_it_is_back() {
        let absent = Arc::new(Absent::default());
        let store: Arc<dyn LaneStore> = absent.clone();
        let mut inbox = inbox_of(&store, &["typed"]);
        let count = IN_FLIGHT_MAX + 3;
        (0..count).for_each(|n| write(&store, "typed", n));
        let held = taken(&mut inbox);
        assert_eq!(held.len(), IN_FLIGHT_MAX);
        absent.go_away();
        for (lane, position, _) in &held {
            assert!(inbox.acknowledge(lane, Position(*position)), "{position}");
            assert!(!inbox.acknowledge(lane, Position(*position)), "once");
        }
        assert!(taken(&mut inbox).is_empty());
        absent.come_back();
        assert_eq!(taken(&mut inbox).len(), 3);
        let lane = main_lane(Tags::default().parse("typed").unwrap()).unwrap();
        assert_eq!(store.pending(&lane, GROUP).unwrap().len(), 3);
    }

    #[test]
    fn a_brain_that_dies_while_the_store_is_away_leaves_the_next_one_what_it_did_not_finish() {
        let absent = Arc::new(Absent::default());
        let store: Arc<dyn LaneStore> = absent.clone();
        let mut inbox = inbox_of(&store, &["typed"]);
        (1..=3).for_each(|n| write(&store, "typed", n));
        assert_eq!(taken(&mut inbox).len(), 3);
        absent.go_away();
        assert!(inbox.acknowledge("typed:main", Position(2)));
        inbox.brain_gone();
        absent.come_back();
        let lane = || "typed:main".to_owned();
        assert_eq!(taken(&mut inbox), [(lane(), 1, true), (lane(), 3, true)]);
    }

    #[test]
    fn a_lane_whose_store_is_away_at_the_start_is_joined_when_it_comes() {
        let absent = Arc::new(Absent::default());
        absent.go_away();
        let store: Arc<dyn LaneStore> = absent.clone();
        let mut inbox = inbox_of(&store, &["typed"]);
        assert!(taken(&mut inbox).is_empty());
        absent.come_back();
        write(&store, "typed", 1);
        assert_eq!(taken(&mut inbox), [("typed:main".to_owned(), 1, false)]);
    }

    #[test]
    fn what_is_no_message_is_left_out_and_does_not_come_again() {
        let (mut inbox, store) = inbox(&["in"]);
        let lane = main_lane(Tags::default().parse("in").unwrap()).unwrap();
        store.publish(&lane, "odd", b"\xff not JSON").unwrap();
        write(&store, "in", 1);
        assert_eq!(taken(&mut inbox).len(), 1);
        assert_eq!(store.pending(&lane, GROUP).unwrap().len(), 1);
    }

    #[test]
    fn what_could_not_be_handed_over_stays_the_next_one() {
        let (mut inbox, store) = inbox(&["typed"]);
        (1..=2).for_each(|n| write(&store, "typed", n));
        let next = |inbox: &mut Inbox| match inbox.next() {
            Some(LineMessage::TextMessage { position, .. }) => position.0,
            _ => 0,
        };
        assert_eq!((next(&mut inbox), next(&mut inbox)), (1, 1));
        inbox.sent();
        assert_eq!(next(&mut inbox), 2);
    }
}
