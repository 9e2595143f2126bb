//! The terminal, the clock, and all that the core asks for.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use plugin_console::{Direction, TalkMode, devices};
use ratatui::crossterm::event::{Event, KeyEvent};
use tokio::sync::mpsc;

use super::attach::{NotSeated, Seated, Wanted};
use super::keys::Act;
use super::link;
use super::model::Model;
use super::news::News;
use super::opening::{Opened, Opening};
use super::screen::{Screen, keys};
use super::seat::{Seat, Sound, SoundLook};
use super::view::draw;
use crate::control::Request;
use crate::exit::Failure;

/// What the console is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The line's socket.
    pub socket: PathBuf,
    /// Whether to do without sound.
    pub no_audio: bool,
    /// The microphone to use first.
    pub microphone: Option<String>,
    /// The loudspeaker to use first.
    pub speaker: Option<String>,
    /// Whether the microphone is open without a key.
    pub open_mic: bool,
}

/// Runs the console until the operator has enough.
///
/// # Errors
/// [`Failure::Usage`] without a terminal; [`Failure::Failed`] when it breaks.
pub async fn run(options: Options) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        let why = "the console needs a terminal; without one, `xenline status`, `operator` and `serve --events` do the same";
        return Err(Failure::Usage(why.into()));
    }
    let mut screen = Screen::take().map_err(Failure::because)?;
    let done = Console::new(options).run(&mut screen).await;
    drop(screen);
    done.map_err(Failure::because)
}

struct Console {
    model: Model,
    socket: PathBuf,
    wanted: Wanted,
    seated: Option<Seated>,
    opening: Opening,
    news: (mpsc::Sender<News>, mpsc::Receiver<News>),
    since: Instant,
}

impl Console {
    fn new(options: Options) -> Self {
        let Options { socket, no_audio, microphone, speaker, open_mic } = options;
        let mode = if open_mic { TalkMode::OpenMic } else { TalkMode::PushToTalk };
        let wanted = Wanted { microphone, speaker, mode };
        let sound = if no_audio {
            Sound::Without("--no-audio; keys and text do everything else".into())
        } else if devices(Direction::Out).is_empty() {
            Sound::Without(
                "no sound device on this machine; keys and text do everything else".into(),
            )
        } else {
            Sound::With(unused(&wanted))
        };
        let news = mpsc::channel(NEWS_MAX);
        let (model, since) = (Model::new(sound), Instant::now());
        Self { model, socket, wanted, seated: None, opening: Opening::new(), news, since }
    }

    async fn run(mut self, screen: &mut Screen) -> std::io::Result<()> {
        tokio::spawn(link::follow(self.socket.clone(), self.news.0.clone()));
        let mut keys = keys();
        let mut beat = tokio::time::interval(FRAME);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut changed = true;
        loop {
            tokio::select! {
                event = keys.recv() => match event {
                    Some(Event::Key(key)) => {
                        if !self.key(key, screen.tells_releases) {
                            return Ok(());
                        }
                        changed = true;
                    }
                    Some(_) => changed = true,
                    // The terminal is gone.
                    None => return Ok(()),
                },
                Some(news) = self.news.1.recv() => {
                    self.learn(news);
                    changed = true;
                }
                opened = self.opening.next() => {
                    self.opened(opened);
                    changed = true;
                }
                _ = beat.tick() => {
                    changed |= self.look_and_listen();
                    if std::mem::take(&mut changed) {
                        screen.terminal.draw(|frame| draw(&self.model, frame))?;
                    }
                }
            }
        }
    }

    /// What a beat brings: time, and how the sound goes.
    fn look_and_listen(&mut self) -> bool {
        let now_ms = self.since.elapsed().as_millis() as u64;
        let passed = now_ms / CLOCK_MS != self.model.now_ms / CLOCK_MS;
        if passed {
            self.model.learn(News::Time(now_ms));
        }
        if let Some(seated) = &self.seated {
            self.model.learn(News::Sound(seated.look()));
        }
        passed || self.seated.is_some()
    }

    fn learn(&mut self, news: News) {
        self.model.learn(news);
        // The core knows when a seat is lost in other ways, too.
        if self.model.seat.line().is_none() {
            self.leave();
        }
    }

    fn leave(&mut self) {
        self.opening.forget();
        if self.seated.take().is_some() {
            self.rest();
        }
    }

