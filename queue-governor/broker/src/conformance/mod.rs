//! What every store of lanes must do. Called from the stores' own tests, with a maker of empty
//! stores; each check gets a store of its own.

mod upkeep;

pub use upkeep::{
    check_batches, check_idle_consumers, check_keys_are_forgotten, check_lanes_are_listed,
    check_retention,
};

use crate::{GroupError, Lane, LaneStore, Limits, Position, PublishError, Tag, WallClock};

/// Makes an empty store with these limits, that reads the time from this clock.
pub type MakeStore<'a> = &'a dyn Fn(Limits, WallClock) -> Box<dyn LaneStore>;

/// Runs every check of this suite.
///
/// # Panics
/// When the store breaks the contract; the message says which part.
pub fn check_store(make: MakeStore<'_>) {
    let store = || make(Limits::default(), WallClock::system());
    check_order_and_replay(store().as_ref());
    check_idempotency(store().as_ref());
    check_groups_are_independent(store().as_ref());
    check_redelivery(store().as_ref());
    check_trim_spares_what_is_needed(store().as_ref());
    check_refusals(make);
    check_concurrent_producers(store().as_ref());
    check_concurrent_consumers(store().as_ref());
    check_batches(make);
    check_keys_are_forgotten(make);
    check_idle_consumers(make);
    check_retention(make);
    check_lanes_are_listed(make);
}

/// Entries come in the order of publication, from any position, in pieces of any size.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_order_and_replay(store: &dyn LaneStore) {
    let (one, other) = (lane("one"), lane("other"));
    assert!(read(store, &one, Position::START, 10).is_empty(), "an unknown lane is empty");
    for n in 0..5 {
        publish(store, &one, n);
    }
    publish(store, &other, 99);
    let all = read(store, &one, Position::START, 100);
    assert_eq!(bodies(&all), ["0", "1", "2", "3", "4"], "in order, and of this lane only");
    let rest = read(store, &one, all[2].position, 100);
    assert_eq!(bodies(&rest), ["3", "4"], "a replay starts after the position");
    assert_eq!(
        bodies(&read(store, &one, Position::START, 2)),
        ["0", "1"],
        "no more than asked for"
    );
    assert!(read(store, &one, Position(u64::MAX), 9).is_empty(), "after the end is nothing");
    assert!(
        store.remove(&one) == Ok(true) && store.remove(&one) == Ok(false),
        "a lane is removed once"
    );
    assert!(read(store, &one, Position::START, 9).is_empty(), "and then it is empty");
    assert_eq!(read(store, &other, Position::START, 9).len(), 1, "the other one is untouched");
}

/// The same key gives the same position and one entry, also after the entry was trimmed.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_idempotency(store: &dyn LaneStore) {
    let lane = lane("one");
    let first = store.publish(&lane, "key", b"first").expect("an empty lane takes an entry");
    let again = store.publish(&lane, "key", b"second").expect("a repetition is no error");
    assert!(!first.duplicate && again.duplicate, "a repetition is told");
    assert_eq!(first.position, again.position, "and answered with the first position");
    assert_eq!(bodies(&read(store, &lane, Position::START, 9)), ["first"], "the first one stands");
    assert_eq!(store.trim(&lane, first.position), Ok(1), "nobody needs it");
    let late = store.publish(&lane, "key", b"third").expect("a late repetition is no error");
    assert!(late.duplicate, "a key outlives its entry");
}

