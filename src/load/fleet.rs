//! Many callers in one process: one SIP bridge, one audio engine.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

use media_core::hearing::EarConfig;
use media_core::{Codec, Generation, LineId, NegotiatedMedia, SampleRate};
use media_engine::{
    Carrier, Engine, EngineConfig, Engines, Line, LineEvent, LineMode, LineSpec, RtpPort, Speech,
};
use sip_bridge::{
    AdmissionLimits, Bridge, BridgeConfig, BridgeEvent, CallId, DialSpec, HangupReason,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Each caller's tone lasts so long and is then given again.
const TONE_MS: u32 = 4_000;
const TONE_HZ: f64 = 440.0;
/// A call that is not answered by then has failed.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const ENDED_WITHIN: Duration = Duration::from_secs(10);
/// Ports of the callers, RTP and RTCP, apart from those of the server under load.
const PORTS: RangeInclusive<u16> = 32_000..=39_999;
/// Callers for whom there are ports.
pub(super) const CALLS_MAX: usize = 4_000;

/// What the callers saw.
#[derive(Debug, Default)]
pub(super) struct FleetReport {
    pub failed: usize,
    pub rtp_sent: u64,
    pub rtp_received: u64,
    pub rtp_lost: u64,
    /// INVITE to the call being established, ascending.
    pub setups: Vec<Duration>,
}

/// Audio ticks of the callers: in each that ran, every caller sent a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallerTicks {
    pub run: u64,
    pub skipped: u64,
}

impl CallerTicks {
    /// Share of the ticks due since `before` that ran. 1: the callers sent all they should.
    pub fn run_since(&self, before: &Self) -> f64 {
        let (run, skipped) = (self.run - before.run, self.skipped - before.skipped);
        run as f64 / (run + skipped).max(1) as f64
    }
}

enum Caller {
    Dialling { port: Option<RtpPort>, began: Instant },
    Talking { line: Line, generation: Generation },
}

pub(super) struct Fleet {
    engine: Engine,
    bridge: Bridge,
    signals: mpsc::Receiver<BridgeEvent>,
    drained: (mpsc::Sender<CallId>, mpsc::Receiver<CallId>),
    callers: BTreeMap<CallId, Caller>,
    tone: Vec<i16>,
    wanted: usize,
    report: FleetReport,
}

impl Fleet {
    pub async fn new(calls: usize) -> Result<Fleet, String> {
        let engine = Engine::start(engine_config(calls), Engines::default())
            .map_err(|error| error.to_string())?;
        let (to_us, signals) = mpsc::channel(calls * 4 + 64);
        let config = BridgeConfig {
            udp: Some((HERE, 0).into()),
            limits: AdmissionLimits::channels(calls),
            codecs: vec![Codec::Pcmu],
            media_ip: HERE,
            user_agent: "xenline-load".into(),
            ..BridgeConfig::default()
        };
        let bridge = Bridge::start(config, to_us).await.map_err(|error| error.to_string())?;
        Ok(Fleet {
            engine,
            bridge,
            signals,
            drained: mpsc::channel(calls * 2 + 16),
            callers: BTreeMap::new(),
            tone: tone(),
            wanted: calls,
            report: FleetReport::default(),
        })
    }

    /// Dials `rate` calls a second, and returns when all are answered or have failed.
    pub async fn dial_all(&mut self, target: &str, rate: u32) {
        let mut pace = interval(Duration::from_secs(1) / rate);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..self.wanted {
            loop {
                tokio::select! {
                    biased;
                    _ = pace.tick() => break,
                    Some(signal) = self.signals.recv() => self.signal(signal),
                }
            }
            if self.dial(target).await.is_none() {
                self.report.failed += 1;
            }
        }
        let latest = Instant::now() + ANSWER_WITHIN;
        while self.dialling() > 0 && Instant::now() < latest {
            self.step(latest.min(Instant::now() + Duration::from_millis(100))).await;
        }
    }

    async fn dial(&mut self, target: &str) -> Option<()> {
        let port = self.engine.reserve_port().ok()?;
        let spec = DialSpec {
            target: target.to_owned(),
            from: "load".into(),
            local_rtp: port.local_addr(),
            codecs: vec![Codec::Pcmu],
            headers: Vec::new(),
        };
        let began = Instant::now();
        let call = self.bridge.dial(spec).await.ok()?;
        self.callers.insert(call, Caller::Dialling { port: Some(port), began });
        Some(())
    }

    pub async fn run_for(&mut self, time: Duration) {
        let latest = Instant::now() + time;
        while Instant::now() < latest {
            self.step(latest).await;
        }
    }

