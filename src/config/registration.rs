//! Secrets by name: telephones that register here, exchanges that the line registers with.

use serde::{Deserialize, Serialize};
use sip_bridge::{Credentials, DigestAlgorithm, Phones, RegistrationSpec, is_tls_name, stack};

use crate::secret::secret;

/// `[[registration]]`: an exchange that the line registers with, as a telephone would.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationSection {
    /// Its name in logs and in `xenline status`.
    pub name: String,
    /// Our address there: `sip:user@domain`.
    pub address: String,
    /// Where to register: `sip:address[:port][;transport=udp|tcp|tls]`.
    pub registrar: String,
    /// The name in its certificate, where `registrar` is reached over TLS; absent: its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_name: Option<String>,
    /// As whom; empty: as the address says.
    pub user: String,
    /// Which environment variable, or systemd credential, holds the secret.
    pub secret_env: String,
    /// For how long at a time, in seconds.
    pub expires_s: u32,
}

impl Default for RegistrationSection {
    fn default() -> Self {
        Self {
            name: String::new(),
            address: String::new(),
            registrar: String::new(),
            tls_name: None,
            user: String::new(),
            secret_env: String::new(),
            expires_s: 600,
        }
    }
}

impl RegistrationSection {
    /// What signalling registers with. `None`: the secret is not there, which is said in the log.
    #[must_use]
    pub fn spec(&self) -> Option<RegistrationSpec> {
        let address = stack::parse_uri(&self.address)?;
        let user = if self.user.is_empty() { &address.user } else { &self.user };
        Some(RegistrationSpec {
            name: self.name.clone(),
            address: self.address.clone(),
            registrar: self.registrar.clone(),
            tls_name: self.tls_name.clone(),
            credentials: credentials(user, &self.secret_env)?,
            expires_s: self.expires_s,
        })
    }

    /// What cannot work: a key and what to do.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        let uri = |text: &str| stack::parse_uri(text);
        if uri(&self.address).is_none_or(|address| address.user.is_empty()) {
            let next = format!("{:?} is no address: write sip:user@domain", self.address);
            return Some(("registration.address", next));
        }
        if uri(&self.registrar).and_then(|uri| uri.address()).is_none() {
            let next =
                format!("{:?}: write sip:address[:port]; names are not looked up", self.registrar);
            return Some(("registration.registrar", next));
        }
        if let Some(bad) = self.tls_name.as_deref().filter(|name| !is_tls_name(name)) {
            let next = format!("{bad:?} is no name that a certificate can have: write host.domain");
            return Some(("registration.tls_name", next));
        }
        if self.secret_env.is_empty() {
            let next =
                "name the environment variable that holds the secret; secrets do not belong here";
            return Some(("registration.secret_env", next.into()));
        }
        let known = (60..=86_400).contains(&self.expires_s);
        (!known).then(|| ("registration.expires_s", "between 60 and 86400".into()))
    }
}

/// A telephone that registers here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhoneSection {
    /// Its user.
    pub user: String,
    /// Which environment variable, or systemd credential, holds its secret.
    pub secret_env: String,
}

/// The telephones whose secrets are there; those without one cannot register.
pub(super) fn phones(realm: &str, digests: &[String], phones: &[PhoneSection]) -> Phones {
    Phones {
        realm: realm.to_owned(),
        digests: digests.iter().filter_map(|name| DigestAlgorithm::read(name)).collect(),
        users: phones.iter().filter_map(|it| credentials(&it.user, &it.secret_env)).collect(),
    }
}

/// A user with the secret that a variable holds.
pub(super) fn credentials(user: &str, variable: &str) -> Option<Credentials> {
    let found = secret(variable);
    if found.is_none() {
        tracing::warn!(
            variable,
            "no secret in the environment under this name, nor a credential: nobody is let in, or registered, with it"
        );
    }
    Some(Credentials { user: user.to_owned(), secret: found? })
}
