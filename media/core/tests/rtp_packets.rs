//! RTP and RTCP on the wire.

use media_core::rtp::{
    Compound, CompoundWriter, Csrcs, FullRtpPacket, HeaderExtension, NtpTime, REPORTS_MAX,
    ReportBlock, RtcpError, RtcpPacket, RtpError, RtpPacket, SenderInfo, exercise_rtcp,
    exercise_rtp, looks_like_rtcp,
};
use media_core::{MonoTime, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};
use proptest::prelude::*;

/// PCMU with a CSRC, a one-byte header extension and padding.
const FULL: [u8; 32] = [
    0xB1, 0x80, 0x12, 0x34, 0, 0, 0, 160, 0xDE, 0xAD, 0xBE, 0xEF, // header
    0xCA, 0xFE, 0xBA, 0xBE, // CSRC
    0xBE, 0xDE, 0, 1, 0x10, 0x55, 0, 0, // extension
    1, 2, 3, 4, // payload
    0, 0, 0, 4, // padding
];

#[test]
fn sources_extension_and_padding_are_stepped_over() {
    let full = FullRtpPacket::parse(&FULL).expect("a valid packet");
    assert_eq!(full.packet.payload, [1, 2, 3, 4]);
    assert_eq!(full.packet.sequence, SequenceNumber(0x1234));
    assert!(full.packet.marker);
    assert_eq!(full.csrcs.iter().collect::<Vec<_>>(), [Ssrc(0xCAFE_BABE)]);
    let extension = full.extension.expect("an extension");
    assert_eq!((extension.profile, extension.data), (0xBEDE, &[0x10, 0x55, 0, 0][..]));
    assert_eq!(full.padding, 4);
    assert_eq!(RtpPacket::parse(&FULL), Ok(full.packet));
}

#[test]
fn what_is_cut_short_or_contradicts_itself_is_refused() {
    for length in 0..24 {
        let cut = RtpPacket::parse(&FULL[..length]);
        assert!(cut.is_err(), "{length} bytes are no packet: {cut:?}");
    }
    let mut bytes = FULL;
    bytes[0] = 0x71;
    assert_eq!(RtpPacket::parse(&bytes), Err(RtpError::Version(1)));
    for padding in [0, 9, 255] {
        let mut bytes = FULL;
        bytes[31] = padding;
        assert_eq!(RtpPacket::parse(&bytes), Err(RtpError::Padding(padding)));
    }
}

#[test]
fn a_packet_that_does_not_fit_is_not_written() {
    let packet = RtpPacket::parse(&FULL).expect("a valid packet");
    assert_eq!(packet.write(&mut [0; 15]), Err(RtpError::NoRoom { need: 16, room: 15 }));
    let odd = RtpPacket { payload_type: PayloadType(128), ..packet };
    assert_eq!(odd.write(&mut [0; 64]), Err(RtpError::Range("payload type")));
}

#[test]
fn rtcp_is_told_from_rtp_on_a_shared_port() {
    assert!(!looks_like_rtcp(&FULL));
    for packet_type in [200, 201, 202, 203, 205, 206] {
        assert!(looks_like_rtcp(&[0x80, packet_type, 0, 0]));
    }
    assert!(!looks_like_rtcp(&[0x80]));
}

#[test]
fn a_report_with_name_and_goodbye_reads_as_it_was_written() {
    let mut out = [0xFF; 256];
    let mut writer = CompoundWriter::new(&mut out);
    let sender = SenderInfo {
        ntp: NtpTime::from_mono(MonoTime::from_millis(123_456)),
        timestamp: RtpTimestamp(777),
        packets: 50,
        octets: 8_000,
    };
    let block = ReportBlock { cumulative_lost: -3, ..some_block() };
    writer
        .sender_report(Ssrc(1), &sender, &[block])
        .and_then(|w| w.cname(Ssrc(1), b"line@xenline"))
        .and_then(|w| w.goodbye(Ssrc(1), b"done"))
        .expect("there is room");
    let length = writer.len();
    let compound = Compound::parse(&out[..length]).expect("what was written parses");
    let packets: Vec<_> = compound.iter().collect();
    let [
        RtcpPacket::SenderReport { ssrc, sender: read, reports },
        RtcpPacket::SourceDescription(sdes),
        RtcpPacket::Goodbye { ssrcs, reason },
    ] = packets[..]
    else {
        panic!("{packets:?}");
    };
    assert_eq!((ssrc, read), (Ssrc(1), sender));
    assert_eq!(reports.iter().collect::<Vec<_>>(), [block]);
    let chunk = sdes.chunks().next().expect("one chunk");
    assert_eq!((chunk.ssrc, chunk.cname()), (Ssrc(1), Some(&b"line@xenline"[..])));
    assert_eq!(ssrcs.iter().collect::<Vec<_>>(), [Ssrc(1)]);
    assert_eq!(reason, Some(&b"done"[..]));
}

