use core::time::Duration;

use super::{Command, Message, RTP, Simulation, address, header, response, sdp};
use crate::event::{BridgeEvent, HangupReason};

/// An INVITE that insists on provisional responses that arrive, and the dialog after its 180.
fn insisting(sim: &mut Simulation) -> (Message, Message, String) {
    let invite = Message::invite("a").with_extra("Require: 100rel\r\n");
    sim.receive(&invite.text());
    sim.expect("SIP/2.0 100 ");
    let ringing = sim.expect("SIP/2.0 180 ");
    let dialog = invite.in_dialog(&ringing);
    (invite, dialog, ringing)
}

fn numbered(response: &str) -> u32 {
    header(response, "RSeq").parse().expect("RSeq")
}

#[test]
fn a_180_that_must_arrive_is_repeated_until_its_prack() {
    let mut sim = Simulation::new();
    let (_, dialog, ringing) = insisting(&mut sim);
    assert_eq!(header(&ringing, "Require"), "100rel");
    let rseq = numbered(&ringing);
    assert!(rseq > 1, "not to be guessed");
    sim.pass(Duration::from_millis(1_600)); // 0.5, 1.5 s
    assert_eq!((sim.next(), sim.next()), (ringing.clone(), ringing));
    let others = [
        format!("{} 1 INVITE", rseq.wrapping_add(1)),
        format!("{rseq} 2 INVITE"),
        format!("{rseq} 1 UPDATE"),
    ];
    for (cseq, of_another) in (2..).zip(others) {
        let rack = format!("RAck: {of_another}\r\n");
        sim.receive(&dialog.request("PRACK", cseq).with_extra(&rack).text());
        sim.expect("SIP/2.0 481 ");
    }
    let rack = format!("RAck: {rseq} 1 INVITE\r\n");
    sim.receive(&dialog.request("PRACK", 5).with_extra(&rack).text());
    sim.expect("SIP/2.0 200 ");
    sim.pass(Duration::from_secs(40));
    sim.expect_silence();
    sim.pass(Duration::from_secs(21));
    let next = numbered(&sim.expect("SIP/2.0 180 "));
    assert_eq!(next, rseq + 1, "each has a number of its own");
}

#[test]
fn a_180_that_nobody_acknowledges_ends_the_invite() {
    let mut sim = Simulation::new();
    insisting(&mut sim);
    sim.pass(Duration::from_secs(33));
    assert!(sim.sent.iter().any(|(_, message)| message.starts_with("SIP/2.0 504 ")));
}

#[test]
fn the_line_may_answer_before_the_prack_comes() {
    let mut sim = Simulation::new();
    let (_, dialog, ringing) = insisting(&mut sim);
    let rack = format!("RAck: {} 1 INVITE\r\n", numbered(&ringing));
    let BridgeEvent::Incoming { call, .. } = sim.event() else { panic!() };
    sim.command(Command::Answer(call, address(RTP)));
    sim.expect("SIP/2.0 200 ");
    sim.receive(&dialog.request("PRACK", 2).with_extra(&rack).text());
    sim.expect("SIP/2.0 200 ");
    sim.receive(&dialog.request("ACK", 1).text());
    assert!(matches!(sim.event(), BridgeEvent::Established { .. }));
}

#[test]
fn an_invite_that_insists_and_offers_nothing_is_answered_without_ringing() {
    let mut sim = Simulation::new();
    sim.receive(&Message::invite("a").with_extra("Require: 100rel\r\n").with_body("").text());
    sim.expect("SIP/2.0 100 ");
    sim.expect_silence();
}

#[test]
fn what_a_callee_says_reliably_is_acknowledged_once_along_its_route() {
    let mut sim = Simulation::new();
    let call = sim.dial();
    let invite = sim.expect("INVITE ");
    assert!(header(&invite, "Supported").contains("100rel"));
    let reliable = |rseq: u32| {
        format!("Require: 100rel\r\nRSeq: {rseq}\r\nRecord-Route: <sip:192.0.2.31;lr>\r\n")
    };
    let answer = sdp("192.0.2.9", 6000, "sendrecv");
    let progress = response(&invite, 183, "t", &reliable(40), &answer);
    sim.receive(&progress);
    let (hop, prack) = sim.sent.pop_front().unwrap();
    assert!(prack.starts_with("PRACK sip:callee@10.9.9.9:5090 SIP/2.0\r\n"), "{prack}");
    assert_eq!(hop, address("192.0.2.31:5060"));
    let cseq = header(&invite, "CSeq");
    assert_eq!(header(&prack, "RAck"), format!("40 {cseq}"));
    sim.receive(&response(&prack, 200, "", "", ""));
    sim.receive(&progress);
    sim.expect_silence();
    sim.receive(&response(&invite, 180, "t", &reliable(42), ""));
    sim.expect_silence(); // 41 was overtaken; it will be repeated.
    sim.receive(&response(&invite, 180, "t", &reliable(41), ""));
    sim.expect("PRACK ");
    // The answer has been given; the 200 needs none, and its ACK has the INVITE's number.
    sim.receive(&response(&invite, 200, "t", "", ""));
    let ack = sim.expect("ACK ");
    assert_eq!(header(&ack, "CSeq").split(' ').next(), cseq.split(' ').next());
    assert!(sim.events.iter().any(|event| matches!(event, BridgeEvent::Established { .. })));
    sim.command(Command::Hangup(call, HangupReason::Normal));
    sim.expect("BYE ");
}

#[test]
fn a_cancel_after_a_prack_still_has_the_number_of_its_invite() {
    let mut sim = Simulation::new();
    let call = sim.dial();
    let invite = sim.expect("INVITE ");
    sim.receive(&response(&invite, 180, "t", "Require: 100rel\r\nRSeq: 9\r\n", ""));
    sim.expect("PRACK ");
    sim.command(Command::Hangup(call, HangupReason::Normal));
    let cancel = sim.expect("CANCEL ");
    assert_eq!(
        header(&cancel, "CSeq").split(' ').next(),
        header(&invite, "CSeq").split(' ').next()
    );
    sim.receive(&response(&invite, 487, "t", "", ""));
    let ack = sim.expect("ACK ");
    assert_eq!(header(&ack, "CSeq").split(' ').next(), header(&invite, "CSeq").split(' ').next());
}
