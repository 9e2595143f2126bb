//! Proving who we are: in calls of ours, and in our registrations with an exchange.

use core::time::Duration;
use std::collections::BTreeMap;

use super::{Command, PEER, Simulation, address, header, response, sdp};
use crate::agent::Input;
use crate::digest::Credentials;
use crate::event::{BridgeEvent, CallId, HangupReason};
use crate::flow::Flow;
use crate::message::TransportKind;
use crate::policy::{Policies, TrunkPolicy};
use crate::stack;

fn ours() -> Credentials {
    Credentials { user: "line".into(), secret: "s3cret".into() }
}

fn challenge(nonce: &str, more: &str) -> String {
    format!("WWW-Authenticate: Digest realm=\"pbx\", nonce=\"{nonce}\", qop=\"auth\"{more}\r\n")
}

/// A call to a trunk that knows us by a secret; its first INVITE.
fn dialled(sim: &mut Simulation) -> (CallId, String) {
    let policy = TrunkPolicy { credentials: Some(ours()), ..TrunkPolicy::default() };
    sim.agent.set_policies(Policies::new(BTreeMap::from([("pbx".into(), policy)])));
    let mut dial = Simulation::dial_of(sim.transport);
    dial.trunk = Some("pbx".into());
    let call = sim.agent.dial(sim.now, dial).expect("admission");
    sim.drain();
    (call, sim.expect("INVITE "))
}

#[test]
fn a_call_that_is_challenged_is_made_again_with_a_proof_which_its_ack_repeats() {
    let mut sim = Simulation::new();
    let (call, first) = dialled(&mut sim);
    assert_eq!(header(&first, "Authorization"), "");
    sim.receive(&response(&first, 401, "x", &challenge("n1", ", algorithm=SHA-256"), ""));
    sim.expect("ACK ");
    let second = sim.expect("INVITE ");
    let proof = header(&second, "Authorization").to_owned();
    for part in ["username=\"line\"", "uri=\"sip:200@192.0.2.9:5080\"", "nc=00000001", "SHA-256"] {
        assert!(proof.contains(part), "{part} in {proof}");
    }
    assert!(!second.contains("s3cret"));
    assert_eq!(header(&second, "Call-ID"), header(&first, "Call-ID"));
    sim.receive(&response(&second, 200, "t", "", &sdp("192.0.2.9", 6000, "sendrecv")));
    assert_eq!(header(&sim.expect("ACK "), "Authorization"), proof);
    assert!(matches!(sim.event(), BridgeEvent::Established { .. }));
    // What follows in the call proves it unasked.
    sim.command(Command::Hangup(call, HangupReason::Normal));
    let bye = sim.expect("BYE ");
    assert!(header(&bye, "Authorization").contains("nc=00000002"), "{bye}");
}

#[test]
fn a_nonce_that_was_too_old_is_met_again_and_a_secret_that_was_wrong_is_not() {
    let mut sim = Simulation::new();
    let (_, first) = dialled(&mut sim);
    sim.receive(&response(&first, 401, "x", &challenge("n1", ""), ""));
    sim.expect("ACK ");
    let second = sim.expect("INVITE ");
    sim.receive(&response(&second, 401, "x", &challenge("n2", ", stale=TRUE"), ""));
    sim.expect("ACK ");
    let third = sim.expect("INVITE ");
    assert!(header(&third, "Authorization").contains("nonce=\"n2\""));
    sim.receive(&response(&third, 401, "x", &challenge("n3", ""), ""));
    sim.expect("ACK ");
    sim.expect_silence();
    assert_eq!(sim.expect_ended().sip_status, 401);
}

#[test]
fn a_peer_that_asks_without_end_is_left() {
    let mut sim = Simulation::new();
    let (_, mut invite) = dialled(&mut sim);
    let mut asked = 0;
    loop {
        sim.receive(&response(&invite, 407, "x", &proxy(asked), ""));
        sim.expect("ACK ");
        if sim.sent.is_empty() {
            break;
        }
        invite = sim.expect("INVITE ");
        asked += 1;
        assert!(asked < 10);
    }
    assert_eq!(sim.expect_ended().sip_status, 407);
    assert_eq!(asked, 3);
}

fn proxy(n: u32) -> String {
    challenge(&format!("n{n}"), ", stale=true").replace("WWW-Authenticate", "Proxy-Authenticate")
}

#[test]
fn nobody_is_told_who_we_are_without_a_secret_of_theirs() {
    let mut sim = Simulation::new();
    sim.dial();
    let invite = sim.expect("INVITE ");
    sim.receive(&response(&invite, 401, "x", &challenge("n1", ""), ""));
    sim.expect("ACK ");
    sim.expect_silence();
    assert_eq!(sim.expect_ended().sip_status, 401);
}

/// A line that registers with the peer; its first REGISTER.
fn registering(sim: &mut Simulation) -> String {
    let address = stack::parse_uri("sip:line@pbx.example").unwrap();
    let registrar = stack::parse_uri("sip:192.0.2.9:5080").unwrap();
    let flow = Flow::direct(TransportKind::Udp, super::address(PEER));
    let expires = Duration::from_secs(600);
    sim.agent.add_registration(("pbx".into(), address, registrar), (ours(), expires, flow));
    sim.command(Command::Probe);
    sim.expect("REGISTER sip:192.0.2.9:5080 ")
}

fn is_up(sim: &Simulation) -> bool {
    sim.agent.registrations(sim.now)[0].up
}

