use core::time::Duration;

use media_core::{Codec, Direction};

use super::{Message, Simulation, address, header, sdp};
use crate::event::BridgeEvent;
use crate::message::TransportKind;
use crate::negotiation::{MediaTerms, SrtpPolicy, Terms};

/// Sends a re-INVITE with `body` and returns the 200 and the event, if there was one.
fn reinvite(
    sim: &mut Simulation,
    dialog: &Message,
    cseq: u32,
    body: &str,
) -> (String, Option<BridgeEvent>) {
    sim.receive(&dialog.request("INVITE", cseq).with_body(body).text());
    let ok = sim.expect("SIP/2.0 200 ");
    sim.receive(&dialog.request("ACK", cseq).text());
    (ok, sim.events.pop_front())
}

#[test]
fn hold_is_answered_recvonly_and_resume_sendrecv() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let (ok, event) = reinvite(&mut sim, &dialog, 2, &sdp("192.0.2.9", 6000, "sendonly"));
    assert!(ok.contains("a=recvonly\r\n"), "{ok}");
    assert!(
        matches!(event, Some(BridgeEvent::MediaChanged { media, .. }) if media.direction == Direction::RecvOnly)
    );
    let (ok, event) = reinvite(&mut sim, &dialog, 3, &sdp("192.0.2.9", 6000, "inactive"));
    assert!(ok.contains("a=inactive\r\n"), "{ok}");
    assert!(event.is_some());
    let (ok, event) = reinvite(&mut sim, &dialog, 4, &sdp("192.0.2.9", 6000, "sendrecv"));
    assert!(ok.contains("a=sendrecv\r\n"), "{ok}");
    assert!(
        matches!(event, Some(BridgeEvent::MediaChanged { media, .. }) if media.direction == Direction::SendRecv)
    );
}

#[test]
fn the_old_hold_with_an_empty_address_is_a_hold_too() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let (ok, event) = reinvite(&mut sim, &dialog, 2, &sdp("0.0.0.0", 6000, "sendrecv"));
    assert!(ok.contains("a=recvonly\r\n"), "{ok}");
    assert!(
        matches!(event, Some(BridgeEvent::MediaChanged { media, .. }) if !media.direction.sends())
    );
}

#[test]
fn a_reinvite_that_moves_the_port_is_followed() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let (_, event) = reinvite(&mut sim, &dialog, 2, &sdp("192.0.2.9", 7000, "sendrecv"));
    match event {
        Some(BridgeEvent::MediaChanged { media, .. }) => {
            assert_eq!(media.remote_rtp, address("192.0.2.9:7000"));
            assert_eq!(media.remote_rtcp, address("192.0.2.9:7001"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reinvite_that_changes_codec_and_ptime_is_followed() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let other = sdp("192.0.2.9", 6000, "sendrecv")
        .replace("AVP 0 ", "AVP 97 ")
        .replace("0 PCMU/8000", "97 G722/8000\r\na=ptime:40");
    let (ok, event) = reinvite(&mut sim, &dialog, 2, &other);
    assert!(ok.contains("m=audio 4000 RTP/AVP 97 101\r\n"), "{ok}");
    match event {
        Some(BridgeEvent::MediaChanged { media, .. }) => {
            assert_eq!((media.codec, media.ptime.ms()), (Codec::G722, 40));
            assert_eq!(media.send_payload_type.0, 97);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_offer_of_ours_repeats_the_lines_that_were_refused() {
    let mut sim = Simulation::new();
    let video = "m=video 7000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";
    let both = format!("{}{video}", sdp("192.0.2.9", 6000, "sendrecv"));
    let (_, dialog) = sim.establish(&Message::invite("a").with_body(&both));
    sim.receive(&dialog.request("INVITE", 2).text());
    let ok = sim.expect("SIP/2.0 200 ");
    assert!(ok.contains("m=audio 4000 ") && ok.contains("m=video 0 RTP/AVP 96\r\n"), "{ok}");
}

#[test]
fn a_refresh_changes_nothing_and_keeps_the_sdp_version() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let same = sdp("192.0.2.9", 6000, "sendrecv");
    let (first, event) = reinvite(&mut sim, &dialog, 2, &same);
    assert!(event.is_none());
    let (second, _) = reinvite(&mut sim, &dialog, 3, &same);
    let origin = |ok: &str| ok.lines().find(|line| line.starts_with("o=")).unwrap().to_owned();
    assert_eq!(origin(&first), origin(&second));
}

#[test]
fn a_reinvite_that_cannot_be_served_gets_488_and_the_call_goes_on() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let video_only = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=video 7000 RTP/AVP 96\r\n";
    sim.receive(&dialog.request("INVITE", 2).with_body(video_only).text());
    sim.expect("SIP/2.0 488 ");
    sim.receive(&dialog.request("BYE", 3).text());
    sim.expect("SIP/2.0 200 ");
}

#[test]
fn a_reinvite_whose_ack_is_lost_is_repeated_and_then_ends_the_call() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    sim.receive(&dialog.request("INVITE", 2).with_body(&sdp("192.0.2.9", 7000, "sendrecv")).text());
    sim.expect("SIP/2.0 200 ");
    sim.pass(Duration::from_millis(600));
    sim.expect("SIP/2.0 200 ");
    sim.pass(Duration::from_secs(32));
    assert!(sim.sent.iter().any(|(_, message)| message.starts_with("BYE ")));
}

#[test]
fn an_ack_with_another_cseq_acknowledges_nothing() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a");
    let (_, ok) = sim.answer(&invite);
    sim.receive(&invite.in_dialog(&ok).request("ACK", 7).text());
    assert!(sim.events.is_empty());
}

#[test]
fn a_request_out_of_order_gets_500() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    sim.receive(&dialog.request("OPTIONS", 5).text());
    sim.expect("SIP/2.0 200 ");
    sim.receive(&dialog.request("INFO", 3).text());
    sim.expect("SIP/2.0 500 ");
}

#[test]
fn digits_come_by_info_in_both_forms() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    for (cseq, kind, body, digit) in [
        (2, "application/dtmf-relay", "Signal=7\r\nDuration=160\r\n", '7'),
        (3, "application/dtmf", "#", '#'),
    ] {
        let mut info = dialog.request("INFO", cseq).with_body(body);
        info.content_type = kind;
        sim.receive(&info.text());
        sim.expect("SIP/2.0 200 ");
        assert!(matches!(sim.event(), BridgeEvent::Digit { digit: got, .. } if got == digit));
    }
}

