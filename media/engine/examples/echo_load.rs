//! How much an echo line costs: `cargo run --release -p media-engine --example echo_load -- 200 10`
//!
//! Opens lines (default 200) for some seconds (default 10) and sends them G.711 from a child
//! process, one packet every 20 ms each. Prints the CPU time and memory of this process, which
//! does nothing but carry the lines. `MODE=agent` or `MODE=player` measures those lines instead,
//! `AUDIO_THREADS=2` spreads them.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use media_core::hearing::EarConfig;
use media_core::{Codec, Direction, LineId, NegotiatedMedia, OpusFormat, Ptime};
use media_engine::{Carrier, Engine, EngineConfig, Engines, LineMode, LineSpec};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number =
        |at: usize, default| arguments.get(at).and_then(|a| a.parse().ok()).unwrap_or(default);
    if arguments.get(1).is_some_and(|a| a == "callers") {
        callers(number(2, 200), Duration::from_secs(number(3, 10) as u64));
    } else {
        carry(number(1, 200), number(2, 10));
    }
}

fn carry(lines: usize, seconds: usize) {
    let threads = std::env::var("AUDIO_THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let config =
        EngineConfig { audio_threads: threads, lines_max: lines, ..EngineConfig::default() };
    let engine = Engine::start(config, Engines::default()).expect("an engine");
    let mode = match std::env::var("MODE").as_deref() {
        Ok("agent") => LineMode::Agent,
        Ok("player") => LineMode::Player,
        _ => LineMode::Echo,
    };
    let own = std::env::current_exe().expect("a path");
    let mut child = Command::new(own)
        .args(["callers", &lines.to_string(), &seconds.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut from_child = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut to_child = child.stdin.take().expect("piped");
    let resident_before = resident_kb();
    let mut open = Vec::new();
    for n in 0..lines {
        let caller = from_child.next().expect("a line").expect("text");
        let port = engine.reserve_port().expect("a port");
        writeln!(to_child, "{}", port.local_addr()).expect("a child");
        let spec = LineSpec {
            id: LineId(n as u64),
            carrier: Carrier::Rtp { port, media: media(caller.parse().expect("an address")) },
            mode,
            record: None,
            ear: EarConfig::default(),
        };
        open.push(engine.open_line(spec, Box::new(|_| {})).expect("a line"));
    }
    to_child.flush().expect("a child");
    std::thread::sleep(Duration::from_millis(1_500));
    let cpu = cpu_ms();
    let began = Instant::now();
    std::thread::sleep(Duration::from_secs(seconds.saturating_sub(2).max(1) as u64));
    let spent = cpu_ms() - cpu;
    let call_seconds = began.elapsed().as_secs_f64() * lines as f64;
    let resident = resident_kb().saturating_sub(resident_before);
    let statistics: Vec<_> = open.iter().map(media_engine::Line::statistics).collect();
    let sum =
        |get: fn(&media_engine::LineStatistics) -> u64| statistics.iter().map(get).sum::<u64>();
    println!("server_cpu_ms_per_call_second {:.3}", spent / call_seconds);
    println!("rss_kb_per_call {}", resident / lines);
    println!(
        "rtp_received {} rtp_sent {} rtp_lost {} late {} concealed_ms {}",
        sum(|s| s.rtp_received),
        sum(|s| s.rtp_sent),
        sum(|s| s.rtp_lost),
        sum(|s| s.late),
        sum(|s| s.concealed_ms)
    );
    println!("{:?}", engine.metrics());
    drop(open);
    let _ = child.wait();
}

/// The other end: all callers in one thread, paced by an absolute clock.
fn callers(count: usize, time: Duration) {
    let sockets: Vec<UdpSocket> = (0..count)
        .map(|_| {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
            socket.set_nonblocking(true).expect("non-blocking");
            println!("{}", socket.local_addr().expect("bound"));
            socket
        })
        .collect();
    let mut lines = std::io::stdin().lines();
    for socket in &sockets {
        let to: SocketAddr =
            lines.next().expect("a line").expect("text").parse().expect("an address");
        socket.connect(to).expect("connected");
    }
    let mut packet = [0x55; 172];
    packet[..12].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
    let began = Instant::now();
    let mut bytes = [0; 2_048];
    for n in 0..(time.as_millis() / 20) as u32 {
        packet[2..4].copy_from_slice(&(n as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(n * 160).to_be_bytes());
        for socket in &sockets {
            let _ = socket.send(&packet);
            while socket.recv(&mut bytes).is_ok() {}
        }
        let due = began + Duration::from_millis(20) * (n + 1);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn media(remote_rtp: SocketAddr) -> NegotiatedMedia {
    let codec = Codec::Pcmu;
    NegotiatedMedia {
        remote_rtp,
        remote_rtcp: SocketAddr::new(remote_rtp.ip(), remote_rtp.port() + 1),
        codec,
        send_payload_type: codec.usual_payload_type(),
        receive_payload_type: codec.usual_payload_type(),
        send_telephone_event: None,
        receive_telephone_event: None,
        telephone_event_hz: 8_000,
        opus: OpusFormat::default(),
        ptime: Ptime::MS20,
        direction: Direction::SendRecv,
        voip_metrics: false,
        srtp: None,
    }
}

/// User and system time of this process.
fn cpu_ms() -> f64 {
    // SAFETY: an all-zero rusage is a valid value, and the call fills it.
    let usage = unsafe {
        let mut usage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let ms = |t: libc::timeval| t.tv_sec as f64 * 1e3 + t.tv_usec as f64 / 1e3;
    ms(usage.ru_utime) + ms(usage.ru_stime)
}

fn resident_kb() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("pages");
    pages * 4
}
