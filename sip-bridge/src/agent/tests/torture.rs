//! The messages of RFC 4475 and RFC 5118, each with what its section expects of an endpoint. The
//! tables beside the messages say it: a status, `read` for a response, or `dropped` where nothing
//! is answered because there is nowhere to answer to, or no telling what was asked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Input, PEER, Simulation, address};
use crate::message::Message;
use crate::{guard, stack};

/// A message, its section and its fate.
struct Case {
    name: String,
    section: String,
    expected: String,
    bytes: Vec<u8>,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn cases(rfc: &str, ending: &str) -> Vec<Case> {
    let table = std::fs::read_to_string(corpus().join(format!("{rfc}.tsv"))).expect("table");
    let case = |line: &str| {
        let mut columns = line.split('\t').map(str::to_owned);
        let mut column = || columns.next().expect("three columns");
        let (name, section, expected) = (column(), column(), column());
        let bytes = std::fs::read(corpus().join(rfc).join(format!("{name}{ending}")));
        Case { name, section, expected, bytes: bytes.expect("message") }
    };
    table.lines().map(case).collect()
}

/// What becomes of a datagram from a trunk.
fn fate(bytes: &[u8]) -> String {
    let message = match guard::check_datagram(bytes) {
        Ok(message) => stack::parse(message),
        Err(error) if error.is_answerable() => stack::parse(bytes).map(|mut message| {
            if let Message::Request(request) = &mut message {
                request.head.unreadable = Some("Content-Length"); // As the intake does.
            }
            message
        }),
        Err(_) => return "dropped".into(),
    };
    let Ok(message) = message else { return "dropped".into() };
    let is_request = matches!(message, Message::Request(_));
    let mut sim = Simulation::new();
    let (transport, source, trunk) = (sim.transport, address(PEER), Some("trunk"));
    sim.agent.handle(sim.now, Input::Message { transport, source, trunk, message });
    sim.drain();
    let mut answers = sim.sent.iter().filter_map(|(_, text)| text.split(' ').nth(1));
    answers.next_back().unwrap_or(if is_request { "dropped" } else { "read" }).to_owned()
}

/// How many messages met what their section expects. Names those that did not.
fn judge(cases: &[Case]) -> usize {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|Case { name, section, expected, bytes }| {
            let fate = fate(bytes);
            (fate != *expected).then(|| format!("§{section} {name}: {fate}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    cases.len()
}

#[test]
fn the_49_messages_of_rfc_4475_meet_what_their_sections_expect() {
    let cases = cases("rfc4475", ".dat");
    let invalid: Vec<&Case> =
        cases.iter().filter(|case| case.section.starts_with("3.1.2")).collect();
    assert_eq!((cases.len(), invalid.len()), (49, 19));
    assert!(invalid.iter().all(|case| ["dropped", "400"].contains(&&*case.expected)));
    // Three more are refused for what their sections name: headers that are missing or repeated.
    let others = cases.iter().filter(|case| !case.section.starts_with("3.1.2"));
    let dropped: BTreeSet<&str> =
        others.filter(|case| case.expected == "dropped").map(|case| &*case.name).collect();
    assert_eq!(dropped, BTreeSet::from(["insuf", "multi01"]));
    println!("rfc4475_ok {}", judge(&cases));
}

#[test]
fn the_12_messages_of_rfc_5118_meet_what_their_sections_expect() {
    let mut cases = cases("rfc5118", "");
    for case in &mut cases {
        case.bytes = on_the_wire(&case.bytes);
    }
    assert_eq!(cases.len(), 12);
    println!("rfc5118_ok {}", judge(&cases));
}

/// The RFC's archive has bare line feeds, and lengths that match no reading of its bodies.
fn on_the_wire(archived: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(archived.to_vec()).expect("text");
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let body = body.replace('\n', "\r\n");
    let lines = head.lines().map(|line| match line.split_once(':') {
        Some(("Content-Length", _)) => format!("Content-Length: {}\r\n", body.len()),
        _ => format!("{line}\r\n"),
    });
    format!("{}\r\n{body}", lines.collect::<String>()).into_bytes()
}
