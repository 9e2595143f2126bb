//! Telephone events on a network that loses, repeats and reorders.

use core::time::Duration;

use media_core::rtp::{Digit, DtmfPacket, DtmfReceiver, DtmfSender, TelephoneEvent};
use media_core::{MonoTime, RtpTimestamp};

const PACKET_TICKS: u32 = 160;

/// All packets of these presses, one every 20 ms, with the time each is sent.
fn send(first: u32, presses: &[(char, u64)]) -> Vec<(MonoTime, DtmfPacket)> {
    let mut sender = DtmfSender::new(8_000);
    for &(key, ms) in presses {
        assert!(sender.start(digit(key), Duration::from_millis(ms)), "there is room");
    }
    let mut timestamp = RtpTimestamp(first);
    let mut packets = Vec::new();
    for tick in 0u64.. {
        if !sender.is_active() {
            break;
        }
        if let Some(packet) = sender.next_packet(timestamp, PACKET_TICKS) {
            packets.push((MonoTime::from_millis(1_000 + tick * 20), packet));
        }
        timestamp = timestamp.advance(PACKET_TICKS);
    }
    packets
}

fn receive(packets: impl IntoIterator<Item = (MonoTime, DtmfPacket)>) -> String {
    let mut receiver = DtmfReceiver::new();
    let heard =
        packets.into_iter().filter_map(|(at, p)| receiver.on_event(at, p.timestamp, &p.payload));
    heard.map(Digit::as_char).collect()
}

fn digit(key: char) -> Digit {
    Digit::from_char(key).expect("a key")
}

fn is_end(packet: &DtmfPacket) -> bool {
    TelephoneEvent::parse(&packet.payload).expect("an event").end
}

#[test]
fn every_key_is_sent_and_heard_once() {
    let all = "0123456789*#ABCD";
    let presses: Vec<_> = all.chars().map(|c| (c, 100)).collect();
    assert_eq!(receive(send(0, &presses)), all);
}

#[test]
fn the_same_key_twice_is_two_digits() {
    assert_eq!(receive(send(0, &[('5', 100), ('5', 100), ('5', 40)])), "555");
}

#[test]
fn two_of_three_end_packets_lost_is_one_digit() {
    for kept in 0..3 {
        let packets = send(0, &[('7', 100)]);
        let first_end = packets.iter().position(|(_, p)| is_end(p)).expect("an end");
        let mut ends = 0;
        let arrived = packets.into_iter().enumerate().filter(|(n, _)| {
            ends += usize::from(*n >= first_end);
            *n < first_end || ends == kept + 1
        });
        assert_eq!(receive(arrived.map(|(_, p)| p)), "7");
    }
}

#[test]
fn a_lone_end_is_one_digit() {
    let packets = send(0, &[('3', 100)]);
    let lone = packets.into_iter().filter(|(_, p)| is_end(p)).take(1);
    assert_eq!(receive(lone), "3");
}

#[test]
fn a_lone_beginning_is_one_digit() {
    assert_eq!(receive(send(0, &[('3', 100)]).into_iter().take(1)), "3");
}

#[test]
fn a_ten_second_hold_is_one_digit() {
    let packets = send(0, &[('9', 10_000)]);
    let segments: std::collections::BTreeSet<_> =
        packets.iter().map(|(_, p)| p.timestamp.0).collect();
    assert_eq!(segments.len(), 2, "the duration field holds 8.19 s");
    assert_eq!(receive(packets), "9");
}

#[test]
fn a_ten_second_hold_with_every_other_packet_lost_is_one_digit() {
    for parity in [0, 1] {
        let packets = send(0, &[('9', 10_000)]);
        let arrived = packets.into_iter().enumerate().filter(|(n, _)| n % 2 == parity);
        assert_eq!(receive(arrived.map(|(_, p)| p)), "9");
    }
}

#[test]
fn a_minute_over_the_timestamp_wrap_is_one_digit() {
    assert_eq!(receive(send(u32::MAX - 100_000, &[('0', 60_000), ('1', 100)])), "01");
}

#[test]
fn reordered_and_repeated_packets_are_one_digit_per_press() {
    for shift in 1..6 {
        let mut packets = send(50, &[('1', 100), ('1', 100), ('2', 60)]);
        packets.extend_from_within(..);
        packets.sort_by_key(|(at, _)| *at);
        let length = packets.len() - shift;
        for n in (0..length).step_by(shift + 1) {
            packets.swap(n, n + shift);
        }
        // They arrive in this order, whenever they were sent.
        let arrived = packets.into_iter().enumerate();
        let arrived = arrived.map(|(n, (_, p))| (MonoTime::from_millis(n as u64 * 10), p));
        assert_eq!(receive(arrived), "112", "shifted by {shift}");
    }
}

#[test]
fn a_sender_that_renews_the_timestamp_within_a_press_is_one_digit() {
    let mut receiver = DtmfReceiver::new();
    let mut heard = Vec::new();
    for n in 0..20u16 {
        let event =
            TelephoneEvent { event: 4, end: n == 19, volume: 10, duration_ticks: (n + 1) * 160 };
        let timestamp = RtpTimestamp(u32::from(n) * 80);
        let at = MonoTime::from_millis(u64::from(n) * 20);
        heard.extend(receiver.on_event(at, timestamp, &event.to_bytes()));
    }
    assert_eq!(heard, [digit('4')]);
}

#[test]
fn what_is_no_key_is_ignored() {
    let mut receiver = DtmfReceiver::new();
    for payload in [&[][..], &[1, 2, 3], &[16, 10, 0, 160], &[255, 255, 255, 255]] {
        assert_eq!(receiver.on_event(MonoTime::ZERO, RtpTimestamp(0), payload), None);
    }
}

#[test]
fn a_number_longer_than_the_queue_is_refused_key_by_key() {
    let mut sender = DtmfSender::new(8_000);
    let taken = (0..40).filter(|_| sender.start(digit('1'), Duration::from_millis(100))).count();
    assert_eq!(taken, media_core::rtp::DIGITS_PENDING_MAX);
}
