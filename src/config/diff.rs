//! What another configuration changes in a line that runs, and from when on.

use std::collections::BTreeMap;
use std::fmt;

use toml::Value;

use super::{Config, ConfigError};

/// From when on a change holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// At once.
    Now,
    /// For calls that begin from now on.
    NextCall,
    /// When the line is started again.
    Restart,
}

/// One key that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// `section.key`; of a trunk `trunk.NAME.key`.
    pub key: String,
    /// What it was; `None`: it was left out.
    pub from: Option<String>,
    /// What it is; `None`: it is left out.
    pub to: Option<String>,
    /// From when on.
    pub effect: Effect,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |value: &Option<String>| match value {
            None => "(left out)".to_owned(),
            Some(_) if is_private(&self.key) => "…".to_owned(),
            Some(value) => value.clone(),
        };
        let effect = match self.effect {
            Effect::Now => "now",
            Effect::NextCall => "from the next call on",
            Effect::Restart => "needs a restart",
        };
        write!(f, "{}: {} -> {} ({effect})", self.key, told(&self.from), told(&self.to))
    }
}

/// What differs between `old` and `new`, by key.
#[must_use]
pub fn changes(old: &Config, new: &Config) -> Vec<Change> {
    let (old, new) = (leaves(old), leaves(new));
    let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let change = |key: &String| {
        let (from, to) = (old.get(key).cloned(), new.get(key).cloned());
        let effect = effect(key);
        (from != to).then(|| Change { key: key.clone(), from, to, effect })
    };
    keys.into_iter().filter_map(change).collect()
}

/// `new` as far as a line that was started with `old` can take it while it runs: what needs a
/// restart stays as it was.
///
/// # Errors
/// When the mixture is no configuration, which is a fault of ours.
pub fn while_running(old: &Config, new: &Config) -> Result<Config, ConfigError> {
    let mixed = |message: toml::de::Error| ConfigError::Environment {
        variable: "the running configuration".into(),
        message: message.to_string(),
    };
    let (was, mut is) = (tables(old), tables(new));
    for (section, keys) in &was {
        let Value::Table(keys) = keys else {
            // A list of entries, as `[[registration]]`: kept whole. Trunks are looked at one by one.
            if section != "trunk" {
                is.insert(section.clone(), keys.clone());
            }
            continue;
        };
        for (key, value) in keys {
            if effect(&format!("{section}.{key}")) == Effect::Restart
                && let Some(Value::Table(now)) = is.get_mut(section)
            {
                now.insert(key.clone(), value.clone());
            }
        }
    }
    // A key that was left out, needs a restart and is now there is left out still.
    for (section, keys) in &mut is {
        let before = was.get(section).and_then(Value::as_table);
        if let Value::Table(keys) = keys {
            keys.retain(|key, _| {
                effect(&format!("{section}.{key}")) != Effect::Restart
                    || before.is_some_and(|before| before.contains_key(key))
            });
        }
    }
    let mut config: Config = Value::Table(is).try_into().map_err(mixed)?;
    for trunk in &mut config.trunk {
        let before = old.trunk.iter().find(|before| before.name == trunk.name);
        trunk.probe = before.map(|before| before.probe.clone()).unwrap_or_default();
    }
    Ok(config)
}

fn tables(config: &Config) -> toml::Table {
    // Every value of a configuration has a form in TOML: it was read from one.
    toml::Table::try_from(config).unwrap_or_default()
}

/// Every key with its value as it is written; trunks by name, so that their order is no change.
fn leaves(config: &Config) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    for (section, keys) in tables(config) {
        match keys {
            Value::Table(keys) => {
                leaves.extend(
                    keys.iter().map(|(key, value)| (format!("{section}.{key}"), written(value))),
                );
            }
            Value::Array(entries) => {
                for entry in &entries {
                    let Value::Table(keys) = entry else { continue };
                    let name = keys.get("name").and_then(Value::as_str).unwrap_or_default();
                    let named = keys.iter().filter(|(key, _)| *key != "name");
                    leaves.extend(
                        named.map(|(key, value)| {
                            (format!("{section}.{name}.{key}"), written(value))
                        }),
                    );
                }
            }
            other => {
                leaves.insert(section, written(&other));
            }
        }
    }
    leaves
}

fn written(value: &Value) -> String {
    value.to_string()
}

/// From when on a key holds. What is not named here is read once, at the start.
fn effect(key: &str) -> Effect {
    let is = |keys: &[&str]| keys.iter().any(|prefix| key.starts_with(prefix));
    match () {
        () if key.starts_with("trunk.") && key.ends_with(".probe") => Effect::Restart,
        () if key.starts_with("trunk.") && AGREED.iter().any(|end| key.ends_with(end)) => {
            Effect::NextCall
        }
        () if is(NOW) => Effect::Now,
        () if is(RESTART) => Effect::Restart,
        () if is(NEXT_CALL) => Effect::NextCall,
        () => Effect::Restart,
    }
}

