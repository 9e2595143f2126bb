use super::*;

/// A request with `headers` beside the mandatory ones, through guard and grammar.
fn request(headers: &str) -> Request {
    let text = format!(
        "INVITE sip:+15551234567@192.0.2.1;user=phone SIP/2.0\r\n\
         Via: SIP / 2.0 / UDP 192.0.2.9:5080;branch=z9hG4bK1;rport\r\n\
         From: \"Joe \\\"<x>\\\" Bloggs\" <sip:joe@192.0.2.9>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x@y\r\n\
         CSeq: 007 INVITE\r\n{headers}\r\nbody"
    );
    let bytes = crate::guard::check_datagram(text.as_bytes()).expect("guard");
    match parse(bytes).expect("grammar") {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

#[test]
fn a_request_is_read_and_what_is_repeated_is_kept_as_written() {
    let request = request("");
    assert_eq!(request.method, Method::Invite);
    assert_eq!(request.uri, "sip:+15551234567@192.0.2.1;user=phone");
    assert_eq!(request.uri_user, "+15551234567");
    assert_eq!(request.head.from.user, "joe");
    assert_eq!(request.head.from.tag, "1");
    assert_eq!(request.head.from.text, "\"Joe \\\"<x>\\\" Bloggs\" <sip:joe@192.0.2.9>;tag=1");
    assert_eq!(request.head.cseq.number, 7);
    assert_eq!(request.head.via.host, Host::Ip("192.0.2.9".parse().unwrap()));
    assert!(request.head.via.rport);
    // Over UDP a message without Content-Length ends with its datagram.
    assert_eq!(request.head.body, b"body");
}

#[test]
fn the_contact_is_read_in_all_its_forms() {
    for (line, text) in [
        ("Contact: <sip:a@1.2.3.4:5>;expires=3", "sip:a@1.2.3.4:5"),
        ("m: sip:a@1.2.3.4;expires=3", "sip:a@1.2.3.4"),
        (
            "Contact: \"<sip:no@no>\" <sip:a@h;transport=tcp>, <sip:second@h>",
            "sip:a@h;transport=tcp",
        ),
        ("Contact:\r\n <sip:folded@h>", "sip:folded@h"),
    ] {
        let request = request(&format!("{line}\r\n"));
        assert_eq!(request.head.contact.map(|uri| uri.text).as_deref(), Some(text), "{line}");
        assert_eq!(request.head.unreadable, None);
    }
    for line in
        ["Contact: <sip:a@b", "Contact: tel:+1555", "Contact: *", "Contact: \"open <sip:a@b>"]
    {
        assert_eq!(request(&format!("{line}\r\n")).head.unreadable, Some("Contact"), "{line}");
    }
}

#[test]
fn reasons_are_read() {
    let reason = |line: &str| request(&format!("{line}\r\n")).head.reason;
    let read = reason("Reason: SIP;cause=200;text=\"Elsewhere\", Q.850 ; cause=16").unwrap();
    assert_eq!((read.q850, read.text.as_str()), (Some(16), "Elsewhere"));
    assert_eq!(reason("Reason: Q.850;cause=999").unwrap().q850, None);
    assert_eq!(reason("X: y"), None);
}

#[test]
fn only_sip_uris_are_followed() {
    let uri = parse_uri("sip:user@[2001:db8::1]:5070;transport=TCP;lr").unwrap();
    assert_eq!(uri.address(), Some("[2001:db8::1]:5070".parse().unwrap()));
    assert_eq!(uri.transport, Some(TransportKind::Tcp));
    assert!(uri.loose_routing);
    for bad in ["tel:+1555", "http://x", "mailto:a@b", ""] {
        assert_eq!(parse_uri(bad), None, "{bad}");
    }
}

#[test]
fn a_secure_uri_means_tls_and_its_port() {
    for (text, secure) in [("sips:a@192.0.2.9", true), ("sip:a@192.0.2.9;transport=tls", false)] {
        let uri = parse_uri(text).unwrap();
        assert_eq!((uri.secure, uri.transport), (secure, Some(TransportKind::Tls)), "{text}");
        assert_eq!(uri.address(), Some("192.0.2.9:5061".parse().unwrap()), "{text}");
    }
}

#[test]
fn what_cannot_be_answered_is_an_error() {
    let text = |via: &str, cseq: &str| {
        format!(
            "OPTIONS sip:a@b SIP/2.0\r\nVia: {via}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n\
             Call-ID: x\r\nCSeq: {cseq}\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let parsed = |via: &str, cseq: &str| parse(text(via, cseq).as_bytes());
    assert!(parsed("SIP/2.0/UDP h;branch=z9hG4bK1", "1 OPTIONS").is_ok());
    assert_eq!(parsed("nonsense", "1 OPTIONS"), Err(ParseError::Header("Via")));
    for cseq in ["2147483648 OPTIONS", "4294967296 OPTIONS", "-1 OPTIONS", "OPTIONS", "1 NONSENSE"]
    {
        assert_eq!(parsed("SIP/2.0/UDP h", cseq), Err(ParseError::Header("CSeq")), "{cseq}");
    }
}

#[test]
fn a_start_line_without_a_method_is_refused_and_no_slip() {
    for start in
        ["CAS0.2.10;branch=z9hG4bKz", "A[:::B sip:a@192.0.2.1 SIP/2.0", "\u{e9}", "[:::", " "]
    {
        let text = format!("{start}\r\nCSeq: 1 INVITE\r\n\r\n");
        assert!(parse(text.as_bytes()).is_err(), "{start:?}");
    }
}

#[test]
fn what_a_number_carries_with_it_is_neither_number_nor_host() {
    for uri in [
        "sip:+15550100;npdi=yes;rn=+15550199@192.0.2.7:5070;transport=tcp",
        "sip:+15550100;x:y@192.0.2.7:5070",
    ] {
        let parsed = parse_uri(uri).expect("a URI");
        assert_eq!((parsed.text.as_str(), parsed.user.as_str()), (uri, "+15550100"));
        assert_eq!(parsed.address().map(|it| it.to_string()).as_deref(), Some("192.0.2.7:5070"));
        let invite = format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n\
             From: <sip:a@x>;tag=1@y;z=2\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
             Contact: <{uri}>\r\nContent-Length: 0\r\n\r\n"
        );
        let Ok(Message::Request(request)) = parse(invite.as_bytes()) else { panic!("{invite}") };
        assert_eq!((request.uri.as_str(), request.uri_user.as_str()), (uri, "+15550100"));
        assert_eq!(request.head.contact, Some(parsed));
        assert_eq!(request.head.from.tag, "1@y");
    }
}

#[test]
fn a_list_of_more_entries_than_a_message_can_have_hops_is_read_no_further_and_refused() {
    for (header, entry) in
        [("Via", "SIP/2.0/UDP h;branch=z9hG4bK2"), ("Record-Route", "<sip:h;lr>"), ("Require", "a")]
    {
        let line = format!("{header}: {}\r\n", [entry; 70].join(", "));
        assert_eq!(request(&line).head.unreadable, None, "{header}");
        let head = request(&line.repeat(4)).head;
        assert_eq!(head.unreadable, Some(header));
        let kept = [head.vias.len(), head.record_routes.len(), head.require.len()];
        assert!(kept.iter().all(|kept| *kept <= 100), "{header}: {kept:?}");
    }
}
