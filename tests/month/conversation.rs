//! What is said on the line in a month: the real conversation core and governor, a caller who
//! asks, interrupts and murmurs, a brain that answers, reports and dies now and then.

use std::collections::BTreeSet;
use std::time::Duration;

use brain_protocol::{BrainMessage, LineMessage, Position, Source, TurnId};
use media_core::{MonoTime, Verdict};
use xenline::report::CallEvent;

use crate::dice::Dice;
use crate::world::{LINE, World};

/// What a month of talk came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub turns: u64,
    /// Turns that no brain was ever given.
    pub turns_lost: u64,
    pub claims: u64,
    /// Claims without an ending, or with two.
    pub endings_wrong: u64,
    pub interruptions: u64,
    pub brain_restarts: u64,
    /// Most claims that waited at one time.
    pub queue_max: usize,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.turns += other.turns;
        self.turns_lost += other.turns_lost;
        self.claims += other.claims;
        self.endings_wrong += other.endings_wrong;
        self.interruptions += other.interruptions;
        self.brain_restarts += other.brain_restarts;
        self.queue_max = self.queue_max.max(other.queue_max);
    }
}

/// One call's talk.
pub struct Talk {
    world: World,
    dice: Dice,
    number: u64,
    brain_up: bool,
    open: BTreeSet<String>,
    ended: BTreeSet<String>,
    unheard: BTreeSet<String>,
    tally: Tally,
}

impl Talk {
    pub fn new(seed: u64) -> Self {
        Self {
            world: World::answered(),
            dice: Dice(seed),
            number: 0,
            brain_up: true,
            open: BTreeSet::new(),
            ended: BTreeSet::new(),
            unheard: BTreeSet::new(),
            tally: Tally::default(),
        }
    }

    /// Talks for so long, then the carrier drops the call.
    pub fn run(mut self, lasts: Duration) -> Tally {
        let end = self.world.now + lasts;
        while self.world.now < end {
            let pause = Duration::from_millis(20_000 + self.dice.below(120_000));
            let next = (self.world.now + pause).min(end);
            self.pass(next);
            self.exchange();
        }
        self.brain_returns();
        self.world.conversation.closed(self.world.now, "the carrier dropped the call");
        self.world.settle();
        self.take_stock();
        self.tally.turns_lost += self.unheard.len() as u64;
        self.tally.endings_wrong += self.open.len() as u64;
        self.tally
    }

    fn pass(&mut self, until: MonoTime) {
        self.world.pass_until(until);
        self.take_stock();
    }

    /// The caller says something, and something happens on the way to the answer.
    fn exchange(&mut self) {
        self.number += 1;
        self.tally.turns += 1;
        let text = format!("question number {}", self.number);
        self.unheard.insert(text.clone());
        match self.dice.below(100) {
            0..2 => self.brain_dies(),
            2..4 => self.brain_returns(),
            _ => {}
        }
        self.world.caller_says(&text);
        self.take_stock();
        if !self.brain_up {
            self.world.run(2_000);
            self.brain_returns();
            self.take_stock();
        }
        self.answer();
        match self.dice.below(100) {
            0..15 => self.interrupt(),
            15..25 => self.murmur(),
            25..40 => self.report(),
            _ => self.world.run(4_000),
        }
        self.take_stock();
    }

    fn answer(&mut self) {
        let turn = self.number;
        self.say(Source::Responder, Some(turn), "This is what I found about it for you");
    }

    fn report(&mut self) {
        self.world.run(1_000 + self.dice.below(5_000));
        self.say(Source::Worker, Some(self.number), "The long job is done and nothing failed");
        self.say(Source::Worker, Some(self.number), "Its log was kept until tomorrow evening");
        self.world.run(8_000);
    }

    fn say(&mut self, source: Source, turn: Option<u64>, text: &str) {
        let text = format!("{text}, number {}.", self.tally.claims);
        let claim = self.world.brain_says(source, turn, &text);
        self.tally.claims += 1;
        self.open.insert(claim);
        self.tally.queue_max = self.tally.queue_max.max(self.open.len());
    }

    fn interrupt(&mut self) {
        self.world.run(700);
        self.tally.interruptions += 1;
        self.number += 1;
        self.tally.turns += 1;
        let text = format!("stop that, number {}", self.number);
        self.unheard.insert(text.clone());
        self.world.caller_says(&text);
        self.world.run(1_500);
    }

    fn murmur(&mut self) {
        self.world.run(500);
        self.world.caller_begins();
        self.world.run(150);
        self.world.caller_is(Verdict::Backchannel);
        self.world.run(4_000);
    }

    fn brain_dies(&mut self) {
        if std::mem::replace(&mut self.brain_up, false) {
            self.world.conversation.brain_down(self.world.now, "killed");
            self.world.settle();
            self.tally.brain_restarts += 1;
        }
    }

    fn brain_returns(&mut self) {
        if !std::mem::replace(&mut self.brain_up, true) {
            self.world.conversation.brain_up(self.world.now, Some(7));
            self.world.settle();
            self.take_stock();
        }
    }

    /// Reads what the brain was told and what went on the record, and forgets it.
    fn take_stock(&mut self) {
        let told = std::mem::take(&mut self.world.told);
        if self.brain_up {
            for message in told {
                if let LineMessage::CallerTurn { turn, text, position, .. } = message {
                    self.unheard.remove(&text);
                    self.done(turn, position);
                }
            }
        }
        for event in std::mem::take(&mut self.world.recorded) {
            if let CallEvent::ClaimEnded { claim, .. } = event
                && (self.open.contains(&claim) || self.ended.contains(&claim))
            {
                let first = self.open.remove(&claim);
                self.tally.endings_wrong += u64::from(!first);
                self.ended.insert(claim);
            }
        }
        // A name is asked about for as long as anything could still end it a second time.
        while self.ended.len() > 1_000 {
            self.ended.pop_first();
        }
        self.world.wire.clear();
    }

    fn done(&mut self, turn: TurnId, position: Position) {
        let line = brain_protocol::LineId(LINE);
        self.world.brain(BrainMessage::TurnDone { line, turn, position });
    }
}
