//! Telephones that register here: they prove who they are, are found, and guess in vain.

use core::time::Duration;
use std::collections::BTreeMap;

use super::{Command, Message, PEER, Simulation, header, headers, response, sdp};
use crate::digest::{Challenge, Credentials, DigestAlgorithm};
use crate::event::{BridgeEvent, HangupReason};
use crate::policy::{Phones, Policies, TrunkPolicy};

const REGISTRAR: &str = "sip:100@192.0.2.1:5060";

fn caller(secret: &str) -> Credentials {
    Credentials { user: "caller".into(), secret: secret.into() }
}

fn home() -> Simulation {
    let mut sim = Simulation::new();
    let users = vec![caller("s3cret"), Credentials { user: "other".into(), secret: "x".into() }];
    let digests = vec![DigestAlgorithm::Sha256, DigestAlgorithm::Md5];
    let phones = Some(Phones { realm: "home".into(), digests, users });
    let policy = TrunkPolicy { phones, trust_identity: false, ..TrunkPolicy::default() };
    sim.agent.set_policies(Policies::new(BTreeMap::from([("trunk".into(), policy)])));
    sim
}

fn register(cseq: u32) -> Message {
    let mut register = Message::invite("r").request("REGISTER", cseq);
    register.extra = "Expires: 600\r\n".into();
    register
}

/// About whom: the tests' peer says "100" in To, a telephone says itself.
fn text(message: &Message) -> String {
    message.text().replace("To: <sip:100@", "To: <sip:caller@")
}

/// The challenge in a 401.
fn asked(response: &str) -> Challenge {
    let challenges: Vec<String> =
        headers(response, "WWW-Authenticate").into_iter().map(str::to_owned).collect();
    assert_eq!(challenges.len(), 2, "{response}");
    crate::digest::strongest(&challenges, false).expect("one that can be met")
}

/// `message` with a proof of `credentials`.
fn proven(message: &Message, challenge: &mut Challenge, credentials: &Credentials) -> Message {
    let line = challenge.meet(credentials, (message.method, REGISTRAR), "own");
    let extra = format!("{}{line}", message.extra);
    Message { extra, ..message.clone() }
}

/// Registers, and returns the challenge that was met.
fn registered(sim: &mut Simulation) -> Challenge {
    sim.receive(&text(&register(1)));
    let mut challenge = asked(&sim.expect("SIP/2.0 401 "));
    sim.receive(&text(&proven(&register(2), &mut challenge, &caller("s3cret"))));
    let ok = sim.expect("SIP/2.0 200 ");
    assert_eq!(header(&ok, "Contact"), format!("<sip:caller@{PEER}>;expires=600"));
    challenge
}

#[test]
fn a_telephone_that_proves_itself_is_registered_and_found_until_it_expires() {
    let mut sim = home();
    registered(&mut sim);
    let ways = sim.agent.ways_to(sim.now, "trunk", "caller");
    let (at, flow) = ways.first().expect("a way");
    assert_eq!(at.as_ref().map(|uri| uri.text.as_str()), Some(&*format!("sip:caller@{PEER}")));
    assert_eq!(flow.peer.to_string(), PEER);
    assert!(sim.agent.ways_to(sim.now, "trunk", "other").is_empty());
    assert!(sim.agent.ways_to(sim.now, "elsewhere", "caller").is_empty());
    assert_eq!(sim.agent.registered(sim.now), 1);
    sim.pass(Duration::from_secs(601));
    assert!(sim.agent.ways_to(sim.now, "trunk", "caller").is_empty());
    assert_eq!(sim.agent.registered(sim.now), 0);
}

#[test]
fn nobody_registers_where_there_are_no_telephones() {
    let mut sim = Simulation::new();
    sim.receive(&text(&register(1)));
    sim.expect("SIP/2.0 405 ");
}

