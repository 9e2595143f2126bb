use core::time::Duration;
use std::collections::BTreeMap;

use media_core::Codec;

use super::{Command, Message, Simulation, header, sdp};
use crate::admission::{AdmissionLimits, TRANSACTIONS_MAX};
use crate::event::BridgeEvent;
use crate::negotiation::MediaTerms;
use crate::policy::{Policies, TrunkPolicy, Unwanted};

/// Delivers `invite` and returns the refusal.
fn refused(sim: &mut Simulation, invite: &Message, status: u16) -> String {
    sim.receive(&invite.text());
    let response = sim.expect(&format!("SIP/2.0 {status} "));
    match sim.event() {
        BridgeEvent::Refused { cdr } => {
            assert_eq!(cdr.outcome.sip_status, status);
            assert!(!cdr.outcome.reason.is_empty());
            assert_eq!(cdr.outcome.q850.is_none(), status == 488, "{status}");
        }
        other => panic!("expected Refused, got {other:?}"),
    }
    assert!(sim.events.is_empty());
    response
}

fn audio(profile: &str, formats: &str, connection: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 {connection}\r\ns=-\r\nc={connection}\r\nt=0 0\r\n\
         m=audio 6000 {profile} {formats}\r\na=rtpmap:18 G729/8000\r\n"
    )
}

#[test]
fn one_call_more_than_channels_is_busy_and_a_channel_that_frees_is_used_again() {
    let mut sim = Simulation::with_channels(2);
    let (_, first) = sim.establish(&Message::invite("a"));
    sim.establish(&Message::invite("b"));
    refused(&mut sim, &Message::invite("c"), 486);
    sim.receive(&first.request("BYE", 2).text());
    sim.expect("SIP/2.0 200 ");
    sim.event();
    sim.ring(&Message::invite("d"));
}

#[test]
fn draining_sends_new_calls_elsewhere_and_leaves_running_ones_alone() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    sim.command(Command::Drain);
    let response = refused(&mut sim, &Message::invite("b"), 503);
    assert!(!header(&response, "Retry-After").is_empty());
    sim.receive(&dialog.request("OPTIONS", 2).text());
    sim.expect("SIP/2.0 200 ");
}

#[test]
fn a_caller_a_trunk_and_a_second_have_their_limits_in_the_carriers_words() {
    let mut limits = AdmissionLimits::channels(10);
    (limits.caller_calls, limits.caller_per_minute, limits.calls_per_second) = (1, 3, 20);
    limits.trunk_channels.insert("trunk".into(), 2);
    let mut sim = Simulation::with_limits(limits);
    let from = |call: &str, user: &str| {
        Message::invite(call).text().replace("sip:caller@", &format!("sip:{user}@"))
    };
    let status = |sim: &mut Simulation, text: String| {
        sim.receive(&text);
        let response = sim.sent.pop_back().expect("an answer").1;
        sim.sent.clear();
        sim.events.clear();
        response.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    };
    assert_eq!(status(&mut sim, from("a", "ann")), 180);
    assert_eq!(status(&mut sim, from("b", "ann")), 486, "one call of ann's is open");
    assert_eq!(status(&mut sim, from("c", "bob")), 180);
    assert_eq!(status(&mut sim, from("d", "eve")), 486, "the trunk's two channels are in use");
    status(&mut sim, from("e", "ann"));
    assert_eq!(status(&mut sim, from("f", "ann")), 603, "her fourth within the minute");
    sim.command(Command::Limit(AdmissionLimits::channels(10)));
    assert_eq!(status(&mut sim, from("g", "ann")), 180, "other limits are in force");
    sim.command(Command::Strained(true));
    assert_eq!(status(&mut sim, from("h", "joe")), 503, "the machine is at its limit");
}

