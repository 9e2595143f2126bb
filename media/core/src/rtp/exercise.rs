//! Entry points for fuzzing: any bytes may come, and what is accepted must survive a round trip.

use super::{
    Compound, CompoundWriter, DtmfReceiver, FullRtpPacket, ReceiverStatistics, RtcpPacket,
    RtcpSession,
};
use crate::{MonoTime, Ssrc};

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
            RtcpPacket::Other { .. } => {}
        }
    }
}
