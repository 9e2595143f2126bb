//! What was written and no brain has acknowledged yet, lane by lane.

use std::collections::VecDeque;
use std::sync::Arc;

use brain_protocol::{Channel, LineMessage};
use lane_broker::{Delivery, Lane, LaneStore, Position, Tag};

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
    in_flight: usize,
}

impl Inbox {
    /// Joins the main lane of each tag. One that cannot be joined is left out, and said.
    pub fn new(store: Arc<dyn LaneStore>, tags: &[Tag]) -> Self {
        let joined = tags.iter().filter_map(|tag| {
            let lane = main_lane(tag.clone())?;
            if let Err(error) = store.join(&lane, GROUP, Position::START) {
                tracing::warn!(%lane, %error, "what is written in this lane does not reach the brain");
                return None;
            }
            Some(Watched { name: lane.to_string(), lane, in_flight: 0 })
        });
        let lanes = joined.collect();
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

    /// The brain has dealt with it. `false`: it was acknowledged before.
    pub fn acknowledge(&mut self, lane: &str, position: Position) -> bool {
        let Some(watched) = self.lanes.iter_mut().find(|it| it.name == lane) else { return false };
        let settled = self.store.ack(&watched.lane, GROUP, position).unwrap_or(false);
        watched.in_flight = watched.in_flight.saturating_sub(usize::from(settled));
        settled
    }

    /// What the brain held goes to the next one.
    pub fn brain_gone(&mut self) {
        self.unsent.clear();
        for watched in &mut self.lanes {
            // A store that is down has it pending, and is asked again when a brain comes.
            let _ = self.store.give_up(&watched.lane, GROUP, CONSUMER);
            watched.in_flight = 0;
        }
    }

    fn fill(&mut self) {
        for watched in &mut self.lanes {
            let room = IN_FLIGHT_MAX.saturating_sub(watched.in_flight);
            if room == 0 {
                continue;
            }
            let taken = self.store.take(&watched.lane, GROUP, CONSUMER, room).unwrap_or_default();
            for delivery in taken {
                match message_of(watched, &delivery) {
                    Some(message) => {
                        watched.in_flight += 1;
                        self.unsent.push_back(message);
                    }
                    None => {
                        let position = delivery.entry.position;
                        tracing::debug!(lane = %watched.name, %position, "no written message; left out");
                        let _ = self.store.ack(&watched.lane, GROUP, position);
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

    fn inbox(tags: &[&str]) -> (Inbox, Arc<dyn LaneStore>) {
        let store: Arc<dyn LaneStore> = Arc::new(MemoryStore::new(Limits::default()));
        let known = Tags::default();
        let tags: Vec<Tag> = tags.iter().map(|tag| known.parse(tag).unwrap()).collect();
        (Inbox::new(store.clone(), &tags), store)
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
