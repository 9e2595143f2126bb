use media_core::OpusFormat;
use proptest::prelude::*;

use super::*;
use crate::ids::IdSource;
use crate::sdp;

const ALL: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];

fn all() -> CallTerms {
    CallTerms::plain(&ALL)
}

fn local() -> SocketAddr {
    "192.0.2.1:4000".parse().unwrap()
}

/// An offer whose audio line has `formats` and the attribute `lines`.
fn offer(formats: &str, lines: &str) -> Description {
    let text = format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
         m=audio 6000 RTP/AVP {formats}\r\n{lines}"
    );
    sdp::parse(text.as_bytes()).expect("SDP")
}

fn accepted(formats: &str, lines: &str) -> Accepted {
    Accepted::offer(&offer(formats, lines), &all()).expect("common media")
}

#[test]
fn the_offerers_order_decides_the_codec() {
    assert_eq!(accepted("9 0 8", "").media().codec, Codec::G722);
    assert_eq!(accepted("18 8 0", "").media().codec, Codec::Pcma);
    let only_ulaw =
        Accepted::offer(&offer("9 8 0", ""), &CallTerms::plain(&[Codec::Pcmu])).unwrap();
    assert_eq!(only_ulaw.media().codec, Codec::Pcmu);
}

#[test]
fn the_answer_says_exactly_what_the_encoder_will_do() {
    let accepted = accepted("8 101", "a=rtpmap:101 telephone-event/8000\r\na=ptime:30\r\n");
    let media = accepted.media();
    let answer = sdp::parse(accepted.answer(7, 1, local()).as_bytes()).unwrap();
    let line = &answer.media[0];
    assert_eq!(
        line.payload_types,
        [media.receive_payload_type, media.receive_telephone_event.unwrap()]
    );
    assert_eq!(line.ptime_ms, Some(media.ptime.ms()));
    assert_eq!(line.direction, media.direction);
    assert_eq!((line.port, line.address), (4000, Some(local().ip())));
}

#[test]
fn a_dynamic_payload_type_can_stand_for_a_codec_and_a_static_one_be_remapped() {
    let media = accepted("96 0", "a=rtpmap:96 pcma/8000/1\r\n").media();
    assert_eq!((media.codec, media.send_payload_type), (Codec::Pcma, PayloadType(96)));
    // 0 is said to be something else here, so it is not µ-law.
    let remapped = offer("0", "a=rtpmap:0 L16/8000\r\n");
    assert_eq!(Accepted::offer(&remapped, &all()), Err(NegotiationError::NoCodec));
}

#[test]
fn telephone_event_counts_only_at_8000_and_if_it_is_offered() {
    assert_eq!(
        accepted("0 101", "a=rtpmap:101 telephone-event/48000\r\n").media().send_telephone_event,
        None
    );
    assert_eq!(
        accepted("0", "a=rtpmap:101 telephone-event/8000\r\n").media().send_telephone_event,
        None
    );
    let media = accepted("0 96", "a=rtpmap:96 Telephone-Event/8000\r\n").media();
    assert_eq!(media.send_telephone_event, Some(PayloadType(96)));
}

#[test]
fn opus_is_what_its_map_says_and_asks_what_its_format_says() {
    let lines = "a=rtpmap:96 opus/48000/2\r\n\
                 a=fmtp:96 maxplaybackrate=16000; useinbandfec=1; maxaveragebitrate=20000;x=y\r\n\
                 a=rtpmap:101 telephone-event/8000\r\na=rtpmap:97 telephone-event/48000\r\n\
                 a=ptime:30\r\n";
    let accepted = accepted("96 0 101 97", lines);
    let media = accepted.media();
    assert_eq!((media.codec, media.send_payload_type), (Codec::Opus, PayloadType(96)));
    let asked = OpusFormat {
        forward_error_correction: true,
        playback_hz_max: 16_000,
        bitrate_max: Some(20_000),
        constant_bitrate: false,
    };
    assert_eq!(media.opus, asked);
    assert_eq!(media.ptime.ms(), 20, "there is no frame of 30 ms");
    assert_eq!(media.send_telephone_event, Some(PayloadType(97)), "the one with the same clock");
    assert_eq!(media.telephone_event_hz, 48_000);
    let answer = accepted.answer(7, 1, local());
    assert!(answer.contains("a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1;"), "{answer}");
    assert!(answer.contains("a=rtpmap:97 telephone-event/48000\r\n"), "{answer}");
}

