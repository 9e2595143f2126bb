//! The bridge against SIPp: many calls at once, set up and torn down.
#![allow(clippy::disallowed_methods)]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use sip_bridge::BridgeEvent;
use support::{Answering, loopback};

/// Runs `sipp` with `scenario` against `target`; `None` (said on stderr) if it is not installed.
async fn sipp(scenario: &str, target: SocketAddr, arguments: &[&str]) -> Option<Output> {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp").join(scenario);
    let scratch = tempfile::tempdir().unwrap();
    let mut command = Command::new("sipp");
    command.current_dir(scratch.path()).arg("-sf").arg(scenario).arg(target.to_string());
    command.args(["-i", "127.0.0.1", "-nostdin", "-trace_stat", "-stf", "stat.csv", "-trace_err"]);
    command.args(["-timeout", "60s", "-timeout_error"]).args(arguments);
    let run = tokio::task::spawn_blocking(move || {
        let output = command.output();
        let errors = std::fs::read_dir(scratch.path()).unwrap().flatten();
        let errors =
            errors.filter(|file| file.file_name().to_string_lossy().ends_with("errors.log"));
        for file in errors {
            eprintln!("{}", std::fs::read_to_string(file.path()).unwrap_or_default());
        }
        (output, std::fs::read_to_string(scratch.path().join("stat.csv")).unwrap_or_default())
    });
    match run.await.unwrap() {
        (Ok(mut output), statistics) => {
            output.stdout = statistics.into_bytes();
            Some(output)
        }
        (Err(error), _) => {
            eprintln!("SKIPPED: sipp cannot be run ({error}); install Debian's sip-tester");
            None
        }
    }
}

/// The last value of a column of SIPp's statistics.
fn statistic(output: &Output, column: &str) -> u64 {
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().next().unwrap_or_default().split(';');
    let index = names.into_iter().position(|name| name == column).expect("column");
    let last = text.lines().last().unwrap_or_default();
    last.split(';').nth(index).and_then(|value| value.parse().ok()).expect("value")
}

fn assert_clean(output: &Output, calls: u64) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(statistic(output, "SuccessfulCall(C)"), calls);
    assert_eq!(statistic(output, "FailedCall(C)"), 0);
    assert_eq!(statistic(output, "Retransmissions(C)"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_calls_at_once_come_and_go_without_a_retransmission() {
    let line = Answering::start(loopback()).await;
    let arguments = ["-m", "200", "-l", "200", "-r", "100", "-d", "2000"];
    let Some(output) = sipp("caller.xml", line.address(), &arguments).await else { return };
    assert_clean(&output, 200);
    line.wait(Duration::from_secs(2), |line| line.bridge.active_calls() == 0).await;
    let ended = |event: &BridgeEvent| matches!(event, BridgeEvent::Ended { outcome, .. } if outcome.sip_status == 200);
    line.wait(Duration::from_secs(2), |line| line.count(ended) == 200).await;
}
