//! A crash, as a rule over the same list of claims.

use super::{M, Model};

impl Model {
    /// The line dies and comes back with what its journal says. Of the holder that is what was
    /// heard when it was last paused, since the ideal line reports nothing in between.
    pub fn crash(&mut self, now: u64) {
        self.turn = None;
        (self.undecided_until, self.open_until, self.reply_until) = (None, None, None);
        (self.operator, self.external_is_held) = (false, false);
        if let Some(mut holder) = self.holder.take() {
            (holder.sent_ms, holder.next, holder.superseded_since) = (0, holder.known, None);
            holder.own_ms = holder.own_known_ms;
            self.leave(now, holder, None);
            self.falling_silent = None;
        }
        (self.gap_until, self.said_thing) = (None, None);
        self.waiting.sort_by_key(|it| it.number);
        for mut claim in core::mem::take(&mut self.waiting) {
            (claim.since, claim.grants) = (now, u32::from(claim.heard > 0));
            self.come_back(now, claim);
        }
        self.expire(now);
        self.settle_all(now);
        self.ended.sort_unstable();
    }

    pub(super) fn come_back(&mut self, now: u64, mut claim: M) {
        let old = claim.claim.supersedes.as_ref();
        let replaced = |it: &M| Some(it.id()) == old && !(it.claim.uninterruptible && it.heard > 0);
        for old in self.waiting.extract_if(.., |it| replaced(it)).collect::<Vec<_>>() {
            self.end(now, old, "Superseded");
        }
        if let Some(holder) = self.holder.as_mut().filter(|it| Some(it.id()) == old)
            && !holder.claim.uninterruptible
        {
            holder.superseded_since.get_or_insert(now);
        }
        if self.was_said_elsewhere(now, &claim) {
            return self.end_as_said(now, claim);
        }
        let own = claim.claim.clone();
        self.make_known(&own, &mut claim);
        // Of two that are the same one stays: what was partly heard, or else the higher source; and
        // what must be delivered.
        for mut other in self.waiting.extract_if(.., |it| it.same(&own)).collect::<Vec<_>>() {
            if other.heard > 0 && claim.heard > 0 {
                self.waiting.push(other);
                continue;
            }
            let higher = other.claim.source <= claim.claim.source;
            if other.heard > 0 || (claim.heard == 0 && higher) {
                core::mem::swap(&mut claim, &mut other);
            }
            if other.claim.must_deliver {
                self.waiting.push(other);
                continue;
            }
            claim.absorb(&other.claim, other.expires);
            self.end(now, other, "Duplicate");
        }
        self.waiting.push(claim);
    }
}
