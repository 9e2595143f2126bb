//! Who is on the line, and what each of them does: several callers with one agent, and the operator.

use std::collections::BTreeMap;

use media_core::{HearingEvent, MonoTime, UtteranceTimes};
use media_engine::LineEvent;
use queue_governor::Input;

use super::action::Action;
use super::conversation::Conversation;
use super::ears::Ears;
use super::legs::{LegId, OperatorPart, Part};
use crate::replay::Entry;
use crate::report::{CallEvent, DoorKind};

/// Who comes to a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Whose words these are in the transcript.
    pub label: String,
    /// How they come.
    pub door: DoorKind,
    /// What for.
    pub part: Part,
}

/// What the agent does, as somebody sees it who waits for its answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum AgentState {
    /// Nothing is due.
    #[default]
    Listening,
    /// An answer is due, and nothing is heard of it yet.
    Thinking,
    /// It is heard.
    Speaking,
}

/// Everybody at a line.
#[derive(Debug)]
pub(super) struct Company {
    pub ears: Ears,
    legs: BTreeMap<LegId, AtLine>,
    next: u64,
    /// The operator has taken the floor without a leg of its own: by a command.
    taken_by_word: bool,
}

/// A leg, as far as the conversation knows it.
#[derive(Debug)]
pub(super) struct AtLine {
    /// `None`: whoever was on the line first, and is not named.
    pub label: Option<String>,
    pub part: Part,
    pub utterance: Utterance,
    /// What the operator did when the open utterance began: so it is meant.
    begun_as: OperatorPart,
}

/// Where a caller is in an utterance.
#[derive(Debug, Default)]
pub(super) struct Utterance {
    pub onset: Option<MonoTime>,
    pub agent_had_floor: bool,
    pub barged_in: bool,
    pub speaking: bool,
    pub understood_as_speech: bool,
}

impl Default for Company {
    fn default() -> Self {
        let first = AtLine::new(None, Part::Caller);
        let legs = BTreeMap::from([(LegId::FIRST, first)]);
        Self { ears: Ears::default(), legs, next: 1, taken_by_word: false }
    }
}

impl AtLine {
    fn new(label: Option<String>, part: Part) -> Self {
        let begun_as = OperatorPart::default();
        Self { label, part, utterance: Utterance::default(), begun_as }
    }
}

impl Company {
    pub fn leg(&mut self, leg: LegId) -> Option<&mut AtLine> {
        self.legs.get_mut(&leg)
    }

    /// Whose words these are; `None`: of who was on the line first.
    pub fn label(&self, leg: LegId) -> Option<String> {
        self.legs.get(&leg)?.label.clone()
    }

    /// Whether any caller makes the sound of speech.
    fn speaks(&self) -> bool {
        self.legs.values().any(|at| at.part == Part::Caller && at.utterance.speaking)
    }

    fn operator_has_taken(&self) -> bool {
        self.taken_by_word || self.legs.values().any(|at| at.part.takes_the_floor())
    }
}

impl Conversation {
    /// The line was opened by somebody who has a name. To be said before anything happens.
    pub fn opened_by(&mut self, label: String) {
        if let Some(first) = self.company.leg(LegId::FIRST) {
            first.label = Some(label);
        }
    }

    /// Callers on the line. Without one it is over.
    #[must_use]
    pub fn callers(&self) -> usize {
        self.company.legs.values().filter(|at| at.part == Part::Caller).count()
    }

    /// Whether the leg is at the line.
    #[must_use]
    pub fn is_at_the_line(&self, leg: LegId) -> bool {
        self.company.legs.contains_key(&leg)
    }

    /// What the agent does.
    #[must_use]
    pub fn agent_state(&self) -> AgentState {
        self.figures.dead_air.agent_state()
    }

    /// Somebody else comes to the line.
    pub fn leg_joined(&mut self, now: MonoTime, arrival: Arrival) -> LegId {
        let leg = LegId(self.company.next);
        self.company.next += 1;
        let Arrival { label, door, part } = arrival;
        let joined =
            CallEvent::LegJoined { leg: leg.0, label: label.clone(), door, part: part.kind() };
        self.record(now, joined);
        self.company.legs.insert(leg, AtLine::new(Some(label), part));
        self.follow_the_operator(now);
        leg
    }

    /// A leg takes part in another way: the operator takes the floor or hands it back, somebody is
    /// muted. Callers stay callers.
    pub fn leg_part(&mut self, now: MonoTime, leg: LegId, part: Part, muted: bool) {
        let Some(at) = self.company.leg(leg) else { return };
        at.part = part;
        self.record(now, CallEvent::LegPart { leg: leg.0, part: part.kind(), muted });
        self.follow_the_operator(now);
    }

