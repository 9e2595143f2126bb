use core::time::Duration;

use super::{Command, Message, PEER, Simulation, address, header, headers};
use crate::event::HangupReason;

/// The two routes and the private Contact of a carrier's INVITE.
fn carrier_invite() -> Message {
    Message::invite("carrier").with_extra(
        "Record-Route: <sip:192.76.120.10;r2=on;lr>\r\nRecord-Route: <sip:10.255.0.1;r2=on;lr>\r\n",
    )
}

fn private_contact(text: &str) -> String {
    text.replace(
        "Contact: <sip:caller@192.0.2.9:5080>",
        "Contact: <sip:caller@10.13.37.5:5070;transport=udp>",
    )
}

#[test]
fn the_double_record_route_is_echoed_and_the_bye_follows_it() {
    let mut sim = Simulation::new();
    let invite = carrier_invite();
    sim.receive(&private_contact(&invite.text()));
    sim.expect("SIP/2.0 100 ");
    sim.expect("SIP/2.0 180 ");
    let call = match sim.event() {
        crate::event::BridgeEvent::Incoming { call, .. } => call,
        other => panic!("{other:?}"),
    };
    sim.command(Command::Answer(call, address(super::RTP)));
    let ok = sim.expect("SIP/2.0 200 ");
    let routes = ["<sip:192.76.120.10;r2=on;lr>", "<sip:10.255.0.1;r2=on;lr>"];
    assert_eq!(headers(&ok, "Record-Route"), routes);

    sim.receive(&private_contact(&invite.in_dialog(&ok).request("ACK", 1).text()));
    sim.event();
    sim.command(Command::Hangup(call, HangupReason::Normal));
    let (hop, bye) = sim.sent.pop_front().unwrap();
    assert!(bye.starts_with("BYE sip:caller@10.13.37.5:5070;transport=udp SIP/2.0\r\n"), "{bye}");
    assert_eq!(headers(&bye, "Route"), routes);
    assert_eq!(hop, address("192.76.120.10:5060"));
}

#[test]
fn record_routes_on_one_line_are_the_same_routes() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a")
        .with_extra("Record-Route: <sip:192.76.120.10;r2=on;lr>,\t<sip:10.255.0.1;r2=on;lr>\r\n");
    let (_, ok) = sim.answer(&invite);
    let routes = ["<sip:192.76.120.10;r2=on;lr>", "<sip:10.255.0.1;r2=on;lr>"];
    assert_eq!(headers(&ok, "Record-Route"), routes);
}

#[test]
fn a_strict_router_gets_itself_as_request_uri_and_the_target_last() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a")
        .with_extra("Record-Route: <sip:192.0.2.20>\r\nRecord-Route: <sip:192.0.2.21;lr>\r\n");
    let (call, _) = sim.establish(&invite);
    sim.command(Command::Hangup(call, HangupReason::Normal));
    let (hop, bye) = sim.sent.pop_front().unwrap();
    assert!(bye.starts_with("BYE sip:192.0.2.20 SIP/2.0\r\n"), "{bye}");
    assert_eq!(headers(&bye, "Route"), ["<sip:192.0.2.21;lr>", "<sip:caller@192.0.2.9:5080>"]);
    assert_eq!(hop, address("192.0.2.20:5060"));
}

#[test]
fn a_host_name_in_the_route_is_not_looked_up() {
    let mut sim = Simulation::new();
    let invite = Message::invite("a").with_extra("Record-Route: <sip:evil.example;lr>\r\n");
    let (call, _) = sim.establish(&invite);
    sim.command(Command::Hangup(call, HangupReason::Normal));
    let (hop, _) = sim.sent.pop_front().unwrap();
    assert_eq!(hop, address(PEER));
}

