//! The responder: what was said goes in, what is to be said and done comes out.

mod answer;
mod conversation;
mod heard;
mod jobs;
mod place;
mod redial;
mod template;
mod texts;
mod whisper;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use brain_protocol::{
    Attestation, BrainMessage, ClaimId, LineId, LineMessage, Redial, Say, Source, TransferOutcome,
    TurnId,
};
use jiff::{Timestamp, Zoned};

pub use conversation::Conversation;
pub use jobs::{JobTable, RunningJob};
pub use place::{Place, WriterId};

use crate::config::Config;
use crate::genes::Library;
use crate::memory::{DueWhat, Memory};
use crate::speakable;
use crate::tools::figures::Figures;
use crate::worker::{Order, Report};
use heard::Uttered;
use redial::Former;
use texts::{Text, Writers};

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The line says something.
    Line(LineMessage),
    /// A job has ended.
    Job(Report),
    /// The machine was looked at.
    Figures(Figures),
    /// Time has passed.
    Timeout,
}

/// What to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    /// Tell the line.
    Send(BrainMessage),
    /// Start a job.
    Start(Order),
    /// Cancel a job; its report follows.
    Cancel(brain_protocol::JobId),
    /// What outlives the process has changed.
    Save,
    /// The line ends.
    End,
}

/// The responder. See the crate's front page for how to drive it.
#[derive(Debug)]
pub struct Mind {
    config: Arc<Config>,
    library: Arc<Library>,
    conversations: BTreeMap<Place, Conversation>,
    former: Former,
    writers: Writers,
    jobs: JobTable,
    memory: Memory,
    saved: Memory,
    figures: Figures,
    outputs: VecDeque<Output>,
    /// Makes names unique across restarts.
    boot: String,
    names: u64,
}

impl Mind {
    /// A fresh mind with what an earlier one remembered.
    #[must_use]
    pub fn new(now: &Zoned, config: Arc<Config>, library: Arc<Library>, memory: Memory) -> Self {
        let boot = format!("{:x}", now.timestamp().as_millisecond());
        let mut mind = Self {
            config,
            library,
            conversations: BTreeMap::new(),
            former: Former::default(),
            writers: Writers::default(),
            jobs: JobTable::default(),
            saved: memory.clone(),
            memory,
            figures: Figures::default(),
            outputs: VecDeque::new(),
            boot,
            names: 0,
        };
        mind.close_lost_jobs();
        mind.note_changes();
        mind
    }

