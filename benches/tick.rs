//! What a tick costs. First by hand: ticks of real lines on real sockets, in turns with the bare
//! system calls that they cannot do without. Then the engine as it runs, with its own threads:
//! lines that echo real RTP on loopback, the CPU time that it takes for each of them, and how
//! late its audio thread was. Prints figures, fails on nothing: a shared machine's noise is not
//! ours.

mod method;
mod wire;

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use media_core::hearing::EarConfig;
use media_core::playout::Pulled;
use media_core::plugin::{AudioSink, AudioSource};
use media_core::rtp::RtpPacket;
use media_core::{
    Codec, Direction, LineId, MonoTime, NegotiatedMedia, OpusFormat, PayloadType, Ptime,
    RtpTimestamp, SampleRate, SequenceNumber, Ssrc,
};
use media_engine::bench::TickBench;
use media_engine::{Carrier, Engine, EngineConfig, Engines, Line, LineMode, LineSpec};
use method::Ratio;
use wire::Bare;

const PACKET: Duration = Duration::from_millis(20);
/// Three seconds of talk.
const PACKETS: u32 = 150;
const ROUNDS: usize = 151;

fn main() {
    method::print(
        "wall time on this thread, median of 151 rounds in which a tick of all lines and the bare \
         recvmmsg + sendto of as many sockets take turns; ratio within each round, with quartiles",
    );
    println!(
        "{:>6} {:>14} {:>12} {:>14} {:>10}",
        "lines", "kind", "us/line-tick", "bare calls", "ratio"
    );
    for lines in [10, 50, 200] {
        by_hand(lines, LineMode::Echo, Codec::Pcmu);
    }
    by_hand(200, LineMode::Echo, Codec::G722);
    by_hand(200, LineMode::Player, Codec::Pcmu);
    by_hand(50, LineMode::Agent, Codec::Pcmu);
    with_company();
    println!("\nthe engine as it runs: CPU clock of its threads over three seconds of echo");
    println!(
        "{:>6} {:>14} {:>12} {:>14} {:>10}",
        "lines", "us/line-tick", "ms/call-s", "late p99", "late max"
    );
    for lines in [10, 50, 200] {
        measure(lines);
    }
}

fn by_hand(lines: usize, mode: LineMode, codec: Codec) {
    let (mut ours, mut bare) = (TickBench::new(lines, mode, codec), Bare::new(lines));
    let mut pump = Vec::with_capacity(ROUNDS);
    let rounds = (0..ROUNDS).map(|_| {
        ours.feed();
        let tick = micros_each(lines, || ours.tick());
        pump.push(micros_each(lines, || ours.pump()));
        bare.feed();
        [tick, micros_each(lines, || bare.tick())]
    });
    let Ratio { subject, baseline, times: [low, middle, high] } = Ratio::of(rounds.collect());
    let kind = format!("{mode:?} {}", codec.encoding_name());
    println!(
        "{lines:>6} {kind:>14} {subject:>12.2} {baseline:>14.2} {middle:>10.2} ({low:.2}-{high:.2})"
    );
    if mode == LineMode::Agent {
        pump.sort_by(f64::total_cmp);
        println!("{:>6} {:>14} {:>12.2}", "", "its pump", pump[ROUNDS / 2]);
    }
}

/// What each further leg costs a line: its tick, its hearing, its share of the mix.
fn with_company() {
    println!("\n20 lines of an agent that others join, median of 151 ticks");
    println!("{:>6} {:>14} {:>12} {:>14}", "legs", "joined by", "us/line-tick", "us/added leg");
    for joiner in [Joiner::Rtp(Codec::Pcmu), Joiner::Rtp(Codec::G722), Joiner::Carried] {
        let mut bench = TickBench::new(COMPANIES, LineMode::Agent, Codec::Pcmu);
        let mut before = None;
        for legs in 1..=5 {
            let mut times: Vec<f64> = (0..ROUNDS)
                .map(|_| {
                    bench.feed();
                    let tick = micros_each(COMPANIES, || bench.tick());
                    bench.pump();
                    tick
                })
                .collect();
            times.sort_by(f64::total_cmp);
            let tick = times[ROUNDS / 2];
            let added = before.map_or("-".to_owned(), |before| format!("{:.2}", tick - before));
            println!("{legs:>6} {:>14} {tick:>12.2} {added:>14}", joiner.name());
            before = Some(tick);
            joiner.join(&mut bench);
        }
    }
}

/// How a further leg comes to the line.
#[derive(Clone, Copy)]
enum Joiner {
    Rtp(Codec),
    /// By somebody else's packets, at 48 kHz: what the mix alone costs.
    Carried,
}

