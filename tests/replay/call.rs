//! A whole call in virtual time: a caller's recordings, the real ear with its real detector, the
//! real conversation and governor, a mouth that is not there; and its log.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use brain_protocol::{BrainMessage, Say, Source};
use lane_broker::{Limits, MemoryStore};
use media_core::hearing::{
    DecodeJobId, Ear, EarConfig, EarDecision, EarOutput, EarStep, EarshotVad,
};
use media_core::plugin::Transcript;
use media_core::{LineId, MonoTime};
use media_engine::LineEvent;
use queue_governor::{Book, Claim, GovernorConfig};
use xenline::clip::Clip;
use xenline::config::ClaimDefaults;
use xenline::line::{Action, Conversation, ConversationConfig};
use xenline::replay::{CallLog, Entry, Header, Redactor};
use xenline::report::CallEvent;

use crate::mouth::{Mouth, Voice};

pub const LINE: u64 = 1;
const TICK: Duration = Duration::from_millis(20);
const TICK_SAMPLES: usize = 160;
const DECODE: Duration = Duration::from_millis(60);

pub struct Call {
    pub now: MonoTime,
    pub conversation: Conversation,
    pub voice: Voice,
    /// How sure the recogniser is.
    pub confidence: f32,
    /// How much of our own voice comes back, if any does: a factor, and a delay in ticks.
    pub echo: Option<(f32, usize)>,
    pub recorded: Vec<CallEvent>,
    ear: Ear,
    steps: Vec<EarStep>,
    mouth: Mouth,
    /// What the caller is saying, and what it means.
    says: VecDeque<i16>,
    meant: &'static str,
    decodes: Option<(MonoTime, DecodeJobId)>,
    voice_sound: Vec<i16>,
    sent: Vec<[i16; TICK_SAMPLES]>,
    random: u32,
    claims: u64,
    log: CallLog<Vec<u8>>,
}

impl Call {
    /// An answered call, after an earlier run of the line that left `book`. `keep_words`: whether
    /// its log keeps them.
    pub fn answered_after(keep_words: bool, book: Book) -> Call {
        let now = MonoTime::from_millis(73_000);
        let governor = GovernorConfig::default();
        let ear = EarConfig { traced: true, ..EarConfig::default() };
        let header = Header::new(LINE, governor.clone(), ear.clone(), keep_words);
        let redactor = (!keep_words).then(|| Redactor::with_key(*b"not a secret key"));
        let log = CallLog::begin_with(Vec::new(), header, redactor).expect("memory takes it");
        let config = ConversationConfig {
            line: LineId(LINE),
            caller: "caller".into(),
            called: "agent".into(),
            identity: sip_bridge::CallerIdentity::default(),
            answered: now,
            away_text: "One moment please.".into(),
            governor,
            defaults: ClaimDefaults::default(),
        };
        let lanes = Arc::new(MemoryStore::new(Limits::default()));
        let mut call = Call {
            now,
            conversation: Conversation::recovered(config, lanes, book),
            voice: Voice::Well,
            confidence: 0.93,
            echo: None,
            recorded: Vec::new(),
            ear: Ear::new(ear, Box::new(EarshotVad::new())),
            steps: Vec::new(),
            mouth: Mouth::default(),
            says: VecDeque::new(),
            meant: "",
            decodes: None,
            voice_sound: clip("what-did-you-say"),
            sent: Vec::new(),
            random: 1,
            claims: 0,
            log,
        };
        call.conversation.keep_log();
        call.conversation.established(now, true);
        call.settle();
        call.run(500);
        call
    }