    /// Takes in what happened at `now`.
    pub fn handle(&mut self, now: &Zoned, input: Input) {
        match input {
            Input::Line(message) => self.on_line(now, message),
            Input::Job(report) => self.on_report(report),
            Input::Figures(figures) => self.figures = figures,
            Input::Timeout => self.on_timeout(now),
        }
        self.note_changes();
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back, if nothing happens before.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Timestamp> {
        let digits = self.conversations.values().filter_map(|it| it.digits_due);
        let due = self.memory.due.first().map(|due| due.at);
        digits.chain(due).min()
    }

    /// What outlives the process.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    fn on_line(&mut self, now: &Zoned, message: LineMessage) {
        match message {
            LineMessage::LineOpened { line, caller, identity, resumed, backlog, redial, .. } => {
                self.on_opened(now, line, caller, (resumed, backlog), redial.as_deref());
                let vouched = identity.is_some_and(|it| it.attestation == Attestation::Full);
                if let Some(line) = self.conversations.get_mut(&Place::Line(line)) {
                    line.vouched = vouched;
                }
            }
            LineMessage::CallerTurn { line, turn, position, text, speaker, .. } => {
                if let Some(line) = self.conversations.get_mut(&Place::Line(line)) {
                    line.speaker = speaker;
                }
                self.on_turn(now, Place::Line(line), turn, &text);
                self.send(BrainMessage::TurnDone { line, turn, position });
            }
            LineMessage::TextMessage { lane, tag, position, text, .. } if tag == MACHINE => {
                self.on_machine(&text);
                self.send(BrainMessage::TextDone { lane, position });
            }
            LineMessage::TextMessage { lane, position, id, from, text, channel, .. } => {
                self.on_text(now, Text { lane: lane.clone(), position, id, from, text, channel });
                self.send(BrainMessage::TextDone { lane, position });
            }
            LineMessage::MessageEnded { message, ending, .. } => {
                self.on_message_ended(now, &message, ending);
            }
            LineMessage::CallerNotUnderstood { line } => self.on_not_understood(Place::Line(line)),
            LineMessage::Digit { line, digit } => {
                if let Some(line) = self.conversations.get_mut(&Place::Line(line)) {
                    line.on_digit(now.timestamp(), digit);
                }
            }
            LineMessage::ClaimEnded { line, claim, ending, heard_text, .. } => {
                if let Some(conversation) = self.conversations.get_mut(&Place::Line(line))
                    && let Some(lost) =
                        conversation.heard_log.on_ended(now.timestamp(), &claim, ending, heard_text)
                {
                    self.memory.notice(lost);
                }
            }
            LineMessage::TransferEnded { line, outcome, .. } => self.on_transferred(line, outcome),
            LineMessage::CallerChanged { line, caller } => {
                if let Some(line) = self.conversations.get_mut(&Place::Line(line)) {
                    (line.caller, line.caller_name, line.vouched) = (caller, None, false);
                }
            }
            LineMessage::OperatorTook { line } => self.set_operator(line, true),
            LineMessage::OperatorReleased { line } => self.set_operator(line, false),
            LineMessage::OperatorWhisper { line, text } => self.on_whisper(now, line, &text),
            LineMessage::OperatorSaid { line, text } => {
                if let Some(conversation) = self.conversations.get_mut(&Place::Line(line)) {
                    conversation.operator_said = Some(text);
                }
            }
            LineMessage::LineClosed { line, .. } => self.on_closed(now, line),
            LineMessage::Ping { seq } => self.send(BrainMessage::Pong { seq }),
            LineMessage::Shutdown => self.outputs.push_back(Output::End),
            // A partial may change entirely, and an answer takes no time worth saving.
            LineMessage::Hello { .. }
            | LineMessage::CallerSpeaking { .. }
            | LineMessage::CallerPartial { .. }
            | LineMessage::ClaimAccepted { .. }
            | LineMessage::ClaimStarted { .. }
            // It asks for no calls.
            | LineMessage::DialEnded { .. }
            | LineMessage::MessageAccepted { .. } => {}
        }
    }

    /// A caller who could not be put through is told so.
    fn on_transferred(&mut self, line: LineId, outcome: TransferOutcome) {
        if matches!(outcome, TransferOutcome::Refused | TransferOutcome::Failed) {
            let text = "I could not put you through.";
            self.say(Place::Line(line), Utterance::new(Source::Responder, text.to_owned()));
        }
    }

    fn on_opened(
        &mut self,
        now: &Zoned,
        line: LineId,
        caller: String,
        (resumed, backlog): (bool, u32),
        redial: Option<&Redial>,
    ) {
        let place = Place::Line(line);
        let full = self.conversations.len() >= LINES_MAX;
        if self.conversations.contains_key(&place) || full {
            return;
        }
        let former = redial.and_then(|redial| self.former.take(redial.line));
        let fresh = || Conversation::new(caller, now.timestamp());
        let conversation = former.map_or_else(fresh, |former| former.going_on(now.timestamp()));
        self.conversations.insert(place, conversation);
        let greeting = match (resumed, backlog) {
            (false, _) if let Some(redial) = redial => {
                redial::welcome_back(redial, &self.memory.notices)
            }
            (false, _) => self.config.greeting.replace("{name}", &self.config.name),
            (true, 0) => "I am back. Please go on.".into(),
            (true, _) => "I am back.".into(),
        };
        self.say(place, Utterance::new(Source::Responder, greeting));
        self.tell_notices(place);
    }

    /// What nobody was there to hear.
    fn tell_notices(&mut self, place: Place) {
        let notices = std::mem::take(&mut self.memory.notices);
        if !notices.is_empty() {
            let text = format!("While you were away. {}", notices.join(" "));
            self.say(place, Utterance { keep: true, ..Utterance::new(Source::Worker, text) });
        }
    }

    /// The machine did something that its owner wants to hear of: whoever is on the line is told,
    /// or the next caller. Nobody is answered.
    fn on_machine(&mut self, text: &str) {
        let told: String = text.chars().filter(|c| !c.is_control()).take(EVENT_CHARS_MAX).collect();
        self.tell_somebody(format!("The machine reports: {}", speakable::capitalised(told.trim())));
    }

    fn set_operator(&mut self, line: LineId, has_floor: bool) {
        if let Some(conversation) = self.conversations.get_mut(&Place::Line(line)) {
            conversation.operator = has_floor;
        }
    }