#[test]
fn responses_go_to_the_source_whatever_the_via_says() {
    let mut sim = Simulation::new();
    let text = Message::invite("a").text();
    // Behind NAT, with rport: to the source port.
    sim.receive(&text.replace("UDP 192.0.2.9:5080", "UDP 10.0.0.5:5099"));
    let (to, trying) = sim.sent.pop_front().unwrap();
    assert_eq!(to, address(PEER));
    let via = header(&trying, "Via");
    assert!(via.contains(";received=192.0.2.9") && via.contains(";rport=5080"), "{via}");
    sim.sent.clear();
    // Without rport: to the Via's port at the source's address.
    let text = Message::invite("b").text().replace(";rport", "");
    sim.receive(&text.replace("UDP 192.0.2.9:5080", "UDP victim.example:7777;maddr=203.0.113.1"));
    assert_eq!(sim.sent.pop_front().unwrap().0, address("192.0.2.9:7777"));
}

#[test]
fn every_via_is_copied_in_order() {
    let mut sim = Simulation::new();
    let second = "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKsecond";
    sim.receive(
        &Message::invite("a")
            .with_extra(&format!("v: {second}, SIP/2.0/TCP third;branch=x\r\n"))
            .text(),
    );
    let trying = sim.expect("SIP/2.0 100 ");
    let vias = headers(&trying, "Via");
    assert_eq!(vias[1..], [second, "SIP/2.0/TCP third;branch=x"]);
}

#[test]
fn compact_headers_are_headers() {
    let mut sim = Simulation::new();
    let text = Message::invite("a").text();
    let compact = [
        ("Via: ", "v: "),
        ("From: ", "f: "),
        ("To: ", "t: "),
        ("Call-ID: ", "i: "),
        ("Contact: ", "m: "),
        ("Content-Type: ", "c: "),
        ("Content-Length: ", "l: "),
    ];
    let text = compact.iter().fold(text, |text, (long, short)| text.replace(long, short));
    sim.receive(&text);
    sim.expect("SIP/2.0 100 ");
    let ringing = sim.expect("SIP/2.0 180 ");
    assert_eq!(header(&ringing, "Call-ID"), "a");
}

#[test]
fn over_tcp_nothing_is_repeated_but_the_200() {
    let mut sim = Simulation::over_tcp();
    let (_, ok) = sim.answer(&Message::invite("a"));
    assert!(header(&ok, "Contact").contains(";transport=tcp"));
    sim.pass(Duration::from_millis(600));
    sim.expect("SIP/2.0 200 ");

    let mut sim = Simulation::over_tcp();
    let call = sim.ring(&Message::invite("b"));
    sim.command(Command::Reject(call, crate::event::Rejection::Busy));
    sim.expect("SIP/2.0 486 ");
    sim.pass(Duration::from_secs(40));
    sim.expect_silence();
}

#[test]
fn what_began_over_tls_never_leaves_it() {
    for (route, contact) in [
        ("Record-Route: <sip:192.0.2.30;lr;transport=udp>\r\n", "sip:caller@192.0.2.9:5080"),
        ("", "sip:caller@192.0.2.9:5080;transport=tcp"),
    ] {
        let mut sim = Simulation::new();
        sim.transport = crate::message::TransportKind::Tls;
        let invite = Message::invite("a").with_extra(route);
        let own = format!("Contact: <sip:caller@{PEER}>");
        let bent = |text: String| text.replace(&own, &format!("Contact: <{contact}>"));
        sim.receive(&bent(invite.text()));
        sim.expect("SIP/2.0 100 ");
        let dialog = invite.in_dialog(&sim.expect("SIP/2.0 180 "));
        let crate::event::BridgeEvent::Incoming { call, .. } = sim.event() else { panic!() };
        sim.command(Command::Answer(call, address(super::RTP)));
        sim.expect("SIP/2.0 200 ");
        sim.receive(&bent(dialog.request("ACK", 1).text()));
        sim.command(Command::Hangup(call, HangupReason::Normal));
        let (to, bye) = sim.sent.pop_front().expect("a BYE");
        assert_eq!(to, address(PEER), "{bye}");
        assert!(header(&bye, "Via").starts_with("SIP/2.0/TLS "), "{bye}");
    }
}
