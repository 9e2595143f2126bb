//! Everybody who is not on the list, at once: the calls that are up are heard as before, and nobody
//! gets a byte. And a flood in the name of somebody who is on the list, which costs more: it is read
//! and answered, as fast as any honest load.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::Value;
use xenline::config::{Config, TrunkSection};
use xenline::control::Reply;

use crate::support::line::Serving;
use crate::support::phone::{Phone, sdp};
use crate::support::process::resident_kb;
use crate::support::{alone, figure};

const CALLS: usize = 10;
/// As long without the flood, before and after it together, as with it.
const PHASE: Duration = Duration::from_secs(6);
const SHORT_PHASE: Duration = Duration::from_secs(3);
const PACKETS_PER_S: u32 = 5_000;
/// Addresses of loopback that no trunk of the tests lists.
const SOURCES: u8 = 8;
/// The machine does other things besides; where they were in the way it is measured again.
const TRIES: usize = 3;
const MOS_MIN: f64 = 4.2;
/// The noise of late ticks, in percent of all, is what they differ by in two calm phases, and never less
/// than that: on a machine with two cores the sprayer itself takes some of its own.
const NOISE_PERCENT_MIN: f64 = 5.0;
const GROWTH_KB_MAX: i64 = 1_024;
/// Of a listed source the line remembers what it answered, for 32 s and 20,000 times at most.
const LISTED_GROWTH_KB_MAX: i64 = 65_536;

#[test]
fn five_thousand_foreign_packets_a_second_leave_ten_calls_as_they_were_and_get_no_byte() {
    let _machine = alone();
    is_borne(
        "foreign",
        PHASE,
        GROWTH_KB_MAX,
        |_| {},
        |answered| {
            assert_eq!(answered, 0, "a foreign address got an answer");
        },
    );
}

#[test]
fn a_flood_in_the_name_of_a_trunk_leaves_the_calls_of_another_as_they_were() {
    let _machine = alone();
    let listed = |config: &mut Config| {
        // None of the numbers that it calls: each INVITE is judged, refused and recorded.
        config.trunk.push(TrunkSection {
            name: "flood".into(),
            allow: vec!["127.0.0.0/28".parse().expect("a network")],
            numbers: vec!["+15551230000".into()],
            ..TrunkSection::default()
        });
    };
    is_borne("listed", SHORT_PHASE, LISTED_GROWTH_KB_MAX, listed, |answered| {
        assert!(answered > 0, "whoever is listed is answered");
    });
}

/// Floods, again where the machine was in the way. `judge` sees how many bytes were answered, each time.
fn is_borne(
    whose: &str,
    phase: Duration,
    growth_kb_max: i64,
    change: impl Fn(&mut Config),
    judge: impl Fn(usize),
) {
    let mut found = Vec::new();
    for n in 1..=TRIES {
        let flood = flood_once(phase, &change);
        let [before, after] = flood.late_calm;
        figure(format!(
            "{whose} flood of {:.0} packets/s beside {CALLS} calls (try {n}): {} bytes answered, worst MOS {:.2}, \
             late ticks {:.2} % (before it {before:.2} %, after it {after:.2} %), memory {:+} KB",
            flood.per_second, flood.answered, flood.mos, flood.late, flood.growth_kb
        ));
        judge(flood.answered);
        let noise = (before - after).abs().max(NOISE_PERCENT_MIN);
        let offered = flood.per_second >= 0.9 * f64::from(PACKETS_PER_S);
        let in_time = flood.late <= before.max(after) + noise;
        if offered && flood.mos >= MOS_MIN && in_time && flood.growth_kb <= growth_kb_max {
            return;
        }
        found.push((flood.per_second, flood.mos, flood.late_calm, flood.late, flood.growth_kb));
    }
    panic!(
        "packets/s, MOS, late ticks in calm and with the flood, KB, in {TRIES} tries: {found:?}"
    );
}

struct Flood {
    per_second: f64,
    answered: usize,
    mos: f64,
    /// Percent of the ticks, before and after it.
    late_calm: [f64; 2],
    late: f64,
    growth_kb: i64,
}

fn flood_once(phase: Duration, change: impl Fn(&mut Config)) -> Flood {
    let mut line = Serving::echo(|config| {
        config.sip.channels = 2 * CALLS;
        change(config);
    });
    let phones: Vec<_> = (0..CALLS).map(|_| Phone::call(line.sip)).collect();
    std::thread::sleep(Duration::from_secs(1));
    let start = ticks(&line);
    std::thread::sleep(phase / 2);
    let (calm, memory) = (ticks(&line), resident_kb(line.pid()));
    let sources: Vec<_> = (0..SOURCES).map(source).collect();
    let (sent, took) = spray(&sources, line.sip, phase);
    let end = ticks(&line);
    let growth_kb = resident_kb(line.pid()).cast_signed() - memory.cast_signed();
    std::thread::sleep(phase / 2);
    let after = ticks(&line);
    assert_eq!(line.open_calls(), CALLS, "the calls go on, and no foreign one began");
    phones.into_iter().for_each(Phone::hang_up);
    line.end();
    Flood {
        per_second: sent as f64 / took.as_secs_f64(),
        answered: sources.iter().map(received).sum(),
        mos: worst_mos(&line),
        late_calm: [late_percent(start, calm), late_percent(end, after)],
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
fn spray(sources: &[UdpSocket], line: SocketAddr, phase: Duration) -> (u32, Duration) {
    let began = Instant::now();
    let (mut sent, mut n) = (0, 0);
    while began.elapsed() < phase {
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
    let record = |record: &str| serde_json::from_str::<Value>(record).expect("JSON");
    let answered = records.lines().map(record).filter(|record| record["sip_status"] == 200);
    let mos: Vec<_> =
        answered.map(|record| record["mos_estimated"].as_f64().expect("a figure")).collect();
    assert_eq!(mos.len(), CALLS, "one record for each call");
    mos.into_iter().fold(f64::INFINITY, f64::min)
}
