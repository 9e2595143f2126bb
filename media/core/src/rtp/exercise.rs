//! Entry points for fuzzing: any bytes may come, and what is accepted must survive a round trip.

use super::{
    Compound, CompoundWriter, DtmfReceiver, FullRtpPacket, ReceiverStatistics, RtcpPacket,
    RtcpSession,
};
use crate::{MonoTime, RtpTimestamp, Ssrc};
use core::time::Duration;

/// Parses `bytes` as RTP; what parses is written and must parse to the same again.
///
/// # Panics
/// If it does not: that is our bug.
pub fn exercise_rtp(bytes: &[u8]) {
    let Ok(packet) = FullRtpPacket::parse(bytes) else { return };
    let mut out = vec![0; packet.wire_bytes()];
    let written = packet.write(&mut out).expect("what was parsed can be written");
    assert_eq!(written, bytes.len(), "a packet is as long as the datagram it came in");
    let again = FullRtpPacket::parse(&out).expect("what was written can be parsed");
    assert_eq!(packet, again, "writing and parsing are inverse");
    DtmfReceiver::new().on_event(MonoTime::ZERO, packet.packet.timestamp, packet.packet.payload);
    ReceiverStatistics::new(8_000).on_packet(MonoTime::ZERO, &packet.packet);
}

/// Parses `bytes` as compound RTCP and walks through all of it; reports in it are written and
/// must parse to the same again.
///
/// # Panics
/// If they do not: that is our bug.
pub fn exercise_rtcp(bytes: &[u8]) {
    let mut session = RtcpSession::new(Ssrc(1), "fuzz", 8_000, MonoTime::ZERO);
    let taken = session.on_rtcp(MonoTime::from_millis(20), bytes);
    let Ok(compound) = Compound::parse(bytes) else {
        assert!(taken.is_err(), "a session takes what parses, and nothing else");
        return;
    };
    for packet in compound.iter() {
        match packet {
            RtcpPacket::SenderReport { ssrc, sender, reports } => {
                let blocks: Vec<_> = reports.iter().collect();
                let mut out = [0; 1024];
                let mut writer = CompoundWriter::new(&mut out);
                let written = writer.sender_report(ssrc, &sender, &blocks);
                let length = written.expect("31 reports fit into 1024 bytes").len();
                let again = Compound::parse(&out[..length]).expect("own reports parse");
                assert_eq!(again.iter().next(), Some(packet), "writing and parsing are inverse");
            }
            RtcpPacket::ReceiverReport { reports, .. } => {
                assert!(reports.iter().count() <= super::REPORTS_MAX);
            }
            RtcpPacket::SourceDescription(sdes) => {
                let text: usize = sdes.chunks().flat_map(|c| c.items()).map(|i| i.text.len()).sum();
                assert!(text <= bytes.len(), "items lie inside the datagram");
            }
            RtcpPacket::Goodbye { ssrcs, .. } => assert!(ssrcs.iter().count() <= 31),
            RtcpPacket::ExtendedReport { ssrc, blocks } => {
                for (source, metrics) in blocks.voip_metrics() {
                    let mut out = [0; 64];
                    let mut writer = CompoundWriter::new(&mut out);
                    let written = writer.receiver_report(ssrc, &[]);
                    let written = written.and_then(|w| w.voip_metrics(ssrc, source, &metrics));
                    let length = written.expect("one block fits into 64 bytes").len();
                    let again = Compound::parse(&out[..length]).expect("own reports parse");
                    let Some(RtcpPacket::ExtendedReport { blocks, .. }) = again.iter().nth(1)
                    else {
                        panic!("an extended report is what was written")
                    };
                    let read = blocks.voip_metrics().next();
                    assert_eq!(read, Some((source, metrics)), "writing and parsing are inverse");
                }
            }
            RtcpPacket::Other { .. } => {}
        }
    }
}

/// Takes telephone events, seven bytes each: the milliseconds since the last, how far its timestamp is
/// from that, and its payload. For fuzzing.
///
/// # Panics
/// If one packet is more than one press, or the same packet at the same time is a second one: that is
/// our bug.
pub fn exercise_dtmf(bytes: &[u8]) {
    let mut receiver = DtmfReceiver::new();
    let (mut now, mut timestamp) = (MonoTime::from_millis(1_000), RtpTimestamp(u32::MAX - 8_000));
    for [ms, high, low, payload @ ..] in bytes.as_chunks::<7>().0 {
        now = now + Duration::from_millis(u64::from(*ms));
        let step = i32::from(i16::from_be_bytes([*high, *low]));
        timestamp = RtpTimestamp(timestamp.0.wrapping_add_signed(step));
        if let Some(digit) = receiver.on_event(now, timestamp, payload) {
            assert_eq!(digit.event(), payload[0], "the key that was pressed");
        }
        let again = receiver.on_event(now, timestamp, payload);
        assert_eq!(again, None, "a repetition is no second press");
    }
}
