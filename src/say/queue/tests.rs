use super::*;
use std::time::Duration;

const LINE: LineId = LineId(7);
const ANN: &str = "+4930123";

fn at(ms: u64) -> MonoTime {
    MonoTime::from_millis(ms)
}

fn unfinished(id: &str, expires_at: Option<MonoTime>) -> Unfinished {
    let claim = Claim::text(id, Source::External, format!("words of {id}"));
    Unfinished { claim, expires_at, resume_at: 0, heard_to: 0, samples: 0, ms: 0 }
}

fn ids(given: &[Unfinished]) -> Vec<&str> {
    given.iter().map(|unfinished| unfinished.claim.id.as_str()).collect()
}

fn spoken() -> HowItEnded {
    HowItEnded { ending: "spoken".into(), reason: None, heard: String::new() }
}

#[test]
fn what_waits_is_given_to_a_call_oldest_first_and_a_few_at_a_time() {
    let mut queue = SayQueue::<()>::default();
    for n in 0..20 {
        // Names that sort otherwise than by age.
        queue.wait(at(n), unfinished(&format!("say-{}", 99 - n), None), None);
    }
    let first = queue.give(LINE, ANN);
    assert_eq!((first.len(), ids(&first)[0]), (ON_ONE_LINE_MAX, "say-99"));
    assert!(queue.give(LINE, ANN).is_empty(), "it has no room");
    queue.ended(&first[3].claim.id, spoken());
    assert_eq!(ids(&queue.give(LINE, ANN)), ["say-83"]);
    assert_eq!(queue.waiting(), 3);
}

#[test]
fn what_a_closed_line_left_waits_again_with_its_asker() {
    let mut queue = SayQueue::default();
    queue.wait(at(0), unfinished("say-1", None), Some("the script"));
    let mut left = queue.give(LINE, ANN).remove(0);
    left.resume_at = 6;
    queue.carry(at(50), left.clone());
    assert_eq!(queue.waiting(), 1);
    assert_eq!(queue.asker(&left.claim.id), Some(&"the script"));
    assert_eq!(queue.give(LineId(8), ANN), [left]);
}

#[test]
fn what_was_made_for_one_caller_waits_for_that_caller_and_nobody_else_hears_it() {
    let mut queue = SayQueue::<()>::default();
    let to = |id: &str, to: &str| {
        let mut made = unfinished(id, None);
        made.claim.to = Some(to.to_owned());
        made
    };
    queue.wait(at(0), to("for-ann", ANN), None);
    queue.wait(at(1), to("for-nobody", NOBODY), None);
    queue.wait(at(2), unfinished("for-all", None), None);
    assert_eq!(ids(&queue.give(LineId(1), "+4930999")), ["for-all"]);
    assert!(queue.give(LineId(2), NOBODY).is_empty(), "two unnamed callers are not the same");
    let given = queue.give(LINE, ANN);
    assert_eq!(ids(&given), ["for-ann"]);
    queue.carry(at(3), given.into_iter().next().expect("one"));
    assert!(queue.give(LineId(3), "+4930999").is_empty(), "also after a call that cut it");
    assert_eq!(ids(&queue.give(LineId(4), ANN)), ["for-ann"]);
}

#[test]
fn what_waited_too_long_is_over_and_what_is_on_a_line_is_the_governors_matter() {
    let mut queue = SayQueue::<()>::default();
    queue.wait(at(0), unfinished("say-1", Some(at(100))), None);
    queue.wait(at(0), unfinished("say-2", Some(at(200))), None);
    queue.wait(at(0), unfinished("say-3", None), None);
    assert_eq!(queue.next_expiry(), Some(at(100)));
    assert!(queue.expired(at(99)).is_empty());
    assert_eq!(ids(&queue.expired(at(100))), ["say-1"]);
    queue.give(LINE, ANN);
    assert_eq!((queue.next_expiry(), queue.expired(at(500)).len()), (None, 0));
}

