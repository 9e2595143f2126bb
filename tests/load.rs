//! `xenline load`, small: it finds its server, its calls are not lost, and its report has what
//! others read from it. What a call costs is measured with `make load`, on a release build.

use std::process::Command;

use serde_json::Value;

/// A process that is tested on a busy machine may lose a packet to a full socket buffer.
const LOST_PERCENT_MAX: f64 = 0.5;

fn load(arguments: &[&str]) -> (Value, std::process::Output) {
    let output = Command::new(env!("CARGO_BIN_EXE_xenline"))
        .args(["load", "--json", "-"])
        .args(arguments)
        .env_remove("RUST_LOG")
        .output()
        .expect("the binary was built with this test");
    let said = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no report ({error}); it said:\n{said}"));
    eprintln!("{said}");
    (report, output)
}

fn number(report: &Value, key: &str) -> f64 {
    report[key].as_f64().unwrap_or_else(|| panic!("{key} in {report}"))
}

#[test]
fn twenty_calls_for_two_seconds_are_all_carried_and_priced() {
    let (report, output) = load(&["--calls", "20", "--seconds", "2"]);
    assert!(output.status.success(), "{report}");
    assert_eq!(report["calls"], 20);
    assert_eq!(report["failed"], 0, "{report}");
    let (sent, lost) = (number(&report, "rtp_sent"), number(&report, "rtp_lost"));
    assert!(sent > 0.0 && lost <= sent * LOST_PERCENT_MAX / 100.0, "{report}");
    assert!(number(&report, "rtp_received") > 0.0, "{report}");
    assert!(number(&report, "server_cpu_ms_per_call_second") > 0.0);
    assert!(number(&report, "setup_ms_p50") <= number(&report, "setup_ms_p99"));
    assert!(number(&report, "offered_percent") <= 100.0);
    for key in ["rss_kb_per_call", "tick_late_us_p999", "ticks_skipped"] {
        number(&report, key);
    }
    assert!(report["machine"].is_string() && report["method"].is_string());
    let sipp = Command::new("sipp").arg("-v").output();
    assert!(sipp.is_ok(), "install the package sip-tester (scripts/setup.sh test)");
    assert_eq!(report["floor_failed"], 0, "{report}");
    assert!(number(&report, "floor_cpu_ms_per_call_second") > 0.0);
    assert!(number(&report, "cpu_over_floor") > 0.0);
}

#[test]
fn a_target_elsewhere_is_called_and_its_cost_left_open() {
    let phone = support::AnsweringPhone::start();
    let target = format!("sip:echo@{}", phone.address);
    let (report, output) = load(&["--calls", "2", "--seconds", "1", "--target", &target]);
    assert!(output.status.success(), "{report}");
    assert_eq!(report["failed"], 0, "{report}");
    assert!(number(&report, "rtp_sent") > 0.0 && number(&report, "setup_ms_p50") > 0.0);
    let ours = ["server_cpu_ms_per_call_second", "rss_kb_per_call", "tick_late_us_p999"];
    for key in ours.into_iter().chain(["floor_cpu_ms_per_call_second", "cpu_over_floor"]) {
        assert!(report[key].is_null(), "{key} in {report}");
    }
}

#[test]
fn a_load_beyond_its_limits_fails_and_names_the_limit() {
    let short = ["--calls", "2", "--seconds", "1", "--no-floor", "--cpu-over-floor-max", "2.5"];
    let (report, output) = load(&short);
    assert!(!output.status.success(), "what was not measured is not within its limit: {report}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("CPU over sipp's: not measured"), "{said}");
    let frugal = ["--calls", "2", "--seconds", "1", "--no-floor", "--rss-kb-max", "0.001"];
    let (report, output) = load(&frugal);
    assert!(!output.status.success(), "a call costs more than a byte: {report}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("KB of memory per call: "), "{said}");
}

#[test]
fn what_cannot_be_a_load_is_refused_at_once() {
    for arguments in [["--calls", "0"], ["--rate", "0"], ["--calls", "100000"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_xenline"))
            .arg("load")
            .args(arguments)
            .output()
            .expect("the binary was built with this test");
        assert!(!output.status.success(), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("at "), "{arguments:?}");
    }
}

mod support {
    use std::net::SocketAddr;

    use media_core::Codec;
    use sip_bridge::{Bridge, BridgeConfig, BridgeEvent, Trunk};
    use tokio::runtime::Runtime;
    use tokio::sync::mpsc;

    /// Answers every call, and neither listens nor speaks.
    pub struct AnsweringPhone {
        pub address: SocketAddr,
        _runtime: Runtime,
    }

    impl AnsweringPhone {
        pub fn start() -> Self {
            let runtime = Runtime::new().expect("a runtime");
            let address = runtime.block_on(async {
                let (to_us, mut events) = mpsc::channel(64);
                let here: SocketAddr = "127.0.0.1:0".parse().expect("an address");
                let loopback = "127.0.0.1/32".parse().expect("a network");
                let config = BridgeConfig {
                    udp: Some(here),
                    trunks: vec![Trunk { name: "test".into(), allow: vec![loopback] }],
                    codecs: vec![Codec::Pcmu],
                    media_ip: here.ip(),
                    ..BridgeConfig::default()
                };
                let bridge = Bridge::start(config, to_us).await.expect("a bridge");
                let address = bridge.local_udp().expect("it listens");
                // Somebody has to own the port that the answer names.
                let media = tokio::net::UdpSocket::bind(here).await.expect("a port");
                tokio::spawn(async move {
                    let port = media.local_addr().expect("bound");
                    while let Some(event) = events.recv().await {
                        if let BridgeEvent::Incoming { call, .. } = event {
                            bridge.answer(call, port);
                        }
                    }
                });
                address
            });
            Self { address, _runtime: runtime }
        }
    }
}