    /// `false`: it is enough.
    fn key(&mut self, key: KeyEvent, holds: bool) -> bool {
        match self.model.key(key, holds) {
            Some(Act::Quit) => return false,
            Some(act) => self.act(act),
            None => {}
        }
        true
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Quit => {}
            Act::Ask(request) => self.ask(request),
            Act::Sit { line, part } => self.sit(line, part),
            Act::Change(part) => {
                if part == super::Part::Listen {
                    self.switch(|it| it.press(false));
                }
                if let Some(request) = self.seated.as_ref().map(|it| it.to_part(part)) {
                    self.ask(request);
                }
            }
            Act::Leave => self.leave(),
            Act::Mute(muted) => self.switch(|it| it.mute(muted)),
            Act::Talk(down) => self.switch(|it| it.press(down)),
            Act::Mode(mode) => {
                self.wanted.mode = mode;
                self.switch(|it| it.set_mode(mode));
            }
            Act::ListDevices(direction) => {
                self.model.offer_devices(direction, devices(direction));
            }
            Act::UseDevice(direction, id) => self.use_device(direction, id),
        }
    }

    fn ask(&self, request: Request) {
        tokio::spawn(link::ask(self.socket.clone(), request, self.news.0.clone()));
    }

    fn switch(&self, press: impl FnOnce(&plugin_console::Switch)) {
        if let Some(switch) = self.seated.as_ref().and_then(Seated::switch) {
            press(switch);
        }
    }

    fn sit(&mut self, line: u64, part: super::Part) {
        self.leave();
        let (socket, news) = (self.socket.clone(), self.news.0.clone());
        self.opening.sit(socket, (line, part), self.wanted.clone(), news);
    }

    fn opened(&mut self, opened: Result<Opened, NotSeated>) {
        let done = match opened {
            Ok(Opened::Seat(seated, line, part)) => {
                self.sits(*seated, line, part);
                Ok(())
            }
            Ok(Opened::Devices(devices)) => match &mut self.seated {
                Some(seated) => seated.use_devices(devices),
                None => Ok(()),
            },
            Err(why) => Err(why),
        };
        match done {
            // The keys went on meanwhile.
            Ok(()) => self.switch(|it| {
                it.set_mode(self.wanted.mode);
                it.mute(self.model.muted);
                it.press(self.model.pressed);
            }),
            Err(why) => self.not_seated(why),
        }
    }

    fn sits(&mut self, seated: Seated, line: u64, part: super::Part) {
        // Something else may be wanted by now.
        let wanted = match self.model.seat {
            Seat::Joining { line: at, part } if at == line => part,
            _ => return,
        };
        if wanted != part {
            self.ask(seated.to_part(wanted));
        }
        self.seated = Some(seated);
        self.model.learn(News::Seated { line, part: wanted });
    }

    fn not_seated(&mut self, why: NotSeated) {
        self.seated = None;
        self.model.learn(News::Left(None));
        match why {
            NotSeated::NoSound(_) | NotSeated::SoundHangs => {
                self.model.learn(News::NoSound(why.to_string()));
            }
            NotSeated::Refused(why) => self.model.learn(News::Answer { done: false, text: why }),
        }
    }

    fn use_device(&mut self, direction: Direction, id: String) {
        match direction {
            Direction::In => self.wanted.microphone = Some(id),
            Direction::Out => self.wanted.speaker = Some(id),
        }
        let Some(seated) = &mut self.seated else {
            // Whoever had no sound may have some with this one.
            return self.model.learn(News::Sound(unused(&self.wanted)));
        };
        seated.close_devices();
        self.opening.devices(self.wanted.clone());
    }

    /// The devices are shut.
    fn rest(&mut self) {
        if self.model.has_sound() {
            self.model.learn(News::Sound(unused(&self.wanted)));
        }
    }
}

/// What would be used.
fn unused(wanted: &Wanted) -> SoundLook {
    let named = |it: &Option<String>| it.clone().unwrap_or_else(|| "default".into());
    SoundLook {
        microphone: named(&wanted.microphone),
        speaker: named(&wanted.speaker),
        mode: wanted.mode,
        mic: plugin_console::Figures { level_dbov: QUIET, ..Default::default() },
        out: plugin_console::Figures { level_dbov: QUIET, ..Default::default() },
        open: false,
        opening: false,
        no_microphone: None,
    }
}

/// A picture is at most so old: 20 a second are more than a terminal needs.
const FRAME: Duration = Duration::from_millis(50);
/// How finely the core's clock runs.
const CLOCK_MS: u64 = 250;
/// Levels of ten legs for seconds; more waits at the line, which tells of the gap.
const NEWS_MAX: usize = 1_024;
const QUIET: i8 = -127;
