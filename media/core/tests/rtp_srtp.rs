//! Secure RTP: the vectors of others, wraps, replays, and what a stranger can do.

use media_core::rtp::srtp::{Protector, SrtpError, SrtpKey, SrtpProfile, Unprotector};
use media_core::rtp::{RtpPacket, RtpStream};
use media_core::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

const LONG: SrtpProfile = SrtpProfile::AesCm128HmacSha1Tag80;
const SHORT: SrtpProfile = SrtpProfile::AesCm128HmacSha1Tag32;
const AEAD: SrtpProfile = SrtpProfile::AeadAes128Gcm;

#[test]
fn packets_are_protected_as_libsrtp_protects_them() {
    let mut buffer = [0; 64];
    let rtp = bytes("800f1234decafbadcafebabeabababababababababababababababab");
    buffer[..28].copy_from_slice(&rtp);
    let length = Protector::new(LONG, &test_key()).rtp(&mut buffer, 28).expect("room");
    let expected =
        bytes("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb");
    assert_eq!(buffer[..length], expected);

    let rtcp = bytes("81c8000bcafebabeabababababababababababababababab");
    buffer[..24].copy_from_slice(&rtcp);
    let length = Protector::new(LONG, &test_key()).rtcp(&mut buffer, 24).expect("room");
    let expected =
        bytes("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798");
    assert_eq!(buffer[..length], expected);
    let read = Unprotector::new(LONG, &test_key()).rtcp(&mut buffer[..length]);
    assert_eq!((read, &buffer[..24]), (Ok(24), &rtcp[..]));
}

#[test]
fn packets_are_protected_with_aead_as_libsrtp_protects_them() {
    let salted = bytes("000102030405060708090a0b0c0d0e0fa0a1a2a3a4a5a6a7a8a9aaabffff");
    // Its salt is two bytes shorter: what stands behind it is none of it.
    let key = SrtpKey::new(salted.try_into().expect("30 bytes"));
    let mut buffer = [0; 64];
    let rtp = bytes("800f1234decafbadcafebabeabababababababababababababababab");
    buffer[..28].copy_from_slice(&rtp);
    let length = Protector::new(AEAD, &key).rtp(&mut buffer, 28).expect("room");
    let expected = bytes(
        "800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392",
    );
    assert_eq!(buffer[..length], expected);
    let read = Unprotector::new(AEAD, &key).rtp(&mut buffer[..length]);
    assert_eq!((read, &buffer[..28]), (Ok(28), &rtp[..]));

    let rtcp = bytes("81c8000bcafebabeabababababababababababababababab");
    buffer[..24].copy_from_slice(&rtcp);
    let length = Protector::new(AEAD, &key).rtcp(&mut buffer, 24).expect("room");
    let expected = bytes(
        "81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001",
    );
    assert_eq!(buffer[..length], expected);
    let mut forged = buffer;
    forged[length - 4] &= 0x7F;
    assert!(Unprotector::new(AEAD, &key).rtcp(&mut forged[..length]).is_err());
    let read = Unprotector::new(AEAD, &key).rtcp(&mut buffer[..length]);
    assert_eq!((read, &buffer[..24]), (Ok(24), &rtcp[..]));
}

#[test]
fn three_wraps_of_the_sequence_number_are_followed_with_loss_around_each() {
    for profile in [LONG, SHORT, AEAD] {
        let (mut sender, mut receiver) = pair(profile);
        let mut stream = stream(65_000);
        for n in 0..200_000_u32 {
            let mut packet = sender.next(&mut stream, &n.to_be_bytes());
            // Half of the packets around each wrap, and a long gap before it, are lost.
            let number = 65_000_u32.wrapping_add(n) & 0xFFFF;
            let lost = !(100..=65_400).contains(&number) && n.is_multiple_of(2)
                || (64_000..65_000).contains(&number);
            if !lost {
                let length = receiver.rtp(&mut packet).expect("it is genuine");
                assert_eq!(&packet[12..length], &n.to_be_bytes());
            }
        }
    }
}

