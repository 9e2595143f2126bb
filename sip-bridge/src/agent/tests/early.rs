//! Sound before the answer, in both directions, and the branches of a forked call.

use core::time::Duration;
use std::collections::BTreeMap;

use super::{Command, Message, RTP, Simulation, address, header, response, sdp};
use crate::event::{BridgeEvent, CallId};
use crate::policy::{Policies, TrunkPolicy};

/// A trunk whose callers hear the line before it answers; a call that comes in over it.
fn heard_early(extra: &str) -> (Simulation, Message, CallId) {
    let mut sim = Simulation::new();
    let policy = TrunkPolicy { early_media: true, ..TrunkPolicy::default() };
    sim.agent.set_policies(Policies::new(BTreeMap::from([("trunk".into(), policy)])));
    let invite = Message::invite("a").with_extra(extra);
    sim.receive(&invite.text());
    sim.expect("SIP/2.0 100 ");
    let BridgeEvent::Incoming { call, .. } = sim.event() else { panic!("a call") };
    (sim, invite, call)
}

fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn port_heard(event: BridgeEvent) -> u16 {
    match event {
        BridgeEvent::EarlyMedia { media, .. } | BridgeEvent::Established { media, .. } => {
            media.remote_rtp.port()
        }
        other => panic!("no media in {other:?}"),
    }
}

#[test]
fn a_caller_hears_the_line_before_the_answer_and_the_200_says_the_same() {
    let (mut sim, _, call) = heard_early("");
    sim.expect_silence();
    sim.command(Command::Progress(call, address(RTP)));
    let progress = sim.expect("SIP/2.0 183 ");
    assert!(progress.contains("m=audio 4000 RTP/AVP 0 101\r\n"), "{progress}");
    sim.command(Command::Progress(call, address("192.0.2.1:4002")));
    sim.expect_silence();
    sim.command(Command::Answer(call, address("192.0.2.1:4002")));
    assert_eq!(body(&sim.expect("SIP/2.0 200 ")), body(&progress));
}

#[test]
fn a_line_that_says_nothing_rings_after_a_second_and_an_answer_needs_no_183() {
    let (mut sim, ..) = heard_early("");
    sim.pass(Duration::from_millis(1_100));
    sim.expect("SIP/2.0 180 ");
    let (mut sim, _, call) = heard_early("");
    sim.command(Command::Answer(call, address(RTP)));
    sim.expect("SIP/2.0 200 ");
    sim.pass(Duration::from_millis(400));
    sim.expect_silence();
}

#[test]
fn an_early_answer_that_must_arrive_is_acknowledged_before_the_200_which_does_not_repeat_it() {
    let (mut sim, invite, call) = heard_early("Require: 100rel\r\n");
    sim.command(Command::Progress(call, address(RTP)));
    let progress = sim.expect("SIP/2.0 183 ");
    let rack = format!("RAck: {} 1 INVITE\r\n", header(&progress, "RSeq"));
    sim.command(Command::Answer(call, address(RTP)));
    sim.expect_silence();
    sim.pass(Duration::from_millis(600));
    assert_eq!(sim.expect("SIP/2.0 183 "), progress);
    let dialog = invite.in_dialog(&progress);
    sim.receive(&dialog.request("PRACK", 2).with_extra(&rack).text());
    sim.expect("SIP/2.0 200 ");
    let ok = sim.expect("SIP/2.0 200 ");
    assert_eq!((header(&ok, "CSeq"), body(&ok)), ("1 INVITE", ""));
    sim.receive(&dialog.request("ACK", 1).text());
    assert!(matches!(sim.event(), BridgeEvent::Established { .. }));
}

#[test]
fn a_caller_that_wants_our_offer_hears_that_it_rings() {
    let mut sim = Simulation::new();
    let policy = TrunkPolicy { early_media: true, ..TrunkPolicy::default() };
    sim.agent.set_policies(Policies::new(BTreeMap::from([("trunk".into(), policy)])));
    let call = sim.ring(&Message::invite("a").with_body(""));
    sim.command(Command::Progress(call, address(RTP)));
    sim.expect_silence();
}

