//! One state of a world, what can happen in it, and what then becomes of it.

use std::collections::VecDeque;
use std::time::Duration;

use media_core::{Generation, LineId, MonoTime, Verdict};
use queue_governor::{
    Book, FloorReason, Governor, Input, OnInterrupt, Output, Source, TurnId, Unfinished,
};

use crate::mouth::Mouth;
use crate::promises::Promises;
use crate::step::{Action, Run, Step};
use crate::words::{Halt, Holder, Word, promise};
use crate::worlds::{STEP_MS, World};

mod lives;

/// How often what may still happen.
#[derive(Clone, Debug)]
struct Left {
    submissions: u16,
    withdrawals: u8,
    onsets: u8,
    operator: u8,
    faults: u8,
    closes: bool,
    calls: u8,
    kills: u8,
}

#[derive(Clone, Debug)]
pub struct State {
    pub now: MonoTime,
    pub governor: Governor,
    pub newest: Generation,
    mouth: Mouth,
    /// Reports on their way, in worlds in which they are late.
    late: Vec<Input>,
    left: Left,
    promises: Promises,
    /// What is written down, folded. Kept while it may be needed.
    book: Book,
    /// The call is over.
    closed: bool,
    /// What this call is still to be handed of what an earlier one left.
    to_come: VecDeque<Unfinished>,
}

impl State {
    pub fn new(world: &World) -> Self {
        State {
            now: MonoTime::from_millis(100_000),
            governor: Governor::new(world.config.clone(), LineId(1)),
            newest: Generation::NONE,
            mouth: Mouth::default(),
            late: Vec::new(),
            left: Left {
                submissions: (1 << world.claims.len()) - 1,
                withdrawals: world.withdrawals,
                onsets: world.onsets,
                operator: world.operator,
                faults: world.faults,
                closes: world.closes,
                calls: world.calls,
                kills: world.kills,
            },
            promises: Promises::new(world),
            book: Book::new(),
            closed: false,
            to_come: VecDeque::new(),
        }
    }

    /// Whether all that may happen has happened.
    pub fn is_over(&self) -> bool {
        self.governor.alive() == 0
    }

    pub fn may_wait_for_ever(&self) -> bool {
        self.promises.may_wait_for_ever()
    }

    /// Everything that can happen now.
    pub fn actions(&self, world: &World) -> Vec<Action> {
        let mut actions = vec![Action::Tick];
        let (left, promises) = (&self.left, &self.promises);
        for number in 0..world.claims.len() as u8 {
            let claim = usize::from(number);
            // Nobody knows of what is still to come, and it would be said from its start.
            let may_come = promises.may_answer(&world.claims[claim]) && self.to_come.is_empty();
            if left.submissions & (1 << number) != 0 && may_come {
                actions.push(Action::Submit(number));
            }
            if left.withdrawals > 0 && promises.is_alive(claim) {
                actions.push(Action::Withdraw(number));
            }
        }
        if left.onsets > 0 && !promises.caller_is_undecided() {
            actions.push(Action::CallerOnset);
        }
        if promises.caller_is_undecided() {
            actions.extend([Verdict::Speech, Verdict::Noise].map(Action::CallerVerdict));
        }
        if promises.utterance_is_open() {
            actions.extend([Action::CallerTurn, Action::CallerSilent]);
        }
        if promises.operator {
            actions.push(Action::OperatorRelease);
        } else if left.operator > 0 && !self.closed {
            actions.push(Action::OperatorTake);
        }
        if left.faults > 0 && self.mouth.is_audible() {
            actions.extend([Action::VoiceHangs, Action::VoiceFails]);
        }
        if left.closes {
            actions.push(Action::LineCloses);
        }
        if left.calls > 0 && self.closed {
            actions.push(Action::NextCall);
        }
        if !self.to_come.is_empty() {
            actions.push(Action::CarryOver);
        }
        actions
    }

    /// Whether the process may be killed on the way.
    pub fn may_be_killed(&self) -> bool {
        self.left.kills > 0
    }

