use std::collections::BTreeMap;

/// How many calls there may be, and how fast they may come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdmissionLimits {
    /// Calls at once, inbound and outbound together. One more is answered 486.
    pub channels_max: usize,
    /// Calls at once on a trunk, by its name; those that are not named have all channels.
    pub trunk_channels: BTreeMap<String, usize>,
    /// Calls that may come in within a second; 0: as many as come.
    pub calls_per_second: u32,
    /// Calls at once of one caller; 0: as many as there are channels.
    pub caller_calls: usize,
    /// Calls of one caller in a minute; 0: as many as come.
    pub caller_per_minute: u32,
}

impl AdmissionLimits {
    /// So many channels, and no other limit.
    #[must_use]
    pub fn channels(channels_max: usize) -> Self {
        Self {
            channels_max,
            trunk_channels: BTreeMap::new(),
            calls_per_second: 0,
            caller_calls: 0,
            caller_per_minute: 0,
        }
    }

    pub(super) fn of_trunk(&self, trunk: &str) -> Option<usize> {
        self.trunk_channels.get(trunk).copied()
    }
}
