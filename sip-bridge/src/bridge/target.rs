//! Whom to dial: a URI from the line, turned into a flow.

use core::net::{IpAddr, SocketAddr};

use super::{DialError, StartError};
use crate::agent::routes::Route;
use crate::config::{BridgeConfig, RegistrationSpec};
use crate::flow::Flow;
use crate::message::{Host, Identity, SipUri, TransportKind};
use crate::pii::Pii;
use crate::stack;

/// Reads a target. What would break a start line is refused here, whoever wrote it.
pub(super) fn parse(target: &str) -> Result<SipUri, DialError> {
    let bad = || DialError::BadTarget(Pii::new(target.to_owned()));
    if !is_clean(target) {
        return Err(bad());
    }
    stack::parse_uri(target).ok_or_else(bad)
}

/// The From header value for `from`, without tag, and its user part: a `sip:` URI, or a user part
/// that is put before our own address.
pub(super) fn from_header(from: &str, identity: &Identity, flow: Flow) -> Option<(String, String)> {
    let uri = match from.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("sip:") => from.to_owned(),
        _ => match identity.address(flow.transport).ip() {
            IpAddr::V4(ip) => format!("sip:{from}@{ip}"),
            IpAddr::V6(ip) => format!("sip:{from}@[{ip}]"),
        },
    };
    let parsed = is_clean(&uri).then(|| stack::parse_uri(&uri)).flatten()?;
    Some((format!("<{uri}>"), parsed.user))
}

/// The routes of the configuration.
pub(super) fn routes(config: &BridgeConfig, identity: &Identity) -> Result<Vec<Route>, StartError> {
    let route = |(trunk, text): &(String, String)| {
        let target = is_clean(text).then(|| stack::parse_uri(text)).flatten()?;
        let transport = target.transport.unwrap_or(TransportKind::Udp);
        let address = target.address_over(transport).filter(|_| identity.speaks(transport))?;
        let flow = Flow::direct(transport, address);
        Some(Route { trunk: trunk.as_str().into(), target, flow, up: None })
    };
    let routes = config.routes.iter();
    routes.map(|entry| route(entry).ok_or_else(|| StartError::BadRoute(entry.1.clone()))).collect()
}

/// Our address, the exchange's, and the way there.
pub(super) fn registration(
    spec: &RegistrationSpec,
    identity: &Identity,
) -> Option<(SipUri, SipUri, Flow)> {
    let uri = |text: &str| is_clean(text).then(|| stack::parse_uri(text)).flatten();
    let address = uri(&spec.address).filter(|address| !address.user.is_empty())?;
    let registrar = uri(&spec.registrar)?;
    let transport = registrar.transport.unwrap_or(TransportKind::Udp);
    let to = registrar.address_over(transport).filter(|_| identity.speaks(transport))?;
    Some((address, registrar, Flow::direct(transport, to)))
}

/// The target over `flow`, where its host was a trunk's name.
pub(super) fn through(target: &SipUri, flow: Flow) -> Option<SipUri> {
    let transport = flow.transport.uri_name();
    stack::parse_uri(&format!("sip:{}@{};transport={transport}", target.user, flow.peer))
}

/// `user` at the target's address over the target's transport, without any other parameter.
pub(super) fn with_user(target: &SipUri, user: &str) -> Option<SipUri> {
    let scheme = if target.secure { "sips" } else { "sip" };
    let address = target.address()?;
    let transport = match target.transport {
        Some(transport) if !target.secure => format!(";transport={}", transport.uri_name()),
        _ => String::new(),
    };
    let text = format!("{scheme}:{user}@{address}{transport}");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-_.!~*'()%".contains(&byte);
    let user_alone = !user.is_empty() && user.bytes().all(plain) && is_clean(&text);
    user_alone.then(|| stack::parse_uri(&text)).flatten()
}

/// The way to a target whose host is an address.
pub(super) fn at_its_address(target: &SipUri, identity: &Identity) -> Option<Flow> {
    let transport = target.transport.unwrap_or(TransportKind::Udp);
    let address = target.address_over(transport).filter(|_| identity.speaks(transport))?;
    Some(Flow::direct(transport, address))
}

