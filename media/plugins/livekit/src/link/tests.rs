use std::time::Duration;

use media_core::MonoTime;

use super::core::{LASTING, TRIES_MAX, TRY_MAX, WAIT_MAX};
use super::*;

/// A link with its clock.
struct Line {
    link: Link,
    now: MonoTime,
}

impl Line {
    fn begun() -> Self {
        let mut line = Line { link: Link::new(7), now: MonoTime::ZERO };
        line.tell(LinkInput::Begin);
        line
    }

    fn connected() -> Self {
        let mut line = Self::begun();
        let id = line.tried(Try::Join);
        line.tell(LinkInput::Done(id));
        assert_eq!(line.next(), Some(LinkOutput::Connected { anew: true }));
        line.now = line.now + LASTING;
        line
    }

    fn tell(&mut self, input: LinkInput) {
        self.link.handle(self.now, input);
    }

    fn next(&mut self) -> Option<LinkOutput> {
        self.link.poll_output()
    }

    /// The attempt that is wanted now.
    fn tried(&mut self, wanted: Try) -> TryId {
        match self.next() {
            Some(LinkOutput::Try(id, how)) if how == wanted => id,
            other => panic!("{wanted:?} was to be tried, not {other:?}"),
        }
    }

    /// Goes to the next timeout; says how far it was.
    fn pass(&mut self) -> Duration {
        let due = self.link.next_timeout().expect("something is waited for");
        let waited = due.since(self.now);
        self.now = due.max(self.now);
        self.tell(LinkInput::Timeout);
        waited
    }
}

#[test]
fn what_breaks_is_resumed_first_and_then_joined_anew() {
    let mut line = Line::connected();
    line.tell(LinkInput::Lost(Lost::Signal));
    assert_eq!(line.next(), Some(LinkOutput::Interrupted));
    let resume = line.tried(Try::Resume(Lost::Signal));
    line.tell(LinkInput::Lost(Lost::Publisher));
    assert_eq!(line.next(), None, "one attempt at a time");
    line.tell(LinkInput::Failed(resume, Refusal::ForNow));
    assert_eq!(line.next(), None, "not at once");
    line.pass();
    let join = line.tried(Try::Join);
    line.tell(LinkInput::Failed(resume, Refusal::ForNow));
    assert_eq!(line.next(), None, "what is long over does not count");
    line.tell(LinkInput::Done(join));
    assert_eq!(line.next(), Some(LinkOutput::Connected { anew: true }));
}

#[test]
fn a_resumed_session_is_the_same() {
    let mut line = Line::connected();
    line.tell(LinkInput::Lost(Lost::Subscriber));
    assert_eq!(line.next(), Some(LinkOutput::Interrupted));
    let resume = line.tried(Try::Resume(Lost::Subscriber));
    line.tell(LinkInput::Done(resume));
    assert_eq!(line.next(), Some(LinkOutput::Connected { anew: false }));
    assert_eq!(line.link.next_timeout(), None);
}

#[test]
fn the_server_decides_how_it_goes_on() {
    let mut line = Line::connected();
    line.tell(LinkInput::AskedToJoinAnew);
    assert_eq!(line.next(), Some(LinkOutput::Interrupted));
    line.tried(Try::Join);
    let mut line = Line::connected();
    line.tell(LinkInput::AskedToResume);
    assert_eq!(line.next(), Some(LinkOutput::Interrupted));
    line.tried(Try::Resume(Lost::Signal));
    line.tell(LinkInput::AskedToJoinAnew);
    line.pass();
    line.tried(Try::Join);
    let mut line = Line::connected();
    line.tell(LinkInput::Removed(5));
    assert_eq!(line.next(), Some(LinkOutput::Ended(Ending::Removed(5))));
    line.tell(LinkInput::Lost(Lost::Signal));
    assert_eq!(line.next(), None, "what has ended stays so");
}

#[test]
fn waits_grow_are_scattered_and_end() {
    let mut line = Line::begun();
    let mut waits = Vec::new();
    for _ in 1..TRIES_MAX {
        let id = line.tried(Try::Join);
        line.tell(LinkInput::Failed(id, Refusal::ForNow));
        waits.push(line.pass());
    }
    assert!(waits.iter().all(|wait| *wait <= WAIT_MAX), "{waits:?}");
    assert!(waits[0] <= Duration::from_millis(300), "{waits:?}");
    assert!(waits[5..].iter().sum::<Duration>() > waits[..3].iter().sum::<Duration>(), "{waits:?}");
    let id = line.tried(Try::Join);
    line.tell(LinkInput::Failed(id, Refusal::ForNow));
    assert_eq!(line.next(), Some(LinkOutput::Ended(Ending::GaveUp)));
}

#[test]
fn what_is_refused_for_good_is_not_tried_again() {
    let mut line = Line::begun();
    let id = line.tried(Try::Join);
    line.tell(LinkInput::Failed(id, Refusal::ForGood));
    assert_eq!(line.next(), Some(LinkOutput::Ended(Ending::Refused)));
}

#[test]
fn an_attempt_that_comes_to_nothing_is_given_up() {
    let mut line = Line::begun();
    line.tried(Try::Join);
    assert_eq!(line.pass(), TRY_MAX);
    line.pass();
    line.tried(Try::Join);
}

#[test]
fn a_session_that_breaks_over_and_over_is_not_a_new_start_each_time() {
    let mut line = Line::begun();
    let mut attempts = 0;
    while let Some(LinkOutput::Try(id, how)) = line.next() {
        attempts += 1;
        assert!(attempts <= TRIES_MAX, "an end is in sight");
        let anew = how == Try::Join;
        assert_eq!(anew, attempts != 2, "only the first break is worth a resume");
        line.tell(LinkInput::Done(id));
        assert_eq!(line.next(), Some(LinkOutput::Connected { anew }));
        line.tell(LinkInput::Lost(Lost::Signal));
        match line.next() {
            Some(LinkOutput::Interrupted) if attempts > 1 => {
                assert!(line.next().is_none(), "not at once");
                line.pass();
            }
            Some(LinkOutput::Interrupted) => {}
            ended => {
                assert_eq!(ended, Some(LinkOutput::Ended(Ending::GaveUp)));
                break;
            }
        }
    }
    assert_eq!(attempts, TRIES_MAX);
}

#[test]
fn an_attempt_whose_ground_is_gone_is_over() {
    let mut line = Line::begun();
    line.tried(Try::Join);
    line.tell(LinkInput::Lost(Lost::Subscriber));
    line.pass();
    line.tried(Try::Join);
    let mut line = Line::connected();
    line.tell(LinkInput::Lost(Lost::Publisher));
    assert_eq!(line.next(), Some(LinkOutput::Interrupted));
    line.tried(Try::Resume(Lost::Publisher));
    line.tell(LinkInput::Lost(Lost::Signal));
    line.pass();
    line.tried(Try::Join);
}

#[test]
fn whoever_leaves_is_not_brought_back() {
    let mut line = Line::connected();
    line.tell(LinkInput::Leave);
    assert_eq!(line.next(), Some(LinkOutput::Ended(Ending::Left)));
}