impl Joiner {
    fn name(self) -> &'static str {
        match self {
            Self::Rtp(codec) => codec.encoding_name(),
            Self::Carried => "48 kHz ends",
        }
    }

    fn join(self, bench: &mut TickBench) {
        match self {
            Self::Rtp(codec) => bench.join(codec),
            Self::Carried => bench.join_carried(|| (Box::new(Hum), Box::new(Hum))),
        }
    }
}

/// Ends that cost nothing.
struct Hum;

impl AudioSource for Hum {
    fn sample_rate(&self) -> SampleRate {
        SampleRate::Hz48000
    }

    fn pull(&mut self, _: MonoTime, out: &mut [i16]) -> Pulled {
        out.fill(100);
        Pulled { received: out.len(), ..Pulled::default() }
    }

    fn delay_ms(&self) -> u32 {
        0
    }
}

impl AudioSink for Hum {
    fn sample_rate(&self) -> SampleRate {
        SampleRate::Hz48000
    }

    fn push(&mut self, _: &[i16]) {}

    fn pass(&mut self, _: usize) {}
}

/// Lines whose cost is measured as legs join.
const COMPANIES: usize = 20;

fn micros_each(lines: usize, work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64() * 1e6 / lines as f64
}

fn measure(count: usize) {
    let engine = Engine::start(EngineConfig::default(), Engines::default()).expect("it starts");
    let phones: Vec<UdpSocket> = (0..count).map(|_| phone()).collect();
    let lines: Vec<(SocketAddr, Line)> =
        phones.iter().enumerate().map(|(n, phone)| open(&engine, n as u64, phone)).collect();
    talk(&phones, &lines, 50); // settle
    let before = engine.metrics();
    let (all, ours) = (cpu(libc::RUSAGE_SELF), cpu(libc::RUSAGE_THREAD));
    talk(&phones, &lines, PACKETS);
    // The phones run on this thread, the engine on its own.
    let used = (cpu(libc::RUSAGE_SELF) - all).saturating_sub(cpu(libc::RUSAGE_THREAD) - ours);
    let metrics = engine.metrics();
    let ticks = (metrics.ticks - before.ticks).max(1);
    let per_line_tick = used.as_secs_f64() * 1e6 / (ticks as f64 * count as f64);
    println!(
        "{count:>6} {per_line_tick:>14.2} {:>12.3} {:>11} us {:>7} us",
        per_line_tick * 50.0 / 1_000.0,
        metrics.lateness.p99_us,
        metrics.lateness.max_us
    );
    drop(lines);
    engine.shutdown();
}

fn phone() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.set_nonblocking(true).expect("a socket can be made so");
    socket
}

fn open(engine: &Engine, id: u64, phone: &UdpSocket) -> (SocketAddr, Line) {
    let port = engine.reserve_port().expect("a free port");
    let (to, remote) = (port.local_addr(), phone.local_addr().expect("it is bound"));
    let media = NegotiatedMedia {
        remote_rtp: remote,
        remote_rtcp: remote,
        codec: Codec::Pcmu,
        send_payload_type: PayloadType(0),
        receive_payload_type: PayloadType(0),
        send_telephone_event: None,
        receive_telephone_event: None,
        telephone_event_hz: 8_000,
        opus: OpusFormat::default(),
        ptime: Ptime::MS20,
        direction: Direction::SendRecv,
        voip_metrics: false,
        srtp: None,
    };
    let spec = LineSpec {
        id: LineId(id),
        carrier: Carrier::Rtp { port, media },
        mode: LineMode::Echo,
        record: None,
        ear: EarConfig::default(),
    };
    (to, engine.open_line(spec, Box::new(|_| {})).expect("there is room"))
}

/// Every phone sends a packet every 20 ms, spread over the time, and reads what comes back.
fn talk(phones: &[UdpSocket], lines: &[(SocketAddr, Line)], packets: u32) {
    let start = Instant::now();
    let mut buffer = [0; 2_048];
    for n in 0..packets {
        let deadline = start + PACKET * n;
        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
        for (phone, (to, _)) in phones.iter().zip(lines) {
            let mut datagram = [0x55; 172];
            let packet = RtpPacket {
                marker: n == 0,
                payload_type: PayloadType(0),
                sequence: SequenceNumber(n as u16),
                timestamp: RtpTimestamp(n * 160),
                ssrc: Ssrc(7),
                payload: &[0x55; 160],
            };
            let length = packet.write(&mut datagram).expect("it fits");
            // A full socket buffer is a lost packet, which the engine then has to live with.
            let _ = phone.send_to(&datagram[..length], to);
            while phone.recv(&mut buffer).is_ok() {}
        }
    }
}

fn cpu(who: libc::c_int) -> Duration {
    // SAFETY: all zeroes is a valid `rusage`.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is a valid place for the kernel to write to.
    let result = unsafe { libc::getrusage(who, &raw mut usage) };
    assert_eq!(result, 0, "getrusage knows itself and this thread");
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1_000);
    time(usage.ru_utime) + time(usage.ru_stime)
}
