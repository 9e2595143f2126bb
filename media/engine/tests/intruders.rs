//! RTP bleed and injection: who sprays a call's port gets nothing, and is not heard.

mod support;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use media_core::codec::Encoder;
use media_core::rtp::RtpPacket;
use media_core::{Codec, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};
use media_engine::{Engine, LineMode};
use socket2::{Domain, SockAddr, Socket, Type};
use support::{ensure, media, open, with_time_kept};

media_engine::install_alloc_check!();

const TICK: Duration = Duration::from_millis(20);
const PHONE_SSRC: u32 = 0x1234_5678;

/// A socket that shares its address with whoever else allows that: the way to write the phone's own
/// address on a packet without being the phone.
fn shared(addr: SocketAddr) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option");
    socket.bind(&SockAddr::from(addr)).expect("an address");
    socket.set_nonblocking(true).expect("non-blocking");
    socket.into()
}

fn packet(ssrc: u32, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let packet = RtpPacket {
        marker: false,
        payload_type: PayloadType(0),
        sequence: SequenceNumber(sequence),
        timestamp: RtpTimestamp(timestamp),
        ssrc: Ssrc(ssrc),
        payload,
    };
    let mut bytes = vec![0; 200];
    let length = packet.write(&mut bytes).expect("it fits");
    bytes.truncate(length);
    bytes
}

fn sound(level: i16) -> Vec<u8> {
    let mut payload = vec![0; 160];
    Encoder::new(Codec::Pcmu).encode(&[level; 160], &mut payload);
    payload
}

/// Takes everything that lies in a socket.
fn drain(socket: &UdpSocket, mut with: impl FnMut(&[u8])) -> usize {
    let mut bytes = [0; 2_000];
    let mut packets = 0;
    while let Ok((length, _)) = socket.recv_from(&mut bytes) {
        with(&bytes[..length]);
        packets += 1;
    }
    packets
}

#[test]
fn a_sprayer_gets_nothing_and_is_not_heard_at_the_start_or_in_the_middle_of_a_call() {
    with_time_kept(spray_a_call);
}

fn spray_a_call(engine: &Engine) -> (Duration, Result<(), String>) {
    // The first of the two hears; the second only writes the same address on its packets.
    let phone = shared(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let home = phone.local_addr().expect("bound");
    let strangers: Vec<UdpSocket> = ["127.0.0.2:0", "127.0.0.3:0", "127.0.0.1:0"]
        .map(|addr| shared(addr.parse().expect("an address")))
        .into();
    let call = open(engine, LineMode::Echo, media(home, Codec::Pcmu));
    let (genuine, evil) = (sound(8_000), sound(-20_000));
    let spray = |at: u32| {
        // Three in a row at once, numbered as the phone numbers, and from anywhere.
        for stranger in &strangers {
            for n in 0..3 {
                let (sequence, timestamp) = ((at + n) as u16, (at + n) * 160);
                let bytes = packet(PHONE_SSRC, sequence, timestamp, &evil);
                stranger.send_to(&bytes, call.rtp).expect("sent");
            }
        }
    };
    // Before the phone's first packet: from two other machines. (A port of its own machine may be
    // the phone behind a translator of addresses, and is looked at below.)
    for n in 0..10 {
        for stranger in &strangers[..2] {
            stranger.send_to(&packet(9, n, u32::from(n) * 160, &evil), call.rtp).expect("sent");
        }
    }
    std::thread::sleep(3 * TICK);
    let forger = shared(home);
    let (mut back, mut evil_back, mut other) = (0, 0, 0);
    let (start, mut late) = (Instant::now(), Duration::ZERO);
    for n in 0..200_u32 {
        late = late.max(sleep_until(start, TICK * n));
        let bytes = packet(PHONE_SSRC, n as u16, n * 160, &genuine);
        phone.send_to(&bytes, call.rtp).expect("sent");
        if n > 20 {
            spray(n + 1);
            // With the right address, and a guess at the stream: another source, or numbers far off.
            for m in 0..3_u32 {
                let guess = packet(0xDEAD, (7 + 3 * n + m) as u16, m * 160, &evil);
                forger.send_to(&guess, call.rtp).expect("sent");
                let guess = packet(PHONE_SSRC, (30_000 + 3 * n + m) as u16, m * 160, &evil);
                forger.send_to(&guess, call.rtp).expect("sent");
            }
        }
        // The kernel hands a packet to either socket of a shared address.
        for socket in [&phone, &forger] {
            drain(socket, |bytes| match &bytes[12..] {
                payload if payload == genuine => back += 1,
                payload if payload == evil => evil_back += 1,
                _ => other += 1,
            });
        }
    }
    let statistics = call.line.statistics();
    println!("{back} back, {other} of silence; {statistics:?}");
    assert_eq!(evil_back, 0, "an intruder was heard");
    for stranger in &strangers {
        assert_eq!(drain(stranger, |_| {}), 0, "the line answered {stranger:?}");
    }
    assert!(statistics.foreign > 500, "{statistics:?}");
    assert!(statistics.unauthentic > 500, "{statistics:?}");
    assert_eq!(statistics.remote, Some(home));
    call.close();
    (late, ensure(back > 180, || format!("{back} of 200 came back")))
}

/// Returns how late it is then.
fn sleep_until(start: Instant, due: Duration) -> Duration {
    std::thread::sleep(due.saturating_sub(start.elapsed()));
    start.elapsed().saturating_sub(due)
}

#[test]
fn a_sender_that_really_starts_over_is_heard_again_after_a_tenth_of_a_second() {
    with_time_kept(|engine| {
        let phone = shared(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let home = phone.local_addr().expect("bound");
        let call = open(engine, LineMode::Echo, media(home, Codec::Pcmu));
        let (first, second) = (sound(8_000), sound(-8_000));
        let (mut one, mut two) = (0, 0);
        let (start, mut late) = (Instant::now(), Duration::ZERO);
        for n in 0..150_u32 {
            late = late.max(sleep_until(start, TICK * n));
            let bytes = match n {
                0..75 => packet(1, n as u16, n * 160, &first),
                _ => packet(2, (40_000 + n) as u16, 5_000_000 + n * 160, &second),
            };
            phone.send_to(&bytes, call.rtp).expect("sent");
            drain(&phone, |bytes| {
                one += usize::from(bytes[12..] == first);
                two += usize::from(bytes[12..] == second);
            });
        }
        call.close();
        (late, ensure(one > 65 && two > 55, || format!("{one} and {two} of 75")))
    });
}