#[test]
fn a_compound_that_does_not_start_with_a_report_is_refused() {
    let mut out = [0; 64];
    let mut writer = CompoundWriter::new(&mut out);
    writer.goodbye(Ssrc(1), b"").expect("there is room");
    let length = writer.len();
    assert_eq!(Compound::parse(&out[..length]), Err(RtcpError::First(203)));
    assert!(Compound::parse(&[]).is_err());
}

#[test]
fn more_reports_than_the_count_field_holds_are_refused() {
    let blocks = [some_block(); REPORTS_MAX + 1];
    let mut out = [0; 2_048];
    let refused = CompoundWriter::new(&mut out).receiver_report(Ssrc(1), &blocks).err();
    assert_eq!(refused, Some(RtcpError::Range("report blocks")));
}

fn some_block() -> ReportBlock {
    ReportBlock {
        ssrc: Ssrc(2),
        fraction_lost: 12,
        cumulative_lost: 34,
        highest_sequence: 0x0002_FFFF,
        jitter: 56,
        last_sr: 0x1234_5678,
        delay_since_last_sr: 65_536,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_packet_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise_rtp(&bytes);
        exercise_rtcp(&bytes);
    }

    #[test]
    fn bytes_that_look_like_rtp_are_a_packet_or_an_error(
        first in 0x80u8..=0xBF,
        rest in prop::collection::vec(any::<u8>(), 11..200),
    ) {
        let mut bytes = vec![first];
        bytes.extend(rest);
        exercise_rtp(&bytes);
    }

    #[test]
    fn bytes_that_look_like_rtcp_are_a_compound_or_an_error(
        packets in prop::collection::vec(
            (0x80u8..=0xBF, 198u8..210, prop::collection::vec(any::<u8>(), 0..15)),
            1..5,
        ),
    ) {
        let mut bytes = Vec::new();
        for (first, packet_type, mut body) in packets {
            body.resize(body.len().next_multiple_of(4), 0);
            bytes.extend([first, packet_type, 0, (body.len() / 4) as u8]);
            bytes.extend(body);
        }
        exercise_rtcp(&bytes);
    }

    #[test]
    fn parsing_undoes_writing(
        marker: bool,
        payload_type in 0u8..128,
        sequence: u16,
        timestamp: u32,
        ssrc: u32,
        payload in prop::collection::vec(any::<u8>(), 0..500),
        csrcs in prop::collection::vec(any::<[u8; 4]>(), 0..=15),
        extension in prop::option::of((any::<u16>(), prop::collection::vec(any::<[u8; 4]>(), 0..20))),
        padding: u8,
    ) {
        let csrcs = csrcs.concat();
        let data = extension.as_ref().map(|(_, words)| words.concat()).unwrap_or_default();
        let full = FullRtpPacket {
            packet: RtpPacket {
                marker,
                payload_type: PayloadType(payload_type),
                sequence: SequenceNumber(sequence),
                timestamp: RtpTimestamp(timestamp),
                ssrc: Ssrc(ssrc),
                payload: &payload,
            },
            csrcs: Csrcs(&csrcs),
            extension: extension
                .as_ref()
                .map(|&(profile, _)| HeaderExtension { profile, data: &data }),
            padding,
        };
        let mut out = vec![0xFF; full.wire_bytes() + 7];
        let length = full.write(&mut out).expect("there is room");
        prop_assert_eq!(length, full.wire_bytes());
        prop_assert_eq!(FullRtpPacket::parse(&out[..length]), Ok(full));
        prop_assert_eq!(RtpPacket::parse(&out[..length]), Ok(full.packet));
    }
}
