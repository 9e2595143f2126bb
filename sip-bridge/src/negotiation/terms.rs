//! What calls may agree on: it depends on the trunk, and on how it is signalled.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;
use media_core::Codec;
use media_core::rtp::srtp::SrtpKey;

use crate::ids::IdSource;
use crate::message::TransportKind;

/// Whether media is protected (RFC 3711, with keys in SDP by RFC 4568).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SrtpPolicy {
    /// Never: an offer of SRTP alone is refused with 488.
    #[default]
    Off,
    /// Where the peer offers it. Our own offers are without.
    Optional,
    /// Always: an offer without is refused with 488, and ours are with.
    Required,
}

/// What the calls of a trunk may agree on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MediaTerms {
    /// Codecs, the preferred first.
    pub codecs: Vec<Codec>,
    /// Whether Opus is spoken over UDP signalling too. A carrier speaks it over TCP and TLS only,
    /// where an offer of a browser's length arrives whole; a softphone does not care.
    pub opus_over_udp: bool,
    /// Whether media is protected.
    pub srtp: SrtpPolicy,
    /// Whether keys are taken from signalling that is not TLS, which protects nothing from whoever
    /// can read that. For tests, and for networks that are protected otherwise.
    pub srtp_keys_in_clear: bool,
    /// From where the trunk's sound comes, and where ours goes to: SDP that names another address is
    /// refused (488). Loopback is not among them unless a network of loopback is. Empty: anywhere that
    /// its SDP says, for peers that we chose to call.
    pub media_networks: Vec<IpNet>,
}

impl MediaTerms {
    fn fits(&self, codec: Codec, transport: TransportKind) -> bool {
        match codec {
            Codec::Opus => self.opus_over_udp || transport != TransportKind::Udp,
            Codec::Pcmu | Codec::Pcma | Codec::G722 => true,
        }
    }

    fn keys_may_travel(&self, transport: TransportKind) -> bool {
        transport == TransportKind::Tls || self.srtp_keys_in_clear
    }
}

/// What one call may agree on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallTerms {
    /// Codecs, the preferred first.
    pub codecs: Arc<[Codec]>,
    /// Whether media is protected.
    pub srtp: SrtpPolicy,
    /// Whether keys may be written into this call's signalling, and are believed when they are read.
    pub keys_may_travel: bool,
    /// What we protect our packets with, where we do: one key for the whole call, so that its packets
    /// are counted on through every re-INVITE.
    pub key: SrtpKey,
    /// From where the peer's sound may come. Empty: from anywhere that its SDP says.
    pub networks: Arc<[IpNet]>,
}

impl CallTerms {
    /// These codecs without protection, from anywhere.
    #[must_use]
    pub fn plain(codecs: &[Codec]) -> Self {
        Self {
            codecs: codecs.into(),
            srtp: SrtpPolicy::Off,
            keys_may_travel: false,
            key: SrtpKey::new([0; 30]),
            networks: Arc::new([]),
        }
    }

    /// The same with these codecs only, where somebody names some.
    pub(crate) fn speaking(self, codecs: Arc<[Codec]>) -> Self {
        let codecs = if codecs.is_empty() { self.codecs } else { codecs };
        Self { codecs, ..self }
    }

    /// Whether there is a way to agree on anything.
    pub(crate) fn can_be_met(&self) -> bool {
        self.srtp != SrtpPolicy::Required || self.keys_may_travel
    }

    pub(super) fn sends_from(&self, ip: IpAddr) -> bool {
        // Whoever lists the whole internet has not listed the programs of this machine.
        let lists = |network: &IpNet| {
            network.contains(&ip) && (!ip.is_loopback() || network.addr().is_loopback())
        };
        self.networks.is_empty() || self.networks.iter().any(lists)
    }
}

/// The terms of all trunks.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    common: MediaTerms,
    trunks: BTreeMap<String, MediaTerms>,
}

impl Terms {
    /// `trunks`: those with terms of their own.
    pub(crate) fn new(common: MediaTerms, trunks: Vec<(String, MediaTerms)>) -> Self {
        Self { common, trunks: trunks.into_iter().collect() }
    }

    /// Other terms of the trunks, for calls to come.
    pub(crate) fn replace(&mut self, trunks: Vec<(String, MediaTerms)>) {
        self.trunks = trunks.into_iter().collect();
    }

    /// Whether a call over `trunk` that is signalled over `transport` can be protected as it must be.
    pub(crate) fn can_be_met(&self, trunk: &str, transport: TransportKind) -> bool {
        let terms = self.terms(trunk);
        terms.srtp != SrtpPolicy::Required || terms.keys_may_travel(transport)
    }

    /// Whether there is a codec for a call over `trunk` that is signalled over `transport`.
    pub(crate) fn has_codec(&self, trunk: &str, transport: TransportKind) -> bool {
        let terms = self.terms(trunk);
        terms.codecs.iter().any(|codec| terms.fits(*codec, transport))
    }

    fn terms(&self, trunk: &str) -> &MediaTerms {
        self.trunks.get(trunk).unwrap_or(&self.common)
    }

    /// What a call over `trunk` that is signalled over `transport` may agree on.
    pub(crate) fn of(
        &self,
        trunk: &str,
        transport: TransportKind,
        ids: &mut IdSource,
    ) -> CallTerms {
        let terms = self.terms(trunk);
        let codecs = terms.codecs.iter().copied();
        CallTerms {
            codecs: codecs.filter(|codec| terms.fits(*codec, transport)).collect(),
            srtp: terms.srtp,
            keys_may_travel: terms.keys_may_travel(transport),
            key: ids.srtp_key(),
            networks: terms.media_networks.as_slice().into(),
        }
    }
}
