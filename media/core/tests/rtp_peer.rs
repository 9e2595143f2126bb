//! Who is heard when others write the peer's address, or come from beside it.

use core::net::SocketAddr;
use core::time::Duration;

use media_core::rtp::{Admission, Peer, QUIET, QUIET_BETWEEN_WORDS, RtpPacket};
use media_core::{MonoTime, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

const GENUINE: u32 = 1;
const FORGED: u32 = 2;
const COMFORT_NOISE: u8 = 13;

fn packet(sequence: u64, ssrc: u32) -> RtpPacket<'static> {
    RtpPacket {
        marker: false,
        payload_type: PayloadType(0),
        sequence: SequenceNumber(sequence as u16),
        timestamp: RtpTimestamp(sequence as u32 * 160),
        ssrc: Ssrc(ssrc),
        payload: &[0; 160],
    }
}

fn at(n: u64) -> MonoTime {
    MonoTime::from_millis(1_000 + 20 * n)
}

fn announced() -> SocketAddr {
    "192.0.2.1:4000".parse().expect("an address")
}

fn translated() -> SocketAddr {
    "192.0.2.1:61000".parse().expect("an address")
}

/// A peer behind a translator of addresses that has been heard for `packets`, one after the other.
fn behind_a_translator(packets: u64) -> Peer {
    let mut peer = Peer::new(announced());
    for n in 0..packets {
        peer.admit(at(n), translated(), &packet(n, GENUINE), false);
    }
    assert_eq!(peer.source().peer(), Some(translated()));
    peer
}

#[test]
fn a_forged_packet_from_the_address_in_sdp_does_not_take_a_peer_away_that_is_heard() {
    let mut peer = behind_a_translator(100);
    for n in 100..500 {
        let forged = peer.admit(at(n), announced(), &packet(n, FORGED), false);
        assert_eq!(forged, Admission::Doubtful);
        let genuine = peer.admit(at(n), translated(), &packet(n, GENUINE), false);
        assert_eq!(
            (genuine, peer.source().destination()),
            (Admission::Accept, translated()),
            "{n}"
        );
    }
}

#[test]
fn whoever_took_the_place_of_a_silent_peer_loses_it_when_the_peer_goes_on() {
    let mut peer = behind_a_translator(100);
    let later = 100 + 60;
    assert_eq!(peer.admit(at(later), announced(), &packet(7, FORGED), false), Admission::Accept);
    assert_eq!(peer.source().destination(), announced());
    let genuine = peer.admit(at(later + 1), translated(), &packet(101, GENUINE), false);
    assert_eq!((genuine, peer.source().destination()), (Admission::Accept, translated()));
    let forged = peer.admit(at(later + 1), announced(), &packet(8, FORGED), false);
    assert_eq!((forged, peer.source().destination()), (Admission::Doubtful, translated()));
    // And not whoever else is there.
    assert_eq!(peer.admit(at(later + 2), announced(), &packet(9, 3), false), Admission::Doubtful);
}

#[test]
fn the_address_in_sdp_takes_the_place_of_a_port_that_was_heard_for_a_moment_only() {
    let mut peer = behind_a_translator(5);
    peer.admit(at(5), announced(), &packet(900, FORGED), false);
    assert_eq!(peer.source().destination(), announced());
    assert_eq!(peer.admit(at(5), translated(), &packet(5, GENUINE), false), Admission::Foreign);
}

#[test]
fn who_sends_comfort_noise_is_not_replaced_between_two_sentences() {
    for noise in [true, false] {
        let mut peer = Peer::new(announced());
        for n in 0..100 {
            peer.admit(at(n), announced(), &packet(n, GENUINE), false);
        }
        if noise {
            let noise =
                RtpPacket { payload_type: PayloadType(COMFORT_NOISE), ..packet(100, GENUINE) };
            assert_eq!(peer.admit(at(100), announced(), &noise, false), Admission::Accept);
        } else {
            // It has gone on after a pause.
            let spurt = RtpPacket { marker: true, ..packet(100, GENUINE) };
            peer.admit(at(100) + QUIET, announced(), &spurt, false);
        }
        let pause = if noise { at(100) } else { at(100) + QUIET };
        let within = pause + QUIET_BETWEEN_WORDS.saturating_sub(Duration::from_millis(1));
        let forged = |peer: &mut Peer, at| peer.admit(at, announced(), &packet(5, FORGED), false);
        assert_eq!(forged(&mut peer, within), Admission::Doubtful);
        let after = pause + QUIET_BETWEEN_WORDS;
        assert_eq!(forged(&mut peer, after), Admission::Accept, "it may have started over");
    }
}

#[test]
fn who_knows_the_key_is_the_peer_wherever_it_sends_from() {
    let mut peer = behind_a_translator(100);
    assert_eq!(peer.admit(at(100), announced(), &packet(7, 9), true), Admission::Accept);
    assert_eq!(peer.source().destination(), announced());
    assert_eq!(peer.admit(at(101), translated(), &packet(8, 9), true), Admission::Accept);
    assert_eq!(peer.source().destination(), translated());
}
