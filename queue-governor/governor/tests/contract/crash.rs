//! The line dies between any two outputs, or a call ends and another one begins, again and again:
//! nothing is lost, nothing is said twice, and what was begun goes on from where it was heard.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use media_core::MonoTime;
use proptest::prelude::*;
use proptest::sample::Index;
use queue_governor::{
    Book, Claim, ClaimId, Content, Ending, Input, OnInterrupt, Output, Record, TurnId, Unfinished,
};

use crate::properties::{Conditions, behave, conditions, steps, was_heard};
use crate::reference_model::are_the_same;
use crate::support::random::{Names, Told, check};
use crate::support::*;
use crate::wire::Wire;

/// Reports come every 100 ms, 25 ms late; a word takes 240 ms.
const REPORTED_WITHIN: Duration = Duration::from_millis(150);

/// How a life of the line ends.
#[derive(Clone, Debug)]
enum End {
    /// It dies after one of its outputs, and goes on from its journal.
    Killed(Index),
    /// The same, and the next call is handed what is left, after so many operations each.
    KilledAndCalled(Index, usize),
    /// The call is over. The next one is handed what is left, the latest first or last.
    HungUp { latest_first: bool, every: usize },
}

fn lives() -> impl Strategy<Value = Vec<(Vec<(u64, Told)>, End)>> {
    let hung_up = (any::<bool>(), 1..6_usize)
        .prop_map(|(latest_first, every)| End::HungUp { latest_first, every });
    let end = prop_oneof![
        2 => any::<Index>().prop_map(End::Killed),
        1 => (any::<Index>(), 1..6_usize).prop_map(|(at, every)| End::KilledAndCalled(at, every)),
        1 => hung_up,
    ];
    prop::collection::vec((steps(), end), 1..4)
}

#[test]
fn after_a_crash_between_any_two_outputs_nothing_is_lost_and_nothing_is_said_twice() {
    check("crash", &(conditions(), lives()), |(conditions, lives)| {
        let mut audit = Audit::default();
        let mut names = Names::default();
        let mut world = World::with(conditions.config());
        behave(&mut world, &conditions);
        // Of earlier calls, for this one, after so many operations each.
        let (mut left, mut every) = (VecDeque::new(), 1);
        for (steps, end) in lives {
            let began = world.now;
            for (number, (wait_ms, Told(mut input))) in steps.into_iter().enumerate() {
                world.run(wait_ms);
                let due = (number + 1).is_multiple_of(every).then(|| left.pop_front()).flatten();
                due.into_iter().for_each(|it| audit.carry_over(&mut world, it));
                names.make_unique(&mut input);
                if let Input::Submit(claim) = &input {
                    audit.claims.insert(claim.id.to_string(), claim.clone());
                }
                world.tell(input);
            }
            match end {
                End::Killed(at) | End::KilledAndCalled(at, _) => {
                    world.outputs.truncate(at.index(world.outputs.len() + 1));
                    world.now = world.outputs.last().map_or(began, |(at, _)| *at);
                    left.clear();
                    audit.end_life(&world, &conditions)?;
                    audit.wire.killed(world.now);
                }
                End::HungUp { .. } => {
                    left.drain(..).for_each(|it| audit.carry_over(&mut world, it));
                    world.tell(Input::LineClosed);
                    audit.end_life(&world, &conditions)?;
                    audit.all_that_is_left_is_carried(&world)?;
                }
            }
            let book = match end {
                End::Killed(_) => audit.book.clone(),
                End::KilledAndCalled(_, each) => {
                    (left, every) = (audit.begin_conversation(world.now), each);
                    // As the house does.
                    left.make_contiguous().sort_by_key(|it| !it.was_begun());
                    audit.said()
                }
                End::HungUp { latest_first, every: each } => {
                    (left, every) = (audit.begin_conversation(world.now), each);
                    if latest_first {
                        left.make_contiguous().reverse();
                    }
                    audit.said()
                }
            };
            world = World::recovered_with(conditions.config(), book, world.now);
            behave(&mut world, &conditions);
        }
        left.into_iter().for_each(|it| audit.carry_over(&mut world, it));
        world.tell(Input::OperatorRelease);
        world.tell(Input::HoldExternal(false));
        world.run_until_quiet();
        audit.read(&world, &conditions)?;
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
    wire: Wire,
    calls: u64,
}

impl Audit {
    fn all_that_is_left_is_carried(&self, world: &World) -> Result<(), TestCaseError> {
        for left in self.book.unfinished() {
            prop_assert!(world.carried.contains(&left.claim.id), "{} is left", left.claim.id);
        }
        Ok(())
    }

    /// Another caller is on the line. Gives what is left for them.
    fn begin_conversation(&mut self, now: MonoTime) -> VecDeque<Unfinished> {
        self.book.begin_conversation();
        let left: VecDeque<_> = self.book.unfinished().cloned().collect();
        self.wire.hung_up(now, left.iter().map(|it| it.claim.id.clone()));
        // What was answered was asked in that call; what is left answers nothing any more.
        self.calls += 1;
        let of_that_call = Some(TurnId(self.calls << 32));
        let is_left = |claim: &Claim| left.iter().any(|it| it.claim.id == claim.id);
        for claim in self.claims.values_mut().chain(self.known.values_mut()) {
            let turn = claim.turn.filter(|turn| turn.0 >> 32 > 0).or(of_that_call);
            claim.turn = claim.turn.and(turn).filter(|_| !is_left(claim));
        }
        left
    }

    /// What the next call's governor knows.
    fn said(&self) -> Book {
        let mut said = self.book.clone();
        said.take_unfinished(|_| true);
        said
    }

    fn carry_over(&mut self, world: &mut World, left: Unfinished) {
        self.wire.carried_over(world.now, &left.claim.id);
        world.tell(Input::CarryOver(left));
    }

    fn end_life(&mut self, world: &World, conditions: &Conditions) -> Result<(), TestCaseError> {
        let before: Vec<Unfinished> = self.book.unfinished().cloned().collect();
        self.read(world, conditions)?;
        self.nothing_acknowledged_is_missing()?;
        for left in self.book.unfinished().filter(|left| !self.goes_on_after_another(left)) {
            let old = before.iter().find(|it| it.claim.id == left.claim.id);
            went_on_from_what_was_heard(world, left, old, conditions)?;
        }
        Ok(())
    }

    /// Takes in what came out of one life, in order.
    fn read(&mut self, world: &World, conditions: &Conditions) -> Result<(), TestCaseError> {
        self.wire.hear(world, &self.claims, conditions)?;
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
        let said = self.said.iter().map(|(id, _)| &self.known[id]);
        let begun = self.book.unfinished().filter(|it| it.was_begun()).map(|it| &it.claim);
        let mut others = said.chain(begun).filter(|it| it.id != left.claim.id);
        others.any(|other| are_the_same(other, &left.claim))
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
        // What must be delivered, or was begun, goes on where the same was cut.
        let may_go_on = |it: &Unfinished| it.claim.must_deliver || it.was_begun();
        let may_go_on = self.book.unfinished().any(|it| it.claim.id == *id && may_go_on(it));
        for (old_id, until) in &self.said {
            let old = &self.claims[old_id.as_str()];
            let goes_on = may_go_on && self.ended[old_id] != Ending::Spoken;
            let twice = are_the_same(old, new) && at < *until && !goes_on;
            let ending = &self.ended[old_id];
            prop_assert!(!twice, "{} ({:?}) and {} at {:?} say the same", old_id, ending, id, at);
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
