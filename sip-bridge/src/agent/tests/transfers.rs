//! Transfers in both roles (RFC 3515, RFC 5589).

use core::time::Duration;
use std::collections::BTreeMap;

use super::{Command, Message, PEER, Simulation, header, response, sdp};
use crate::agent::ReferTarget;
use crate::event::{BridgeEvent, CallId, HangupBy, TransferResult};
use crate::message::Replaces;
use crate::policy::{Policies, TrunkPolicy};

/// A trunk that may transfer its calls, and one of them.
fn transferring() -> (Simulation, CallId, Message) {
    let mut sim = Simulation::new();
    let policy = TrunkPolicy { transfers: true, ..TrunkPolicy::default() };
    sim.agent.set_policies(Policies::new(BTreeMap::from([("trunk".into(), policy)])));
    let (call, dialog) = sim.establish(&Message::invite("a"));
    (sim, call, dialog)
}

fn refer(dialog: &Message, cseq: u32, target: &str) -> String {
    dialog.request("REFER", cseq).with_extra(&format!("Refer-To: {target}\r\n")).text()
}

/// What the line is asked about.
fn asked(sim: &mut Simulation) -> (CallId, String, Option<Replaces>) {
    match sim.event() {
        BridgeEvent::TransferAsked { call, number, replaces, .. } => {
            (call, number.into_exposed(), replaces)
        }
        other => panic!("expected TransferAsked, got {other:?}"),
    }
}

/// The line calls the other one; its INVITE.
fn follow(sim: &mut Simulation, call: CallId, replaces: Option<Replaces>) -> (CallId, String) {
    let mut dial = Simulation::dial_of(sim.transport);
    dial.trunk = Some("trunk".into());
    dial.transfer = Some((call, replaces));
    let to = sim.agent.dial(sim.now, dial).expect("admission");
    sim.drain();
    let invite = sim.expect("INVITE ");
    (to, invite)
}

/// The next report, acknowledged: its status, and whether it is the last.
fn reported(sim: &mut Simulation) -> (u16, bool) {
    let notify = sim.expect("NOTIFY ");
    assert!(header(&notify, "Event").starts_with("refer;id="), "{notify}");
    assert_eq!(header(&notify, "Content-Type"), "message/sipfrag;version=2.0");
    sim.receive(&response(&notify, 200, "", "", ""));
    let fragment = notify.split_once("\r\n\r\n").expect("a body").1;
    let status = fragment.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    (status, header(&notify, "Subscription-State").starts_with("terminated;reason="))
}

/// A report of the peer's on our REFER.
fn report(dialog: &Message, cseq: u32, fragment: &str, state: &str) -> String {
    let extra = format!("Event: refer\r\nSubscription-State: {state}\r\n");
    let mut notify = dialog.request("NOTIFY", cseq).with_extra(&extra).with_body(fragment);
    notify.content_type = "message/sipfrag";
    notify.text()
}

fn result(sim: &mut Simulation) -> TransferResult {
    match sim.event() {
        BridgeEvent::TransferEnded { result, .. } => result,
        other => panic!("expected TransferEnded, got {other:?}"),
    }
}

#[test]
fn nobody_may_transfer_unless_its_trunk_may() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    sim.receive(&refer(&dialog, 2, "<sip:+15550100@192.0.2.9>"));
    sim.expect("SIP/2.0 603 ");
    // And nobody outside a call has one.
    sim.receive(&refer(&Message::invite("b"), 1, "<sip:+15550100@192.0.2.9>"));
    sim.expect("SIP/2.0 603 ");
    assert!(sim.events.is_empty());
}

