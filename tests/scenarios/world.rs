//! A line in virtual time: the real conversation core and governor, and a mouth that sends
//! samples by the clock.

use std::sync::Arc;
use std::time::Duration;

use brain_protocol::{BrainMessage, LineMessage, Say, Source};
use lane_broker::{Limits, MemoryStore};
use media_core::plugin::WordSpan;
use media_core::{EndReason, Generation, HearingEvent, LineId, MonoTime, UtteranceTimes, Verdict};
use media_engine::{LineEvent, Speech};
use queue_governor::GovernorConfig;
use sip_bridge::HangupReason;
use xenline::config::ClaimDefaults;
use xenline::line::{Action, Conversation, ConversationConfig};
use xenline::report::CallEvent;

pub const LINE: u64 = 1;
/// Samples that a letter lasts: about fifteen letters a second at 8 kHz.
const LETTER_SAMPLES: u64 = 530;
const TICK: Duration = Duration::from_millis(20);
const TICK_SAMPLES: u64 = 160;
/// From grant to first sample.
const VOICE_MS: u64 = 30;

pub struct World {
    pub now: MonoTime,
    pub conversation: Conversation,
    /// What the brain was told.
    pub told: Vec<LineMessage>,
    /// What went on the record.
    pub recorded: Vec<CallEvent>,
    /// When the call was ended by the line, and why.
    pub hung_up: Option<(MonoTime, HangupReason)>,
    /// The speech that left, packet by packet: when, and of which generation.
    pub wire: Vec<(MonoTime, Generation)>,
    /// The voice takes words and makes no sound.
    pub voice_hangs: bool,
    mouth: Option<Mouth>,
    claims: u64,
}

struct Mouth {
    generation: Generation,
    samples: u64,
    sent: u64,
    starts: MonoTime,
    started: bool,
    paused: bool,
}

impl World {
    /// What the brain was told of the operator, in a word or two each.
    pub fn told_of_the_operator(&self) -> Vec<String> {
        let words = |message: &LineMessage| match message {
            LineMessage::OperatorTook { .. } => Some("took".to_owned()),
            LineMessage::OperatorReleased { .. } => Some("released".to_owned()),
            LineMessage::OperatorWhisper { text, .. } => Some(format!("whispered {text:?}")),
            LineMessage::OperatorSaid { text, .. } => Some(format!("said {text:?}")),
            _ => None,
        };
        self.told.iter().filter_map(words).collect()
    }

    /// An answered call with a brain.
    pub fn answered() -> World {
        let mut world = World::before_the_answer();
        world.conversation.established(world.now, true);
        world.settle();
        world
    }

    /// An answered call while the brain is away.
    pub fn answered_without_a_brain() -> World {
        let mut world = World::before_the_answer();
        world.conversation.established(world.now, false);
        world.settle();
        world
    }

    /// A call that is answered, and not yet acknowledged.
    pub fn before_the_answer() -> World {
        let now = MonoTime::from_millis(1_000);
        let config = ConversationConfig {
            line: LineId(LINE),
            caller: "caller".into(),
            called: "agent".into(),
            identity: sip_bridge::CallerIdentity::default(),
            answered: now,
            away_text: "One moment please.".into(),
            governor: GovernorConfig::default(),
            defaults: ClaimDefaults::default(),
        };
        let lanes = Arc::new(MemoryStore::new(Limits::default()));
        World {
            now,
            conversation: Conversation::new(config, lanes),
            told: Vec::new(),
            recorded: Vec::new(),
            hung_up: None,
            wire: Vec::new(),
            voice_hangs: false,
            mouth: None,
            claims: 0,
        }
    }

    /// Time passes; the mouth speaks.
    pub fn run(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while self.now < end {
            self.now = self.now + TICK;
            self.conversation.timeout(self.now);
            self.settle();
            self.tick();
        }
    }

    /// Time passes until `end`; what nothing happens in is skipped.
    pub fn pass_until(&mut self, end: MonoTime) {
        while self.now < end {
            let due = self.conversation.next_timeout().unwrap_or(end).min(end);
            if self.mouth.is_none() && due > self.now + TICK {
                self.now = due;
                self.conversation.timeout(due);
                self.settle();
            } else {
                self.run(TICK.as_millis() as u64);
            }
        }
    }

    /// The brain wants to speak; returns the claim's name.
    pub fn brain_says(&mut self, source: Source, turn: Option<u64>, text: &str) -> String {
        self.brain_says_so(source, turn, text, |_| {})
    }

    /// The same with more to say about it.
    pub fn brain_says_so(
        &mut self,
        source: Source,
        turn: Option<u64>,
        text: &str,
        how: impl FnOnce(&mut Say),
    ) -> String {
        self.claims += 1;
        let name = format!("c-{}", self.claims);
        let id = brain_protocol::ClaimId::new(name.as_str()).expect("a short name");
        let mut say = Say::new(brain_protocol::LineId(LINE), id, source, text);
        say.turn = turn.map(brain_protocol::TurnId);
        how(&mut say);
        self.brain(BrainMessage::Say(say));
        name
    }

    pub fn brain(&mut self, message: BrainMessage) {
        self.conversation.brain(self.now, message);
        self.settle();
    }