#[test]
fn a_proof_counts_once_and_a_nonce_for_five_minutes() {
    let mut sim = home();
    let mut challenge = registered(&mut sim);
    let next = proven(&register(3), &mut challenge, &caller("s3cret"));
    sim.receive(&text(&next));
    sim.expect("SIP/2.0 200 ");
    // The same proof in another request: somebody listened.
    let replayed = Message { cseq: 4, branch: "z9hG4bKreplayed".into(), ..next };
    sim.receive(&text(&replayed));
    let again = sim.expect("SIP/2.0 401 ");
    assert!(header(&again, "WWW-Authenticate").contains("stale=true"));
    sim.pass(Duration::from_secs(301));
    sim.receive(&text(&proven(&register(5), &mut challenge, &caller("s3cret"))));
    assert!(asked(&sim.expect("SIP/2.0 401 ")).stale);
}

#[test]
fn who_guesses_is_soon_not_answered_and_others_are() {
    let mut sim = home();
    sim.receive(&text(&register(1)));
    let mut challenge = asked(&sim.expect("SIP/2.0 401 "));
    for n in 2..12 {
        let guess = caller(&format!("{n}"));
        sim.receive(&text(&proven(&register(n), &mut challenge, &guess)));
        sim.expect("SIP/2.0 401 ");
    }
    // Not even with the right one.
    sim.receive(&text(&proven(&register(20), &mut challenge, &caller("s3cret"))));
    sim.expect_silence();
    // The one beside it is heard, and so is the same one from elsewhere.
    let other = Credentials { user: "other".into(), secret: "x".into() };
    sim.receive(&text(&proven(&register(21), &mut challenge, &other)));
    sim.expect("SIP/2.0 403 ");
    sim.receive_from("192.0.2.77:5060", Some("trunk"), &text(&register(22)));
    sim.expect("SIP/2.0 401 ");
    sim.pass(Duration::from_secs(61));
    sim.sent.clear();
    sim.receive(&text(&proven(&register(23), &mut challenge, &caller("s3cret"))));
    sim.expect("SIP/2.0 200 ");
}

#[test]
fn who_guesses_names_is_not_answered_for_long_either() {
    let mut sim = home();
    sim.receive(&text(&register(1)));
    let mut challenge = asked(&sim.expect("SIP/2.0 401 "));
    let mut answered = 0;
    for n in 2..100 {
        let guess = Credentials { user: format!("u{n}"), secret: "x".into() };
        sim.receive(&text(&proven(&register(n), &mut challenge, &guess)));
        answered += usize::from(sim.sent.pop_front().is_some());
    }
    assert_eq!(answered, 10);
}

#[test]
fn nobody_registers_somebody_else() {
    let mut sim = home();
    sim.receive(&text(&register(1)));
    let mut challenge = asked(&sim.expect("SIP/2.0 401 "));
    let other = Credentials { user: "other".into(), secret: "x".into() };
    sim.receive(&text(&proven(&register(2), &mut challenge, &other)));
    sim.expect("SIP/2.0 403 ");
    assert_eq!(sim.agent.registered(sim.now), 0);
}

#[test]
fn contacts_are_bounded_replaced_and_taken_back() {
    let mut sim = home();
    let mut challenge = registered(&mut sim);
    let mut sent = 0;
    let mut with = |sim: &mut Simulation, cseq: u32, contact: &str| {
        sent += 1;
        let branch = format!("z9hG4bKcontact{sent}");
        let request = Message { branch, ..register(cseq) };
        let request = proven(&request, &mut challenge, &caller("s3cret"));
        let own = format!("Contact: <sip:caller@{PEER}>");
        sim.receive(&text(&request).replace(&own, &format!("Contact: {contact}")));
        sim.next()
    };
    for n in 3..10 {
        let ok = with(&mut sim, n, &format!("<sip:caller@192.0.2.{n}>"));
        assert!(headers(&ok, "Contact").len() <= 4, "{ok}");
    }
    let ways = sim.agent.ways_to(sim.now, "trunk", "caller");
    assert_eq!(ways[0].0.as_ref().map(|uri| uri.text.as_str()), Some("sip:caller@192.0.2.9"));
    let ok = with(&mut sim, 10, "<sip:caller@192.0.2.9>;expires=0");
    assert_eq!(headers(&ok, "Contact").len(), 3, "{ok}");
    let brief = with(&mut sim, 11, "<sip:caller@192.0.2.9>;expires=30");
    assert!(brief.starts_with("SIP/2.0 423 "), "{brief}");
    assert_eq!(header(&brief, "Min-Expires"), "60");
    let old = with(&mut sim, 5, "<sip:caller@192.0.2.50>");
    assert!(old.starts_with("SIP/2.0 500 "), "one that was overtaken: {old}");
    let wrong = with(&mut sim, 12, "*");
    assert!(wrong.starts_with("SIP/2.0 400 "), "only with Expires: 0: {wrong}");
}

