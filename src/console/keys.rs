//! What a key does.

use plugin_console::{Device, Direction, TalkMode};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::model::Model;
use super::seat::{Part, Seat, Sound, SoundLook};
use crate::control::Request;

/// What the shell is to do.
#[allow(clippy::large_enum_variant, reason = "there is one of them at a time, per key")]
#[derive(Clone, PartialEq, Debug)]
pub enum Act {
    /// End.
    Quit,
    /// Ask the line, and tell what came of it.
    Ask(Request),
    /// Sit down at a line, or leave where we sit and sit down there.
    Sit {
        /// Which.
        line: u64,
        /// How.
        part: Part,
    },
    /// Take part differently where we sit.
    Change(Part),
    /// Leave where we sit.
    Leave,
    /// Let nothing of the microphone through, or do again.
    Mute(bool),
    /// The key to talk is down, or not.
    Talk(bool),
    /// When the microphone is open.
    Mode(TalkMode),
    /// Which devices are there? Answered with [`Model::offer_devices`].
    ListDevices(Direction),
    /// Use this device.
    UseDevice(Direction, String),
}

/// What is being typed or chosen in front of everything else.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Prompt {
    /// Nothing.
    #[default]
    None,
    /// What the line is to say to everybody.
    Say(String),
    /// What the agent alone is told.
    Tell(String),
    /// Whether this call is to end.
    HangUp(u64),
    /// Which device.
    Devices {
        /// For which way.
        direction: Direction,
        /// What there is.
        devices: Vec<Device>,
        /// The one under the cursor.
        at: usize,
    },
    /// What the keys do.
    Help,
}

impl Model {
    /// A key: what is to be done outside, if anything. `holds`: the terminal tells when a key is let
    /// go, so that the key to talk can be held instead of hit twice.
    pub fn key(&mut self, key: KeyEvent, holds: bool) -> Option<Act> {
        if key.kind == KeyEventKind::Release {
            let lets_go = key.code == KeyCode::Char(' ') && holds && self.pressed;
            return if lets_go { self.talk(false) } else { None };
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Some(Act::Quit);
        }
        match std::mem::take(&mut self.prompt) {
            Prompt::None => self.command(key, holds),
            Prompt::Help => None,
            Prompt::Say(text) => self.typed(key, text, Prompt::Say, |line, text| {
                Request::OperatorSay { text, line, wait: false }
            }),
            Prompt::Tell(text) => self.typed(key, text, Prompt::Tell, |line, text| {
                Request::OperatorWhisper { text, line }
            }),
            Prompt::HangUp(line) => self.hang_up(key, line),
            Prompt::Devices { direction, devices, at } => self.device(key, direction, devices, at),
        }
    }

    /// The devices that were asked for.
    pub fn offer_devices(&mut self, direction: Direction, devices: Vec<Device>) {
        if devices.is_empty() {
            return self.say(&format!("this machine has no {direction}"), true);
        }
        let used = match (&self.sound, direction) {
            (Sound::Without(_), _) => None,
            (Sound::With(look), Direction::In) => Some(look.microphone.as_str()),
            (Sound::With(look), Direction::Out) => Some(look.speaker.as_str()),
        };
        let at = devices.iter().position(|it| Some(it.id.as_str()) == used).unwrap_or(0);
        self.prompt = Prompt::Devices { direction, devices, at };
    }

