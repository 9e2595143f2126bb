use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use super::Finding;
use crate::config::{Config, SipSection, Srtp, TrunkSection};

pub(super) fn look(config: &Config, tell: &mut dyn FnMut(Finding)) {
    listeners(&config.sip, tell);
    tell(media_ports(config));
    tell(acl(config));
    config.trunk.iter().filter_map(believed).for_each(&mut *tell);
    config.trunk.iter().filter_map(protection).for_each(tell);
}

/// A trunk in a network of one's own whose word on its callers is taken: any machine there could be it.
fn believed(trunk: &TrunkSection) -> Option<Finding> {
    let own = |network: &ipnet::IpNet| match network.addr() {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    let many = |network: &&ipnet::IpNet| network.prefix_len() < network.max_prefix_len();
    let network = trunk.allow.iter().filter(|network| own(network)).find(many)?;
    trunk.policy().trust_identity.then(|| {
        Finding::warning(
            "caller identity",
            format!("trunk {:?}: every machine in {network} is believed whom it says that it calls for", trunk.name),
            "set [[trunk]] trust_identity = false, or let allow list the one exchange that asserts its callers",
        )
    })
}

/// What protects the sound of a trunk's calls, where that is asked for.
fn protection(trunk: &TrunkSection) -> Option<Finding> {
    const WHAT: &str = "SRTP";
    let name = &trunk.name;
    let wanted = match trunk.srtp {
        Srtp::Off => return None,
        Srtp::Optional => "where it is offered",
        Srtp::Required => "always",
    };
    if trunk.srtp_keys_in_clear {
        return Some(Finding::warning(
            WHAT,
            format!("trunk {name:?}: {wanted}, with keys over UDP and TCP for all to read"),
            "leave [[trunk]] srtp_keys_in_clear out, and let the trunk signal over TLS",
        ));
    }
    Some(Finding::good(WHAT, format!("trunk {name:?}: {wanted}, with keys over TLS")))
}

fn listeners(sip: &SipSection, tell: &mut dyn FnMut(Finding)) {
    if let Some(address) = sip.listen_udp {
        tell(listener("SIP over UDP", address, UdpSocket::bind(address).map(drop)));
    }
    if let Some(address) = sip.listen_tcp {
        tell(listener("SIP over TCP", address, TcpListener::bind(address).map(drop)));
    }
    if let Some(tls) = sip.tls() {
        let address = tls.listen;
        tell(listener("SIP over TLS", address, TcpListener::bind(address).map(drop)));
        tell(match sip_bridge::check_tls(&tls) {
            Ok(()) => Finding::good("TLS certificate", tls.certificate.display().to_string()),
            Err(error) => Finding::failure(
                "TLS certificate",
                error.to_string(),
                "name the PEM files in [sip] tls_certificate, tls_key and tls_ca",
            ),
        });
    }
}

fn listener(what: &str, address: SocketAddr, bound: std::io::Result<()>) -> Finding {
    use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    match bound {
        Ok(()) => Finding::good(what, format!("{address} is free")),
        Err(error) => {
            let fix = match error.kind() {
                AddrInUse => format!(
                    "see who has it with `ss -lpn 'sport = :{}'`; a line that already runs is fine, else stop it or choose another port in [sip]",
                    address.port()
                ),
                AddrNotAvailable => {
                    "name an address of this machine in [sip] (see `ip address`)".into()
                }
                PermissionDenied => "choose a port above 1023 in [sip]".into(),
                _ => "choose another address in [sip]".into(),
            };
            Finding::failure(what, format!("cannot listen on {address}: {error}"), fix)
        }
    }
}

fn media_ports(config: &Config) -> Finding {
    const WHAT: &str = "RTP ports";
    let (low, high) = (config.rtp.port_min, config.rtp.port_max);
    let ip = config.sip.media_ip;
    let wanted = config.sip.channels;
    let is_free = |port: u16| UdpSocket::bind((ip, port)).is_ok();
    // RTP takes the even port of a pair, RTCP the next (RFC 3550, section 11).
    let free = (low..high)
        .filter(|port| port % 2 == 0 && is_free(*port) && is_free(port + 1))
        .take(wanted)
        .count();
    if free >= wanted {
        return Finding::good(WHAT, format!("{wanted} pairs free in {low}-{high} on {ip}"));
    }
    Finding::failure(
        WHAT,
        format!(
            "{free} of the {wanted} pairs that the channels need are free in {low}-{high} on {ip}"
        ),
        "widen [rtp] port_min..port_max, lower [sip] channels, or set [sip] media_ip to an address of this machine",
    )
}

fn acl(config: &Config) -> Finding {
    const WHAT: &str = "who may call";
    let open = [config.sip.listen_udp, config.sip.listen_tcp, config.sip.listen_tls]
        .into_iter()
        .flatten()
        .any(|address| !address.ip().is_loopback());
    let networks: Vec<_> = config.trunk.iter().flat_map(|trunk| &trunk.allow).collect();
    if networks.iter().any(|network| network.prefix_len() == 0) {
        return Finding::failure(
            WHAT,
            "a trunk allows the whole internet",
            "list the trunk's signalling addresses in [[trunk]] allow",
        );
    }
    if networks.is_empty() {
        return Finding::failure(
            WHAT,
            "no [[trunk]]: everybody gets silence",
            "add [[trunk]] with name and allow, e.g. allow = [\"127.0.0.1/32\"] for this machine",
        );
    }
    let only_local = networks.iter().all(|network| network.addr().is_loopback());
    if open && only_local {
        return Finding::warning(
            WHAT,
            "the line listens beyond loopback, and only this machine may call",
            "add the trunk's signalling addresses in [[trunk]] allow",
        );
    }
    if !open && !only_local {
        return Finding::warning(
            WHAT,
            "a trunk is allowed, and the line listens on loopback only",
            "set [sip] listen_udp to the address the trunk reaches, e.g. \"0.0.0.0:5060\", and media_ip to the public one",
        );
    }
    let hosts: u128 =
        networks.iter().map(|n| 1u128 << width(n.addr()).saturating_sub(n.prefix_len())).sum();
    Finding::good(WHAT, format!("{hosts} addresses in {} trunks", config.trunk.len()))
}

fn width(address: IpAddr) -> u8 {
    // One bit less than the address, so that the largest network still fits the sum.
    if address.is_ipv4() { 32 } else { 127 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ones_own_that_is_believed_is_warned_of_and_one_exchange_in_it_is_not() {
        let trunk = |allow: &str, trust_identity| TrunkSection {
            name: "home".into(),
            allow: vec![allow.parse().expect("a network")],
            trust_identity,
            ..TrunkSection::default()
        };
        let told = believed(&trunk("192.168.1.0/24", true)).expect("a warning").to_string();
        assert!(told.contains("trust_identity = false"), "{told}");
        assert_eq!(believed(&trunk("192.168.1.0/24", false)), None);
        assert_eq!(believed(&trunk("192.168.1.2/32", true)), None);
        assert_eq!(believed(&trunk("192.76.120.0/24", true)), None);
    }
}
