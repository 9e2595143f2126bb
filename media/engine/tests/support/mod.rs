//! Helpers of the engine's tests: an engine on loopback, a telephone to call it with, and ears
//! for what comes back.
#![allow(dead_code, reason = "each test binary uses some of it")]

pub mod ends;
pub mod phone;
pub mod signal;
pub mod workers;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use media_core::hearing::EarConfig;
use media_core::{Codec, Direction, LineId, NegotiatedMedia, OpusFormat, PayloadType, Ptime};
use media_engine::{Carrier, Engine, EngineConfig, Engines, Line, LineEvent, LineMode, LineSpec};

pub const TELEPHONE_EVENT: PayloadType = PayloadType(101);

/// A sure sign of trouble; everything here takes milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub fn config() -> EngineConfig {
    EngineConfig {
        bind_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port_range: 20_000..=29_999,
        lines_max: 64,
        ..EngineConfig::default()
    }
}

pub fn engine() -> Engine {
    engine_with(Engines::default())
}

pub fn engine_with(engines: Engines) -> Engine {
    Engine::start(config(), engines).expect("an engine starts")
}

/// What was agreed on with a peer at `remote`.
pub fn media(remote: SocketAddr, codec: Codec) -> NegotiatedMedia {
    NegotiatedMedia {
        remote_rtp: remote,
        remote_rtcp: SocketAddr::new(remote.ip(), remote.port() + 1),
        codec,
        send_payload_type: codec.usual_payload_type(),
        receive_payload_type: codec.usual_payload_type(),
        send_telephone_event: Some(TELEPHONE_EVENT),
        receive_telephone_event: Some(TELEPHONE_EVENT),
        telephone_event_hz: 8_000,
        opus: OpusFormat::default(),
        ptime: Ptime::MS20,
        direction: Direction::SendRecv,
        voip_metrics: false,
        srtp: None,
    }
}

/// An open line with its events.
pub struct Call {
    pub line: Line,
    pub rtp: SocketAddr,
    pub events: Receiver<LineEvent>,
}

pub fn open(engine: &Engine, mode: LineMode, media: NegotiatedMedia) -> Call {
    open_recording(engine, mode, media, None)
}

pub fn open_recording(
    engine: &Engine,
    mode: LineMode,
    media: NegotiatedMedia,
    record: Option<PathBuf>,
) -> Call {
    let port = engine.reserve_port().expect("a free port");
    let rtp = port.local_addr();
    let (sink, events) = channel();
    let ear = EarConfig { traced: true, ..EarConfig::default() };
    let spec = LineSpec { id: LineId(1), carrier: Carrier::Rtp { port, media }, mode, record, ear };
    let sink = Box::new(move |event| drop(sink.send(event)));
    let line = engine.open_line(spec, sink).expect("a line opens");
    Call { line, rtp, events }
}

impl Call {
    /// The next event that `wanted` picks, or the end of the test.
    pub fn wait_for<T>(&self, what: &str, mut wanted: impl FnMut(&LineEvent) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => {
                    if let Some(found) = wanted(&event) {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {what} within {PATIENCE:?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the line ended without {what}"),
            }
        }
    }

    /// Closes the line; returns its last event.
    pub fn close(self) -> LineEvent {
        let Self { line, events, .. } = self;
        let _ = line.close();
        let mut last = None;
        while let Ok(event) = events.recv_timeout(PATIENCE) {
            let closed = matches!(event, LineEvent::Closed { .. });
            last = Some(event);
            if closed {
                break;
            }
        }
        last.expect("a line that closes says so")
    }
}

/// Waits until `done`, or fails with what `describe` says.
pub fn eventually(done: impl Fn() -> bool, describe: impl Fn() -> String) {
    let until = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "{}", describe());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What an attempt of [`with_time_kept`] comes to.
pub fn ensure(good: bool, describe: impl FnOnce() -> String) -> Result<(), String> {
    good.then_some(()).ok_or_else(describe)
}

/// Tries what only a machine that keeps time can pass: `attempt` gets an engine, and returns how
/// late its own packets were and whether all was well. It fails if it fails although engine and
/// packets were on time, or if five attempts were all disturbed.
pub fn with_time_kept(attempt: impl Fn(&Engine) -> (Duration, Result<(), String>)) {
    with_time_kept_by(Engines::default, attempt);
}

/// The same with workers, of whose lateness `attempt` takes care.
pub fn with_time_kept_by(
    engines: impl Fn() -> Engines,
    attempt: impl Fn(&Engine) -> (Duration, Result<(), String>),
) {
    let mut failures = Vec::new();
    for _ in 0..5 {
        let engine = engine_with(engines());
        let (packets_late, result) = attempt(&engine);
        let Err(failure) = result else { return };
        let ticks_late = Duration::from_micros(engine.metrics().lateness.max_us);
        failures.push(format!("{failure} (ticks {ticks_late:?}, packets {packets_late:?} late)"));
        if ticks_late.max(packets_late) < Duration::from_millis(5) {
            break;
        }
    }
    panic!("{failures:#?}");
}
