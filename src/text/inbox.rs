//! What was written and no brain has acknowledged yet, lane by lane.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use brain_protocol::{Channel, LineMessage};
use lane_broker::{Delivery, Entry, GroupError, Lane, LaneStore, Position, Tag};
use media_core::MonoTime;

use super::message::{Written, id_of, main_lane};

const GROUP: &str = "brain";
const CONSUMER: &str = "brain";
/// Messages of one lane that the brain holds unacknowledged. It answers at once, so this is a
/// matter of milliseconds; and one lane's flood leaves the others their share.
const IN_FLIGHT_MAX: usize = 32;
/// A brain that has not said within this time that it has dealt with a message has forgotten it, or
/// dropped it over a fault. A mind that asks a slow model before it says so takes a minute.
const DONE_WITHIN: Duration = Duration::from_secs(120);
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
    in_flight: BTreeMap<u64, Held>,
    /// The brain let the time pass twice. They are kept, and come again with the next brain; no
    /// place waits for them. Bounded by the lane.
    forgotten: BTreeSet<u64>,
    /// Acknowledged by the brain, and the store does not know it yet. Each takes the place that it
    /// had in flight.
    unsettled: BTreeSet<u64>,
}

/// A message that the brain has.
#[derive(Clone, Copy, Default)]
struct Held {
    /// When it got it; `None`: it is about to.
    since: Option<MonoTime>,
    /// It was handed over once more, because nothing was heard of it.
    again: bool,
}

impl Watched {
    fn new(lane: Lane) -> Self {
        Self {
            name: lane.to_string(),
            lane,
            joined: false,
            orphaned: false,
            in_flight: BTreeMap::new(),
            forgotten: BTreeSet::new(),
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

    /// What the brain has had for too long and is to be handed to it once more. The second time it
    /// loses its place instead.
    /// What a store that is away does not give is asked for with the next look.
    fn overdue(&mut self, now: MonoTime, store: &dyn LaneStore) -> Vec<Entry> {
        let is_over = |held: &Held| held.since.is_some_and(|since| since + DONE_WITHIN <= now);
        let held = self.in_flight.iter().map(|(position, held)| (*position, *held));
        let over: Vec<_> = held.filter(|(_, held)| is_over(held)).collect();
        let mut again = Vec::new();
        for (position, held) in over {
            let lane = &self.name;
            if held.again {
                tracing::warn!(%lane, position, "the brain has not said twice that it has dealt with this message; the next brain gets it again");
                self.in_flight.remove(&position);
                self.forgotten.insert(position);
                continue;
            }
            let before = Position(position.saturating_sub(1));
            // Those that it gave are handed over.
            let Ok(entries) = store.read(&self.lane, before, 1) else { break };
            let Some(entry) = entries.into_iter().find(|it| it.position.0 == position) else {
                self.in_flight.remove(&position);
                tracing::warn!(%lane, position, "the store has lost a message that the brain has not dealt with");
                continue;
            };
            self.in_flight.insert(position, Held { since: None, again: true });
            tracing::debug!(%lane, position, "handed to the brain once more: it was not dealt with");
            again.push(entry);
        }
        again
    }

    /// What comes next for the brain. A store that has lost its data is begun anew with: what comes
    /// after that is handed over, and nobody waits for what is gone.
    fn take(&mut self, store: &dyn LaneStore) -> Result<Vec<Delivery>, GroupError> {
        match self.take_known(store) {
            Err(GroupError::NoLane | GroupError::NoGroup) => {
                let lane = &self.name;
                tracing::warn!(%lane, "the store has lost this lane, or the brain's place in it; it is read from its start");
                *self = Self::new(self.lane.clone());
                self.take_known(store)
            }
            taken => taken,
        }
    }

    fn take_known(&mut self, store: &dyn LaneStore) -> Result<Vec<Delivery>, GroupError> {
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
    pub fn sent(&mut self, now: MonoTime) {
        let Some(LineMessage::TextMessage { lane, position, .. }) = self.unsent.pop_front() else {
            return;
        };
        let watched = self.lanes.iter_mut().find(|it| it.name == lane);
        let held = watched.and_then(|it| it.in_flight.get_mut(&position.0));
        held.into_iter().for_each(|held| held.since = Some(now));
    }

    /// What the brain was given and did not say that it has dealt with is given to it once more, and
    /// then keeps no place from what comes after it.
    pub fn remind(&mut self, now: MonoTime) {
        for watched in &mut self.lanes {
            let overdue = watched.overdue(now, self.store.as_ref());
            let again = overdue.into_iter().filter_map(|entry| message_of(watched, &entry, true));
            self.unsent.extend(again);
        }
    }

    /// Messages that the brain has forgotten, and no brain has had since.
    pub fn forgotten(&self) -> usize {
        self.lanes.iter().map(|watched| watched.forgotten.len()).sum()
    }

    /// The brain has dealt with it. `false`: it was acknowledged before. A store that is away is
    /// told when it is back.
    pub fn acknowledge(&mut self, lane: &str, position: Position) -> bool {
        let Some(watched) = self.lanes.iter_mut().find(|it| it.name == lane) else { return false };
        let late = watched.forgotten.remove(&position.0);
        // It may be about to be reminded.
        self.unsent.retain(|message| !is_at(message, lane, position));
        match self.store.ack(&watched.lane, GROUP, position) {
            Ok(settled) => {
                watched.in_flight.remove(&position.0);
                // The store had been told, and its answer was lost.
                settled | watched.unsettled.remove(&position.0)
            }
            Err(error) => {
                let held = watched.in_flight.remove(&position.0).is_some() || late;
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
            watched.forgotten.clear();
            watched.orphaned = true;
            // A store that is down is told before it is asked for more.
            let _ = watched.catch_up(self.store.as_ref());
        }
    }

    fn fill(&mut self) {
        for watched in &mut self.lanes {
            let taken = watched.take(self.store.as_ref()).unwrap_or_default();
            for delivery in taken {
                match message_of(watched, &delivery.entry, delivery.deliveries > 1) {
                    Some(message) => {
                        watched.in_flight.insert(delivery.entry.position.0, Held::default());
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

fn is_at(message: &LineMessage, at: &str, position: Position) -> bool {
    match message {
        LineMessage::TextMessage { lane, position: p, .. } => lane == at && p.0 == position.0,
        _ => false,
    }
}

fn message_of(watched: &Watched, entry: &Entry, replayed: bool) -> Option<LineMessage> {
    let written: Written = serde_json::from_slice(&entry.body).ok()?;
    let position = entry.position;
    let tag = watched.lane.tag().as_str();
    Some(LineMessage::TextMessage {
        lane: watched.name.clone(),
        tag: tag.to_owned(),
        position: brain_protocol::Position(position.0),
        id: id_of(&watched.name, position),
        from: written.from,
        text: written.text,
        channel: if tag == SMS { Channel::Sms } else { Channel::Chat },
        replayed,
    })
}

#[cfg(test)]
mod tests;
