//! Calls that we place, for the line or because a peer transfers us.

use core::net::SocketAddr;
use std::collections::VecDeque;

use media_core::MonoTime;

use super::{Bridge, target};
use crate::admission::AdmissionError;
use crate::agent::{Agent, Command, Dial, ReferTarget};
use crate::config::DialSpec;
use crate::event::CallId;
use crate::flow::Flow;
use crate::message::{Host, Replaces, SipUri, TransportKind};
use crate::pii::Pii;

/// Why a call could not be placed.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The target is not a `sip:` URI that we can follow.
    #[error("cannot call {0:?}: expected sip:user@host[:port][;transport=udp|tcp|tls]")]
    BadTarget(Pii<String>),
    /// The calling identity is neither a `sip:` URI nor a user part.
    #[error("cannot call as {0:?}: expected a number, a name or sip:user@host")]
    BadFrom(Pii<String>),
    /// The host has no address.
    #[error("cannot find the host {host:?}: {source}")]
    Resolve {
        /// The host part of the target.
        host: String,
        /// What the resolver said.
        source: std::io::Error,
    },
    /// No listener for the transport the target asks for, or its address family.
    #[error("no {transport} listener to call {target} from")]
    NoListener {
        /// `udp`, `tcp` or `tls`.
        transport: &'static str,
        /// The target.
        target: SocketAddr,
    },
    /// The peer asked for no transfer, or took too long to be told.
    #[error("no transfer waits for this call: the other side hung up, or asked too long ago")]
    NoTransfer,
    /// SRTP is required, and its keys would be readable on the way.
    #[error("SRTP is required, and its keys go over TLS only: call with ;transport=tls")]
    KeysInClear,
    /// The trunk's codecs are none that its signalling lets us speak.
    #[error(
        "none of the trunk's codecs may be spoken over UDP signalling: add PCMU or PCMA to its codecs, set opus_over_udp, or call over TCP or TLS"
    )]
    NoCodec,
    /// A bug of ours, which the other calls do not notice.
    #[error("no call can be placed: a bug in SIP signalling; please report the panic in the log")]
    Bug,
    /// All channels are in use, or the bridge is draining.
    #[error("no call can be placed: {0}")]
    NotAdmitted(#[from] AdmissionError),
}

impl Bridge {
    /// Places a call. Returns when the INVITE is on its way; the rest arrives as events.
    ///
    /// The dialled host is heard while the call lasts, whether a trunk lists it or not. Its name is
    /// looked up in the system's resolver (address records; no SRV).
    ///
    /// # Errors
    /// [`DialError`]: the target, its host, or our capacity.
    pub async fn dial(&self, spec: DialSpec) -> Result<CallId, DialError> {
        let identity = self.shared.look(|agent, _| agent.identity().clone());
        let target = target::parse(&spec.target)?;
        let mut ways = match &target.host {
            Host::Name(trunk) => self.ways_to(&target, trunk, self.shared.clock.now()),
            Host::Ip(_) => VecDeque::new(),
        };
        if ways.is_empty() {
            let flow = target::resolve(&target, &identity).await?;
            ways.push_back((target, flow));
        }
        self.place(ways, spec, None)
    }

    /// Follows the transfer that the peer of `call` asked for: calls `number` over the call's trunk, or
    /// who is to be replaced at the address that an attended transfer names, as `from`, with the
    /// line's RTP where it is. When that one answers, [`BridgeEvent::Moved`](crate::BridgeEvent::Moved)
    /// says so.
    ///
    /// # Errors
    /// [`DialError`]; then the transfer still waits for an answer.
    pub fn follow_transfer(
        &self,
        call: CallId,
        number: &str,
        attended: Option<(&str, Replaces)>,
        from: &str,
    ) -> Result<CallId, DialError> {
        let now = self.shared.clock.now();
        let (place, identity) =
            self.shared.look(|agent, _| (agent.place_of(call), agent.identity().clone()));
        let (trunk, here, local_rtp) = place.ok_or(DialError::NoTransfer)?;
        let (ways, replaces) = match attended {
            Some((text, replaces)) => {
                let asked = target::parse(text)?;
                // Who was judged is called, and nothing that is written beside the number.
                let target = target::with_user(&asked, number)
                    .ok_or_else(|| DialError::BadTarget(Pii::new(text.into())))?;
                let flow = target::at_its_address(&target, &identity);
                // Whoever is asked for by address is asked where the one who asks is at home.
                let at_home = |flow: &Flow| {
                    self.shared.gate().trunk_of(flow.peer.ip()).as_deref() == Some(&*trunk)
                };
                let flow = flow
                    .filter(at_home)
                    .ok_or_else(|| DialError::BadTarget(Pii::new(text.into())))?;
                (VecDeque::from([(target, flow)]), Some(replaces))
            }
            None => {
                let target = target::parse(&format!("sip:{number}@{trunk}"))?;
                let mut ways = self.ways_to(&target, &trunk, now);
                if ways.is_empty() {
                    ways.extend(target::through(&target, here).map(|target| (target, here)));
                }
                (ways, None)
            }
        };
        let spec = DialSpec {
            target: String::new(),
            from: from.to_owned(),
            local_rtp,
            codecs: Vec::new(),
            headers: Vec::new(),
        };
        self.place(ways, spec, Some((call, replaces)))
    }

