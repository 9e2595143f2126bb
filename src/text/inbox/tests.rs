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
        inbox.sent(MonoTime::ZERO);
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
    inbox.sent(MonoTime::ZERO);
    assert_eq!(next(&mut inbox), 2);
}

fn after(times: u32) -> MonoTime {
    MonoTime::ZERO + DONE_WITHIN * times
}

#[test]
fn a_brain_that_forgets_to_say_that_it_is_done_is_reminded_once_and_stops_no_lane() {
    let (mut inbox, store) = inbox(&["typed"]);
    (0..IN_FLIGHT_MAX + 2).for_each(|n| write(&store, "typed", n));
    let first = taken(&mut inbox);
    assert_eq!(first.len(), IN_FLIGHT_MAX);
    inbox.remind(MonoTime::ZERO + (DONE_WITHIN - Duration::from_millis(1)));
    assert!(taken(&mut inbox).is_empty(), "it has time");
    let mut take_at = |now| {
        inbox.remind(now);
        let mut taken = Vec::new();
        while let Some(LineMessage::TextMessage { position, replayed, .. }) = inbox.next() {
            taken.push((position.0, *replayed));
            inbox.sent(now);
        }
        (taken, inbox.forgotten())
    };
    let (again, forgotten) = take_at(after(1));
    assert!(again.iter().map(|(position, _)| *position).eq(1..=IN_FLIGHT_MAX as u64));
    assert!(again.iter().all(|(_, replayed)| *replayed));
    assert_eq!(forgotten, 0);
    let (next, forgotten) = take_at(after(2));
    let behind = IN_FLIGHT_MAX as u64;
    assert_eq!(next, [(behind + 1, false), (behind + 2, false)], "the lane goes on");
    assert_eq!(forgotten, IN_FLIGHT_MAX);
    // One that was done all the same.
    assert!(inbox.acknowledge("typed:main", Position(1)));
    assert!(!inbox.acknowledge("typed:main", Position(1)), "once");
    assert_eq!(inbox.forgotten(), IN_FLIGHT_MAX - 1);
    // Nothing is lost: the next brain gets what this one left.
    inbox.brain_gone();
    assert_eq!(inbox.forgotten(), 0);
    let left = taken(&mut inbox);
    assert_eq!((left[0].1, left[0].2, left.len()), (2, true, IN_FLIGHT_MAX));
}

#[test]
fn a_brain_that_is_not_ready_has_not_forgotten_and_one_is_reminded_when_the_store_is_back() {
    let absent = Arc::new(Absent::default());
    let store: Arc<dyn LaneStore> = absent.clone();
    let mut inbox = inbox_of(&store, &["typed"]);
    write(&store, "typed", 1);
    assert!(inbox.next().is_some());
    // It is full, and does not take it.
    inbox.remind(after(5));
    inbox.sent(after(5));
    assert!(inbox.next().is_none());
    absent.go_away();
    inbox.remind(after(6));
    assert!(inbox.next().is_none());
    absent.come_back();
    inbox.remind(after(6));
    assert!(matches!(inbox.next(), Some(LineMessage::TextMessage { replayed: true, .. })));
    // It says so just now.
    assert!(inbox.acknowledge("typed:main", Position(1)));
    assert!(inbox.next().is_none(), "it would answer twice");
}

#[test]
fn a_store_that_goes_away_between_two_reminders_loses_neither() {
    let absent = Arc::new(Absent::default());
    let store: Arc<dyn LaneStore> = absent.clone();
    let mut inbox = inbox_of(&store, &["typed"]);
    (1..=2).for_each(|n| write(&store, "typed", n));
    assert_eq!(taken(&mut inbox).len(), 2);
    let again = |position| ("typed:main".to_owned(), position, true);
    absent.go_away_after(1);
    inbox.remind(after(1));
    assert_eq!(taken(&mut inbox), [again(1)]);
    absent.come_back();
    inbox.remind(after(1));
    assert_eq!(taken(&mut inbox).first(), Some(&again(2)));
}

#[test]
fn a_store_that_lost_its_data_is_joined_anew_and_what_comes_then_reaches_the_brain() {
    let (mut inbox, store) = inbox(&["typed"]);
    let lane = main_lane(Tags::default().parse("typed").unwrap()).unwrap();
    for _ in 0..2 {
        (1..=2).for_each(|n| write(&store, "typed", n));
        assert_eq!(taken(&mut inbox).len(), 2);
        assert!(inbox.acknowledge("typed:main", Position(1)));
        assert!(store.remove(&lane).unwrap());
        inbox.acknowledge("typed:main", Position(2));
    }
    write(&store, "typed", 3);
    assert_eq!(taken(&mut inbox), [("typed:main".to_owned(), 1, false)]);
    assert!(inbox.acknowledge("typed:main", Position(1)));
    assert!(store.pending(&lane, GROUP).unwrap().is_empty());
}
