//! The agent in virtual time: messages go in as text through guard and stack, as they would from
//! the wire, and come out as text. No sockets, no clock.

mod callers;
mod early;
mod in_dialog;
mod inbound;
mod keeping;
mod nothing_left;
mod outbound;
mod phones;
mod proving;
mod refusals;
mod reliable;
mod replaces;
mod routes;
mod routing;
mod torture;
mod transfers;
mod ways;

use core::fmt::Write as _;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;

use media_core::{Codec, MonoTime};

use super::{Agent, AgentConfig, Command, Dial, Input, Output};
use crate::admission::AdmissionLimits;
use crate::event::{BridgeEvent, CallId, CallOutcome};
use crate::flow::Flow;
use crate::message::{Identity, TransportKind};
use crate::negotiation::{MediaTerms, Terms};
use crate::policy::Policies;
use crate::{guard, stack};

const LINE: &str = "192.0.2.1:5060";
const PEER: &str = "192.0.2.9:5080";
const RTP: &str = "192.0.2.1:4000";

/// An agent, the time, and what it did.
struct Simulation {
    agent: Agent,
    now: MonoTime,
    transport: TransportKind,
    sent: VecDeque<(SocketAddr, String)>,
    events: VecDeque<BridgeEvent>,
}

impl Simulation {
    fn new() -> Self {
        Self::with_channels(10)
    }

    fn with_channels(channels_max: usize) -> Self {
        Self::with_limits(AdmissionLimits::channels(channels_max))
    }

    fn with_limits(limits: AdmissionLimits) -> Self {
        let line: SocketAddr = address(LINE);
        let identity = Identity {
            udp: Some(line),
            tcp: Some(line),
            tls: Some(SocketAddr::new(line.ip(), 5061)),
            media_ip: line.ip(),
            user_agent: "xenline/test".into(),
        };
        let agent = Agent::new(AgentConfig {
            identity,
            terms: Terms::new(
                MediaTerms {
                    codecs: vec![Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus],
                    ..MediaTerms::default()
                },
                Vec::new(),
            ),
            limits,
            ring_max: Duration::from_secs(120),
            next_way_after: Duration::from_secs(4),
            policies: Policies::of_trunks(["trunk", "other"], Default::default()),
            routes: Vec::new(),
            probe_every: Duration::from_secs(30),
            seed: [7; 32],
        });
        let (sent, events) = (VecDeque::new(), VecDeque::new());
        Self {
            agent,
            now: MonoTime::from_millis(1_000),
            transport: TransportKind::Udp,
            sent,
            events,
        }
    }

    fn over_tcp() -> Self {
        Self { transport: TransportKind::Tcp, ..Self::new() }
    }

    /// Delivers `text` from the peer. What the guard refuses is a mistake of the test.
    fn receive(&mut self, text: &str) {
        self.receive_from(PEER, Some("trunk"), text);
    }

    fn receive_from(&mut self, source: &str, trunk: Option<&str>, text: &str) {
        let bytes = guard::check_datagram(text.as_bytes()).expect("guard");
        let message = stack::parse(bytes).expect("grammar");
        let (transport, source) = (self.transport, address(source));
        self.agent.handle(self.now, Input::Message { transport, source, trunk, message });
        self.drain();
    }

    fn command(&mut self, command: Command) {
        self.agent.handle(self.now, Input::Command(command));
        self.drain();
    }

    fn dial(&mut self) -> CallId {
        let call = self.agent.dial(self.now, Self::dial_of(self.transport)).expect("admission");
        self.drain();
        call
    }

    /// A call to the peer.
    fn dial_of(transport: TransportKind) -> Dial {
        Dial {
            target: stack::parse_uri("sip:200@192.0.2.9:5080").unwrap(),
            from: ("<sip:line@192.0.2.1>".into(), "line".into()),
            trunk: None,
            local_rtp: address(RTP),
            codecs: [Codec::Pcmu].into(),
            flow: Flow::direct(transport, address(PEER)),
            headers: Vec::new(),
            ways: Vec::new(),
            transfer: None,
        }
    }

