//! What the caller said and no brain has acknowledged yet: the lane `call:<line>`.

use std::sync::Arc;

use lane_broker::{Lane, LaneStore, Position, Tag};
use media_core::LineId;
use serde::{Deserialize, Serialize};

const GROUP: &str = "brain";
const CONSUMER: &str = "brain";
/// Turns handed over at once. A caller does not say more while a brain restarts.
const TAKE_MAX: usize = 64;

/// A turn on its way to the brain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Turn {
    pub turn: u64,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    pub barged_in: bool,
    pub at_ms: u64,
    #[serde(skip)]
    pub position: u64,
    #[serde(skip)]
    pub replayed: bool,
}

/// The lane of one call, and the brain's place in it.
pub(super) struct Backlog {
    store: Arc<dyn LaneStore>,
    lane: Option<Lane>,
}

impl Backlog {
    pub fn new(store: Arc<dyn LaneStore>, line: LineId) -> Self {
        let lane = Lane::new(Tag::call(), line.0.to_string()).ok();
        let joined = lane.filter(|lane| store.join(lane, GROUP, Position::START).is_ok());
        Self { store, lane: joined }
    }

    /// Keeps `turn` until it is acknowledged. `false`: the lane is full.
    pub fn publish(&self, turn: &Turn) -> bool {
        let Some(lane) = &self.lane else { return false };
        let Ok(body) = serde_json::to_vec(turn) else { return false };
        self.store.publish(lane, &format!("turn-{}", turn.turn), &body).is_ok()
    }

    /// What the brain has not been given, or was given before it died.
    pub fn take(&self) -> Vec<Turn> {
        let Some(lane) = &self.lane else { return Vec::new() };
        let taken = self.store.take(lane, GROUP, CONSUMER, TAKE_MAX).unwrap_or_default();
        let turn = |delivery: lane_broker::Delivery| {
            let turn: Turn = serde_json::from_slice(&delivery.entry.body).ok()?;
            let position = delivery.entry.position.0;
            Some(Turn { position, replayed: delivery.deliveries > 1, ..turn })
        };
        taken.into_iter().filter_map(turn).collect()
    }

    /// The brain has dealt with it.
    pub fn acknowledge(&self, position: u64) {
        if let Some(lane) = &self.lane {
            // A position that is not pending was acknowledged before: nothing to do.
            let _ = self.store.ack(lane, GROUP, Position(position));
            let _ = self.store.trim(lane, Position(position));
        }
    }

    /// The brain is gone: what it held is given to the next one.
    pub fn brain_gone(&self) {
        if let Some(lane) = &self.lane {
            let _ = self.store.give_up(lane, GROUP, CONSUMER);
        }
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        if let Some(lane) = &self.lane {
            let _ = self.store.remove(lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(turn: u64) -> Turn {
        let text = format!("text {turn}");
        Turn { turn, text, speaker: None, barged_in: false, at_ms: 0, position: 0, replayed: false }
    }

    #[test]
    fn what_a_dead_brain_held_is_given_to_the_next_and_what_it_finished_is_not() {
        let store = Arc::new(lane_broker::MemoryStore::new(lane_broker::Limits::default()));
        let backlog = Backlog::new(store, LineId(1));
        assert!(backlog.publish(&turn(1)) && backlog.publish(&turn(2)));
        let taken = backlog.take();
        assert_eq!(taken.len(), 2);
        assert!(taken.iter().all(|t| !t.replayed));
        backlog.acknowledge(taken[0].position);
        assert!(backlog.publish(&turn(3)));
        backlog.brain_gone();
        let again: Vec<_> = backlog.take().into_iter().map(|t| (t.turn, t.replayed)).collect();
        assert_eq!(again, [(2, true), (3, false)]);
    }
}
