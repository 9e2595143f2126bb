//! The line dies between any two outputs, again and again: nothing is lost, nothing is said twice,
//! and what was begun goes on from where it was heard.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use media_core::MonoTime;
use proptest::prelude::*;
use proptest::sample::Index;
use queue_governor::{
    Book, Claim, ClaimId, Content, Ending, Input, OnInterrupt, Output, Record, Unfinished,
};

use crate::properties::{Conditions, behave, conditions, steps, was_heard};
use crate::reference_model::are_the_same;
use crate::support::random::{Names, Told, check};
use crate::support::*;

/// Reports come every 100 ms, 25 ms late; a word takes 240 ms.
const REPORTED_WITHIN: Duration = Duration::from_millis(150);

fn lives() -> impl Strategy<Value = Vec<(Vec<(u64, Told)>, Index)>> {
    prop::collection::vec((steps(), any::<Index>()), 1..4)
}

#[test]
fn after_a_crash_between_any_two_outputs_nothing_is_lost_and_nothing_is_said_twice() {
    check("crash", &(conditions(), lives()), |(conditions, lives)| {
        let mut audit = Audit::default();
        let mut names = Names::default();
        let mut world = World::with(conditions.config());
        behave(&mut world, &conditions);
        for (steps, crash) in lives {
            let began = world.now;
            for (wait_ms, Told(mut input)) in steps {
                world.run(wait_ms);
                names.make_unique(&mut input);
                if let Input::Submit(claim) = &input {
                    audit.claims.insert(claim.id.to_string(), claim.clone());
                }
                world.tell(input);
            }
            world.outputs.truncate(crash.index(world.outputs.len() + 1));
            world.now = world.outputs.last().map_or(began, |(at, _)| *at);
            world = audit.crash(&world, &conditions)?;
        }
        world.run_until_quiet();
        audit.read(&world)?;
        prop_assert_eq!(audit.book.unfinished().count(), 0);
        audit.nothing_is_lost()
    });
}

/// What must hold over all lives of the line, from what came out before each death.
#[derive(Default)]
struct Audit {
    claims: BTreeMap<String, Claim>,
    /// The same with the keys that they took over.
    known: BTreeMap<ClaimId, Claim>,
    book: Book,
    acknowledged: BTreeSet<ClaimId>,
    ended: BTreeMap<ClaimId, Ending>,
    /// What was said, of which claim, until when the same must not be granted.
    said: Vec<(ClaimId, MonoTime)>,
}

impl Audit {
    fn crash(&mut self, world: &World, conditions: &Conditions) -> Result<World, TestCaseError> {
        let before: Vec<Unfinished> = self.book.unfinished().cloned().collect();
        self.read(world)?;
        self.nothing_acknowledged_is_missing()?;
        for left in self.book.unfinished().filter(|left| !self.goes_on_after_another(left)) {
            let old = before.iter().find(|it| it.claim.id == left.claim.id);
            went_on_from_what_was_heard(world, left, old, conditions)?;
        }
        let mut next = World::recovered_with(conditions.config(), self.book.clone(), world.now);
        behave(&mut next, conditions);
        Ok(next)
    }