    /// Will not do the transfer that the peer of `call` asked for: 603.
    pub fn refuse_transfer(&self, call: CallId) {
        self.command(Command::RefuseTransfer(call));
    }

    /// Asks the peer of `call` to call `target` in our place. [`BridgeEvent::TransferEnded`](crate::BridgeEvent::TransferEnded) says what
    /// became of that; where it is done, the call is hung up.
    pub fn refer(&self, call: CallId, target: ReferTarget) {
        self.command(Command::Refer(call, target));
    }

    /// The ways to `target`, whose host is the name of `trunk`, the best first.
    fn ways_to(&self, target: &SipUri, trunk: &str, now: MonoTime) -> VecDeque<(SipUri, Flow)> {
        let ways = self.shared.look(|agent, _| agent.ways_to(now, trunk, &target.user));
        let through = |(at, flow): (Option<SipUri>, Flow)| {
            Some((at.or_else(|| target::through(target, flow))?, flow))
        };
        ways.into_iter().filter_map(through).collect()
    }

    fn place(
        &self,
        mut ways: VecDeque<(SipUri, Flow)>,
        spec: DialSpec,
        transfer: Option<(CallId, Option<Replaces>)>,
    ) -> Result<CallId, DialError> {
        let identity = self.shared.look(|agent, _| agent.identity().clone());
        if let Some(tls) = &self.shared.tls {
            ways.iter().for_each(|(target, flow)| tls.name(flow.peer, &target.host));
        }
        let bad_target = || DialError::BadTarget(Pii::new(spec.target.clone()));
        if ways.is_empty() {
            return Err(bad_target());
        }
        let may = |flow: &Flow, look: fn(&Agent, &str, TransportKind) -> bool| {
            let trunk = self.shared.gate().trunk_of(flow.peer.ip());
            let trunk = trunk.as_deref().unwrap_or_default();
            self.shared.look(|agent, _| look(agent, trunk, flow.transport))
        };
        ways.retain(|(_, flow)| may(flow, Agent::can_protect));
        if ways.is_empty() {
            return Err(DialError::KeysInClear);
        }
        ways.retain(|(_, flow)| !spec.codecs.is_empty() || may(flow, Agent::has_codec));
        let (target, flow) = ways.pop_front().ok_or(DialError::NoCodec)?;
        let from = target::from_header(&spec.from, &identity, flow)
            .ok_or_else(|| DialError::BadFrom(Pii::new(spec.from.clone())))?;
        let ip = flow.peer.ip();
        let dial = Dial {
            target,
            from,
            trunk: self.shared.gate().trunk_of(ip),
            local_rtp: spec.local_rtp,
            codecs: spec.codecs.into(),
            flow,
            headers: spec.headers,
            ways: ways.into(),
            transfer,
        };
        let drive = || {
            self.shared.drive(|agent, now| {
                if let Some((call, _)) = &dial.transfer
                    && !agent.transfer_waits(*call)
                {
                    return Err(DialError::NoTransfer);
                }
                let call = agent.dial(now, dial)?;
                // Before the INVITE leaves: its first response may be here before this returns.
                self.shared.gate_mut().enter(call, ip);
                Ok(call)
            })
        };
        self.shared.contained(drive).unwrap_or(Err(DialError::Bug))
    }
}
