//! A log, decided again.

use std::collections::BTreeMap;
use std::fmt;

use media_core::hearing::{EarFacts, EarInput, EarReplay, EarStep, Understanding};
use media_core::plugin::Transcript;
use media_core::{LineId, MonoTime};
use queue_governor::Governor;
use serde::Serialize;

use super::visit::{self, Fill};
use super::write::strip_step;
use super::{Entry, GovernorStep, Header, Log, Whole};

/// What came of a replay.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Replayed {
    /// Which xenline wrote the log.
    pub build: String,
    /// Steps of the ear.
    pub ear_steps: usize,
    /// Steps of the governor.
    pub governor_steps: usize,
    /// Decisions in the log, of both.
    pub decisions: usize,
    /// Steps in which this build decides differently, in order; the first
    /// [`Replayed::DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
    /// How many there are in all.
    pub differing: usize,
    /// Questions that this build's ear put to the sound and the other one did not: a log has no
    /// answer to those.
    pub unanswered: u64,
    /// Why the log ends before the call does, if it does.
    pub incomplete: Option<String>,
}

/// A step in which the builds decide differently.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Difference {
    /// Milliseconds since the log's first entry.
    pub t_ms: u64,
    /// Who decides.
    pub core: Core,
    /// What was told.
    pub told: String,
    /// What the log says was decided.
    pub logged: Vec<String>,
    /// What this build decides.
    pub now: Vec<String>,
}

/// Who decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Core {
    /// Hearing.
    Ear,
    /// Who may speak.
    Governor,
}

impl fmt::Display for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Core::Ear => "ear",
            Core::Governor => "governor",
        })
    }
}

impl Replayed {
    /// Differences that are kept. One wrong turn leads to many; the first ones tell.
    pub const DIFFERENCES_MAX: usize = 1_000;

    /// Whether every decision is as it was.
    #[must_use]
    pub fn is_identical(&self) -> bool {
        self.differing == 0
    }
}

/// Runs a log through this build's ear and governor.
#[must_use]
pub fn replay(log: &Log) -> Replayed {
    let mut run = Run::new(log);
    for entry in &log.entries {
        match entry {
            Entry::Recovered { at, book, audio } => {
                let mut book = (**book).clone();
                visit::book(&mut book, &mut Fill { lengths: audio });
                let (config, line) = (log.header.governor.clone(), LineId(log.header.line));
                run.governor = Governor::recover(config, line, book, *at);
            }
            Entry::Governor(step) => run.govern(step),
            Entry::Ear(steps) => run.hear(FIRST, steps),
            Entry::LegEar { leg, ear, .. } => {
                run.ears.insert(*leg, EarReplay::new((**ear).clone()));
            }
            Entry::LegHeard { leg, steps } => run.hear(*leg, steps),
            Entry::Cut { .. } | Entry::End { .. } => {}
        }
    }
    run.replayed.unanswered = run.ears.values().map(EarReplay::unanswered).sum();
    run.replayed
}

/// The leg that the header's ear listens to.
const FIRST: u64 = 0;

struct Run {
    governor: Governor,
    /// By their legs. A leg that has left keeps its ear: its last steps may come late.
    ears: BTreeMap<u64, EarReplay>,
    began: MonoTime,
    has_words: bool,
    replayed: Replayed,
}

impl Run {
    fn new(log: &Log) -> Self {
        let Header { build, words, line, governor, ear, .. } = log.header.clone();
        let incomplete = match &log.whole {
            Whole::Yes => None,
            Whole::Cut(why) => Some(why.clone()),
            Whole::Torn => Some("it stops in the middle".to_owned()),
        };
        Self {
            governor: Governor::new(governor, LineId(line)),
            ears: BTreeMap::from([(FIRST, EarReplay::new(ear))]),
            began: log.entries.iter().filter_map(Entry::at).min().unwrap_or_default(),
            has_words: words,
            replayed: Replayed {
                build,
                ear_steps: 0,
                governor_steps: 0,
                decisions: 0,
                differences: Vec::new(),
                differing: 0,
                unanswered: 0,
                incomplete,
            },
        }
    }

    fn govern(&mut self, logged: &GovernorStep) {
        self.replayed.governor_steps += 1;
        self.replayed.decisions += logged.outputs.len();
        let mut input = logged.input.clone();
        visit::input(&mut input, &mut Fill { lengths: &logged.audio });
        self.governor.handle(logged.at, input.clone());
        let outputs = std::iter::from_fn(|| self.governor.poll_output()).collect();
        let next = self.governor.next_timeout();
        let mut now = GovernorStep { at: logged.at, input, audio: Vec::new(), outputs, next };
        strip_step(&mut now);
        if now != *logged {
            let told = json(&logged.input);
            self.differ(logged.at, Core::Governor, told, decisions(logged), decisions(&now));
        }
    }

    fn hear(&mut self, leg: u64, steps: &[EarStep]) {
        for step in steps {
            self.hear_step(leg, step);
        }
    }

    fn hear_step(&mut self, leg: u64, logged: &EarStep) {
        // Steps of an ear that the log does not name were taken by none.
        let Some(ear) = self.ears.get_mut(&leg) else { return };
        self.replayed.ear_steps += 1;
        self.replayed.decisions += logged.decided.len();
        let input = if self.has_words { judged_anew(&logged.input) } else { logged.input.clone() };
        let decided = ear.step(&input);
        if decided != logged.decided {
            let told = format!("{:?}", logged.input.facts);
            let debug = |decision| format!("{decision:?}");
            let was = logged.decided.iter().map(debug).collect();
            let now = decided.iter().map(debug).collect();
            self.differ(logged.input.at, Core::Ear, told, was, now);
        }
    }

    fn differ(
        &mut self,
        at: MonoTime,
        core: Core,
        told: String,
        logged: Vec<String>,
        now: Vec<String>,
    ) {
        self.replayed.differing += 1;
        if self.replayed.differences.len() < Replayed::DIFFERENCES_MAX {
            let t_ms = at.since(self.began).as_millis() as u64;
            self.replayed.differences.push(Difference { t_ms, core, told, logged, now });
        }
    }
}

/// Where the words are there, what they mean is judged by this build, too.
fn judged_anew(input: &EarInput) -> EarInput {
    let mut input = input.clone();
    if let EarFacts::Decoded { understood: Some(said), .. } = &mut input.facts {
        let (text, confidence) = (said.text.clone(), said.confidence);
        *said = Understanding::of(&Transcript { text, confidence });
    }
    input
}

/// What a step decided, a line each; when it wants to be asked again is a decision, too.
fn decisions(step: &GovernorStep) -> Vec<String> {
    let next = step.next.map_or("never".to_owned(), |at| format!("{at:?}"));
    let outputs = step.outputs.iter().map(json);
    outputs.chain([format!("asks again at {next}")]).collect()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("cannot be shown: {error}"))
}
