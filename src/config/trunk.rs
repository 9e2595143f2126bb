use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sip_bridge::negotiation::SrtpPolicy;
use sip_bridge::{DigestAlgorithm, TrunkPolicy, Unwanted, is_custom_header, is_tls_name};

use super::governor::GovernorOverride;
use super::registration::{PhoneSection, credentials, phones};
use crate::carrier::{Carrier, CarrierError};

/// What is at the other end of a trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrunkKind {
    /// A carrier or an exchange: its address is all that it has to prove.
    #[default]
    Carrier,
    /// Telephones: they register, and prove who they are with every call.
    Softphone,
}

/// Whether a trunk's sound is protected (SRTP, with keys in SDP).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Srtp {
    /// Never.
    #[default]
    Off,
    /// Where the trunk offers it.
    Optional,
    /// Always.
    Required,
}

impl From<Srtp> for SrtpPolicy {
    fn from(srtp: Srtp) -> Self {
        match srtp {
            Srtp::Off => SrtpPolicy::Off,
            Srtp::Optional => SrtpPolicy::Optional,
            Srtp::Required => SrtpPolicy::Required,
        }
    }
}

/// A caller who may be refused for what the network says of the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Refused {
    /// The network says that the number is forged.
    Failed,
    /// The number is withheld.
    Withheld,
}

impl From<Refused> for Unwanted {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Failed => Unwanted::Failed,
            Refused::Withheld => Unwanted::Withheld,
        }
    }
}

/// `[[trunk]]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrunkSection {
    /// Its name in logs and records.
    pub name: String,
    /// Signalling source addresses and networks. Everybody else gets silence.
    #[serde(deserialize_with = "crate::carrier::networks")]
    pub allow: Vec<IpNet>,
    /// Where its sound comes from, and ours goes to; empty: see [`Self::media_networks`].
    #[serde(deserialize_with = "crate::carrier::networks", skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<IpNet>,
    /// `carrier`, or `softphone`.
    pub kind: TrunkKind,
    /// The telephones of a `softphone` trunk.
    pub phones: Vec<PhoneSection>,
    /// What they see as the name of this place.
    pub realm: String,
    /// With what they may prove who they are, the preferred first.
    pub digests: Vec<String>,
    /// As whom we prove who we are where the trunk asks; absent: we do not.
    pub user: Option<String>,
    /// Which environment variable, or systemd credential, holds that secret.
    pub secret_env: String,
    /// Addresses of the trunk that are asked whether they are there, the primary first.
    pub probe: Vec<String>,
    /// The name in its certificate, where we connect to it over TLS; absent: its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_name: Option<String>,
    /// Our numbers there, as it writes them; others get 404. Empty: whatever it sends.
    pub numbers: Vec<String>,
    /// Callers who are not let through: `failed`, `withheld`.
    pub refuse: Vec<Refused>,
    /// Calls at the same time on this trunk; absent: as many as `[sip] channels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Whether what it says of its callers is believed: the number that it asserts, `verstat`, whom the
    /// call was for before.
    pub trust_identity: bool,
    /// Whether it may have us call somebody else in its place (REFER), as far as `[outbound]` allows.
    pub transfers: bool,
    /// Whether its callers hear the line before it answers (183 with SDP).
    pub early_media: bool,
    /// `X-` headers of its calls that the brain is shown.
    pub headers_in: Vec<String>,
    /// `X-` headers that calls and transfers over it may carry.
    pub headers_out: Vec<String>,
    /// Voice codecs in order of preference; absent: those of `[sip]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codecs: Option<Vec<String>>,
    /// Whether Opus, where it is among the codecs, is spoken over UDP signalling too.
    pub opus_over_udp: bool,
    /// `off`, `optional` or `required`: whether its sound is protected.
    pub srtp: Srtp,
    /// Whether SRTP's keys are taken from signalling that is not TLS, too.
    pub srtp_keys_in_clear: bool,
    /// What is different from `[governor]` on its lines.
    #[serde(skip_serializing_if = "GovernorOverride::is_empty")]
    pub governor: GovernorOverride,
}

impl Default for TrunkSection {
    fn default() -> Self {
        Self {
            name: String::new(),
            allow: Vec::new(),
            media: Vec::new(),
            kind: TrunkKind::Carrier,
            phones: Vec::new(),
            realm: "xenline".into(),
            digests: ["SHA-256", "MD5"].map(String::from).to_vec(),
            user: None,
            secret_env: String::new(),
            probe: Vec::new(),
            tls_name: None,
            numbers: Vec::new(),
            refuse: Vec::new(),
            channels: None,
            trust_identity: true,
            transfers: false,
            early_media: false,
            headers_in: Vec::new(),
            headers_out: Vec::new(),
            codecs: None,
            opus_over_udp: false,
            srtp: Srtp::Off,
            srtp_keys_in_clear: false,
            governor: GovernorOverride::default(),
        }
    }
}

impl TrunkSection {
    /// Where its sound comes from, and ours goes to: as it says, else what its carrier publishes, by
    /// `find`, else where it signals from. The firewall's rules are made of the same.
    ///
    /// # Errors
    /// [`CarrierError`] for a carrier's file that is no use.
    pub fn media_networks(
        &self,
        find: impl Fn(&str) -> Result<Carrier, CarrierError>,
    ) -> Result<Vec<IpNet>, CarrierError> {
        if !self.media.is_empty() {
            return Ok(self.media.clone());
        }
        match find(&self.name) {
            Ok(carrier) => Ok(carrier.media.networks),
            Err(CarrierError::Unknown(_)) => Ok(self.allow.clone()),
            Err(error) => Err(error),
        }
    }

