//! Ways in for fuzzers: bytes to everything that reads what a peer sent. Not part of the API.

use core::net::SocketAddr;
use core::time::Duration;

use media_core::{Codec, MonoTime};

use crate::agent::{Agent, AgentConfig, Command, Input, Output};
use crate::event::{BridgeEvent, HangupReason, Rejection};
use crate::message::{Identity, TransportKind};
use crate::negotiation::{Accepted, Offer};
use crate::policy::Policies;
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
    let codecs = [Codec::Pcmu, Codec::Pcma, Codec::G722];
    let Ok(description) = sdp::parse(bytes) else { return };
    if let Ok(accepted) = Accepted::offer(&description, &codecs) {
        let answer = accepted.answer(1, 1, SocketAddr::from(([127, 0, 0, 1], 4000)));
        assert!(sdp::parse(answer.as_bytes()).is_ok(), "our own answer does not parse: {answer}");
    }
    let _ = Offer::new(&codecs).answered(&description);
}

/// A conversation: records of (what the line does, how long it waits, a datagram), each datagram
/// preceded by its length in two bytes. Afterwards nothing may be left.
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
    let mut agent = Agent::new(AgentConfig {
        identity,
        codecs: [Codec::Pcmu].into(),
        channels_max: 8,
        ring_max: Duration::from_secs(60),
        policies: Policies::default(),
        routes: Vec::new(),
        probe_every: Duration::from_secs(30),
        seed: [1; 32],
    });
    let mut now = MonoTime::ZERO;
    while let [line_does, wait, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (datagram, rest) = rest.split_at(length);
        bytes = rest;
        if let Ok(message) = guard::check_datagram(datagram).map(stack::parse)
            && let Ok(message) = message
        {
            let (transport, trunk) = (TransportKind::Udp, Some("trunk"));
            agent.handle(now, Input::Message { transport, source: peer, trunk, message });
        }
        drain(&mut agent, now, *line_does, line);
        now = pass(&mut agent, now, Duration::from_millis(u64::from(*wait) * 100));
    }
    agent.handle(now, Input::Command(Command::HangupAll(HangupReason::Normal)));
    pass(&mut agent, now, Duration::from_secs(300));
    let load = agent.load();
    assert_eq!((load.calls, load.transactions, agent.timers()), (0, 0, 0), "something is left");
}

fn pass(agent: &mut Agent, now: MonoTime, time: Duration) -> MonoTime {
    let end = now + time;
    while let Some(next) = agent.next_timeout().filter(|next| *next <= end) {
        agent.handle(next, Input::Timeout);
        drain(agent, next, 0, SocketAddr::from(([192, 0, 2, 1], 4000)));
    }
    end
}

fn drain(agent: &mut Agent, now: MonoTime, line_does: u8, local: SocketAddr) {
    while let Some(output) = agent.poll_output() {
        if let Output::Event(BridgeEvent::Incoming { call, .. }, _) = output {
            let command = match line_does % 4 {
                0 => continue,
                1 => Command::Answer(call, local),
                2 => Command::Reject(call, Rejection::Busy),
                _ => Command::Hangup(call, HangupReason::Normal),
            };
            agent.handle(now, Input::Command(command));
        }
    }
}