#[test]
fn a_transfer_that_is_followed_moves_the_line_and_is_reported_to_the_end() {
    let (mut sim, call, dialog) = transferring();
    sim.receive(&refer(&dialog, 2, "\"Front desk\" <tel:+15550100;phone-context=x>"));
    let (asked_on, number, _) = asked(&mut sim);
    assert_eq!((asked_on, number.as_str()), (call, "+15550100"));
    sim.expect_silence();
    let mut dial = Simulation::dial_of(sim.transport);
    dial.transfer = Some((call, None));
    let to = sim.agent.dial(sim.now, dial).expect("admission");
    sim.drain();
    let invite = sim.expect("INVITE ");
    sim.expect("SIP/2.0 202 ");
    assert_eq!(reported(&mut sim), (100, false));
    sim.receive(&response(&invite, 180, "t", "", ""));
    assert!(matches!(sim.event(), BridgeEvent::Ringing { call } if call == to));
    assert_eq!(reported(&mut sim), (180, false));
    sim.receive(&response(&invite, 200, "t", "", &sdp("192.0.2.9", 7000, "sendrecv")));
    sim.expect("ACK ");
    match sim.event() {
        BridgeEvent::Moved { from, to: now, number, media } => {
            assert_eq!((from, now), (call, to));
            assert_eq!((number.expose().as_str(), media.remote_rtp.port()), ("200", 7000));
        }
        other => panic!("expected Moved, got {other:?}"),
    }
    assert_eq!(reported(&mut sim), (200, true));
    // Who asked for it hangs up.
    sim.receive(&dialog.request("BYE", 3).text());
    sim.expect("SIP/2.0 200 ");
    assert_eq!(sim.expect_ended().hangup_by, HangupBy::Peer);
    assert_eq!(sim.agent.load().calls, 1);
}

#[test]
fn who_transferred_and_does_not_hang_up_is_hung_up() {
    let (mut sim, call, dialog) = transferring();
    sim.receive(&refer(&dialog, 2, "<sip:+15550100@x>"));
    asked(&mut sim);
    let (_, invite) = follow(&mut sim, call, None);
    sim.receive(&response(&invite, 200, "t", "", &sdp("192.0.2.9", 7000, "sendrecv")));
    sim.sent.clear();
    assert!(matches!(sim.event(), BridgeEvent::Moved { .. }));
    sim.pass(Duration::from_secs(5));
    assert!(sim.sent.iter().any(|(_, text)| text.starts_with("BYE ")), "{:?}", sim.sent);
    sim.expect_ended();
}

#[test]
fn a_transfer_to_somebody_busy_leaves_the_line_where_it_is() {
    let (mut sim, call, dialog) = transferring();
    sim.receive(&refer(&dialog, 2, "<sip:+15550100@x>"));
    asked(&mut sim);
    let (to, invite) = follow(&mut sim, call, None);
    sim.expect("SIP/2.0 202 ");
    assert_eq!(reported(&mut sim), (100, false));
    sim.receive(&response(&invite, 486, "t", "", ""));
    sim.expect("ACK ");
    assert_eq!(reported(&mut sim), (486, true));
    assert!(matches!(sim.event(), BridgeEvent::Ended { call, .. } if call == to));
    assert!(sim.events.is_empty());
    // And another one can be asked for.
    sim.receive(&refer(&dialog, 3, "<sip:+15550101@x>"));
    assert_eq!(asked(&mut sim).1, "+15550101");
}

#[test]
fn what_the_line_refuses_or_leaves_unanswered_is_declined_and_a_second_one_waits() {
    let (mut sim, call, dialog) = transferring();
    sim.receive(&refer(&dialog, 2, "<sip:+15550100@x>"));
    asked(&mut sim);
    sim.receive(&refer(&dialog, 3, "<sip:+15550101@x>"));
    sim.expect("SIP/2.0 491 ");
    sim.command(Command::RefuseTransfer(call));
    sim.expect("SIP/2.0 603 ");
    sim.receive(&refer(&dialog, 4, "<sip:+15550100@x>"));
    asked(&mut sim);
    sim.pass(Duration::from_millis(5_100));
    sim.expect("SIP/2.0 603 ");
    assert!(!sim.agent.transfer_waits(call), "too late to be followed");
}