#[test]
fn the_called_side_is_heard_before_it_answers() {
    let mut sim = Simulation::new();
    sim.dial();
    let invite = sim.expect("INVITE ");
    sim.receive(&response(&invite, 183, "t", "", &sdp("192.0.2.9", 7000, "sendrecv")));
    assert_eq!(port_heard(sim.event()), 7000);
    assert!(sim.events.is_empty(), "nobody rings yet");
    sim.receive(&response(&invite, 180, "t", "", ""));
    assert!(matches!(sim.event(), BridgeEvent::Ringing { .. }));
    sim.receive(&response(&invite, 183, "t", "", &sdp("192.0.2.9", 7000, "sendrecv")));
    assert!(sim.events.is_empty(), "the same again is no news");
    sim.receive(&response(&invite, 200, "t", "", &sdp("192.0.2.9", 7000, "sendrecv")));
    sim.expect("ACK ");
    assert_eq!(port_heard(sim.event()), 7000);
}

#[test]
fn branches_that_speak_are_told_apart_and_the_one_that_answers_counts() {
    let mut sim = Simulation::new();
    sim.dial();
    let invite = sim.expect("INVITE ");
    for (tag, port) in [("a", 7000), ("b", 7100)] {
        sim.receive(&response(&invite, 183, tag, "", &sdp("192.0.2.9", port, "sendrecv")));
        assert_eq!(port_heard(sim.event()), port);
    }
    // The first one answers, without saying again what it said.
    sim.receive(&response(&invite, 200, "a", "", ""));
    assert!(header(&sim.expect("ACK "), "To").ends_with(";tag=a"));
    assert_eq!(port_heard(sim.event()), 7000);
    sim.receive(&response(&invite, 200, "b", "", &sdp("192.0.2.9", 7100, "sendrecv")));
    assert!(header(&sim.expect("ACK "), "To").ends_with(";tag=b"));
    assert!(header(&sim.expect("BYE "), "To").ends_with(";tag=b"));
}

#[test]
fn each_branch_counts_its_own_responses_that_must_arrive() {
    let mut sim = Simulation::new();
    sim.dial();
    let invite = sim.expect("INVITE ");
    let reliable = |rseq: u32| format!("Require: 100rel\r\nRSeq: {rseq}\r\n");
    for (tag, rseq) in [("a", 10), ("b", 900), ("a", 11)] {
        sim.receive(&response(&invite, 180, tag, &reliable(rseq), ""));
        let prack = sim.expect("PRACK ");
        assert!(header(&prack, "To").ends_with(&format!(";tag={tag}")));
        assert!(header(&prack, "RAck").starts_with(&format!("{rseq} ")));
    }
    sim.receive(&response(&invite, 180, "a", &reliable(13), ""));
    sim.expect_silence();
}

#[test]
fn a_hunt_group_of_hundreds_is_heard_within_bounds() {
    let mut sim = Simulation::new();
    sim.dial();
    let invite = sim.expect("INVITE ");
    for n in 0..300 {
        let tag = format!("t{n}");
        sim.receive(&response(&invite, 183, &tag, "", &sdp("192.0.2.9", 7000 + n, "sendrecv")));
    }
    assert_eq!(sim.events.len(), 8);
    for n in 0..300 {
        sim.receive(&response(&invite, 183, "t1", "", &sdp("192.0.2.9", 8000 + n, "sendrecv")));
    }
    assert_eq!(sim.events.len(), 64, "nobody changes what is heard without end");
    sim.receive(&response(&invite, 200, "t250", "", &sdp("192.0.2.9", 7250, "sendrecv")));
    sim.expect("ACK ");
    assert_eq!(port_heard(sim.events.pop_back().unwrap()), 7250);
}

