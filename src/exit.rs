//! Exit codes that mean something, and the one error type of the verbs.

use std::process::ExitCode;

use crate::config::ConfigError;

/// Why a verb did not do what was asked. Its text goes to standard error as it is.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It was tried and failed.
    #[error("{0}")]
    Failed(String),
    /// The command line asks for something that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// No usable configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration parses and cannot work.
    #[error("{0}")]
    Invalid(String),
    /// No running line answers.
    #[error("{0}")]
    NoLine(String),
}

impl Failure {
    /// A failure of the thing itself, told by its error.
    pub fn because(error: impl std::fmt::Display) -> Self {
        Failure::Failed(error.to_string())
    }

    /// The process's exit code.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Failed(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Config(_) | Failure::Invalid(_) => 3,
            Failure::NoLine(_) => 4,
        })
    }
}
