//! Who agrees on SRTP, with which keys, and who is refused.

use media_core::rtp::srtp::SrtpProfile;

use super::*;
use crate::ids::IdSource;
use crate::message::TransportKind;
use crate::sdp;

const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
/// 28 bytes.
const AEAD_KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJQ==";
const OTHER_KEY: &str = "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";

fn terms(srtp: SrtpPolicy, transport: TransportKind) -> CallTerms {
    let common = MediaTerms { codecs: vec![Codec::Pcmu], srtp, ..MediaTerms::default() };
    Terms::new(common, Vec::new()).of("trunk", transport, &mut IdSource::new([3; 32]))
}

fn over_tls(srtp: SrtpPolicy) -> CallTerms {
    terms(srtp, TransportKind::Tls)
}

fn description(lines: &str) -> Description {
    let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n";
    sdp::parse(format!("{head}{lines}").as_bytes()).expect("SDP")
}

fn secure(crypto: &str) -> Description {
    description(&format!("m=audio 6000 RTP/SAVP 0\r\n{crypto}"))
}

fn offered() -> Description {
    secure(&format!("a=crypto:4 {SUITE} inline:{KEY}\r\n"))
}

fn local() -> SocketAddr {
    "192.0.2.1:4000".parse().expect("an address")
}

#[test]
fn the_answer_takes_the_offered_tag_and_gives_a_key_of_its_own() {
    let terms = over_tls(SrtpPolicy::Optional);
    let accepted = Accepted::offer(&offered(), &terms).expect("a common suite");
    let keys = accepted.media().srtp.expect("it is protected");
    assert_eq!(&keys.receive.key_and_salt()[..4], b"wDfv", "the peer's key");
    assert_eq!(keys.send, terms.key);
    let text = accepted.answer(1, 1, local());
    assert!(text.contains("m=audio 4000 RTP/SAVP 0\r\n"), "{text}");
    let answer = sdp::parse(text.as_bytes()).expect("SDP");
    let [line] = &answer.media[0].crypto[..] else { panic!("one line: {text}") };
    assert_eq!((line.tag, line.profile), (4, SrtpProfile::AesCm128HmacSha1Tag80));
    assert_eq!(line.key, terms.key);
}

#[test]
fn the_first_suite_that_we_know_is_taken() {
    let crypto = format!(
        "a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:{KEY}\r\n\
         a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}\r\na=crypto:3 {SUITE} inline:{KEY}\r\n"
    );
    let accepted = Accepted::offer(&secure(&crypto), &over_tls(SrtpPolicy::Required)).expect("one");
    let keys = accepted.media().srtp.expect("it is protected");
    assert_eq!(keys.profile, SrtpProfile::AesCm128HmacSha1Tag32);
    assert!(accepted.answer(1, 1, local()).contains("a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:"));
    let unknown = secure(&format!("a=crypto:1 F8_128_HMAC_SHA1_80 inline:{KEY}\r\n"));
    let refused = Accepted::offer(&unknown, &over_tls(SrtpPolicy::Required)).map(drop);
    assert_eq!(refused, Err(NegotiationError::NoSuite));
}

#[test]
fn policy_and_signalling_decide_who_is_refused() {
    let plain = description("m=audio 6000 RTP/AVP 0\r\n");
    let try_it = |offer: &Description, terms: &CallTerms| {
        Accepted::offer(offer, terms).map(|accepted| accepted.media().srtp.is_some())
    };
    let udp = |srtp| terms(srtp, TransportKind::Udp);
    for (offer, terms, expected) in [
        (&plain, over_tls(SrtpPolicy::Off), Ok(false)),
        (&plain, over_tls(SrtpPolicy::Optional), Ok(false)),
        (&plain, over_tls(SrtpPolicy::Required), Err(NegotiationError::SrtpRequired)),
        (&offered(), over_tls(SrtpPolicy::Off), Err(NegotiationError::SrtpOff)),
        (&offered(), over_tls(SrtpPolicy::Optional), Ok(true)),
        (&offered(), udp(SrtpPolicy::Optional), Err(NegotiationError::KeysInClear)),
        (&offered(), udp(SrtpPolicy::Required), Err(NegotiationError::KeysInClear)),
        (&plain, udp(SrtpPolicy::Optional), Ok(false)),
    ] {
        assert_eq!(try_it(offer, &terms), expected, "{:?}", terms.srtp);
    }
    let declared = CallTerms { keys_may_travel: true, ..udp(SrtpPolicy::Optional) };
    assert_eq!(try_it(&offered(), &declared), Ok(true), "somebody said that it is safe");
    assert!(!udp(SrtpPolicy::Required).can_be_met() && declared.can_be_met());
}

