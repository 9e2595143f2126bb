//! A seat at a line: the connection that holds it, and the sound between here and there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use media_core::hearing::EarConfig;
use media_core::playout::Pulled;
use media_core::plugin::AudioSource;
use media_core::{LineId, MonoTime, SampleRate, level};
use media_engine::{
    Carrier, Engine, EngineConfig, Engines, Leg, LegMix, LegSpec, Line, LineMode, LineSpec, RtpPort,
};
use plugin_console::{
    Microphone, OpenMicrophone, OpenSpeaker, SoundError, Speaker, Switch, TalkMode,
};
use tokio::sync::{mpsc, oneshot};

use super::link::Way;
use super::news::News;
use super::seat::{Part, SoundLook};
use crate::control::{Reply, Request, attach_media};

/// Which devices are meant; `None` is the system's own choice.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub microphone: Option<String>,
    pub speaker: Option<String>,
    pub mode: TalkMode,
}

/// Why somebody does not sit.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSeated {
    /// Keys and text still do everything else.
    #[error(transparent)]
    NoSound(#[from] SoundError),
    /// A sound server that hangs, or died.
    #[error("the sound system does not answer")]
    SoundHangs,
    /// The line, or this process, has something against it, in words.
    #[error("{0}")]
    Refused(String),
}

impl From<String> for NotSeated {
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

/// A seat. Dropping it leaves the line.
pub(super) struct Seated {
    sound: Sounding,
    line: Line,
    engine: Engine,
    at: (u64, u64),
    _keeps: mpsc::Sender<()>,
}

impl Seated {
    /// Sits down at `line`.
    ///
    /// # Errors
    /// [`NotSeated`].
    pub async fn sit(
        socket: &Path,
        (line, part): (u64, Part),
        wanted: &Wanted,
        news: mpsc::Sender<News>,
    ) -> Result<Seated, NotSeated> {
        let engine = Engine::start(engine_config(), engines()).map_err(|it| it.to_string())?;
        let port = engine.reserve_port().map_err(|it| it.to_string())?;
        // Before anybody is disturbed.
        let devices = Devices::open(wanted).await?;
        let mut way = Way::open(socket).await?;
        way.ask(&Request::Attach { line, part, rtp: port.local_addr() }).await?;
        let (leg, rtp) = match way.reply().await? {
            Reply::Attached { leg, rtp, .. } => (leg, rtp),
            Reply::Refused { message, .. } => return Err(message.into()),
            other => return Err(format!("the line answers otherwise: {other:?}").into()),
        };
        let ours = open_line(&engine, port, rtp)?;
        let sound = Sounding::join(&engine, &ours, devices)?;
        let (keeps, kept) = mpsc::channel(1);
        tokio::spawn(hold(way, kept, news));
        Ok(Seated { sound, line: ours, engine, at: (line, leg), _keeps: keeps })
    }

    /// What asks the line to let us take part differently.
    pub fn to_part(&self, part: Part) -> Request {
        let (line, leg) = self.at;
        Request::Part { line, leg, part }
    }

    /// The microphone's keys.
    pub fn switch(&self) -> Option<&Switch> {
        self.sound.microphone.as_ref().ok().map(OpenMicrophone::switch)
    }

    /// Closes the devices, so that others may be opened; the seat stays.
    pub fn close_devices(&mut self) {
        self.sound.close();
    }

    /// Uses these devices; the seat stays.
    ///
    /// # Errors
    /// Our own line does not take them.
    pub fn use_devices(&mut self, devices: Devices) -> Result<(), NotSeated> {
        self.sound = Sounding::join(&self.engine, &self.line, devices)?;
        Ok(())
    }

    /// How it sounds.
    pub fn look(&self) -> SoundLook {
        self.sound.look()
    }
}

/// Tells what becomes of the seat, until one side has enough.
async fn hold(mut way: Way, mut kept: mpsc::Receiver<()>, news: mpsc::Sender<News>) {
    loop {
        let reply = tokio::select! {
            // Nothing is ever sent: we left.
            _ = kept.recv() => return,
            reply = way.reply() => reply,
        };
        let why = match reply {
            Ok(Reply::TakesPart { part }) => {
                let _ = news.send(News::Part(part)).await;
                continue;
            }
            Ok(Reply::Left { reason }) => reason,
            Ok(_) => continue,
            Err(why) => why,
        };
        let _ = news.send(News::Left(Some(why))).await;
        return;
    }
}

/// Open devices and their ends; `None` once somebody uses them.
pub(super) struct Devices(Option<Box<Open>>);

struct Open {
    microphone: Result<(OpenMicrophone, Microphone), SoundError>,
    speaker: (OpenSpeaker, Speaker),
}

impl Devices {
    /// On a thread of its own: a sound server that hangs keeps whoever calls it.
    ///
    /// # Errors
    /// [`NotSeated`].
    pub async fn open(wanted: &Wanted) -> Result<Self, NotSeated> {
        let (wanted, (answer, opened)) = (wanted.clone(), oneshot::channel());
        let opens = move || drop(answer.send(Self::open_here(&wanted)));
        let thread = std::thread::Builder::new().name("devices".into()).spawn(opens);
        thread.map_err(|error| format!("no thread for the devices: {error}"))?;
        match tokio::time::timeout(SOUND_WITHIN, opened).await {
            Ok(Ok(devices)) => Ok(devices?),
            _ => Err(NotSeated::SoundHangs),
        }
    }

