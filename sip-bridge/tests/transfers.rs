//! Transfers over sockets: three bridges on loopback, each with a line of its own.
#![allow(clippy::disallowed_methods)]

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use sip_bridge::{Bridge, BridgeEvent, CallId, DialSpec, ReferTarget, TransferResult, TrunkPolicy};
use support::loopback;
use tokio::sync::mpsc;

const STEP: Duration = Duration::from_secs(10);

/// A bridge and what it tells.
struct Line {
    bridge: Bridge,
    events: mpsc::Receiver<BridgeEvent>,
}

impl Line {
    async fn open(policy: TrunkPolicy) -> Self {
        let (told, events) = mpsc::channel(64);
        let policies = BTreeMap::from([("loop".into(), policy)]);
        let config = sip_bridge::BridgeConfig { policies, ..loopback() };
        Self { bridge: Bridge::start(config, told).await.expect("start"), events }
    }

    fn address(&self) -> SocketAddr {
        self.bridge.local_udp().expect("it listens")
    }

    /// The next event for which `pick` has something.
    async fn wait<T>(&mut self, what: &str, pick: impl Fn(&BridgeEvent) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("the bridge is there");
                if let Some(found) = pick(&event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(STEP, found).await.unwrap_or_else(|_| panic!("in vain: {what}"))
    }

    /// Takes a call, with its RTP at `port`.
    async fn take(&mut self, port: u16) -> CallId {
        let call = self
            .wait("a call", |event| match event {
                BridgeEvent::Incoming { call, .. } => Some(*call),
                _ => None,
            })
            .await;
        self.bridge.answer(call, rtp(port));
        self.established(call).await;
        call
    }

    async fn established(&mut self, call: CallId) {
        let is = |event: &BridgeEvent| matches!(event, BridgeEvent::Established { call: it, .. } if *it == call);
        self.wait("an answer", |event| is(event).then_some(())).await;
    }

    async fn dial(&self, user: &str, to: SocketAddr, port: u16) -> CallId {
        let spec = DialSpec {
            target: format!("sip:{user}@{to}"),
            from: "me".into(),
            local_rtp: rtp(port),
            codecs: vec![media_core::Codec::Pcmu],
            headers: Vec::new(),
        };
        self.bridge.dial(spec).await.expect("dial")
    }

    /// Whichever of them ends first.
    async fn both_ended(&mut self, calls: [CallId; 2]) {
        let ended = |event: &BridgeEvent| match event {
            BridgeEvent::Ended { call, .. } if calls.contains(call) => Some(*call),
            _ => None,
        };
        let first = self.wait("an end", ended).await;
        let second = self.wait("another end", ended).await;
        assert_ne!(first, second);
    }

    async fn ended(&mut self, call: CallId) {
        let is = |event: &BridgeEvent| matches!(event, BridgeEvent::Ended { call: it, .. } if *it == call);
        self.wait("an end", |event| is(event).then_some(())).await;
    }
}

fn rtp(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_puts_the_line_through_and_the_conversation_goes_on_there() {
    let may = TrunkPolicy { transfers: true, ..TrunkPolicy::default() };
    let (mut line, mut caller) = (Line::open(may).await, Line::open(TrunkPolicy::default()).await);
    let called = caller.dial("100", line.address(), 5000).await;
    let call = line.take(4000).await;
    caller.established(called).await;
    caller.bridge.refer(called, ReferTarget::Number("300".into()));
    let number = line
        .wait("the transfer", |event| match event {
            BridgeEvent::TransferAsked { number, .. } => Some(number.expose().clone()),
            _ => None,
        })
        .await;
    assert_eq!(number, "300");
    // The trunk has no address of its own here: the call goes to where the caller is at home.
    let refused = line.bridge.follow_transfer(CallId(99), "300", None, "100");
    assert!(refused.is_err(), "no such call asked");
    let to = line.bridge.follow_transfer(call, "300", None, "100").expect("it leaves");
    caller.take(5002).await;
    let moved = line
        .wait("the move", |event| match event {
            BridgeEvent::Moved { from, to, media, .. } => Some((*from, *to, media.remote_rtp)),
            _ => None,
        })
        .await;
    assert_eq!(moved, (call, to, rtp(5002)));
    let result = caller
        .wait("its outcome", |event| match event {
            BridgeEvent::TransferEnded { result, .. } => Some(*result),
            _ => None,
        })
        .await;
    assert_eq!(result, TransferResult::Done);
    line.ended(call).await;
    assert_eq!(line.bridge.active_calls(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_callers_of_the_line_are_put_through_to_each_other() {
    let mut line = Line::open(TrunkPolicy::default()).await;
    let may = TrunkPolicy { transfers: true, ..TrunkPolicy::default() };
    let (mut first, mut second) = (Line::open(may).await, Line::open(TrunkPolicy::default()).await);
    let first_call = first.dial("100", line.address(), 5000).await;
    let at_first = line.take(4000).await;
    first.established(first_call).await;
    let second_call = second.dial("100", line.address(), 6000).await;
    let at_second = line.take(4002).await;
    second.established(second_call).await;

    line.bridge.refer(at_first, ReferTarget::Call(at_second));
    let (target, replaces) = first
        .wait("the transfer", |event| match event {
            BridgeEvent::TransferAsked { target, replaces, .. } => {
                Some((target.expose().clone(), replaces.clone().expect("attended")))
            }
            _ => None,
        })
        .await;
    let attended = Some((target.as_str(), replaces));
    let to =
        first.bridge.follow_transfer(first_call, "xenline", attended, "me").expect("it leaves");
    let moved = |event: &BridgeEvent| match event {
        BridgeEvent::Moved { from, media, .. } => Some((*from, media.remote_rtp)),
        _ => None,
    };
    // Each hears the other at the socket that it always had.
    assert_eq!(second.wait("the move", moved).await, (second_call, rtp(5000)));
    assert_eq!(first.wait("the move", moved).await, (first_call, rtp(6000)));
    line.both_ended([at_first, at_second]).await;
    assert_eq!(line.bridge.active_calls(), 0);
    // What the line ended is over for them once its goodbyes arrive.
    first.ended(first_call).await;
    second.ended(second_call).await;
    assert_eq!((first.bridge.active_calls(), second.bridge.active_calls()), (1, 1));
    first.bridge.hangup(to, sip_bridge::HangupReason::Normal);
    first.ended(to).await;
}