/// Each group gets every entry; within a group each entry goes to one consumer.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_groups_are_independent(store: &dyn LaneStore) {
    let lane = lane("one");
    assert_eq!(store.take(&lane, "brain", "a", 1), Err(GroupError::NoLane), "no lane yet");
    store.join(&lane, "brain", Position::START).expect("joining makes the lane");
    assert_eq!(store.take(&lane, "tap", "t", 1), Err(GroupError::NoGroup), "no such group");
    store.join(&lane, "tap", Position::START).expect("a second group");
    (0..4).for_each(|n| publish(store, &lane, n));
    assert_eq!(took(store, &lane, "brain", "a", 2), ["0", "1"]);
    assert_eq!(took(store, &lane, "brain", "b", 9), ["2", "3"], "not what the other one has");
    assert!(took(store, &lane, "brain", "a", 9).is_empty(), "nothing is left");
    assert_eq!(took(store, &lane, "tap", "t", 9).len(), 4, "the other group gets all of it");
    store.join(&lane, "brain", Position::START).expect("joining again is no error");
    assert!(took(store, &lane, "brain", "a", 9).is_empty(), "and does not start over");
    store.join(&lane, "late", Position(3)).expect("a group that starts in the middle");
    assert_eq!(took(store, &lane, "late", "l", 9), ["3"]);
}

/// What was taken stays pending until it is acknowledged, and comes again when its consumer gives
/// up, before anything new.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_redelivery(store: &dyn LaneStore) {
    let lane = lane("one");
    store.join(&lane, "brain", Position::START).expect("a group");
    (0..3).for_each(|n| publish(store, &lane, n));
    assert_eq!(took(store, &lane, "brain", "first life", 3).len(), 3);
    assert_eq!(store.ack(&lane, "brain", Position(2)), Ok(true), "a pending entry is settled");
    assert_eq!(store.ack(&lane, "brain", Position(2)), Ok(false), "once");
    assert_eq!(store.ack(&lane, "brain", Position(77)), Ok(false), "an unknown one is not");
    publish(store, &lane, 3);
    assert_eq!(store.give_up(&lane, "brain", "somebody else"), Ok(0));
    assert_eq!(store.give_up(&lane, "brain", "first life"), Ok(2));
    let pending = store.pending(&lane, "brain").expect("the group is there");
    assert!(pending.iter().all(|held| held.consumer.is_none()), "nobody holds what was given up");
    let again = store.take(&lane, "brain", "second life", 9).expect("the group is there");
    let positions: Vec<u64> = again.iter().map(|delivery| delivery.entry.position.0).collect();
    assert_eq!(positions, [1, 3, 4], "what was given up comes first, then what is new");
    let times: Vec<u32> = again.iter().map(|delivery| delivery.deliveries).collect();
    assert_eq!(times, [2, 2, 1], "and it is told how often");
}

/// Trimming takes what every group has settled, and nothing else.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_trim_spares_what_is_needed(store: &dyn LaneStore) {
    let lane = lane("one");
    store.join(&lane, "brain", Position::START).expect("a group");
    (0..4).for_each(|n| publish(store, &lane, n));
    assert_eq!(store.trim(&lane, Position(4)), Ok(0), "nothing was taken yet");
    took(store, &lane, "brain", "a", 3);
    for settled in [1, 3] {
        store.ack(&lane, "brain", Position(settled)).expect("the group is there");
    }
    assert_eq!(store.trim(&lane, Position(4)), Ok(1), "entry 2 is pending, 3 and 4 lie behind it");
    assert_eq!(bodies(&read(store, &lane, Position::START, 9)), ["1", "2", "3"]);
    assert_eq!(store.publish(&lane, "new", b"4").map(|new| new.position), Ok(Position(5)));
}

