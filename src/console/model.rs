//! All that the console knows.

use std::collections::BTreeMap;

use super::call::Call;
use super::keys::Prompt;
use super::news::{LinkNews, News, Queued, Seen, clean};
use super::seat::{Seat, Sound};

/// A word to the operator, below the transcript.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// In words.
    pub text: String,
    /// Whether it is bad.
    pub bad: bool,
    until_ms: u64,
}

/// All that the console knows. Told [`News`], and told of keys by [`Model::key`].
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    /// Why there is no way to the line; `None`: there is one.
    pub down: Option<String>,
    /// By line: the open ones, and the last that ended.
    pub calls: BTreeMap<u64, Call>,
    /// The call that is looked at.
    pub chosen: Option<u64>,
    /// What the say-queue holds.
    pub queue: Vec<Queued>,
    /// Nothing is said for other programs.
    pub queue_paused: bool,
    /// Whether a brain is connected, once that is known.
    pub brain: Option<bool>,
    /// The line ends in so many seconds at the latest.
    pub draining: Option<u64>,
    /// Where the operator sits.
    pub seat: Seat,
    /// Whether the operator muted themselves.
    pub muted: bool,
    /// Whether the key to talk is held, or was hit.
    pub pressed: bool,
    /// Whether there is sound.
    pub sound: Sound,
    /// What is being typed or chosen.
    pub prompt: Prompt,
    /// Lines of the transcript between its end and the window's.
    pub back: usize,
    /// Since the console was started.
    pub now_ms: u64,
    pub(super) notice: Option<Notice>,
}

impl Default for Model {
    fn default() -> Self {
        Self::new(Sound::Without("sound is off".into()))
    }
}

impl Model {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(sound: Sound) -> Self {
        Self {
            down: Some("connecting".into()),
            calls: BTreeMap::new(),
            chosen: None,
            queue: Vec::new(),
            queue_paused: false,
            brain: None,
            draining: None,
            seat: Seat::Away,
            muted: false,
            pressed: false,
            sound,
            prompt: Prompt::None,
            back: 0,
            now_ms: 0,
            notice: None,
        }
    }

    /// The call that is looked at.
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        self.calls.get(&self.chosen?)
    }

    /// What the operator should know now, if anything.
    #[must_use]
    pub fn notice(&self) -> Option<&Notice> {
        self.notice.as_ref()
    }

    /// Whether there is sound to talk and listen with.
    #[must_use]
    pub fn has_sound(&self) -> bool {
        matches!(self.sound, Sound::With(_))
    }

    /// Learns something.
    pub fn learn(&mut self, news: News) {
        match news {
            News::Time(now_ms) => self.time(now_ms),
            News::Link(LinkNews::Up) => {
                self.down = None;
                self.draining = None;
            }
            News::Link(LinkNews::Down(why)) => {
                self.down = Some(clean(&why));
                self.brain = None;
                self.leave(None);
            }
            News::Seen(seen) => self.seen(seen),
            News::Queue(queue, paused) => {
                self.queue = queue.into_iter().take(QUEUE_MAX).map(cleaned).collect();
                self.queue_paused = paused;
            }
            News::Brain(up) => self.brain = Some(up),
            News::Answer { done, text } => self.say(&text, !done),
            News::Seated { line, part } => self.seat = Seat::At { line, part },
            News::Part(part) => {
                if let Seat::At { line, .. } = self.seat {
                    self.seat = Seat::At { line, part };
                }
            }
            News::Left(why) => self.leave(why),
            News::Sound(look) => self.sound = Sound::With(look),
            News::NoSound(why) => {
                let text = format!("no sound: {why}. Without it, b takes the floor, s and t speak");
                self.say(&text, true);
                self.sound = Sound::Without(clean(&why));
            }
        }
        self.choose_what_is_there();
    }

    fn time(&mut self, now_ms: u64) {
        let passed = now_ms.saturating_sub(self.now_ms) as f64;
        self.now_ms = now_ms;
        if self.down.is_none() {
            self.calls
                .values_mut()
                .filter(|it| it.ended.is_none())
                .for_each(|it| it.t_ms += passed);
        }
        self.notice.take_if(|notice| notice.until_ms <= now_ms);
    }

    fn leave(&mut self, why: Option<String>) {
        match (why, self.seat) {
            (None, _) | (_, Seat::Away) => {}
            (Some(why), Seat::Joining { .. }) => self.say(&why, true),
            (Some(why), _) => self.say(&format!("you are off the line: {why}"), true),
        }
        self.seat = Seat::Away;
        (self.muted, self.pressed) = (false, false);
    }

    fn seen(&mut self, seen: Seen) {
        match seen {
            Seen::Open(open) => self.at(open.line).is(open),
            Seen::OnlyThese(lines) => {
                let over = self.calls.values_mut().filter(|it| !lines.contains(&it.line));
                for call in over.filter(|it| it.ended.is_none()) {
                    call.ended = Some("over".into());
                }
            }
            Seen::Event { line, t_ms, what } => {
                self.at(line).event(t_ms, what);
                let over = self.calls.get(&line).is_some_and(|it| it.ended.is_some());
                if over && self.seat.line() == Some(line) {
                    self.leave(Some("the call is over".into()));
                }
                self.forget();
            }
            Seen::Level { line, leg, heard_dbov, sent_dbov, speech } => {
                // A level is no reason to believe in a call.
                if let Some(call) = self.calls.get_mut(&line) {
                    call.level(leg, heard_dbov, sent_dbov, speech);
                }
            }
            Seen::Gap(missed) => {
                let text = format!("{missed} events were missed: this terminal was too slow");
                self.say(&text, true);
            }
            Seen::Draining(left_s) => self.draining = Some(left_s),
        }
    }

    fn at(&mut self, line: u64) -> &mut Call {
        self.calls.entry(line).or_insert_with(|| Call::new(line))
    }

    /// Of the calls that ended only the last few are kept.
    fn forget(&mut self) {
        let ended =
            self.calls.values().filter(|it| it.ended.is_some() && Some(it.line) != self.chosen);
        let ended: Vec<u64> = ended.map(|it| it.line).collect();
        for line in ended.iter().take(ended.len().saturating_sub(ENDED_MAX)) {
            self.calls.remove(line);
        }
    }

    fn choose_what_is_there(&mut self) {
        let lives = |call: &Call| call.ended.is_none();
        let newest = || self.calls.values().rev().find(|it| lives(it)).map(|it| it.line);
        match self.chosen.and_then(|line| self.calls.get(&line)) {
            Some(call) if lives(call) || self.back > 0 => {}
            Some(call) => self.chosen = newest().or(Some(call.line)),
            None => self.chosen = newest().or(self.calls.keys().next_back().copied()),
        }
    }

    /// Tells the operator something for a while.
    pub(super) fn say(&mut self, text: &str, bad: bool) {
        let until_ms = self.now_ms + if bad { BAD_MS } else { GOOD_MS };
        self.notice = Some(Notice { text: clean(text), bad, until_ms });
    }
}

fn cleaned(queued: Queued) -> Queued {
    Queued {
        source: clean(&queued.source),
        text: clean(&queued.text),
        state: clean(&queued.state),
        ..queued
    }
}

const GOOD_MS: u64 = 4_000;
/// Long enough to be read twice.
const BAD_MS: u64 = 10_000;
const ENDED_MAX: usize = 6;
/// More than any terminal shows.
const QUEUE_MAX: usize = 64;
