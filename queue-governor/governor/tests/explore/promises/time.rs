//! What must hold while time passes: who may sound, how long others wait, how long nothing sounds.

use queue_governor::Source;

use super::Promises;
use crate::mouth::Mouth;
use crate::words::{Halt, promise};
use crate::worlds::World;

impl Promises {
    /// Time passes: what may sound, how long others wait, how long nothing sounds.
    pub fn pass(&mut self, world: &World, ms: u64, mouth: &Mouth, holds: bool) -> Result<(), Halt> {
        let playing = mouth.playing.as_ref();
        if let Some(playing) = playing.filter(|_| mouth.is_audible()) {
            let holder = playing.holder;
            promise(!self.caller_may_be_speaking() || holder.outlasts_the_caller(), || {
                format!("caller wins: {holder:?} speaks over the caller")
            })?;
            promise(!self.operator || holder.source == Source::Operator, || {
                format!("operator: {holder:?} speaks while the operator has the floor")
            })?;
        }
        let dead = holds && !mouth.is_audible() && !playing.is_some_and(|it| it.paused);
        self.silent_ms = if dead { self.silent_ms + ms } else { 0 };
        let stall_ms = world.config.stall.as_millis() as u64 + world.report_delay_ms();
        promise(self.silent_ms <= stall_ms, || {
            format!("no dead air: nothing was heard of the holder for {} ms", self.silent_ms)
        })?;
        self.watch_those_who_wait(world, ms, mouth)?;
        self.caller_time(world, ms);
        Ok(())
    }

    /// 6 and 7: answers behind reports, and reports behind answers.
    fn watch_those_who_wait(&mut self, world: &World, ms: u64, mouth: &Mouth) -> Result<(), Halt> {
        if self.operator || self.caller_may_be_speaking() {
            return Ok(());
        }
        let holder = mouth.playing.as_ref().and_then(|it| it.holder.claim);
        let waiting: Vec<usize> = (0..self.claims.len())
            .filter(|number| self.is_alive(*number) && holder != Some(*number))
            .collect();
        self.watch_answers(world, ms, mouth, &waiting)?;
        self.watch_hands(world, ms, &waiting)
    }

    fn watch_answers(
        &mut self,
        world: &World,
        ms: u64,
        mouth: &Mouth,
        waiting: &[usize],
    ) -> Result<(), Halt> {
        let behind_hands = mouth.playing.as_ref().is_some_and(|it| {
            is_hands(it.holder.source) && !it.holder.uninterruptible && it.was_audible()
        });
        let is_answer = |number: &usize| {
            world.claims[*number].source == Source::Responder && !self.is_being_said(*number)
        };
        if behind_hands && waiting.iter().any(is_answer) {
            self.behind_hands_ms += ms;
        }
        let most = world.config.preempt_max.as_millis() as u64 + world.report_delay_ms();
        promise(self.behind_hands_ms <= most, || {
            format!("an answer waits {} ms behind the hands", self.behind_hands_ms)
        })
    }

    /// The same was begun by another one: nothing of this one is kept from the caller by waiting.
    fn is_being_said(&self, claim: usize) -> bool {
        let content = self.contents[claim];
        (0..self.claims.len()).any(|other| {
            let begun = self.claims[other].heard != 0 && self.contents[other] == content;
            other != claim && begun && self.is_alive(other)
        })
    }

    fn watch_hands(&mut self, world: &World, ms: u64, waiting: &[usize]) -> Result<(), Halt> {
        let Some(bound_ms) = world.hands_heard_within_ms else { return Ok(()) };
        for number in waiting {
            let watched = &mut self.claims[*number];
            if is_hands(world.claims[*number].source) && !watched.granted {
                watched.waited_ms += ms;
                promise(watched.waited_ms <= bound_ms, || {
                    let id = &world.claims[*number].id;
                    format!("starved: {id} waits {} ms for the floor", watched.waited_ms)
                })?;
            }
        }
        Ok(())
    }

    fn caller_time(&mut self, world: &World, ms: u64) {
        let pass = |since: Option<u64>, most: std::time::Duration| {
            since.map(|since| since + ms).filter(|since| *since < most.as_millis() as u64)
        };
        self.undecided_for_ms = pass(self.undecided_for_ms, world.config.decide);
        self.open_for_ms = pass(self.open_for_ms, world.config.caller_turn_max);
    }
}

fn is_hands(source: Source) -> bool {
    matches!(source, Source::Worker | Source::External)
}