/// Finds the target's address and picks a transport that we have a listener for.
pub(super) async fn resolve(target: &SipUri, identity: &Identity) -> Result<Flow, DialError> {
    let ours = [TransportKind::Udp, TransportKind::Tcp, TransportKind::Tls];
    let first = ours.into_iter().find(|transport| identity.speaks(*transport));
    let transport = target.transport.or(first).unwrap_or(TransportKind::Udp);
    let port = target.port.unwrap_or(transport.default_port());
    let address = match &target.host {
        Host::Ip(ip) => SocketAddr::new(*ip, port),
        Host::Name(host) => look_up(host, port, wants_v4(identity)).await?,
    };
    let local = identity.address(transport).ip();
    if !identity.speaks(transport) || local.is_ipv4() != address.is_ipv4() {
        return Err(DialError::NoListener { transport: transport.uri_name(), target: address });
    }
    Ok(Flow::direct(transport, address))
}

async fn look_up(host: &str, port: u16, v4: bool) -> Result<SocketAddr, DialError> {
    let failed = |source| DialError::Resolve { host: host.to_owned(), source };
    let mut found = tokio::net::lookup_host((host, port)).await.map_err(failed)?;
    found.find(|address| address.is_ipv4() == v4).ok_or_else(|| {
        failed(std::io::Error::new(std::io::ErrorKind::NotFound, "no address of our family"))
    })
}

fn wants_v4(identity: &Identity) -> bool {
    identity
        .udp
        .or(identity.tcp)
        .or(identity.tls)
        .map_or(identity.media_ip, |address| address.ip())
        .is_ipv4()
}

fn is_clean(uri: &str) -> bool {
    let clean = |byte: u8| (0x21..=0x7e).contains(&byte) && !b"<>\"\\^`{|}".contains(&byte);
    uri.len() <= URI_BYTES_MAX && uri.bytes().all(clean)
}

/// Who we are to peers, with listeners bound to these.
pub(super) fn identity(
    config: &BridgeConfig,
    [udp, tcp, tls]: [Option<SocketAddr>; 3],
) -> Identity {
    // Who only calls is reached over the connection that it opened, whatever its Contact says.
    let calls = config.tls_calls.as_ref().and_then(|_| tcp.or(udp));
    Identity {
        udp: advertised(udp, config.media_ip),
        tcp: advertised(tcp, config.media_ip),
        tls: advertised(tls.or(calls), config.media_ip),
        media_ip: config.media_ip,
        user_agent: config.user_agent.as_str().into(),
    }
}

/// The address that peers reach us at, for a listener bound to `local`.
fn advertised(local: Option<SocketAddr>, media_ip: IpAddr) -> Option<SocketAddr> {
    local.map(|local| match local.ip().is_unspecified() {
        true => SocketAddr::new(media_ip, local.port()),
        false => local,
    })
}

/// The carrier refuses longer ones.
const URI_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn rebuilt(text: &str, user: &str) -> Option<String> {
        with_user(&parse(text).ok()?, user).map(|uri| uri.text)
    }

    #[test]
    fn only_the_number_that_was_judged_is_called() {
        let told =
            "sip:+49301234;rn=+19005550000;phone-context=x@192.0.2.9;transport=tcp;method=INVITE";
        let called = rebuilt(told, "+49301234");
        assert_eq!(called.as_deref(), Some("sip:+49301234@192.0.2.9:5060;transport=tcp"));
        let secure = rebuilt("sips:300@192.0.2.9", "300");
        assert_eq!(secure.as_deref(), Some("sips:300@192.0.2.9:5061"));
        assert_eq!(rebuilt("sip:300@carrier.example", "300"), None, "names are not looked up");
        for bent in ["300;rn=1", "300@192.0.2.7", "300?x", "3 0", ""] {
            assert_eq!(rebuilt("sip:300@192.0.2.9", bent), None, "{bent}");
        }
    }
}
