//! What becomes of those that say the same.

use queue_governor::Claim;

use super::{M, Model};

impl Model {
    /// Whichever of those that wait beside each other is said, it is known by the names of all.
    pub(super) fn make_known(&mut self, claim: &Claim, entry: &mut M) {
        let live = || self.waiting.iter().chain(&self.holder).filter(|it| it.same(claim));
        live().for_each(|it| entry.is_known_as(&it.claim));
        let live = self.waiting.iter_mut().chain(&mut self.holder).filter(|it| it.same(claim));
        live.for_each(|it| it.is_known_as(&entry.claim));
    }

    /// The same was said, or a beginning of it: then what must be delivered goes on from there.
    pub(super) fn end_as_said(&mut self, now: u64, mut claim: M) {
        let same = self.said_of(now, &claim.claim);
        if claim.claim.must_deliver && claim.goes_on_after(&same.iter().collect::<Vec<_>>()) {
            return self.waiting.push(claim);
        }
        self.end(now, claim, "Duplicate");
    }

    /// What was begun by others, too, goes on where it was heard furthest, if that is not its end.
    pub(super) fn has_more_to_say(&self, now: u64, claim: &mut M) -> bool {
        let begun = self.waiting.iter().filter(|it| it.begun() && it.same(&claim.claim));
        let mut same = self.said_of(now, &claim.claim);
        same.extend(begun.cloned());
        claim.goes_on_after(&same.iter().collect::<Vec<_>>())
    }

    /// The same was said by another: to its end, if this one was begun.
    pub(super) fn was_said_elsewhere(&self, now: u64, claim: &M) -> bool {
        let whole = |it: &M| it.heard == it.length();
        self.said_of(now, &claim.claim).iter().any(|it| !claim.begun() || whole(it))
    }

    fn said_of(&self, now: u64, claim: &Claim) -> Vec<M> {
        let same = self.said.iter().filter(|(it, until)| *until > now && it.same(claim));
        same.map(|(it, _)| it.clone()).collect()
    }
}
