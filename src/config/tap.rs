use std::path::PathBuf;

use lane_broker::tap::{RuleSpec, TapConfig, journal};
use serde::{Deserialize, Serialize};

/// `[tap]`: what this machine does, copied into `os` lanes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TapSection {
    /// Files and folders whose changes are seen.
    pub files: Vec<PathBuf>,
    /// Log files whose new lines are seen.
    pub logs: Vec<PathBuf>,
    /// Whether the system journal is followed.
    pub journal: bool,
    /// Processes whose end is seen, by name or process id.
    pub processes: Vec<String>,
    /// Events that wait to be written; more are dropped and counted.
    pub queue_max: usize,
    /// Observations looked at in a second; more are dropped and counted.
    pub per_second_max: u32,
    /// Events that each lane keeps.
    pub keep: usize,
    /// `[[tap.rule]]`: what goes where, and what is said of it. The first that matches decides.
    pub rule: Vec<RuleSpec>,
}

impl Default for TapSection {
    fn default() -> Self {
        let TapConfig { queue_max, per_second_max, keep, .. } = TapConfig::default();
        Self {
            files: Vec::new(),
            logs: Vec::new(),
            journal: false,
            processes: Vec::new(),
            queue_max,
            per_second_max,
            keep,
            rule: Vec::new(),
        }
    }
}

impl TapSection {
    /// The same in the tap's own words.
    #[must_use]
    pub fn tap_config(&self) -> TapConfig {
        TapConfig {
            files: self.files.clone(),
            logs: self.logs.clone(),
            journal: if self.journal { journal::command() } else { Vec::new() },
            processes: self.processes.clone(),
            rules: self.rule.clone(),
            queue_max: self.queue_max,
            per_second_max: self.per_second_max,
            keep: self.keep,
        }
    }

    /// What cannot work, if anything: the key, and what to do.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        if self.queue_max == 0 || self.queue_max > QUEUE_MAX {
            return Some(("tap.queue_max", format!("between 1 and {QUEUE_MAX}, 3 KiB each")));
        }
        let config = self.tap_config();
        if let Err(error) = lane_broker::tap::check(&config) {
            return Some(("tap.rule", error.to_string()));
        }
        if !config.is_idle() && self.rule.is_empty() {
            let message =
                "nothing that is watched is kept: add a [[tap.rule]], for example name = \"all\"";
            return Some(("tap.rule", message.into()));
        }
        None
    }
}

/// 200 MiB of events that nobody writes is memory that calls need.
const QUEUE_MAX: usize = 65_536;