    /// A leg has left. What it had begun to say is over.
    pub fn leg_left(&mut self, now: MonoTime, leg: LegId, reason: &str) {
        let spoke = self.company.speaks();
        if self.company.legs.remove(&leg).is_none() {
            return;
        }
        self.record(now, CallEvent::LegLeft { leg: leg.0, reason: reason.to_owned() });
        for input in self.company.ears.gone(leg) {
            self.govern(now, input);
        }
        if !self.company.ears.are_open() {
            self.figures.dead_air.caller(now, false);
        }
        if spoke && !self.company.speaks() {
            self.record(now, CallEvent::CallerVad { on: false });
        }
        self.follow_the_operator(now);
    }

    /// The operator takes the floor; the brain is told.
    pub fn operator_takes(&mut self, now: MonoTime) {
        self.company.taken_by_word = true;
        self.follow_the_operator(now);
    }

    /// The operator hands the floor back; the brain is told. Whoever barges in on a leg of its own
    /// keeps it.
    pub fn operator_releases(&mut self, now: MonoTime) {
        self.company.taken_by_word = false;
        self.follow_the_operator(now);
    }

    /// The governor hears of the operator what has changed, and the brain from the governor.
    fn follow_the_operator(&mut self, now: MonoTime) {
        match (self.company.operator_has_taken(), self.operator_has_the_floor) {
            (true, false) => self.govern(now, Input::OperatorTake),
            (false, true) => self.govern(now, Input::OperatorRelease),
            _ => {}
        }
    }

    /// The media of a leg that joined report.
    pub fn leg_media(&mut self, now: MonoTime, leg: LegId, event: LineEvent) {
        match event {
            LineEvent::Hearing(heard) => self.hearing(now, leg, heard),
            LineEvent::Listened { steps } if self.is_logged => {
                self.actions.push_back(Action::Log(Entry::LegHeard { leg: leg.0, steps }));
            }
            LineEvent::Level { at, speech, .. } => self.level(at, leg, speech),
            LineEvent::Dtmf { at, digit } => self.leg_digit(at, leg, digit),
            LineEvent::Dropped { what, count, at } => {
                let text = format!("{count} {what} of leg {leg} left out: the machine is too slow");
                self.record(at, CallEvent::Note { text });
            }
            // A leg has no voice of its own, and who carries it says when it is gone.
            _ => {}
        }
    }

    /// A caller on a leg of its own pressed a key.
    pub fn leg_digit(&mut self, at: MonoTime, leg: LegId, digit: char) {
        if self.company.legs.get(&leg).is_some_and(|at| at.part == Part::Caller) {
            self.pressed(at, digit);
        }
    }

    /// The detector changed its mind about a leg.
    pub(super) fn level(&mut self, at: MonoTime, leg: LegId, speech: bool) {
        let before = self.company.speaks();
        let Some(of) = self.company.leg(leg) else { return };
        of.utterance.speaking = speech;
        let on = self.company.speaks();
        if before != on {
            self.record(at, CallEvent::CallerVad { on });
        }
    }

    /// What an ear says of the operator. Between the operator and the agent there is no floor to be
    /// fought for: it is taken or it is not.
    pub(super) fn operator_heard(&mut self, now: MonoTime, leg: LegId, heard: HearingEvent) {
        let Some(at) = self.company.leg(leg) else { return };
        let Part::Operator(part) = at.part else { return };
        match heard {
            HearingEvent::Onset { .. } => at.begun_as = part,
            HearingEvent::Final { text, times, .. } => match at.begun_as {
                OperatorPart::BargeIn => self.operator_spoke(now, leg, text, times),
                OperatorPart::Whisper => self.operator_whispered(now, text),
                OperatorPart::Listen => {}
            },
            HearingEvent::Verdict { .. }
            | HearingEvent::Partial { .. }
            | HearingEvent::NotUnderstood { .. } => {}
        }
    }

    /// Everybody heard it: it belongs to the conversation.
    fn operator_spoke(&mut self, now: MonoTime, leg: LegId, text: String, times: UtteranceTimes) {
        let (speech_start_ms, speech_end_ms) =
            (self.record_ms(times.speech_start), self.record_ms(times.speech_end));
        let (leg, said) = (leg.0, text.clone());
        self.record(
            now,
            CallEvent::OperatorSaid { leg, text: said, speech_start_ms, speech_end_ms },
        );
        self.operator_said(now, text);
    }

    fn operator_whispered(&mut self, now: MonoTime, text: String) {
        if let Err(why) = self.whisper(now, text) {
            let text = format!("the operator's whisper was not heard: {why}");
            self.record(now, CallEvent::Note { text });
        }
    }
}

impl Utterance {
    /// It is over; what it was, for a last look.
    pub fn finished(&mut self) -> Utterance {
        let speaking = self.speaking;
        let mut was = core::mem::take(self);
        self.speaking = speaking;
        // A verdict that is still open belongs to the next utterance.
        self.onset = was.onset.take();
        was
    }
}
