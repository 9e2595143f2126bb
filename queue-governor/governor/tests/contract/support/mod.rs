//! A line in virtual time: an audio thread that sends a frame every 20 ms, and a voice that
//! speaks 250 ms a word, driven by a real governor.

mod line;
pub mod random;
mod voice;

use std::time::Duration;

use media_core::{Generation, LineId, MonoTime, Verdict};
use queue_governor::{
    Book, Claim, ClaimId, Ending, FloorReason, Governor, GovernorConfig, Heard, Input, Output,
    Record, Source, TurnId,
};

pub use line::{Line, Word};
pub use voice::{Tts, WORD_MS, words_ms};

/// Samples in a millisecond at the line's rate.
pub const PER_MS: u64 = 8;

/// What became of a claim, and when.
#[derive(Clone, PartialEq, Debug)]
pub struct End {
    pub at: MonoTime,
    pub claim: ClaimId,
    pub ending: Ending,
    pub heard: Heard,
}

/// The governor, its line, and a record of all that happened.
pub struct World {
    pub governor: Governor,
    pub line: Line,
    pub now: MonoTime,
    pub accepted: Vec<ClaimId>,
    pub ends: Vec<End>,
    pub floor: Vec<(MonoTime, Option<ClaimId>, FloorReason)>,
    pub grants: Vec<(MonoTime, ClaimId, Generation)>,
    pub revokes: Vec<(MonoTime, Generation)>,
    pub carried: Vec<ClaimId>,
    /// All that came out, in order.
    pub outputs: Vec<(MonoTime, Output)>,
    next_tick: MonoTime,
}

impl World {
    pub fn new() -> Self {
        Self::with(GovernorConfig::default())
    }

    pub fn with(config: GovernorConfig) -> Self {
        World {
            governor: Governor::new(config, LineId(1)),
            line: Line::default(),
            now: MonoTime::ZERO,
            accepted: Vec::new(),
            ends: Vec::new(),
            floor: Vec::new(),
            grants: Vec::new(),
            revokes: Vec::new(),
            carried: Vec::new(),
            outputs: Vec::new(),
            next_tick: MonoTime::ZERO,
        }
    }

    /// A line that goes on from a book.
    pub fn recovered(book: Book, now: MonoTime) -> Self {
        Self::recovered_with(GovernorConfig::default(), book, now)
    }

    pub fn recovered_with(config: GovernorConfig, book: Book, now: MonoTime) -> Self {
        let mut world = Self::new();
        world.governor = Governor::recover(config, LineId(1), book, now);
        world.now = now;
        world.next_tick = now;
        world.drain();
        world
    }

    /// The records so far.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.outputs.iter().filter_map(|(_, output)| match output {
            Output::Journal(record) => Some(record),
            _ => None,
        })
    }

    /// What the journal says now.
    pub fn book(&self) -> Book {
        let mut book = Book::new();
        self.records().for_each(|record| book.apply(record));
        book
    }

    /// Hands an input over now.
    pub fn tell(&mut self, input: Input) {
        self.governor.handle(self.now, input);
        self.drain();
    }

    pub fn submit(&mut self, claim: Claim) {
        self.tell(Input::Submit(claim));
    }

    /// Possible speech that is decided 200 ms later.
    pub fn caller_makes_a_sound(&mut self, verdict: Verdict) {
        self.tell(Input::CallerOnset);
        self.run(200);
        self.tell(Input::CallerVerdict(verdict));
    }

    /// Speech, 200 ms until it is recognised as such, half a second more until it is a turn.
    pub fn caller_says_something(&mut self, turn: u64) {
        self.caller_makes_a_sound(Verdict::Speech);
        self.run(500);
        self.tell(Input::CallerTurn(TurnId(turn)));
    }

    /// Lets `ms` pass.
    pub fn run(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        loop {
            let timeout = self.governor.next_timeout();
            assert!(timeout.is_none_or(|at| at >= self.now), "a timeout lies in the past");
            let next = [Some(self.next_tick), self.line.next_report(), timeout]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(end);
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    pub fn run_until_quiet(&mut self) {
        for _ in 0..1_200 {
            if self.governor.alive() == 0 {
                return;
            }
            self.run(100);
        }
        panic!("claims are alive after two minutes: {:?}", self.governor);
    }

    /// One thing that is due now: a report, the tick, the timeout; in this order.
    fn step(&mut self) {
        if let Some(report) = self.line.take_report(self.now) {
            return self.tell(report);
        }
        if self.next_tick <= self.now {
            self.next_tick = self.next_tick + Duration::from_millis(20);
            return self.line.tick(self.now);
        }
        self.tell(Input::Timeout);
    }

    fn drain(&mut self) {
        while let Some(output) = self.governor.poll_output() {
            self.outputs.push((self.now, output.clone()));
            match output {
                Output::Journal(_) => {}
                Output::Carried(id) => self.carried.push(id),
                Output::Accepted(id) => self.accepted.push(id),
                Output::Grant { claim, generation, speech, voice } => {
                    self.grants.push((self.now, claim.clone(), generation));
                    self.line.grant(self.now, claim, generation, &speech, voice);
                }
                Output::Revoke(generation) => {
                    self.revokes.push((self.now, generation));
                    self.line.revoke(self.now, generation);
                }
                Output::Pause(generation) => self.line.pause(self.now, generation, true),
                Output::Resume(generation) => self.line.pause(self.now, generation, false),
                Output::Ended { claim, ending, heard, .. } => {
                    self.ends.push(End { at: self.now, claim, ending, heard });
                }
                Output::Brief(_) | Output::WhisperRefused(_) => {}
                Output::FloorChanged { holder, why } => self.floor.push((self.now, holder, why)),
            }
        }
    }

    pub fn holder(&self) -> Option<&str> {
        self.governor.holder().map(ClaimId::as_str)
    }

    /// How `id` ended. Panics unless it ended exactly once.
    pub fn end_of(&self, id: &str) -> &End {
        let ends: Vec<&End> = self.ends.iter().filter(|end| end.claim.as_str() == id).collect();
        assert_eq!(ends.len(), 1, "{id} must end exactly once: {:?}", self.ends);
        ends[0]
    }

    pub fn ending_of(&self, id: &str) -> Ending {
        self.end_of(id).ending.clone()
    }

    pub fn heard_of(&self, id: &str) -> &str {
        &self.end_of(id).heard.text
    }

    pub fn is_alive(&self, id: &str) -> bool {
        self.accepted.iter().any(|it| it.as_str() == id)
            && !self.ends.iter().any(|end| end.claim.as_str() == id)
    }

    /// Claims in the order in which they were granted, each grant once.
    pub fn granted(&self) -> Vec<&str> {
        self.grants.iter().map(|(_, id, _)| id.as_str()).collect()
    }

    pub fn granted_at(&self, id: &str) -> MonoTime {
        self.grants.iter().find(|(_, it, _)| it.as_str() == id).expect("granted").0
    }

    pub fn reasons(&self) -> Vec<&FloorReason> {
        self.floor.iter().map(|(_, _, why)| why).collect()
    }
}

/// A responder's answer.
pub fn answer(id: &str, text: &str) -> Claim {
    Claim::text(id, Source::Responder, text)
}

/// A worker's report.
pub fn report(id: &str, text: &str) -> Claim {
    Claim::text(id, Source::Worker, text)
}

/// `n` words in one clause, each of them unlike any other.
pub fn long_clause(id: &str, n: usize) -> String {
    (0..n).map(|i| format!("{id}w{i}")).collect::<Vec<_>>().join(" ")
}