    fn command(&mut self, key: KeyEvent, holds: bool) -> Option<Act> {
        match key.code {
            KeyCode::Char('q') => return Some(Act::Quit),
            KeyCode::Char('?') | KeyCode::F(1) => self.prompt = Prompt::Help,
            KeyCode::Up | KeyCode::Char('k') => self.choose(-1),
            KeyCode::Down | KeyCode::Char('j') => self.choose(1),
            KeyCode::PageUp => self.back = (self.back + PAGE).min(BACK_MAX),
            KeyCode::PageDown => self.back = self.back.saturating_sub(PAGE),
            KeyCode::End => self.back = 0,
            KeyCode::Char('p') => {
                let paused = self.queue_paused;
                let ask = if paused { Request::QueueResume } else { Request::QueuePause };
                return Some(Act::Ask(ask));
            }
            // Where one cannot be opened, another may.
            KeyCode::Char('d') => return Some(Act::ListDevices(Direction::In)),
            KeyCode::Char('D') => return Some(Act::ListDevices(Direction::Out)),
            KeyCode::Char(' ') => return self.talk_key(holds),
            KeyCode::Char('v') => return self.open_mic(),
            KeyCode::Char('m') => return self.mute(),
            KeyCode::Esc if self.back > 0 => self.back = 0,
            KeyCode::Esc => return self.away(),
            code => return self.of_the_call(code),
        }
        None
    }

    /// What is done to the call that is looked at.
    fn of_the_call(&mut self, code: KeyCode) -> Option<Act> {
        if !matches!(code, KeyCode::Char('l' | 'w' | 'b' | 'h' | 's' | 't' | 'x')) {
            return None;
        }
        let Some(line) = self.call().filter(|it| it.ended.is_none()).map(|it| it.line) else {
            self.say("no call is open", true);
            return None;
        };
        match code {
            KeyCode::Char('l') => self.listen(line),
            KeyCode::Char('w') => self.whisper(line),
            KeyCode::Char('b') => self.barge_in(line),
            KeyCode::Char('h') => self.hand_back(line),
            KeyCode::Char('s') => self.open(Prompt::Say(String::new())),
            KeyCode::Char('t') => self.open(Prompt::Tell(String::new())),
            _ => self.open(Prompt::HangUp(line)),
        }
    }

    fn open(&mut self, prompt: Prompt) -> Option<Act> {
        self.prompt = prompt;
        None
    }

    fn listen(&mut self, line: u64) -> Option<Act> {
        if !self.has_sound() {
            self.no_sound("listen");
            return None;
        }
        self.sit(line, Part::Listen)
    }

    /// By voice, or by what is typed where there is none.
    fn whisper(&mut self, line: u64) -> Option<Act> {
        if self.has_sound() {
            self.sit(line, Part::Whisper)
        } else {
            self.open(Prompt::Tell(String::new()))
        }
    }

    fn barge_in(&mut self, line: u64) -> Option<Act> {
        if self.has_sound() {
            return self.sit(line, Part::BargeIn);
        }
        self.seat = Seat::HoldsFloor { line };
        Some(Act::Ask(Request::OperatorTake { line: Some(line) }))
    }

    fn hand_back(&mut self, line: u64) -> Option<Act> {
        match self.seat {
            Seat::At { line: at, part } if at == line && part != Part::Listen => {
                self.seat = Seat::At { line, part: Part::Listen };
                // Whoever speaks again means to.
                self.pressed = false;
                Some(Act::Change(Part::Listen))
            }
            Seat::HoldsFloor { .. } => {
                self.seat = Seat::Away;
                Some(Act::Ask(Request::OperatorRelease { line: Some(line) }))
            }
            // Somebody else's hold, or one of an earlier console: it is let go as well.
            _ => Some(Act::Ask(Request::OperatorRelease { line: Some(line) })),
        }
    }

    fn sit(&mut self, line: u64, part: Part) -> Option<Act> {
        match self.seat {
            Seat::At { line: at, part: now } if at == line => {
                self.seat = Seat::At { line, part };
                (now != part).then_some(Act::Change(part))
            }
            Seat::Joining { line: at, .. } if at == line => {
                // Taken up as soon as there is a seat.
                self.seat = Seat::Joining { line, part };
                None
            }
            _ => {
                self.seat = Seat::Joining { line, part };
                Some(Act::Sit { line, part })
            }
        }
    }

    fn away(&mut self) -> Option<Act> {
        match self.seat {
            Seat::Away => None,
            Seat::HoldsFloor { line } => self.hand_back(line),
            Seat::Joining { .. } | Seat::At { .. } => {
                self.seat = Seat::Away;
                (self.muted, self.pressed) = (false, false);
                Some(Act::Leave)
            }
        }
    }

