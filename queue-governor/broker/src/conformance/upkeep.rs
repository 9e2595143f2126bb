use std::time::Duration;

use super::{MakeStore, bodies, lane, publish, read, took};
use crate::{GroupInfo, Limits, Position, PublishError, Published, Retention, WallClock};

/// Many entries at once are added in order, all of them or none, and repetitions are found among
/// what is stored and within the batch.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_batches(make: MakeStore<'_>) {
    let limits = Limits { lane_entries_max: 4, entry_bytes_max: 40, ..Limits::default() };
    let (store, lane) = (make(limits, WallClock::system()), lane("one"));
    let batch = |keys: &[&str]| -> Vec<(String, Vec<u8>)> {
        keys.iter().map(|key| (key.to_string(), key.as_bytes().to_vec())).collect()
    };
    assert_eq!(store.publish_many(&lane, &[]), Ok(Vec::new()));
    assert!(store.lanes().expect("it can be read").is_empty(), "nothing makes no lane");
    let too_large = vec![("a".to_string(), vec![0; 1]), ("b".to_string(), vec![0; 41])];
    let refusal = PublishError::BodyTooLarge { bytes: 41, max: 40 };
    assert_eq!(store.publish_many(&lane, &too_large), Err(refusal));
    assert!(read(store.as_ref(), &lane, Position::START, 9).is_empty(), "all of them or none");
    let at = |position, duplicate| Published { position: Position(position), duplicate };
    let first = store.publish_many(&lane, &batch(&["a", "b", "a"]));
    assert_eq!(first, Ok(vec![at(1, false), at(2, false), at(1, true)]));
    let second = store.publish_many(&lane, &batch(&["c", "b"]));
    assert_eq!(second, Ok(vec![at(3, false), at(2, true)]));
    let third = store.publish_many(&lane, &batch(&["d", "e"]));
    assert_eq!(third, Err(PublishError::LaneFull(4)), "one would fit, two do not");
    assert_eq!(bodies(&read(store.as_ref(), &lane, Position::START, 9)), ["a", "b", "c"]);
    let late = store.publish(&lane, "d", b"d").expect("a refused key was not remembered");
    assert_eq!(late, at(4, false));
}

/// A lane recognises as many keys as it was told, and at least those of its entries.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_keys_are_forgotten(make: MakeStore<'_>) {
    let limits = Limits { lane_entries_max: 2, keys_remembered_max: 3, ..Limits::default() };
    let (store, lane) = (make(limits, WallClock::system()), lane("one"));
    let publish = |n: u32| {
        let published = store.publish(&lane, &format!("k{n}"), b"x").expect("there is room");
        store.trim(&lane, published.position).expect("it can be trimmed");
        published
    };
    (0..4).for_each(|n| assert!(!publish(n).duplicate));
    assert!(publish(1).duplicate && publish(3).duplicate, "the last three are known");
    assert_eq!(publish(0), Published { position: Position(5), duplicate: false });
    assert!(!publish(1).duplicate, "which pushed out the oldest of them");
}

/// What a consumer holds for too long is given to another; what it took lately is not.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_idle_consumers(make: MakeStore<'_>) {
    let (clock, hand) = WallClock::by_hand();
    let (store, lane) = (make(Limits::default(), clock), lane("one"));
    let store = store.as_ref();
    store.join(&lane, "brain", Position::START).expect("a group");
    (0..3).for_each(|n| publish(store, &lane, n));
    took(store, &lane, "brain", "dead", 2);
    hand.advance(Duration::from_secs(20));
    took(store, &lane, "brain", "alive", 1);
    hand.advance(Duration::from_secs(10));
    let give_up = |idle| store.give_up_idle(&lane, "brain", Duration::from_secs(idle));
    assert_eq!(give_up(31), Ok(0), "nobody is idle for so long");
    assert_eq!(give_up(30), Ok(2), "what was taken first, not what was taken since");
    assert_eq!(give_up(30), Ok(0), "it is given up once");
    assert_eq!(took(store, &lane, "brain", "alive", 9), ["0", "1"]);
    hand.advance(Duration::from_secs(15));
    assert_eq!(give_up(20), Ok(1), "taken again is taken anew");
    assert_eq!(took(store, &lane, "brain", "other", 9), ["2"]);
}

/// Retention drops what is too old or too much, oldest first, and never what a group needs.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_retention(make: MakeStore<'_>) {
    let (clock, hand) = WallClock::by_hand();
    let (store, lane) = (make(Limits::default(), clock), lane("one"));
    let store = store.as_ref();
    let second = Duration::from_secs(1);
    (0..6).for_each(|n| {
        publish(store, &lane, n);
        hand.advance(second);
    });
    let left = || bodies(&read(store, &lane, Position::START, 9)).concat();
    let keep_all = Retention::default();
    assert_eq!(store.retain(&lane, &keep_all), Ok(0), "no bound, nothing goes");
    assert_eq!(store.retain(&lane, &Retention { age: Some(5 * second), ..keep_all }), Ok(1));
    assert_eq!(left(), "12345", "the one that was six seconds old");
    // Each entry has a key of two bytes and a body of one.
    assert_eq!(store.retain(&lane, &Retention { bytes: Some(13), ..keep_all }), Ok(1));
    assert_eq!(left(), "2345");
    store.join(&lane, "brain", Position::START).expect("a group");
    took(store, &lane, "brain", "a", 2);
    store.ack(&lane, "brain", Position(3)).expect("the group is there");
    assert_eq!(store.retain(&lane, &Retention { entries: Some(1), ..keep_all }), Ok(1));
    assert_eq!(left(), "345", "one is pending, two were not taken");
    assert_eq!(store.publish(&lane, "new", b"6").map(|new| new.position), Ok(Position(7)));
}

/// The list of lanes tells what is in each, and how far its groups have come.
///
/// # Panics
/// When the store breaks the contract.
pub fn check_lanes_are_listed(make: MakeStore<'_>) {
    let (clock, hand) = WallClock::by_hand();
    let began_ms = clock.now_ms();
    let store = make(Limits::default(), clock);
    let store = store.as_ref();
    let (b, a) = (lane("b"), lane("a"));
    (0..3).for_each(|n| publish(store, &b, n));
    hand.advance(Duration::from_secs(1));
    store.join(&b, "tap", Position(1)).expect("a group");
    store.join(&b, "brain", Position(3)).expect("a group");
    took(store, &b, "tap", "t", 1);
    store.join(&a, "brain", Position(9)).expect("a lane of its own");
    let lanes = store.lanes().expect("it can be read");
    let [first, second] = &lanes[..] else { panic!("two lanes, not {lanes:?}") };
    assert_eq!((&first.lane, first.entries, first.bytes), (&a, 0, 0));
    assert_eq!((first.last, first.oldest_ms), (Position(0), None));
    assert_eq!((&second.lane, second.entries, second.bytes), (&b, 3, 9));
    assert_eq!((second.last, second.oldest_ms), (Position(3), Some(began_ms)));
    let group = |name: &str, taken, pending| GroupInfo {
        name: name.into(),
        taken: Position(taken),
        pending,
    };
    assert_eq!(first.groups, [group("brain", 0, 0)], "no further than there are entries");
    assert_eq!(second.groups, [group("brain", 3, 0), group("tap", 2, 1)]);
    store.trim(&b, Position(3)).expect("it can be trimmed");
    let trimmed = &store.lanes().expect("it can be read")[1];
    assert_eq!((trimmed.entries, trimmed.bytes), (2, 6), "one was settled and dropped");
}
