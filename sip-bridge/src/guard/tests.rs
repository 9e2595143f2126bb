use proptest::prelude::*;

use super::*;

const GOOD: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
                    To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 4\r\n\r\nbody";

fn refusal(from: &str, to: &str) -> GuardError {
    assert!(GOOD.contains(from), "{from:?} is not in the message");
    check_datagram(GOOD.replacen(from, to, 1).as_bytes()).expect_err(to)
}

#[test]
fn a_message_in_bounds_passes_whole_and_without_what_follows_it() {
    assert_eq!(check_datagram(GOOD.as_bytes()), Ok(GOOD.as_bytes()));
    let longer = format!("\r\n\r\n{GOOD}and more");
    assert_eq!(check_datagram(longer.as_bytes()), Ok(GOOD.as_bytes()));
    let without_length = GOOD.replace("Content-Length: 4\r\n", "");
    assert_eq!(check_datagram(without_length.as_bytes()), Ok(without_length.as_bytes()));
}

#[test]
fn content_length_must_be_one_number_that_the_datagram_holds() {
    for length in ["5", "99999", "-1", "", "4 4", "0x4", "4;", "+4", "18446744073709551616"] {
        let error = refusal("Content-Length: 4", &format!("Content-Length: {length}"));
        assert!(
            matches!(error, GuardError::ContentLength(_) | GuardError::TooLarge(_)),
            "{length}"
        );
    }
    let twice = refusal("Content-Length: 4", "Content-Length: 4\r\nl: 4");
    assert_eq!(twice, GuardError::ContentLength("repeated"));
    assert!(twice.is_answerable());
}

#[test]
fn the_start_line_is_method_uri_and_version_with_single_spaces() {
    for line in [
        "OPTIONS <sip:a@b> SIP/2.0",
        "OPTIONS sip:a@b SIP/2.0 ",
        "OPTIONS  sip:a@b SIP/2.0",
        "OPTIONS sip:a@b  SIP/2.0",
        " OPTIONS sip:a@b SIP/2.0",
        "OPTIONS\tsip:a@b\tSIP/2.0",
        "OPTIONS sip:a b@c SIP/2.0",
        "OPTIONS sip:a@b SIP/3.0",
        "OPTIONS sip:a@b HTTP/1.1",
        "OPTIONS a@b SIP/2.0",
        "OPTIONS sip: SIP/2.0",
        "OPTIONS :a SIP/2.0",
        "OPT(IONS sip:a@b SIP/2.0",
        "OPTIONS sip:a@b",
        "OPTIONS sip:\u{e9}@b SIP/2.0",
    ] {
        let error = refusal("OPTIONS sip:a@b SIP/2.0", line);
        assert!(matches!(error, GuardError::StartLine(_)), "{line:?}: {error}");
    }
}

#[test]
fn a_status_line_has_three_digits_and_a_phrase_that_may_be_empty() {
    let response = |line: &str| {
        check_datagram(GOOD.replacen("OPTIONS sip:a@b SIP/2.0", line, 1).as_bytes()).is_ok()
    };
    assert!(
        response("SIP/2.0 200 OK")
            && response("SIP/2.0 180 ")
            && response("sip/2.0 404 Not \u{e9}")
    );
    for bad in [
        "SIP/2.0 99 x",
        "SIP/2.0 700 x",
        "SIP/2.0 2000 x",
        "SIP/2.0 200",
        "SIP/2.1 200 OK",
        "SIP/2.0  200 OK",
    ] {
        assert!(!response(bad), "{bad:?}");
    }
}

#[test]
fn header_lines_have_a_token_a_colon_and_no_control_characters() {
    for (from, to) in [
        ("Call-ID: x", "Call-ID x"),
        ("Call-ID: x", "Call ID: x"),
        ("Call-ID: x", "Call-ID: x\u{0}"),
        ("Call-ID: x\r\n", "Call-ID: x\n"),
        ("Call-ID: x\r\n", "Call-ID: x\r\r\n"),
        ("Via: ", " Via: "),
        ("CSeq: 1 OPTIONS", "CSeq: 1 INVITE"),
        ("CSeq: 1 OPTIONS", "CSeq: 1 options"),
        ("Call-ID: x", "Call-ID: x\r\nMax-Forwards: 256"),
        ("Call-ID: x", "Call-ID: x\r\nMax-Forwards: -1"),
    ] {
        let error = refusal(from, to);
        assert!(matches!(error, GuardError::HeaderLine(_)), "{to:?}: {error}");
    }
    let mut bytes = GOOD.as_bytes().to_vec();
    bytes[130] = 0xff;
    assert_eq!(check_datagram(&bytes), Err(GuardError::HeaderLine("not UTF-8")));
}

#[test]
fn headers_that_route_a_message_are_there_exactly_once() {
    for (name, line) in [
        ("From", "From: <sip:a@b>;tag=1\r\n"),
        ("To", "To: <sip:c@d>\r\n"),
        ("Call-ID", "Call-ID: x\r\n"),
        ("CSeq", "CSeq: 1 OPTIONS\r\n"),
    ] {
        assert_eq!(refusal(line, ""), GuardError::NotOnce(name));
        assert_eq!(refusal(line, &format!("{line}{line}")), GuardError::NotOnce(name));
    }
    assert_eq!(refusal("Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n", ""), GuardError::NotOnce("Via"));
    assert_eq!(refusal("Call-ID: x", "Call-ID: x\r\ni: y"), GuardError::NotOnce("Call-ID"));
}

