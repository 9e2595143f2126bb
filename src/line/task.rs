//! The shell of one call: it owns the media line, and carries out what the conversation says.

mod closing;
mod keeping;
mod moved;
mod seats;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use brain_protocol::{LineMessage, Redial};
use brain_supervisor::SupervisorHandle;
use lane_broker::LaneStore;
use media_core::hearing::EarConfig;
use media_core::{Generation, MonoTime};
use media_engine::{Clock, Engine, Line, LineEvent, Speech};
use queue_governor::{Book, ClaimId};
use sip_bridge::{CallOutcome, HangupReason};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::seats::Seats;
use super::action::Action;
use super::conversation::{Conversation, ConversationConfig};
use super::figures::call_stats;
use super::gate::{Gate, Passage};
use super::inputs::{ClaimNews, LineInput, LineNews};
use super::journal::{Journal, JournalEntry};
use super::keys::KeyPath;
use super::legs::LegId;
use super::logs::LogSender;
use super::memory::LineEnd;
use super::seat::Opener;
use super::transfer::TransferTo;
use crate::durable::Account;
use crate::report::{CallClosed, CallEvent, CallOpened, Event};

/// What a line's task is made of.
pub struct LineParts {
    /// The media line.
    pub line: Line,
    /// Where others join it.
    pub media: Arc<Engine>,
    /// How further legs are listened to; the rate is each leg's own.
    pub ear: EarConfig,
    /// Where what happens to it goes, for the legs that join.
    pub inputs: mpsc::Sender<LineInput>,
    /// Who opened it, where that was somebody at a door.
    pub opener: Option<Opener>,
    /// Who calls whom, and the governor's settings.
    pub conversation: ConversationConfig,
    /// For the first line of the record.
    pub opened: CallOpened,
    /// The line called, and the caller is who was called.
    pub outbound: bool,
    /// The call that this one goes on with.
    pub redial: Option<Redial>,
    /// Whether everything that is decided on goes into a log.
    pub keeps_log: bool,
    /// The record.
    pub journal: Journal,
    /// The brain.
    pub brain: SupervisorHandle,
    /// What the caller said, until a brain dealt with it.
    pub lanes: Arc<dyn LaneStore>,
    /// The process's clock.
    pub clock: Clock,
    /// Where the governor's records are kept.
    pub account: Account,
    /// What this run is called in the names of its claims.
    pub run: String,
    /// The fold of this line's records, for the house to carry on with when the line is gone.
    pub book: Arc<Mutex<Book>>,
    /// What an earlier run said lately.
    pub said: Book,
    /// Whether nothing is said for other programs at present.
    pub hold_external: bool,
    /// Where the house hears of its claims.
    pub news: mpsc::Sender<LineNews>,
    /// Puts the caller through in signalling.
    pub transfer: Box<dyn Fn(TransferTo) + Send + Sync>,
    /// Ends the call in signalling.
    pub hang_up: Box<dyn Fn(HangupReason) + Send + Sync>,
    /// Tells the house that the line goes on without the peer that it was opened with.
    pub goes_on: Box<dyn Fn() + Send + Sync>,
}

/// Lives as long as the call.
pub async fn run(parts: LineParts, mut inputs: mpsc::Receiver<LineInput>) -> LineEnd {
    let id = parts.conversation.line;
    let (config, said) = (parts.conversation.clone(), parts.said.clone());
    let mut conversation = Conversation::recovered(config, parts.lanes.clone(), said);
    if parts.outbound {
        conversation.calls_out();
    }
    if let Some(redial) = parts.redial.clone() {
        conversation.goes_on_with(redial);
    }
    let log = parts.keeps_log.then(|| LogSender::new(id, parts.journal.clone()));
    if log.is_some() {
        conversation.keep_log();
    }
    let (gate, houses, seats) = (Gate::default(), BTreeSet::new(), Seats::default());
    let handed_back = BTreeSet::new();
    let mut task =
        Task { parts, conversation, gate, houses, handed_back, hang_up_at: None, log, seats };
    task.record(0.0, CallEvent::CallOpened(task.parts.opened.clone()));
    task.seat_the_opener();
    if task.parts.hold_external {
        task.take(LineInput::HoldExternal(true));
    }
    let outcome = task.converse(&mut inputs).await;
    let end = task.close(&mut inputs, outcome).await;
    tracing::info!(line = %id, turns = end.figures.turns, "line closed");
    end
}

