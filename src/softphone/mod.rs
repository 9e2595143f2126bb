//! A small softphone: calls a SIP address, plays sound, records what comes back. It is the caller
//! in `xenline call`, in the demo and in the load test, and shares only the audio engine and the
//! SIP bridge with the line that it calls.

mod early;
mod verb;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use media_core::{Codec, Generation, Ptime};
use media_engine::{Engine, EngineConfig, Engines, Line, LineEvent, LineStatistics, Speech};
use sip_bridge::negotiation::SrtpPolicy;
use sip_bridge::{
    AdmissionLimits, Bridge, BridgeConfig, BridgeEvent, CallId, CallOutcome, DialError, DialSpec,
    HangupReason, TlsCalls,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::early::Reaching;
use crate::clip::Clip;

pub use verb::call;

/// Line events that wait for the softphone. It reads them all the time; this covers a second.
const EVENTS_MAX: usize = 256;
/// How long the other side may take to answer our BYE, and the recording to reach the disk.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// How to call.
#[derive(Clone, Debug)]
pub struct Dialling {
    /// Whom.
    pub target: String,
    /// As whom.
    pub from: String,
    /// Own address.
    pub bind: IpAddr,
    /// Codecs to offer.
    pub codecs: Vec<Codec>,
    /// Stereo recording: heard left, said right.
    pub record: Option<PathBuf>,
    /// Whether the sound has to be protected (SRTP): then the target is reached over TLS.
    pub srtp: bool,
    /// Whom we believe over TLS, PEM; `None`: Mozilla's list.
    pub tls_ca: Option<PathBuf>,
    /// `X-` headers of the INVITE.
    pub headers: Vec<(String, String)>,
    /// Longest wait for an answer.
    pub answer_within: Duration,
}

/// Why there is no conversation, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Our own side could not be set up.
    #[error("cannot call: {0}")]
    Setup(String),
    /// The target or our own name is no address.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The other side refused, or the call ended.
    #[error("the call ended: {} {} (by the {:?} side)", .0.sip_status, .0.reason, .0.hangup_by)]
    Ended(CallOutcome),
    /// Nobody answered in time.
    #[error(
        "not answered within {0:?}; is the line running, and does a [[trunk]] of it list our address?"
    )]
    NotAnswered(Duration),
}

/// What a call was like from the caller's side.
#[derive(Clone, Debug)]
pub struct CallReport {
    /// How it ended.
    pub outcome: Option<CallOutcome>,
    /// Media figures.
    pub statistics: LineStatistics,
    /// INVITE to 200, ms.
    pub setup: Duration,
}

/// What came before the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before {
    /// INVITE to the first 180.
    pub rang: Option<Duration>,
    /// INVITE to the first word of sound from the other side.
    pub heard: Option<Duration>,
    /// How the sound is protected.
    pub protection: Option<&'static str>,
}

/// An established call.
pub struct Softphone {
    engine: Engine,
    bridge: Bridge,
    signals: mpsc::Receiver<BridgeEvent>,
    call: CallId,
    line: Line,
    events: mpsc::Receiver<LineEvent>,
    generation: Generation,
    setup: Duration,
    before: Before,
    outcome: Option<CallOutcome>,
}

