use std::cell::Cell;
use std::time::{Duration, Instant};

use lane_broker::{
    Lane, LaneStore, MemoryStore, Position, PublishError, Published, RedisStore, StoreError, Tag,
    WallClock, conformance,
};
use proptest::test_runner::{TestCaseError, TestRunner};

use crate::random;
use crate::redis_server::RedisServer;

fn lane() -> Lane {
    Lane::new(Tag::call(), "one").expect("a good name")
}

/// Asks until it answers: what was down is asked again only after a while.
fn publish_when_it_answers(store: &RedisStore, key: &str) -> Published {
    let began = Instant::now();
    loop {
        match store.publish(&lane(), key, b"x") {
            Ok(published) => return published,
            Err(PublishError::Store(StoreError::Unavailable)) => {}
            Err(other) => panic!("{other}"),
        }
        assert!(began.elapsed() < Duration::from_secs(30), "it does not come back");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn redis_streams_keep_the_contract() {
    let (server, made) = (RedisServer::start(), Cell::new(0));
    conformance::check_store(&|limits, clock| {
        made.set(made.get() + 1);
        Box::new(server.store_with(&format!("t{}", made.get()), limits, clock))
    });
}

#[test]
fn redis_streams_answer_as_the_store_in_memory() {
    let (server, made) = (RedisServer::start(), Cell::new(0));
    let mut runner = TestRunner::new(random::config(40));
    let outcome = runner.run(&random::operations(), |operations| {
        for _ in 0..3 {
            made.set(made.get() + 1);
            if answers_as_memory(&server, &format!("t{}", made.get()), &operations)? {
                return Ok(());
            }
            publish_when_it_answers(&server.store("whether"), "it answers");
        }
        Err(TestCaseError::fail("it did not answer in time, three times"))
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Returns whether it answered in time each time: what a machine that stands still keeps from
/// answering shows nothing, and may or may not have been done.
fn answers_as_memory(
    server: &RedisServer,
    prefix: &str,
    operations: &[random::Operation],
) -> Result<bool, TestCaseError> {
    let ((clock, hand), still) = (WallClock::by_hand(), WallClock::by_hand().1);
    let memory = MemoryStore::with_clock(random::LIMITS, clock.clone());
    let store = server.store_with(prefix, random::LIMITS, clock);
    for operation in operations {
        // The clock is moved once for both.
        let expected = random::answer(&memory, &hand, operation);
        let answer = random::answer(&store, &still, operation);
        if answer.contains("Unavailable") {
            return Ok(false);
        }
        proptest::prop_assert_eq!(answer, expected, "{:?}", operation);
    }
    Ok(true)
}

#[test]
fn what_was_acknowledged_survives_kill_9_of_redis_and_what_was_held_comes_again() {
    let mut server = RedisServer::start();
    let store = server.store("xenline");
    store.join(&lane(), "brain", Position::START).expect("a group");
    for n in 0..50 {
        store.publish(&lane(), &format!("k{n}"), b"x").expect("there is room");
    }
    assert_eq!(store.take(&lane(), "brain", "a", 20).expect("the group is there").len(), 20);
    server.kill();
    let refusal = Err(PublishError::Store(StoreError::Unavailable));
    assert_eq!(store.publish(&lane(), "k50", b"x"), refusal);
    server.restart();
    assert_eq!(
        publish_when_it_answers(&store, "k49"),
        Published { position: Position(50), duplicate: true }
    );
    assert!(!publish_when_it_answers(&store, "k50").duplicate, "the refused one was not added");
    assert_eq!(store.read(&lane(), Position::START, 99).expect("it is there").len(), 51);
    assert_eq!(store.give_up(&lane(), "brain", "a"), Ok(20));
    let again = store.take(&lane(), "brain", "b", 99).expect("the group is there");
    let times: Vec<u32> = again.iter().map(|delivery| delivery.deliveries).collect();
    assert_eq!(times, [vec![2; 20], vec![1; 31]].concat(), "what was held, and then the rest");
}

#[test]
fn a_redis_that_hangs_is_told_soon_and_costs_the_next_callers_nothing() {
    let server = RedisServer::start();
    let store = server.store("xenline");
    let first = publish_when_it_answers(&store, "before");
    server.stop();
    let began = Instant::now();
    let refusal = Err(PublishError::Store(StoreError::Unavailable));
    assert_eq!(store.publish(&lane(), "during", b"x"), refusal);
    // Each waiting on its own would take fifty seconds.
    (0..100).for_each(|_| {
        assert_eq!(store.read(&lane(), Position::START, 9), Err(StoreError::Unavailable));
    });
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    server.go_on();
    // Whether the one that went unanswered was added is not known; its key makes it one entry.
    let during = publish_when_it_answers(&store, "during");
    assert_eq!(during.position, Position(first.position.0 + 1));
    let kept = store.read(&lane(), Position::START, 9).expect("it is back");
    let keys: Vec<&str> = kept.iter().map(|entry| &*entry.key).collect();
    assert_eq!(keys, ["before", "during"]);
}

#[test]
fn a_redis_without_memory_is_a_clear_state_and_passes() {
    let server = RedisServer::start();
    let store = server.store("xenline");
    store.publish(&lane(), "before", b"x").expect("there is room");
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let refusal = Err(PublishError::Store(StoreError::Full));
    assert_eq!(store.publish(&lane(), "during", b"x"), refusal);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    let later = store.publish(&lane(), "during", b"x").expect("it works again");
    assert_eq!(later, Published { position: Position(2), duplicate: false });
}

#[test]
fn whether_redis_keeps_what_it_acknowledges_can_be_asked() {
    let server = RedisServer::start();
    let store = server.store("xenline");
    assert_eq!(store.keeps(), Ok(true));
    server.command(&["CONFIG", "SET", "appendonly", "no"]);
    assert_eq!(store.keeps(), Ok(false));
}

#[test]
fn an_address_that_is_none_is_refused_without_repeating_its_password() {
    let refusal = RedisStore::new("secret@nowhere", "xenline", lane_broker::Limits::default());
    let message = refusal.err().expect("no address").to_string();
    assert!(message.contains("redis://") && !message.contains("secret"), "{message}");
}
