//! What is and is not on the wire: real sockets on loopback, messages written by hand.
#![allow(clippy::disallowed_methods)] // Real sockets want real time.

mod support;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use sip_bridge::{
    AdmissionLimits, Bridge, BridgeConfig, BridgeEvent, DialError, DialSpec, HangupReason,
    StartError, Trunk,
};
use support::{Answering, PATIENCE, Peer, header, loopback, offer, request};
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_source_gets_no_byte_over_udp() {
    let line = Answering::start(loopback()).await;
    let foreign = Peer::new("127.0.0.2:0", line.address());
    for method in ["INVITE", "OPTIONS", "REGISTER", "BYE"] {
        foreign.send(&request(method, &foreign, line.address(), 1, "", &offer(6000)));
    }
    foreign.send("\r\n\r\n");
    foreign.send("garbage");
    assert!(foreign.is_quiet(Duration::from_millis(300)));
    line.wait(PATIENCE, |line| line.bridge.counts().foreign_packets == 6).await;
    assert!(foreign.is_quiet(Duration::from_millis(10)));
    assert_eq!(line.bridge.counts().transactions, 0);
    // The same from an allowed address is answered.
    let peer = Peer::new("127.0.0.1:0", line.address());
    peer.send(&request("OPTIONS", &peer, line.address(), 1, "", ""));
    peer.receive_status(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_source_gets_no_byte_over_tcp() {
    let config = BridgeConfig { tcp: Some("127.0.0.1:0".parse().unwrap()), ..loopback() };
    let line = Answering::start(config).await;
    let address = line.bridge.local_tcp().unwrap();
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let foreign: SocketAddr = "127.0.0.2:0".parse().unwrap();
    socket.bind(&foreign.into()).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let _ = stream.write_all(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n\r\n\r\n");
    let read = tokio::task::spawn_blocking(move || stream.read(&mut [0; 64])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert_eq!(line.bridge.counts().connections, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ringing_comes_within_50_ms_and_the_answer_when_the_line_gives_it() {
    let (events, mut taken) = mpsc::channel(16);
    let bridge = Bridge::start(loopback(), events).await.unwrap();
    let to = bridge.local_udp().unwrap();
    let peer = Peer::new("127.0.0.1:0", to);
    let ringing = ringing_after(&peer, to);
    let Some(BridgeEvent::Incoming { call, from, to: dialled, trunk, media, .. }) =
        taken.recv().await
    else {
        panic!("no call")
    };
    assert_eq!((from.expose().as_str(), dialled.expose().as_str()), ("caller", "100"));
    assert_eq!(trunk, "loop");
    assert_eq!(media.unwrap().remote_rtp.port(), 6000);
    assert!(peer.is_quiet(Duration::from_millis(100)));
    bridge.answer(call, "127.0.0.1:4000".parse().unwrap());
    let ok = peer.receive_status(200);
    let tag = header(&ok, "To").unwrap().split_once(";tag=").unwrap().1;
    peer.send(&request("ACK", &peer, to, 1, &format!(";tag={tag}"), ""));
    assert!(matches!(taken.recv().await, Some(BridgeEvent::Established { .. })));
    bridge.hangup(call, HangupReason::Normal);
    assert!(peer.receive().starts_with("BYE "));
    assert!(matches!(taken.recv().await, Some(BridgeEvent::Ended { .. })));
    // A machine that is busy only adds to what the bridge takes: the quickest of a few counts.
    let others: Vec<Peer> = (0..4).map(|_| Peer::new("127.0.0.1:0", to)).collect();
    let quickest = others.iter().map(|peer| ringing_after(peer, to)).fold(ringing, Duration::min);
    assert!(quickest < Duration::from_millis(50), "{quickest:?}");
}

/// Calls, and returns how long it was until the bridge rang.
fn ringing_after(peer: &Peer, to: SocketAddr) -> Duration {
    let sent = Instant::now();
    peer.send(&request("INVITE", peer, to, 1, "", &offer(6000)));
    assert!(peer.receive().starts_with("SIP/2.0 100 "));
    assert!(peer.receive().starts_with("SIP/2.0 180 "));
    sent.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_does_not_take_its_events_delays_nobody() {
    let (events, mut taken) = mpsc::channel(1);
    let bridge = Bridge::start(loopback(), events).await.unwrap();
    let to = bridge.local_udp().unwrap();
    let peers: Vec<Peer> = (0..50).map(|_| Peer::new("127.0.0.1:0", to)).collect();
    let ringing: Vec<_> = peers.iter().map(|peer| ringing_after(peer, to)).collect();
    let late = ringing.iter().filter(|after| **after >= Duration::from_millis(400)).count();
    // Events that hold up a call hold up all that come later; the machine holds up one or two.
    assert!(late <= 2, "{late} of 50 calls are held up: {ringing:?}");
    waiting(&bridge, 49).await;
    for _ in 0..50 {
        assert!(matches!(taken.recv().await, Some(BridgeEvent::Incoming { .. })));
    }
    waiting(&bridge, 0).await;
}

/// Waits until so many events wait for the line.
async fn waiting(bridge: &Bridge, events: usize) {
    let deadline = Instant::now() + PATIENCE;
    while bridge.counts().events_waiting != events {
        assert!(Instant::now() < deadline, "{:?}", bridge.counts());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_get_400_or_nothing_and_the_next_call_works() {
    let line = Answering::start(loopback()).await;
    let to = line.address();
    let peer = Peer::new("127.0.0.1:0", to);
    let good = request("OPTIONS", &peer, to, 1, "", "");
    for (cseq, bad) in [
        good.replace("Content-Length: 0", "Content-Length: 9999"),
        good.replace("Content-Length: 0", "Content-Length: -1"),
        good.replace("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 0"),
    ]
    .iter()
    .enumerate()
    {
        peer.send(&bad.replace("branch=z9hG4bK", &format!("branch=z9hG4bKbad{cseq}")));
        peer.receive_status(400);
    }
    for bad in
        ["OPTIONS\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", "\0\0\0", "INVITE <sip:a@b> SIP/2.0\r\n\r\n"]
    {
        peer.send(bad);
    }
    assert!(peer.is_quiet(Duration::from_millis(100)));
    peer.send(&good);
    peer.receive_status(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_bridges_call_each_other_over_udp_and_tcp() {
    for transport in ["udp", "tcp"] {
        let tcp = Some("127.0.0.1:0".parse().unwrap());
        let line = Answering::start(BridgeConfig { tcp, ..loopback() }).await;
        let (events, mut taken) = mpsc::channel(16);
        // A softphone: nobody may call it, and yet it hears whom it dials.
        let config = BridgeConfig { tcp, trunks: Vec::new(), ..loopback() };
        let phone = Bridge::start(config, events).await.unwrap();
        let port = match transport {
            "udp" => line.address().port(),
            _ => line.bridge.local_tcp().unwrap().port(),
        };
        let spec = DialSpec {
            target: format!("sip:100@127.0.0.1:{port};transport={transport}"),
            from: "200".into(),
            local_rtp: "127.0.0.1:5000".parse().unwrap(),
            codecs: vec![media_core::Codec::Pcma],
            headers: Vec::new(),
        };
        let call = phone.dial(spec).await.unwrap();
        assert!(matches!(taken.recv().await, Some(BridgeEvent::Ringing { call: c }) if c == call));
        let Some(BridgeEvent::Established { media, .. }) = taken.recv().await else { panic!() };
        assert_eq!(media.codec, media_core::Codec::Pcma);
        assert_eq!(media.remote_rtp.port(), 4000);
        phone.hangup(call, HangupReason::Normal);
        assert!(matches!(taken.recv().await, Some(BridgeEvent::Ended { .. })));
        let ended = |event: &BridgeEvent| matches!(event, BridgeEvent::Ended { .. });
        line.wait(PATIENCE, |line| line.count(ended) == 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_ends_the_calls_that_are_left() {
    let (events, mut taken) = mpsc::channel(16);
    let bridge = Bridge::start(loopback(), events).await.unwrap();
    let to = bridge.local_udp().unwrap();
    let peer = Peer::new("127.0.0.1:0", to);
    peer.send(&request("INVITE", &peer, to, 1, "", &offer(6000)));
    taken.recv().await.unwrap();
    bridge.drain();
    let late = Peer::new("127.0.0.1:0", to);
    late.send(&request("INVITE", &late, to, 1, "", &offer(6000)));
    late.receive_status(503);
    bridge.shutdown(Duration::from_millis(50)).await;
    peer.receive_status(480);
    std::net::UdpSocket::bind(to).expect("the port is free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_taken_off_the_list_is_not_heard_any_more() {
    let line = Answering::start(loopback()).await;
    let to = line.address();
    let peer = Peer::new("127.0.0.1:0", to);
    let other = Trunk { name: "other".into(), allow: vec!["192.0.2.0/24".parse().unwrap()] };
    let limits = AdmissionLimits::channels(1);
    line.bridge.configure(&[other], BTreeMap::new(), Vec::new(), limits).expect("no bug");
    peer.send(&request("OPTIONS", &peer, to, 1, "", ""));
    assert!(peer.is_quiet(Duration::from_millis(200)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_are_told_with_what_to_do() {
    let (events, _taken) = mpsc::channel(1);
    let nothing = BridgeConfig { udp: None, tcp: None, ..loopback() };
    assert!(matches!(Bridge::start(nothing, events.clone()).await, Err(StartError::NoListener)));
    let first = Bridge::start(loopback(), events.clone()).await.unwrap();
    let taken_port = BridgeConfig { udp: first.local_udp(), ..loopback() };
    let error = Bridge::start(taken_port, events).await.err().unwrap();
    assert!(error.to_string().contains("is the port taken"), "{error}");
    let spec = |target: &str| DialSpec {
        target: target.into(),
        from: "me".into(),
        local_rtp: "127.0.0.1:5000".parse().unwrap(),
        codecs: vec![media_core::Codec::Pcmu],
        headers: Vec::new(),
    };
    for target in ["", "nonsense", "sip:", "sip:a@b\r\nX: y", "sip:a b@c"] {
        let dialled = first.dial(spec(target)).await;
        assert!(matches!(dialled, Err(DialError::BadTarget(_))), "{target:?}: {dialled:?}");
    }
    let v6 = first.dial(spec("sip:a@[::1]:5060")).await;
    assert!(matches!(v6, Err(DialError::NoListener { .. })), "{v6:?}");
    let tls = first.dial(spec("sips:a@127.0.0.1")).await;
    assert!(matches!(tls, Err(DialError::NoListener { transport: "tls", .. })), "{tls:?}");
    let tcp = first.dial(spec("sip:a@127.0.0.1;transport=tcp")).await;
    assert!(matches!(tcp, Err(DialError::NoListener { transport: "tcp", .. })), "{tcp:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_n_channels_call_n_plus_1_is_busy_and_a_foreign_codec_not_acceptable() {
    let line =
        Answering::start(BridgeConfig { limits: AdmissionLimits::channels(1), ..loopback() }).await;
    let to = line.address();
    let (first, second) = (Peer::new("127.0.0.1:0", to), Peer::new("127.0.0.1:0", to));
    let g729 = offer(6000).replace("AVP 0 101", "AVP 18").replace("0 PCMU", "18 G729");
    second.send(&request("INVITE", &second, to, 1, "", &g729));
    second.receive_status(488);
    first.send(&request("INVITE", &first, to, 1, "", &offer(6000)));
    first.receive_status(200);
    second.send(&request("INVITE", &second, to, 2, "", &offer(6000)));
    second.receive_status(486);
    let refused = |event: &BridgeEvent| matches!(event, BridgeEvent::Refused { .. });
    line.wait(PATIENCE, |line| line.count(refused) == 2).await;
}
