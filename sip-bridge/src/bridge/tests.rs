//! The shell where its core has a bug, and where nobody says a word.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Bridge, DialError, NotConfigured};
use crate::acl::Trunk;
use crate::admission::AdmissionLimits;
use crate::config::{BridgeConfig, DialSpec};
use crate::event::HangupReason;

fn loopback() -> Trunk {
    Trunk { name: "t".into(), allow: vec!["127.0.0.1/32".parse().expect("a network")] }
}

/// Sends a request of `method` and returns what comes back, if anything does in time.
fn asked(socket: &UdpSocket, method: &str, number: u32) -> Option<String> {
    let own = socket.local_addr().expect("bound");
    let request = format!(
        "{method} sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{number};rport\r\n\
         From: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:100@127.0.0.1>\r\nCall-ID: {number}@test\r\n\
         CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send(request.as_bytes()).expect("sent");
    let mut buffer = [0; 2048];
    let length = socket.recv(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_the_core_is_counted_and_the_next_request_is_answered() {
    let (events, _taken) = mpsc::channel(16);
    let udp = "127.0.0.1:0".parse().ok();
    let config = BridgeConfig { udp, trunks: vec![loopback()], ..BridgeConfig::default() };
    let bridge = Bridge::start(config, events).await.expect("it starts");
    let line = bridge.local_udp().expect("it listens");
    let answers = tokio::task::spawn_blocking(move || {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.connect(line).expect("loopback");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        let panicked = asked(&socket, "PANIC", 1);
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        (panicked, asked(&socket, "OPTIONS", 2))
    });
    let (panicked, answered) = answers.await.expect("asked");
    assert_eq!(panicked, None);
    assert!(answered.is_some_and(|answer| answer.starts_with("SIP/2.0 200 ")));
    assert_eq!(bridge.counts().panics, 1);
    bridge.shutdown(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_over_a_call_out_or_a_configuration_is_told_and_the_next_one_works() {
    let (events, _taken) = mpsc::channel(16);
    let udp = "127.0.0.1:0".parse().ok();
    let config = BridgeConfig { udp, trunks: vec![loopback()], ..BridgeConfig::default() };
    let bridge = Bridge::start(config, events).await.expect("it starts");
    let nobody = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let to = |user: &str| DialSpec {
        target: format!("sip:{user}@{}", nobody.local_addr().expect("bound")),
        from: "100".into(),
        local_rtp: "127.0.0.1:4000".parse().expect("an address"),
        codecs: Vec::new(),
        headers: Vec::new(),
    };
    assert!(matches!(bridge.dial(to("PANIC")).await, Err(DialError::Bug)));
    bridge.dial(to("200")).await.expect("another call is placed");
    let configure = |name: &str| {
        let trunks = [Trunk { name: name.into(), ..loopback() }];
        let limits = AdmissionLimits::channels(1);
        bridge.configure(&trunks, BTreeMap::new(), Vec::new(), limits)
    };
    assert_eq!(configure("PANIC"), Err(NotConfigured));
    assert_eq!(configure("another"), Ok(()));
    let counts = bridge.counts();
    assert_eq!((counts.panics, counts.calls), (2, 1));
    bridge.abandon_all(HangupReason::Shutdown);
    bridge.shutdown(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_over_which_nothing_is_said_is_closed() {
    let (events, _taken) = mpsc::channel(16);
    let tcp = "127.0.0.1:0".parse().ok();
    let config = BridgeConfig { tcp, trunks: vec![loopback()], ..BridgeConfig::default() };
    let bridge = Bridge::start(config, events).await.expect("it starts");
    let line = bridge.local_tcp().expect("it listens");
    let closed = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(line).expect("loopback");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        stream.read(&mut [0; 16])
    });
    assert_eq!(closed.await.expect("asked").expect("no timeout"), 0);
    bridge.shutdown(Duration::ZERO).await;
}