    fn talk_key(&mut self, holds: bool) -> Option<Act> {
        if !self.has_sound() {
            self.no_sound("talk");
            return None;
        }
        if !matches!(self.seat, Seat::At { part: Part::Whisper | Part::BargeIn, .. }) {
            self.say("nobody would hear you: w whispers to the agent, b takes the floor", true);
            return None;
        }
        if let Sound::With(SoundLook { no_microphone: Some(why), .. }) = &self.sound {
            let text = format!("you have no microphone: {why}");
            self.say(&text, true);
            return None;
        }
        self.talk(holds || !self.pressed)
    }

    fn talk(&mut self, down: bool) -> Option<Act> {
        // A held key repeats itself.
        let changed = std::mem::replace(&mut self.pressed, down) != down;
        changed.then_some(Act::Talk(down))
    }

    fn open_mic(&mut self) -> Option<Act> {
        let Sound::With(look) = &mut self.sound else {
            self.no_sound("talk");
            return None;
        };
        let mode = match look.mode {
            TalkMode::PushToTalk => TalkMode::OpenMic,
            TalkMode::OpenMic => TalkMode::PushToTalk,
        };
        look.mode = mode;
        Some(Act::Mode(mode))
    }

    fn mute(&mut self) -> Option<Act> {
        if !self.has_sound() {
            self.no_sound("be muted");
            return None;
        }
        self.muted = !self.muted;
        Some(Act::Mute(self.muted))
    }

    fn no_sound(&mut self, what: &str) {
        let Sound::Without(why) = &self.sound else { return };
        let why = why.clone();
        self.say(&format!("cannot {what}: {why}"), true);
    }

    fn choose(&mut self, by: isize) {
        let lines: Vec<u64> = self.calls.keys().copied().collect();
        let at = lines.iter().position(|line| Some(*line) == self.chosen).unwrap_or(0);
        let last = lines.len().saturating_sub(1);
        self.chosen = lines.get(at.saturating_add_signed(by).min(last)).copied();
        self.back = 0;
    }

    fn typed(
        &mut self,
        key: KeyEvent,
        mut text: String,
        again: fn(String) -> Prompt,
        ask: fn(Option<u64>, String) -> Request,
    ) -> Option<Act> {
        match key.code {
            KeyCode::Esc => return None,
            KeyCode::Enter => {
                let text = text.trim().to_owned();
                return (!text.is_empty()).then(|| Act::Ask(ask(self.chosen, text)));
            }
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => text.clear(),
            KeyCode::Char(c) if text.len() < TEXT_BYTES_MAX => text.push(c),
            _ => {}
        }
        self.open(again(text))
    }

    fn hang_up(&mut self, key: KeyEvent, line: u64) -> Option<Act> {
        matches!(key.code, KeyCode::Char('y') | KeyCode::Enter)
            .then_some(Act::Ask(Request::HangUp { line }))
    }

    fn device(
        &mut self,
        key: KeyEvent,
        direction: Direction,
        devices: Vec<Device>,
        at: usize,
    ) -> Option<Act> {
        let at = match key.code {
            KeyCode::Esc => return None,
            KeyCode::Enter => {
                return devices.get(at).map(|it| Act::UseDevice(direction, it.id.clone()));
            }
            KeyCode::Tab => {
                let other = match direction {
                    Direction::In => Direction::Out,
                    Direction::Out => Direction::In,
                };
                return Some(Act::ListDevices(other));
            }
            KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => (at + 1).min(devices.len() - 1),
            _ => at,
        };
        self.open(Prompt::Devices { direction, devices, at })
    }
}

/// What fits a claim.
const TEXT_BYTES_MAX: usize = 1_000;
const PAGE: usize = 8;
/// As many lines as a transcript can have.
const BACK_MAX: usize = 10_000;
