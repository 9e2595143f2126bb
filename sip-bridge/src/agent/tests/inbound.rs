use core::time::Duration;

use super::{Command, Message, RTP, Simulation, address, header, sdp};
use crate::event::{BridgeEvent, HangupBy, HangupReason, Rejection};

#[test]
fn an_invite_gets_100_and_180_at_once_and_200_when_the_line_answers() {
    let mut sim = Simulation::new();
    let (_, ok) = sim.answer(&Message::invite("a"));
    assert!(ok.contains("m=audio 4000 RTP/AVP 0 101\r\n"), "{ok}");
    assert!(ok.contains("c=IN IP4 192.0.2.1\r\n"), "{ok}");
    assert!(header(&ok, "Contact").starts_with("<sip:xenline@192.0.2.1:5060"));
}

#[test]
fn a_repeated_invite_is_answered_with_the_last_response_and_makes_no_second_call() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a");
    sim.ring(&invite);
    sim.receive(&invite.text());
    sim.expect("SIP/2.0 180 ");
    sim.expect_silence();
    assert!(sim.events.is_empty());
}

#[test]
fn the_200_is_repeated_until_its_ack_comes() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a");
    let (_, ok) = sim.answer(&invite);
    sim.pass(Duration::from_millis(3_600)); // 0.5, 1.5, 3.5 s
    for _ in 0..3 {
        assert_eq!(sim.expect("SIP/2.0 200 "), ok);
    }
    sim.receive(&invite.in_dialog(&ok).request("ACK", 1).text());
    assert!(matches!(sim.event(), BridgeEvent::Established { .. }));
    sim.pass(Duration::from_secs(40));
    sim.expect_silence();
}

#[test]
fn without_an_ack_the_call_ends_with_a_bye_at_32_seconds() {
    let mut sim = Simulation::new();
    sim.answer(&Message::invite("a"));
    sim.pass(Duration::from_millis(31_900));
    assert!(sim.events.is_empty());
    sim.sent.clear();
    sim.pass(Duration::from_millis(200));
    sim.expect("BYE ");
    let outcome = sim.expect_ended();
    assert_eq!((outcome.hangup_by, outcome.sip_status), (HangupBy::Bridge, 408));
}

#[test]
fn a_cancel_ends_the_ringing() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a");
    sim.ring(&invite);
    sim.receive(&invite.same_branch("CANCEL").text());
    let ok = sim.expect("SIP/2.0 200 ");
    assert_eq!(header(&ok, "CSeq"), "1 CANCEL");
    let terminated = sim.expect("SIP/2.0 487 ");
    assert_eq!(header(&terminated, "CSeq"), "1 INVITE");
    assert_eq!(header(&ok, "To"), header(&terminated, "To"));
    assert_eq!(sim.expect_ended().hangup_by, HangupBy::Peer);
}

#[test]
fn a_cancel_that_crosses_the_200_changes_nothing() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a");
    let (_, ok) = sim.answer(&invite);
    sim.receive(&invite.same_branch("CANCEL").text());
    sim.expect("SIP/2.0 200 ");
    sim.expect_silence();
    sim.receive(&invite.in_dialog(&ok).request("ACK", 1).text());
    assert!(matches!(sim.event(), BridgeEvent::Established { .. }));
}

#[test]
fn a_cancel_of_nothing_gets_481() {
    let mut sim = Simulation::new();
    sim.receive(&Message::invite("a").same_branch("CANCEL").text());
    sim.expect("SIP/2.0 481 ");
}

#[test]
fn a_rejection_is_repeated_until_its_ack() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a");
    let call = sim.ring(&invite);
    sim.command(Command::Reject(call, Rejection::Declined));
    let declined = sim.expect("SIP/2.0 603 ");
    assert_eq!(sim.expect_ended().hangup_by, HangupBy::Line);
    sim.pass(Duration::from_millis(600));
    sim.expect("SIP/2.0 603 ");
    sim.receive(&invite.in_dialog(&declined).same_branch("ACK").text());
    sim.pass(Duration::from_secs(40));
    sim.expect_silence();
}

