//! What a line does for its journal: records go out, and what waits for them is let go.

use std::sync::PoisonError;

use queue_governor::{Book, ClaimId, Record};

use super::Task;
use crate::durable::qualified;
use crate::line::action::Action;
use crate::line::inputs::ClaimNews;
use crate::say::OPERATOR;

impl Task {
    /// What still waits for the journal is let go when that is safe, or when it is late.
    pub(super) async fn let_go(&mut self) {
        while let Some(at) = self.gate.next_timeout() {
            let late = self.instant_of(at);
            tokio::select! {
                () = self.parts.account.changed() => {}
                () = tokio::time::sleep_until(late) => {}
            }
            self.act();
        }
    }

    pub(super) fn write(&mut self, record: Record) {
        if let Record::Ended { claim, .. } = &record
            && self.handed_back.contains(claim)
        {
            self.houses.remove(claim);
            return;
        }
        let line = self.conversation.config.line;
        let record = self.gate.truly(record);
        let is_ours = |id: &ClaimId| self.houses.contains(id);
        let record = qualified(record, &self.parts.run, line, is_ours);
        self.book().apply(&record);
        if let Record::Ended { claim, .. } = &record {
            self.houses.remove(claim);
        }
        self.gate.written(self.parts.account.write(record));
    }

    /// What was taken in for another program and cannot be kept is taken back, and it is told.
    pub(super) fn break_promises(&mut self) {
        for broken in self.gate.take_broken_promises() {
            let Action::Answer { claim, .. } = &broken else { continue };
            let claim = claim.clone();
            // The operator is heard with or without a journal.
            if claim.as_str().starts_with(OPERATOR) {
                self.carry_out(broken);
                continue;
            }
            self.tell_house(claim.clone(), ClaimNews::NotKept);
            self.gate.broke(claim.clone());
            self.conversation.withdraw(self.parts.clock.now(), claim);
        }
    }

    pub(super) fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        // A book is whole after every record, whatever else failed.
        self.parts.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
