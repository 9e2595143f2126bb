//! The bridge against SIPp: many calls at once, set up and torn down.
#![allow(clippy::disallowed_methods)]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use sip_bridge::{BridgeConfig, BridgeEvent, HangupReason};
use support::{Answering, PATIENCE, loopback};
use tokio::sync::Mutex;

/// One load at a time: two at once are late because of each other.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Runs `sipp` with `scenario` against `target`.
async fn sipp(scenario: &str, target: SocketAddr, arguments: &[&str]) -> Output {
    let _alone = ALONE.lock().await;
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp").join(scenario);
    let scratch = tempfile::tempdir().unwrap();
    let mut command = Command::new("sipp");
    command.current_dir(scratch.path()).arg("-sf").arg(scenario).arg(target.to_string());
    command.args(["-i", "127.0.0.1", "-p", &free_port().to_string(), "-nostdin"]);
    command.args(["-trace_stat", "-stf", "stat.csv", "-timeout", "60s", "-timeout_error"]);
    command.args(arguments);
    let run = tokio::task::spawn_blocking(move || {
        let output = command.output();
        (output, std::fs::read_to_string(scratch.path().join("stat.csv")).unwrap_or_default())
    });
    let (output, statistics) = run.await.unwrap();
    let mut output = output.unwrap_or_else(|error| {
        panic!(
            "sipp cannot be run ({error}): install the package sip-tester (scripts/setup.sh test)"
        )
    });
    output.stdout = statistics.into_bytes();
    output
}

/// A port of its own for each SIPp: by default all of them would take turns on 5060.
fn free_port() -> u16 {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The last value of a column of SIPp's statistics.
fn statistic(output: &Output, column: &str) -> u64 {
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().next().unwrap_or_default().split(';');
    let index = names.into_iter().position(|name| name == column).expect("column");
    let last = text.lines().last().unwrap_or_default();
    last.split(';').nth(index).and_then(|value| value.parse().ok()).expect("value")
}

/// Every call succeeds. Returns how often SIPp sent something again.
fn retransmissions(output: &Output, calls: u64) -> u64 {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(statistic(output, "SuccessfulCall(C)"), calls);
    assert_eq!(statistic(output, "FailedCall(C)"), 0);
    statistic(output, "Retransmissions(C)")
}

/// Two hundred calls at once on a line that takes `pause` for each event, without a retransmission.
/// SIPp sends again what was not answered in half a second, be it for a machine that stood still:
/// that happens now and then, and not each time.
async fn two_hundred_calls(pause: Duration) -> Answering {
    let mut again = Vec::new();
    for _ in 0..3 {
        let line = Answering::start_slow(loopback(), pause).await;
        let arguments = ["-m", "200", "-l", "200", "-r", "200", "-d", "2500"];
        let output = sipp("caller.xml", line.address(), &arguments).await;
        again.push(retransmissions(&output, 200));
        if again.last() == Some(&0) {
            return line;
        }
    }
    panic!("retransmissions in each of three runs: {again:?}");
}

fn established(event: &BridgeEvent) -> bool {
    matches!(event, BridgeEvent::Established { .. })
}

fn ended(event: &BridgeEvent) -> bool {
    matches!(event, BridgeEvent::Ended { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_calls_at_once_come_and_go_without_a_retransmission() {
    let line = two_hundred_calls(Duration::ZERO).await;
    line.wait(PATIENCE, |line| line.count(ended) == 200).await;
    assert_eq!(line.bridge.active_calls(), 0);
    println!("200 calls at once, set-up rate 200/s: no retransmission, none failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_takes_its_time_causes_no_retransmission() {
    two_hundred_calls(Duration::from_millis(3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_come_over_tcp_too() {
    let config = BridgeConfig { tcp: Some("127.0.0.1:0".parse().unwrap()), ..loopback() };
    let line = Answering::start(config).await;
    let target = line.bridge.local_tcp().unwrap();
    // One connection for all calls, then one for each.
    for transport in ["t1", "tn"] {
        let arguments =
            ["-t", transport, "-m", "50", "-l", "50", "-r", "50", "-d", "500", "-max_socket", "60"];
        let output = sipp("caller.xml", target, &arguments).await;
        assert_eq!(retransmissions(&output, 50), 0, "TCP does that itself");
    }
    line.wait(PATIENCE, |line| line.count(ended) == 100).await;
    line.wait(PATIENCE, |line| line.bridge.counts().connections == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_that_vanish_leave_nothing_behind() {
    let line = Answering::start(loopback()).await;
    let arguments = ["-m", "100", "-r", "200"];
    sipp("vanish.xml", line.address(), &arguments).await;
    // SIPp is gone before the line has read its last ACKs.
    line.wait(PATIENCE, |line| line.count(established) == 100).await;
    assert_eq!(line.bridge.active_calls(), 100);
    // What the line's media watchdog does.
    for event in &line.seen.lock().unwrap().events {
        if let BridgeEvent::Established { call, .. } = event {
            line.bridge.hangup(*call, HangupReason::MediaTimeout);
        }
    }
    assert_eq!(line.bridge.active_calls(), 0);
    // BYEs that nobody answers are given up at 64·T1.
    let empty = |line: &Answering| {
        let counts = line.bridge.counts();
        (counts.transactions, counts.timers) == (0, 0)
    };
    line.wait(Duration::from_secs(40), empty).await;
}
