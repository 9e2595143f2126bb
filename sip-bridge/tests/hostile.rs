//! The hostile corpus: no panic, no hang, nothing left, and the next honest caller is served.
#![allow(clippy::disallowed_methods)]

mod support;

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use sip_bridge::{fuzzing, guard, sdp, stack};
use support::{Answering, Peer, loopback, request};

/// The files of a corpus, by name.
fn corpus(kind: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(kind);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("corpus")
        .map(|file| {
            let file = file.unwrap();
            (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() > 20);
    files
}

#[test]
fn every_seed_is_read_or_refused_and_leaves_nothing() {
    for (name, bytes) in corpus("sip") {
        fuzzing::datagram(&bytes);
        for chunk in [1, 7, 255] {
            fuzzing::stream(&[&[chunk], &bytes[..]].concat());
        }
        // What the line does with a call, and with a transfer; from a carrier and from a telephone.
        for line_does in [0, 1, 2, 3, 4, 5, 0x21, 0x41, 0x63, 0x81] {
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            let record = [&[line_does, 10], &length[..], &bytes[..]].concat();
            fuzzing::conversation(&record.repeat(3));
        }
        let understood =
            guard::check_datagram(&bytes).is_ok_and(|message| stack::parse(message).is_ok());
        if name.starts_with("good-") {
            assert!(understood, "{name} is refused");
        }
        if ["length-", "start-line", "smuggled-header"].iter().any(|it| name.starts_with(it)) {
            assert!(!understood, "{name} is accepted");
        }
    }
    let messages = corpus("sip").len();
    for (name, bytes) in corpus("sdp") {
        fuzzing::session_description(&bytes);
        if name == "good" {
            assert_eq!(sdp::parse(&bytes).expect("SDP").media[0].port, 6000);
        }
    }
    println!("hostile_ok {}", messages + corpus("sdp").len());
}

/// What the fuzzer begins with (tests/fuzz/targets/agent.rs): calls that are refreshed, held, transferred
/// and left in the middle of it.
#[test]
fn every_conversation_that_the_fuzzer_begins_with_leaves_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds/agent");
    let mut conversations = 0;
    for file in std::fs::read_dir(folder).expect("seeds") {
        fuzzing::conversation(&std::fs::read(file.unwrap().path()).unwrap());
        conversations += 1;
    }
    assert!(conversations > 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_whole_corpus_on_the_wire_an_honest_caller_is_served() {
    let line = Answering::start(loopback()).await;
    let hostile = Peer::new("127.0.0.1:0", line.address());
    for _ in 0..5 {
        for (_, bytes) in corpus("sip") {
            hostile.socket.send_to(&bytes, line.address()).unwrap();
        }
    }
    let honest = Peer::new("127.0.0.1:0", line.address());
    honest.send(&request("OPTIONS", &honest, line.address(), 1, "", ""));
    honest.receive_status(200);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    /// Seeds with bytes changed, cut and doubled, in conversation with the agent.
    #[test]
    fn mutated_seeds_never_panic_and_leave_nothing(
        picks in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 1..6),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let seeds = corpus("sip");
        let mut records = Vec::new();
        for (pick, line_does, wait) in &picks {
            let mut bytes = pick.get(&seeds).1.clone();
            for (at, to) in &changes {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = *to;
                }
            }
            records.extend([*line_does, *wait]);
            records.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
            records.extend(&bytes);
            fuzzing::datagram(&bytes);
            fuzzing::session_description(&bytes);
        }
        fuzzing::conversation(&records);
    }
}