    /// Takes a step. Says how many outputs it had.
    pub fn take(&mut self, world: &World, step: Step, run: &mut Run) -> Result<u8, Halt> {
        run.killed_after = step.killed_after;
        let taken = self.act(world, step.action, run);
        if let Err(Halt::Broken(how)) = taken {
            return Err(Halt::Broken(how));
        }
        if step.killed_after.is_some() {
            run.killed_after = None;
            self.restart(world, run)?;
        }
        Ok(run.outputs)
    }

    fn act(&mut self, world: &World, action: Action, run: &mut Run) -> Result<(), Halt> {
        match action {
            Action::Tick => self.tick(world, run)?,
            Action::Submit(number) => {
                self.left.submissions &= !(1 << number);
                run.submitted = Some(usize::from(number));
                let claim = world.claims[usize::from(number)].clone();
                self.tell(world, Input::Submit(claim), run)?;
            }
            Action::Withdraw(number) => {
                self.left.withdrawals -= 1;
                let id = world.claims[usize::from(number)].id.clone();
                self.tell(world, Input::Withdraw(id), run)?;
            }
            Action::CallerOnset => {
                self.left.onsets -= 1;
                self.promises.on_onset();
                self.tell(world, Input::CallerOnset, run)?;
            }
            Action::CallerVerdict(verdict) => {
                self.promises.on_verdict(verdict);
                self.tell(world, Input::CallerVerdict(verdict), run)?;
            }
            Action::CallerTurn => {
                self.promises.on_utterance_end();
                self.promises.turns += 1;
                let turn = TurnId(self.promises.turns);
                self.tell(world, Input::CallerTurn(turn), run)?;
            }
            Action::CallerSilent => {
                self.promises.on_utterance_end();
                self.tell(world, Input::CallerSilent, run)?;
            }
            Action::OperatorTake => {
                self.left.operator -= 1;
                self.promises.operator = true;
                self.tell(world, Input::OperatorTake, run)?;
            }
            Action::OperatorRelease => {
                self.promises.operator = false;
                self.tell(world, Input::OperatorRelease, run)?;
            }
            Action::VoiceHangs => {
                self.left.faults -= 1;
                self.mouth.playing.as_mut().expect("it is audible").hangs = true;
            }
            Action::VoiceFails => {
                self.left.faults -= 1;
                let playing = self.mouth.playing.as_mut().expect("it is audible");
                playing.hangs = true;
                let (generation, reason) = (playing.generation, "no voice".to_owned());
                self.report(Input::SpeechFailed { generation, reason }, world, run)?;
            }
            Action::LineCloses => {
                (self.left.closes, self.closed) = (false, true);
                self.tell(world, Input::LineClosed, run)?;
                promise(self.governor.alive() == 0, || "alive on a closed line".to_owned())?;
            }
            Action::NextCall => self.next_call(world, run)?,
            Action::CarryOver => self.carry_over(world, run)?,
        }
        self.promises.at_rest(&self.mouth)
    }

    /// Time passes to the next step of the grid, by way of every timeout before it.
    fn tick(&mut self, world: &World, run: &mut Run) -> Result<(), Halt> {
        let end = self.now + Duration::from_millis(STEP_MS);
        let late = std::mem::take(&mut self.late);
        while self.now < end {
            let timeout = self.governor.next_timeout().filter(|at| *at < end);
            let ms = timeout.unwrap_or(end).since(self.now).as_micros().div_ceil(1_000) as u64;
            self.sound(world, ms)?;
            self.now = self.now + Duration::from_millis(ms);
            if self.now < end {
                self.tell(world, Input::Timeout, run)?;
            }
        }
        for report in late {
            self.tell(world, report, run)?;
        }
        for report in self.mouth.reports(self.now) {
            self.report(report, world, run)?;
        }
        if self.governor.next_timeout().is_some_and(|at| at <= self.now) {
            self.tell(world, Input::Timeout, run)?;
        }
        Ok(())
    }

    fn sound(&mut self, world: &World, ms: u64) -> Result<(), Halt> {
        let holds = self.governor.holder().is_some();
        self.promises.pass(world, ms, &self.mouth, holds)?;
        let words = self.mouth.send(ms);
        let Some(playing) = &self.mouth.playing else { return Ok(()) };
        for word in words {
            self.promises.on_word(playing.holder, playing.on_interrupt, word)?;
        }
        Ok(())
    }