#[test]
fn everything_is_bounded() {
    let big = "x".repeat(MESSAGE_BYTES_MAX);
    assert_eq!(
        check_datagram(format!("{GOOD}{big}").as_bytes()),
        Err(GuardError::TooLarge("message"))
    );
    let many = "X: y\r\n".repeat(HEADER_LINES_MAX);
    assert_eq!(
        refusal("Call-ID", &format!("{many}Call-ID")),
        GuardError::TooLarge("number of headers")
    );
    let long = "x".repeat(HEADER_BYTES_MAX);
    assert_eq!(
        refusal("Call-ID: x", &format!("Call-ID: {long}")),
        GuardError::TooLarge("header line")
    );
    let folded = "\r\n folded".repeat(HEADER_BYTES_MAX / 7 + 1);
    assert_eq!(
        refusal("Call-ID: x", &format!("Call-ID: x{folded}")),
        GuardError::TooLarge("header line")
    );
    let uri = "x".repeat(START_LINE_BYTES_MAX);
    assert_eq!(refusal("sip:a@b", &format!("sip:{uri}")), GuardError::TooLarge("start line"));
}

#[test]
fn a_stream_is_cut_into_messages_wherever_it_is_broken() {
    let stream = format!("\r\n\r\n{GOOD}{GOOD}\r\n{GOOD}\r\n\r\n");
    for chunk in [1, 2, 3, 7, 100, stream.len()] {
        let mut framer = StreamFramer::new();
        let mut frames = Vec::new();
        for bytes in stream.as_bytes().chunks(chunk) {
            assert!(framer.room() >= bytes.len());
            framer.push(bytes);
            while let Some(frame) = framer.next_frame().expect("in step") {
                frames.push(frame);
            }
        }
        let message = Frame::Message(bytes::Bytes::from_static(GOOD.as_bytes()));
        let expected = [&Frame::Ping, &message, &message, &message, &Frame::Ping];
        assert_eq!(frames.iter().collect::<Vec<_>>(), expected, "in chunks of {chunk}");
        assert!(!framer.is_mid_message());
    }
}

#[test]
fn a_stream_that_is_not_sip_is_given_up() {
    let next = |text: &str| {
        let mut framer = StreamFramer::new();
        framer.push(text.as_bytes());
        framer.next_frame()
    };
    assert!(next(&GOOD.replace("Content-Length: 4\r\n", "")).is_err(), "length is mandatory");
    assert!(next("GET / HTTP/1.1\r\nHost: x\r\n\r\n").is_err());
    assert!(next(&"x".repeat(MESSAGE_BYTES_MAX + 1)).is_err());
    assert!(next("\rxxxx").is_err());
    assert!(
        next(&GOOD.replace("Content-Length: 4", "Content-Length: 16000"))
            .is_ok_and(|f| f.is_none())
    );
}

proptest! {
    /// Whatever passes has a head that ends, and is no longer than what came.
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(message) = check_datagram(&bytes) {
            prop_assert!(message.len() <= bytes.len());
        }
        let mut framer = StreamFramer::new();
        framer.push(&bytes);
        while let Ok(Some(_)) = framer.next_frame() {}
    }

    /// A good message with one byte changed: refused, or parsed; never a panic.
    #[test]
    fn a_flipped_byte_never_panics(at in 0..GOOD.len(), to: u8) {
        let mut bytes = GOOD.as_bytes().to_vec();
        bytes[at] = to;
        if let Ok(message) = check_datagram(&bytes) {
            let _ = crate::stack::parse(message);
        }
    }
}

#[test]
fn a_message_with_a_wrong_length_that_may_be_answered_has_passed_every_other_check() {
    let wrong = "Content-Length: x\r\n";
    assert!(refusal("Content-Length: 4\r\n", wrong).is_answerable());
    for (also, fault) in [
        ("X: \u{1}\r\n", GuardError::HeaderLine("control character")),
        ("Call-ID: y\r\n", GuardError::NotOnce("Call-ID")),
        ("Max-Forwards: 300\r\n", GuardError::HeaderLine("Max-Forwards")),
    ] {
        assert_eq!(refusal("Content-Length: 4\r\n", &format!("{wrong}{also}")), fault);
    }
}

#[test]
fn half_a_line_break_begins_no_header_of_its_own_not_even_behind_a_backslash() {
    for half in ["\n", "\r", "\\\n", "\\\r", "\\\\\n", "\"\\\n"] {
        let hidden = format!("X: {half}P-Asserted-Identity: <sip:+15550100@b>\r\nCall-ID: x");
        let error = refusal("Call-ID: x", &hidden);
        assert_eq!(error, GuardError::HeaderLine("control character"), "{half:?}");
    }
    let quoted = GOOD.replacen("From: ", "From: \"BEL \\\u{7} NUL \\\0\" ", 1);
    assert!(check_datagram(quoted.as_bytes()).is_ok(), "what RFC 4475 writes");
}

#[test]
fn a_body_that_drips_has_its_head_looked_at_once_and_is_whole_in_the_end() {
    let message = GOOD.replace("Content-Length: 4", "Content-Length: 9000");
    let message = message.replacen("body", &"b".repeat(9_000), 1);
    let mut framer = StreamFramer::new();
    for byte in message.as_bytes() {
        assert_eq!(framer.next_frame(), Ok(None));
        framer.push(&[*byte]);
    }
    framer.push(GOOD.as_bytes());
    assert_eq!(framer.next_frame(), Ok(Some(Frame::Message(message.into()))));
    assert_eq!(framer.next_frame(), Ok(Some(Frame::Message(GOOD.into()))));
    assert!(!framer.is_mid_message());
}
