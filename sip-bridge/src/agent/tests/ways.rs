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
fn a_connection_that_cannot_be_opened_leads_to_the_next_way_at_once() {
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

/// Both INVITEs of a call whose first address says nothing for as long as it may.
fn left_for_the_second(sim: &mut Simulation) -> (CallId, String, String) {
    let (call, first) = dialled(sim);
    sim.pass(Duration::from_millis(3_900));
    assert!(sim.sent.iter().all(|(to, _)| *to == address(super::PEER)), "it is asked again first");
    sim.sent.clear();
    sim.pass(Duration::from_millis(200));
    let next = second(sim);
    (call, first, next)
}

#[test]
fn an_address_that_says_nothing_is_left_after_four_seconds_and_repeated_no_more() {
    let mut sim = Simulation::new();
    let (_, _, next) = left_for_the_second(&mut sim);
    sim.receive(&response(&next, 200, "t", "", &sdp("192.0.2.9", 6000, "sendrecv")));
    sim.expect("ACK ");
    assert!(matches!(sim.event(), BridgeEvent::Established { .. }));
    sim.pass(Duration::from_secs(27));
    assert!(!sim.sent.iter().any(|(_, message)| message.starts_with("INVITE ")));
}

#[test]
fn an_address_that_is_at_work_on_it_is_waited_for() {
    let mut sim = Simulation::new();
    let (_, first) = dialled(&mut sim);
    sim.receive(&response(&first, 100, "", "", ""));
    sim.pass(Duration::from_secs(60));
    sim.expect_silence();
}

#[test]
fn the_last_way_has_all_the_time_that_a_request_has() {
    let mut sim = Simulation::new();
    left_for_the_second(&mut sim);
    sim.pass(Duration::from_secs(31));
    assert!(sim.events.is_empty());
    sim.pass(Duration::from_secs(2));
    assert_eq!(sim.expect_ended().sip_status, 408);
    sim.pass(Duration::from_secs(40));
    assert_eq!((sim.agent.load().transactions, sim.agent.timers()), (0, 0));
}

#[test]
fn whoever_wakes_up_late_on_a_way_that_was_left_is_cancelled() {
    let mut sim = Simulation::new();
    let (_, first, next) = left_for_the_second(&mut sim);
    sim.receive(&response(&first, 180, "late", "", ""));
    let cancel = sim.expect("CANCEL sip:200@192.0.2.9:5080 ");
    assert_eq!(header(&cancel, "Via"), header(&first, "Via"));
    assert!(sim.events.is_empty(), "the line hears nothing of it");
    sim.receive(&response(&first, 180, "late", "", ""));
    sim.expect_silence();
    sim.receive(&response(&cancel, 200, "late", "", ""));
    sim.receive(&response(&first, 487, "late", "", ""));
    let ack = sim.expect("ACK sip:200@192.0.2.9:5080 ");
    assert_eq!(header(&ack, "Via"), header(&first, "Via"));
    sim.receive(&response(&next, 486, "t", "", ""));
    sim.expect("ACK ");
    assert_eq!(sim.expect_ended().sip_status, 486);
    sim.pass(Duration::from_secs(70));
    assert_eq!((sim.agent.load().transactions, sim.agent.timers()), (0, 0));
}

#[test]
fn a_cancel_that_nobody_heeds_leaves_nothing_behind() {
    let mut sim = Simulation::new();
    let (call, first, next) = left_for_the_second(&mut sim);
    sim.receive(&response(&next, 200, "t", "", &sdp("192.0.2.9", 6000, "sendrecv")));
    sim.receive(&response(&first, 180, "late", "", ""));
    sim.command(super::Command::Hangup(call, HangupReason::Normal));
    sim.pass(Duration::from_secs(80));
    assert_eq!((sim.agent.load().transactions, sim.agent.timers()), (0, 0));
    assert!(sim.agent.left.is_empty());
}

#[test]
fn whoever_answers_late_on_a_way_that_was_left_is_hung_up() {
    let mut sim = Simulation::new();
    let (_, first, next) = left_for_the_second(&mut sim);
    let answer = sdp("192.0.2.9", 6000, "sendrecv");
    sim.receive(&response(&next, 200, "t", "", &answer));
    sim.expect("ACK ");
    sim.event();
    let late = response(&first, 200, "late", "", &answer);
    sim.receive(&late);
    assert!(header(&sim.expect("ACK "), "To").ends_with(";tag=late"));
    assert!(header(&sim.expect("BYE "), "To").ends_with(";tag=late"));
    sim.receive(&late);
    sim.expect("ACK ");
    sim.expect_silence();
    assert!(sim.events.is_empty(), "the call stands as it is");
}