impl Softphone {
    /// Dials, and returns once the call is answered.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn dial(dialling: Dialling) -> Result<Softphone, CallError> {
        let setup = |error: &dyn std::fmt::Display| CallError::Setup(error.to_string());
        let engine =
            Engine::start(engine_config(dialling.bind), media_engines()).map_err(|e| setup(&e))?;
        let (to_us, mut signals) = mpsc::channel(EVENTS_MAX);
        let bridge = Bridge::start(bridge_config(&dialling), to_us).await.map_err(|e| setup(&e))?;
        let port = engine.reserve_port().map_err(|e| setup(&e))?;
        let began = Instant::now();
        let spec = DialSpec {
            target: dialling.target.clone(),
            from: dialling.from.clone(),
            local_rtp: port.local_addr(),
            codecs: dialling.codecs.clone(),
            headers: dialling.headers.clone(),
        };
        let call = bridge.dial(spec).await?;
        let reaching = Reaching::new(&engine, port, dialling.record, began);
        let (line, events, before) =
            match reaching.answered(&mut signals, dialling.answer_within).await {
                Ok(reached) => reached,
                Err(error) => {
                    bridge.shutdown(Duration::ZERO).await;
                    engine.shutdown();
                    return Err(error);
                }
            };
        let took = began.elapsed();
        let generation = Generation::NONE;
        Ok(Softphone {
            engine,
            bridge,
            signals,
            call,
            line,
            events,
            generation,
            setup: took,
            before,
            outcome: None,
        })
    }

    /// Says `clip`, and returns when all of it was sent.
    ///
    /// # Errors
    /// [`CallError::Ended`] when the other side hung up meanwhile.
    pub async fn play(&mut self, clip: &Clip) -> Result<(), CallError> {
        self.generation = self.generation.next();
        let speech = Speech::Audio { samples: clip.samples.clone(), rate: clip.rate };
        self.line.grant(self.generation, speech);
        let ours = self.generation;
        let drained = move |event: &LineEvent| matches!(event, LineEvent::Drained { generation, .. } if *generation == ours);
        let latest = Instant::now() + clip.duration() + CLOSE_WITHIN;
        self.until(drained, latest).await
    }

    /// Listens for so long.
    ///
    /// # Errors
    /// [`CallError::Ended`] when the other side hung up meanwhile.
    pub async fn listen(&mut self, time: Duration) -> Result<(), CallError> {
        self.until(|_| false, Instant::now() + time).await
    }

    /// Sends DTMF.
    pub fn digits(&self, digits: &str) {
        self.line.send_digits(digits);
    }

    /// Figures so far.
    #[must_use]
    pub fn statistics(&self) -> LineStatistics {
        self.line.statistics()
    }

    /// Hangs up, if the other side has not, and lets go of everything.
    pub async fn hang_up(mut self) -> CallReport {
        if self.outcome.is_none() {
            self.bridge.hangup(self.call, HangupReason::Normal);
            let ended = self.until(|_| false, Instant::now() + CLOSE_WITHIN);
            // An answer to the BYE is welcome and not needed.
            let _ = ended.await;
        }
        let mut statistics = self.line.close().statistics;
        let closed = async {
            while let Some(event) = self.events.recv().await {
                if let LineEvent::Closed { statistics, .. } = event {
                    return Some(*statistics);
                }
            }
            None
        };
        if let Ok(Some(last)) = tokio::time::timeout(CLOSE_WITHIN, closed).await {
            statistics = last;
        }
        self.bridge.shutdown(Duration::ZERO).await;
        self.engine.shutdown();
        CallReport { outcome: self.outcome, statistics, setup: self.setup }
    }

    /// Waits for a line event that is `enough`, or until `latest`.
    async fn until(
        &mut self,
        enough: impl Fn(&LineEvent) -> bool,
        latest: Instant,
    ) -> Result<(), CallError> {
        loop {
            tokio::select! {
                signal = self.signals.recv() => match signal {
                    Some(BridgeEvent::Ended { outcome, .. }) => {
                        self.outcome = Some(outcome.clone());
                        return Err(CallError::Ended(outcome));
                    }
                    Some(BridgeEvent::MediaChanged { media, .. }) => self.line.update_media(media),
                    Some(_) => {}
                    None => return Err(CallError::Setup("the bridge is gone".into())),
                },
                Some(event) = self.events.recv() => if enough(&event) {
                    return Ok(());
                },
                () = tokio::time::sleep_until(latest) => return Ok(()),
            }
        }
    }
}

/// A softphone hears and speaks no words, only codecs.
fn media_engines() -> Engines {
    Engines { codecs: crate::engines::codecs(), ..Engines::default() }
}

fn engine_config(bind: IpAddr) -> EngineConfig {
    EngineConfig {
        audio_threads: 1,
        ptime: Ptime::MS20,
        lines_max: 1,
        bind_ip: bind,
        // Beside the line's own default range, so that both live on one machine.
        port_range: 30_000..=32_000,
        realtime_priority: None,
        stt_workers: 1,
        tts_workers: 1,
        media_timeout: Duration::from_secs(60),
        ..EngineConfig::default()
    }
}

fn bridge_config(dialling: &Dialling) -> BridgeConfig {
    let any = Some((dialling.bind, 0).into());
    BridgeConfig {
        udp: any,
        tcp: any,
        limits: AdmissionLimits::channels(1),
        codecs: dialling.codecs.clone(),
        tls_calls: Some(TlsCalls { ca: dialling.tls_ca.clone() }),
        srtp: if dialling.srtp { SrtpPolicy::Required } else { SrtpPolicy::Off },
        media_ip: dialling.bind,
        user_agent: concat!("xenline-call/", env!("CARGO_PKG_VERSION")).into(),
        ..BridgeConfig::default()
    }
}