    /// Time passes.
    pub fn run(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.tick();
        }
    }

    /// The caller begins to say a recording of `assets/caller`.
    pub fn caller_says(&mut self, recording: &str, meaning: &'static str) {
        self.says.extend(clip(recording));
        self.meant = meaning;
    }

    /// The caller makes a sound that is no speech.
    pub fn caller_coughs(&mut self) {
        let burst =
            (0..3_000).map(|n: i32| (self.noise(9_000.0) * (1.0 - n as f32 / 3_000.0)) as i16);
        let burst: Vec<i16> = burst.collect();
        self.says.extend(burst);
        self.meant = "";
    }

    /// The caller says it and waits until it was understood.
    pub fn caller_asks(&mut self, recording: &str, meaning: &'static str) {
        self.caller_says(recording, meaning);
        self.run(20 * self.says.len() as u64 / TICK_SAMPLES as u64 + 1_000);
    }

    /// The brain wants to speak; returns the claim's name.
    pub fn brain_says(&mut self, source: Source, turn: Option<u64>, text: &str) -> String {
        self.brain_says_so(source, turn, text, |_| {})
    }

    /// The brain wants to speak, with options.
    pub fn brain_says_so(
        &mut self,
        source: Source,
        turn: Option<u64>,
        text: &str,
        options: impl FnOnce(&mut Say),
    ) -> String {
        self.claims += 1;
        let name = format!("c-{}", self.claims);
        let id = brain_protocol::ClaimId::new(name.as_str()).expect("a short name");
        let mut say = Say::new(brain_protocol::LineId(LINE), id, source, text);
        say.turn = turn.map(brain_protocol::TurnId);
        options(&mut say);
        self.brain(BrainMessage::Say(say));
        name
    }

    pub fn brain(&mut self, message: BrainMessage) {
        self.conversation.brain(self.now, message);
        self.settle();
    }

    /// Another program wants something said.
    pub fn submit(&mut self, claim: Claim) {
        self.conversation.submit(self.now, claim);
        self.settle();
    }

    pub fn do_with(&mut self, what: impl FnOnce(&mut Conversation, MonoTime)) {
        what(&mut self.conversation, self.now);
        self.settle();
    }

    /// How each claim ended, in order.
    pub fn endings(&self) -> Vec<(String, String)> {
        let ending = |event: &CallEvent| match event {
            CallEvent::ClaimEnded { claim, ending, .. } => {
                Some((claim.clone(), ending.to_string()))
            }
            _ => None,
        };
        self.recorded.iter().filter_map(ending).collect()
    }

    pub fn ending_of(&self, claim: &str) -> String {
        let found = self.endings().into_iter().find(|(name, _)| name == claim);
        found.map_or("none".to_owned(), |(_, ending)| ending)
    }

    /// The caller hangs up; the log, whole.
    pub fn hang_up(mut self) -> Vec<u8> {
        self.do_with(|conversation, now| conversation.closed(now, "the caller hung up"));
        self.report_steps();
        self.log.finish().expect("memory takes it")
    }

    fn tick(&mut self) {
        self.now = self.now + TICK;
        if let Some((_, job)) = self.decodes.take_if(|(due, _)| *due <= self.now) {
            let transcript =
                Transcript { text: self.meant.to_owned(), confidence: Some(self.confidence) };
            self.ear.decoded(self.now, job, Ok(transcript));
            self.drain_ear();
        }
        let (aloud, holds) = self.mouth.speaks();
        let sent = self.sent_frame(aloud);
        let heard = self.heard_frame();
        self.sent.push(sent);
        // Ticks are never quite on time.
        let at = self.now + Duration::from_micros(u64::from(self.next_random() % 900));
        self.ear.push(at, &heard, &sent, holds);
        self.drain_ear();
        if self.conversation.next_timeout().is_some_and(|due| due <= self.now) {
            self.do_with(Conversation::timeout);
        }
        let events = self.mouth.tick(self.now);
        self.media_all(events);
    }

    fn heard_frame(&mut self) -> [i16; TICK_SAMPLES] {
        let mut frame = [0; TICK_SAMPLES];
        let echo = self.echo.and_then(|(gain, ticks)| {
            Some((gain, *self.sent.get(self.sent.len().checked_sub(ticks)?)?))
        });
        for (index, sample) in frame.iter_mut().enumerate() {
            let said = self.says.pop_front().unwrap_or(0);
            let back = echo.map_or(0.0, |(gain, sent)| f32::from(sent[index]) * gain);
            *sample = said.saturating_add((back + self.noise(8.0)) as i16);
        }
        frame
    }

    fn sent_frame(&self, aloud: bool) -> [i16; TICK_SAMPLES] {
        let mut frame = [0; TICK_SAMPLES];
        if aloud {
            let begin = self.sent.len() * TICK_SAMPLES % (self.voice_sound.len() - TICK_SAMPLES);
            frame.copy_from_slice(&self.voice_sound[begin..begin + TICK_SAMPLES]);
        }
        frame
    }

    fn drain_ear(&mut self) {
        let input = self.ear.take_note().expect("the ear is traced");
        let mut decided = Vec::new();
        let outputs: Vec<_> = std::iter::from_fn(|| self.ear.poll_output()).collect();
        for output in outputs {
            decided.push(EarDecision::from(&output));
            match output {
                EarOutput::Decode { job, .. } => self.decodes = Some((self.now + DECODE, job)),
                EarOutput::Event(event) => self.media_all(vec![LineEvent::Hearing(event)]),
            }
        }
        self.steps.push(EarStep { input, decided });
        if self.steps.len() >= 50 {
            self.report_steps();
        }
    }

    fn report_steps(&mut self) {
        let steps = std::mem::take(&mut self.steps);
        self.media_all(vec![LineEvent::Listened { steps }]);
    }

    fn media_all(&mut self, events: Vec<LineEvent>) {
        for event in events {
            self.do_with(|conversation, now| conversation.media(now, event));
        }
    }

    fn settle(&mut self) {
        while let Some(action) = self.conversation.poll_action() {
            let (now, voice) = (self.now, self.voice);
            let events = match action {
                Action::Grant { generation, speech, fallback } => {
                    let voice = if fallback { Voice::Well } else { voice };
                    self.mouth.grant(now, generation, &speech, voice)
                }
                Action::Revoke(generation) => {
                    self.mouth.revoke(now, generation).into_iter().collect()
                }
                Action::Pause(generation) => {
                    self.mouth.pause(now, generation, true).into_iter().collect()
                }
                Action::Resume(generation) => {
                    self.mouth.pause(now, generation, false).into_iter().collect()
                }
                Action::Record { event, .. } => {
                    self.recorded.push(event);
                    continue;
                }
                Action::Log(entry) => {
                    self.take_log(entry);
                    continue;
                }
                _ => continue,
            };
            self.media_all(events);
        }
    }

    fn take_log(&mut self, entry: Entry) {
        self.log.append(entry).expect("memory takes it");
    }

    fn noise(&mut self, amplitude: f32) -> f32 {
        (self.next_random() as f32 / 32_768.0 - 1.0) * amplitude
    }

    fn next_random(&mut self) -> u32 {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.random >> 16
    }
}

fn clip(name: &str) -> Vec<i16> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/caller/{name}.wav"));
    Clip::read(&path).expect("the caller's recordings are there").samples
}
