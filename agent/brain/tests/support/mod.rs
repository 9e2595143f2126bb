//! A mind, a clock that is set by hand, and short ways to talk.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::sync::Arc;
use std::time::Duration;

use brain_protocol::{
    BrainMessage, ClaimEnding, ClaimId, JobId, JobOutcome, LineId, LineMessage, Position, Say,
    Source, TurnId,
};
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use xenline_brain::config::Config;
use xenline_brain::memory::Memory;
use xenline_brain::mind::{Input, Mind, Output};
use xenline_brain::tools::figures::{Figures, Share};
use xenline_brain::worker::{Order, Report};

pub const LINE: LineId = LineId(1);

pub struct Call {
    pub mind: Mind,
    pub now: Zoned,
    turn: u64,
    pub outputs: Vec<Output>,
}

impl Call {
    /// A call that was greeted.
    pub fn new() -> Self {
        let mut call = Self::before_the_call(Config::builtin(), Memory::default());
        call.open();
        call
    }

    pub fn with(config: &str) -> Self {
        let mut call = Self::before_the_call(config_from(config), Memory::default());
        call.open();
        call
    }

    pub fn before_the_call(config: Config, memory: Memory) -> Self {
        // A Friday.
        let now = date(2026, 11, 20).at(20, 30, 0, 0).to_zoned(TimeZone::UTC).expect("a date");
        let library = Arc::new(config.library().expect("built-in genes"));
        let mut mind = Mind::new(&now, Arc::new(config), library, memory);
        mind.handle(&now, Input::Figures(figures()));
        Self { mind, now, turn: 0, outputs: Vec::new() }
    }

    pub fn open(&mut self) -> Vec<Say> {
        self.line(LineMessage::LineOpened {
            line: LINE,
            caller: "+4930123456".into(),
            called: "100".into(),
            identity: None,
            resumed: false,
            backlog: 0,
            at_ms: 0,
            outbound: false,
            redial: None,
        })
    }

    /// The caller says something; returns what the responder answers.
    pub fn says(&mut self, text: &str) -> String {
        let said = self.turn(text);
        said.iter().map(|say| say.text.as_str()).collect::<Vec<_>>().join(" | ")
    }

    pub fn turn(&mut self, text: &str) -> Vec<Say> {
        self.turn += 1;
        let turn = self.turn;
        self.line(LineMessage::CallerTurn {
            line: LINE,
            turn: TurnId(turn),
            position: Position(turn + 100),
            text: text.into(),
            at_ms: 0,
            barged_in: false,
            replayed: false,
            speaker: None,
        })
    }

    /// Somebody on another line says something; returns what the responder answers.
    #[allow(dead_code)] // One of the tests that share this has two lines.
    pub fn on_line(&mut self, line: brain_protocol::LineId, text: &str) -> String {
        self.turn += 1;
        let said = self.line(LineMessage::CallerTurn {
            line,
            turn: TurnId(self.turn),
            position: Position(self.turn + 100),
            text: text.into(),
            at_ms: 0,
            barged_in: false,
            replayed: false,
            speaker: None,
        });
        said.iter().map(|say| say.text.as_str()).collect::<Vec<_>>().join(" | ")
    }

    /// The caller says something, and hears the whole answer.
    pub fn asks(&mut self, text: &str) -> String {
        let said = self.turn(text);
        for say in &said {
            self.ended(&say.claim, ClaimEnding::Spoken, &say.text);
        }
        said.iter().map(|say| say.text.as_str()).collect::<Vec<_>>().join(" | ")
    }

    pub fn ended(&mut self, claim: &ClaimId, ending: ClaimEnding, heard: &str) {
        self.line(LineMessage::ClaimEnded {
            line: LINE,
            claim: claim.clone(),
            ending,
            heard_text: heard.into(),
            heard_ms: 0,
            reason: None,
        });
    }

    pub fn close(&mut self) {
        self.line(LineMessage::LineClosed { line: LINE, reason: String::new() });
    }

    pub fn line(&mut self, message: LineMessage) -> Vec<Say> {
        self.input(Input::Line(message))
    }

    pub fn input(&mut self, input: Input) -> Vec<Say> {
        self.mind.handle(&self.now, input);
        self.outputs = std::iter::from_fn(|| self.mind.poll_output()).collect();
        let said = self.outputs.iter().filter_map(|output| match output {
            Output::Send(BrainMessage::Say(say)) => Some(say.clone()),
            _ => None,
        });
        said.collect()
    }

    /// Time passes, with a stop at every timeout.
    pub fn wait(&mut self, seconds: i64) -> Vec<Say> {
        let end = self.now.checked_add(seconds.seconds()).expect("a time");
        let mut said = Vec::new();
        while let Some(at) = self.mind.next_timeout().filter(|at| *at <= end.timestamp()) {
            self.now = at.to_zoned(self.now.time_zone().clone());
            said.extend(self.input(Input::Timeout));
        }
        self.now = end;
        said
    }

    pub fn sent(&self, wanted: impl Fn(&BrainMessage) -> bool) -> bool {
        self.outputs.iter().any(|output| matches!(output, Output::Send(message) if wanted(message)))
    }

    pub fn order(&self) -> Order {
        let mut orders = self.outputs.iter().filter_map(|output| match output {
            Output::Start(order) => Some(order.clone()),
            _ => None,
        });
        orders.next().expect("a job was started")
    }

    pub fn report(&mut self, job: &JobId, outcome: JobOutcome, output: &str) -> Vec<Say> {
        let how = match outcome {
            JobOutcome::Done => "is done",
            JobOutcome::TimedOut => "took too long and was stopped",
            _ => "failed with status 2",
        };
        self.input(Input::Job(Report {
            job: job.clone(),
            outcome,
            how: how.into(),
            took: Duration::from_secs(4),
            output: output.into(),
        }))
    }
}

pub fn config_from(text: &str) -> Config {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("brain.toml");
    std::fs::write(&path, text).expect("a file");
    Config::read(&path).expect("a configuration")
}

pub fn is_worker(say: &Say) -> bool {
    say.source == Source::Worker
}

fn figures() -> Figures {
    Figures {
        load: Some(0.44),
        processors: Some(2),
        memory: Some(Share { free: 3_200_000_000, total: 8_000_000_000 }),
        disk: Some(Share { free: 120_000_000_000, total: 500_000_000_000 }),
    }
}