struct Task {
    parts: LineParts,
    conversation: Conversation,
    gate: Gate,
    /// Live claims that the house handed in; their names are no other line's.
    houses: BTreeSet<ClaimId>,
    /// Claims that the house has back: whatever becomes of them here is not their ending.
    handed_back: BTreeSet<ClaimId>,
    hang_up_at: Option<(Instant, HangupReason)>,
    log: Option<LogSender>,
    /// Who else is there.
    seats: Seats,
}

impl Task {
    async fn converse(&mut self, inputs: &mut mpsc::Receiver<LineInput>) -> Option<CallOutcome> {
        loop {
            self.act();
            self.show_state();
            if let Some(outcome) = self.seats.take_over() {
                return Some(outcome);
            }
            let governor = self.conversation.next_timeout().map(|at| self.instant_of(at));
            let gate = self.gate.next_timeout().map(|at| self.instant_of(at));
            let hang_up = self.hang_up_at.map(|(at, _)| at);
            tokio::select! {
                input = inputs.recv() => match input {
                    Some(LineInput::Ended(outcome)) => self.first_left(outcome),
                    Some(LineInput::Over(outcome)) => return Some(outcome),
                    Some(input) => self.take(input),
                    None => return None,
                },
                () = self.parts.account.changed() => {}
                () = until(gate) => {}
                () = until(hang_up) => {
                    if let Some((_, reason)) = self.hang_up_at.take() {
                        // Who is not heard any more goes alone; otherwise it is over for everybody.
                        self.seats.closing |= reason != HangupReason::MediaTimeout;
                        (self.parts.hang_up)(reason);
                    }
                }
                () = until(governor) => {
                    let now = self.parts.clock.now();
                    self.conversation.timeout(now);
                }
            }
        }
    }

    fn take(&mut self, input: LineInput) {
        let now = self.parts.clock.now();
        match input {
            LineInput::Established(media) => {
                self.parts.line.update_media(media);
                let up = self.parts.brain.is_connected();
                self.conversation.established(now, up);
            }
            LineInput::MediaChanged(media) => self.parts.line.update_media(media),
            LineInput::Moved(caller, media) => {
                self.parts.line.update_media(media);
                self.moved(now, caller);
            }
            LineInput::TransferEnded(outcome, reason) => {
                self.conversation.transfer_ended(now, outcome, reason);
            }
            LineInput::Media(event) => {
                let t_ms = self.conversation.record_ms(now);
                let line = self.conversation.config.line;
                self.parts.journal.show_level(line, LegId::FIRST, t_ms, &event);
                self.conversation.media(now, event);
            }
            LineInput::Statistics(answer) => drop(answer.send(self.parts.line.statistics())),
            LineInput::Digit(digit) => self.conversation.digit(now, digit, KeyPath::Signalling),
            LineInput::Brain(message) => self.conversation.brain(now, message),
            LineInput::BrainUp(pid) => self.conversation.brain_up(now, pid),
            LineInput::BrainDown(reason) => {
                self.gate.brain_gone();
                self.conversation.brain_down(now, &reason);
            }
            LineInput::Say(claim) => {
                self.houses.insert(claim.id.clone());
                self.conversation.submit(now, claim);
            }
            LineInput::CarryOver(unfinished) => {
                self.houses.insert(unfinished.claim.id.clone());
                self.handed_back.remove(&unfinished.claim.id);
                self.book().put(unfinished.clone());
                self.conversation.carry_over(now, unfinished);
            }
            LineInput::Withdraw(claim) => self.conversation.withdraw(now, claim),
            LineInput::HoldExternal(hold) => self.conversation.hold_external(now, hold),
            LineInput::Operator(true) => self.conversation.operator_takes(now),
            LineInput::Operator(false) => {
                self.operators_step_back(now);
                self.conversation.operator_releases(now);
            }
            LineInput::Sit(sitting) => self.sit(now, *sitting),
            LineInput::Leg(leg, input) => self.leg(now, leg, input),
            LineInput::HangUp(reason) => self.hang_up_at = Some((Instant::now(), reason)),
            LineInput::Whisper { text, answer } => {
                // An operator who went away needs no answer.
                let _ = answer.send(self.conversation.whisper(now, text));
            }
            LineInput::Ended(_) | LineInput::Over(_) => {}
        }
    }

