//! Ways in for fuzzers: bytes to everything that reads what a peer sent. Not part of the API.

use core::net::SocketAddr;
use core::time::Duration;

use media_core::{Codec, MonoTime};

use crate::admission::AdmissionLimits;
use crate::agent::{Agent, AgentConfig, Command, Dial, Input, Output, ReferTarget};
use crate::digest::{Credentials, DigestAlgorithm};
use crate::event::{BridgeEvent, CallId, HangupReason, Rejection};
use crate::flow::Flow;
use crate::message::{Identity, Replaces, TransportKind};
use crate::negotiation::{Accepted, CallTerms, MediaTerms, Offer, SrtpPolicy, Terms};
use crate::policy::{Phones, Policies, TrunkPolicy};
use crate::{guard, sdp, stack};

/// One datagram through guard and grammar.
pub fn datagram(bytes: &[u8]) {
    if let Ok(message) = guard::check_datagram(bytes) {
        let _ = stack::parse(message);
    }
    let _ = stack::parse(bytes); // The grammar must not panic on what the guard refuses either.
}

/// A byte stream through the framer, in chunks of the size that the first byte says.
pub fn stream(bytes: &[u8]) {
    let Some((chunk, bytes)) = bytes.split_first() else { return };
    let mut framer = guard::StreamFramer::new();
    for part in bytes.chunks(usize::from(*chunk).max(1)) {
        framer.push(part);
        loop {
            match framer.next_frame() {
                Ok(Some(guard::Frame::Message(message))) => drop(stack::parse(&message)),
                Ok(Some(guard::Frame::Ping)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

/// An SDP as offer and as answer.
pub fn session_description(bytes: &[u8]) {
    let codecs = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];
    let plain = CallTerms::plain(&codecs);
    let secure = CallTerms { srtp: SrtpPolicy::Optional, keys_may_travel: true, ..plain.clone() };
    let Ok(description) = sdp::parse(bytes) else { return };
    for terms in [plain, secure] {
        if let Ok(accepted) = Accepted::offer(&description, &terms) {
            let answer = accepted.answer(1, 1, SocketAddr::from(([127, 0, 0, 1], 4000)));
            assert!(sdp::parse(answer.as_bytes()).is_ok(), "our own answer does not parse");
        }
        let _ = Offer::new(&terms).answered(&description);
    }
}

/// A conversation: records of (what the line does, how long it waits, a datagram), each datagram
/// preceded by its length in two bytes. In it `{tag}` stands for the tag that the agent's last response
/// has, and `{request}` for what a response to its last request repeats: nobody guesses those.
/// Afterwards nothing may be left.
pub fn conversation(mut bytes: &[u8]) {
    let line = SocketAddr::from(([192, 0, 2, 1], 5060));
    let peer = SocketAddr::from(([192, 0, 2, 9], 5080));
    let identity = Identity {
        udp: Some(line),
        tcp: Some(line),
        tls: None,
        media_ip: line.ip(),
        user_agent: "x".into(),
    };
    let terms = MediaTerms { codecs: vec![Codec::Pcmu], ..MediaTerms::default() };
    let mut agent = Agent::new(AgentConfig {
        identity,
        terms: Terms::new(terms, Vec::new()),
        limits: AdmissionLimits::channels(8),
        ring_max: Duration::from_secs(60),
        next_way_after: Duration::from_secs(4),
        policies: Policies::new(policies()),
        routes: Vec::new(),
        probe_every: Duration::from_secs(30),
        seed: [1; 32],
    });
    let (mut now, mut said) = (MonoTime::ZERO, Said::default());
    while let [line_does, wait, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (datagram, rest) = rest.split_at(length);
        bytes = rest;
        let datagram = said.filled(datagram);
        if let Ok(message) = guard::check_datagram(&datagram).map(stack::parse)
            && let Ok(message) = message
        {
            // Some come from telephones, which have to prove who they are.
            let trunk = if line_does & 0x80 == 0 { "trunk" } else { "phones" };
            let (transport, trunk) = (TransportKind::Udp, Some(trunk));
            agent.handle(now, Input::Message { transport, source: peer, trunk, message });
        }
        drain(&mut agent, now, *line_does, line, &mut said);
        let wait = Duration::from_millis(u64::from(*wait) * 100);
        now = pass(&mut agent, now, wait, &mut said);
    }
    agent.handle(now, Input::Command(Command::HangupAll(HangupReason::Normal)));
    pass(&mut agent, now, Duration::from_secs(300), &mut said);
    let load = agent.load();
    assert_eq!((load.calls, load.transactions, agent.timers()), (0, 0, 0), "something is left");
}

fn pass(agent: &mut Agent, now: MonoTime, time: Duration, said: &mut Said) -> MonoTime {
    let end = now + time;
    while let Some(next) = agent.next_timeout().filter(|next| *next <= end) {
        agent.handle(next, Input::Timeout);
        drain(agent, next, 0, SocketAddr::from(([192, 0, 2, 1], 4000)), said);
    }
    end
}

fn drain(agent: &mut Agent, now: MonoTime, line_does: u8, local: SocketAddr, said: &mut Said) {
    while let Some(output) = agent.poll_output() {
        match output {
            Output::Send { bytes, .. } => said.note(&bytes),
            Output::Event(BridgeEvent::Incoming { call, .. }, _) => {
                let commands = match line_does % 6 {
                    0 => continue,
                    1 => vec![Command::Answer(call, local)],
                    2 => vec![Command::Reject(call, Rejection::Busy)],
                    3 => vec![Command::Progress(call, local), Command::Answer(call, local)],
                    4 => vec![Command::Progress(call, local)],
                    _ => vec![Command::Hangup(call, HangupReason::Normal)],
                };
                for command in commands {
                    agent.handle(now, Input::Command(command));
                }
            }
            Output::Event(BridgeEvent::Established { call, .. }, _) if line_does & 0x40 != 0 => {
                let refer = Command::Refer(call, ReferTarget::Number("7".into()));
                agent.handle(now, Input::Command(refer));
            }
            Output::Event(BridgeEvent::TransferAsked { call, replaces, .. }, _) => {
                match line_does & 0x20 == 0 {
                    true => agent.handle(now, Input::Command(Command::RefuseTransfer(call))),
                    false => follow(agent, now, (call, replaces), local),
                }
            }
            _ => {}
        }
    }
}

/// What the agent said last that a peer has to repeat.
#[derive(Default)]
struct Said {
    tag: String,
    request: String,
}

impl Said {
    fn note(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        if text.starts_with("SIP/2.0 ") {
            let to = head.lines().find(|line| line.starts_with("To: "));
            if let Some((_, tag)) = to.and_then(|to| to.rsplit_once(";tag=")) {
                self.tag = tag.to_owned();
            }
        } else if !text.starts_with("ACK ") {
            let repeated = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
            let repeated = |line: &&str| repeated.iter().any(|name| line.starts_with(name));
            self.request = head.lines().filter(repeated).collect::<Vec<_>>().join("\r\n");
        }
    }

    fn filled(&self, datagram: &[u8]) -> Vec<u8> {
        let mut filled = datagram.to_vec();
        for (name, value) in [("{tag}", &self.tag), ("{request}", &self.request)] {
            if let Some(at) = memchr::memmem::find(&filled, name.as_bytes()) {
                filled.splice(at..at + name.len(), value.bytes());
            }
        }
        filled
    }
}

/// A trunk that may do everything, and one of telephones.
fn policies() -> std::collections::BTreeMap<String, TrunkPolicy> {
    let headers_in = vec!["X-Account".into()];
    let open =
        TrunkPolicy { transfers: true, early_media: true, headers_in, ..TrunkPolicy::default() };
    let users = vec![Credentials { user: "a".into(), secret: "b".into() }];
    let digests = vec![DigestAlgorithm::Sha256, DigestAlgorithm::Md5];
    let phones = Some(Phones { realm: "xenline".into(), digests, users });
    let phones = TrunkPolicy { phones, ..TrunkPolicy::default() };
    [("trunk".to_owned(), open), ("phones".to_owned(), phones)].into()
}

/// Calls the one whom the peer transfers us to.
fn follow(
    agent: &mut Agent,
    now: MonoTime,
    transfer: (CallId, Option<Replaces>),
    local_rtp: SocketAddr,
) {
    let peer = SocketAddr::from(([192, 0, 2, 9], 5080));
    let Some(target) = stack::parse_uri("sip:300@192.0.2.9:5080") else { return };
    let dial = Dial {
        target,
        from: ("<sip:line@192.0.2.1>".into(), "line".into()),
        trunk: Some("trunk".into()),
        local_rtp,
        codecs: [Codec::Pcmu].into(),
        flow: Flow::direct(TransportKind::Udp, peer),
        headers: Vec::new(),
        ways: Vec::new(),
        transfer: Some(transfer),
    };
    // No channel free: the transfer is refused by its own clock.
    let _ = agent.dial(now, dial);
}
