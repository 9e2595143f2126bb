//! `xenline check`: what would not work is said line by line, with the fix below it.

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use xenline::config::{Config, TrunkSection};
use xenline::demo::loopback_config;

use crate::support::process::{Ran, brain, run, xenline};
use crate::support::{alone, without_realtime};

/// Both models are loaded, and a sentence is spoken and understood.
const CHECKED_WITHIN: Duration = Duration::from_secs(60);

/// Makes a good configuration worse.
type Spoil = Box<dyn FnOnce(&mut Config)>;

/// Runs the check on a good configuration that `spoil` made worse.
fn check(spoil: impl FnOnce(&mut Config)) -> Ran {
    check_as(|command| command, spoil)
}

fn check_as(as_whom: impl FnOnce(Command) -> Command, spoil: impl FnOnce(&mut Config)) -> Ran {
    brain();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (mut config, _sockets) = loopback_config().expect("a configuration");
    config.sip.listen_udp = Some(free_port());
    config.sip.listen_tcp = None;
    config.recording.dir = Some(dir.path().join("calls"));
    spoil(&mut config);
    let file = dir.path().join("xenline.toml");
    std::fs::write(&file, toml::to_string(&config).expect("TOML")).expect("it is written");
    let mut command = xenline();
    command.arg("check").arg("--config").arg(&file);
    run(as_whom(command), CHECKED_WITHIN)
}

fn free_port() -> std::net::SocketAddr {
    UdpSocket::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound")
}

/// The line about `what` in the mood `state`, and the fix below it.
fn finding<'a>(ran: &'a Ran, state: &str, what: &str) -> (&'a str, &'a str) {
    let mut lines = ran.out.lines();
    let told = lines.find(|line| {
        let mut words = line.trim_start().splitn(2, ' ');
        words.next() == Some(state)
            && words.next().is_some_and(|rest| rest.trim().starts_with(what))
    });
    let told = told.unwrap_or_else(|| panic!("no {state} about {what}:\n{}{}", ran.out, ran.err));
    (told, lines.next().unwrap_or_default())
}

#[test]
fn a_machine_that_is_ready_has_no_failure() {
    let _machine = alone();
    let ran = check(|_| {});
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    for what in ["configuration", "SIP over UDP", "RTP ports", "voice", "brain", "open files"] {
        finding(&ran, "ok", what);
    }
}

#[test]
fn what_would_not_work_is_named_with_its_fix_below_it() {
    let _machine = alone();
    let holder = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let taken = holder.local_addr().expect("bound");
    let cases: [(&str, &str, Spoil); 5] = [
        ("SIP over UDP", "ss -lpn", Box::new(move |config| config.sip.listen_udp = Some(taken))),
        ("who may call", "[[trunk]]", Box::new(|config| config.trunk.clear())),
        (
            "who may call",
            "[[trunk]] allow",
            Box::new(|config| {
                let allow = vec!["0.0.0.0/0".parse().expect("a network")];
                config.trunk.push(TrunkSection {
                    name: "all".into(),
                    allow,
                    ..TrunkSection::default()
                });
            }),
        ),
        (
            "brain",
            "[brain] command",
            Box::new(|config| config.brain.command = vec!["/nonexistent/brain".into()]),
        ),
        (
            "recordings",
            "[recording] dir",
            Box::new(|config| config.recording.dir = Some("/proc/nowhere".into())),
        ),
    ];
    for (what, fix, spoil) in cases {
        let ran = check(spoil);
        assert_eq!(ran.code, Some(1), "{what}: {}{}", ran.out, ran.err);
        let (told, below) = finding(&ran, "FAIL", what);
        assert!(below.contains("->") && below.contains(fix), "{told}\n{below}");
    }
}

#[test]
fn a_priority_that_is_refused_is_a_warning_because_the_line_runs_without_it() {
    let _machine = alone();
    let ran = check_as(without_realtime, |config| config.audio.realtime_priority = Some(50));
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let (_, below) = finding(&ran, "warn", "real-time priority");
    assert!(below.contains("CAP_SYS_NICE"), "{below}");
}
