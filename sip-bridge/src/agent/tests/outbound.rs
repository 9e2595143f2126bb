use core::time::Duration;

use super::{
    Command, Input, PEER, Simulation, TransportKind, address, header, headers, response, sdp,
};
use crate::event::{BridgeEvent, HangupBy, HangupReason};

fn answer() -> String {
    sdp("192.0.2.9", 6000, "sendrecv").replace("101", "96")
}

/// Dials and returns the INVITE.
fn dialled(sim: &mut Simulation) -> (crate::event::CallId, String) {
    let call = sim.dial();
    (call, sim.expect("INVITE sip:200@192.0.2.9:5080 SIP/2.0\r\n"))
}

#[test]
fn a_call_rings_is_answered_and_acknowledged() {
    let mut sim = Simulation::new();
    let (_, invite) = dialled(&mut sim);
    assert!(invite.contains("m=audio 4000 RTP/AVP 0 101\r\n"), "{invite}");
    sim.receive(&response(&invite, 100, "", "", ""));
    sim.receive(&response(&invite, 180, "t", "", ""));
    assert!(matches!(sim.event(), BridgeEvent::Ringing { .. }));
    sim.receive(&response(&invite, 180, "t", "", ""));
    assert!(sim.events.is_empty(), "ringing is told once");
    sim.receive(&response(&invite, 200, "t", "", &answer()));
    let ack = sim.expect("ACK sip:callee@10.9.9.9:5090 SIP/2.0\r\n");
    assert_eq!(header(&ack, "CSeq").split(' ').next(), header(&invite, "CSeq").split(' ').next());
    assert_ne!(header(&ack, "Via"), header(&invite, "Via"));
    match sim.event() {
        BridgeEvent::Established { media, .. } => {
            // Asymmetric: they send events as 101, we send them as 96.
            assert_eq!(media.send_telephone_event.map(|number| number.0), Some(96));
            assert_eq!(media.receive_telephone_event.map(|number| number.0), Some(101));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_route_set_is_the_record_route_reversed() {
    let mut sim = Simulation::new();
    let (call, invite) = dialled(&mut sim);
    let routes = "Record-Route: <sip:192.0.2.32;lr>\r\nRecord-Route: <sip:192.0.2.31;lr>\r\n";
    sim.receive(&response(&invite, 200, "t", routes, &answer()));
    let (hop, ack) = sim.sent.pop_front().unwrap();
    assert_eq!(headers(&ack, "Route"), ["<sip:192.0.2.31;lr>", "<sip:192.0.2.32;lr>"]);
    assert_eq!(hop, address("192.0.2.31:5060"));
    sim.command(Command::Hangup(call, HangupReason::Normal));
    let (hop, bye) = sim.sent.pop_front().unwrap();
    assert!(bye.starts_with("BYE sip:callee@10.9.9.9:5090 SIP/2.0\r\n"));
    assert_eq!(hop, address("192.0.2.31:5060"));
}

#[test]
fn the_invite_is_repeated_until_anything_comes_back() {
    let mut sim = Simulation::new();
    let (_, invite) = dialled(&mut sim);
    sim.pass(Duration::from_millis(1_600));
    assert_eq!(sim.next(), invite);
    assert_eq!(sim.next(), invite);
    sim.receive(&response(&invite, 100, "", "", ""));
    sim.pass(Duration::from_secs(20));
    sim.expect_silence();
}

#[test]
fn silence_ends_the_call_at_32_seconds() {
    let mut sim = Simulation::new();
    dialled(&mut sim);
    sim.pass(Duration::from_secs(33));
    let outcome = sim.expect_ended();
    assert_eq!((outcome.hangup_by, outcome.sip_status), (HangupBy::Bridge, 408));
    assert_eq!(sim.agent.load().transactions, 0);
}

#[test]
fn a_repeated_200_gets_its_ack_again() {
    let mut sim = Simulation::new();
    let (_, invite) = dialled(&mut sim);
    let ok = response(&invite, 200, "t", "", &answer());
    sim.receive(&ok);
    let ack = sim.expect("ACK ");
    sim.receive(&ok);
    assert_eq!(sim.expect("ACK "), ack);
    assert_eq!(sim.events.len(), 1);
}

#[test]
fn a_refusal_is_acknowledged_in_its_transaction_each_time() {
    let mut sim = Simulation::new();
    let (_, invite) = dialled(&mut sim);
    let busy = response(&invite, 486, "t", "Reason: Q.850;cause=17\r\n", "");
    sim.receive(&busy);
    let ack = sim.expect("ACK sip:200@192.0.2.9:5080 SIP/2.0\r\n");
    assert_eq!(header(&ack, "Via"), header(&invite, "Via"));
    assert!(header(&ack, "To").ends_with(";tag=t"));
    let outcome = sim.expect_ended();
    assert_eq!(
        (outcome.hangup_by, outcome.sip_status, outcome.q850),
        (HangupBy::Peer, 486, Some(17))
    );
    sim.receive(&busy);
    sim.expect("ACK ");
}

#[test]
fn hanging_up_a_ringing_call_cancels_it() {
    let mut sim = Simulation::new();
    let (call, invite) = dialled(&mut sim);
    sim.receive(&response(&invite, 180, "t", "", ""));
    sim.event();
    sim.command(Command::Hangup(call, HangupReason::Normal));
    let cancel = sim.expect("CANCEL sip:200@192.0.2.9:5080 SIP/2.0\r\n");
    assert_eq!(header(&cancel, "Via"), header(&invite, "Via"));
    sim.receive(&response(&cancel, 200, "t", "", ""));
    sim.receive(&response(&invite, 487, "t", "", ""));
    sim.expect("ACK ");
    assert_eq!(sim.expect_ended().hangup_by, HangupBy::Line);
}

#[test]
fn a_cancel_waits_for_the_first_provisional_response() {
    let mut sim = Simulation::new();
    let (call, invite) = dialled(&mut sim);
    sim.command(Command::Hangup(call, HangupReason::Normal));
    sim.expect_silence();
    sim.receive(&response(&invite, 100, "", "", ""));
    sim.expect("CANCEL ");
}

#[test]
fn a_200_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    let mut sim = Simulation::new();
    let (call, invite) = dialled(&mut sim);
    sim.receive(&response(&invite, 180, "t", "", ""));
    sim.command(Command::Hangup(call, HangupReason::Normal));
    sim.expect("CANCEL ");
    sim.receive(&response(&invite, 200, "t", "", &answer()));
    sim.expect("ACK ");
    sim.expect("BYE ");
    sim.event();
    assert_eq!(sim.expect_ended().hangup_by, HangupBy::Line);
}

#[test]
fn a_cancel_that_leads_to_nothing_is_given_up() {
    let mut sim = Simulation::new();
    let (call, invite) = dialled(&mut sim);
    sim.receive(&response(&invite, 180, "t", "", ""));
    sim.command(Command::Hangup(call, HangupReason::Normal));
    sim.pass(Duration::from_secs(70));
    sim.event();
    sim.expect_ended();
    assert_eq!(sim.agent.load().transactions, 0);
}

#[test]
fn ringing_too_long_is_cancelled() {
    let mut sim = Simulation::new();
    let (_, invite) = dialled(&mut sim);
    sim.receive(&response(&invite, 180, "t", "", ""));
    sim.pass(Duration::from_secs(121));
    sim.expect("CANCEL ");
}

#[test]
fn an_answer_that_was_not_offered_ends_the_call() {
    let mut sim = Simulation::new();
    let (_, invite) = dialled(&mut sim);
    let opus = answer().replace("AVP 0 ", "AVP 111 ").replace("0 PCMU/8000", "111 opus/48000/2");
    sim.receive(&response(&invite, 200, "t", "", &opus));
    sim.expect("ACK ");
    sim.expect("BYE ");
    assert_eq!(sim.expect_ended().sip_status, 488);
}

#[test]
fn a_second_200_from_a_fork_is_acknowledged_and_ended() {
    let mut sim = Simulation::new();
    let (_, invite) = dialled(&mut sim);
    sim.receive(&response(&invite, 200, "t", "", &answer()));
    sim.expect("ACK ");
    sim.receive(&response(&invite, 200, "fork", "", &answer()));
    assert!(header(&sim.expect("ACK "), "To").ends_with(";tag=fork"));
    let bye = sim.expect("BYE ");
    assert!(header(&bye, "To").ends_with(";tag=fork"));
    sim.receive(&response(&bye, 200, "", "", ""));
    // Repeated, it is acknowledged again, and has been hung up.
    sim.receive(&response(&invite, 200, "fork", "", &answer()));
    assert!(header(&sim.expect("ACK "), "To").ends_with(";tag=fork"));
    sim.expect_silence();
    assert_eq!(sim.agent.load().calls, 1);
}

#[test]
fn who_answers_after_the_call_is_over_is_acknowledged_and_hung_up_too() {
    let mut sim = Simulation::new();
    let (call, invite) = dialled(&mut sim);
    sim.receive(&response(&invite, 200, "t", "", &answer()));
    sim.expect("ACK ");
    sim.command(Command::Hangup(call, HangupReason::Normal));
    let bye = sim.expect("BYE ");
    sim.receive(&response(&bye, 200, "", "", ""));
    sim.pass(Duration::from_secs(10));
    sim.receive(&response(&invite, 200, "late", "", &answer()));
    assert!(header(&sim.expect("ACK "), "To").ends_with(";tag=late"));
    let bye = sim.expect("BYE ");
    assert!(header(&bye, "To").ends_with(";tag=late"));
    sim.receive(&response(&bye, 200, "", "", ""));
    sim.pass(Duration::from_secs(40));
    assert_eq!(sim.agent.load().transactions, 0);
}

#[test]
fn the_called_side_can_hold_and_hang_up() {
    let mut sim = Simulation::new();
    let (_, invite) = dialled(&mut sim);
    sim.receive(&response(&invite, 200, "t", "", &answer()));
    sim.expect("ACK ");
    sim.event();
    let (us, them) = (header(&invite, "From").to_owned(), header(&invite, "To").to_owned());
    let request = |method: &str, cseq: u32, body: &str| {
        format!(
            "{method} sip:xenline@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {PEER};branch=z9hG4bKb{cseq}{method}\r\n\
             From: {them};tag=t\r\nTo: {us}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:callee@10.9.9.9:5090>\r\nContent-Length: {}\r\n\r\n{body}",
            header(&invite, "Call-ID"),
            body.len()
        )
    };
    sim.receive_from(PEER, None, &request("INVITE", 0, &sdp("192.0.2.9", 6000, "sendonly")));
    assert!(sim.expect("SIP/2.0 200 ").contains("a=recvonly\r\n"));
    sim.receive_from(PEER, None, &request("ACK", 0, ""));
    assert!(matches!(sim.event(), BridgeEvent::MediaChanged { .. }));
    sim.receive_from(PEER, None, &request("BYE", 1, ""));
    sim.expect("SIP/2.0 200 ");
    assert_eq!(sim.expect_ended().hangup_by, HangupBy::Peer);
}

#[test]
fn a_connection_that_cannot_be_opened_ends_the_call_at_once() {
    let mut sim = Simulation::over_tcp();
    dialled(&mut sim);
    sim.agent.handle(sim.now, Input::Unreachable(TransportKind::Tcp, address(PEER)));
    sim.drain();
    assert_eq!(sim.expect_ended().sip_status, 408);
    assert_eq!(sim.agent.load().transactions, 0);
}