/// Every limit refuses by its name, and a full lane takes entries again once they are settled.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_refusals(make: MakeStore<'_>) {
    let limits = Limits {
        lanes_max: 2,
        lane_entries_max: 3,
        lane_bytes_max: 64,
        entry_bytes_max: 40,
        keys_remembered_max: 3,
        groups_max: 1,
    };
    let store = make(limits, WallClock::system());
    let (one, big) = (lane("one"), lane("big"));
    let too_large = PublishError::BodyTooLarge { bytes: 41, max: 40 };
    assert_eq!(store.publish(&one, "k", &[0; 41]), Err(too_large));
    assert_eq!(store.publish(&one, "", b"x"), Err(PublishError::BadKey));
    assert_eq!(store.publish(&one, &"k".repeat(257), b"x"), Err(PublishError::BadKey));
    store.join(&one, "brain", Position::START).expect("a first group");
    assert_eq!(store.join(&one, "tap", Position::START), Err(GroupError::TooManyGroups(1)));
    (0..3).for_each(|n| publish(store.as_ref(), &one, n));
    assert_eq!(store.publish(&one, "more", b"x"), Err(PublishError::LaneFull(3)));
    assert!(store.publish(&one, "k0", b"x").expect("no room is needed").duplicate);
    took(store.as_ref(), &one, "brain", "a", 1);
    assert_eq!(store.ack(&one, "brain", Position(1)), Ok(true));
    assert!(store.publish(&one, "more", b"x").is_ok(), "a settled entry makes room");
    store.publish(&big, "a", &[0; 40]).expect("a second lane");
    assert_eq!(store.publish(&big, "b", &[0; 40]), Err(PublishError::LaneBytesFull(64)));
    assert_eq!(store.publish(&lane("third"), "a", b"x"), Err(PublishError::TooManyLanes(2)));
    let no_room = Err(GroupError::TooManyLanes(2));
    assert_eq!(store.join(&lane("third"), "brain", Position::START), no_room);
}

/// Producers on several threads lose nothing, and racing on one key they make one entry.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_concurrent_producers(store: &dyn LaneStore) {
    let lane = &lane("one");
    std::thread::scope(|scope| {
        for producer in 0..4 {
            scope.spawn(move || {
                for n in 0..50 {
                    store.publish(lane, &format!("{producer}-{n}"), b"own").expect("there is room");
                    store.publish(lane, &format!("shared-{n}"), b"raced").expect("there is room");
                }
            });
        }
    });
    let all = read(store, lane, Position::START, 1_000);
    assert_eq!(all.len(), 4 * 50 + 50, "each own entry, and one for each raced key");
    assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position), "in order");
}

/// Consumers of one group on several threads share the entries: each goes to one of them.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_concurrent_consumers(store: &dyn LaneStore) {
    let lane = &lane("one");
    store.join(lane, "workers", Position::START).expect("a group");
    (0..60).for_each(|n| publish(store, lane, n));
    let mut all: Vec<String> = std::thread::scope(|scope| {
        let workers = ["a", "b", "c"].map(|consumer| {
            scope.spawn(move || {
                let mut mine = Vec::new();
                loop {
                    match took(store, lane, "workers", consumer, 4) {
                        none if none.is_empty() => return mine,
                        some => mine.extend(some),
                    }
                }
            })
        });
        workers.into_iter().flat_map(|worker| worker.join().expect("it ends")).collect()
    });
    all.sort_by_key(|body| body.parse::<u32>().expect("a number"));
    let expected: Vec<String> = (0..60).map(|n: u32| n.to_string()).collect();
    assert_eq!(all, expected, "every entry to one consumer");
}

fn lane(name: &str) -> Lane {
    Lane::new(Tag::call(), name).expect("a good name")
}

fn publish(store: &dyn LaneStore, lane: &Lane, n: u32) {
    store.publish(lane, &format!("k{n}"), n.to_string().as_bytes()).expect("there is room");
}

fn took(
    store: &dyn LaneStore,
    lane: &Lane,
    group: &str,
    consumer: &str,
    max: usize,
) -> Vec<String> {
    let taken = store.take(lane, group, consumer, max).expect("the group is there");
    taken.iter().map(|delivery| text(&delivery.entry.body)).collect()
}

fn read(store: &dyn LaneStore, lane: &Lane, after: Position, max: usize) -> Vec<crate::Entry> {
    store.read(lane, after, max).expect("the store can be read")
}

fn bodies(entries: &[crate::Entry]) -> Vec<String> {
    entries.iter().map(|entry| text(&entry.body)).collect()
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
