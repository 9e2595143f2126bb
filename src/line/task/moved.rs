//! Somebody else comes on the line: what was kept for the one before is not for their ears.

use media_core::MonoTime;
use queue_governor::{ClaimId, Unfinished};

use super::Task;
use crate::line::inputs::ClaimNews;
use crate::say::caller_name;

impl Task {
    /// `caller` has the line now. What was addressed to anybody else goes back to the house, which
    /// keeps it for them; here it is over without a word.
    pub(super) fn moved(&mut self, now: MonoTime, caller: String) {
        let name = caller_name(&caller);
        let of_another =
            |unfinished: &Unfinished| unfinished.claim.to.as_ref().is_some_and(|to| *to != name);
        let left = self.book().take_unfinished(of_another);
        self.conversation.moved(now, caller);
        for mut unfinished in left {
            unfinished.claim.turn = None;
            let id = self.name_here(&unfinished.claim.id);
            self.handed_back.insert(id.clone());
            let named = unfinished.claim.id.clone();
            self.tell_house(named, ClaimNews::HandedBack(Box::new(unfinished)));
            self.conversation.withdraw(now, id);
        }
    }

    /// What the conversation calls a claim of the book.
    fn name_here(&self, id: &ClaimId) -> ClaimId {
        let of_this_line = format!("{}/{}/", self.parts.run, self.conversation.config.line);
        ClaimId::new(id.as_str().strip_prefix(&of_this_line).unwrap_or(id.as_str()))
    }
}
