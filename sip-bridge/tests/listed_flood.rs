//! A flood from an address that a trunk lists: it is read at its own rate, and the call of another
//! trunk goes on.
#![allow(clippy::disallowed_methods)] // Real sockets want real time.

mod support;

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use sip_bridge::{AdmissionLimits, BridgeConfig, Trunk};
use support::{Answering, Peer, header, loopback, offer, request};

/// Requests of the running call that are answered beside the flood.
const QUESTIONS: u32 = 20;
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// T1: who got no answer asks again.
const AGAIN: Duration = Duration::from_millis(500);
/// 64·T1.
const GIVE_UP: Duration = Duration::from_secs(32);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_floods_is_throttled_and_a_call_of_another_trunk_goes_on() {
    let trunk = |name: &str, net: &str| Trunk {
        name: name.into(),
        allow: vec![net.parse().expect("a network")],
    };
    let limits = AdmissionLimits {
        trunk_channels: [("flood".to_owned(), 2)].into(),
        calls_per_second: 20,
        ..AdmissionLimits::channels(20)
    };
    let trunks = vec![trunk("loop", "127.0.0.1/32"), trunk("flood", "127.0.0.2/32")];
    let line = Answering::start(BridgeConfig { trunks, limits, ..loopback() }).await;
    let (to, bridge) = (line.address(), line.bridge.clone());
    let talked = tokio::task::spawn_blocking(move || {
        let peer = Peer::new("127.0.0.1:0", to);
        let invite = request("INVITE", &peer, to, 1, "", &offer(6000));
        let answer = ask(&peer, &invite, "1 INVITE");
        let tag = header(&answer, "To").expect("To").split_once(";tag=").expect("a tag").1;
        let tag = format!(";tag={tag}");
        peer.send(&request("ACK", &peer, to, 1, &tag, ""));
        let flood = Flood::start(to);
        let began = Instant::now();
        while bridge.counts().throttled_packets == 0 {
            assert!(began.elapsed() < 2 * GIVE_UP, "the flood is not noticed");
            std::thread::sleep(LOOK_EVERY);
        }
        let mut longest = Duration::ZERO;
        for cseq in 2..2 + QUESTIONS {
            let asked = Instant::now();
            let options = request("OPTIONS", &peer, to, cseq, &tag, "");
            let answer = ask(&peer, &options, &format!("{cseq} OPTIONS"));
            assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
            longest = longest.max(asked.elapsed());
        }
        let throttled = bridge.counts().throttled_packets;
        println!("{throttled} packets were not read; answered within {longest:?}");
        drop(flood);
        let bye = request("BYE", &peer, to, 100_000, &tag, "");
        assert!(ask(&peer, &bye, "100000 BYE").starts_with("SIP/2.0 200 "));
        // The flood has taken the channels of its own trunk, and no other.
        let next = Peer::new("127.0.0.1:0", to);
        let invite = request("INVITE", &next, to, 1, "", &offer(6002));
        assert!(ask(&next, &invite, "1 INVITE").starts_with("SIP/2.0 200 "));
    });
    talked.await.expect("it talked");
    let counts = line.bridge.counts();
    assert_eq!((counts.panics, counts.foreign_packets), (0, 0));
    assert!(counts.calls <= 3, "{counts:?}");
}

/// Sends `message` until its final response comes.
fn ask(peer: &Peer, message: &str, cseq: &str) -> String {
    let began = Instant::now();
    let mut buffer = [0; 65_536];
    peer.socket.set_read_timeout(Some(AGAIN)).expect("a timeout");
    while began.elapsed() < GIVE_UP {
        peer.send(message);
        while let Ok(length) = peer.socket.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if header(&text, "CSeq") == Some(cseq) && !text.starts_with("SIP/2.0 1") {
                return text;
            }
        }
    }
    panic!("no answer to {cseq} within {GIVE_UP:?}");
}

/// Sends INVITEs, questions and noise as fast as it can, until it is dropped.
struct Flood {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Flood {
    fn start(to: std::net::SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let socket = UdpSocket::bind("127.0.0.2:0").expect("an address of loopback");
            for n in 0_u64.. {
                if stopped.load(SeqCst) {
                    return;
                }
                // Loopback refuses nobody for long.
                let _ = socket.send_to(&packet(n), to);
                if n.is_multiple_of(PACKETS_AT_ONCE) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it stops");
        }
    }
}

/// Tens of thousands a second: more than is read of one source, on a busy machine too.
const PACKETS_AT_ONCE: u64 = 60;

fn packet(n: u64) -> Vec<u8> {
    let request = |method: &str, body: &str| {
        format!(
            "{method} sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2;branch=z9hG4bK{n};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{n}@127.0.0.2>;tag={n}\r\nTo: <sip:100@127.0.0.1>\r\n\
             Call-ID: flood-{n}\r\nCSeq: 1 {method}\r\nContact: <sip:{n}@127.0.0.2>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    match n % 4 {
        0 | 1 => request("INVITE", &offer(6004)).into_bytes(),
        2 => request("OPTIONS", "").into_bytes(),
        _ => n.to_le_bytes().repeat(100),
    }
}