#[test]
fn a_registration_is_proven_kept_and_given_up() {
    let mut sim = Simulation::new();
    let first = registering(&mut sim);
    assert_eq!(header(&first, "Contact"), "<sip:line@192.0.2.1:5060>");
    assert_eq!(header(&first, "Expires"), "600");
    assert_eq!(header(&first, "To"), "<sip:line@pbx.example>");
    assert!(header(&first, "From").starts_with("<sip:line@pbx.example>;tag="));
    assert!(!is_up(&sim));
    sim.receive(&response(&first, 401, "x", &challenge("n1", ""), ""));
    let second = sim.expect("REGISTER ");
    assert_eq!(header(&second, "Call-ID"), header(&first, "Call-ID"));
    assert!(header(&second, "Authorization").contains("uri=\"sip:192.0.2.9:5080\""));
    // The exchange keeps us for less than we asked.
    let kept = response(&second, 200, "x", "Expires: 900\r\n", "");
    let kept = kept.replace("5090>", "5090>;expires=100");
    sim.receive(&kept);
    assert!(is_up(&sim));
    sim.pass(Duration::from_secs(79));
    sim.expect_silence();
    sim.pass(Duration::from_secs(2));
    let refresh = sim.expect("REGISTER ");
    sim.sent.clear(); // What repeats it.
    assert!(header(&refresh, "Authorization").contains("nc=00000002"));
    sim.receive(&response(&refresh, 200, "x", "Expires: 600\r\n", ""));
    sim.command(Command::Drain);
    let last = sim.expect("REGISTER ");
    assert_eq!(header(&last, "Expires"), "0");
    sim.receive(&response(&last, 200, "x", "", ""));
    assert!(!is_up(&sim));
    sim.pass(Duration::from_secs(2_000));
    sim.expect_silence();
    assert_eq!(sim.agent.timers(), 0);
}

#[test]
fn an_exchange_that_is_away_or_refuses_is_asked_later_and_later() {
    let mut sim = Simulation::new();
    let first = registering(&mut sim);
    sim.receive(&response(&first, 503, "x", "", ""));
    let mut waits = Vec::new();
    for _ in 0..12 {
        let began = sim.now;
        while sim.sent.is_empty() {
            sim.pass(Duration::from_secs(1));
        }
        waits.push(sim.now.since(began).as_secs());
        let again = sim.expect("REGISTER ");
        sim.sent.clear();
        sim.receive(&response(&again, 403, "x", "", ""));
    }
    assert!((15..=31).contains(&waits[0]), "{waits:?}");
    assert!(waits[11] >= 900 && waits.iter().all(|wait| *wait <= 1_801), "{waits:?}");
    assert_eq!(sim.agent.registrations(sim.now)[0].last_status, Some(403));
    // Silence is a failure too.
    while sim.sent.is_empty() {
        sim.pass(Duration::from_secs(1));
    }
    sim.agent.handle(sim.now, Input::Unreachable(TransportKind::Udp, address(PEER)));
    sim.drain();
    assert_eq!(sim.agent.registrations(sim.now)[0].last_status, None);
}

#[test]
fn a_wrong_secret_is_not_tried_without_end() {
    let mut sim = Simulation::new();
    let mut register = registering(&mut sim);
    for n in 0..2 {
        sim.receive(&response(&register, 401, "x", &challenge(&format!("n{n}"), ""), ""));
        register = sim.expect("REGISTER ");
    }
    sim.receive(&response(&register, 401, "x", &challenge("n9", ""), ""));
    sim.expect_silence();
}

#[test]
fn an_exchange_that_wants_a_longer_time_gets_it() {
    let mut sim = Simulation::new();
    let first = registering(&mut sim);
    sim.receive(&response(&first, 423, "x", "Min-Expires: 1800\r\n", ""));
    let second = sim.expect("REGISTER ");
    assert_eq!(header(&second, "Expires"), "1800");
    sim.receive(&response(&second, 423, "x", "Min-Expires: 1800\r\n", ""));
    sim.expect_silence();
}

#[test]
fn a_call_to_an_exchange_that_we_register_with_is_proven_with_the_same_secret() {
    for (status, asks, proves) in [
        (401, "WWW-Authenticate", "Authorization"),
        (407, "Proxy-Authenticate", "Proxy-Authorization"),
    ] {
        let mut sim = Simulation::new();
        registering(&mut sim);
        sim.sent.clear();
        sim.dial();
        let first = sim.expect("INVITE ");
        let asked = challenge("n1", "").replace("WWW-Authenticate", asks);
        sim.receive(&response(&first, status, "x", &asked, ""));
        sim.expect("ACK ");
        let second = sim.expect("INVITE ");
        assert!(header(&second, proves).contains("username=\"line\""), "{second}");
        sim.receive(&response(&second, 200, "t", "", &sdp("192.0.2.9", 6000, "sendrecv")));
        sim.expect("ACK ");
        assert!(matches!(sim.event(), BridgeEvent::Established { .. }));
    }
    // Another exchange does not learn it.
    let mut sim = Simulation::new();
    registering(&mut sim);
    sim.sent.clear();
    let mut dial = Simulation::dial_of(sim.transport);
    dial.flow = Flow::direct(TransportKind::Udp, address("192.0.2.77:5080"));
    sim.agent.dial(sim.now, dial).expect("admission");
    sim.drain();
    let invite = sim.expect("INVITE ");
    sim.receive(&response(&invite, 401, "x", &challenge("n1", ""), ""));
    sim.expect("ACK ");
    assert_eq!(sim.expect_ended().sip_status, 401);
}
