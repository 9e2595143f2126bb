//! Who is listened to, what is counted, and what is reported.

use core::net::SocketAddr;
use core::time::Duration;

use media_core::rtp::{
    Admission, Compound, ReceiverStatistics, RtcpPacket, RtcpSession, RtpPacket, RtpStream,
    SequenceUnwrapper, SourceLock, TimestampUnwrapper,
};
use media_core::{MonoTime, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

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

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[test]
fn the_address_in_sdp_is_the_peer_from_its_first_packet() {
    let peer = address("192.0.2.1:4000");
    let mut lock = SourceLock::new(peer);
    assert_eq!((lock.peer(), lock.destination()), (None, peer));
    assert_eq!(lock.admit(peer, &packet(1, 1)), Admission::Accept);
    assert_eq!(lock.peer(), Some(peer));
}

#[test]
fn a_third_address_is_foreign_before_and_after_the_lock() {
    let peer = address("192.0.2.1:4000");
    let mut lock = SourceLock::new(peer);
    let stranger = address("198.51.100.9:4000");
    for n in 0..20 {
        assert_eq!(lock.admit(stranger, &packet(n, 9)), Admission::Foreign);
    }
    assert_eq!(lock.destination(), peer, "nothing is sent to a stranger");
    lock.admit(peer, &packet(1, 1));
    for from in ["198.51.100.9:4000", "192.0.2.1:4002"] {
        for n in 0..20 {
            assert_eq!(lock.admit(address(from), &packet(n, 9)), Admission::Foreign, "{from}");
        }
    }
    assert!(lock.admits_rtcp(address("192.0.2.1:4001")));
    assert!(!lock.admits_rtcp(stranger));
}

#[test]
fn another_port_of_the_peer_is_learnt_from_consistent_packets_only() {
    let mut lock = SourceLock::new(address("192.0.2.1:4000"));
    let natted = address("192.0.2.1:61000");
    for n in [1, 5, 9, 2, 3] {
        assert_eq!(lock.admit(natted, &packet(n, 1)), Admission::Learning);
    }
    assert_eq!(lock.admit(natted, &packet(4, 1)), Admission::Accept);
    assert_eq!(lock.peer(), Some(natted));
    assert_eq!(lock.admit(address("192.0.2.1:61002"), &packet(5, 1)), Admission::Foreign);
}

#[test]
fn the_address_in_sdp_replaces_a_learnt_one() {
    let announced = address("192.0.2.1:4000");
    let mut lock = SourceLock::new(announced);
    let intruder = address("192.0.2.1:61000");
    for n in 1..5 {
        lock.admit(intruder, &packet(n, 9));
    }
    assert_eq!(lock.peer(), Some(intruder));
    assert_eq!(lock.admit(announced, &packet(1, 1)), Admission::Accept);
    assert_eq!(lock.admit(intruder, &packet(6, 9)), Admission::Foreign);
}

#[test]
fn a_reinvite_with_a_new_port_is_followed_and_one_without_changes_nothing() {
    let peer = address("192.0.2.1:4000");
    let mut lock = SourceLock::new(peer);
    lock.admit(peer, &packet(1, 1));
    lock.renegotiate(peer);
    assert_eq!(lock.peer(), Some(peer));
    let moved = address("192.0.2.1:5000");
    lock.renegotiate(moved);
    assert_eq!((lock.peer(), lock.destination()), (None, moved));
    assert_eq!(lock.admit(moved, &packet(2, 1)), Admission::Accept);
    assert_eq!(lock.admit(peer, &packet(3, 1)), Admission::Foreign);
}

#[test]
fn numbers_are_extended_over_wraps_and_reordering() {
    let mut sequences = SequenceUnwrapper::new();
    let mut timestamps = TimestampUnwrapper::new();
    let first = sequences.extend(SequenceNumber(65_534)).0;
    let start = timestamps.extend(RtpTimestamp(u32::MAX - 159));
    for (n, step) in [(65_535u16, 1u64), (1, 3), (0, 2), (65_533, 0)] {
        let expected = if n == 65_533 { first - 1 } else { first + step };
        assert_eq!(sequences.extend(SequenceNumber(n)).0, expected);
    }
    assert_eq!(timestamps.extend(RtpTimestamp(0)), start + 160);
    let mut last = sequences.extend(SequenceNumber(2)).0;
    for n in 3..500_000u32 {
        let extended = sequences.extend(SequenceNumber(n as u16)).0;
        assert_eq!(extended, last + 1);
        last = extended;
    }
}

#[test]
fn loss_duplicates_and_reordering_are_counted_apart() {
    let mut statistics = ReceiverStatistics::new(8_000);
    for (n, sequence) in [65_533, 65_534, 0, 65_535, 0, 2, 3].into_iter().enumerate() {
        statistics.on_packet(MonoTime::from_millis(n as u64 * 20), &packet(sequence, 1));
    }
    let snapshot = statistics.snapshot();
    assert_eq!(
        (snapshot.received, snapshot.lost, snapshot.duplicates, snapshot.reordered),
        (6, 1, 1, 1)
    );
    let block = statistics.report_block().expect("a source");
    assert_eq!(block.cumulative_lost, 1);
    assert_eq!(block.fraction_lost, (256 / 7) as u8);
    assert_eq!(block.highest_sequence, 0x1_0003);
    let again = statistics.report_block().expect("a source");
    assert_eq!((again.cumulative_lost, again.fraction_lost), (1, 0), "a new interval began");
}

#[test]
fn jitter_is_that_of_rfc_3550() {
    let mut statistics = ReceiverStatistics::new(8_000);
    let mut expected = 0.0f64;
    let mut before = None;
    for n in 0..2_000u64 {
        let late_us = (n * 7_919) % 10_000;
        statistics.on_packet(MonoTime::from_micros(n * 20_000 + late_us), &packet(n as u16, 1));
        let difference = before.map_or(0.0, |b: u64| (late_us as f64 - b as f64).abs());
        expected += (difference - expected) / 16.0;
        before = Some(late_us);
    }
    let jitter = f64::from(statistics.snapshot().jitter_us);
    assert!((jitter - expected).abs() < 250.0, "{jitter} µs, not {expected}");
}

#[test]
fn a_new_ssrc_or_a_jump_starts_a_new_count_and_keeps_the_totals() {
    let mut statistics = ReceiverStatistics::new(8_000);
    let now = MonoTime::ZERO;
    for n in [1, 2, 4] {
        statistics.on_packet(now, &packet(n, 1));
    }
    for n in [30_000, 30_001] {
        statistics.on_packet(now, &packet(n, 1)); // the first is far off, the second confirms it
    }
    for n in [7, 8] {
        statistics.on_packet(now, &packet(n, 2));
    }
    let snapshot = statistics.snapshot();
    assert_eq!((snapshot.received, snapshot.lost, snapshot.restarts), (6, 1, 2));
    assert_eq!(statistics.ssrc(), Some(Ssrc(2)));
}

#[test]
fn two_parties_learn_loss_and_round_trip_from_each_other() {
    // 18.2 h on the line: the middle bits of NTP time wrap in between.
    let start = MonoTime::from_millis(65_535_000);
    let mut ours = RtcpSession::new(Ssrc(1), "ours@xenline", 8_000, start);
    let mut theirs = RtcpSession::new(Ssrc(2), "theirs@xenline", 8_000, start);
    let mut heard_by_them = ReceiverStatistics::new(8_000);
    let mut heard_by_us = ReceiverStatistics::new(8_000);
    let mut stream = RtpStream::new(Ssrc(1), SequenceNumber(65_500), RtpTimestamp(7));
    for n in 0..100u64 {
        let at = start + Duration::from_millis(n * 20);
        let packet = stream.packet(PayloadType(0), n == 0, &[0; 160]);
        stream.advance(160);
        ours.on_sent(at, packet.timestamp, 160);
        if n % 4 != 3 {
            heard_by_them.on_packet(at + Duration::from_millis(30), &packet);
        }
    }
    let mut wire = [0; 256];
    let sent_at = start + Duration::from_secs(2);
    let length = ours.write_report(sent_at, &mut heard_by_us, &mut wire).expect("room");
    let arrived = sent_at + Duration::from_millis(30);
    theirs.on_rtcp(arrived, &wire[..length]).expect("our reports are well formed");
    let answered = arrived + Duration::from_secs(1);
    let length = theirs.write_report(answered, &mut heard_by_them, &mut wire).expect("room");
    ours.on_rtcp(answered + Duration::from_millis(30), &wire[..length]).expect("theirs too");
    let remote = ours.remote();
    assert_eq!(remote.lost, 24, "the last one lost does not show yet");
    assert!((60..=66).contains(&remote.fraction_lost), "{remote:?}");
    let round_trip = remote.round_trip.expect("both have reported");
    assert!(round_trip.abs_diff(Duration::from_millis(60)) < Duration::from_millis(1));
}

#[test]
fn a_silent_party_sends_receiver_reports_and_leaves_with_a_goodbye() {
    let mut session = RtcpSession::new(Ssrc(5), "quiet", 8_000, MonoTime::ZERO);
    let mut receiver = ReceiverStatistics::new(8_000);
    let mut wire = [0; 256];
    let now = MonoTime::from_millis(3_000);
    let length = session.write_goodbye(now, &mut receiver, &mut wire).expect("room");
    let packets: Vec<_> = Compound::parse(&wire[..length]).expect("well formed").iter().collect();
    assert!(matches!(packets[0], RtcpPacket::ReceiverReport { ssrc: Ssrc(5), .. }));
    assert!(matches!(packets.last(), Some(RtcpPacket::Goodbye { .. })));
    let mut other = RtcpSession::new(Ssrc(6), "other", 8_000, MonoTime::ZERO);
    other.on_rtcp(now, &wire[..length]).expect("well formed");
    assert!(other.remote().said_goodbye);
}

#[test]
fn reports_are_five_seconds_apart_give_or_take_a_half() {
    let mut session = RtcpSession::new(Ssrc(0xABCD_1234), "x", 8_000, MonoTime::ZERO);
    let mut receiver = ReceiverStatistics::new(8_000);
    let mut wire = [0; 256];
    let mut apart = Vec::new();
    for _ in 0..200 {
        let now = session.next_due();
        assert!(session.is_due(now));
        session.write_report(now, &mut receiver, &mut wire).expect("room");
        apart.push(session.next_due().since(now).as_secs_f64());
    }
    assert!(apart.iter().all(|s| (2.5..=7.5).contains(s)), "{apart:?}");
    let mean = apart.iter().sum::<f64>() / apart.len() as f64;
    assert!((4.5..5.5).contains(&mean), "mean {mean} s");
}
