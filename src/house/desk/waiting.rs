//! Claims that wait for a call: given to one that opens, taken over from one that closed, and over
//! when their time is.

use std::sync::PoisonError;
use std::time::Instant;

use media_core::{LineId, MonoTime};
use queue_governor::{ClaimId, Ending, FailReason, Unfinished};

use super::{Carrier, Desk};
use crate::durable::Recovered;
use crate::line::{LineInput, Untaken};
use crate::say::{HowItEnded, Withdrawal};

impl Desk {
    /// What an earlier run left could be read at last: its store was away when the line started. It
    /// is given to the calls that are open; they may be told again what was said before they began.
    pub(super) fn recovered_late(&mut self, recovered: Recovered) {
        self.saying.take_over(self.media.clock().now(), recovered);
        if self.saying.is_paused() {
            self.tell_lines(|| LineInput::HoldExternal(true));
        }
        self.feed();
    }

    /// Gives what waits to the calls that are open, as far as they have room, once it is safe.
    pub(super) fn feed(&mut self) {
        if !self.saying.promises.is_empty() || self.saying.queue.waiting() == 0 {
            return;
        }
        let established = self.open_calls().filter(|open| open.established);
        let lines: Vec<_> = established
            .filter_map(|open| match &open.carrier {
                Carrier::Agent(handle) => Some((open.line, handle.clone())),
                _ => None,
            })
            .collect();
        let now = self.media.clock().now();
        for (line, handle) in lines {
            for unfinished in self.saying.queue.give(line, &handle.caller) {
                if !handle.offer(LineInput::CarryOver(unfinished.clone())) {
                    self.saying.queue.carry(now, unfinished);
                }
            }
        }
    }

    /// The line is gone. What must be delivered and was not said to its end waits for the next
    /// call, and what a mind said to this caller for this caller's next call; what it never took is as
    /// it was before. A line that ended with a fault has told nobody of the rest.
    pub(super) fn carry_on(&mut self, line: LineId, untaken: Vec<Untaken>) {
        let now = self.media.clock().now();
        let withdrawn = self.saying.put_back(now, line, untaken);
        let book = self.saying.books.remove(&line);
        let left = book.map(|book| {
            let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
            book.begin_conversation();
            book.take_unfinished(|_| true)
        });
        for unfinished in left.unwrap_or_default() {
            self.let_wait_on(now, unfinished);
        }
        for id in self.saying.queue.on_line(line) {
            self.tell_failed(&id, line);
        }
        for id in withdrawn {
            if let Withdrawal::Waited(unfinished) = self.saying.queue.withdraw(&id) {
                self.take_back(&unfinished, None);
            }
        }
    }

    /// Somebody else has the line now, for whom this is not.
    pub(super) fn handed_back(&mut self, line: LineId, unfinished: Unfinished) {
        let id = unfinished.claim.id.clone();
        if !self.let_wait_on(self.media.clock().now(), unfinished) {
            self.tell_failed(&id, line);
        }
        self.feed();
    }

    /// What must be delivered waits for the next call. `false`: this need not, or may not.
    fn let_wait_on(&mut self, now: MonoTime, unfinished: Unfinished) -> bool {
        if unfinished.claim.must_deliver && self.saying.may_wait(&unfinished) {
            let unfinished = self.saying.kept_for_a_caller(now, unfinished);
            self.saying.queue.carry(now, unfinished);
            return true;
        }
        self.write_ended(&unfinished, Ending::Failed(FailReason::LineClosed));
        false
    }

    fn tell_failed(&mut self, id: &ClaimId, line: LineId) {
        let reason = Some(FailReason::LineClosed.to_string());
        let how = HowItEnded { ending: "failed".into(), reason, heard: String::new() };
        self.tell_ended(id, Some(line), how);
    }

    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let at = self.saying.queue.next_expiry()?;
        Some(Instant::now() + at.since(self.media.clock().now()))
    }

    pub(super) fn expire_waiting(&mut self) {
        for unfinished in self.saying.queue.expired(self.media.clock().now()) {
            self.write_ended(&unfinished, Ending::Expired);
            let heard = unfinished.heard().text;
            let how = HowItEnded { ending: "expired".into(), reason: None, heard };
            self.tell_ended(&unfinished.claim.id, None, how);
        }
    }

    pub(super) fn write_ended(&mut self, unfinished: &Unfinished, ending: Ending) {
        self.saying.write_ended(self.media.clock().now(), unfinished, ending);
    }
}
