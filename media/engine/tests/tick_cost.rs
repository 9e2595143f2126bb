//! What a tick costs, beside what its two system calls cost alone. A ratio in one run, because
//! the machine is shared; the figures are printed.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use media_core::Codec;
use media_engine::LineMode;
use media_engine::bench::TickBench;

const LINES: usize = 50;
const TICKS: usize = 300;

fn per_tick(mode: LineMode, codec: Codec) -> Duration {
    let mut bench = TickBench::new(LINES, mode, codec);
    let mut ticks: Vec<Duration> = (0..TICKS)
        .map(|_| {
            bench.feed();
            let began = Instant::now();
            bench.tick();
            began.elapsed() / LINES as u32
        })
        .collect();
    println!("{mode:?} {codec:?}: {} ms concealed", bench.concealed_ms());
    ticks.sort_unstable();
    ticks[TICKS / 2]
}

/// One receive and one send of a packet, on as many sockets.
fn bare() -> Duration {
    let pairs: Vec<_> = (0..LINES)
        .map(|_| {
            let pair = [0; 2].map(|_| UdpSocket::bind("127.0.0.1:0").expect("a port"));
            pair.iter().for_each(|s| s.set_nonblocking(true).expect("non-blocking"));
            let addr = pair[0].local_addr().expect("bound");
            pair[1].connect(addr).expect("connected");
            pair
        })
        .collect();
    let mut bytes = [0; 1_500];
    let mut rounds: Vec<Duration> = (0..TICKS)
        .map(|_| {
            for [_, peer] in &pairs {
                peer.send(&[0x55; 172]).expect("sent");
                while peer.recv(&mut bytes).is_ok() {}
            }
            let began = Instant::now();
            for [own, _] in &pairs {
                let (length, from) = own.recv_from(&mut bytes).expect("loopback is at once");
                own.send_to(&bytes[..length], from).expect("sent");
            }
            began.elapsed() / LINES as u32
        })
        .collect();
    rounds.sort_unstable();
    rounds[TICKS / 2]
}

#[test]
fn an_echo_tick_costs_little_more_than_its_system_calls() {
    let floor = bare();
    let [echo, wide, player] = [
        (LineMode::Echo, Codec::Pcmu),
        (LineMode::Echo, Codec::G722),
        (LineMode::Player, Codec::Pcmu),
    ]
    .map(|(mode, codec)| per_tick(mode, codec));
    println!(
        "per line and tick: system calls {floor:?}, echo {echo:?}, G.722 {wide:?}, player {player:?}"
    );
    assert!(echo < 3 * floor, "{echo:?} against {floor:?}");
}
