//! What outlives a governor: the process is killed, or the next call begins.

use std::collections::VecDeque;
use std::time::Duration;

use media_core::{Generation, LineId};
use queue_governor::{Governor, Input};

use super::State;
use crate::mouth::Mouth;
use crate::step::Run;
use crate::words::Halt;
use crate::worlds::{STEP_MS, World};

impl State {
    pub(super) fn needs_the_book(&self) -> bool {
        self.left.kills > 0 || self.left.calls > 0
    }

    /// The process was killed, and is started again from what is written down.
    pub(super) fn restart(&mut self, world: &World, run: &mut Run) -> Result<(), Halt> {
        run.note(&"killed");
        self.left.kills -= 1;
        self.forget_the_audio();
        self.promises.on_killed();
        self.now = self.now + Duration::from_millis(STEP_MS);
        let book =
            if self.needs_the_book() { self.book.clone() } else { std::mem::take(&mut self.book) };
        self.governor = Governor::recover(world.config.clone(), LineId(1), book, self.now);
        let mut inputs = VecDeque::new();
        while let Some(output) = self.governor.poll_output() {
            run.note(&output);
            self.obey(world, output, &mut inputs, run)?;
        }
        self.tell(world, Input::Timeout, run)
    }

    /// Another call begins: its governor knows what was said, and is handed what was left.
    pub(super) fn next_call(&mut self, world: &World, run: &mut Run) -> Result<(), Halt> {
        self.left.calls -= 1;
        self.forget_the_audio();
        self.promises.on_next_call();
        self.book.begin_conversation();
        let mut said = self.book.clone();
        let left = said.take_unfinished(|_| true);
        self.governor = Governor::recover(world.config.clone(), LineId(1), said, self.now);
        self.to_come.extend(left);
        // What was begun comes first.
        self.to_come.make_contiguous().sort_by_key(|unfinished| !unfinished.was_begun());
        while !self.to_come.is_empty() && !world.carries_late {
            self.carry_over(world, run)?;
        }
        Ok(())
    }

    pub(super) fn carry_over(&mut self, world: &World, run: &mut Run) -> Result<(), Halt> {
        let Some(unfinished) = self.to_come.pop_front() else { return Ok(()) };
        self.promises.on_carried_over(world, &unfinished.claim.id)?;
        self.tell(world, Input::CarryOver(unfinished), run)
    }

    fn forget_the_audio(&mut self) {
        (self.mouth, self.newest) = (Mouth::default(), Generation::NONE);
        self.late.clear();
        self.to_come.clear();
        self.closed = false;
    }
}