    /// The caller says something while nobody else speaks.
    pub fn caller_says(&mut self, text: &str) {
        self.caller_begins();
        self.run(100);
        self.caller_is(Verdict::Speech);
        self.run(400);
        self.caller_ends(text);
    }

    pub fn caller_begins(&mut self) {
        self.hears(HearingEvent::Onset { at: self.now });
    }

    pub fn caller_is(&mut self, verdict: Verdict) {
        self.hears(HearingEvent::Verdict { at: self.now, verdict });
    }

    pub fn caller_ends(&mut self, text: &str) {
        let times = UtteranceTimes { speech_end: self.now, ..UtteranceTimes::default() };
        self.hears(HearingEvent::Final { text: text.into(), times, reason: EndReason::Complete });
    }

    fn hears(&mut self, event: HearingEvent) {
        self.media(LineEvent::Hearing(event));
    }

    /// Whether a sample of speech leaves in this tick.
    pub fn is_speaking(&self) -> bool {
        self.mouth.as_ref().is_some_and(|m| m.started && !m.paused && m.sent < m.samples)
    }

    /// How the claim ended, and what was heard of it.
    pub fn ending_of(&self, claim: &str) -> Option<(String, String)> {
        let mut endings = self.recorded.iter().filter_map(|event| match event {
            CallEvent::ClaimEnded { claim: name, ending, heard_text, .. } if name == claim => {
                Some((ending.to_string(), heard_text.clone()))
            }
            _ => None,
        });
        let first = endings.next();
        assert!(endings.next().is_none(), "{claim} ended twice");
        first
    }

    /// The turns that the brain was given: text, and whether an earlier brain may have had it.
    pub fn turns_told(&self) -> Vec<(String, bool)> {
        let turn = |message: &LineMessage| match message {
            LineMessage::CallerTurn { text, replayed, .. } => Some((text.clone(), *replayed)),
            _ => None,
        };
        self.told.iter().filter_map(turn).collect()
    }

    pub fn settle(&mut self) {
        while let Some(action) = self.conversation.poll_action() {
            self.carry_out(action);
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Grant { generation, speech, .. } => self.grant(generation, &speech),
            Action::Revoke(generation) => {
                if self.mouth.as_ref().is_some_and(|m| m.generation == generation) {
                    let samples = self.mouth.take().map_or(0, |m| m.sent);
                    self.media(LineEvent::Silenced { at: self.now, generation, samples });
                }
            }
            Action::Pause(generation) => self.pause(generation, true),
            Action::Resume(generation) => self.pause(generation, false),
            Action::Tell(message) => self.told.push(message),
            Action::Record { event, .. } => self.recorded.push(event),
            Action::HangUp { after, reason } => self.hung_up = Some((self.now + after, reason)),
            Action::Answer { .. } | Action::Journal(_) | Action::Transfer(_) | Action::Log(_) => {}
        }
    }

    fn grant(&mut self, generation: Generation, speech: &Speech) {
        let Speech::Text(text) = speech else { panic!("only text is said here") };
        assert!(self.mouth.is_none(), "two voices at once");
        let samples = text.len() as u64 * LETTER_SAMPLES;
        let starts = self.now + Duration::from_millis(VOICE_MS);
        self.mouth =
            Some(Mouth { generation, samples, sent: 0, starts, started: false, paused: false });
        if self.voice_hangs {
            return;
        }
        let words = words(text);
        let at = self.now;
        self.media(LineEvent::SpeechChunk { at, generation, first_sample: 0, samples, words });
        self.media(LineEvent::SpeechDone { at, generation, samples });
    }

    fn pause(&mut self, generation: Generation, paused: bool) {
        if let Some(mouth) = self.mouth.as_mut().filter(|m| m.generation == generation) {
            mouth.paused = paused;
        }
    }

    fn tick(&mut self) {
        let hangs = self.voice_hangs;
        let Some(mouth) = self.mouth.as_mut() else { return };
        if hangs || mouth.paused || self.now < mouth.starts {
            return;
        }
        let (at, generation) = (self.now, mouth.generation);
        self.wire.push((at, generation));
        let first = !std::mem::replace(&mut mouth.started, true);
        mouth.sent = (mouth.sent + TICK_SAMPLES).min(mouth.samples);
        let (samples, all) = (mouth.sent, mouth.sent == mouth.samples);
        if all {
            self.mouth = None;
        }
        if first {
            self.media(LineEvent::FirstSample { at, generation });
        }
        self.media(LineEvent::Played { at, generation, samples });
        if all {
            self.media(LineEvent::Drained { at, generation, samples });
        }
    }

    /// Which generation has the mouth.
    pub fn generation(&self) -> Option<Generation> {
        self.mouth.as_ref().map(|mouth| mouth.generation)
    }

    /// The media side reports something.
    pub fn media(&mut self, event: LineEvent) {
        self.conversation.media(self.now, event);
        self.settle();
    }
}

fn words(text: &str) -> Vec<WordSpan> {
    let letter = LETTER_SAMPLES as usize;
    let mut words = Vec::new();
    let mut start = 0;
    for piece in text.split_inclusive(' ') {
        let range = start..start + piece.trim_end().len();
        words.push(WordSpan { samples: range.start * letter..range.end * letter, text: range });
        start += piece.len();
    }
    words
}
