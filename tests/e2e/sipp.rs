//! SIPp calls: by the hundred, and from phones that vanish. Nothing may be left afterwards.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use xenline::config::Config;

use crate::support::line::Serving;
use crate::support::process::{Held, Ran, held, need, resident_kb, run, udp_ports};
use crate::support::{alone, figure, wait_until};

const RTP_PORTS: std::ops::RangeInclusive<u16> = 13_000..=14_999;
/// A BYE that nobody answers is sent again for 32 s (64·T1, RFC 3261 §17.1.2.2).
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(60);
/// What a run may leave in the allocator's hands after the one before it has warmed it up.
const GROWTH_KB_MAX: u64 = 2_048;

fn many(config: &mut Config) {
    config.sip.channels = 250;
    (config.rtp.port_min, config.rtp.port_max) = (*RTP_PORTS.start(), *RTP_PORTS.end());
}

/// The statistics of a run of SIPp; its last line counts.
pub struct Statistics(String);

impl Statistics {
    pub fn count(&self, column: &str) -> u64 {
        let mut lines = self.0.lines();
        let names = lines.next().unwrap_or_default().split(';');
        let index = names.into_iter().position(|name| name == column).expect("a column");
        let last = lines.next_back().unwrap_or_default();
        last.split(';').nth(index).and_then(|value| value.parse().ok()).expect("a number")
    }
}

pub fn sipp(scenario: &str, line: &Serving, arguments: &[&str]) -> (Ran, Statistics) {
    need("sipp", "sip-tester");
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp").join(scenario);
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new("sipp");
    command.current_dir(scratch.path()).env("TERM", "dumb").arg("-sf").arg(scenario);
    command.arg(line.sip.to_string()).args(["-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin"]);
    command.args(["-trace_stat", "-stf", "stat.csv", "-trace_err", "-error_file", "errors.log"]);
    command.args(["-timeout", "90s", "-timeout_error"]).args(arguments);
    let ran = run(command, Duration::from_secs(120));
    let read = |file: &str| std::fs::read_to_string(scratch.path().join(file)).unwrap_or_default();
    assert!(ran.code == Some(0), "sipp ended with {:?}:\n{}", ran.code, read("errors.log"));
    (ran, Statistics(read("stat.csv")))
}

#[test]
fn two_hundred_calls_at_once_come_and_go_without_a_retransmission_and_leave_nothing() {
    let _machine = alone();
    let line = Serving::echo(many);
    let (before, ports) = baseline(&line);
    let mut resident = Vec::new();
    for _ in 0..2 {
        let calls = ["-m", "200", "-l", "200", "-r", "100", "-d", "4000"];
        let (_, statistics) = sipp("call.xml", &line, &calls);
        let count = |column| statistics.count(column);
        let peak = count("SuccessfulCall(C)");
        figure(format!(
            "200 calls at once: {peak} done, {} failed, {} retransmissions",
            count("FailedCall(C)"),
            count("Retransmissions(C)")
        ));
        assert_eq!((peak, count("FailedCall(C)"), count("Retransmissions(C)")), (200, 0, 0));
        nothing_is_left(&line, before, ports, Duration::from_secs(30));
        resident.push(resident_kb(line.pid()));
    }
    assert_no_growth(&resident);
    line.stop();
}

#[test]
fn a_hundred_callers_that_vanish_are_hung_up_and_leave_nothing() {
    let _machine = alone();
    let line = Serving::echo(|config| {
        many(config);
        // Longer than SIPp takes to end.
        config.rtp.timeout_s = 4;
    });
    let (before, ports) = baseline(&line);
    let mut resident = Vec::new();
    for _ in 0..2 {
        let (_, statistics) = sipp("vanish.xml", &line, &["-m", "100", "-r", "100"]);
        assert_eq!(statistics.count("SuccessfulCall(C)"), 100);
        let there = line.open_calls();
        assert!(there > 50, "they vanished, and the line knows of {there}");
        let gone = std::time::Instant::now();
        wait_until("the watchdog", Duration::from_secs(15), || {
            (line.open_calls() == 0).then_some(())
        });
        figure(format!(
            "100 vanished: no call is open {:.1} s later",
            gone.elapsed().as_secs_f64()
        ));
        nothing_is_left(&line, before, ports, FORGOTTEN_WITHIN);
        resident.push(resident_kb(line.pid()));
    }
    assert_no_growth(&resident);
    line.stop();
}

/// What the server holds when nothing goes on, after a first call has made it ready.
fn baseline(line: &Serving) -> (Held, usize) {
    sipp("call.xml", line, &["-m", "1", "-d", "200"]);
    std::thread::sleep(Duration::from_millis(500));
    (held(line.pid()), udp_ports(RTP_PORTS))
}

fn nothing_is_left(line: &Serving, before: Held, ports: usize, within: Duration) {
    let mut now = (held(line.pid()), udp_ports(RTP_PORTS), line.open_calls());
    let latest = std::time::Instant::now() + within;
    while std::time::Instant::now() < latest {
        // The asking opens a file of its own; it is closed by the time of the next look.
        now.2 = line.open_calls();
        std::thread::sleep(Duration::from_millis(200));
        (now.0, now.1) = (held(line.pid()), udp_ports(RTP_PORTS));
        let threads_back = now.0.threads <= before.threads;
        if now.2 == 0 && now.1 == ports && now.0.files <= before.files && threads_back {
            return figure(format!("left: {} calls, {} RTP ports, {:?}", now.2, now.1, now.0));
        }
    }
    panic!("left after {within:?}: {now:?} (calls last); before: {before:?} and {ports} ports");
}

fn assert_no_growth(resident: &[u64]) {
    let (first, last) = (resident[0], resident[resident.len() - 1]);
    figure(format!("memory after each run: {resident:?} KB"));
    assert!(last <= first + GROWTH_KB_MAX, "memory grows: {resident:?} KB");
}
