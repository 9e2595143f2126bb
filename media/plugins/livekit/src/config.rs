use plugin_webrtc::{IceServer, PeerConfig};

use crate::ApiKey;

/// Which room, and as whom.
#[derive(Clone)]
pub struct RoomConfig {
    /// `ws://127.0.0.1:7880`; `wss:` with the feature `tls`, believed as the system believes.
    pub url: String,
    /// From the environment.
    pub api: ApiKey,
    /// The room. It is made if there is none.
    pub room: String,
    /// Who we are in it. A second one of the same name throws the first out.
    pub identity: String,
    /// What people see.
    pub name: String,
    /// How media goes. Its ICE servers are used instead of the server's if `ice_servers` says so.
    pub peer: PeerConfig,
    /// Whose help to ask in finding ways through the network.
    pub ice_servers: IceServers,
    /// Scatters the waits after failures; any number that others do not have.
    pub seed: u64,
}

/// Which STUN and TURN servers are asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IceServers {
    /// Only those in the configuration: by default none, which is right where server and line are
    /// on one machine. One that cannot be reached costs the better part of a second.
    #[default]
    Ours,
    /// Those that the server names.
    OfTheServer,
}

impl RoomConfig {
    /// The peer's configuration, with what `offered` adds to it.
    pub(crate) fn peer(&self, offered: &[livekit_protocol::IceServer]) -> PeerConfig {
        let mut peer = self.peer.clone();
        if self.ice_servers == IceServers::OfTheServer {
            peer.ice_servers.extend(offered.iter().map(|server| IceServer {
                urls: server.urls.clone(),
                username: server.username.clone(),
                credential: server.credential.clone(),
            }));
        }
        peer
    }
}
