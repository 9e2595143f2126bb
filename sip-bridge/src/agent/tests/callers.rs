use std::collections::BTreeMap;

use super::{Message, Simulation, header, headers};
use crate::caller::{Attestation, CallerIdentity};
use crate::event::BridgeEvent;
use crate::policy::{Policies, TrunkPolicy};

fn on_a_trunk(policy: TrunkPolicy) -> Simulation {
    let mut sim = Simulation::new();
    sim.agent.set_policies(Policies::new(BTreeMap::from([("trunk".into(), policy)])));
    sim
}

/// What a call with these headers comes in as, and the number that it is shown with.
fn calls_on(sim: &mut Simulation, headers: &str) -> (String, CallerIdentity) {
    sim.receive(&Message::invite("a").with_extra(headers).text());
    sim.expect("SIP/2.0 100 ");
    match sim.event() {
        BridgeEvent::Incoming { from, identity, .. } => {
            (from.into_exposed(), *identity.into_exposed())
        }
        other => panic!("expected Incoming, got {other:?}"),
    }
}

fn calls(headers: &str) -> (String, CallerIdentity) {
    calls_on(&mut Simulation::new(), headers)
}

#[test]
fn an_asserted_number_is_the_caller_and_its_verstat_the_attestation() {
    for (identity, attestation) in [
        ("<sip:+15550100@carrier;user=phone>;verstat=TN-Validation-Passed-A", Attestation::Full),
        ("<sip:+15550100;verstat=TN-Validation-Passed-B@carrier>", Attestation::Partial),
        ("<sip:+15550100@carrier;verstat=tn-validation-passed-c>", Attestation::Gateway),
        ("<tel:+15550100;verstat=TN-Validation-Passed>", Attestation::Passed),
        ("<sip:+15550100@carrier>;verstat=TN-Validation-Failed-A", Attestation::Failed),
        ("<sip:+15550100@carrier>;verstat=No-TN-Validation", Attestation::Unverified),
        ("<sip:+15550100@carrier>", Attestation::Unverified),
    ] {
        let (shown, caller) = calls(&format!("P-Asserted-Identity: {identity}\r\n"));
        assert_eq!(shown, "+15550100", "{identity}");
        assert_eq!(caller.asserted.as_deref(), Some("+15550100"), "{identity}");
        assert_eq!(
            (caller.from.as_str(), caller.attestation),
            ("caller", attestation),
            "{identity}"
        );
    }
}

#[test]
fn a_level_may_stand_in_a_header_of_its_own() {
    let (_, caller) = calls(
        "P-Asserted-Identity: <sip:+15550100@carrier>;verstat=TN-Validation-Passed\r\n\
         Attestation-Info: B\r\n",
    );
    assert_eq!(caller.attestation, Attestation::Partial);
}

#[test]
fn a_from_that_nobody_vouches_for_is_unverified() {
    let (shown, caller) = calls("");
    assert_eq!((shown.as_str(), caller.asserted), ("caller", None));
    assert_eq!(caller.attestation, Attestation::Unverified);
    assert_eq!(caller.name, "A <caller>");
    // A verdict about the number in From says nothing of another one.
    let text = Message::invite("b").text().replace(
        "<sip:caller@192.0.2.9>;tag",
        "<sip:+15550199@192.0.2.9;verstat=TN-Validation-Passed-A>;tag",
    );
    let other = text.replace("Max-", "P-Asserted-Identity: <sip:+15550100@c>\r\nMax-");
    for (text, attestation) in [(text, Attestation::Full), (other, Attestation::Unverified)] {
        let mut sim = Simulation::new();
        sim.receive(&text);
        let BridgeEvent::Incoming { identity, .. } = sim.event() else { panic!() };
        assert_eq!(identity.expose().attestation, attestation);
    }
}

#[test]
fn a_telephones_word_about_itself_is_not_believed() {
    let mut sim = on_a_trunk(TrunkPolicy { trust_identity: false, ..TrunkPolicy::default() });
    let (shown, caller) = calls_on(
        &mut sim,
        "P-Asserted-Identity: \"The Boss\" <sip:+15550100@x>;verstat=TN-Validation-Passed-A\r\n\
         Diversion: <sip:+15550101@x>;reason=no-answer\r\n",
    );
    assert_eq!((shown.as_str(), caller.asserted), ("caller", None));
    assert_eq!(caller.attestation, Attestation::Unverified);
    assert!(caller.diversions.is_empty());
}