    /// The callers' audio ticks so far.
    pub fn ticks(&self) -> CallerTicks {
        let metrics = self.engine.metrics();
        CallerTicks { run: metrics.ticks, skipped: metrics.ticks_skipped }
    }

    /// Calls in which both sides can talk.
    pub fn talking(&self) -> usize {
        self.callers.values().filter(|c| matches!(c, Caller::Talking { .. })).count()
    }

    fn dialling(&self) -> usize {
        self.callers.len() - self.talking()
    }

    pub async fn hang_up_all(mut self, rate: u32) -> FleetReport {
        let unanswered = self.dialling();
        self.report.failed += unanswered;
        for caller in self.callers.values() {
            if let Caller::Talking { line, .. } = caller {
                let statistics = line.statistics();
                self.report.rtp_sent += statistics.rtp_sent;
                self.report.rtp_received += statistics.rtp_received;
                self.report.rtp_lost += statistics.rtp_lost;
            }
        }
        let mut pace = interval(Duration::from_secs(1) / rate);
        for call in self.callers.keys().copied().collect::<Vec<_>>() {
            pace.tick().await;
            self.bridge.hangup(call, HangupReason::Normal);
            while let Ok(signal) = self.signals.try_recv() {
                self.ended(&signal);
            }
        }
        let latest = Instant::now() + ENDED_WITHIN;
        while !self.callers.is_empty() && Instant::now() < latest {
            tokio::select! {
                Some(signal) = self.signals.recv() => self.ended(&signal),
                () = sleep_until(latest) => {}
            }
        }
        self.bridge.shutdown(Duration::ZERO).await;
        self.callers.clear();
        self.engine.shutdown();
        self.report.setups.sort();
        self.report
    }

    async fn step(&mut self, latest: Instant) {
        tokio::select! {
            Some(signal) = self.signals.recv() => self.signal(signal),
            Some(call) = self.drained.1.recv() => self.speak(call),
            () = sleep_until(latest) => {}
        }
    }

    fn signal(&mut self, signal: BridgeEvent) {
        match signal {
            BridgeEvent::Established { call, media } => self.established(call, media),
            BridgeEvent::Ended { call, outcome, .. } => {
                tracing::debug!(%call, ?outcome, "a call ended before its time");
                self.report.failed += usize::from(self.callers.remove(&call).is_some());
            }
            _ => {}
        }
    }

    fn ended(&mut self, signal: &BridgeEvent) {
        if let BridgeEvent::Ended { call, .. } = signal {
            self.callers.remove(call);
        }
    }

    fn established(&mut self, call: CallId, media: NegotiatedMedia) {
        let Some(Caller::Dialling { port, began }) = self.callers.get_mut(&call) else { return };
        let Some(port) = port.take() else { return };
        self.report.setups.push(began.elapsed());
        let drained = self.drained.0.clone();
        let sink = Box::new(move |event| {
            if let LineEvent::Drained { .. } = event {
                // Full: the tone pauses, and RTP goes on with silence.
                let _ = drained.try_send(call);
            }
        });
        let ear = EarConfig::new(SampleRate::Hz8000);
        let spec = LineSpec {
            id: LineId(call.0),
            carrier: Carrier::Rtp { port, media },
            mode: LineMode::Player,
            record: None,
            ear,
        };
        match self.engine.open_line(spec, sink) {
            Ok(line) => {
                self.callers.insert(call, Caller::Talking { line, generation: Generation::NONE });
                self.speak(call);
            }
            Err(error) => {
                tracing::warn!(%error, "a caller has no line");
                self.callers.remove(&call);
                self.report.failed += 1;
                self.bridge.hangup(call, HangupReason::Failure);
            }
        }
    }

    fn speak(&mut self, call: CallId) {
        let Some(Caller::Talking { line, generation }) = self.callers.get_mut(&call) else {
            return;
        };
        *generation = generation.next();
        let speech = Speech::Audio { samples: self.tone.clone(), rate: SampleRate::Hz8000 };
        line.grant(*generation, speech);
    }
}

fn engine_config(calls: usize) -> EngineConfig {
    EngineConfig {
        lines_max: calls,
        bind_ip: HERE,
        port_range: PORTS,
        media_timeout: Duration::from_secs(60),
        ..EngineConfig::default()
    }
}

fn tone() -> Vec<i16> {
    let rate = SampleRate::Hz8000;
    let step = TONE_HZ * std::f64::consts::TAU / f64::from(rate.hz());
    (0..rate.samples_in_ms(TONE_MS)).map(|n| ((n as f64 * step).sin() * 8_000.0) as i16).collect()
}