#[test]
fn each_claim_can_be_asked_about_until_256_others_have_ended() {
    let mut queue = SayQueue::<()>::default();
    let mut claim = Claim::text("say-0", Source::External, "hello");
    claim.ttl = Some(Duration::from_secs(60));
    queue.hand_over(at(0), &claim, LINE, None);
    let shown = queue.list(at(10_000)).remove(0);
    assert_eq!(shown.state, ClaimState::OnLine { line: 7 });
    assert_eq!((shown.age_s, shown.expires_in_s), (10, Some(50)));
    assert_eq!(queue.withdraw(&claim.id), Withdrawal::OnLine(LINE));
    queue.ended(&claim.id, spoken());
    assert_eq!(queue.withdraw(&claim.id), Withdrawal::TooLate(spoken()));
    for n in 1..=ENDED_KEPT {
        let id = ClaimId::new(format!("say-{n}"));
        queue.wait(at(0), unfinished(id.as_str(), None), None);
        queue.ended(&id, spoken());
    }
    assert!(!queue.knows(&claim.id));
    assert_eq!(queue.withdraw(&claim.id), Withdrawal::Unknown);
}

#[test]
fn what_was_not_accepted_is_not_known_and_may_come_again() {
    let mut queue = SayQueue::default();
    let claim = Claim::text("say-1", Source::External, "hello");
    queue.hand_over(at(0), &claim, LINE, Some("the script"));
    assert_eq!(queue.not_accepted(&claim.id), Some("the script"));
    assert!(!queue.knows(&claim.id) && queue.list(at(1)).is_empty());
}

#[test]
fn a_pause_is_told_apart_from_one_that_was_there() {
    let mut queue = SayQueue::<()>::default();
    assert!(queue.pause(true) && queue.is_paused());
    assert!(!queue.pause(true));
    assert!(queue.pause(false) && !queue.is_paused());
}

#[test]
fn a_sound_is_counted_while_it_is_held_and_once_on_however_many_lines() {
    let mut queue = SayQueue::<()>::default();
    let sound: Arc<[i16]> = vec![0; 1_000].into();
    let with = |id: &str, samples: &Arc<[i16]>| {
        let (label, samples) = (id.to_owned(), samples.clone());
        let rate = media_core::SampleRate::Hz8000;
        let mut unfinished = unfinished(id, None);
        unfinished.claim.content = Content::Audio { label, samples, rate };
        unfinished
    };
    queue.hand_over(at(0), &with("say-1", &sound).claim, LineId(1), None);
    queue.hand_over(at(0), &with("say-2", &sound).claim, LineId(2), None);
    assert_eq!(queue.sound_bytes(), 2_000);
    queue.wait(at(0), with("say-3", &vec![0; 500].into()), None);
    queue.wait(at(0), unfinished("say-4", None), None);
    assert_eq!(queue.sound_bytes(), 3_000);
    queue.ended(&ClaimId::new("say-1"), spoken());
    assert_eq!(queue.sound_bytes(), 3_000, "it is to be heard on the other line");
    queue.not_accepted(&ClaimId::new("say-2"));
    queue.ended(&ClaimId::new("say-3"), spoken());
    assert_eq!(queue.sound_bytes(), 0);
    assert_eq!(Arc::strong_count(&sound), 1, "what ended is not held");
}

#[test]
fn what_waits_again_expires_when_its_line_said_and_not_when_it_was_handed_over() {
    let mut queue = SayQueue::<()>::default();
    let ttl = |id, ttl| Claim { ttl, ..unfinished(id, None).claim };
    queue.hand_over(at(0), &ttl("say-1", Some(Duration::from_secs(60))), LINE, None);
    queue.hand_over(at(0), &ttl("say-2", None), LINE, None);
    // The first took over a promise without an end; the second is kept for its caller's next call.
    queue.carry(at(10), unfinished("say-1", None));
    assert_eq!(queue.next_expiry(), None);
    queue.carry(at(10), unfinished("say-2", Some(at(900))));
    assert_eq!(queue.next_expiry(), Some(at(900)));
    assert_eq!(ids(&queue.expired(at(100_000))), ["say-2"]);
}
