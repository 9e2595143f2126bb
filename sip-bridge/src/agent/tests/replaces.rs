//! Dialogs that another one takes the place of (RFC 3891).

use super::{Message, PEER, Simulation, header, response, sdp};
use crate::event::BridgeEvent;

/// An INVITE that replaces the dialog of `of`.
fn replacing(call_id: &str, of: &Message, more: &str) -> Message {
    let to_tag = of.to_tag.trim_start_matches(";tag=");
    let replaces = format!("Replaces: {};to-tag={to_tag};from-tag=peertag{more}\r\n", of.call_id);
    Message::invite(call_id)
        .with_extra(&format!("Require: replaces\r\n{replaces}"))
        .with_body(&sdp("192.0.2.9", 6100, "sendrecv"))
}

#[test]
fn a_dialog_that_is_replaced_gives_the_line_to_the_new_one_and_ends() {
    let mut sim = Simulation::with_channels(1);
    let (call, dialog) = sim.establish(&Message::invite("a"));
    let invite = replacing("b", &dialog, "");
    sim.receive(&invite.text());
    sim.expect("SIP/2.0 100 ");
    let ok = sim.expect("SIP/2.0 200 ");
    assert!(ok.contains("m=audio 4000 RTP/AVP 0 101\r\n"), "the same socket: {ok}");
    let bye = sim.expect("BYE ");
    assert_eq!(header(&bye, "Call-ID"), "a");
    match sim.event() {
        BridgeEvent::Moved { from, media, .. } => {
            assert_eq!((from, media.remote_rtp.port()), (call, 6100));
        }
        other => panic!("expected Moved, got {other:?}"),
    }
    assert!(matches!(sim.event(), BridgeEvent::Ended { call: ended, .. } if ended == call));
    sim.receive(&invite.in_dialog(&ok).request("ACK", 1).text());
    assert!(matches!(sim.event(), BridgeEvent::Established { .. }));
    assert_eq!(sim.agent.load().calls, 1);
}

#[test]
fn an_invite_without_an_offer_replaces_with_its_ack() {
    let mut sim = Simulation::new();
    let (call, dialog) = sim.establish(&Message::invite("a"));
    let invite = replacing("b", &dialog, "").with_body("");
    sim.receive(&invite.text());
    sim.expect("SIP/2.0 100 ");
    let ok = sim.expect("SIP/2.0 200 ");
    assert!(sim.events.is_empty());
    let ack = invite.in_dialog(&ok).request("ACK", 1);
    sim.receive(&ack.with_body(&sdp("192.0.2.9", 6100, "sendrecv")).text());
    assert!(matches!(sim.event(), BridgeEvent::Moved { from, .. } if from == call));
    sim.expect("BYE ");
    sim.expect_ended();
}

#[test]
fn what_may_not_be_replaced_is_refused_as_the_rfc_says() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let wrong = Message { to_tag: ";tag=nobody".into(), ..dialog.clone() };
    let mut foreign = replacing("c", &dialog, "");
    foreign.extra = foreign.extra.replace("peertag", "othertag");
    let twice = "\r\nReplaces: x;to-tag=1;from-tag=2";
    for (invite, status) in [
        (replacing("b", &wrong, ""), 481),
        (foreign, 481),
        (replacing("d", &dialog, ";early-only"), 486),
        (replacing("e", &dialog, twice), 400),
        (Message::invite("f").with_extra("Replaces: nonsense\r\n"), 400),
    ] {
        sim.receive(&invite.text());
        sim.expect(&format!("SIP/2.0 {status} "));
        assert!(matches!(sim.event(), BridgeEvent::Refused { .. }));
    }
    // Another trunk's calls are nobody else's.
    sim.receive_from(PEER, Some("other"), &replacing("g", &dialog, "").text());
    sim.expect("SIP/2.0 481 ");
    sim.event();
    // One that rings here is not ours to give away; one that is over is declined.
    let ringing = Message::invite("h");
    sim.receive(&ringing.text());
    sim.expect("SIP/2.0 100 ");
    let rings = sim.expect("SIP/2.0 180 ");
    sim.event();
    sim.receive(&replacing("i", &ringing.in_dialog(&rings), "").text());
    sim.expect("SIP/2.0 481 ");
    sim.event();
    sim.receive(&dialog.request("BYE", 2).text());
    sim.expect("SIP/2.0 200 ");
    sim.event();
    sim.receive(&replacing("j", &dialog, "").text());
    sim.expect("SIP/2.0 603 ");
}

#[test]
fn a_call_of_ours_that_still_rings_can_be_picked_up() {
    let mut sim = Simulation::new();
    let mut dial = Simulation::dial_of(sim.transport);
    dial.trunk = Some("trunk".into());
    let call = sim.agent.dial(sim.now, dial).expect("admission");
    sim.drain();
    let ours = sim.expect("INVITE ");
    sim.receive(&response(&ours, 180, "peertag", "", ""));
    sim.event();
    let tag = header(&ours, "From").split(";tag=").nth(1).expect("our tag");
    let dialog =
        Message { to_tag: format!(";tag={tag}"), ..Message::invite(header(&ours, "Call-ID")) };
    sim.receive(&replacing("b", &dialog, ";early-only").text());
    sim.expect("SIP/2.0 100 ");
    sim.expect("SIP/2.0 200 ");
    sim.expect("CANCEL ");
    assert!(matches!(sim.event(), BridgeEvent::Moved { from, .. } if from == call));
}