    fn report(&mut self, report: Input, world: &World, run: &mut Run) -> Result<(), Halt> {
        if world.late_reports {
            self.late.push(report);
            return Ok(());
        }
        self.tell(world, report, run)
    }

    fn tell(&mut self, world: &World, input: Input, run: &mut Run) -> Result<(), Halt> {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            run.note(&input);
            let takes = input == Input::OperatorTake;
            let mut told = false;
            self.governor.handle(self.now, input);
            while let Some(output) = self.governor.poll_output() {
                run.count_output()?;
                run.note(&output);
                told |= is_operator_took(&output);
                self.obey(world, output, &mut inputs, run)?;
            }
            promise(!takes || told, || "operator: nobody is told of the taking".to_owned())?;
        }
        if self.late.is_empty() {
            self.promises.on_known();
        }
        let (alive, written) = (self.governor.alive(), self.promises.alive());
        promise(alive == written, || {
            format!("never lost: {alive} claims are alive, and {written} by what is written down")
        })?;
        promise(alive <= world.config.claims_max, || format!("{alive} claims are alive"))?;
        let timeout = self.governor.next_timeout();
        promise(timeout.is_none_or(|at| at > self.now), || {
            format!("due at once, for ever: {timeout:?}")
        })
    }

    fn obey(
        &mut self,
        world: &World,
        output: Output,
        inputs: &mut VecDeque<Input>,
        run: &Run,
    ) -> Result<(), Halt> {
        let mut reports = Vec::new();
        match output {
            Output::Accepted(id) => self.promises.on_accepted(world, &id)?,
            Output::Grant { claim, generation, speech, .. } => {
                promise(self.mouth.playing.is_none(), || {
                    format!("one voice: {claim} is granted while another generation is current")
                })?;
                let (holder, on_interrupt) = holder(world, &claim);
                self.promises.on_grant(world, holder)?;
                self.newest = generation;
                reports.extend(self.mouth.grant(generation, &speech, on_interrupt, holder));
            }
            Output::Revoke(generation) => {
                let playing = self.mouth.playing.as_ref();
                let whose = playing.map(|it| (it.holder, it.on_interrupt));
                self.promises.on_revoke();
                if let Some((silenced, last)) = self.mouth.revoke(generation) {
                    let (holder, on_interrupt) = whose.expect("it was playing");
                    let count = |word: Word| self.promises.on_word(holder, on_interrupt, word);
                    last.map_or(Ok(()), count)?;
                    reports.extend(Some(silenced).filter(|_| !world.loses_silenced));
                } else {
                    promise(playing_is_none(&self.mouth), || {
                        format!("{generation:?} is revoked while another is current")
                    })?;
                }
            }
            Output::Pause(_) => reports.extend(self.mouth.pause(true)),
            Output::Resume(_) => {
                let _ = self.mouth.pause(false);
            }
            Output::Ended { claim, ending, heard, .. } => {
                self.promises.on_ended(world, &claim, &ending, &heard, run.submitted)?;
            }
            Output::Journal(record) => {
                self.promises.on_record(world, &record)?;
                if self.needs_the_book() {
                    self.book.apply(&record);
                }
            }
            Output::Carried(id) => self.promises.on_carried(world, &id)?,
            Output::Brief(_) | Output::WhisperRefused(_) | Output::FloorChanged { .. } => {}
        }
        if world.late_reports {
            self.late.extend(reports);
        } else {
            // A final count comes before anything that was reported later.
            reports.into_iter().rev().for_each(|report| inputs.push_front(report));
        }
        Ok(())
    }
}

fn playing_is_none(mouth: &Mouth) -> bool {
    mouth.playing.is_none()
}

fn is_operator_took(output: &Output) -> bool {
    matches!(output, Output::FloorChanged { why: FloorReason::OperatorTook, .. })
}

fn holder(world: &World, id: &queue_governor::ClaimId) -> (Holder, OnInterrupt) {
    match world.number_of(id) {
        Some(number) => {
            let claim = &world.claims[number];
            let uninterruptible = claim.uninterruptible;
            let holder = Holder { claim: Some(number), source: claim.source, uninterruptible };
            (holder, claim.on_interrupt)
        }
        None => {
            let holder = Holder { claim: None, source: Source::System, uninterruptible: false };
            (holder, OnInterrupt::Drop)
        }
    }
}
