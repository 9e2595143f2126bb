//! Whether whoever is to be heard is, and as one thing only.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sip_bridge::stack;

use super::Config;

/// What cannot work: a key and what to do.
pub(super) fn problem(config: &Config) -> Option<(&'static str, String)> {
    twice(config).or_else(|| unheard_exchange(config))
}

/// Policies, codecs and limits go by the name of a trunk: two of one name would get each other's.
fn twice(config: &Config) -> Option<(&'static str, String)> {
    let mut names = BTreeSet::new();
    let twice = config.trunk.iter().find(|trunk| !names.insert(&trunk.name))?;
    let next = "give each trunk a name of its own, or list the addresses of both in one allow";
    Some(("trunk.name", format!("there are two of {:?}: {next}", twice.name)))
}

/// Nobody hears what an exchange answers whose address no trunk lists.
fn unheard_exchange(config: &Config) -> Option<(&'static str, String)> {
    let heard = |ip: IpAddr| {
        config.trunk.iter().flat_map(|trunk| &trunk.allow).any(|network| network.contains(&ip))
    };
    let unheard = config.registration.iter().find(|it| {
        let registrar = stack::parse_uri(&it.registrar).and_then(|uri| uri.address());
        registrar.is_some_and(|registrar| !heard(registrar.ip()))
    })?;
    let next = "add a [[trunk]] whose allow lists this address, or its answer is not heard";
    Some(("registration.registrar", format!("{:?}: {next}", unheard.registrar)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{RegistrationSection, TrunkSection};

    fn with_trunks(trunks: &[(&str, &str)]) -> Config {
        let trunk = |(name, allow): &(&str, &str)| TrunkSection {
            name: (*name).into(),
            allow: vec![allow.parse().expect("a network")],
            ..TrunkSection::default()
        };
        Config { trunk: trunks.iter().map(trunk).collect(), ..Config::default() }
    }

    #[test]
    fn two_trunks_of_one_name_are_refused() {
        let key = |trunks| problem(&with_trunks(trunks)).map(|(key, _)| key);
        assert_eq!(key(&[("a", "10.0.0.1/32"), ("b", "10.0.0.1/32")]), None);
        assert_eq!(key(&[("a", "10.0.0.1/32"), ("a", "10.0.0.2/32")]), Some("trunk.name"));
    }

    #[test]
    fn an_exchange_that_no_trunk_lists_is_refused_with_what_to_do() {
        let mut config = with_trunks(&[("a", "10.0.0.0/24")]);
        let registrar = |text: &str| RegistrationSection {
            registrar: text.into(),
            ..RegistrationSection::default()
        };
        config.registration = vec![registrar("sip:10.0.0.2:5080")];
        assert_eq!(problem(&config), None);
        config.registration.push(registrar("sip:10.0.1.2"));
        let (key, told) = problem(&config).expect("nobody hears it");
        assert!(key == "registration.registrar" && told.contains("10.0.1.2"), "{told}");
    }
}
