use std::fmt::Write;
use std::net::SocketAddr;

use ipnet::IpNet;

use super::Guarded;
use super::guarded::{Source, comment};

/// SIP packets of one source in a second: 20 calls set up, which is what a carrier sends from one
/// address, with ten messages each, retransmissions included.
const SIP_PER_SECOND: u32 = 200;
/// New TCP connections of one source in a second. A carrier keeps a few open.
const CONNECTIONS_PER_SECOND: u32 = 20;
/// RTP and RTCP packets of one call in a second: a packet every 10 ms, RTCP, and as much again.
const RTP_PER_CALL: usize = 250;
/// Source addresses whose rate is remembered. Nobody but a trunk gets that far, and it has fewer.
const METERED_MAX: usize = 65_536;

/// The rules as `nft -f -` takes them: one table of its own that is replaced as a whole. It only ever
/// drops, and only what is addressed to the line's ports; what else the machine's firewall says stays.
#[must_use]
pub fn rules(guarded: &Guarded) -> String {
    let mut text = String::from(HEAD);
    for (index, source) in guarded.sources.iter().enumerate() {
        source_sets(&mut text, index, source);
    }
    meters(&mut text);
    input(&mut text, guarded);
    sip(&mut text, guarded);
    rtp(&mut text, guarded);
    text.push_str("}\n");
    text
}

const HEAD: &str = "\
#!/usr/sbin/nft -f
# Made by `xenline firewall print`. Do not edit: change the configuration and make it again.
#   xenline firewall print | sudo nft -f -
# This table only drops. Where another one is closed by default, it has to let the same ports in.
table inet xenline
delete table inet xenline
table inet xenline {
";

fn source_sets(text: &mut String, index: usize, source: &Source) {
    let _ = writeln!(text, "    # trunk {}", comment(&source.name));
    sets(text, &format!("trunk{index}_signalling"), &source.signalling);
    match &source.media {
        Some((networks, _)) => sets(text, &format!("trunk{index}_media"), networks),
        None => text.push_str(
            "    # no carrier of that name is known: its sound has to come from where it signals\n",
        ),
    }
}

/// One set for each family: a set holds addresses of one kind.
fn sets(text: &mut String, name: &str, networks: &[IpNet]) {
    for (suffix, kind, wanted) in [("4", "ipv4_addr", true), ("6", "ipv6_addr", false)] {
        let of_family = networks.iter().filter(|network| network.addr().is_ipv4() == wanted);
        let elements: Vec<String> = of_family.map(|network| network.trunc().to_string()).collect();
        if elements.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "    set {name}{suffix} {{\n        type {kind}\n        flags interval\n        elements = {{ {} }}\n    }}",
            elements.join(",\n                     ")
        );
    }
}

fn meters(text: &mut String) {
    for name in ["sip", "connections", "rtp"] {
        for (suffix, kind) in [("4", "ipv4_addr"), ("6", "ipv6_addr")] {
            let _ = writeln!(
                text,
                "    set {name}_rate{suffix} {{\n        type {kind}\n        flags dynamic\n        timeout 1m\n        size {METERED_MAX}\n    }}"
            );
        }
    }
}

fn input(text: &mut String, guarded: &Guarded) {
    // Before the ordinary filters, so that a flood costs as little as it can.
    text.push_str(
        "    chain input {\n        type filter hook input priority filter - 10; policy accept;\n        iif \"lo\" accept\n",
    );
    for (protocol, listeners) in [("udp", &guarded.udp), ("tcp", &guarded.tcp)] {
        for listener in listeners {
            let _ = writeln!(
                text,
                "        {}{protocol} dport {} jump sip",
                to(listener),
                listener.port()
            );
        }
    }
    let (first, last) = guarded.rtp;
    let _ = writeln!(text, "        udp dport {first}-{last} jump rtp\n    }}");
}

/// Only what is addressed to this listener. One on loopback hears nothing else, and one on every
/// address hears all.
fn to(listener: &SocketAddr) -> String {
    match listener {
        SocketAddr::V4(at) if !at.ip().is_unspecified() => format!("ip daddr {} ", at.ip()),
        SocketAddr::V6(at) if !at.ip().is_unspecified() => format!("ip6 daddr {} ", at.ip()),
        _ => String::new(),
    }
}

fn sip(text: &mut String, guarded: &Guarded) {
    text.push_str("    chain sip {\n");
    for (index, source) in guarded.sources.iter().enumerate() {
        for (suffix, address) in families(&source.signalling) {
            let known = format!("{address} @trunk{index}_signalling{suffix}");
            let _ = writeln!(
                text,
                "        {known} tcp flags & (syn | ack) == syn update @connections_rate{suffix} {{ {address} limit rate over {CONNECTIONS_PER_SECOND}/second burst {CONNECTIONS_PER_SECOND} packets }} counter drop\n        \
                 {known} update @sip_rate{suffix} {{ {address} limit rate over {SIP_PER_SECOND}/second burst {} packets }} counter drop\n        \
                 {known} accept",
                2 * SIP_PER_SECOND
            );
        }
    }
    text.push_str("        counter drop\n    }\n");
}

fn rtp(text: &mut String, guarded: &Guarded) {
    let rate = RTP_PER_CALL * guarded.channels.max(1);
    text.push_str("    chain rtp {\n");
    for (index, source) in guarded.sources.iter().enumerate() {
        let (set, networks, ports) = match &source.media {
            Some((networks, [first, last])) => {
                ("media", networks, format!(" udp sport {first}-{last}"))
            }
            None => ("signalling", &source.signalling, String::new()),
        };
        for (suffix, address) in families(networks) {
            let known = format!("{address} @trunk{index}_{set}{suffix}{ports}");
            let _ = writeln!(
                text,
                "        {known} update @rtp_rate{suffix} {{ {address} limit rate over {rate}/second burst {rate} packets }} counter drop\n        {known} accept"
            );
        }
    }
    text.push_str("        counter drop\n    }\n");
}

const FAMILIES: [(&str, &str); 2] = [("4", "ip saddr"), ("6", "ip6 saddr")];

/// The families that `networks` have addresses of.
fn families(networks: &[IpNet]) -> impl Iterator<Item = (&'static str, &'static str)> {
    let some = [true, false].map(|wanted| networks.iter().any(|n| n.addr().is_ipv4() == wanted));
    FAMILIES.into_iter().zip(some).filter(|(_, some)| *some).map(|(family, _)| family)
}
