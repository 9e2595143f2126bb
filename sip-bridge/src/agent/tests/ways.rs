//! A call out that does not get through over a trunk's first address is tried over the others.

use core::time::Duration;

use super::{Simulation, TransportKind, address, header, response, sdp};
use crate::agent::Input;
use crate::event::{BridgeEvent, CallId, HangupReason};
use crate::flow::Flow;
use crate::stack;

const SECOND: &str = "192.0.2.10:5060";

/// A call over two addresses; its first INVITE.
fn dialled(sim: &mut Simulation) -> (CallId, String) {
    let mut dial = Simulation::dial_of(sim.transport);
    let second = stack::parse_uri("sip:200@192.0.2.10").unwrap();
    dial.ways = vec![(second, Flow::direct(sim.transport, address(SECOND)))];
    let call = sim.agent.dial(sim.now, dial).expect("admission");
    sim.drain();
    (call, sim.expect("INVITE sip:200@192.0.2.9:5080 "))
}

/// The INVITE that went to the second address.
fn second(sim: &mut Simulation) -> String {
    let (to, invite) = sim.sent.pop_front().expect("a second INVITE");
    assert_eq!(to, address(SECOND));
    assert!(invite.starts_with("INVITE sip:200@192.0.2.10 "), "{invite}");
    invite
}

#[test]
fn a_way_that_does_not_serve_is_left_for_the_next_once_each() {
    for status in [503, 408, 480, 504] {
        let mut sim = Simulation::new();
        let (_, first) = dialled(&mut sim);
        sim.receive(&response(&first, 100, "", "", ""));
        sim.receive(&response(&first, status, "t", "", ""));
        sim.expect("ACK sip:200@192.0.2.9:5080 ");
        let next = second(&mut sim);
        for same in ["Call-ID", "From"] {
            assert_eq!(header(&next, same), header(&first, same));
        }
        assert_ne!(header(&next, "CSeq"), header(&first, "CSeq"));
        assert_ne!(header(&next, "Via"), header(&first, "Via"));
        assert_eq!(header(&next, "To"), "<sip:200@192.0.2.10>");
        assert!(sim.events.is_empty(), "the line hears nothing of it");
        sim.receive(&response(&next, status, "u", "", ""));
        sim.expect("ACK ");
        assert_eq!(sim.expect_ended().sip_status, status, "there is no third way");
        sim.expect_silence();
    }
}

#[test]
fn what_means_no_is_final() {
    for status in [486, 600, 603, 404, 403, 488, 500] {
        let mut sim = Simulation::new();
        let (_, first) = dialled(&mut sim);
        sim.receive(&response(&first, status, "t", "", ""));
        sim.expect("ACK ");
        sim.expect_silence();
        assert_eq!(sim.expect_ended().sip_status, status);
    }
}

#[test]
fn a_telephone_that_rang_is_not_rung_again() {
    let mut sim = Simulation::new();
    let (_, first) = dialled(&mut sim);
    sim.receive(&response(&first, 180, "t", "", ""));
    assert!(matches!(sim.event(), BridgeEvent::Ringing { .. }));
    sim.receive(&response(&first, 480, "t", "", ""));
    sim.expect("ACK ");
    sim.expect_silence();
    assert_eq!(sim.expect_ended().sip_status, 480);
}

#[test]
fn silence_and_a_connection_that_cannot_be_opened_lead_to_the_next_way() {
    let mut sim = Simulation::new();
    dialled(&mut sim);
    sim.pass(Duration::from_millis(31_900));
    sim.sent.clear();
    sim.pass(Duration::from_millis(200));
    let next = second(&mut sim);
    sim.receive(&response(&next, 200, "t", "", &sdp("192.0.2.9", 6000, "sendrecv")));
    sim.expect("ACK ");
    assert!(matches!(sim.event(), BridgeEvent::Established { .. }));

    let mut sim = Simulation { transport: TransportKind::Tcp, ..Simulation::new() };
    dialled(&mut sim);
    let peer = address(super::PEER);
    sim.agent.handle(sim.now, Input::Unreachable(TransportKind::Tcp, peer));
    sim.drain();
    second(&mut sim);
}

#[test]
fn a_call_that_is_given_up_takes_no_other_way() {
    let mut sim = Simulation::new();
    let (call, first) = dialled(&mut sim);
    sim.receive(&response(&first, 100, "", "", ""));
    sim.command(super::Command::Hangup(call, HangupReason::Normal));
    sim.expect("CANCEL ");
    sim.receive(&response(&first, 503, "t", "", ""));
    sim.expect("ACK ");
    sim.expect_silence();
    sim.expect_ended();
}
