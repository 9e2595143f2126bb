//! Everybody who is not on the list, at once: the calls that are up are heard as before, and nobody
//! gets a byte.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::Value;
use xenline::control::Reply;

use crate::support::line::Serving;
use crate::support::phone::{Phone, sdp};
use crate::support::process::resident_kb;
use crate::support::{alone, figure};

const CALLS: usize = 10;
/// As long without the flood as with it.
const PHASE: Duration = Duration::from_secs(6);
const PACKETS_PER_S: u32 = 5_000;
/// Addresses of loopback that no trunk of the tests lists.
const SOURCES: u8 = 8;
/// The machine does other things besides; where they were in the way it is measured again.
const TRIES: usize = 3;
const MOS_MIN: f64 = 4.2;
/// Ticks that begin late beside the flood may be so many more, in percent of all: on a machine with
/// two cores the sprayer itself takes some of its own.
const LATE_MORE_PERCENT: f64 = 5.0;
const GROWTH_KB_MAX: u64 = 1_024;

#[test]
fn five_thousand_foreign_packets_a_second_leave_ten_calls_as_they_were_and_get_no_byte() {
    let _machine = alone();
    let mut found = Vec::new();
    for _ in 0..TRIES {
        let flood = flood_once();
        figure(format!(
            "flood of {:.0} packets/s beside {CALLS} calls: {} bytes answered, worst MOS {:.2}, late ticks \
             {:.2} % (without it {:.2} %), memory {:+} KB",
            flood.per_second,
            flood.answered,
            flood.mos,
            flood.late,
            flood.late_before,
            flood.growth_kb
        ));
        assert_eq!(flood.answered, 0, "a foreign address got an answer");
        assert!(flood.growth_kb <= GROWTH_KB_MAX.cast_signed(), "memory grows");
        let offered = flood.per_second >= 0.9 * f64::from(PACKETS_PER_S);
        if offered && flood.mos >= MOS_MIN && flood.late <= flood.late_before + LATE_MORE_PERCENT {
            return;
        }
        found.push((flood.per_second, flood.mos, flood.late_before, flood.late));
    }
    panic!("packets/s, MOS, late ticks before and with the flood, in {TRIES} tries: {found:?}");
}

struct Flood {
    per_second: f64,
    answered: usize,
    mos: f64,
    late_before: f64,
    late: f64,
    growth_kb: i64,
}

fn flood_once() -> Flood {
    let mut line = Serving::echo(|config| config.sip.channels = 2 * CALLS);
    let phones: Vec<_> = (0..CALLS).map(|_| Phone::call(line.sip)).collect();
    std::thread::sleep(Duration::from_secs(1));
    let start = ticks(&line);
    std::thread::sleep(PHASE);
    let (calm, memory) = (ticks(&line), resident_kb(line.pid()));
    let sources: Vec<_> = (0..SOURCES).map(source).collect();
    let (sent, took) = spray(&sources, line.sip);
    let end = ticks(&line);
    let growth_kb = resident_kb(line.pid()).cast_signed() - memory.cast_signed();
    assert_eq!(line.open_calls(), CALLS, "the calls go on, and no foreign one began");
    phones.into_iter().for_each(Phone::hang_up);
    line.end();
    Flood {
        per_second: sent as f64 / took.as_secs_f64(),
        answered: sources.iter().map(received).sum(),
        mos: worst_mos(&line),
        late_before: late_percent(start, calm),
        late: late_percent(calm, end),
        growth_kb,
    }
}

fn source(n: u8) -> UdpSocket {
    let socket =
        UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2 + n), 0)).expect("an address of loopback");
    socket.set_nonblocking(true).expect("a mode");
    socket
}

/// Sends by an absolute schedule; says how many, in which time.
fn spray(sources: &[UdpSocket], line: SocketAddr) -> (u32, Duration) {
    let began = Instant::now();
    let (mut sent, mut n) = (0, 0);
    while began.elapsed() < PHASE {
        let due = (began.elapsed().as_secs_f64() * f64::from(PACKETS_PER_S)) as u32;
        while n < due {
            let from = &sources[n as usize % sources.len()];
            sent += u32::from(from.send_to(&packet(n, from, line), line).is_ok());
            n += 1;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    (sent, began.elapsed())
}

/// INVITEs, registrations, what only looks like SIP, and noise.
fn packet(n: u32, from: &UdpSocket, line: SocketAddr) -> Vec<u8> {
    let here = from.local_addr().expect("a bound socket");
    let request = |method: &str, body: &str| {
        format!(
            "{method} sip:agent@{line} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK-{n};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{n}@{here}>;tag={n}\r\nTo: <sip:agent@{line}>\r\n\
             Call-ID: flood-{n}\r\nCSeq: 1 {method}\r\nContact: <sip:{n}@{here}>\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    match n % 8 {
        0..=4 => request("INVITE", &sdp(here, "sendrecv", 1)),
        5 => request("REGISTER", ""),
        6 => request("INVITE", "v=0\r\n").into_iter().take(97).collect(),
        _ => n.to_le_bytes().repeat(150),
    }
}

/// Bytes that came back.
fn received(source: &UdpSocket) -> usize {
    let mut buffer = [0; 2_048];
    std::iter::from_fn(|| source.recv(&mut buffer).ok()).sum()
}

/// Ticks so far, and those of them that began late.
fn ticks(line: &Serving) -> (u64, u64) {
    match line.status() {
        Reply::Status { process, ticks_skipped, .. } => {
            (process.ticks + ticks_skipped, process.ticks_late + ticks_skipped)
        }
        other => panic!("not a status: {other:?}"),
    }
}

fn late_percent(from: (u64, u64), to: (u64, u64)) -> f64 {
    100.0 * (to.1 - from.1) as f64 / (to.0 - from.0).max(1) as f64
}

fn worst_mos(line: &Serving) -> f64 {
    let file = line.config.cdr.path.as_ref().expect("the tests name one");
    let records = std::fs::read_to_string(file).expect("records");
    let mos = |record: &str| {
        let record: Value = serde_json::from_str(record).expect("JSON");
        record["mos_estimated"].as_f64().expect("a figure")
    };
    assert_eq!(records.lines().count(), CALLS, "one record for each call, none for the flood");
    records.lines().map(mos).fold(f64::INFINITY, f64::min)
}
