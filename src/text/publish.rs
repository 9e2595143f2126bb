//! Publishing in a lane that may be full of what nobody needs any more.

use lane_broker::{Lane, LaneStore, PublishError, Published, Retention};

/// What a full lane keeps of its past, for readers that were away.
const KEPT_ENTRIES: usize = 2_000;
/// The same by size.
const KEPT_BYTES: usize = 2 << 20;

/// Publishes; where the lane is full, its oldest entries go first, but none that somebody who
/// acknowledges has not acknowledged.
pub(super) fn publish(
    store: &dyn LaneStore,
    lane: &Lane,
    key: &str,
    body: &[u8],
) -> Result<Published, PublishError> {
    match store.publish(lane, key, body) {
        Err(PublishError::LaneFull(_) | PublishError::LaneBytesFull(_)) => {
            let (entries, bytes) = (Some(KEPT_ENTRIES), Some(KEPT_BYTES));
            store.retain(lane, &Retention { entries, bytes, age: None })?;
            store.publish(lane, key, body)
        }
        published => published,
    }
}

#[cfg(test)]
mod tests {
    use lane_broker::{Limits, MemoryStore, Position, Tag};

    use super::*;

    #[test]
    fn a_lane_that_nobody_acknowledges_forgets_its_past_and_one_that_somebody_does_refuses() {
        let limits = Limits { lane_entries_max: KEPT_ENTRIES + 10, ..Limits::default() };
        let store = MemoryStore::new(limits);
        let free = Lane::new(Tag::xen_out(), "main").unwrap();
        for n in 0..KEPT_ENTRIES + 50 {
            assert!(publish(&store, &free, &n.to_string(), b"x").is_ok(), "{n}");
        }
        let held = Lane::new(Tag::call(), "held").unwrap();
        store.join(&held, "brain", Position::START).unwrap();
        let taken = (0..KEPT_ENTRIES + 50)
            .filter(|n| publish(&store, &held, &n.to_string(), b"x").is_ok())
            .count();
        assert_eq!(taken, KEPT_ENTRIES + 10);
    }
}
