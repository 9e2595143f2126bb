use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sip_bridge::{TrunkPolicy, is_custom_header};

use super::governor::GovernorOverride;

/// `[[trunk]]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrunkSection {
    /// Its name in logs and records.
    pub name: String,
    /// Signalling source addresses and networks. Everybody else gets silence.
    #[serde(deserialize_with = "crate::carrier::networks")]
    pub allow: Vec<IpNet>,
    /// Addresses of the trunk that are asked whether they are there, the primary first.
    pub probe: Vec<String>,
    /// Whether what it says of its callers is believed: the number that it asserts, `verstat`, whom the
    /// call was for before.
    pub trust_identity: bool,
    /// `X-` headers of its calls that the brain is shown.
    pub headers_in: Vec<String>,
    /// `X-` headers that calls and transfers over it may carry.
    pub headers_out: Vec<String>,
    /// What is different from `[governor]` on its lines.
    #[serde(skip_serializing_if = "GovernorOverride::is_empty")]
    pub governor: GovernorOverride,
}

impl Default for TrunkSection {
    fn default() -> Self {
        Self {
            name: String::new(),
            allow: Vec::new(),
            probe: Vec::new(),
            trust_identity: true,
            headers_in: Vec::new(),
            headers_out: Vec::new(),
            governor: GovernorOverride::default(),
        }
    }
}

impl TrunkSection {
    /// What signalling believes it and allows it.
    #[must_use]
    pub fn policy(&self) -> TrunkPolicy {
        TrunkPolicy {
            trust_identity: self.trust_identity,
            headers_in: self.headers_in.clone(),
            headers_out: self.headers_out.clone(),
        }
    }

    /// What cannot work, beside what needs the rest of the configuration: a key and what to do.
    #[must_use]
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        if self.name.is_empty() {
            return Some(("trunk.name", "a trunk needs a name for logs and records".into()));
        }
        let lists =
            [("trunk.headers_in", &self.headers_in), ("trunk.headers_out", &self.headers_out)];
        lists.into_iter().find_map(|(key, names)| {
            let bad = names.iter().find(|name| !is_custom_header(name))?;
            Some((key, format!("{bad:?} is no header of a trunk's own: those begin with X-")))
        })
    }
}