    /// Lets time pass, waking the agent exactly when it wants to be.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.agent.next_timeout().filter(|next| *next <= end) {
            assert!(next >= self.now || next == self.now, "a timer in the past");
            self.now = self.now.max(next);
            self.agent.handle(self.now, Input::Timeout);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Send { flow, bytes } => {
                    let text = String::from_utf8(bytes.to_vec()).expect("we write UTF-8");
                    let guarded = guard::check_datagram(text.as_bytes()).map(<[u8]>::len);
                    assert_eq!(guarded, Ok(text.len()), "our guard refuses our own: {text}");
                    assert!(stack::parse(text.as_bytes()).is_ok(), "ours does not parse: {text}");
                    self.sent.push_back((flow.peer, text));
                }
                Output::Event(event, _) => self.events.push_back(event),
            }
        }
    }

    /// The next message sent.
    fn next(&mut self) -> String {
        self.sent.pop_front().expect("nothing was sent").1
    }

    /// The next message, which must begin with `start`.
    fn expect(&mut self, start: &str) -> String {
        let message = self.next();
        assert!(message.starts_with(start), "expected {start}, got:\n{message}");
        message
    }

    fn expect_silence(&self) {
        assert!(self.sent.is_empty(), "unexpected: {:#?}", self.sent);
    }

    fn event(&mut self) -> BridgeEvent {
        self.events.pop_front().expect("no event")
    }

    fn expect_ended(&mut self) -> CallOutcome {
        match self.event() {
            BridgeEvent::Ended { outcome, .. } => outcome,
            other => panic!("expected Ended, got {other:?}"),
        }
    }

    /// A call comes in and rings.
    fn ring(&mut self, invite: &Message) -> CallId {
        self.receive(&invite.text());
        self.expect("SIP/2.0 100 ");
        self.expect("SIP/2.0 180 ");
        match self.event() {
            BridgeEvent::Incoming { call, .. } => call,
            other => panic!("expected Incoming, got {other:?}"),
        }
    }

    /// A call comes in and is answered; the 200 is returned.
    fn answer(&mut self, invite: &Message) -> (CallId, String) {
        let call = self.ring(invite);
        self.command(Command::Answer(call, address(RTP)));
        (call, self.expect("SIP/2.0 200 "))
    }

    /// A call comes in, is answered and acknowledged.
    fn establish(&mut self, invite: &Message) -> (CallId, Message) {
        let (call, ok) = self.answer(invite);
        let in_dialog = invite.in_dialog(&ok);
        self.receive(&in_dialog.request("ACK", 1).text());
        assert!(matches!(self.event(), BridgeEvent::Established { .. }));
        (call, in_dialog)
    }
}

/// A request of the peer, changed field by field.
#[derive(Clone)]
struct Message {
    method: &'static str,
    call_id: String,
    branch: String,
    cseq: u32,
    to_tag: String,
    extra: String,
    content_type: &'static str,
    body: String,
}

impl Message {
    fn invite(call_id: &str) -> Self {
        Self {
            method: "INVITE",
            call_id: call_id.into(),
            branch: format!("z9hG4bK{call_id}1"),
            cseq: 1,
            to_tag: String::new(),
            extra: String::new(),
            content_type: "application/sdp",
            body: sdp("192.0.2.9", 6000, "sendrecv"),
        }
    }

    fn with_extra(mut self, extra: &str) -> Self {
        self.extra = extra.into();
        self
    }

    fn with_body(mut self, body: &str) -> Self {
        self.body = body.into();
        self
    }

    /// Takes the To tag of `response` over, for what follows in the dialog.
    fn in_dialog(&self, response: &str) -> Self {
        let tag = header(response, "To").split(";tag=").nth(1).expect("To tag");
        Self { to_tag: format!(";tag={tag}"), extra: String::new(), ..self.clone() }
    }

    /// Another request of the dialog, without body.
    fn request(&self, method: &'static str, cseq: u32) -> Self {
        let branch = format!("z9hG4bK{}{cseq}{method}", self.call_id);
        Self { method, cseq, branch, body: String::new(), ..self.clone() }
    }

    /// The CANCEL of this INVITE, or the ACK of its refusal: the same branch and CSeq.
    fn same_branch(&self, method: &'static str) -> Self {
        Self { method, body: String::new(), ..self.clone() }
    }

    fn text(&self) -> String {
        let Self { method, branch, to_tag, call_id, cseq, extra, body, .. } = self;
        let mut text = format!(
            "{method} sip:100@{LINE} SIP/2.0\r\nVia: SIP/2.0/UDP {PEER};branch={branch};rport\r\n\
             From: \"A <caller>\" <sip:caller@192.0.2.9>;tag=peertag\r\nTo: <sip:100@{LINE}>{to_tag}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:caller@{PEER}>\r\n\
             Max-Forwards: 70\r\n{extra}"
        );
        if !body.is_empty() {
            let _ = write!(text, "Content-Type: {}\r\n", self.content_type);
        }
        let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
        text
    }
}

/// A response of the peer to `request` of ours.
fn response(request: &str, status: u16, to_tag: &str, extra: &str, body: &str) -> String {
    let mut text = format!("SIP/2.0 {status} Whatever\r\n");
    for name in ["Via", "From", "Call-ID", "CSeq"] {
        let _ = write!(text, "{name}: {}\r\n", header(request, name));
    }
    let to = header(request, "To");
    let tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let _ = write!(text, "To: {to}{tag}\r\nContact: <sip:callee@10.9.9.9:5090>\r\n{extra}");
    if !body.is_empty() {
        text.push_str("Content-Type: application/sdp\r\n");
    }
    let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
    text
}

/// The value of the first header `name`.
fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let mut lines = message.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

/// Every value of header `name`.
fn headers<'a>(message: &'a str, name: &str) -> Vec<&'a str> {
    let lines = message.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

fn sdp(ip: &str, port: u16, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    )
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("address")
}
