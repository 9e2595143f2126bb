//! `xenline check`: looks at the machine and the configuration, line by line, and puts the fix
//! beside each failure. Starts nothing that would disturb a running line.

mod carrier;
mod lanes;
mod machine;
mod network;
mod speech;
mod tap;
mod writing;

use std::fmt;

pub(crate) use carrier::look as carrier;

use crate::config::Config;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// What was found.
    pub state: State,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be; a figure or a fact.
    Good(String),
    /// The line runs, with less than it could have.
    Warning {
        /// What is less.
        problem: String,
        /// What to do.
        fix: String,
    },
    /// The line would not run, or not do its job.
    Failure {
        /// What is wrong.
        problem: String,
        /// What to do.
        fix: String,
    },
}

impl Finding {
    fn good(what: &str, fact: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Good(fact.into()) }
    }

    fn warning(what: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        let (problem, fix) = (problem.into(), fix.into());
        Self { what: what.into(), state: State::Warning { problem, fix } }
    }

    fn failure(what: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        let (problem, fix) = (problem.into(), fix.into());
        Self { what: what.into(), state: State::Failure { problem, fix } }
    }

    /// Whether the line would not run with this.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self.state, State::Failure { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Good(fact) => write!(f, "  ok    {:<22} {fact}", self.what),
            State::Warning { problem, fix } => {
                write!(f, "  warn  {:<22} {problem}\n        {:<22} -> {fix}", self.what, "")
            }
            State::Failure { problem, fix } => {
                write!(f, "  FAIL  {:<22} {problem}\n        {:<22} -> {fix}", self.what, "")
            }
        }
    }
}

/// Looks at everything and gives each finding to `report` as it is made. Returns how many
/// failures there were.
pub fn run(config: &Config, report: &mut dyn FnMut(Finding)) -> usize {
    let mut failures = 0;
    let mut tell = |finding: Finding| {
        failures += usize::from(finding.is_failure());
        report(finding);
    };
    configuration(config, &mut tell);
    network::look(config, &mut tell);
    config.trunk.iter().for_each(|trunk| carrier::look(config, trunk, &mut tell));
    speech::look(config, &mut tell);
    writing::look(config, &mut tell);
    machine::look(config, &mut tell);
    tap::look(config, &mut tell);
    lanes::look(config, &mut tell);
    failures
}

fn configuration(config: &Config, tell: &mut dyn FnMut(Finding)) {
    let problems = crate::config::validate(config);
    if problems.is_empty() {
        tell(Finding::good("configuration", "valid"));
    }
    for problem in problems {
        let fix = format!("change {} in the configuration file", problem.key);
        tell(Finding::failure(
            "configuration",
            format!("{}: {}", problem.key, problem.message),
            fix,
        ));
    }
}