#[test]
fn a_target_that_cannot_be_followed_gets_400() {
    let (mut sim, _, dialog) = transferring();
    for (n, target) in [
        "<mailto:a@b>",
        "<sip:a@b;method=SUBSCRIBE>",
        "<sip:a@b?Replaces=nonsense>",
        "<sip:a@b>\r\nRefer-To: <sip:c@d>",
        "<sip:192.0.2.9>",
        "nonsense",
    ]
    .into_iter()
    .enumerate()
    {
        sim.receive(&refer(&dialog, 2 + u32::try_from(n).unwrap(), target));
        sim.expect("SIP/2.0 400 ");
    }
    assert!(sim.events.is_empty());
}

#[test]
fn who_wants_no_reports_gets_none() {
    let (mut sim, call, dialog) = transferring();
    let extra = "Refer-To: <sip:+15550100@x>\r\nRefer-Sub: false\r\n";
    sim.receive(&dialog.request("REFER", 2).with_extra(extra).text());
    asked(&mut sim);
    let (_, invite) = follow(&mut sim, call, None);
    assert_eq!(header(&sim.expect("SIP/2.0 202 "), "Refer-Sub"), "false");
    sim.receive(&response(&invite, 200, "t", "", &sdp("192.0.2.9", 7000, "sendrecv")));
    sim.expect("ACK ");
    sim.expect_silence();
}

#[test]
fn a_peer_that_leaves_before_the_other_one_answers_does_not_take_the_line_with_it() {
    for (status, moved) in [(200, true), (486, false)] {
        let (mut sim, call, dialog) = transferring();
        sim.receive(&refer(&dialog, 2, "<sip:+15550100@x>"));
        asked(&mut sim);
        let (to, invite) = follow(&mut sim, call, None);
        sim.receive(&dialog.request("BYE", 3).text());
        assert!(sim.events.is_empty(), "it is not over yet");
        sim.receive(&response(&invite, status, "t", "", &sdp("192.0.2.9", 7000, "sendrecv")));
        if moved {
            assert!(matches!(sim.event(), BridgeEvent::Moved { to: now, .. } if now == to));
        } else {
            assert!(matches!(sim.event(), BridgeEvent::Ended { call, .. } if call == to));
        }
        assert!(matches!(sim.event(), BridgeEvent::Ended { call: ended, .. } if ended == call));
        assert!(sim.events.is_empty());
    }
}

#[test]
fn a_line_that_hangs_up_while_it_is_between_calls_ends_the_one_to_come() {
    let (mut sim, call, dialog) = transferring();
    sim.receive(&refer(&dialog, 2, "<sip:+15550100@x>"));
    asked(&mut sim);
    let (_, invite) = follow(&mut sim, call, None);
    sim.receive(&response(&invite, 180, "t", "", ""));
    sim.receive(&dialog.request("BYE", 3).text());
    sim.sent.clear();
    sim.command(Command::Hangup(call, crate::event::HangupReason::Normal));
    sim.expect("CANCEL ");
}

#[test]
fn an_attended_transfer_names_the_dialog_that_the_new_call_replaces() {
    let (mut sim, call, dialog) = transferring();
    let target = "<sip:300@192.0.2.9:5080?Replaces=c%40d%3Bto-tag%3D1%3Bfrom-tag%3D2&X=y>";
    sim.receive(&refer(&dialog, 2, target));
    let (_, number, replaces) = asked(&mut sim);
    assert_eq!(number, "300");
    let (_, invite) = follow(&mut sim, call, replaces);
    assert_eq!(header(&invite, "Replaces"), "c@d;to-tag=1;from-tag=2");
    assert_eq!(header(&invite, "Require"), "replaces");
}

