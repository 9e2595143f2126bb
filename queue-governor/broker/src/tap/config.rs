use std::path::PathBuf;

use super::rule::RuleSpec;

/// What is watched, and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TapConfig {
    /// Files and folders whose changes are seen.
    pub files: Vec<PathBuf>,
    /// Log files whose new lines are seen.
    pub logs: Vec<PathBuf>,
    /// Program and arguments that write the journal's new entries as JSON, one a line; empty: the
    /// journal is not followed. [`super::journal::command`] is the usual one.
    pub journal: Vec<String>,
    /// Processes whose end is seen: a name (as in `/proc/<pid>/comm`) or a process id.
    pub processes: Vec<String>,
    /// What is kept, where, and what is said of it.
    pub rules: Vec<RuleSpec>,
    /// Sorted events that wait to be written. More are dropped and counted.
    pub queue_max: usize,
    /// Observations looked at in a second. More are dropped and counted.
    pub per_second_max: u32,
    /// Events that a lane keeps; older ones go, as far as its groups have settled them.
    pub keep: usize,
}

impl Default for TapConfig {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            logs: Vec::new(),
            journal: Vec::new(),
            processes: Vec::new(),
            rules: Vec::new(),
            queue_max: 1_024,      // a burst of a second; each at most 3 KiB
            per_second_max: 1_000, // of a few microseconds each: no core is busy with it
            keep: 1_000,           // a day of a machine with little to tell
        }
    }
}

impl TapConfig {
    /// Whether there is nothing to watch.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.files.is_empty()
            && self.logs.is_empty()
            && self.journal.is_empty()
            && self.processes.is_empty()
    }
}
