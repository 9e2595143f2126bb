//! What a call costs: memory while it stands, time to set it up. Prints both.
#![allow(clippy::disallowed_methods)]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use support::{Answering, PATIENCE, Peer, header, loopback, offer};

/// Counts the bytes that are allocated.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed to the system allocator unchanged; only a counter is kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise about `pointer` and `layout` is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn invite(peer: &Peer, number: usize, to: std::net::SocketAddr) -> String {
    let (local, body) = (peer.local(), offer(6000));
    format!(
        "INVITE sip:100@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKi{number};rport\r\n\
         Record-Route: <sip:{local};r2=on;lr>\r\nRecord-Route: <sip:10.255.0.1;r2=on;lr>\r\n\
         From: \"A Caller\" <sip:+15550100{number}@{local}>;tag=t{number}\r\nTo: <sip:100@{to}>\r\n\
         Call-ID: {number}@memory\r\nCSeq: 1 INVITE\r\nContact: <sip:c@{local}>\r\nMax-Forwards: 70\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn follow(method: &str, cseq: u32, invite: &str, ok: &str, number: usize) -> String {
    format!(
        "{method} sip:xenline@127.0.0.1 SIP/2.0\r\nVia: {};{method}\r\nFrom: {}\r\nTo: {}\r\n\
         Call-ID: {number}@memory\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n",
        header(invite, "Via").unwrap().replace("z9hG4bKi", &format!("z9hG4bK{method}")),
        header(invite, "From").unwrap(),
        header(ok, "To").unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_small_and_quickly_set_up() {
    const CALLS: usize = 500;
    let line = Answering::start(loopback()).await;
    let to = line.address();
    let peer = Peer::new("127.0.0.1:0", to);
    let mut dialogs = Vec::with_capacity(CALLS);
    let mut setup = Vec::with_capacity(CALLS);
    for number in 0..20 {
        call(&peer, number, to, &mut dialogs, &mut setup); // Warm up.
    }
    let before = live(&line, &dialogs);
    for number in 20..CALLS {
        call(&peer, number, to, &mut dialogs, &mut setup);
    }
    line.wait(PATIENCE, |line| line.bridge.active_calls() == CALLS).await;
    let per_call = (live(&line, &dialogs) - before) / (CALLS - 20);
    setup.sort();
    println!(
        "memory per call, transactions included: {per_call} bytes; INVITE to 200 over loopback: \
         p50 {:?}, p99 {:?}",
        setup[CALLS / 2],
        setup[CALLS * 99 / 100]
    );
    assert!(per_call < 20 * 1024, "{per_call} bytes per call");
    for (number, (invite, ok)) in dialogs.iter().enumerate() {
        peer.send(&follow("BYE", 2, invite, ok, number));
        peer.receive_status(200);
    }
    line.wait(PATIENCE, |line| line.bridge.active_calls() == 0).await;
}

/// Bytes that neither the test nor its record of events holds.
fn live(line: &Answering, dialogs: &[(String, String)]) -> usize {
    line.seen.lock().unwrap().events = Vec::new();
    let ours: usize = dialogs.iter().map(|(a, b)| a.capacity() + b.capacity()).sum();
    LIVE.load(Ordering::Relaxed) - ours
}

fn call(
    peer: &Peer,
    number: usize,
    to: std::net::SocketAddr,
    dialogs: &mut Vec<(String, String)>,
    setup: &mut Vec<Duration>,
) {
    let invite = invite(peer, number, to);
    let sent = Instant::now();
    peer.send(&invite);
    let ok = peer.receive_status(200);
    setup.push(sent.elapsed());
    peer.send(&follow("ACK", 1, &invite, &ok, number));
    dialogs.push((invite, ok));
}