#[test]
fn no_number_means_opus_by_itself_and_one_channel_is_not_opus() {
    let refused = |lines| Accepted::offer(&offer("111", lines), &all()).map(|_| ());
    assert_eq!(refused(""), Err(NegotiationError::NoCodec));
    assert_eq!(refused("a=rtpmap:111 opus/48000\r\n"), Err(NegotiationError::NoCodec));
}

#[test]
fn a_phone_that_knows_only_telephonys_clock_is_heard_beside_opus() {
    let offer = Offer::new(&CallTerms::plain(&[Codec::Opus, Codec::Pcmu]));
    let sdp = offer.sdp(1, 1, local());
    assert!(sdp.contains(" RTP/AVP 111 0 101 110\r\n"), "{sdp}");
    let answer = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
                  m=audio 6000 RTP/AVP 107 99\r\na=rtpmap:107 opus/48000/2\r\n\
                  a=rtpmap:99 telephone-event/8000\r\n";
    let media = offer.answered(&sdp::parse(answer.as_bytes()).unwrap()).expect("an answer");
    assert_eq!(media.codec, Codec::Opus);
    assert_eq!(media.send_payload_type, PayloadType(107), "asymmetric payload types");
    assert_eq!(media.receive_payload_type, PayloadType(111));
    assert_eq!(media.send_telephone_event, Some(PayloadType(99)));
    assert_eq!(media.receive_telephone_event, Some(PayloadType(101)));
    assert_eq!(media.telephone_event_hz, 8_000);
}

#[test]
fn opus_goes_over_tcp_and_tls_and_over_udp_where_that_is_wished() {
    use crate::message::TransportKind::{Tcp, Tls, Udp};
    let codecs = |opus_over_udp, trunk: &str, transport| {
        let with = |codecs: &[Codec]| MediaTerms {
            codecs: codecs.to_vec(),
            opus_over_udp,
            ..MediaTerms::default()
        };
        let terms = Terms::new(with(&[Codec::Pcmu]), vec![("phones".into(), with(&ALL))]);
        terms.of(trunk, transport, &mut IdSource::new([1; 32])).codecs
    };
    assert!(!codecs(false, "phones", Udp).contains(&Codec::Opus));
    for (over_udp, transport) in [(false, Tcp), (false, Tls), (true, Udp)] {
        assert_eq!(*codecs(over_udp, "phones", transport), ALL);
        assert_eq!(*codecs(over_udp, "another", transport), [Codec::Pcmu]);
    }
}

#[test]
fn directions_are_reversed() {
    for (theirs, ours) in [
        ("sendrecv", Direction::SendRecv),
        ("sendonly", Direction::RecvOnly),
        ("recvonly", Direction::SendOnly),
        ("inactive", Direction::Inactive),
    ] {
        assert_eq!(accepted("0", &format!("a={theirs}\r\n")).media().direction, ours, "{theirs}");
    }
    assert_eq!(accepted("0", "").media().direction, Direction::SendRecv);
    let session_level =
        b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
                          a=sendonly\r\nm=audio 6000 RTP/AVP 0\r\n";
    let held = Accepted::offer(&sdp::parse(session_level).unwrap(), &all()).unwrap();
    assert_eq!(held.media().direction, Direction::RecvOnly);
}

#[test]
fn ptime_is_the_peers_if_telephony_uses_it() {
    for (lines, ms) in [
        ("", 20),
        ("a=ptime:10\r\n", 10),
        ("a=ptime:60\r\n", 60),
        ("a=ptime:25\r\n", 20),
        ("a=ptime:4000000000\r\n", 20),
        ("a=ptime:x\r\n", 20),
        ("a=ptime:40\r\na=maxptime:20\r\n", 20),
        ("a=maxptime:10\r\n", 10),
    ] {
        assert_eq!(accepted("0", lines).media().ptime.ms(), ms, "{lines:?}");
    }
}

#[test]
fn rtcp_goes_to_the_next_port_or_where_the_peer_says_but_never_to_a_third_address() {
    let rtcp = |lines: &str| accepted("0", lines).media().remote_rtcp.to_string();
    assert_eq!(rtcp(""), "192.0.2.9:6001");
    assert_eq!(rtcp("a=rtcp:7777\r\n"), "192.0.2.9:7777");
    assert_eq!(rtcp("a=rtcp:7777 IN IP4 203.0.113.5\r\n"), "192.0.2.9:7777");
}