/// The called side answers the offer in a 183 that must arrive; gives that side's UPDATE with an offer
/// of its own.
fn updated_early(sim: &mut Simulation, invite: &str, reliable: bool) -> String {
    let extra = if reliable { "Require: 100rel\r\nRSeq: 5\r\n" } else { "" };
    sim.receive(&response(invite, 183, "t", extra, &sdp("192.0.2.9", 7000, "sendrecv")));
    sim.event();
    if reliable {
        let prack = sim.expect("PRACK ");
        sim.receive(&response(&prack, 200, "", "", ""));
    }
    update_of(invite, 1, &sdp("192.0.2.9", 7200, "sendrecv"))
}

/// A request of whom `invite` called, who is known by the tag `t`.
fn update_of(invite: &str, cseq: u32, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "UPDATE sip:xenline@192.0.2.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5080;branch=z9hG4bKup{cseq};rport\r\n\
         From: {};tag=t\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} UPDATE\r\n\
         Contact: <sip:callee@192.0.2.9:5080>\r\nMax-Forwards: 70\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        header(invite, "To"),
        header(invite, "From"),
        header(invite, "Call-ID"),
        body.len()
    )
}

#[test]
fn whom_we_called_may_offer_anew_before_the_answer_once_its_own_has_arrived() {
    let mut sim = Simulation::new();
    sim.dial();
    let invite = sim.expect("INVITE ");
    let update = updated_early(&mut sim, &invite, true);
    sim.receive(&update);
    let ok = sim.expect("SIP/2.0 200 ");
    assert!(body(&ok).contains("m=audio 4000 RTP/AVP 0 101\r\n"), "{ok}");
    assert_eq!(port_heard(sim.event()), 7200);
    // What was agreed last is what the answer means.
    sim.receive(&response(&invite, 200, "t", "", ""));
    sim.expect("ACK ");
    assert_eq!(port_heard(sim.event()), 7200);
}

#[test]
fn an_offer_that_crosses_the_invites_own_is_refused_and_a_refresh_is_not() {
    let mut sim = Simulation::new();
    sim.dial();
    let invite = sim.expect("INVITE ");
    let update = updated_early(&mut sim, &invite, false);
    sim.receive(&update);
    sim.expect("SIP/2.0 491 ");
    sim.receive(&update_of(&invite, 2, ""));
    assert_eq!(body(&sim.expect("SIP/2.0 200 ")), "");
    sim.receive(&update_of(&invite, 1, "").replace("z9hG4bKup1", "z9hG4bKold"));
    sim.expect("SIP/2.0 500 ");
    sim.receive(&update_of(&invite, 3, "").replace(";tag=t\r\n", ";tag=nobody\r\n"));
    sim.expect("SIP/2.0 481 ");
    assert!(sim.events.is_empty());
}

#[test]
fn a_caller_may_offer_anew_before_the_answer_once_it_has_ours() {
    let (mut sim, invite, call) = heard_early("Require: 100rel\r\n");
    sim.command(Command::Progress(call, address(RTP)));
    let progress = sim.expect("SIP/2.0 183 ");
    let dialog = invite.in_dialog(&progress);
    let moved = sdp("192.0.2.9", 6400, "sendrecv");
    sim.receive(&dialog.request("UPDATE", 2).with_body(&moved).text());
    sim.expect("SIP/2.0 500 ");
    let rack = format!("RAck: {} 1 INVITE\r\n", header(&progress, "RSeq"));
    sim.receive(&dialog.request("PRACK", 3).with_extra(&rack).text());
    sim.expect("SIP/2.0 200 ");
    sim.receive(&dialog.request("UPDATE", 4).with_body(&moved).text());
    let ok = sim.expect("SIP/2.0 200 ");
    assert!(body(&ok).contains("m=audio 4000 "), "{ok}");
    assert!(
        matches!(sim.event(), BridgeEvent::MediaChanged { media, .. } if media.remote_rtp.port() == 6400)
    );
    sim.command(Command::Answer(call, address(RTP)));
    let ok = sim.expect("SIP/2.0 200 ");
    assert_eq!((header(&ok, "CSeq"), body(&ok)), ("1 INVITE", ""));
    sim.receive(&dialog.request("ACK", 1).text());
    assert_eq!(port_heard(sim.event()), 6400);
}