#[test]
fn a_peer_whose_packets_before_its_first_wrap_were_all_lost_is_heard() {
    for profile in [LONG, SHORT, AEAD] {
        let (mut sender, mut receiver) = pair(profile);
        let mut stream = stream(65_400);
        // Its first packets went where nobody listened yet; and then one is forged.
        let packets: Vec<_> = (0..200_u16).map(|_| sender.next(&mut stream, b"hello")).collect();
        let mut forged = packets[150].clone();
        forged[12] ^= 1;
        let before = forged.clone();
        assert_eq!(receiver.rtp(&mut forged), Err(SrtpError::Authentication));
        assert_eq!(forged, before, "not even decrypted");
        for packet in &packets[150..] {
            let mut packet = packet.clone();
            let length = receiver.rtp(&mut packet).expect("it is genuine");
            assert_eq!(&packet[12..length], b"hello");
        }
        assert_eq!(receiver.rtp(&mut packets[199].clone()), Err(SrtpError::Replayed));
        receiver.rtp(&mut packets[130].clone()).expect("one from before the wrap, late");
    }
}

#[test]
fn a_peer_that_takes_another_key_after_a_wrap_is_heard_whether_its_count_goes_on_or_begins_anew() {
    for (profile, goes_on) in [(LONG, true), (LONG, false), (SHORT, true), (AEAD, true)] {
        let (mut sender, mut receiver) = pair(profile);
        let mut stream = stream(65_500);
        for _ in 0..100 {
            receiver.rtp(&mut sender.next(&mut stream, b"before")).expect("it is genuine");
        }
        // Another key, and another one before anything was heard under that.
        for key in [[7; 30], [8; 30]].map(SrtpKey::new) {
            let mut next = Unprotector::new(profile, &key);
            next.go_on_after(&receiver);
            receiver = next;
            sender = Sender(Protector::new(profile, &key));
        }
        if goes_on {
            let mut of_the_first_turn =
                RtpStream::new(Ssrc(1), SequenceNumber(65_535), RtpTimestamp(0));
            sender.next(&mut of_the_first_turn, b"not sent");
        }
        let packets: Vec<_> = (0..50).map(|_| sender.next(&mut stream, b"after")).collect();
        let mut forged = packets[3].clone();
        forged[12] ^= 1;
        assert_eq!(receiver.rtp(&mut forged), Err(SrtpError::Authentication));
        for packet in &packets[3..] {
            let mut packet = packet.clone();
            let length = receiver.rtp(&mut packet).expect("it is genuine");
            assert_eq!(&packet[12..length], b"after");
        }
        assert_eq!(receiver.rtp(&mut packets[49].clone()), Err(SrtpError::Replayed));
        receiver.rtp(&mut packets[2].clone()).expect("late, and genuine");
    }
}

#[test]
fn packets_that_overtake_each_other_over_a_wrap_are_all_read_and_each_only_once() {
    let (mut sender, mut receiver) = pair(LONG);
    let mut stream = stream(65_500);
    let mut packets: Vec<_> = (0..100_u8).map(|n| sender.next(&mut stream, &[n])).collect();
    let first = packets.remove(0);
    receiver.rtp(&mut first.clone()).expect("the first");
    for group in packets.chunks_mut(20) {
        group.reverse();
    }
    for packet in &packets {
        receiver.rtp(&mut packet.clone()).expect("late, and genuine");
    }
    for packet in packets.iter().chain([&first]) {
        assert_eq!(receiver.rtp(&mut packet.clone()), Err(SrtpError::Replayed));
    }
}

#[test]
fn a_packet_older_than_the_window_is_refused_and_one_within_it_is_read() {
    let (mut sender, mut receiver) = pair(LONG);
    let mut stream = stream(10);
    let packets: Vec<_> = (0..200_u8).map(|n| sender.next(&mut stream, &[n])).collect();
    receiver.rtp(&mut packets[199].clone()).expect("the newest");
    receiver.rtp(&mut packets[199 - 127].clone()).expect("at the edge of the window");
    assert_eq!(receiver.rtp(&mut packets[199 - 128].clone()), Err(SrtpError::Replayed));
}

