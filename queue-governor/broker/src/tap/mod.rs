//! The passive tap: what this machine does, copied into `os` lanes.
//!
//! Files that change, lines of log files, the system journal and processes that end become
//! [`Observation`]s. Rules ([`RuleSpec`]) sort them: the first that matches names the lane, and
//! may have the line say something. What no rule wants is counted and forgotten.
//!
//! The tap is never in the data path. It runs on threads of its own, nothing waits for it, and it
//! is lossy on purpose: between watching and writing stands a queue of bounded length, and what
//! does not fit, or comes faster than [`TapConfig::per_second_max`], is dropped and counted. The
//! next event that gets through says how many were lost before it ([`TapEvent::lost_before`]).
//! Nothing is remembered across a restart: logs and the journal are followed from their end.
//!
//! - Cores, told the time and the bytes: [`Sorter`] (rules, rates, counts), [`Lines`] (lines out of
//!   pieces), [`Follow`] (rotation and truncation), [`journal`] (its JSON), [`Processes`] (who
//!   ended).
//! - The shell: [`Tap`] owns the threads, the inotify and pid descriptors and the child process
//!   that reads the journal.
//!
//! What it does not see: processes that live for less than two seconds, exit codes (the kernel
//! tells them to the parent alone), and changes inside a watched folder's subfolders.

mod config;
mod follow;
pub mod journal;
mod lines;
mod observation;
mod processes;
mod rule;
mod shell;
mod sorter;
mod template;

pub use config::TapConfig;
pub use follow::{FileId, Follow, Step};
pub use lines::Lines;
pub use observation::{Observation, Origin, Severity, TapEvent};
pub use processes::{Change, Process, Processes};
pub use rule::{RuleError, RuleSpec, Rules, Verdict};
pub use shell::{Speak, Tap, TapCounts, TapError, check};
pub use sorter::{Alert, Audience, Counts, Sorted, Sorter};
pub use template::TemplateError;
