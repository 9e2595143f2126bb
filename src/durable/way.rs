//! The way to the disk: how much is on it, and what waits beside it while it is full. Pure.
//!
//! A store that is away for long fills the way. What was heard of a claim may be left out then: the
//! next record of that stands for it. That a claim was accepted, or has ended, is said by no other
//! record, and a restart would say the claim again, or never: those go aside, by claim, and onto the
//! way again behind all that was on it.

use std::collections::BTreeMap;

use queue_governor::{ClaimId, Record};

use super::entry::{Kept, without_samples};

/// So many records on the way are the most that one of what was heard is added to: the rest of its
/// room is for those that nothing else stands for.
const HEARD_MAX: usize = 6_000;
/// Claims of which something is set aside: more than live at once in any house. Of those whose whole
/// life passed beside the way nothing would be missed but that they were said.
const ASIDE_MAX: usize = 4_096;
/// Records of one claim that are set aside.
const OF_ONE_CLAIM: usize = 3;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// Records that are on it.
    on_it: usize,
    aside: BTreeMap<ClaimId, Aside>,
    paused: Option<bool>,
}

/// What is set aside of one claim: the last of each kind.
#[derive(Debug, Default)]
struct Aside {
    accepted: Option<Record>,
    amended: Option<Record>,
    ended: Option<Record>,
}

impl Way {
    /// Whether nothing waits beside it.
    pub fn is_clear(&self) -> bool {
        self.aside.is_empty() && self.paused.is_none()
    }

    /// Whether this may go on it: not past what is set aside of the same claim.
    pub fn may_take(&self, kept: &Kept) -> bool {
        match kept {
            Kept::Paused(_) => self.paused.is_none(),
            Kept::Record(record) => {
                let is_heard = matches!(record, Record::Heard { .. });
                let has_room = !is_heard || self.on_it < HEARD_MAX;
                has_room && !self.aside.contains_key(record.claim())
            }
        }
    }

    /// A record is on it.
    pub fn entered(&mut self) {
        self.on_it += 1;
    }

    /// A record has reached its end.
    pub fn left(&mut self) {
        self.on_it = self.on_it.saturating_sub(1);
    }

    /// Keeps it beside the way. `false`: it is given up.
    pub fn set_aside(&mut self, kept: Kept) -> bool {
        let record = match kept {
            Kept::Record(record) => record,
            Kept::Paused(paused) => {
                self.paused = Some(paused);
                return true;
            }
        };
        if matches!(record, Record::Heard { .. }) || !self.has_room_for(record.claim()) {
            return false;
        }
        let aside = self.aside.entry(record.claim().clone()).or_default();
        match record {
            Record::Accepted { .. } => aside.accepted = Some(record),
            Record::Amended { .. } => aside.amended = Some(record),
            Record::Ended { .. } => {
                // Nobody will hear its sound any more.
                aside.accepted = aside.accepted.as_ref().map(without_samples);
                aside.ended = Some(record);
            }
            Record::Heard { .. } => {}
        }
        true
    }

    /// What was set aside, `max` at most, in an order in which it may be written.
    pub fn take_back(&mut self, max: usize) -> Vec<Kept> {
        let mut taken = Vec::new();
        if let Some(paused) = self.paused.take_if(|_| max > 0) {
            taken.push(Kept::Paused(paused));
        }
        while taken.len() + OF_ONE_CLAIM <= max
            && let Some((_, aside)) = self.aside.pop_first()
        {
            let Aside { accepted, amended, ended } = aside;
            let records = [accepted, amended, ended].into_iter().flatten();
            taken.extend(records.map(Kept::Record));
        }
        taken
    }

    fn has_room_for(&mut self, claim: &ClaimId) -> bool {
        if self.aside.len() < ASIDE_MAX || self.aside.contains_key(claim) {
            return true;
        }
        self.aside.retain(|_, aside| aside.accepted.is_none() || aside.ended.is_none());
        self.aside.len() < ASIDE_MAX
    }
}

#[cfg(test)]
mod tests {
    use queue_governor::{Claim, Ending, Heard, Source};

    use super::*;

    fn accepted(id: &str) -> Kept {
        let claim = Claim::text(id, Source::External, id);
        Kept::Record(Record::Accepted { claim, expires_at: None })
    }

    fn ended(id: &str) -> Kept {
        let (claim, heard) = (ClaimId::new(id), Heard::default());
        Kept::Record(Record::Ended { claim, ending: Ending::Spoken, heard, remember_until: None })
    }

    fn heard(id: &str) -> Kept {
        let claim = ClaimId::new(id);
        Kept::Record(Record::Heard { claim, resume_at: 1, samples: 800, ms: 100 })
    }

    #[test]
    fn what_was_heard_leaves_the_last_of_the_room_to_what_nothing_else_stands_for() {
        let mut way = Way::default();
        for _ in 0..HEARD_MAX {
            assert!(way.may_take(&heard("a")));
            way.entered();
        }
        assert!(!way.may_take(&heard("a")) && way.may_take(&ended("a")));
        way.left();
        assert!(way.may_take(&heard("a")));
    }

    #[test]
    fn nothing_passes_what_is_set_aside_of_the_same_claim() {
        let mut way = Way::default();
        assert!(way.set_aside(accepted("a")));
        assert!(!way.may_take(&ended("a")) && !way.may_take(&heard("a")));
        assert!(way.may_take(&ended("b")));
        assert!(way.set_aside(ended("a")) && !way.set_aside(heard("a")));
        assert!(way.set_aside(Kept::Paused(true)) && !way.may_take(&Kept::Paused(false)));
        assert!(way.set_aside(Kept::Paused(false)));
        assert_eq!(way.take_back(9), [Kept::Paused(false), accepted("a"), ended("a")]);
        assert!(way.is_clear());
    }

    #[test]
    fn what_is_taken_back_at_once_is_bounded() {
        let mut way = Way::default();
        for n in 0..10 {
            assert!(way.set_aside(ended(&format!("c-{n}"))));
        }
        assert!(way.take_back(0).is_empty() && way.take_back(2).is_empty());
        assert_eq!((way.take_back(5).len(), way.is_clear()), (3, false));
        assert_eq!((way.take_back(256).len(), way.is_clear()), (7, true));
    }

    #[test]
    fn what_is_set_aside_is_bounded_and_a_whole_life_is_forgotten_first() {
        let mut way = Way::default();
        for n in 0..ASIDE_MAX {
            assert!(way.set_aside(accepted(&format!("c-{n}"))));
        }
        assert!(!way.set_aside(ended("one more")), "there is no room");
        assert!(way.set_aside(ended("c-0")) && way.set_aside(ended("one more")));
        let all = way.take_back(usize::MAX);
        assert_eq!(all.len(), ASIDE_MAX);
        assert!(!all.contains(&accepted("c-0")) && all.contains(&ended("one more")));
    }
}
