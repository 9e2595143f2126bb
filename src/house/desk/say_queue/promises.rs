//! What was not accepted after all.

use media_core::{LineId, MonoTime};
use queue_governor::{ClaimId, Ending, RefusalReason};

use super::{AGAIN_MS, Saying};
use crate::control::Reply;
use crate::house::desk::asked::send;
use crate::line::Untaken;
use crate::say::Withdrawal;

impl Saying {
    /// What waits for a call and could not be kept. The journal may come to have it after all, and
    /// then says that it was not taken in.
    pub(super) fn break_promise_of_waiting(&mut self, now: MonoTime, id: &ClaimId) {
        if let Withdrawal::Waited(unfinished) = self.queue.withdraw(id) {
            self.write_ended(now, &unfinished, Ending::Refused(RefusalReason::NotKept));
        }
        self.break_promise(id);
    }

    /// What was offered to a line that was just closing, and that it never took, is as it was before.
    /// Gives what was to be taken back there.
    pub fn put_back(&mut self, now: MonoTime, line: LineId, untaken: Vec<Untaken>) -> Vec<ClaimId> {
        let mut withdrawn = Vec::new();
        for untaken in untaken {
            match untaken {
                Untaken::Say(id) => {
                    self.refuse_for_now(&id, format!("line {line} is just closing; try again"));
                }
                Untaken::CarryOver(unfinished) => self.queue.carry(now, *unfinished),
                Untaken::Withdraw(id) => withdrawn.push(id),
            }
        }
        withdrawn
    }

    pub(super) fn break_promise(&mut self, id: &ClaimId) {
        let reason = self.keeper.state().failing().unwrap_or_default();
        self.refuse_for_now(id, format!("it could not be kept, so it was not accepted: {reason}"));
    }

    /// It was not accepted. Whoever tries again does so under the same name, so that is not
    /// remembered: what is remembered is taken for handed in before.
    pub(super) fn refuse_for_now(&mut self, id: &ClaimId, message: String) {
        if let Some(asker) = self.queue.not_accepted(id) {
            send(&asker.replies, Reply::Refused { message, again_in_ms: Some(AGAIN_MS) });
        }
    }
}