#[test]
fn every_line_of_the_offer_has_one_in_the_answer() {
    let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\n\
                m=video 7000 RTP/AVP 96\r\nc=IN IP4 192.0.2.9\r\n\
                m=audio 6000 RTP/SAVP 0\r\nc=IN IP4 192.0.2.9\r\n\
                m=audio 6002 RTP/AVP 0\r\nc=IN IP4 192.0.2.8\r\n";
    let accepted = Accepted::offer(&sdp::parse(text.as_bytes()).unwrap(), &all()).unwrap();
    assert_eq!(accepted.media().remote_rtp.to_string(), "192.0.2.8:6002");
    let answer = accepted.answer(1, 1, local());
    let lines: Vec<&str> = answer.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(lines, ["m=video 0 RTP/AVP 96", "m=audio 0 RTP/SAVP 0", "m=audio 4000 RTP/AVP 0"]);
}

#[test]
fn an_answer_may_number_payload_types_its_own_way() {
    let offer_of_ours = Offer::new(&CallTerms::plain(&[Codec::Pcmu, Codec::Pcma]));
    let answer = offer("8 96", "a=rtpmap:96 telephone-event/8000\r\n");
    let media = offer_of_ours.answered(&answer).unwrap();
    assert_eq!(media.codec, Codec::Pcma);
    assert_eq!(media.send_telephone_event, Some(PayloadType(96)));
    assert_eq!(media.receive_telephone_event, Some(PayloadType(101)));
    assert_eq!(offer_of_ours.answered(&offer("9", "")), Err(NegotiationError::NoCodec));
    let refused = sdp::parse(b"v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n");
    assert_eq!(offer_of_ours.answered(&refused.unwrap()), Err(NegotiationError::NoAudio));
}

#[test]
fn sdp_over_a_limit_is_refused() {
    let head = "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n";
    for (name, text) in [
        ("size", format!("{head}a={}\r\n", "x".repeat(sdp::SDP_BYTES_MAX))),
        ("lines", format!("{head}{}", "a=x\r\n".repeat(sdp::SDP_LINES_MAX))),
        (
            "media lines",
            format!("{head}{}", "m=audio 1 RTP/AVP 0\r\n".repeat(sdp::MEDIA_LINES_MAX + 1)),
        ),
    ] {
        assert_eq!(sdp::parse(text.as_bytes()), Err(sdp::SdpError::TooLarge(name)));
    }
    for text in ["", "v=1\r\n", "hello", "v=0\r\nm=audio\r\n", "v=0\r\nm=audio 99999 RTP/AVP 0\r\n"]
    {
        assert_eq!(sdp::parse(text.as_bytes()), Err(sdp::SdpError::Malformed), "{text:?}");
    }
}

proptest! {
    #[test]
    fn arbitrary_sdp_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = sdp::parse(&bytes);
    }

    /// What is agreed is in the answer, for any offer made of plausible lines.
    #[test]
    fn answers_agree_with_what_was_agreed(
        formats in proptest::collection::vec(0u8..128, 1..6),
        maps in proptest::collection::vec((0u8..128, "PCMU|PCMA|G722|telephone-event|opus"), 0..6),
        ptime in 0u32..100,
    ) {
        let formats = formats.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let mut lines = format!("a=ptime:{ptime}\r\n");
        for (number, name) in &maps {
            lines.push_str(&format!("a=rtpmap:{number} {name}/8000\r\n"));
        }
        if let Ok(accepted) = Accepted::offer(&offer(&formats, &lines), &all()) {
            let media = accepted.media();
            let answer = sdp::parse(accepted.answer(1, 1, local()).as_bytes()).unwrap();
            let (back, _) = serve(&answer.media[0], &all()).unwrap();
            prop_assert_eq!(back.codec, media.codec);
            prop_assert_eq!(back.send_payload_type, media.receive_payload_type);
            prop_assert_eq!(back.ptime, media.ptime);
        }
    }
}

#[test]
fn sound_goes_to_the_trunks_own_networks_and_to_this_machine_only_if_that_is_listed() {
    let serves = |ip: &str, networks: &[&str]| {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 6379 RTP/AVP 0\r\n"
        );
        let networks = networks.iter().map(|text| text.parse().unwrap()).collect();
        let terms = CallTerms { networks, ..all() };
        Accepted::offer(&sdp::parse(text.as_bytes()).expect("SDP"), &terms).map(drop)
    };
    let foreign = Err(NegotiationError::ForeignAddress);
    assert_eq!(serves("198.51.100.7", &["198.51.100.0/24"]), Ok(()));
    assert_eq!(serves("198.51.101.7", &["198.51.100.0/24"]), foreign);
    assert_eq!(serves("198.51.100.7", &["0.0.0.0/0"]), Ok(()));
    assert_eq!(serves("127.0.0.1", &["0.0.0.0/0"]), foreign);
    assert_eq!(serves("127.0.0.1", &["198.51.100.0/24"]), foreign);
    assert_eq!(serves("127.0.0.1", &["127.0.0.0/8"]), Ok(()));
}