    /// Carries out what the conversation says, as far as the journal is safe.
    fn act(&mut self) {
        self.gate.progressed(self.parts.account.progress());
        self.break_promises();
        let now = self.parts.clock.now();
        while let Some(action) = self.conversation.poll_action() {
            if let Action::Journal(record) = action {
                self.write(record);
                continue;
            }
            match self.gate.put(now, action) {
                Passage::Now(action) => self.carry_out(action),
                Passage::Held => {}
                Passage::NeverGranted(generation) => {
                    let silenced = LineEvent::Silenced { at: now, generation, samples: 0 };
                    self.conversation.media(now, silenced);
                }
            }
        }
        while let Some(action) = self.gate.next(now) {
            self.carry_out(action);
        }
        if self.gate.take_degraded() {
            let text = "said before the journal was safe: the disk is slow or refuses".to_owned();
            let t_ms = self.conversation.record_ms(now);
            self.record(t_ms, CallEvent::Note { text });
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Journal(_) => {}
            Action::Grant { generation, speech, fallback } => {
                self.grant(generation, speech, fallback);
            }
            Action::Revoke(generation) => self.parts.line.revoke(generation),
            Action::Pause(generation) => self.parts.line.pause(generation),
            Action::Resume(generation) => self.parts.line.resume(generation),
            Action::Tell(message) => self.tell(&message),
            Action::Answer { claim, .. } if self.handed_back.contains(&claim) => {}
            Action::Answer { claim, news } => {
                // What was turned away leaves no record that would say so.
                if !self.conversation.knows(&claim) {
                    self.houses.remove(&claim);
                }
                self.tell_house(claim, ClaimNews::Governor(news));
            }
            Action::Record { t_ms, event } => self.record(t_ms, event),
            Action::Log(entry) => {
                if let Some(log) = &mut self.log {
                    log.put(entry);
                }
            }
            Action::Transfer(to) => (self.parts.transfer)(to),
            Action::HangUp { after, reason } => {
                if reason == HangupReason::MediaTimeout {
                    let line = self.conversation.config.line;
                    tracing::warn!(%line, "no RTP from the caller any more: hanging up");
                }
                self.hang_up_at = Some((Instant::now() + after, reason));
            }
        }
    }

    fn grant(&self, generation: Generation, speech: Speech, fallback: bool) {
        let speech = match speech {
            Speech::Text(text) if fallback => Speech::FallbackText(text),
            speech => speech,
        };
        self.parts.line.grant(generation, speech);
    }

    fn tell(&mut self, message: &LineMessage) {
        if let Err(error) = self.parts.brain.send(message) {
            tracing::debug!(%error, "a message did not reach the brain");
            // Anything else is of no use to a brain that comes later.
            if matches!(message, LineMessage::CallerTurn { .. }) {
                self.conversation.turn_not_taken();
            }
        }
    }

    fn tell_house(&self, claim: ClaimId, news: ClaimNews) {
        let line = self.conversation.config.line;
        if self.parts.news.try_send(LineNews { line, claim, news }).is_err() {
            tracing::warn!(%line, "the house does not keep up; an answer to a program was dropped");
        }
    }

    fn record(&self, t_ms: f64, what: CallEvent) {
        let line = self.conversation.config.line;
        self.parts.journal.put(JournalEntry::Event(line, Event { t_ms, what }));
    }

    fn instant_of(&self, at: MonoTime) -> Instant {
        Instant::now() + at.since(self.parts.clock.now())
    }

    async fn close(
        mut self,
        inputs: &mut mpsc::Receiver<LineInput>,
        outcome: Option<CallOutcome>,
    ) -> LineEnd {
        let outcome = outcome.unwrap_or(CallOutcome {
            hangup_by: sip_bridge::HangupBy::Line,
            sip_status: 200,
            reason: "the line shuts down".into(),
            q850: None,
        });
        let now = self.parts.clock.now();
        self.conversation.closed(now, &outcome.reason);
        self.act();
        self.let_go().await;
        let t_ms = self.conversation.record_ms(now);
        let figures = self.conversation.figures.clone();
        let memory = self.conversation.take_memory();
        self.seats.line_closes(&outcome.reason);
        let last_tick = self.parts.line.close().statistics;
        let (statistics, untaken) = closing::last_inputs(inputs, &mut self.log).await;
        let statistics = statistics.unwrap_or(last_tick);
        if let Some(log) = self.log {
            log.finish();
        }
        let closed = CallClosed {
            hangup_by: format!("{:?}", outcome.hangup_by).to_lowercase(),
            reason: outcome.reason.clone(),
            sip_status: Some(outcome.sip_status),
            stats: call_stats(&statistics),
        };
        let line = self.conversation.config.line;
        tracing::debug!(%line, ?statistics, "media figures");
        let event = Event { t_ms, what: CallEvent::CallClosed(closed) };
        self.parts.journal.put(JournalEntry::Event(line, event));
        self.parts.journal.put(JournalEntry::Close(line));
        LineEnd { statistics, figures, memory, over: now, outcome, untaken }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
