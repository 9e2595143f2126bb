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
use media_engine::{Engine, LineMode};
use support::{PATIENCE, ensure, media, open, with_time_kept};

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

    /// Sends `payload` for `ticks` packets, and reads what comes meanwhile. Returns how late the
    /// latest packet was.
    fn talk(&mut self, to: SocketAddr, payload: &[u8], ticks: u32) -> Duration {
        let (start, mut late) = (Instant::now(), Duration::ZERO);
        for n in 0..ticks {
            std::thread::sleep((TICK * n).saturating_sub(start.elapsed()));
            late = late.max(start.elapsed().saturating_sub(TICK * n));
            let packet = self.stream.packet(PayloadType(0), false, payload);
            let mut bytes = [0; 300];
            let length = packet.write(&mut bytes).expect("it fits");
            self.stream.advance(160);
            let length = self.protector.rtp(&mut bytes, length).expect("it fits");
            self.socket.send_to(&bytes[..length], to).expect("sent");
            self.listen();
        }
        late
    }

    /// Reads until the line has gone over to another key.
    fn listen_until_unreadable(&mut self) {
        let until = Instant::now() + PATIENCE;
        while self.unreadable == 0 {
            assert!(Instant::now() < until, "the line keeps its key");
            self.listen();
            std::thread::sleep(Duration::from_millis(5));
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
    with_time_kept(echo_through_srtp);
}

fn echo_through_srtp(engine: &Engine) -> (Duration, Result<(), String>) {
    let mut phone = Phone::new(2, 1);
    let agreed = NegotiatedMedia { srtp: keys(1, 2), ..media(phone.addr(), Codec::Pcmu) };
    let call = open(engine, LineMode::Echo, agreed);
    let (ours, theirs) = (tone(8_000), tone(-20_000));
    let late = phone.talk(call.rtp, &ours, 150);
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
    let late = late.max(phone.talk(call.rtp, &ours, 50));
    assert_eq!(phone.heard(&theirs), 0);
    assert_eq!(phone.unreadable, 0, "everything is protected with the line's key");
    let statistics = call.line.statistics();
    assert_eq!(statistics.unauthentic, 40, "{statistics:?}");
    assert_eq!(statistics.rtp_lost, 0, "a wrap is no loss");
    call.close();
    let back = phone.heard(&ours);
    (late, ensure(back > 170, || format!("{back} of 200 came back")))
}

#[test]
fn new_keys_take_over_at_once_and_the_former_one_is_read_for_a_moment_more() {
    with_time_kept(change_keys);
}

fn change_keys(engine: &Engine) -> (Duration, Result<(), String>) {
    let mut phone = Phone::new(2, 1);
    let agreed = NegotiatedMedia { srtp: keys(1, 2), ..media(phone.addr(), Codec::Pcmu) };
    let call = open(engine, LineMode::Echo, agreed.clone());
    let (before, after) = (tone(8_000), tone(-8_000));
    let late = phone.talk(call.rtp, &before, 100);
    // The line learns of the phone's new key first: packets with the old one are still on the way.
    call.line.update_media(NegotiatedMedia { srtp: keys(1, 3), ..agreed.clone() });
    let late = late.max(phone.talk(call.rtp, &before, 25));
    phone.protector = Protector::new(PROFILE, &key(3));
    // Its packets are counted on: this one is of the first turn of their numbers, those to come are not.
    let mut last = RtpStream::new(Ssrc(5), SequenceNumber(65_535), RtpTimestamp(0));
    let mut unsent = [0; 300];
    let length = last.packet(PayloadType(0), false, &after).write(&mut unsent).expect("it fits");
    phone.protector.rtp(&mut unsent, length).expect("it fits");
    let late = late.max(phone.talk(call.rtp, &after, 50));
    assert_eq!(call.line.statistics().unauthentic, 0);
    let back = [phone.heard(&before), phone.heard(&after)];
    assert_eq!(phone.unreadable, 0, "the line's own key goes on, and so do its numbers");
    // And the line's key.
    call.line.update_media(NegotiatedMedia { srtp: keys(4, 3), ..agreed });
    phone.listen_until_unreadable();
    phone.unprotector = Unprotector::new(PROFILE, &key(4));
    let (unreadable, ssrc, heard) = (phone.unreadable, phone.ssrc, phone.heard(&before));
    let late = late.max(phone.talk(call.rtp, &before, 50));
    assert_eq!(phone.unreadable, unreadable);
    assert_ne!(phone.ssrc, ssrc, "a stream of its own, which everybody counts from its beginning");
    call.close();
    let more = phone.heard(&before) - heard;
    let good = back[0] > 60 && back[1] > 40 && more > 40;
    (late, ensure(good, || format!("{back:?} of 125 and 50 came back, then {more} of 50")))
}
