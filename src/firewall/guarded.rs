use std::net::SocketAddr;

use ipnet::IpNet;

use crate::carrier::{Carrier, CarrierError};
use crate::config::Config;

/// What is guarded, and who may come in: the configuration as a packet filter needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Guarded {
    /// Where the line takes SIP over UDP.
    pub udp: Vec<SocketAddr>,
    /// Where it takes connections.
    pub tcp: Vec<SocketAddr>,
    /// Its first and last port for sound.
    pub rtp: (u16, u16),
    /// Calls at the same time.
    pub channels: usize,
    /// Who may come in.
    pub sources: Vec<Source>,
}

/// One trunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Where it signals from.
    pub signalling: Vec<IpNet>,
    /// Where its sound comes from, and from which ports, where that is not where it signals from.
    pub media: Option<(Vec<IpNet>, [u16; 2])>,
}

impl Guarded {
    /// What `config` asks for, with the media networks that `find` knows of each trunk's carrier.
    ///
    /// # Errors
    /// [`CarrierError`] for a carrier's file that is no use. A carrier that nobody knows is none:
    /// its sound is taken to come from where it signals.
    pub fn of(
        config: &Config,
        find: impl Fn(&str) -> Result<Carrier, CarrierError>,
    ) -> Result<Self, CarrierError> {
        let source = |trunk: &crate::config::TrunkSection| {
            let ports = match find(&trunk.name) {
                Ok(carrier) => Some(carrier.media.ports),
                Err(CarrierError::Unknown(_)) => (!trunk.media.is_empty()).then_some(ANY_PORT),
                Err(error) => return Err(error),
            };
            let networks = IpNet::aggregate(&trunk.media_networks(&find)?);
            let media = ports.map(|ports| (networks, ports));
            let (name, signalling) = (trunk.name.clone(), IpNet::aggregate(&trunk.allow));
            Ok(Source { name, signalling, media })
        };
        Ok(Self {
            udp: config.sip.listen_udp.into_iter().collect(),
            tcp: config.sip.listen_tcp.into_iter().chain(config.sip.listen_tls).collect(),
            rtp: (config.rtp.port_min, config.rtp.port_max),
            channels: config.sip.channels,
            sources: config.trunk.iter().map(source).collect::<Result<_, _>>()?,
        })
    }
}

/// Of a trunk whose ports nobody publishes.
const ANY_PORT: [u16; 2] = [1, u16::MAX];

/// A trunk's name as a comment may hold it: on one line, and short.
pub(super) fn comment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " .-_".contains(c);
    name.chars().map(|c| if plain(c) { c } else { '_' }).take(64).collect()
}
