//! Extended reports (RFC 3611), and which packets from the peer's address are the peer's.

use core::time::Duration;

use media_core::rtp::{
    Compound, CompoundWriter, Continuity, QUIET, ReceiverStatistics, RtcpPacket, RtcpSession,
    RtpPacket, VoipMetrics,
};
use media_core::{MonoTime, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

const METRICS: VoipMetrics = VoipMetrics {
    loss_rate: 5,
    discard_rate: 2,
    burst_density: 64,
    gap_density: 1,
    burst_ms: 120,
    gap_ms: 3_000,
    round_trip_ms: 40,
    end_system_delay_ms: 80,
    r_factor: 93,
    mos_listening: 44,
    mos_conversation: 43,
    jitter_buffer_ms: 40,
    jitter_buffer_max_ms: 60,
    jitter_buffer_limit_ms: 240,
};

fn packet(sequence: u16, ssrc: u32) -> RtpPacket<'static> {
    RtpPacket {
        marker: false,
        payload_type: PayloadType(0),
        sequence: SequenceNumber(sequence),
        timestamp: RtpTimestamp(u32::from(sequence).wrapping_mul(160)),
        ssrc: Ssrc(ssrc),
        payload: &[0; 160],
    }
}

#[test]
fn voip_metrics_have_the_layout_of_rfc_3611_4_7() {
    let mut out = [0; 64];
    let mut writer = CompoundWriter::new(&mut out);
    writer.receiver_report(Ssrc(1), &[]).expect("room");
    writer.voip_metrics(Ssrc(1), Ssrc(2), &METRICS).expect("room");
    let length = writer.len();
    let expected = [
        [0x80, 207, 0, 10],
        [0, 0, 0, 1],
        [7, 0, 0, 8],
        [0, 0, 0, 2],
        [5, 2, 64, 1],
        [0, 120, 11, 184],
        [0, 40, 0, 80],
        [127, 127, 127, 16],
        [93, 127, 44, 43],
        [0xF0, 0, 0, 40],
        [0, 60, 0, 240],
    ];
    assert_eq!(out[8..length], *expected.concat());
}

#[test]
fn a_report_about_us_is_remembered_and_one_about_somebody_else_is_not() {
    let now = MonoTime::from_millis(5_000);
    let mut session = RtcpSession::new(Ssrc(2), "us", 8_000, MonoTime::ZERO);
    let mut hear = |about: u32, metrics: VoipMetrics| {
        let mut out = [0; 64];
        let mut writer = CompoundWriter::new(&mut out);
        writer.receiver_report(Ssrc(1), &[]).expect("room");
        writer.voip_metrics(Ssrc(1), Ssrc(about), &metrics).expect("room");
        let length = writer.len();
        session.on_rtcp(now, &out[..length]).expect("a report");
        session.remote().voip
    };
    assert_eq!(hear(9, METRICS), None);
    assert_eq!(hear(2, METRICS), Some(METRICS));
    assert_eq!(hear(9, VoipMetrics::default()), Some(METRICS));
}

#[test]
fn metrics_travel_with_the_reports_once_they_are_told_and_the_peer_is_heard() {
    let mut session = RtcpSession::new(Ssrc(2), "us", 8_000, MonoTime::ZERO);
    let mut received = ReceiverStatistics::new(8_000);
    let now = MonoTime::from_millis(5_000);
    let blocks = |session: &mut RtcpSession, received: &mut ReceiverStatistics| {
        let mut out = [0; 256];
        let length = session.write_report(now, received, &mut out).expect("room");
        let compound = Compound::parse(&out[..length]).expect("a report");
        let extended = compound.iter().filter_map(|packet| match packet {
            RtcpPacket::ExtendedReport { blocks, .. } => blocks.voip_metrics().next(),
            _ => None,
        });
        extended.collect::<Vec<_>>()
    };
    received.on_packet(now, &packet(1, 7));
    assert_eq!(blocks(&mut session, &mut received), []);
    session.tell_voip_metrics(METRICS);
    assert_eq!(blocks(&mut session, &mut received), [(Ssrc(7), METRICS)]);
    let mut nobody = ReceiverStatistics::new(8_000);
    assert_eq!(blocks(&mut session, &mut nobody), [], "about whom?");
}

#[test]
fn an_extended_report_that_is_cut_costs_nobody_the_report_beside_it() {
    let mut out = [0; 64];
    let mut writer = CompoundWriter::new(&mut out);
    writer.receiver_report(Ssrc(1), &[]).expect("room");
    writer.voip_metrics(Ssrc(1), Ssrc(2), &METRICS).expect("room");
    let length = writer.len();
    out[8 + 8 + 3] = 200; // A block longer than the report.
    let kinds: Vec<bool> = Compound::parse(&out[..length])
        .expect("a compound all the same")
        .iter()
        .map(|packet| matches!(packet, RtcpPacket::Other { packet_type: 207, .. }))
        .collect();
    assert_eq!(kinds, [false, true]);
}

/// When packet `n` of a sender comes that sends every 20 ms.
fn at(n: u64) -> MonoTime {
    MonoTime::from_millis(1_000 + 20 * n)
}

#[test]
fn nobody_takes_over_a_stream_that_flows_however_many_packets_fit_together() {
    let mut stream = Continuity::new();
    for n in 0..500 {
        assert!(stream.admits(at(n), &packet(65_400_u16.wrapping_add(n as u16), 1)));
        for m in 0..5 {
            assert!(!stream.admits(at(n), &packet(m, 2)), "another source");
            assert!(!stream.admits(at(n), &packet(20_000 + m, 1)), "numbers far off");
        }
    }
}

#[test]
fn loss_and_reordering_are_the_stream_itself() {
    let mut stream = Continuity::new();
    for n in [0, 1, 2, 9, 8, 7, 500, 499, 1_200] {
        assert!(stream.admits(at(u64::from(n)), &packet(n, 1)), "{n}");
    }
}

#[test]
fn who_starts_over_is_heard_once_the_old_stream_has_been_quiet() {
    let mut stream = Continuity::new();
    assert!(stream.admits(at(0), &packet(1, 1)));
    let quiet = at(0) + QUIET;
    assert!(!stream.admits(quiet - Duration::from_millis(1), &packet(700, 2)));
    assert!(stream.admits(quiet, &packet(701, 2)));
    assert!(stream.admits(quiet, &packet(702, 2)));
    assert!(!stream.admits(quiet, &packet(2, 1)), "it was one packet: nobody that is known");
}

#[test]
fn the_peer_that_comes_back_after_a_pause_goes_before_who_took_its_place() {
    let mut stream = Continuity::new();
    for n in 0..100 {
        assert!(stream.admits(at(n), &packet(n as u16, 1)));
    }
    // Its network loses a second of it, and somebody waits for that.
    for n in 110..150 {
        assert!(stream.admits(at(n), &packet(n as u16, 2)));
    }
    assert!(stream.admits(at(150), &packet(150, 1)), "the peer is back");
    assert!(!stream.admits(at(150), &packet(151, 2)), "and the other is nobody again");
    assert!(stream.admits(at(151), &packet(151, 1)));
}
