//! Random operations, given to a store and to the one in memory: both answer the same, to the letter.

use std::time::Duration;

use lane_broker::{ClockHand, Lane, LaneStore, Limits, Position, Retention, Tag};
use proptest::prelude::*;

/// One call, on one of a few lanes, groups, consumers and keys, so that they meet.
#[derive(Clone, Debug)]
pub enum Operation {
    Publish { lane: u8, batch: Vec<(u8, u8)> },
    Read { lane: u8, after: u64, max: usize },
    Lanes,
    Join { lane: u8, group: u8, from: u64 },
    Take { lane: u8, group: u8, consumer: u8, max: usize },
    Ack { lane: u8, group: u8, position: u64 },
    Pending { lane: u8, group: u8 },
    GiveUp { lane: u8, group: u8, consumer: u8 },
    GiveUpIdle { lane: u8, group: u8, idle_s: u64 },
    Trim { lane: u8, upto: u64 },
    Retain { lane: u8, age_s: Option<u64>, entries: Option<usize>, bytes: Option<usize> },
    Remove { lane: u8 },
    Wait { seconds: u64 },
}

/// So small that every limit is met.
pub const LIMITS: Limits = Limits {
    lanes_max: 2,
    lane_entries_max: 6,
    lane_bytes_max: 60,
    entry_bytes_max: 20,
    keys_remembered_max: 8,
    groups_max: 2,
};

/// A run of operations.
pub fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let (lane, group, consumer, position) = (0..3_u8, 0..3_u8, 0..2_u8, 0..14_u64);
    let one = prop_oneof![
        6 => (lane.clone(), prop::collection::vec((0..12_u8, 0..22_u8), 1..5))
            .prop_map(|(lane, batch)| Operation::Publish { lane, batch }),
        1 => (lane.clone(), position.clone(), 0..9_usize)
            .prop_map(|(lane, after, max)| Operation::Read { lane, after, max }),
        1 => Just(Operation::Lanes),
        3 => (lane.clone(), group.clone(), position.clone())
            .prop_map(|(lane, group, from)| Operation::Join { lane, group, from }),
        4 => (lane.clone(), group.clone(), consumer.clone(), 0..5_usize)
            .prop_map(|(lane, group, consumer, max)| Operation::Take { lane, group, consumer, max }),
        4 => (lane.clone(), group.clone(), position.clone())
            .prop_map(|(lane, group, position)| Operation::Ack { lane, group, position }),
        1 => (lane.clone(), group.clone()).prop_map(|(lane, group)| Operation::Pending { lane, group }),
        2 => (lane.clone(), group.clone(), consumer)
            .prop_map(|(lane, group, consumer)| Operation::GiveUp { lane, group, consumer }),
        2 => (lane.clone(), group, 0..20_u64)
            .prop_map(|(lane, group, idle_s)| Operation::GiveUpIdle { lane, group, idle_s }),
        2 => (lane.clone(), position).prop_map(|(lane, upto)| Operation::Trim { lane, upto }),
        2 => (
            lane.clone(),
            prop::option::of(0..20_u64),
            prop::option::of(0..6_usize),
            prop::option::of(0..60_usize),
        )
            .prop_map(|(lane, age_s, entries, bytes)| Operation::Retain { lane, age_s, entries, bytes }),
        1 => lane.prop_map(|lane| Operation::Remove { lane }),
        2 => (1..9_u64).prop_map(|seconds| Operation::Wait { seconds }),
    ];
    prop::collection::vec(one, 1..60)
}

/// Gives `operation` to the store and writes its answer down.
pub fn answer(store: &dyn LaneStore, hand: &ClockHand, operation: &Operation) -> String {
    match operation {
        Operation::Publish { lane, batch } => {
            let entry =
                |(key, length): &(u8, u8)| (format!("k{key}"), vec![*key; usize::from(*length)]);
            let batch: Vec<_> = batch.iter().map(entry).collect();
            match &batch[..] {
                [(key, body)] => format!("{:?}", store.publish(&named(*lane), key, body)),
                batch => format!("{:?}", store.publish_many(&named(*lane), batch)),
            }
        }
        Operation::Read { lane, after, max } => {
            format!("{:?}", store.read(&named(*lane), Position(*after), *max))
        }
        Operation::Lanes => format!("{:?}", store.lanes()),
        Operation::Join { lane, group, from } => {
            format!("{:?}", store.join(&named(*lane), &name("g", *group), Position(*from)))
        }
        Operation::Take { lane, group, consumer, max } => {
            let (group, consumer) = (name("g", *group), name("c", *consumer));
            format!("{:?}", store.take(&named(*lane), &group, &consumer, *max))
        }
        Operation::Ack { lane, group, position } => {
            format!("{:?}", store.ack(&named(*lane), &name("g", *group), Position(*position)))
        }
        Operation::Pending { lane, group } => {
            format!("{:?}", store.pending(&named(*lane), &name("g", *group)))
        }
        Operation::GiveUp { lane, group, consumer } => {
            let (group, consumer) = (name("g", *group), name("c", *consumer));
            format!("{:?}", store.give_up(&named(*lane), &group, &consumer))
        }
        Operation::GiveUpIdle { lane, group, idle_s } => {
            let idle = Duration::from_secs(*idle_s);
            format!("{:?}", store.give_up_idle(&named(*lane), &name("g", *group), idle))
        }
        Operation::Trim { lane, upto } => {
            format!("{:?}", store.trim(&named(*lane), Position(*upto)))
        }
        Operation::Retain { lane, age_s, entries, bytes } => {
            let age = age_s.map(Duration::from_secs);
            let keep = Retention { age, entries: *entries, bytes: *bytes };
            format!("{:?}", store.retain(&named(*lane), &keep))
        }
        Operation::Remove { lane } => format!("{:?}", store.remove(&named(*lane))),
        Operation::Wait { seconds } => {
            hand.advance(Duration::from_secs(*seconds));
            String::new()
        }
    }
}

/// As many runs as are worth a second; more with `PROPTEST_CASES`.
pub fn config(cases: u32) -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: wanted.unwrap_or(cases),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn named(lane: u8) -> Lane {
    Lane::new(Tag::call(), name("lane", lane)).expect("a good name")
}

fn name(kind: &str, number: u8) -> String {
    format!("{kind}{number}")
}
