//! The shell of one call: it owns the media line, and carries out what the conversation says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use brain_protocol::{BrainMessage, LineMessage};
use brain_supervisor::SupervisorHandle;
use lane_broker::LaneStore;
use media_core::{Generation, NegotiatedMedia};
use media_engine::{Clock, Line, LineEvent, LineStatistics, Speech};
use queue_governor::{Claim, ClaimId};
use sip_bridge::CallOutcome;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::conversation::{Action, Conversation, ConversationConfig, Figures, News};
use super::journal::{Journal, JournalEntry};
use super::logs::LogSender;
use crate::control::Reply;
use crate::replay::Entry;
use crate::report::{CallClosed, CallEvent, CallOpened, CallStats, Event};

/// Inputs that wait for the line's task. Events of 100 ms pile up to this in half a minute of a
/// task that does not run; then they are dropped and counted.
pub const INPUTS_MAX: usize = 2_048;
/// The media line reports its end within a few ticks; a disk may hold the recording up longer.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// What can happen to a line.
#[derive(Debug)]
pub enum LineInput {
    /// The caller acknowledged the answer: both sides hear each other.
    Established(NegotiatedMedia),
    /// A re-INVITE changed the media.
    MediaChanged(NegotiatedMedia),
    /// The media line reports.
    Media(LineEvent),
    /// A key by SIP INFO.
    Digit(char),
    /// The brain says something about this line.
    Brain(BrainMessage),
    /// A brain said hello.
    BrainUp(Option<u32>),
    /// The brain is gone.
    BrainDown(String),
    /// Another program wants something said.
    Say(Claim, mpsc::Sender<Reply>, bool),
    /// Signalling is over.
    Ended(CallOutcome),
}

/// The way to a line's task.
#[derive(Clone)]
pub struct LineHandle {
    /// Where its inputs go.
    pub inputs: mpsc::Sender<LineInput>,
}

impl LineHandle {
    /// Hands `input` over, or drops it when the line is hopelessly behind or gone.
    pub fn put(&self, input: LineInput) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.inputs.try_send(input) {
            tracing::warn!("a line does not keep up with its inputs; one was dropped");
        }
    }
}

/// What a line's task is made of.
pub struct LineParts {
    /// The media line.
    pub line: Line,
    /// Who calls whom, and the governor's settings.
    pub conversation: ConversationConfig,
    /// For the first line of the record.
    pub opened: CallOpened,
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
    /// Ends the call in signalling.
    pub hang_up: Box<dyn Fn() + Send + Sync>,
}

/// What is left of a call.
pub struct LineEnd {
    /// Final figures of the media.
    pub statistics: LineStatistics,
    /// What the record counts of the conversation.
    pub figures: Figures,
}

/// Lives as long as the call.
pub async fn run(parts: LineParts, mut inputs: mpsc::Receiver<LineInput>) -> LineEnd {
    let id = parts.conversation.line;
    let mut conversation = Conversation::new(parts.conversation.clone(), parts.lanes.clone());
    let log = parts.keeps_log.then(|| LogSender::new(id, parts.journal.clone()));
    if log.is_some() {
        conversation.keep_log();
    }
    let mut task = Task { parts, conversation, askers: BTreeMap::new(), hang_up_at: None, log };
    task.record(0.0, CallEvent::CallOpened(task.parts.opened.clone()));
    let outcome = task.converse(&mut inputs).await;
    let end = task.close(&mut inputs, outcome).await;
    tracing::info!(line = %id, turns = end.figures.turns, "line closed");
    end
}

struct Task {
    parts: LineParts,
    conversation: Conversation,
    askers: BTreeMap<ClaimId, (mpsc::Sender<Reply>, bool)>,
    hang_up_at: Option<Instant>,
    log: Option<LogSender>,
}