#[test]
fn who_asked_not_to_be_named_is_not_named() {
    let (shown, caller) = calls(
        "P-Asserted-Identity: \"Ann\" <sip:+15550100@x>;verstat=TN-Validation-Passed-A\r\n\
         Privacy: id;critical\r\n",
    );
    assert_eq!(shown, "caller");
    assert!(caller.withheld);
    assert_eq!((caller.asserted, caller.name.as_str()), (None, ""));
    // Privacy for the session or for history is none for the number.
    assert!(!calls("Privacy: session\r\n").1.withheld);
}

#[test]
fn whom_the_call_was_for_before_is_told_latest_first() {
    let told = |headers: &str| {
        let diversions = calls(headers).1.diversions.into_iter();
        diversions.map(|it| format!("{} {}", it.from, it.reason)).collect::<Vec<_>>()
    };
    assert_eq!(
        told(
            "Diversion: \"B, second\" <sip:+15550102@x>;reason=user-busy;counter=1\r\n\
             Diversion: <tel:+15550101>;reason=no-answer, <sip:+15550103@x>;privacy=full\r\n"
        ),
        ["+15550102 user-busy", "+15550101 no-answer", " unknown"]
    );
    assert_eq!(
        told(
            "History-Info: <sip:+15550101@x>;index=1,\r\n \
             <sip:+15550102@x?Reason=SIP%3Bcause%3D486>;index=1.1,\r\n \
             <sip:100@192.0.2.1;cause=302>;index=1.2\r\n"
        ),
        ["+15550102 unconditional", "+15550101 user-busy"]
    );
    assert_eq!(told("History-Info: <sip:100@192.0.2.1>;index=1\r\n"), [""; 0]);
    assert_eq!(told(&"Diversion: <sip:1@x>\r\n".repeat(40)).len(), 5);
}

#[test]
fn only_listed_headers_reach_the_line_and_only_a_few() {
    let said = "X-Account: 17\r\nx-secret: no\r\nX-Empty:\r\n";
    assert!(calls(said).1.headers.is_empty());
    let headers_in = vec!["x-account".into(), "X-Empty".into()];
    let policy = TrunkPolicy { headers_in, ..TrunkPolicy::default() };
    let (_, caller) = calls_on(&mut on_a_trunk(policy.clone()), said);
    let told: Vec<_> = caller.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(told, [("X-Account", "17"), ("X-Empty", "")]);
    let many = "X-Account: 1\r\n".repeat(60) + &format!("X-Account: {}\r\n", "9".repeat(300));
    assert_eq!(calls_on(&mut on_a_trunk(policy), &many).1.headers.len(), 16);
}

#[test]
fn a_call_out_carries_only_the_headers_that_its_trunk_may_get() {
    let headers_out = vec!["X-Account".into()];
    let mut sim = on_a_trunk(TrunkPolicy { headers_out, ..TrunkPolicy::default() });
    let wanted: Vec<(String, String)> = [
        ("x-account", " 17 "),
        ("X-Other", "no"),
        ("X-Account", "a\r\nX-Forged: b"),
        ("Contact", "<sip:x@y>"),
        ("X-Account: y\r\nX-Forged", "z"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let mut dial = Simulation::dial_of(sim.transport);
    (dial.trunk, dial.headers) = (Some("trunk".into()), wanted);
    sim.agent.dial(sim.now, dial).expect("admission");
    sim.drain();
    let invite = sim.expect("INVITE ");
    assert_eq!(headers(&invite, "X-Account"), ["17", "aX-Forged: b"]);
    assert_eq!(header(&invite, "X-Forged"), "");
    assert_eq!((header(&invite, "X-Other"), headers(&invite, "Contact").len()), ("", 1));
}

#[test]
fn the_record_says_who_called_as_the_line_was_told() {
    let mut sim = Simulation::with_channels(0);
    sim.receive(
        &Message::invite("a")
            .with_extra("P-Asserted-Identity: <sip:+15550100@x;verstat=TN-Validation-Passed-A>\r\n")
            .text(),
    );
    sim.expect("SIP/2.0 486 ");
    let BridgeEvent::Refused { cdr } = sim.event() else { panic!("refused") };
    assert_eq!(cdr.from, "+15550100");
    assert_eq!(cdr.caller.map(|caller| caller.attestation), Some(Attestation::Full));
}

#[test]
fn whoever_is_of_no_trunk_any_more_is_refused_and_believed_nothing() {
    let mut sim = Simulation::new();
    let asserted =
        "P-Asserted-Identity: <sip:+15550100@carrier>;verstat=TN-Validation-Passed-A\r\n";
    let invite = Message::invite("a").with_extra(asserted).text();
    sim.receive_from(super::PEER, Some("gone"), &invite);
    sim.expect("SIP/2.0 403 ");
    let BridgeEvent::Refused { cdr } = sim.event() else { panic!("no call") };
    assert_eq!(cdr.caller.map(|it| it.attestation), Some(Attestation::Unverified));
}