#[test]
fn an_info_that_we_cannot_read_gets_415_and_an_empty_one_200() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let mut info = dialog.request("INFO", 2).with_body("<xml/>");
    info.content_type = "application/media_control+xml";
    sim.receive(&info.text());
    let refused = sim.expect("SIP/2.0 415 ");
    assert!(header(&refused, "Accept").contains("application/dtmf-relay"));
    sim.receive(&dialog.request("INFO", 3).text());
    sim.expect("SIP/2.0 200 ");
}

#[test]
fn a_method_we_do_not_serve_gets_405_with_what_we_do() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    sim.receive(&dialog.request("SUBSCRIBE", 2).text());
    let refused = sim.expect("SIP/2.0 405 ");
    assert!(header(&refused, "Allow").contains("INVITE"));
}

#[test]
fn a_bye_with_the_wrong_tag_does_not_end_somebody_elses_call() {
    let mut sim = Simulation::new();
    let (_, dialog) = sim.establish(&Message::invite("a"));
    let forged = dialog.request("BYE", 2).text().replace("tag=peertag", "tag=guessed");
    sim.receive(&forged);
    sim.expect("SIP/2.0 481 ");
    let forged = Message { to_tag: ";tag=guessed".into(), ..dialog.request("BYE", 2) };
    sim.receive(&Message { branch: "z9hG4bKother".into(), ..forged }.text());
    sim.expect("SIP/2.0 481 ");
    assert!(sim.events.is_empty());
}

#[test]
fn an_offer_of_ours_in_a_protected_call_is_protected_with_the_same_key_and_numbers() {
    let mut sim = Simulation::new();
    sim.transport = TransportKind::Tls;
    let terms = MediaTerms {
        codecs: vec![Codec::Pcmu, Codec::G722],
        srtp: SrtpPolicy::Optional,
        ..MediaTerms::default()
    };
    sim.agent.terms = Terms::new(terms, Vec::new());
    let crypto = "AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
    let offer = sdp("192.0.2.9", 6000, "sendrecv")
        .replace("RTP/AVP 0 101", "RTP/SAVP 0 96")
        .replace("rtpmap:101", &format!("crypto:1 {crypto}\r\na=rtpmap:96"));
    let invite = Message::invite("a").with_body(&offer);
    let (_, first) = sim.answer(&invite);
    let dialog = invite.in_dialog(&first);
    sim.receive(&dialog.request("ACK", 1).text());
    sim.event();
    sim.receive(&dialog.request("INVITE", 2).text());
    let ok = sim.expect("SIP/2.0 200 ");
    let key = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("a=crypto:")).map(str::to_owned);
        line.expect("a key").split("inline:").nth(1).map(str::to_owned)
    };
    assert_eq!(key(&ok), key(&first), "{ok}");
    assert!(ok.contains("m=audio 4000 RTP/SAVP 0 9 96\r\n"), "every codec may change: {ok}");
    assert!(ok.contains("a=rtpmap:96 telephone-event/8000\r\n"), "{ok}");
    // The answer changes nothing, and least of all the protection.
    sim.receive(&dialog.request("ACK", 2).with_body(&offer).text());
    assert!(sim.events.is_empty(), "{:?}", sim.events);
}

#[test]
fn a_second_invite_before_the_first_is_settled_is_asked_to_wait_for_a_random_time() {
    let mut waits = std::collections::BTreeSet::new();
    let mut sim = Simulation::new();
    for call in 0..9 {
        let invite = Message::invite(&format!("c{call}"));
        let (_, ok) = sim.answer(&invite);
        sim.receive(&invite.in_dialog(&ok).request("INVITE", 2).text());
        let seconds = header(&sim.expect("SIP/2.0 500 "), "Retry-After").parse::<u32>();
        waits.insert(seconds.expect("seconds"));
    }
    assert!(waits.len() > 2 && waits.iter().all(|wait| *wait <= 10), "{waits:?}");
}
