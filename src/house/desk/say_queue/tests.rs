use lane_broker::{Limits, MemoryStore};
use media_engine::Clock;
use queue_governor::Source;

use super::*;
use crate::line::Untaken;
use crate::say::SPOOLED;

fn saying() -> Saying {
    saying_over(&Arc::new(MemoryStore::new(Limits::default())))
}

fn saying_over(store: &Arc<MemoryStore>) -> Saying {
    let (keeper, recovered) = Keeper::start(store.clone(), None, Clock::new()).expect("a thread");
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

#[test]
fn what_could_not_be_kept_is_new_also_after_a_crash_that_comes_before_it_is_tried_again() {
    let store = Arc::new(MemoryStore::new(Limits::default()));
    let mut saying = saying_over(&store);
    let id = ClaimId::new(format!("{SPOOLED}1"));
    let claim = Claim {
        must_deliver: true,
        ..Claim::text(id.as_str(), Source::External, "the kettle boils")
    };
    // The disk takes all of it in the end, too late for whoever waited.
    let (expires_at, record) = (None, Record::Accepted { claim: claim.clone(), expires_at: None });
    let unfinished = Unfinished { claim, expires_at, resume_at: 0, heard_to: 0, samples: 0, ms: 0 };
    saying.queue.wait(MonoTime::ZERO, unfinished, None);
    saying.account.write(record);
    saying.break_promise_of_waiting(MonoTime::ZERO, &id);
    saying.keeper.flush();
    let after = saying_over(&store);
    assert!(!after.knows(&id), "else its retry would be told that it ended");
    assert_eq!(after.queue.waiting(), 0);
}

#[test]
fn what_was_offered_to_a_line_that_was_just_closing_waits_again_also_after_a_restart() {
    let store = Arc::new(MemoryStore::new(Limits::default()));
    let (mut saying, line) = (saying_over(&store), LineId(7));
    for n in 0..20 {
        let text = format!("promise {n}");
        let claim =
            Claim { must_deliver: true, ..Claim::text(format!("say-{n}"), Source::External, text) };
        saying.account.write(Record::Accepted { claim: claim.clone(), expires_at: None });
        let unfinished =
            Unfinished { claim, expires_at: None, resume_at: 0, heard_to: 0, samples: 0, ms: 0 };
        saying.queue.wait(MonoTime::ZERO, unfinished, None);
    }
    let given = saying.queue.give(line, "ann");
    assert!(!given.is_empty() && saying.queue.waiting() + given.len() == 20);
    let (replies, mut inbox) = mpsc::channel(4);
    let claim = Claim::text("say-new", Source::External, "hello");
    let asker = Asker { replies, wait: false };
    saying.queue.hand_over(MonoTime::ZERO, &claim, line, Some(asker));
    let mut untaken: Vec<_> =
        given.into_iter().map(|it| Untaken::CarryOver(Box::new(it))).collect();
    untaken.extend([Untaken::Say(claim.id), Untaken::Withdraw(ClaimId::new("say-0"))]);
    let withdrawn = saying.put_back(MonoTime::ZERO, line, untaken);
    assert_eq!(withdrawn, [ClaimId::new("say-0")], "the desk does that");
    assert_eq!((saying.queue.waiting(), saying.queue.on_line(line)), (20, Vec::new()));
    let told = inbox.try_recv().expect("an answer");
    assert!(matches!(told, Reply::Refused { again_in_ms: Some(AGAIN_MS), .. }), "{told:?}");
    saying.keeper.flush();
    assert_eq!(saying_over(&store).queue.waiting(), 20);
}