#[test]
fn a_caller_that_we_transfer_is_hung_up_when_the_other_one_has_answered() {
    let mut sim = Simulation::new();
    let (call, dialog) = sim.establish(&Message::invite("a"));
    sim.command(Command::Refer(call, ReferTarget::Number("+15550100".into())));
    let refer = sim.expect("REFER ");
    assert_eq!(header(&refer, "Refer-To"), "<sip:+15550100@192.0.2.9>");
    assert_eq!(header(&refer, "Referred-By"), "<sip:100@192.0.2.1:5060>");
    sim.receive(&response(&refer, 202, "", "", ""));
    sim.receive(&report(&dialog, 2, "SIP/2.0 100 Trying\r\n", "active;expires=60"));
    sim.expect("SIP/2.0 200 ");
    assert!(sim.events.is_empty());
    sim.receive(&report(&dialog, 3, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource"));
    sim.expect("SIP/2.0 200 ");
    sim.expect("BYE ");
    assert_eq!(result(&mut sim), TransferResult::Done);
    sim.expect_ended();
}

#[test]
fn a_transfer_that_comes_to_nothing_is_told_and_the_call_goes_on() {
    let mut sim = Simulation::new();
    let (call, dialog) = sim.establish(&Message::invite("a"));
    let ask = |sim: &mut Simulation| {
        sim.command(Command::Refer(call, ReferTarget::Number("7".into())));
        sim.expect("REFER ")
    };
    let refer = ask(&mut sim);
    sim.receive(&response(&refer, 603, "", "", ""));
    assert_eq!(result(&mut sim), TransferResult::Refused(603));
    ask(&mut sim);
    // The report overtakes the response.
    sim.receive(&report(&dialog, 2, "SIP/2.0 486 Busy\r\n", "terminated;reason=noresource"));
    sim.expect("SIP/2.0 200 ");
    assert_eq!(result(&mut sim), TransferResult::Refused(486));
    ask(&mut sim);
    sim.command(Command::Refer(call, ReferTarget::Number("8".into())));
    assert_eq!(result(&mut sim), TransferResult::Impossible, "one at a time");
    sim.receive(&report(&dialog, 3, "nonsense", "terminated;reason=timeout"));
    sim.expect("SIP/2.0 200 ");
    assert_eq!(result(&mut sim), TransferResult::Unreported);
    ask(&mut sim);
    sim.pass(Duration::from_secs(33));
    sim.sent.clear();
    assert_eq!(result(&mut sim), TransferResult::Unanswered);
    // A report on nothing, and one on something else.
    sim.receive(&report(&dialog, 4, "SIP/2.0 200 OK\r\n", "active"));
    sim.expect("SIP/2.0 481 ");
    let extra = "Event: presence\r\nSubscription-State: active\r\n";
    sim.receive(&dialog.request("NOTIFY", 5).with_extra(extra).text());
    sim.expect("SIP/2.0 489 ");
    assert_eq!(sim.agent.load().calls, 1);
}

#[test]
fn a_carrier_that_takes_the_call_over_without_a_word_has_taken_it_over() {
    let mut sim = Simulation::new();
    let (call, dialog) = sim.establish(&Message::invite("a"));
    sim.command(Command::Refer(call, ReferTarget::Number("+15550100".into())));
    let refer = sim.expect("REFER ");
    sim.receive(&response(&refer, 202, "", "", ""));
    sim.receive(&dialog.request("BYE", 2).text());
    assert_eq!(result(&mut sim), TransferResult::Unreported);
    sim.expect_ended();
}

#[test]
fn two_callers_can_be_put_through_to_each_other() {
    let mut sim = Simulation::new();
    let (first, _) = sim.establish(&Message::invite("a"));
    let (second, dialog) = sim.establish(&Message::invite("b"));
    sim.command(Command::Refer(first, ReferTarget::Call(second)));
    let refer = sim.expect("REFER ");
    let ours = dialog.to_tag.trim_start_matches(";tag=");
    assert_eq!(header(&refer, "Call-ID"), "a");
    assert_eq!(
        header(&refer, "Refer-To"),
        format!("<sip:caller@{PEER}?Replaces=b%3Bto-tag%3Dpeertag%3Bfrom-tag%3D{ours}>")
    );
    for target in [ReferTarget::Number("a b>".into()), ReferTarget::Call(CallId(99))] {
        sim.command(Command::Refer(second, target));
        assert_eq!(result(&mut sim), TransferResult::Impossible);
    }
    sim.expect_silence();
}