#[test]
fn a_hangup_before_the_ack_waits_for_it() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a");
    let (call, ok) = sim.answer(&invite);
    sim.command(Command::Hangup(call, HangupReason::Normal));
    sim.expect_silence();
    sim.receive(&invite.in_dialog(&ok).request("ACK", 1).text());
    let bye = sim.expect("BYE ");
    assert_eq!(header(&bye, "Reason"), "Q.850;cause=16;text=\"Normal call clearing\"");
    sim.expect_ended();
}

#[test]
fn a_bye_while_it_rings_ends_both_the_bye_and_the_invite() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a");
    sim.receive(&invite.text());
    sim.expect("SIP/2.0 100 ");
    let ringing = sim.expect("SIP/2.0 180 ");
    sim.receive(&invite.in_dialog(&ringing).request("BYE", 2).text());
    sim.expect("SIP/2.0 200 ");
    sim.expect("SIP/2.0 487 ");
}

#[test]
fn nobody_answering_ends_the_call_with_480_and_180_is_repeated_each_minute() {
    let mut sim = Simulation::new();
    sim.ring(&Message::invite("a"));
    sim.pass(Duration::from_millis(119_900));
    sim.expect("SIP/2.0 180 ");
    sim.pass(Duration::from_millis(200));
    sim.expect("SIP/2.0 480 ");
    assert_eq!(sim.expect_ended().hangup_by, HangupBy::Bridge);
}

#[test]
fn an_invite_without_sdp_is_offered_ours_and_answered_in_the_ack() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a").with_body("");
    let (_, ok) = sim.answer(&invite);
    assert!(ok.contains("m=audio 4000 RTP/AVP 0 8 9 101\r\n"), "{ok}");
    let ack = invite.in_dialog(&ok).request("ACK", 1);
    sim.receive(&ack.with_body(&sdp("192.0.2.9", 6000, "sendrecv")).text());
    match sim.event() {
        BridgeEvent::Established { media, .. } => {
            assert_eq!(media.remote_rtp, address("192.0.2.9:6000"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_ack_without_the_answer_that_is_due_ends_the_call() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a").with_body("");
    let (_, ok) = sim.answer(&invite);
    sim.receive(&invite.in_dialog(&ok).request("ACK", 1).text());
    sim.expect("BYE ");
    assert_eq!(sim.expect_ended().sip_status, 488);
}

#[test]
fn the_record_tells_when_it_rang_was_answered_and_ended() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a");
    let call = sim.ring(&invite);
    sim.pass(Duration::from_millis(700));
    sim.command(Command::Answer(call, address(RTP)));
    let ok = sim.expect("SIP/2.0 200 ");
    let in_dialog = invite.in_dialog(&ok);
    sim.receive(&in_dialog.request("ACK", 1).text());
    sim.event();
    sim.pass(Duration::from_secs(10));
    let bye = in_dialog.request("BYE", 2).with_extra("Reason: Q.850;cause=31;text=\"Bye now\"\r\n");
    sim.receive(&bye.text());
    let BridgeEvent::Ended { cdr, outcome, .. } = sim.event() else { panic!() };
    assert_eq!((cdr.ring_ms, cdr.answer_ms, cdr.end_ms), (Some(0), Some(700), 10_700));
    assert_eq!(
        (cdr.from.as_str(), cdr.to.as_str(), cdr.trunk.as_str()),
        ("caller", "100", "trunk")
    );
    assert_eq!((outcome.q850, outcome.reason.as_str()), (Some(31), "Bye now"));
    let line = serde_json::to_string(&cdr).unwrap();
    assert!(
        line.contains("\"codec\":\"PCMU\"") && line.contains("\"hangup_by\":\"peer\""),
        "{line}"
    );
    assert!(!line.contains('\n'));
}