#[test]
fn offers_that_cannot_be_served_get_a_clean_488() {
    let v4 = "IN IP4 192.0.2.9";
    for (name, body) in [
        ("G.729 only", audio("RTP/AVP", "18", v4)),
        ("IPv6 only", audio("RTP/AVP", "0", "IN IP6 2001:db8::9")),
        ("SRTP only", audio("RTP/SAVP", "0", v4)),
        ("audio switched off", audio("RTP/AVP", "0", v4).replace("m=audio 6000", "m=audio 0")),
        ("multicast", audio("RTP/AVP", "0", "IN IP4 224.1.1.1/127")),
    ] {
        let mut sim = Simulation::new();
        let response = refused(&mut sim, &Message::invite("a").with_body(&body), 488);
        assert!(header(&response, "Warning").starts_with("399 "), "{name}: {response}");
        assert_eq!(sim.agent.load().calls, 0, "{name}");
    }
}

#[test]
fn a_body_that_is_not_sdp_gets_400_or_415() {
    let mut sim = Simulation::new();
    refused(&mut sim, &Message::invite("a").with_body("hello"), 400);
    let mut invite = Message::invite("b").with_body("<xml/>");
    invite.content_type = "text/xml";
    refused(&mut sim, &invite, 415);
}

#[test]
fn a_required_extension_gets_420() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a").with_extra("Require: timer, x-other, x-own\r\n");
    let response = refused(&mut sim, &invite, 420);
    assert_eq!(header(&response, "Unsupported"), "x-other, x-own");
}

#[test]
fn an_invite_without_a_contact_gets_400() {
    let mut sim = Simulation::new();
    let text = Message::invite("a").text().replace("Contact: <sip:caller@192.0.2.9:5080>\r\n", "");
    sim.receive(&text);
    sim.expect("SIP/2.0 400 ");
}

#[test]
fn the_same_invite_over_two_paths_is_a_loop() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a");
    sim.ring(&invite);
    let copy = Message { branch: "z9hG4bKother".into(), ..invite };
    refused(&mut sim, &copy, 482);
}

#[test]
fn requests_outside_a_dialog_are_answered_and_make_nothing() {
    let mut sim = Simulation::new();
    for (method, status) in
        [("OPTIONS", 200), ("BYE", 481), ("INFO", 481), ("REGISTER", 405), ("SUBSCRIBE", 405)]
    {
        sim.receive(&Message::invite("a").request(method, 1).text());
        sim.expect(&format!("SIP/2.0 {status} "));
    }
    assert_eq!(sim.agent.load().calls, 0);
    assert!(sim.events.is_empty());
}

#[test]
fn a_dialled_peer_can_begin_nothing() {
    let mut sim = Simulation::new();
    for method in ["INVITE", "OPTIONS", "BYE", "CANCEL"] {
        let message = Message::invite("a").request(method, 1);
        sim.receive_from(
            super::PEER,
            None,
            &message.with_body(&sdp("1.2.3.4", 9, "sendrecv")).text(),
        );
    }
    sim.expect_silence();
    assert!(sim.events.is_empty());
    assert_eq!(sim.agent.load().transactions, 0);
}

/// A line whose trunk is allowed this.
fn with_policy(policy: TrunkPolicy) -> Simulation {
    let mut sim = Simulation::new();
    sim.agent.set_policies(Policies::new(BTreeMap::from([("trunk".into(), policy)])));
    sim
}

#[test]
fn a_number_that_is_none_of_ours_gets_404_before_it_takes_a_channel() {
    let numbers = vec!["+100".to_owned(), "15550199".to_owned()];
    let mut sim = with_policy(TrunkPolicy { numbers, ..TrunkPolicy::default() });
    // With or without the plus, and whatever parameters the carrier writes beside it.
    for (call, user) in [("a", "100"), ("b", "+15550199;npdi")] {
        sim.receive(&Message::invite(call).text().replacen("sip:100@", &format!("sip:{user}@"), 1));
        sim.expect("SIP/2.0 100 ");
        sim.expect("SIP/2.0 180 ");
        sim.event();
    }
    let other = Message::invite("c").text();
    for (n, user) in ["101@", "1005@", ""].into_iter().enumerate() {
        let text = other.replacen("sip:100@", &format!("sip:{user}"), 1);
        sim.receive(&text.replace("z9hG4bKc1", &format!("z9hG4bKc{n}")));
        sim.expect("SIP/2.0 404 ");
        assert!(matches!(sim.event(), BridgeEvent::Refused { .. }));
    }
    assert_eq!(sim.agent.load().calls, 2);
}