#[test]
fn every_contact_is_taken_back_at_once() {
    let mut sim = home();
    let mut challenge = registered(&mut sim);
    let request = proven(&register(3), &mut challenge, &caller("s3cret"));
    let text = text(&request)
        .replace(&format!("Contact: <sip:caller@{PEER}>"), "Contact: *")
        .replace("Expires: 600", "Expires: 0");
    sim.receive(&text);
    assert_eq!(header(&sim.expect("SIP/2.0 200 "), "Contact"), "");
    assert_eq!(sim.agent.registered(sim.now), 0);
}

#[test]
fn a_telephone_proves_itself_with_every_call_and_is_who_it_proved_to_be() {
    let mut sim = home();
    let invite = Message::invite("a");
    sim.receive(&invite.text());
    let mut challenge = asked(&sim.expect("SIP/2.0 401 "));
    assert!(sim.events.is_empty(), "no call yet, and no record of one");
    sim.receive(&invite.same_branch("ACK").text());
    let second = Message { cseq: 2, branch: "z9hG4bKagain".into(), ..invite };
    let other = Credentials { user: "other".into(), secret: "x".into() };
    sim.receive(&proven(&second, &mut challenge, &other).text());
    sim.expect("SIP/2.0 100 ");
    sim.expect("SIP/2.0 180 ");
    // Whatever it writes into From.
    match sim.event() {
        BridgeEvent::Incoming { from, identity, .. } => {
            assert_eq!(from.expose(), "other");
            assert_eq!(identity.expose().asserted.as_deref(), Some("other"));
        }
        event => panic!("expected Incoming, got {event:?}"),
    }
}

/// A telephone whose Contact names `contact` registers from [`PEER`], and is called by number.
fn called(contact: &str) -> Simulation {
    let mut sim = home();
    sim.receive(&text(&register(1)));
    let mut challenge = asked(&sim.expect("SIP/2.0 401 "));
    let request = text(&proven(&register(2), &mut challenge, &caller("s3cret")));
    let own = format!("Contact: <sip:caller@{PEER}>");
    sim.receive(&request.replace(&own, &format!("Contact: <{contact}>")));
    sim.expect("SIP/2.0 200 ");
    let (at, flow) = sim.agent.ways_to(sim.now, "trunk", "caller").remove(0);
    let mut dial = Simulation::dial_of(sim.transport);
    (dial.target, dial.flow, dial.trunk) = (at.expect("its own"), flow, Some("trunk".into()));
    sim.agent.dial(sim.now, dial).expect("admission");
    sim.drain();
    sim
}

#[test]
fn a_telephone_is_called_where_it_registered_from_whatever_its_contact_says() {
    for contact in ["sip:caller@10.0.0.5:5060", "sip:x@198.51.100.7:53;transport=tcp"] {
        let mut sim = called(contact);
        let (to, invite) = sim.sent.pop_front().expect("an INVITE");
        assert_eq!(to.to_string(), PEER);
        assert!(invite.starts_with(&format!("INVITE {contact} SIP/2.0\r\n")), "{invite}");
        // Nor does what it says when it answers lead anywhere else.
        let elsewhere = "Record-Route: <sip:198.51.100.8;lr>\r\n";
        let answer = sdp("192.0.2.9", 6000, "sendrecv");
        sim.receive(&response(&invite, 200, "t", elsewhere, &answer));
        sim.command(Command::HangupAll(HangupReason::Normal));
        sim.pass(Duration::from_secs(40));
        assert!(sim.sent.iter().any(|(_, text)| text.starts_with("BYE ")));
        assert!(sim.sent.iter().all(|(to, _)| to.to_string() == PEER), "{:?}", sim.sent);
    }
}