    /// What signalling believes it and allows it.
    #[must_use]
    pub fn policy(&self) -> TrunkPolicy {
        TrunkPolicy {
            trust_identity: self.trust_identity && self.kind == TrunkKind::Carrier,
            phones: (self.kind == TrunkKind::Softphone)
                .then(|| phones(&self.realm, &self.digests, &self.phones)),
            credentials: self.user.as_ref().and_then(|it| credentials(it, &self.secret_env)),
            transfers: self.transfers,
            early_media: self.early_media,
            headers_in: self.headers_in.clone(),
            headers_out: self.headers_out.clone(),
            numbers: self.numbers.clone(),
            refuse: self.refuse.iter().copied().map(Unwanted::from).collect(),
            tls_name: self.tls_name.clone(),
        }
    }

    /// What cannot work, beside what needs the rest of the configuration: a key and what to do.
    #[must_use]
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        if self.name.is_empty() {
            return Some(("trunk.name", "a trunk needs a name for logs and records".into()));
        }
        if let Some(bad) = self.digests.iter().find(|it| DigestAlgorithm::read(it).is_none()) {
            return Some(("trunk.digests", format!("{bad:?} is neither SHA-256 nor MD5")));
        }
        if self.kind == TrunkKind::Softphone && (self.phones.is_empty() || self.digests.is_empty())
        {
            let next = "a softphone trunk needs phones = [{ user, secret_env }] and digests";
            return Some(("trunk.phones", next.into()));
        }
        if self.kind == TrunkKind::Carrier && !self.phones.is_empty() {
            return Some((
                "trunk.phones",
                "only a trunk of kind = \"softphone\" has telephones".into(),
            ));
        }
        let named = |name: &str| !name.is_empty();
        let nameless = self.phones.iter().any(|it| !named(&it.user) || !named(&it.secret_env));
        if nameless || self.user.as_deref().is_some_and(|it| !named(it) || !named(&self.secret_env))
        {
            let next = "name the user, and the environment variable that holds the secret";
            return Some(("trunk.secret_env", next.into()));
        }
        if let Some(bad) = self.tls_name.as_deref().filter(|name| !is_tls_name(name)) {
            let next = format!("{bad:?} is no name that a certificate can have: write host.domain");
            return Some(("trunk.tls_name", next));
        }
        let number = |it: &String| !it.is_empty() && !it.contains(['@', ';', ' ']);
        if let Some(bad) = self.numbers.iter().find(|it| !number(it)) {
            let next = format!("{bad:?}: write the number as the trunk does, e.g. \"+15550100\"");
            return Some(("trunk.numbers", next));
        }
        if self.refuse.contains(&Refused::Failed) && !self.trust_identity {
            let next = "\"failed\" is the network's word, and trust_identity = false believes none";
            return Some(("trunk.refuse", next.into()));
        }
        if self.channels == Some(0) {
            let next = format!("0 is no call at all on {:?}: leave the trunk out", self.name);
            return Some(("trunk.channels", next));
        }
        let lists =
            [("trunk.headers_in", &self.headers_in), ("trunk.headers_out", &self.headers_out)];
        lists.into_iter().find_map(|(key, names)| {
            let bad = names.iter().find(|name| !is_custom_header(name))?;
            Some((key, format!("{bad:?} is no header of a trunk's own: those begin with X-")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(list: &[&str]) -> Vec<IpNet> {
        list.iter().map(|text| text.parse().expect("a network")).collect()
    }

    fn trunk(media: &[&str]) -> TrunkSection {
        let (name, allow) = ("pbx".into(), networks(&["10.0.0.1/32"]));
        TrunkSection { name, allow, media: networks(media), ..TrunkSection::default() }
    }

    #[test]
    fn sound_comes_from_where_the_trunk_says_else_its_carrier_else_where_it_signals() {
        let unknown = |name: &str| Err(CarrierError::Unknown(name.into()));
        let found = |media, find: &dyn Fn(&str) -> Result<Carrier, CarrierError>| {
            trunk(media).media_networks(find).expect("networks")
        };
        assert_eq!(found(&[], &unknown), networks(&["10.0.0.1/32"]));
        assert_eq!(found(&["10.0.9.0/24"], &unknown), networks(&["10.0.9.0/24"]));
        let telnyx = |_: &str| Carrier::find_on(&[], "telnyx");
        let published = telnyx("").expect("built in").media.networks;
        assert_eq!(found(&[], &telnyx), published);
        assert_eq!(found(&["10.0.9.0/24"], &telnyx), networks(&["10.0.9.0/24"]));
    }

    #[test]
    fn a_carriers_file_that_is_broken_opens_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("pbx.toml"), "name = ").expect("written");
        let broken = |name: &str| Carrier::find_on(&[folder.path()], name);
        let error = trunk(&[]).media_networks(broken).expect_err("no networks");
        assert!(matches!(error, CarrierError::Invalid { .. }), "{error}");
    }
}
