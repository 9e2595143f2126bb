//! A tap that is flooded, and whose writer hangs, is nothing to a call: the audio tick is as
//! punctual beside it as without it. Rounds with and without, taken in turns in one run, because
//! the machine is shared; how far the rounds without lie apart is the noise, and all are printed. What
//! a call hears of a tap whose store hangs is in `cargo test --test e2e stuck_tap`.

use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lane_broker::tap::{RuleSpec, Tap, TapConfig};
use lane_broker::{Limits, MemoryStore};
use media_core::hearing::EarConfig;
use media_core::{Codec, Direction, LineId, NegotiatedMedia, OpusFormat, Ptime};
use media_engine::{
    Carrier, Engine, EngineConfig, EngineMetrics, Engines, Line, LineMode, LineSpec,
};

const LINES: u64 = 40;
/// A second of every line.
const TICKS: u64 = 50;
/// By chance alone all of those beside the tap are later than all without once in a thousand runs, and
/// more seldom by more than the noise.
const ROUNDS: usize = 6;
/// What a flood of lines may cost on a machine with nothing else to do; to wait for a tap that is stuck
/// would cost a tick far more.
const NOISE_US_MIN: u64 = 1_000;

#[test]
fn a_tap_that_is_stuck_does_not_make_the_tick_late() {
    let (mut without, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(round(|| {}));
        let mut stuck = StuckTap::start();
        beside.push(round(|| stuck.flood()));
        let counts = stuck.tap.counts().sorter;
        println!("the tap: {counts:?}");
        assert!(counts.lost > 100 && counts.sorted <= 10, "it is stuck, and drops: {counts:?}");
    }
    let shown = |rounds: &[EngineMetrics]| {
        let shown = |m: &EngineMetrics| {
            let late = m.lateness;
            format!("p50 {} p99 {} max {} us", late.p50_us, late.p99_us, late.max_us)
        };
        rounds.iter().map(shown).collect::<Vec<_>>().join("; ")
    };
    println!("tick lateness without a tap: {}", shown(&without));
    println!("beside one that is stuck:    {}", shown(&beside));
    // A tick that waited for the tap would be late in each of the rounds beside it. No more than the
    // noise: the best of those is no later than the worst without, and what these differ.
    for (what, of) in [
        ("p50", (|m| m.lateness.p50_us) as fn(&EngineMetrics) -> u64),
        ("p99", |m| m.lateness.p99_us),
        ("max", |m| m.lateness.max_us),
    ] {
        let least = |rounds: &[EngineMetrics]| rounds.iter().map(of).min().unwrap_or_default();
        let worst = without.iter().map(of).max().unwrap_or_default();
        let (alone, beside) = (least(&without), least(&beside));
        let noise = (worst - alone).max(NOISE_US_MIN);
        println!("{what}: {beside} us beside it, {alone} to {worst} us without");
        assert!(beside <= worst + noise, "{what}: {beside} us late, {alone} to {worst} us without");
    }
}

/// An engine that carries its lines for `TICKS` ticks, while something else happens.
fn round(mut meanwhile: impl FnMut()) -> EngineMetrics {
    let config = EngineConfig { port_range: 30_000..=31_999, ..EngineConfig::default() };
    let engine = Engine::start(config, Engines::default()).expect("an engine");
    let peer = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let peer = peer.local_addr().expect("bound");
    let lines: Vec<Line> = (0..LINES).map(|n| open(&engine, n, peer)).collect();
    while engine.metrics().ticks < TICKS {
        meanwhile();
        std::thread::sleep(Duration::from_millis(10));
    }
    let metrics = engine.metrics();
    drop(lines);
    engine.shutdown();
    metrics
}

fn open(engine: &Engine, n: u64, peer: SocketAddr) -> Line {
    let media = NegotiatedMedia {
        remote_rtp: peer,
        remote_rtcp: peer,
        codec: Codec::Pcmu,
        send_payload_type: Codec::Pcmu.usual_payload_type(),
        receive_payload_type: Codec::Pcmu.usual_payload_type(),
        send_telephone_event: None,
        receive_telephone_event: None,
        telephone_event_hz: 8_000,
        opus: OpusFormat::default(),
        ptime: Ptime::MS20,
        direction: Direction::SendRecv,
        voip_metrics: false,
        srtp: None,
    };
    let port = engine.reserve_port().expect("a free port");
    let (id, ear) = (LineId(n + 1), EarConfig::default());
    let spec = LineSpec {
        id,
        carrier: Carrier::Rtp { port, media },
        mode: LineMode::Echo,
        record: None,
        ear,
    };
    engine.open_line(spec, Box::new(drop)).expect("a line opens")
}

/// A tap whose writing side hangs for good with its first event.
struct StuckTap {
    tap: Tap,
    log: std::fs::File,
    /// As long as it lives, the writer hangs.
    _hold: Sender<()>,
    _dir: tempfile::TempDir,
}

impl StuckTap {
    fn start() -> StuckTap {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log");
        let log = std::fs::File::create(&path).expect("it is made");
        let all =
            RuleSpec { name: "all".into(), say: Some("{text}".into()), ..RuleSpec::default() };
        let config =
            TapConfig { logs: vec![path], rules: vec![all], queue_max: 8, ..TapConfig::default() };
        let (hold, held) = channel::<()>();
        let held = Mutex::new(held);
        let lanes = Arc::new(MemoryStore::new(Limits::default()));
        let speak = move |_| drop(held.lock().map(|held| held.recv()));
        let tap = Tap::start(&config, lanes, Box::new(speak)).expect("the tap starts");
        StuckTap { tap, log, _hold: hold, _dir: dir }
    }

    /// Two thousand lines a second.
    fn flood(&mut self) {
        let lines = "something has happened that nobody has time to write down\n".repeat(20);
        self.log.write_all(lines.as_bytes()).expect("it is written");
    }
}
