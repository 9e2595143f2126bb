use std::sync::Arc;

use lane_broker::{Limits, Tags};
use queue_governor::Channel;
use tokio::sync::watch;

use super::*;
use crate::text::absent::Absent;
use crate::text::handle::Names;
use crate::text::retry::Fault;

fn outbox(store: &Arc<Absent>) -> Outbox {
    let lanes = Lanes {
        store: store.clone(),
        tags: Arc::new(Tags::default()),
        names: Arc::new(Names::new(1)),
        posts: watch::channel(0).0,
        forgotten: Arc::default(),
    };
    Outbox::recover(lanes, Vec::new(), true, MonoTime::ZERO).expect("a name")
}

fn left(outbox: &mut Outbox) -> Vec<String> {
    let steps = std::iter::from_fn(|| outbox.poll());
    let left = steps.filter_map(|step| match step {
        Step::Do(MessageOutput::Deliver(message)) => Some(message.id.to_string()),
        _ => None,
    });
    left.collect()
}

#[test]
fn a_message_that_waits_stays_in_the_journal_however_many_are_sent_meanwhile() {
    // Too few for all that is remembered: the past goes, and what is unfinished does not.
    let limits = Limits { lane_entries_max: 3_500, ..Limits::default() };
    let store = Arc::new(Absent::with(limits));
    let mut before = outbox(&store);
    for id in ["on its way", "waits"] {
        before.submit(MonoTime::ZERO, Message::new(id, Channel::Chat, "ann", id));
    }
    assert_eq!(left(&mut before), ["on its way"]);
    for n in 0..4_000 {
        let (now, id) = (MonoTime::from_millis(n), format!("m{n}"));
        before.submit(now, Message::new(&id, Channel::Chat, "bob", &id));
        assert_eq!(left(&mut before), [id.as_str()]);
        before.settled(now, &id, Ok(()));
        assert_eq!(left(&mut before), [""; 0]);
        assert!(!before.is_stuck(), "after {n}");
    }
    let mut after = outbox(&store);
    assert_eq!(left(&mut after), [""; 0]);
    after.timeout(MonoTime::from_millis(5_000));
    assert_eq!(left(&mut after), ["on its way"]);
    after.settled(MonoTime::from_millis(5_000), "on its way", Ok(()));
    assert_eq!(left(&mut after), ["waits"]);
}

#[test]
fn what_the_gateway_may_have_is_not_sent_by_another_now_or_by_a_later_process() {
    let asked = |id| Message {
        trigger: Some("typed:main/1".into()),
        ..Message::new(id, Channel::Sms, "+49301", id)
    };
    let store = Arc::new(Absent::default());
    let mut before = outbox(&store);
    before.submit(MonoTime::ZERO, asked("a"));
    assert_eq!(left(&mut before), ["a"]);
    let unsure = NotSent::InDoubt(Fault::NoAnswer("timeout".into()));
    before.settled(MonoTime::ZERO, "a", Err(unsure));
    before.submit(MonoTime::ZERO, asked("b"));
    assert_eq!(left(&mut before), [""; 0]);
    let mut after = outbox(&store);
    after.submit(MonoTime::from_millis(1), asked("c"));
    assert_eq!(left(&mut after), [""; 0]);
}

#[test]
fn a_journal_that_is_away_at_the_start_is_read_when_it_comes_and_goes_on_where_it_ended() {
    let store = Arc::new(Absent::default());
    let mut before = outbox(&store);
    before.submit(MonoTime::ZERO, Message::new("a", Channel::Chat, "ann", "One."));
    assert_eq!(left(&mut before), ["a"]);
    store.go_away();
    let mut after = outbox(&store);
    after.timeout(MonoTime::from_millis(1));
    assert!(after.is_stuck(), "what was sent is not known");
    assert!(matches!(after.poll(), Some(Step::Stuck)));
    store.come_back();
    after.timeout(MonoTime::from_millis(2));
    assert!(!after.is_stuck());
    assert_eq!(left(&mut after), ["a"]);
}