#[test]
fn who_takes_a_calls_place_is_not_asked_for_a_number() {
    let numbers = vec!["100".to_owned()];
    let mut sim = with_policy(TrunkPolicy { numbers, ..TrunkPolicy::default() });
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let ours = dialog.to_tag.trim_start_matches(";tag=");
    let replaces = format!("Replaces: a;to-tag={ours};from-tag=peertag\r\nRequire: replaces\r\n");
    let invite = Message::invite("b").with_extra(&replaces).text();
    sim.receive(&invite.replacen("sip:100@", "sip:xenline@", 1));
    sim.expect("SIP/2.0 100 ");
    sim.expect("SIP/2.0 200 ");
}

#[test]
fn a_number_that_is_forged_or_withheld_is_refused_where_the_trunk_says_so() {
    let forged = "P-Asserted-Identity: <sip:+15550100@x>;verstat=TN-Validation-Failed\r\n";
    let withheld = "Privacy: id\r\n";
    for (refuse, headers, status) in [
        (vec![Unwanted::Failed], forged, 603),
        (vec![Unwanted::Withheld], withheld, 433),
        (vec![Unwanted::Failed, Unwanted::Withheld], withheld, 433),
    ] {
        let mut sim = with_policy(TrunkPolicy { refuse, ..TrunkPolicy::default() });
        refused(&mut sim, &Message::invite("a").with_extra(headers), status);
        sim.ring(&Message::invite("b"));
    }
    let mut sim = Simulation::new();
    sim.ring(&Message::invite("a").with_extra(forged));
    sim.ring(&Message::invite("b").with_extra(withheld));
}

#[test]
fn a_call_for_somebody_behind_us_that_may_go_no_further_gets_483() {
    let spent = |route: &str| {
        let text = Message::invite("a").with_extra(&format!("Route: <sip:{route};lr>\r\n")).text();
        text.replace("Max-Forwards: 70", "Max-Forwards: 0")
    };
    let mut sim = Simulation::new();
    sim.receive(&spent("192.0.2.50"));
    sim.expect("SIP/2.0 483 ");
    // For us it came far enough.
    let mut sim = Simulation::new();
    sim.receive(&spent(super::LINE));
    sim.expect("SIP/2.0 100 ");
}

#[test]
fn a_call_that_comes_too_fast_is_refused_once_and_not_kept() {
    let mut limits = AdmissionLimits::channels(10);
    limits.calls_per_second = 1;
    let mut sim = Simulation::with_limits(limits);
    let mut refused = 0;
    for n in 0..100 {
        sim.receive(&Message::invite(&format!("c{n}")).text());
        let kept = sim.sent.iter().any(|(_, text)| text.starts_with("SIP/2.0 503 "));
        refused += usize::from(kept);
        sim.sent.clear();
    }
    assert!(refused > 90, "{refused}");
    assert!(sim.agent.load().transactions < 10, "{:?}", sim.agent.load());
}

#[test]
fn a_flood_outside_calls_leaves_room_for_calls() {
    let mut sim = Simulation::new();
    for n in 0..u32::try_from(TRANSACTIONS_MAX).unwrap() {
        let options = Message::invite(&format!("flood-{n}")).request("OPTIONS", 1);
        sim.receive(&options.text());
        sim.expect("SIP/2.0 200 ");
        sim.sent.clear();
    }
    assert!(sim.agent.load().transactions <= TRANSACTIONS_MAX / 2, "{:?}", sim.agent.load());
    sim.establish(&Message::invite("a"));
}

#[test]
fn a_peer_that_asks_without_end_in_a_call_is_heard_fifty_times_a_second_and_takes_no_memory() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let mut heard = 0;
    for cseq in 2..2_000_u16 {
        let offer = sdp("192.0.2.9", 6_000 + 2 * cseq, "sendrecv");
        sim.receive(&dialog.request("UPDATE", cseq.into()).with_body(&offer).text());
        heard += usize::from(sim.next().starts_with("SIP/2.0 200 "));
        sim.pass(Duration::from_millis(1));
    }
    let changes = sim.events.len();
    assert!(heard <= 50 + 2 * 50 && changes == heard, "{heard} of them, {changes} changes");
    assert!(sim.agent.load().transactions <= 200, "{:?}", sim.agent.load());
    let late = dialog.request("UPDATE", 3_000);
    sim.receive(&late.text());
    let later = sim.expect("SIP/2.0 500 ");
    assert_eq!(header(&later, "Retry-After"), "1");
    sim.receive(&dialog.request("BYE", 3_001).text());
    sim.expect("SIP/2.0 200 ");
}

