//! Who may speak SIP to us: the source address, looked at before a byte is parsed.
//!
//! The carrier authenticates by address and nothing else, so this list is the only lock on the
//! door. A source that no trunk lists gets no byte back, over UDP or TCP, whatever it sends.

use core::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

/// A trunk: a name and the source networks that belong to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trunk {
    /// The name shown in events, records and metrics.
    pub name: String,
    /// Source networks whose packets belong to this trunk.
    pub allow: Vec<IpNet>,
}

/// The trunks' address list, compiled for look-up.
#[derive(Clone, Debug, Default)]
pub struct Acl {
    networks: Vec<(IpNet, Arc<str>)>,
}

impl Acl {
    /// Compiles `trunks`. Networks that overlap are decided by the longest prefix, then by the
    /// trunk listed first.
    #[must_use]
    pub fn new(trunks: &[Trunk]) -> Self {
        let mut networks = Vec::new();
        for trunk in trunks {
            let name: Arc<str> = trunk.name.as_str().into();
            networks.extend(trunk.allow.iter().map(|net| (*net, name.clone())));
        }
        networks.sort_by_key(|(net, _)| core::cmp::Reverse(net.prefix_len()));
        Self { networks }
    }

    /// The trunk that `source` belongs to, or `None` for a foreign address. IPv4-mapped IPv6
    /// addresses (from a dual-stack socket) are looked up as the IPv4 addresses they are.
    ///
    /// Linear in the number of networks: a carrier publishes a dozen, and a linear scan over a
    /// dozen beats a trie.
    #[must_use]
    pub fn trunk_of(&self, source: IpAddr) -> Option<Arc<str>> {
        let source = source.to_canonical();
        self.networks.iter().find(|(net, _)| net.contains(&source)).map(|(_, name)| name.clone())
    }

    /// Whether no network is listed, which closes the door to everybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(nets: &[(&str, &str)]) -> Acl {
        let trunks: Vec<Trunk> = nets
            .iter()
            .map(|(name, net)| Trunk { name: (*name).into(), allow: vec![net.parse().unwrap()] })
            .collect();
        Acl::new(&trunks)
    }

    fn trunk_of(acl: &Acl, ip: &str) -> Option<String> {
        acl.trunk_of(ip.parse().unwrap()).map(|name| name.to_string())
    }

    #[test]
    fn an_address_belongs_to_the_trunk_that_lists_it() {
        let acl = acl(&[("telnyx", "192.76.120.10/32"), ("office", "10.0.0.0/8")]);
        assert_eq!(trunk_of(&acl, "192.76.120.10").as_deref(), Some("telnyx"));
        assert_eq!(trunk_of(&acl, "10.9.8.7").as_deref(), Some("office"));
        assert_eq!(trunk_of(&acl, "192.76.120.11"), None);
    }

    #[test]
    fn the_longest_prefix_decides_between_trunks_that_overlap() {
        let acl = acl(&[("wide", "10.0.0.0/8"), ("narrow", "10.1.0.0/16")]);
        assert_eq!(trunk_of(&acl, "10.1.2.3").as_deref(), Some("narrow"));
        assert_eq!(trunk_of(&acl, "10.2.2.3").as_deref(), Some("wide"));
    }

    #[test]
    fn a_mapped_address_is_looked_up_as_the_address_it_maps() {
        let acl = acl(&[("loop", "127.0.0.1/32")]);
        assert_eq!(trunk_of(&acl, "::ffff:127.0.0.1").as_deref(), Some("loop"));
        assert_eq!(trunk_of(&acl, "::1"), None);
    }

    #[test]
    fn an_empty_list_lets_nobody_in() {
        assert_eq!(trunk_of(&Acl::default(), "127.0.0.1"), None);
    }
}
