//! What a bridge is started with.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;
use std::path::PathBuf;

use media_core::Codec;

use crate::acl::Trunk;
use crate::admission::AdmissionLimits;
use crate::digest::Credentials;
use crate::negotiation::{MediaTerms, SrtpPolicy};
use crate::policy::TrunkPolicy;

/// The bridge's configuration.
#[derive(Clone, Debug)]
pub struct BridgeConfig {
    /// Address to receive SIP over UDP on. Port 0 lets the system choose.
    pub udp: Option<SocketAddr>,
    /// Address to receive SIP over TCP on.
    pub tcp: Option<SocketAddr>,
    /// SIP over TLS, if wanted.
    pub tls: Option<TlsConfig>,
    /// Without `tls`: SIP over TLS where we call, and nobody calls us.
    pub tls_calls: Option<TlsCalls>,
    /// Who may call us. Empty: nobody (a softphone that only dials).
    pub trunks: Vec<Trunk>,
    /// What each trunk is believed and allowed, by its name; one that is not in it gets the default.
    pub policies: BTreeMap<String, TrunkPolicy>,
    /// Addresses of trunks that are asked by OPTIONS whether they are there: the trunk's name, and a
    /// `sip:` URI with an address as its host. The first of a trunk is its primary.
    pub routes: Vec<(String, String)>,
    /// Exchanges that we register with.
    pub registrations: Vec<RegistrationSpec>,
    /// How often, in seconds.
    pub probe_every_s: u32,
    /// How many calls there may be, and how fast they may come.
    pub limits: AdmissionLimits,
    /// Codecs, the preferred first.
    pub codecs: Vec<Codec>,
    /// Whether media is protected.
    pub srtp: SrtpPolicy,
    /// What the calls of a trunk may agree on, where that is not just the above: its name, and what.
    pub terms: Vec<(String, MediaTerms)>,
    /// Our address as peers reach it: written into SDP when `local_rtp` has no address of its own,
    /// and into Contact and Via when the listener is bound to the wildcard.
    pub media_ip: IpAddr,
    /// Shown in `Server` and `User-Agent`.
    pub user_agent: String,
    /// Ring no longer than this many seconds, then end the call with 480.
    pub ring_max_s: u32,
    /// A call out of which its trunk's address says nothing for so long, not even that it is at work
    /// on it, is tried over the trunk's next one.
    pub next_route_after: Duration,
}

impl Default for BridgeConfig {
    fn default() -> Self {
        Self {
            udp: None,
            tcp: None,
            tls: None,
            tls_calls: None,
            trunks: Vec::new(),
            policies: BTreeMap::new(),
            routes: Vec::new(),
            registrations: Vec::new(),
            probe_every_s: 30,
            limits: AdmissionLimits::channels(10),
            codecs: vec![Codec::Pcmu, Codec::Pcma, Codec::G722],
            srtp: SrtpPolicy::Off,
            terms: Vec::new(),
            media_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: concat!("xenline/", env!("CARGO_PKG_VERSION")).into(),
            ring_max_s: 120,
            next_route_after: Duration::from_secs(4),
        }
    }
}

/// An exchange that we register with, as a telephone would.
#[derive(Clone, Debug)]
pub struct RegistrationSpec {
    /// Its name in logs and in [`Bridge::registrations`](crate::Bridge::registrations).
    pub name: String,
    /// Our address there: `sip:user@domain`.
    pub address: String,
    /// Where to register: `sip:address[:port][;transport=udp|tcp|tls]`.
    pub registrar: String,
    /// What its certificate has to say, over TLS. `None`: its address.
    pub tls_name: Option<String>,
    /// As whom.
    pub credentials: Credentials,
    /// For how long we ask, in seconds.
    pub expires_s: u32,
}

/// TLS towards trunks: at least 1.2, with a certificate of ours.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// Address to receive SIP over TLS on.
    pub listen: SocketAddr,
    /// Our certificate and those that vouch for it, PEM. Read again when it changes.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Whose signatures we believe where we connect, PEM. `None`: Mozilla's list.
    pub ca: Option<PathBuf>,
}

/// TLS of somebody who only calls, and shows no certificate.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TlsCalls {
    /// Whose signatures we believe, PEM. `None`: Mozilla's list.
    pub ca: Option<PathBuf>,
}

/// A call to place.
#[derive(Clone, Debug)]
pub struct DialSpec {
    /// Whom to call; with a trunk's name as host, over the trunk's best route: `sip:user@host[:port][;transport=udp|tcp|tls]` or `sips:`.
    pub target: String,
    /// As whom: a full `sip:` URI, or only a user part.
    pub from: String,
    /// Where our RTP socket is.
    pub local_rtp: SocketAddr,
    /// Codecs to offer, the preferred first, whatever the trunk's terms are. Empty: those of its terms.
    pub codecs: Vec<Codec>,
    /// `X-` headers for the INVITE. To a trunk only those go that its `headers_out` allows.
    pub headers: Vec<(String, String)>,
}
