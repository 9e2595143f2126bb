use std::time::Duration;

use serde::{Deserialize, Serialize};
use sip_bridge::outbound::{AllowedPrefix, Micros, OutboundPolicy};

use super::Config;

/// `[outbound]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundSection {
    /// The trunk that calls out go through; absent: the line calls nobody.
    pub trunk: Option<String>,
    /// As whom: a number that the carrier lets us show.
    pub from: String,
    /// Calls out at a time.
    pub calls_max: usize,
    /// No call out lasts longer, in seconds.
    pub longest_s: u64,
    /// Minutes of all calls out in a day (UTC).
    pub minutes_per_day: u64,
    /// What they may cost, in the currency of the prices below.
    pub spend_per_day: f64,
    /// Who may be called.
    pub allow: Vec<AllowSection>,
}

/// `[[outbound.allow]]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowSection {
    /// `+` and the first digits of international numbers; or one extension.
    pub prefix: String,
    /// What a minute costs.
    #[serde(default)]
    pub per_minute: f64,
}

impl Default for OutboundSection {
    fn default() -> Self {
        Self {
            trunk: None,
            from: String::new(),
            calls_max: 1,
            longest_s: 3_600,
            minutes_per_day: 60,
            spend_per_day: 5.0,
            allow: Vec::new(),
        }
    }
}

impl OutboundSection {
    /// Who may be called, and for how much. Nobody, while no trunk is named.
    #[must_use]
    pub fn policy(&self) -> OutboundPolicy {
        let allowed = |entry: &AllowSection| AllowedPrefix {
            prefix: entry.prefix.clone(),
            per_minute: micros(entry.per_minute),
        };
        OutboundPolicy {
            allow: self.trunk.iter().flat_map(|_| self.allow.iter().map(allowed)).collect(),
            calls_max: self.calls_max,
            longest: Duration::from_secs(self.longest_s),
            minutes_per_day: self.minutes_per_day,
            spend_per_day: micros(self.spend_per_day),
        }
    }

    /// What cannot work: the key, and why.
    pub(super) fn problem(&self, config: &Config) -> Option<(&'static str, String)> {
        let name = self.trunk.as_ref()?;
        let Some(trunk) = config.trunk.iter().find(|trunk| trunk.name == *name) else {
            let next = format!("{name:?} is no [[trunk]]: name the one that calls go through");
            return Some(("outbound.trunk", next));
        };
        if trunk.probe.is_empty() {
            let next = format!("trunk {name:?} has no probe: it says where its calls out are sent");
            return Some(("outbound.trunk", next));
        }
        if self.from.is_empty() {
            let next = "as whom? Name a number of yours, or most carriers refuse the call";
            return Some(("outbound.from", next.into()));
        }
        if !(60..=86_400).contains(&self.longest_s) {
            return Some(("outbound.longest_s", "between a minute, 60, and a day, 86400".into()));
        }
        if !is_money(self.spend_per_day) {
            return Some(("outbound.spend_per_day", "an amount of money, 0 or more".into()));
        }
        self.allow.iter().find_map(AllowSection::problem)
    }
}

impl AllowSection {
    fn problem(&self) -> Option<(&'static str, String)> {
        let prefix = &self.prefix;
        let digits = prefix.strip_prefix('+').unwrap_or(prefix);
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            let next =
                format!("{prefix:?} is neither + and digits, e.g. \"+49\", nor an extension");
            return Some(("outbound.allow", next));
        }
        // An extension costs nothing by nature; a number without a price would escape the day's cap.
        let is_priced = self.per_minute > 0.0 || !prefix.starts_with('+');
        if !is_money(self.per_minute) || !is_priced {
            let next = format!(
                "{prefix:?} needs per_minute, what a minute costs: the day's cap counts with it"
            );
            return Some(("outbound.allow", next));
        }
        None
    }
}

fn is_money(amount: f64) -> bool {
    (0.0..=MONEY_MAX).contains(&amount)
}

fn micros(amount: f64) -> Micros {
    // Rounded up: a price is never less than it is.
    (amount.clamp(0.0, MONEY_MAX) * 1e6).ceil() as Micros
}

/// More is a slip of the keyboard.
const MONEY_MAX: f64 = 1e6;