#[test]
fn of_two_lines_the_protected_one_is_served_wherever_it_stands() {
    let both = description(&format!(
        "m=audio 6000 RTP/AVP 0\r\nm=audio 6002 RTP/SAVP 0\r\na=crypto:1 {SUITE} inline:{KEY}\r\n"
    ));
    let accepted = Accepted::offer(&both, &over_tls(SrtpPolicy::Optional)).expect("either");
    assert_eq!(accepted.media().remote_rtp.port(), 6_002);
    let answer = accepted.answer(1, 1, local());
    assert!(answer.contains("m=audio 0 RTP/AVP 0\r\nm=audio 4000 RTP/SAVP 0\r\n"), "{answer}");
    let accepted = Accepted::offer(&both, &over_tls(SrtpPolicy::Off)).expect("the other");
    assert_eq!(accepted.media().remote_rtp.port(), 6_000);
}

#[test]
fn our_offer_is_protected_where_that_is_required_and_its_answer_must_be_too() {
    let terms = over_tls(SrtpPolicy::Required);
    let offer = Offer::new(&terms);
    let text = offer.sdp(1, 1, local());
    assert!(text.contains("a=crypto:1 AEAD_AES_128_GCM inline:"), "{text}");
    assert!(text.contains(&format!("a=crypto:2 {SUITE} inline:")), "{text}");
    let answered = offer.answered(&secure(&format!("a=crypto:2 {SUITE} inline:{KEY}\r\n")));
    let keys = answered.expect("an answer").srtp.expect("it is protected");
    assert_eq!((&keys.send, keys.receive.key_and_salt()[0]), (&terms.key, b'w'));
    let aead = secure(&format!("a=crypto:1 AEAD_AES_128_GCM inline:{AEAD_KEY}\r\n"));
    let keys = offer.answered(&aead).expect("an answer").srtp.expect("it is protected");
    assert_eq!(keys.profile, SrtpProfile::AeadAes128Gcm);
    for wrong in [
        description("m=audio 6000 RTP/AVP 0\r\n"),
        secure(""),
        secure(&format!("a=crypto:1 {SUITE} inline:{KEY}\r\n")),
        secure(&format!("a=crypto:2 AEAD_AES_128_GCM inline:{AEAD_KEY}\r\n")),
        secure(&format!("a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}\r\n")),
    ] {
        assert!(offer.answered(&wrong).is_err(), "{wrong:?}");
    }
    let plain = Offer::new(&over_tls(SrtpPolicy::Optional));
    assert!(!plain.sdp(1, 1, local()).contains("crypto"));
    assert!(plain.answered(&offered()).is_err(), "nobody offered that");
}

#[test]
fn a_refresh_repeats_our_key_and_a_new_offer_brings_a_new_one_of_the_peer() {
    let terms = over_tls(SrtpPolicy::Required);
    let first = Accepted::offer(&offered(), &terms).expect("an offer").media();
    let again = Offer::again(&first, &terms, vec![MediaShape::Served]);
    let text = again.sdp(1, 2, local());
    assert_eq!(sdp::parse(text.as_bytes()).expect("SDP").media[0].crypto[0].key, terms.key);
    let rekeyed = secure(&format!("a=crypto:1 {SUITE} inline:{OTHER_KEY}\r\n"));
    let second = Accepted::offer(&rekeyed, &terms).expect("an offer").media();
    assert_ne!(first, second);
    let (first, second) = (first.srtp.expect("keys"), second.srtp.expect("keys"));
    assert_eq!(first.send, second.send, "what we send is counted on");
    assert_ne!(first.receive, second.receive);
    let answered = again.answered(&rekeyed).expect("an answer");
    assert_eq!(answered.srtp.expect("keys").receive, second.receive);
}

#[test]
fn sound_from_an_address_that_is_not_the_carriers_is_not_agreed_on() {
    let networks = vec!["198.51.100.0/24".parse().expect("a network")];
    let with = |media_networks| {
        let common =
            MediaTerms { codecs: vec![Codec::Pcmu], media_networks, ..MediaTerms::default() };
        let terms = Terms::new(common, Vec::new());
        terms.of("trunk", TransportKind::Udp, &mut IdSource::new([3; 32]))
    };
    let plain = description("m=audio 6000 RTP/AVP 0\r\n");
    let foreign = Accepted::offer(&plain, &with(networks.clone())).map(drop);
    assert_eq!(foreign, Err(NegotiationError::ForeignAddress));
    assert!(Accepted::offer(&plain, &with(Vec::new())).is_ok());
    let from_there = "m=audio 6000 RTP/AVP 0\r\nc=IN IP4 198.51.100.7\r\n";
    assert!(Accepted::offer(&description(from_there), &with(networks.clone())).is_ok());
    let held = "m=audio 6000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n";
    assert!(Accepted::offer(&description(held), &with(networks)).is_ok(), "a hold says no address");
}

#[test]
fn keys_are_not_shown() {
    let shown = format!("{:?} {:?}", over_tls(SrtpPolicy::Required), offered());
    assert!(!shown.contains(KEY) && !shown.contains("119, 68"), "{shown}");
}
