use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use brain_supervisor::{Supervisor, SupervisorConfig, SupervisorEvent, SupervisorHandle};
use lane_broker::LaneStore;
use media_core::Codec;
use media_engine::{Clock, Engine};
use sip_bridge::negotiation::MediaTerms;
use sip_bridge::outbound::OutboundGate;
use sip_bridge::{Bridge, BridgeConfig, BridgeEvent, Trunk, TrunkPolicy};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::account::AccountFile;
use super::desk::{Desk, DeskParts, Signals};
use super::doors::Doors;
use super::lanes::OpenLanes;
use super::media::engine_config;
use super::writing;
use crate::carrier::{Carrier, CarrierError};
use crate::cdr::CallRecords;
use crate::config::{Config, LaneStoreKind, LineMode, TrunkSection, runtime_dir};
use crate::control::server;
use crate::durable::{Keeper, Recovered, Sounds};
use crate::engines::{self, Engines};
use crate::http::{Behind, Pages};
use crate::line::Journal;
use crate::rooms::Rooms;
use crate::say::spool;
use crate::watch::Watch;

/// What `xenline serve` can be told besides the configuration.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// The file that the configuration came from; it is read again on SIGHUP.
    pub config_file: Option<PathBuf>,
    /// Print every event as JSON on standard output.
    pub events: bool,
}

