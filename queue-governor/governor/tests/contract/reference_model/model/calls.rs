//! The end of a call and what the next one makes of what it left, as rules over the same list.

use queue_governor::{ClaimId, TurnId};

use super::{M, Model};

/// Answers nothing that anybody asks.
const OF_ANOTHER_CALL: TurnId = TurnId(u64::MAX);

impl Model {
    /// What must be delivered waits for another call; all else is over. Then that call begins: its
    /// caller has asked nothing yet.
    pub fn next_call(&mut self, now: u64) {
        const CLOSED: &str = "Failed(LineClosed)";
        self.expire(now);
        if let Some(holder) = self.holder.take() {
            let ending = (!holder.claim.must_deliver).then_some(CLOSED);
            self.leave(now, holder, ending);
        }
        self.end_waiting(now, CLOSED, |it| !it.claim.must_deliver);
        self.ended.sort_unstable();
        self.waiting.sort_by_key(|it| it.number);
        self.left.append(&mut self.waiting);
        self.left.iter_mut().for_each(|it| it.claim.turn = None);
        let answers = self.said.iter_mut().filter_map(|(it, _)| it.claim.turn.as_mut());
        answers.for_each(|turn| *turn = OF_ANOTHER_CALL);
        let (said, ended) = (std::mem::take(&mut self.said), std::mem::take(&mut self.ended));
        let left = std::mem::take(&mut self.left);
        let (coalescing, accepted) = (self.coalescing, self.accepted);
        *self = Self { coalescing, accepted, said, ended, left, ..Self::default() };
    }

    /// One of what was left is said in this call.
    pub fn carry_over(&mut self, now: u64, number: usize) {
        let left = self.left.remove(number);
        self.expire(now);
        if self.waiting.iter().chain(&self.holder).all(|it| it.id() != left.id()) {
            self.accepted += 1;
            let (number, grants) = (self.accepted, u32::from(left.heard > 0));
            self.come_back(now, M { number, grants, since: now, ..left });
            self.expire(now);
        }
        self.settle_down(now);
    }

    pub fn left(&self) -> impl Iterator<Item = &ClaimId> {
        self.left.iter().map(M::id)
    }
}