#[test]
fn many_calls_fill_the_memory_no_more_than_anybody_else() {
    let mut sim = Simulation::with_channels(1_000);
    let calls = (0..700).map(|n| sim.establish(&Message::invite(&format!("a{n}"))).1);
    let calls: Vec<_> = calls.collect();
    sim.sent.clear();
    for cseq in 2..50 {
        for dialog in &calls {
            sim.receive(&dialog.request("INFO", cseq).text());
            sim.sent.clear();
        }
    }
    assert!(sim.agent.load().transactions <= TRANSACTIONS_MAX / 4 * 3);
    sim.receive(&calls[0].request("INFO", 100).text());
    sim.expect("SIP/2.0 503 ");
    sim.establish(&Message::invite("b"));
    sim.receive(&calls[0].request("BYE", 101).text());
    sim.expect("SIP/2.0 200 ");
}

#[test]
fn a_request_that_comes_again_gets_the_same_tag_and_another_one_another() {
    let mut limits = AdmissionLimits::channels(10);
    limits.calls_per_second = 1;
    let mut sim = Simulation::with_limits(limits);
    sim.ring(&Message::invite("a"));
    let mut to = |call: &str| {
        sim.receive(&Message::invite(call).text());
        let answer = sim.expect("SIP/2.0 503 ");
        header(&answer, "To").to_owned()
    };
    let first = to("b");
    assert!(first.contains(";tag="), "{first}");
    assert_eq!(first, to("b"), "though nothing of it was kept");
    assert_ne!(first, to("c"));

    let mut sim = Simulation::with_channels(0);
    let invite = Message::invite("a");
    let refusal = refused(&mut sim, &invite, 486);
    sim.receive(&invite.same_branch("CANCEL").text());
    assert_eq!(header(&sim.expect("SIP/2.0 200 "), "To"), header(&refusal, "To"));
}

#[test]
fn whoever_calls_again_over_a_call_that_is_dead_finds_a_channel_and_nobody_else_does() {
    let one_of_each = AdmissionLimits { caller_calls: 1, ..AdmissionLimits::channels(1) };
    let mut sim = Simulation::with_limits(one_of_each);
    let (call, _) = sim.establish(&Message::invite("a"));
    let busy = |sim: &mut Simulation, invite: &Message| {
        sim.receive(&invite.text());
        sim.expect("SIP/2.0 486 ");
        sim.receive(&invite.same_branch("ACK").text());
        sim.events.clear();
    };
    busy(&mut sim, &Message::invite("b"));
    sim.command(Command::Quiet(call, true));
    let stranger = Message::invite("c").text().replace("sip:caller@", "sip:stranger@");
    sim.receive(&stranger);
    sim.expect("SIP/2.0 486 ");
    sim.events.clear();
    sim.command(Command::Quiet(call, false));
    busy(&mut sim, &Message::invite("d"));
    sim.command(Command::Quiet(call, true));
    let again = sim.ring(&Message::invite("e"));
    assert_ne!(again, call);
}

#[test]
fn other_terms_hold_for_the_calls_that_come_after_them() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let only = |codec| MediaTerms { codecs: vec![codec], ..MediaTerms::default() };
    sim.agent.set_terms(vec![("trunk".into(), only(Codec::G722))]);
    sim.receive(&Message::invite("b").text());
    sim.expect("SIP/2.0 488 ");
    sim.events.clear();
    sim.receive(&dialog.request("INVITE", 2).with_body(&sdp("192.0.2.9", 6002, "sendrecv")).text());
    sim.expect("SIP/2.0 200 ");
    sim.events.clear();
    sim.agent.set_terms(Vec::new());
    sim.ring(&Message::invite("c"));
}
