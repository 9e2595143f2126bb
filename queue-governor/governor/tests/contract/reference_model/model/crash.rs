//! A crash, as a rule over the same list of claims.

use super::{M, Model};

impl Model {
    /// The line dies and comes back with what its journal says. Of the holder that is what was
    /// heard when it was last paused, since the ideal line reports nothing in between.
    pub fn crash(&mut self, now: u64) {
        self.turn = None;
        (self.undecided_until, self.open_until, self.reply_until) = (None, None, None);
        self.operator = false;
        if let Some(mut holder) = self.holder.take() {
            (holder.sent_ms, holder.next, holder.superseded_since) = (0, holder.known, None);
            self.leave(now, holder, None);
        }
        (self.gap_until, self.said_thing) = (None, None);
        self.waiting.sort_by_key(|it| it.number);
        let mut back: Vec<M> = Vec::new();
        for mut claim in core::mem::take(&mut self.waiting) {
            (claim.since, claim.grants) = (now, u32::from(claim.heard > 0));
            let old = claim.claim.supersedes.as_ref();
            let replaced =
                |it: &M| Some(it.id()) == old && !(it.claim.uninterruptible && it.heard > 0);
            for old in back.extract_if(.., |it| replaced(it)).collect::<Vec<_>>() {
                self.end(now, old, "Superseded");
            }
            back.push(claim);
        }
        self.waiting = back;
        self.expire(now);
        self.settle(now);
        self.expire(now);
        self.ended.sort_unstable();
    }
}