    /// A loudspeaker there must be; whoever has no microphone listens.
    fn open_here(wanted: &Wanted) -> Result<Self, SoundError> {
        let (speaker, sink, played) = Speaker::open(wanted.speaker.as_deref())?;
        let microphone = Microphone::open(wanted.microphone.as_deref(), Some(played));
        if let Ok((open, _)) = &microphone {
            open.switch().set_mode(wanted.mode);
        }
        Ok(Self(Some(Box::new(Open { microphone, speaker: (speaker, sink) }))))
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            close_elsewhere(open);
        }
    }
}

/// A device whose server has died may never close, and must not keep the terminal. Without a thread it
/// is closed here.
fn close_elsewhere(devices: impl Send + 'static) {
    let _ = std::thread::Builder::new().name("device-closer".into()).spawn(move || drop(devices));
}

/// Devices that sit at our own line, across from the other's RTP.
struct Sounding {
    leg: Option<Leg>,
    /// Or why there is none.
    microphone: Result<OpenMicrophone, String>,
    speaker: Option<OpenSpeaker>,
}

impl Sounding {
    fn join(engine: &Engine, line: &Line, mut devices: Devices) -> Result<Self, String> {
        let Some(open) = devices.0.take() else { return Err("these are in use".into()) };
        let Open { microphone, speaker: (speaker, sink) } = *open;
        let (microphone, source): (_, Box<dyn AudioSource>) = match microphone {
            Ok((open, end)) => (Ok(open), Box::new(end)),
            Err(why) => (Err(why.to_string()), Box::new(Hush)),
        };
        let carrier = Carrier::Ends { source, sink: Box::new(sink) };
        let spec = LegSpec { carrier, ear: None, mix: LegMix::default() };
        let leg = engine.join(line, spec, Box::new(|_| {})).map_err(|it| it.to_string())?;
        Ok(Self { leg: Some(leg), microphone, speaker: Some(speaker) })
    }

    fn close(&mut self) {
        self.leg = None;
        let microphone = std::mem::replace(&mut self.microphone, Err("it is being opened".into()));
        close_elsewhere((microphone, self.speaker.take()));
    }

    fn look(&self) -> SoundLook {
        let mut look = SoundLook::default();
        match &self.microphone {
            Ok(open) => {
                look.microphone = open.name().to_owned();
                look.mic = open.figures();
                (look.mode, look.open) = (open.switch().mode(), open.switch().is_open());
            }
            Err(why) => {
                look.microphone = "no microphone".into();
                look.mic.level_dbov = level::SILENCE_DBOV as i8;
                look.no_microphone = Some(why.clone());
            }
        }
        match &self.speaker {
            Some(open) => (look.speaker, look.out) = (open.name().to_owned(), open.figures()),
            None => look.opening = true,
        }
        look
    }
}

impl Drop for Sounding {
    fn drop(&mut self) {
        self.close();
    }
}

/// Longer than a device takes that starts its server first.
const SOUND_WITHIN: Duration = Duration::from_secs(6);

/// Who has no microphone.
struct Hush;

impl AudioSource for Hush {
    fn sample_rate(&self) -> SampleRate {
        SampleRate::Hz48000
    }

    fn pull(&mut self, _deadline: MonoTime, out: &mut [i16]) -> Pulled {
        out.fill(0);
        Pulled { silent: out.len(), ..Pulled::default() }
    }

    fn delay_ms(&self) -> u32 {
        0
    }
}

/// Our half of the way: RTP from the line on one side, the devices on the other.
fn open_line(engine: &Engine, port: RtpPort, rtp: SocketAddr) -> Result<Line, String> {
    let carrier = Carrier::Rtp { port, media: attach_media(rtp) };
    let (mode, ear) = (LineMode::Player, EarConfig::default());
    let spec = LineSpec { id: LineId(1), carrier, mode, record: None, ear };
    engine.open_line(spec, Box::new(|_| {})).map_err(|it| it.to_string())
}

fn engines() -> Engines {
    Engines { codecs: crate::engines::codecs(), ..Engines::default() }
}

fn engine_config() -> EngineConfig {
    EngineConfig {
        audio_threads: 1,
        // Our line, and the devices that sit at it.
        lines_max: 2,
        bind_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        // Beside the line's own range and the softphone's, so that all live on one machine.
        port_range: 32_002..=33_000,
        realtime_priority: None,
        stt_workers: 1,
        tts_workers: 1,
        ..EngineConfig::default()
    }
}