    /// Takes in what came out of one life, in order.
    fn read(&mut self, world: &World) -> Result<(), TestCaseError> {
        for (at, output) in &world.outputs {
            match output {
                Output::Journal(record) => self.take_record(*at, record)?,
                Output::Accepted(id) if is_own(id) => {}
                Output::Accepted(id) => {
                    let known = self.book.unfinished().any(|it| it.claim.id == *id);
                    prop_assert!(known, "{} is acknowledged before it is written", id);
                    self.acknowledged.insert(id.clone());
                }
                Output::Grant { claim, speech, .. } if !is_own(claim) => {
                    self.nothing_is_said_twice(*at, claim)?;
                    let left = self.book.unfinished().find(|it| it.claim.id == *claim);
                    let left = left.expect("what is granted is written");
                    prop_assert!(is_the_rest(speech, left), "{} begins elsewhere", claim);
                }
                Output::Ended { claim, ending, .. } if self.acknowledged.contains(claim) => {
                    prop_assert_eq!(self.ended.get(claim), Some(ending), "told unwritten");
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn take_record(&mut self, at: MonoTime, record: &Record) -> Result<(), TestCaseError> {
        if let Record::Ended { claim, ending, heard, remember_until } = record {
            let twice = self.ended.insert(claim.clone(), ending.clone());
            prop_assert_eq!(twice, None, "{} ends twice", claim);
            let was_heard = was_heard(&self.claims[claim.as_str()], heard);
            prop_assert_eq!(remember_until.is_some(), was_heard);
            if was_heard {
                self.said.push((claim.clone(), at + Duration::from_secs(30)));
            }
        }
        match record {
            Record::Accepted { claim, .. } => {
                self.known.insert(claim.id.clone(), claim.clone());
            }
            Record::Amended { claim, also_keys, .. } => {
                let known = self.known.get_mut(claim).into_iter();
                known.for_each(|it| it.also_keys.clone_from(also_keys));
            }
            Record::Heard { .. } | Record::Ended { .. } => {}
        }
        self.book.apply(record);
        Ok(())
    }

    /// What was heard of it was in part sent in the name of another claim.
    fn goes_on_after_another(&self, left: &Unfinished) -> bool {
        let mut said = self.said.iter().map(|(id, _)| &self.known[id]);
        said.any(|said| are_the_same(said, &left.claim))
    }

    fn nothing_acknowledged_is_missing(&self) -> Result<(), TestCaseError> {
        for id in &self.acknowledged {
            let unfinished = self.book.unfinished().filter(|it| it.claim.id == *id).count();
            let ended = usize::from(self.ended.contains_key(id));
            prop_assert_eq!(unfinished + ended, 1, "{} is lost or there twice", id);
        }
        Ok(())
    }

    fn nothing_is_lost(&self) -> Result<(), TestCaseError> {
        for id in &self.acknowledged {
            prop_assert!(self.ended.contains_key(id), "{} has no ending", id);
        }
        Ok(())
    }

    fn nothing_is_said_twice(&self, at: MonoTime, id: &ClaimId) -> Result<(), TestCaseError> {
        prop_assert!(!self.ended.contains_key(id), "{} ended and is granted", id);
        let new = &self.claims[id.as_str()];
        let promised = self.book.unfinished().any(|it| it.claim.id == *id && it.claim.must_deliver);
        for (old_id, until) in &self.said {
            let old = &self.claims[old_id.as_str()];
            let goes_on = promised && self.ended[old_id] != Ending::Spoken;
            let twice = are_the_same(old, new) && at < *until && !goes_on;
            prop_assert!(!twice, "{} and {} say the same", old_id, id);
        }
        Ok(())
    }
}

/// The journal is no further than the wire, and at most a report and a word behind it.
fn went_on_from_what_was_heard(
    world: &World,
    left: &Unfinished,
    before: Option<&Unfinished>,
    conditions: &Conditions,
) -> Result<(), TestCaseError> {
    let Content::Text(text) = &left.claim.content else { return Ok(()) };
    prop_assert!(text.is_char_boundary(left.resume_at) && left.resume_at <= left.heard_to);
    let voices = [conditions.tts, conditions.fallback];
    let restates = left.claim.on_interrupt == OnInterrupt::Restate;
    if voices.contains(&Tts::SpeaksWithoutWords) || restates {
        return Ok(());
    }
    let id = left.claim.id.as_str();
    let earlier = before.map_or(0, |it| text[..it.resume_at].split_whitespace().count());
    let written = text[..left.heard_to].split_whitespace().count();
    // A word can be said again whose count was lost when it fell silent.
    let said_until = |at| BTreeSet::from_iter(world.line.words_of_until(id, at)).len();
    let sent = earlier + said_until(world.now);
    let reported = earlier + said_until(world.now - REPORTED_WITHIN);
    prop_assert!(written <= sent + 1, "{}: {} written, {} sent", id, written, sent);
    prop_assert!(written + 1 >= reported, "{}: {} written, {} reported", id, written, reported);
    Ok(())
}

fn is_the_rest(speech: &Content, left: &Unfinished) -> bool {
    match (speech, &left.claim.content) {
        (Content::Text(rest), Content::Text(whole)) => *rest == whole[left.resume_at..],
        (Content::Audio { samples: rest, .. }, Content::Audio { samples: whole, .. }) => {
            *rest == whole[left.resume_at..].into()
        }
        _ => false,
    }
}

fn is_own(id: &ClaimId) -> bool {
    id.as_str().starts_with(ClaimId::OWN_PREFIX)
}
