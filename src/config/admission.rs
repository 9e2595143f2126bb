use serde::{Deserialize, Serialize};
use sip_bridge::AdmissionLimits;

use super::Config;

/// `[admission]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdmissionSection {
    /// Calls that may come in within a second; 0: as many as come.
    pub calls_per_second: u32,
    /// Calls at once of one caller; 0: as many as there are channels.
    pub caller_calls: usize,
    /// Calls of one caller in a minute; 0: as many as come.
    pub caller_per_minute: u32,
    /// Share of audio ticks that may begin late, in percent; 0: however many.
    pub late_percent: u32,
    /// Share of their time that audio threads may be at work, in percent; 0: all of it.
    pub busy_percent: u32,
}

impl Default for AdmissionSection {
    fn default() -> Self {
        Self {
            calls_per_second: 20,
            caller_calls: 0,
            caller_per_minute: 20,
            late_percent: 10,
            busy_percent: 60,
        }
    }
}

impl AdmissionSection {
    /// No limit but the channels: for tests and for measuring, where one machine calls itself.
    #[must_use]
    pub fn open() -> Self {
        Self {
            calls_per_second: 0,
            caller_calls: 0,
            caller_per_minute: 0,
            late_percent: 0,
            busy_percent: 0,
        }
    }

    /// What cannot work: the key, and why.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        let share = |percent: u32| percent <= 100;
        if !share(self.late_percent) || !share(self.busy_percent) {
            return Some(("admission.late_percent", "a share: between 0 and 100".into()));
        }
        None
    }
}

impl Config {
    /// How many calls there may be, and how fast they may come.
    #[must_use]
    pub fn admission_limits(&self) -> AdmissionLimits {
        let own = |trunk: &super::TrunkSection| Some((trunk.name.clone(), trunk.channels?));
        AdmissionLimits {
            channels_max: self.sip.channels,
            trunk_channels: self.trunk.iter().filter_map(own).collect(),
            calls_per_second: self.admission.calls_per_second,
            caller_calls: self.admission.caller_calls,
            caller_per_minute: self.admission.caller_per_minute,
        }
    }
}