/// Why the line does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// A recogniser or voice cannot be had.
    #[error(transparent)]
    Engine(#[from] engines::EngineError),
    /// The audio threads do not start.
    #[error("audio: {0}")]
    Audio(String),
    /// Signalling does not start.
    #[error("{0}; `xenline check` says who has the port")]
    Signalling(#[from] sip_bridge::StartError),
    /// The brain cannot be started at all.
    #[error("brain: {0}")]
    Brain(String),
    /// The line's own socket cannot be made.
    #[error("cannot listen at {}: {source}; set [say] socket to another path", path.display())]
    Control {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The spool's directories cannot be made, or are somebody else's.
    #[error("cannot use the spool: {0}; or set [say] spool to another path")]
    Spool(#[from] spool::SpoolError),
    /// Calls cannot be recorded where the configuration says.
    #[error("cannot record into {}: {source}; make it writable or change [recording] dir", dir.display())]
    Recording {
        /// Where.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Calls cannot be put on record.
    #[error(transparent)]
    Cdr(#[from] crate::cdr::CdrError),
    /// What the machine does cannot be watched.
    #[error("tap: {0}")]
    Tap(#[from] lane_broker::tap::TapError),
    /// The day's account of calls out cannot be read.
    #[error("{0}")]
    Account(String),
    /// What a carrier publishes about itself cannot be read; without it a trunk's sound could come from
    /// anywhere.
    #[error("{0}; mend the file, or name the trunk's networks in [[trunk]] media")]
    Carrier(#[from] CarrierError),
    /// The lanes cannot be kept where the configuration says.
    #[error(transparent)]
    Lanes(#[from] super::lanes::LanesFailure),
    /// The system gives no thread.
    #[error("no thread for the journal: {0}")]
    Journal(std::io::Error),
    /// What is written cannot be carried.
    #[error("messages: {0}")]
    Text(std::io::Error),
    /// Signals cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signals(std::io::Error),
}

/// Bridge events that wait for the desk; the bridge keeps more itself.
const BRIDGE_EVENTS_MAX: usize = 1_024;
/// A brain that builds its index takes a second; one that takes longer does not keep callers out.
const BRAIN_WITHIN: Duration = Duration::from_secs(5);
const BRAIN_POLL: Duration = Duration::from_millis(20);
/// Where earlier versions kept the sounds that wait.
const SOUNDS_BEFORE: &str = "sounds";
/// Requests from this machine's programs that wait for the desk.
const ASKED_MAX: usize = 64;

/// Runs the line until SIGTERM or SIGINT, then lets the running calls end.
///
/// # Errors
/// [`StartFailure`], before the first call could have come in.
pub async fn serve(config: Config, options: ServeOptions) -> Result<(), StartFailure> {
    serve_with(config, options, drop).await
}

/// [`serve`], and hands the doors of the house to whoever opens some of its own.
///
/// # Errors
/// [`StartFailure`], before the first call could have come in.
pub async fn serve_with(
    config: Config,
    options: ServeOptions,
    opened: impl FnOnce(Doors),
) -> Result<(), StartFailure> {
    super::heap::prepare();
    let signals = Signals::listen().map_err(StartFailure::Signals)?;
    sip_bridge::reveal_pii(config.log.show_pii);
    let agent = config.line.mode == LineMode::Agent;
    let engines = if agent { Some(engines::load(&config)?) } else { None };
    if let Some(problem) = engines.as_ref().and_then(|e| e.degraded.as_ref()) {
        tracing::warn!("speaking with the voice of last resort: {problem}");
    }
    let media = Arc::new(start_media(&config, engines.as_ref())?);
    let (doors, knocks) = Doors::new(&media);
    if let Some(dir) = &config.recording.dir {
        std::fs::create_dir_all(dir)
            .map_err(|source| StartFailure::Recording { dir: dir.clone(), source })?;
    }
    let records = CallRecords::start(&config)?;
    let OpenLanes { store: lanes, forgets } = super::lanes::open_lanes(&config)?;
    let sweeper = super::lanes::sweep(lanes.clone(), config.lanes.retention());
    let watch = Watch::default();
    let journal = Journal::start(options.events, watch.clone()).map_err(StartFailure::Journal)?;
    let (to_desk, bridge_events) = mpsc::channel(BRIDGE_EVENTS_MAX);
    let bridge = Bridge::start(bridge_config(&config)?, to_desk).await?;
    let (brain, brain_events) = start_brain(&config, agent)?;
    let (asked_in, asked) = mpsc::channel(ASKED_MAX);
    let socket = say_socket(&config);
    let (to_tap, to_door) = (asked_in.clone(), asked_in.clone());
    let kept = start_keeper(&config, &lanes, forgets, media.clock()).await;
    let kept = kept.map_err(StartFailure::Journal)?;
    let control = server::listen(&socket, &config.say, asked_in.clone())
        .map_err(|source| StartFailure::Control { path: socket.clone(), source })?;
    let spool = spool_dir(&config, &socket);
    let spools = spool::start(spool, &config.say, asked_in)?;
    wait_for_brain(brain.as_ref()).await;
    let text =
        writing::start(&config, lanes.clone(), brain.clone()).await.map_err(StartFailure::Text)?;
    let tap = super::tap::start(&config.tap, lanes.clone(), to_tap, text.clone())?;
    let written = (text.clone(), watch.clone());
    let rooms = super::rooms::start(&config, doors.clone(), written, media.clock());
    let webhooks = rooms.as_ref().map(Rooms::webhooks);
    let pages = Pages::default();
    let behind = Behind {
        text: text.clone(),
        watch,
        desk: to_door,
        pages: pages.clone(),
        talks: writing::talks(&config, &doors, media.clock()),
        recordings: config.recording.dir.clone(),
    };
    let door = writing::open_door(&config, behind, webhooks).await;
    announce(&bridge, &socket, options.events);
    let out = open_account(&config)?;
    opened(doors);
    let config_file = options.config_file;
    let desk = DeskParts {
        config,
        config_file,
        media,
        knocks,
        bridge,
        brain,
        journal,
        records,
        lanes,
        kept,
        text,
        tap,
        rooms: rooms.as_ref().map(Rooms::handle),
        out,
        pages,
    };
    // On a worker, beside the lines: the thread that waits here would be woken for every message. What
    // ends this ends it.
    let mut house = JoinSet::new();
    house.spawn(Desk::new(desk).run(bridge_events, brain_events, asked, signals));
    if let Some(Err(error)) = house.join_next().await
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
    drop((control, spools, sweeper, door));
    if let Some(rooms) = rooms {
        rooms.close().await;
    }
    Ok(())
}

/// What an earlier run left is read before the first call comes in. Lanes that forget although others
/// should be there leave the sounds beside those alone.
async fn start_keeper(
    config: &Config,
    lanes: &Arc<dyn LaneStore>,
    forgets: Option<String>,
    clock: Clock,
) -> std::io::Result<(Keeper, Recovered)> {
    let (lanes, sounds) = (lanes.clone(), sounds(config).filter(|_| forgets.is_none()));
    let start = move || {
        let sounds = sounds.and_then(|dir| match Sounds::open(&dir) {
            Ok(sounds) => Some(sounds.or_in(dir.with_file_name(SOUNDS_BEFORE))),
            Err(error) => {
                tracing::warn!(%error, dir = %dir.display(), "sounds that wait would not survive a restart");
                None
            }
        });
        let started = Keeper::start(lanes, sounds, clock)?;
        if let Some(reason) = forgets {
            started.0.state().will_forget(reason);
        }
        Ok(started)
    };
    tokio::task::spawn_blocking(start).await.map_err(std::io::Error::other)?
}

/// Where sounds that wait are kept: beside the lanes, if those are kept. In a folder that nobody else
/// has: `sounds` may hold the house's chimes.
fn sounds(config: &Config) -> Option<PathBuf> {
    let kept = config.lanes.store != LaneStoreKind::Memory;
    kept.then(|| {
        let mut folder = config.lanes.file().into_os_string();
        folder.push(".sounds");
        folder.into()
    })
}

/// The socket behind `xenline say`.
#[must_use]
pub fn say_socket(config: &Config) -> PathBuf {
    config.say.socket.clone().unwrap_or_else(|| runtime_dir().join("say.sock"))
}

/// The spool, where files to be said are dropped.
fn spool_dir(config: &Config, socket: &std::path::Path) -> PathBuf {
    let beside = || socket.with_file_name("spool");
    config.say.spool.clone().unwrap_or_else(beside)
}

fn start_media(config: &Config, engines: Option<&Engines>) -> Result<Engine, StartFailure> {
    let speech = media_engine::Engines {
        stt: engines.map(|e| e.stt.clone()),
        tts: engines.map(|e| e.tts.clone()),
        fallback_tts: engines.map(|e| e.fallback.clone()),
        codecs: engines::codecs(),
    };
    Engine::start(engine_config(config), speech)
        .map_err(|error| StartFailure::Audio(error.to_string()))
}

/// Who may call.
pub(super) fn trunks(config: &Config) -> Vec<Trunk> {
    let trunk =
        |section: &TrunkSection| Trunk { name: section.name.clone(), allow: section.allow.clone() };
    config.trunk.iter().map(trunk).collect()
}

/// What each trunk is believed and allowed.
pub(super) fn policies(config: &Config) -> BTreeMap<String, TrunkPolicy> {
    config.trunk.iter().map(|it| (it.name.clone(), it.policy())).collect()
}

/// The gate of calls out, with the day's account as an earlier run left it beside the lanes.
fn open_account(config: &Config) -> Result<(OutboundGate, AccountFile), StartFailure> {
    let path = config.lanes.file().with_file_name("outbound.json");
    let (file, book) =
        AccountFile::open(path).map_err(|error| StartFailure::Account(error.to_string()))?;
    Ok((OutboundGate::new(config.outbound.policy(), book), file))
}

fn bridge_config(config: &Config) -> Result<BridgeConfig, CarrierError> {
    Ok(BridgeConfig {
        udp: config.sip.listen_udp,
        tcp: config.sip.listen_tcp,
        tls: config.sip.tls(),
        trunks: trunks(config),
        policies: policies(config),
        routes: config
            .trunk
            .iter()
            .flat_map(|trunk| trunk.probe.iter().map(|to| (trunk.name.clone(), to.clone())))
            .collect(),
        registrations: config.registration.iter().filter_map(|it| it.spec()).collect(),
        probe_every_s: config.sip.probe_s,
        limits: config.admission_limits(),
        codecs: codecs(&config.sip.codecs),
        terms: terms(config)?,
        next_route_after: Duration::from_secs(config.sip.next_route_s),
        media_ip: config.sip.media_ip,
        user_agent: config.sip.user_agent.clone(),
        ..BridgeConfig::default()
    })
}

/// What each trunk's calls may agree on. Reads what the carriers publish.
pub(super) fn terms(config: &Config) -> Result<Vec<(String, MediaTerms)>, CarrierError> {
    let named = |trunk: &TrunkSection| Ok((trunk.name.clone(), terms_of(config, trunk)?));
    config.trunk.iter().map(named).collect()
}

fn terms_of(config: &Config, trunk: &TrunkSection) -> Result<MediaTerms, CarrierError> {
    Ok(MediaTerms {
        codecs: codecs(trunk.codecs.as_ref().unwrap_or(&config.sip.codecs)),
        opus_over_udp: trunk.opus_over_udp,
        srtp: trunk.srtp.into(),
        srtp_keys_in_clear: trunk.srtp_keys_in_clear,
        media_networks: trunk.media_networks(Carrier::find)?,
    })
}

fn codecs(names: &[String]) -> Vec<Codec> {
    names.iter().filter_map(|name| engines::codec(name)).collect()
}

type Brain = (Option<SupervisorHandle>, mpsc::Receiver<SupervisorEvent>);

fn start_brain(config: &Config, agent: bool) -> Result<Brain, StartFailure> {
    if !agent {
        // An echo has no mind. The channel is closed, and never asked again.
        return Ok((None, mpsc::channel(1).1));
    }
    let command = engines::brain_command(config);
    if command.is_empty() {
        return Err(StartFailure::Brain(
            "no xenline-brain beside this binary: build it (`cargo build -p xenline-brain`) or set [brain] command".into(),
        ));
    }
    let socket_dir = config.brain.socket_dir.clone().unwrap_or_else(|| runtime_dir().join("brain"));
    let mut supervised = SupervisorConfig::new(command, socket_dir);
    supervised.log_shows_pii = config.log.show_pii;
    let (handle, events) =
        Supervisor::start(supervised).map_err(|error| StartFailure::Brain(error.to_string()))?;
    Ok((Some(handle), events))
}

/// Gives the brain its moment to start, so that the first caller is greeted. A line without a
/// brain still takes calls.
async fn wait_for_brain(brain: Option<&SupervisorHandle>) {
    let Some(brain) = brain else { return };
    let up = async {
        while !brain.is_connected() {
            tokio::time::sleep(BRAIN_POLL).await;
        }
    };
    if tokio::time::timeout(BRAIN_WITHIN, up).await.is_err() {
        tracing::warn!(
            "the brain is not up yet; calls are taken without it. `xenline check` looks at its command"
        );
    }
}

/// Says where the line can be reached: for people in the log, for programs on standard output.
fn announce(bridge: &Bridge, socket: &std::path::Path, events: bool) {
    let (udp, tcp) = (bridge.local_udp(), bridge.local_tcp());
    tracing::info!(?udp, ?tcp, say = %socket.display(), "the line is open");
    if events {
        use std::io::Write;
        let ready = serde_json::json!({ "type": "ready", "udp": udp, "tcp": tcp, "say": socket });
        let mut out = std::io::stdout().lock();
        // Nobody reading is no reason not to serve.
        let _ = writeln!(out, "{ready}").and_then(|()| out.flush());
    }
}

/// How long the rest of the house may take to close once the calls are over.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_secs(5);

// The desk names these; they are listed once, here.
pub(super) type BridgeEvents = mpsc::Receiver<BridgeEvent>;
pub(super) type BrainEvents = mpsc::Receiver<SupervisorEvent>;