#[test]
fn a_telephone_that_calls_is_hung_up_where_it_called_from() {
    let mut sim = home();
    let invite = Message::invite("a");
    sim.receive(&invite.text());
    let mut challenge = asked(&sim.expect("SIP/2.0 401 "));
    let second = Message { cseq: 2, branch: "z9hG4bKagain".into(), ..invite };
    let second = proven(&second, &mut challenge, &caller("s3cret"));
    let elsewhere = |text: String| {
        text.replace(&format!("Contact: <sip:caller@{PEER}>"), "Contact: <sip:x@198.51.100.7:53>")
    };
    sim.receive(&elsewhere(second.text()));
    sim.expect("SIP/2.0 100 ");
    sim.expect("SIP/2.0 180 ");
    let BridgeEvent::Incoming { call, .. } = sim.event() else { panic!("expected Incoming") };
    sim.command(Command::Answer(call, super::address(super::RTP)));
    let ok = sim.expect("SIP/2.0 200 ");
    sim.receive(&elsewhere(second.in_dialog(&ok).request("ACK", 2).text()));
    sim.command(Command::Hangup(call, HangupReason::Normal));
    let (to, bye) = sim.sent.pop_front().expect("a BYE");
    assert_eq!(
        (to.to_string().as_str(), bye.starts_with("BYE sip:x@198.51.100.7:53 ")),
        (PEER, true)
    );
}

#[test]
fn a_telephone_that_is_taken_off_the_list_is_registered_no_more() {
    let mut sim = home();
    registered(&mut sim);
    let mut policy = TrunkPolicy::clone(sim.agent.policies.of("trunk"));
    policy.phones.as_mut().expect("telephones").users.retain(|it| it.user != "caller");
    sim.agent.set_policies(Policies::new(BTreeMap::from([("trunk".into(), policy)])));
    assert_eq!(sim.agent.registered(sim.now), 0);
}

#[test]
fn a_challenge_is_sent_once_and_nothing_is_kept_for_it() {
    let mut sim = home();
    sim.receive(&Message::invite("a").text());
    sim.expect("SIP/2.0 401 ");
    sim.receive(&text(&register(1)));
    sim.expect("SIP/2.0 401 ");
    assert_eq!(sim.agent.load().transactions, 0);
    sim.pass(Duration::from_secs(40));
    sim.expect_silence();
    // Who asks again is challenged again.
    sim.receive(&Message::invite("a").text());
    sim.expect("SIP/2.0 401 ");
}

#[test]
fn nobody_is_locked_out_by_proofs_over_nonces_that_are_not_ours() {
    let mut sim = home();
    sim.receive(&text(&register(1)));
    let mut challenge = asked(&sim.expect("SIP/2.0 401 "));
    // Somebody who writes the telephone's address and cannot read what is sent there.
    sim.receive_from("192.0.2.77:5060", Some("trunk"), &text(&register(2)));
    let mut elsewhere = asked(&sim.expect("SIP/2.0 401 "));
    for n in 3..100 {
        sim.receive(&text(&proven(&register(n), &mut elsewhere, &caller("guess"))));
        let again = sim.expect("SIP/2.0 401 ");
        assert!(header(&again, "WWW-Authenticate").contains("stale=true"), "no hint: {again}");
    }
    sim.receive(&text(&proven(&register(100), &mut challenge, &caller("s3cret"))));
    sim.expect("SIP/2.0 200 ");
}