impl Task {
    async fn converse(&mut self, inputs: &mut mpsc::Receiver<LineInput>) -> Option<CallOutcome> {
        loop {
            self.act();
            let governor = self.conversation.next_timeout().map(|at| self.instant_of(at));
            let hang_up = self.hang_up_at;
            tokio::select! {
                input = inputs.recv() => match input {
                    Some(LineInput::Ended(outcome)) => return Some(outcome),
                    Some(input) => self.take(input),
                    None => return None,
                },
                () = until(hang_up) => {
                    self.hang_up_at = None;
                    (self.parts.hang_up)();
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
            LineInput::Media(LineEvent::MediaTimeout { .. }) => {
                tracing::warn!("no RTP from the caller any more: hanging up");
                (self.parts.hang_up)();
            }
            LineInput::Media(event) => self.conversation.media(now, event),
            LineInput::Digit(digit) => self.conversation.digit(now, digit),
            LineInput::Brain(message) => self.conversation.brain(now, message),
            LineInput::BrainUp(pid) => self.conversation.brain_up(now, pid),
            LineInput::BrainDown(reason) => self.conversation.brain_down(now, &reason),
            LineInput::Say(claim, replies, wait) => {
                self.askers.insert(claim.id.clone(), (replies, wait));
                self.conversation.submit(now, claim);
            }
            LineInput::Ended(_) => {}
        }
    }

    fn act(&mut self) {
        while let Some(action) = self.conversation.poll_action() {
            match action {
                Action::Grant { generation, speech, fallback } => {
                    self.grant(generation, speech, fallback);
                }
                Action::Revoke(generation) => self.parts.line.revoke(generation),
                Action::Pause(generation) => self.parts.line.pause(generation),
                Action::Resume(generation) => self.parts.line.resume(generation),
                Action::Tell(message) => self.tell(&message),
                Action::Answer { claim, news } => self.answer(&claim, news),
                Action::Record { t_ms, event } => self.record(t_ms, event),
                Action::Log(entry) => {
                    if let Some(log) = &mut self.log {
                        log.put(entry);
                    }
                }
                Action::HangUp(after) => self.hang_up_at = Some(Instant::now() + after),
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

    fn answer(&mut self, claim: &ClaimId, news: News) {
        let line = self.conversation.config.line.0;
        let id = claim.to_string();
        let reply = match news {
            News::Accepted => Reply::Accepted { line, claim: id },
            News::Ended { ending, reason, heard } => {
                Reply::Ended { line, claim: id, ending, reason, heard }
            }
        };
        let last = matches!(reply, Reply::Ended { .. });
        let Some((replies, wait)) = self.askers.get(claim) else { return };
        let wait = *wait;
        // A client that went away needs no answer.
        let _ = replies.try_send(reply);
        if last || !wait {
            self.askers.remove(claim);
        }
    }

    fn record(&self, t_ms: f64, what: CallEvent) {
        let line = self.conversation.config.line;
        self.parts.journal.put(JournalEntry::Event(line, Event { t_ms, what }));
    }

    fn instant_of(&self, at: media_core::MonoTime) -> Instant {
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
        let t_ms = self.conversation.record_ms(now);
        let figures = self.conversation.figures.clone();
        let last_tick = self.parts.line.close().statistics;
        let statistics = final_statistics(inputs, &mut self.log).await.unwrap_or(last_tick);
        if let Some(log) = self.log {
            log.finish();
        }
        let closed = CallClosed {
            hangup_by: format!("{:?}", outcome.hangup_by).to_lowercase(),
            reason: outcome.reason,
            sip_status: Some(outcome.sip_status),
            stats: call_stats(&statistics),
        };
        let line = self.conversation.config.line;
        tracing::debug!(%line, ?statistics, "media figures");
        let event = Event { t_ms, what: CallEvent::CallClosed(closed) };
        self.parts.journal.put(JournalEntry::Event(line, event));
        self.parts.journal.put(JournalEntry::Close(line));
        LineEnd { statistics, figures }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Waits for the media line's last event: ports are free and the recording is on disk. What the
/// ear did last comes before it.
async fn final_statistics(
    inputs: &mut mpsc::Receiver<LineInput>,
    log: &mut Option<LogSender>,
) -> Option<LineStatistics> {
    let closed = async {
        while let Some(input) = inputs.recv().await {
            match (input, &mut *log) {
                (LineInput::Media(LineEvent::Closed { statistics, .. }), _) => {
                    return Some(*statistics);
                }
                (LineInput::Media(LineEvent::Listened { steps }), Some(log)) => {
                    log.put(Entry::Ear(steps));
                }
                _ => {}
            }
        }
        None
    };
    tokio::time::timeout(CLOSE_WITHIN, closed).await.ok().flatten()
}

fn call_stats(statistics: &LineStatistics) -> CallStats {
    CallStats {
        rtp_sent: statistics.rtp_sent,
        rtp_received: statistics.rtp_received,
        rtp_lost: statistics.rtp_lost,
        jitter_ms: f64::from(statistics.jitter_ms),
        playout_delay_ms: f64::from(statistics.playout_delay_ms),
        mos_estimated: f64::from(statistics.mos_estimated),
    }
}