const NOW: &[&str] = &[
    "trunk.",
    "sip.channels",
    "sip.drain_s",
    "admission.",
    "rtp.hold_max_s",
    "outbound.",
    "line.keep_open",
    "line.redial_s",
];
const RESTART: &[&str] = &["hearing.model", "hearing.decodes"];
const NEXT_CALL: &[&str] =
    &["hearing.", "governor.", "recording.", "brain.away_text", "sip.codecs"];
/// Of a trunk: what is agreed on when a call begins.
const AGREED: &[&str] =
    &[".governor", ".codecs", ".opus_over_udp", ".srtp", ".srtp_keys_in_clear", ".early_media"];
/// Whether its values are telephone numbers.
fn is_private(key: &str) -> bool {
    PRIVATE.contains(&key) || (key.starts_with("trunk.") && key.ends_with(".numbers"))
}

/// Whose values are people's telephone numbers.
const PRIVATE: &[&str] = &["outbound.from", "outbound.allow", "line.keep_open", "sms.from"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrunkSection;

    fn told(old: &Config, new: &Config) -> Vec<String> {
        changes(old, new).iter().map(ToString::to_string).collect()
    }

    fn trunk(name: &str, allow: &str) -> TrunkSection {
        let allow = vec![allow.parse().expect("a network")];
        TrunkSection { name: name.into(), allow, ..TrunkSection::default() }
    }

    #[test]
    fn every_change_says_from_when_on_it_holds() {
        let (old, mut new) = (Config::default(), Config::default());
        new.sip.channels = 4;
        new.governor.gap_ms = 600;
        new.rtp.port_max = 12_000;
        new.cdr.path = Some("/var/lib/x".into());
        assert_eq!(
            told(&old, &new),
            [
                "cdr.path: (left out) -> \"/var/lib/x\" (needs a restart)",
                "governor.gap_ms: 250 -> 600 (from the next call on)",
                "rtp.port_max: 20000 -> 12000 (needs a restart)",
                "sip.channels: 10 -> 4 (now)",
            ]
        );
        assert!(told(&new, &new).is_empty());
    }

    #[test]
    fn trunks_are_told_apart_by_name_whatever_their_order() {
        let (mut old, mut new) = (Config::default(), Config::default());
        old.trunk = vec![trunk("a", "10.0.0.1/32"), trunk("b", "10.0.0.2/32")];
        new.trunk = vec![trunk("b", "10.0.0.2/32"), trunk("a", "10.0.0.3/32")];
        let told = told(&old, &new);
        assert_eq!(told, ["trunk.a.allow: [\"10.0.0.1/32\"] -> [\"10.0.0.3/32\"] (now)"]);
    }

    #[test]
    fn what_a_call_agrees_on_holds_from_the_next_call_on() {
        let (mut old, mut new) = (Config::default(), Config::default());
        old.trunk = vec![trunk("a", "10.0.0.1/32")];
        new.trunk = vec![trunk("a", "10.0.0.1/32")];
        new.trunk[0].codecs = Some(vec!["PCMA".into()]);
        new.trunk[0].srtp = crate::config::Srtp::Optional;
        assert_eq!(
            told(&old, &new),
            [
                "trunk.a.codecs: (left out) -> [\"PCMA\"] (from the next call on)",
                "trunk.a.srtp: \"off\" -> \"optional\" (from the next call on)",
            ]
        );
        let mixed = while_running(&old, &new).expect("a configuration");
        assert_eq!(mixed.trunk, new.trunk);
    }

    #[test]
    fn a_running_line_takes_what_it_can_and_keeps_the_rest() {
        let (mut old, mut new) = (Config::default(), Config::default());
        old.trunk = vec![trunk("a", "10.0.0.1/32")];
        old.trunk[0].probe = vec!["sip:10.0.0.1".into()];
        new.trunk = vec![trunk("a", "10.0.0.9/32")];
        (new.sip.channels, new.rtp.port_max) = (4, 12_000);
        new.recording.dir = Some("/calls".into());
        new.cdr.path = Some("/var/lib/x".into());
        let mixed = while_running(&old, &new).expect("a configuration");
        assert_eq!((mixed.sip.channels, mixed.rtp.port_max), (4, 20_000));
        assert_eq!((&mixed.recording.dir, &mixed.cdr.path), (&new.recording.dir, &None));
        assert_eq!(mixed.trunk[0].allow, new.trunk[0].allow);
        assert_eq!(mixed.trunk[0].probe, old.trunk[0].probe);
        let left = changes(&mixed, &new);
        assert!(left.iter().all(|change| change.effect == Effect::Restart), "{left:?}");
        assert_eq!(left.len(), 3, "told again with each reload: {left:?}");
    }

    #[test]
    fn a_telephone_number_is_not_printed() {
        let (old, mut new) = (Config::default(), Config::default());
        new.line.keep_open = Some("+493012345678".into());
        assert_eq!(told(&old, &new), ["line.keep_open: (left out) -> … (now)"]);
    }
}
