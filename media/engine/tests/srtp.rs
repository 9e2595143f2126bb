//! A line whose packets are protected: what it sends can be read with its key alone, and what it
//! is sent must be. The telephone here speaks SRTP with our own cores; one that does not is in the
//! house's end-to-end tests.

mod support;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use media_core::codec::Encoder;
use media_core::rtp::srtp::{Protector, SrtpKey, SrtpKeys, SrtpProfile, Unprotector};
use media_core::rtp::{RtpPacket, RtpStream};
use media_core::{Codec, NegotiatedMedia, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};
use media_engine::LineMode;
use support::{engine, media, open};

media_engine::install_alloc_check!();

const PROFILE: SrtpProfile = SrtpProfile::AeadAes128Gcm;
const TICK: Duration = Duration::from_millis(20);

/// A telephone with a key for each way.
struct Phone {
    socket: UdpSocket,
    stream: RtpStream,
    protector: Protector,
    unprotector: Unprotector,
    /// Payloads that could be read, and packets that could not.
    heard: Vec<Vec<u8>>,
    unreadable: usize,
    /// The stream that was heard last.
    ssrc: Option<Ssrc>,
}

fn key(seed: u8) -> SrtpKey {
    SrtpKey::new([seed; 30])
}

/// As the line sees it.
fn keys(line: u8, phone: u8) -> Option<Arc<SrtpKeys>> {
    Some(Arc::new(SrtpKeys { profile: PROFILE, send: key(line), receive: key(phone) }))
}

impl Phone {
    fn new(phone: u8, line: u8) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_nonblocking(true).expect("non-blocking");
        Self {
            socket,
            // The sequence number wraps in the second second.
            stream: RtpStream::new(Ssrc(5), SequenceNumber(65_450), RtpTimestamp(9)),
            protector: Protector::new(PROFILE, &key(phone)),
            unprotector: Unprotector::new(PROFILE, &key(line)),
            heard: Vec::new(),
            unreadable: 0,
            ssrc: None,
        }
    }

    fn addr(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    /// Sends `payload` for `ticks` packets, and reads what comes meanwhile.
    fn talk(&mut self, to: SocketAddr, payload: &[u8], ticks: u32) {
        let start = Instant::now();
        for n in 0..ticks {
            std::thread::sleep((TICK * n).saturating_sub(start.elapsed()));
            let packet = self.stream.packet(PayloadType(0), false, payload);
            let mut bytes = [0; 300];
            let length = packet.write(&mut bytes).expect("it fits");
            self.stream.advance(160);
            let length = self.protector.rtp(&mut bytes, length).expect("it fits");
            self.socket.send_to(&bytes[..length], to).expect("sent");
            self.listen();
        }
    }

    fn listen(&mut self) {
        let mut bytes = [0; 1_500];
        while let Ok((length, _)) = self.socket.recv_from(&mut bytes) {
            match self.unprotector.rtp(&mut bytes[..length]) {
                Ok(length) => {
                    let packet = RtpPacket::parse(&bytes[..length]).expect("RTP");
                    self.heard.push(packet.payload.to_vec());
                    self.ssrc = Some(packet.ssrc);
                }
                Err(_) => self.unreadable += 1,
            }
        }
    }

    fn heard(&self, payload: &[u8]) -> usize {
        self.heard.iter().filter(|heard| *heard == payload).count()
    }
}

fn tone(level: i16) -> Vec<u8> {
    let mut payload = vec![0; 160];
    Encoder::new(Codec::Pcmu).encode(&[level; 160], &mut payload);
    payload
}

#[test]
fn an_echo_is_heard_through_srtp_over_a_wrap_and_nothing_else_gets_in() {
    let engine = engine();
    let mut phone = Phone::new(2, 1);
    let agreed = NegotiatedMedia { srtp: keys(1, 2), ..media(phone.addr(), Codec::Pcmu) };
    let call = open(&engine, LineMode::Echo, agreed);
    let (ours, theirs) = (tone(8_000), tone(-20_000));
    phone.talk(call.rtp, &ours, 150);
    // From the same address: in the clear, and with another key.
    for n in 0..20 {
        let mut stream = RtpStream::new(Ssrc(5), SequenceNumber(100 + n), RtpTimestamp(160_000));
        let mut bytes = [0; 300];
        let packet = stream.packet(PayloadType(0), false, &theirs);
        let length = packet.write(&mut bytes).expect("it fits");
        phone.socket.send_to(&bytes[..length], call.rtp).expect("sent");
        let length = Protector::new(PROFILE, &key(9)).rtp(&mut bytes, length).expect("it fits");
        phone.socket.send_to(&bytes[..length], call.rtp).expect("sent");
    }
    phone.talk(call.rtp, &ours, 50);
    assert!(phone.heard(&ours) > 170, "{} of 200 came back", phone.heard(&ours));
    assert_eq!(phone.heard(&theirs), 0);
    assert_eq!(phone.unreadable, 0, "everything is protected with the line's key");
    let statistics = call.line.statistics();
    assert_eq!(statistics.unauthentic, 40, "{statistics:?}");
    assert_eq!(statistics.rtp_lost, 0, "a wrap is no loss");
    call.close();
}

#[test]
fn new_keys_take_over_at_once_and_the_former_one_is_read_for_a_moment_more() {
    let engine = engine();
    let mut phone = Phone::new(2, 1);
    let agreed = NegotiatedMedia { srtp: keys(1, 2), ..media(phone.addr(), Codec::Pcmu) };
    let call = open(&engine, LineMode::Echo, agreed.clone());
    let (before, after) = (tone(8_000), tone(-8_000));
    phone.talk(call.rtp, &before, 100);
    // The line learns of the phone's new key first: packets with the old one are still on the way.
    call.line.update_media(NegotiatedMedia { srtp: keys(1, 3), ..agreed.clone() });
    phone.talk(call.rtp, &before, 25);
    phone.protector = Protector::new(PROFILE, &key(3));
    // Its packets are counted on: this one is of the first turn of their numbers, those to come are not.
    let mut last = RtpStream::new(Ssrc(5), SequenceNumber(65_535), RtpTimestamp(0));
    let mut unsent = [0; 300];
    let length = last.packet(PayloadType(0), false, &after).write(&mut unsent).expect("it fits");
    phone.protector.rtp(&mut unsent, length).expect("it fits");
    phone.talk(call.rtp, &after, 50);
    assert_eq!(call.line.statistics().unauthentic, 0);
    assert!(phone.heard(&before) > 60, "{}", phone.heard(&before));
    assert!(phone.heard(&after) > 40, "{}", phone.heard(&after));
    assert_eq!(phone.unreadable, 0, "the line's own key goes on, and so do its numbers");
    // And the line's key.
    call.line.update_media(NegotiatedMedia { srtp: keys(4, 3), ..agreed });
    std::thread::sleep(3 * TICK);
    phone.listen();
    phone.unprotector = Unprotector::new(PROFILE, &key(4));
    let (unreadable, ssrc, heard) = (phone.unreadable, phone.ssrc, phone.heard(&before));
    phone.talk(call.rtp, &before, 50);
    assert_eq!(phone.unreadable, unreadable);
    assert!(phone.heard(&before) > heard + 40, "{} after {heard}", phone.heard(&before));
    assert_ne!(phone.ssrc, ssrc, "a stream of its own, which everybody counts from its beginning");
    call.close();
}