#[test]
fn whatever_bit_is_changed_the_packet_is_refused_and_the_stream_goes_on() {
    for profile in [LONG, SHORT, AEAD] {
        let (mut sender, mut receiver) = pair(profile);
        let mut stream = stream(1);
        let packet = sender.next(&mut stream, b"hello");
        for bit in 0..packet.len() * 8 {
            let mut forged = packet.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let before = forged.clone();
            assert!(receiver.rtp(&mut forged).is_err(), "bit {bit}");
            assert_eq!(forged, before, "not even decrypted");
        }
        receiver.rtp(&mut packet.clone()).expect("the genuine one");
        assert!(receiver.rtp(&mut packet[..20].to_vec()).is_err());
        assert!(receiver.rtp(&mut []).is_err());
        assert!(receiver.rtcp(&mut [0; 21]).is_err());
    }
}

#[test]
fn a_sender_that_changes_its_ssrc_is_read_under_the_same_key() {
    let (mut sender, mut receiver) = pair(LONG);
    for ssrc in 0..20 {
        let mut stream = RtpStream::new(Ssrc(ssrc), SequenceNumber(9), RtpTimestamp(0));
        for _ in 0..3 {
            let mut packet = sender.next(&mut stream, b"x");
            receiver.rtp(&mut packet).expect("it is genuine");
        }
    }
}

#[test]
fn no_number_is_protected_twice() {
    let key = test_key();
    let mut sender = Protector::new(LONG, &key);
    let mut buffer = [0; 64];
    let once = |sender: &mut Protector, number: u16| {
        let mut stream = RtpStream::new(Ssrc(1), SequenceNumber(number), RtpTimestamp(0));
        let written = stream.packet(PayloadType(0), false, b"x").write(&mut [0; 64]);
        assert!(written.is_ok());
        let mut out = [0; 64];
        let length = stream_packet(number).write(&mut out).expect("room");
        sender.rtp(&mut out, length).map(drop)
    };
    assert_eq!(once(&mut sender, 7), Ok(()));
    assert_eq!(once(&mut sender, 7), Err(SrtpError::Replayed));
    assert_eq!(once(&mut sender, 6), Err(SrtpError::Replayed));
    assert_eq!(once(&mut sender, 8), Ok(()));
    let full = stream_packet(9).write(&mut buffer).expect("room");
    assert!(matches!(sender.rtp(&mut buffer[..full], full), Err(SrtpError::NoRoom { .. })));
}

#[test]
fn a_key_is_not_shown() {
    let shown = format!("{:?}", test_key());
    assert!(!shown.contains("225") && !shown.to_lowercase().contains("e1"), "{shown}");
}

fn stream_packet(number: u16) -> RtpPacket<'static> {
    RtpPacket {
        marker: false,
        payload_type: PayloadType(0),
        sequence: SequenceNumber(number),
        timestamp: RtpTimestamp(0),
        ssrc: Ssrc(1),
        payload: b"x",
    }
}

struct Sender(Protector);

impl Sender {
    fn next(&mut self, stream: &mut RtpStream, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0; 64];
        let length = stream.packet(PayloadType(0), false, payload).write(&mut out).expect("room");
        let length = self.0.rtp(&mut out, length).expect("room");
        out.truncate(length);
        out
    }
}

fn pair(profile: SrtpProfile) -> (Sender, Unprotector) {
    let key = test_key();
    (Sender(Protector::new(profile, &key)), Unprotector::new(profile, &key))
}

fn stream(first: u16) -> RtpStream {
    RtpStream::new(Ssrc(1), SequenceNumber(first), RtpTimestamp(0))
}

/// The key of RFC 3711 B.3 and of libsrtp's own tests.
fn test_key() -> SrtpKey {
    let key = bytes("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6");
    SrtpKey::new(key.try_into().expect("30 bytes"))
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.bytes().map(|b| (b as char).to_digit(16).expect("hex") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
