//! The jitter buffer by itself: bounds, counters, and any sequence of operations.

use media_core::jitter::{Inserted, JitterBuffer, JitterConfig, Popped, exercise};
use media_core::rtp::RtpPacket;
use media_core::{MonoTime, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};
use proptest::prelude::*;

fn packet(n: u32) -> RtpPacket<'static> {
    RtpPacket {
        marker: false,
        payload_type: PayloadType(0),
        sequence: SequenceNumber(n as u16),
        timestamp: RtpTimestamp(n * 160),
        ssrc: Ssrc(1),
        payload: &[0xD5; 160],
    }
}

fn at(ms: u64) -> MonoTime {
    MonoTime::from_millis(10_000 + ms)
}

/// A buffer that has played packets 0 to 9, at 0 to 180 ms, with a delay of 40 ms.
fn playing() -> JitterBuffer {
    let mut buffer = JitterBuffer::new(JitterConfig::default());
    for n in 0..12 {
        assert_eq!(buffer.insert(at(n * 20), &packet(n as u32)), Inserted::Queued);
        let popped = buffer.pop(at(n * 20), at(n * 20));
        assert_eq!(matches!(popped, Popped::Frame(_)), n >= 2, "packet {n}: {popped:?}");
    }
    buffer
}

#[test]
fn every_end_of_a_packet_has_its_answer_and_its_counter() {
    let mut buffer = playing();
    assert_eq!(buffer.insert(at(220), &packet(11)), Inserted::Duplicate, "it waits");
    assert_eq!(buffer.insert(at(220), &packet(3)), Inserted::Duplicate, "it was played");
    assert_eq!(buffer.insert(at(230), &packet(13)), Inserted::Queued);
    for _ in 0..3 {
        buffer.pop(at(240), at(240)); // 10, 11, and 12 is missing
    }
    assert_eq!(buffer.insert(at(260), &packet(12)), Inserted::Late);
    let long = RtpPacket { payload: &[0; 481], ..packet(14) };
    assert_eq!(buffer.insert(at(260), &long), Inserted::Oversize);
    let stray = RtpPacket { ssrc: Ssrc(9), ..packet(500) };
    assert_eq!(buffer.insert(at(260), &stray), Inserted::Held);
    assert_eq!(buffer.insert(at(280), &packet(14)), Inserted::Queued);
    let statistics = buffer.statistics();
    assert_eq!(statistics.duplicates, 2);
    assert_eq!((statistics.late, statistics.lost), (1, 1));
    assert_eq!((statistics.oversize, statistics.strays), (1, 1));
    assert_eq!((statistics.played, statistics.waiting), (12, 2));
}

#[test]
fn a_flood_ahead_pushes_out_the_oldest_and_is_counted() {
    let mut buffer = playing();
    for n in 12..200 {
        buffer.insert(at(240), &packet(n));
    }
    let statistics = buffer.statistics();
    assert_eq!(statistics.waiting, 64, "as many as there are slots");
    assert_eq!(statistics.overflowed, 200 - 10 - 64);
    let Popped::Frame(frame) = buffer.pop(at(240), at(240)) else { panic!("a frame waits") };
    assert!(frame.after_cut, "the signal jumps");
}

#[test]
fn media_never_waits_longer_than_the_maximum() {
    let mut buffer = playing();
    for n in 12..60 {
        buffer.insert(at(240), &packet(n));
    }
    let mut last = 0;
    for n in 0..40 {
        let now = at(240 + n * 20);
        if let Popped::Frame(frame) = buffer.pop(now, now) {
            last = frame.timestamp.0 / 160;
        }
        assert!(buffer.statistics().delay_ms <= 240);
    }
    assert_eq!(last, 59, "the newest is played");
    assert!(buffer.statistics().skipped > 0, "what was too old is skipped, and counted");
}

#[test]
fn an_empty_buffer_waits_for_a_while_and_then_begins_anew() {
    let mut buffer = playing();
    let mut underruns = 0;
    for n in 0..30 {
        let now = at(240 + n * 20);
        match buffer.pop(now, now) {
            Popped::Frame(_) => assert!(n < 2),
            Popped::Underrun { ticks } => underruns += ticks,
            Popped::Waiting => assert_eq!(underruns, 1_600, "200 ms are waited"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(buffer.statistics().underruns, 1, "one time it ran empty");
    let later = packet(100);
    assert_eq!(buffer.insert(at(2_000), &later), Inserted::Queued);
    assert_eq!(buffer.pop(at(2_000), at(2_000)), Popped::Waiting, "delayed as at the beginning");
    assert!(matches!(buffer.pop(at(2_040), at(2_040)), Popped::Frame(_)));
}

#[test]
fn silence_of_the_sender_is_not_loss() {
    let mut buffer = playing();
    let later = RtpPacket { timestamp: RtpTimestamp(15 * 160), ..packet(12) };
    buffer.insert(at(300), &later); // 12 follows 11 by number, and 60 ms later by time
    let mut pieces = Vec::new();
    for n in 0..6 {
        let now = at(240 + n * 20);
        pieces.push(match buffer.pop(now, now) {
            Popped::Frame(frame) => frame.timestamp.0 / 160,
            Popped::Silence { ticks } => ticks,
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(pieces, [10, 11, 160, 160, 160, 15]);
    assert_eq!(buffer.statistics().lost, 0);
}

#[test]
fn a_packet_sent_before_the_one_that_came_first_is_played_first() {
    let mut buffer = JitterBuffer::new(JitterConfig::default());
    buffer.insert(at(20), &packet(1));
    assert_eq!(buffer.insert(at(30), &packet(0)), Inserted::Queued);
    let popped = buffer.pop(at(60), at(60));
    assert!(matches!(popped, Popped::Frame(f) if f.timestamp == RtpTimestamp(0)), "{popped:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_operations_keep_the_contract(
        operations in prop::collection::vec(any::<[u8; 4]>(), 0..400),
    ) {
        exercise(operations.as_flattened());
    }

    #[test]
    fn mostly_ordinary_operations_keep_the_contract(
        operations in prop::collection::vec(
            prop_oneof![
                8 => Just([0u8, 0, 0, 0]),
                8 => (any::<u8>()).prop_map(|b| [7, 0, b, 0]),
                2 => (-8i16..8).prop_map(|d| [2, d.to_be_bytes()[0], d.to_be_bytes()[1], 0]),
                1 => any::<[u8; 4]>(),
            ],
            0..1_000,
        ),
    ) {
        exercise(operations.as_flattened());
    }
}
