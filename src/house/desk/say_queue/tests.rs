use lane_broker::{Limits, MemoryStore};
use media_engine::Clock;
use queue_governor::Source;

use super::*;
use crate::say::SPOOLED;

fn saying() -> Saying {
    let store = Arc::new(MemoryStore::new(Limits::default()));
    let (keeper, recovered) = Keeper::start(store, None, Clock::new()).expect("a thread");
    Saying::new(&Config::default(), keeper, recovered, MonoTime::ZERO)
}

#[test]
fn what_could_not_be_kept_is_new_when_a_spool_tries_it_again() {
    let mut saying = saying();
    let claim = Claim::text(format!("{SPOOLED}1"), Source::External, "the kettle boils");
    let (replies, mut inbox) = mpsc::channel(4);
    let asker = Asker { replies, wait: false };
    saying.queue.hand_over(MonoTime::ZERO, &claim, LineId(1), Some(asker));
    assert!(saying.knows(&claim.id));
    saying.break_promise(&claim.id);
    let told = inbox.try_recv().expect("an answer");
    assert!(matches!(told, Reply::Refused { again_in_ms: Some(AGAIN_MS), .. }), "{told:?}");
    assert!(!saying.knows(&claim.id), "else its retry would be told that it was accepted");
    assert!(inbox.try_recv().is_err(), "that was all");
}