    fn on_timeout(&mut self, now: &Zoned) {
        while let Some(due) = self.memory.take_due(now.timestamp()) {
            match due.what {
                DueWhat::Timer { length } => {
                    self.tell_somebody(format!("Your timer has ended. It was set to {length}."));
                }
                DueWhat::Alarm => {
                    let time = speakable::time_of_day(&due.at.to_zoned(now.time_zone().clone()));
                    self.tell_somebody(format!("Wake up, please. It is {time}."));
                }
                DueWhat::Reminder { text } => {
                    self.tell_somebody(format!("A reminder. You wanted to {text}."));
                }
                DueWhat::Command { name } => self.run_due_command(now, &name),
            }
        }
        let pressed: Vec<_> = self
            .conversations
            .iter_mut()
            .filter_map(|(place, it)| Some((*place, it.take_digits(now.timestamp())?)))
            .collect();
        for (place, digits) in pressed {
            let text = format!("You pressed {}.", speakable::digits(&digits));
            self.say(place, Utterance::new(Source::Responder, text));
        }
    }

    /// Says it on a line that is open; if none is, on the next one.
    fn tell_somebody(&mut self, text: String) {
        self.tell(None, text);
    }

    fn tell(&mut self, wanted: Option<Place>, text: String) {
        let wanted = wanted.filter(|place| self.conversations.contains_key(place));
        match wanted.or_else(|| self.any_line()) {
            Some(place) => {
                let utterance = Utterance { keep: true, ..Utterance::new(Source::Worker, text) };
                self.say(place, utterance);
            }
            None => self.memory.notice(text),
        }
    }

    /// A line that is open.
    fn any_line(&self) -> Option<Place> {
        self.conversations.keys().next().copied().filter(|place| place.line().is_some())
    }

    /// Says it in a call, or writes it to who writes.
    fn say(&mut self, place: Place, utterance: Utterance) -> Option<ClaimId> {
        match place {
            Place::Line(line) => self.say_on(line, utterance),
            Place::Text(_) => self.write(place, utterance),
        }
    }

    fn say_on(&mut self, line: LineId, utterance: Utterance) -> Option<ClaimId> {
        let prefix = if utterance.source == Source::Responder { 'r' } else { 'w' };
        let claim = ClaimId::new(self.next_name(prefix)).ok()?;
        let conversation = self.conversations.get_mut(&Place::Line(line))?;
        conversation.heard_log.on_said(uttered(&claim, &utterance));
        let dedup_key = match utterance.turn {
            // A turn that is answered again after a restart has the same key.
            Some(turn) => format!("turn-{}-{}-{}", line.0, turn.0, conversation.next_answer(turn)),
            None => claim.to_string(),
        };
        self.send(BrainMessage::Say(Say {
            turn: utterance.turn,
            ttl_ms: (utterance.source == Source::Responder).then_some(ANSWER_TTL_MS),
            dedup_key: Some(dedup_key),
            ..Say::new(line, claim.clone(), utterance.source, utterance.text)
        }));
        Some(claim)
    }

    fn send(&mut self, message: BrainMessage) {
        self.outputs.push_back(Output::Send(message));
    }

    fn next_name(&mut self, prefix: char) -> String {
        self.names += 1;
        format!("{prefix}-{}-{}", self.boot, self.names)
    }

    fn note_changes(&mut self) {
        if self.memory != self.saved {
            self.saved.clone_from(&self.memory);
            self.outputs.push_back(Output::Save);
        }
    }
}

fn uttered(claim: &ClaimId, utterance: &Utterance) -> Uttered {
    Uttered {
        claim: claim.clone(),
        text: utterance.text.clone(),
        repeats: utterance.repeats,
        keep: utterance.keep,
    }
}

/// Something to say.
#[derive(Clone, Debug)]
struct Utterance {
    source: Source,
    text: String,
    turn: Option<TurnId>,
    /// It only repeats what was heard before.
    repeats: bool,
    /// The next caller is told, if this one does not hear it.
    keep: bool,
}

impl Utterance {
    fn new(source: Source, text: String) -> Self {
        Self { source, text, turn: None, repeats: false, keep: false }
    }
}

/// An answer that comes later than this answers nothing.
const ANSWER_TTL_MS: u64 = 15_000;

/// What the machine does comes under this tag.
const MACHINE: &str = "os";
/// As much of an event as anybody listens to.
const EVENT_CHARS_MAX: usize = 200;

/// More lines and writers than one machine serves.
const LINES_MAX: usize = 4096;
