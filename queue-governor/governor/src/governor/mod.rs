//! The front: one mutation, then the outputs, then the timeout.

mod caller;
mod door;
mod floor;
mod playout;
mod recovery;

use core::time::Duration;
use std::collections::VecDeque;

use media_core::{LineId, MonoTime};

use crate::barge_in::Caller;
use crate::claim::{ClaimId, OnInterrupt, Source, TurnId};
use crate::config::GovernorConfig;
use crate::dedup::{Said, Same};
use crate::entry::{Entry, Thing};
use crate::floor::{Floor, Then};
use crate::io::{Briefing, Ending, Input, Output};
use crate::queue::Queue;
use crate::reason::{FailReason, FloorReason, RefusalReason};

/// What was said last, and until when something unrelated keeps its distance.
#[derive(Clone, Debug, Default)]
struct Saying {
    gap_until: Option<MonoTime>,
    thing: Option<Thing>,
}

impl Saying {
    fn goes_on_with(&self, entry: &Entry) -> bool {
        self.thing.is_some() && entry.thing() == self.thing
    }
}

/// The governor of one line.
///
/// Tell it what happened with [`handle`](Self::handle), do what
/// [`poll_output`](Self::poll_output) says until it says nothing, and come back at
/// [`next_timeout`](Self::next_timeout) at the latest.
///
/// A clone goes on from the same state, so that every future of it can be explored.
#[derive(Clone, Debug)]
pub struct Governor {
    config: GovernorConfig,
    line: LineId,
    now: MonoTime,
    queue: Queue,
    floor: Floor,
    caller: Caller,
    turn: Option<TurnId>,
    /// Until then the responder alone may answer the caller's turn.
    reply_window_until: Option<MonoTime>,
    operator_has_the_floor: bool,
    external_is_held: bool,
    saying: Saying,
    closed: bool,
    /// Claims wait that nobody has looked at yet.
    is_unsettled: bool,
    said: Said,
    accepted: u64,
    fillers: u64,
    outputs: VecDeque<Output>,
}

impl Governor {
    /// A governor with nothing waiting and nobody on the floor.
    #[must_use]
    pub fn new(config: GovernorConfig, line: LineId) -> Self {
        Self {
            config: with_positive_times(config),
            line,
            now: MonoTime::ZERO,
            queue: Queue::default(),
            floor: Floor::default(),
            caller: Caller::default(),
            turn: None,
            reply_window_until: None,
            operator_has_the_floor: false,
            external_is_held: false,
            saying: Saying::default(),
            closed: false,
            is_unsettled: false,
            said: Said::default(),
            accepted: 0,
            fillers: 0,
            outputs: VecDeque::new(),
        }
    }

    /// The line it governs.
    #[must_use]
    pub fn line(&self) -> LineId {
        self.line
    }

    /// Something happened, or time passed. `now` that lies before an earlier one counts as that.
    ///
    /// O(live claims), which are bounded by [`GovernorConfig::claims_max`].
    pub fn handle(&mut self, now: MonoTime, input: Input) {
        self.now = self.now.max(now);
        self.is_unsettled = false;
        // What is over is over before anything is compared with it; what is reported is taken
        // in before a watch that waits for it is judged.
        self.expire();
        self.apply(input);
        self.on_time();
        self.settle();
        // What has the floor does not expire; what was cut too late does, and leaves room.
        if self.expire() {
            self.settle();
        }
    }

    /// The next thing to do or to tell, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Governor::handle`] with [`Input::Timeout`] if nothing else happens. Exact:
    /// before it, time alone changes nothing.
    #[must_use]
    pub fn next_timeout(&self) -> Option<MonoTime> {
        let silencing = self.floor.silencing.iter().map(|silencing| silencing.until).min();
        [
            self.queue.next_expiry(),
            silencing,
            self.caller.next_timeout(),
            self.stalled_at(),
            self.next_cut().map(|cut| cut.at),
            self.reply_window_until,
            self.gap_ends_at(),
            self.is_unsettled.then_some(self.now),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Who holds the floor.
    #[must_use]
    pub fn holder(&self) -> Option<&ClaimId> {
        self.floor.holder.as_ref().map(|holder| holder.entry.id())
    }

    /// Claims accepted and not yet ended.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.queue.len() + self.floor.entries().count()
    }

    fn apply(&mut self, input: Input) {
        if self.closed {
            return self.apply_closed(input);
        }
        match input {
            Input::Submit(claim) => self.on_submit(claim),
            Input::CarryOver(unfinished) => self.on_carried_over(unfinished),
            Input::Withdraw(id) => self.on_withdraw(&id),
            Input::CallerOnset => self.on_onset(),
            Input::CallerVerdict(verdict) => self.on_verdict(verdict),
            Input::CallerTurn(turn) => self.on_turn(turn),
            Input::CallerSilent => self.caller.on_utterance_end(),
            Input::SpeechChunk { generation, samples, words } => {
                self.on_made(generation, samples, &words);
            }
            Input::SpeechDone { generation, samples } => self.on_whole(generation, samples),
            Input::SpeechFailed { generation, reason } => self.on_failed(generation, reason),
            Input::FirstSample { generation } => self.on_first_sample(generation),
            Input::Played { generation, samples } => self.on_played(generation, samples),
            Input::Drained { generation, samples } => self.on_drained(generation, samples),
            Input::Silenced { generation, samples } => self.on_silenced(generation, samples),
            Input::LineRate(rate) => self.config.line_rate = rate,
            Input::OperatorTake => self.on_operator_take(),
            Input::OperatorRelease => self.on_operator_release(),
            Input::HoldExternal(hold) => self.external_is_held = hold,
            Input::OperatorWhisper(text) => self.on_operator_whisper(text),
            Input::LineClosed => self.on_closed(),
            Input::Timeout => {}
        }
    }

    fn apply_closed(&mut self, input: Input) {
        match input {
            Input::Submit(claim) => self.refuse_closed(claim),
            Input::CarryOver(unfinished) => {
                self.outputs.push_back(Output::Carried(unfinished.claim.id));
            }
            _ => {}
        }
    }

    /// Everything that is due by time, except what the floor's next step decides.
    fn on_time(&mut self) {
        self.caller.on_time(self.now);
        self.reply_window_until = self.reply_window_until.filter(|until| *until > self.now);
        self.saying.gap_until = self.saying.gap_until.filter(|until| *until > self.now);
        self.settle_overdue_silence();
        self.watch_for_stall();
    }

    /// Says whether anything did.
    fn expire(&mut self) -> bool {
        let now = self.now;
        let expired = self.queue.take_all(|entry| entry.expires_at.is_some_and(|at| at <= now));
        let any = !expired.is_empty();
        expired.into_iter().for_each(|entry| self.end(entry, Ending::Expired));
        any
    }

    fn on_operator_take(&mut self) {
        if self.operator_has_the_floor {
            return;
        }
        self.operator_has_the_floor = true;
        self.outputs.push_back(Output::Brief(Briefing::OperatorTook));
        let holder = self.floor.holder.as_ref();
        if holder.is_some_and(|holder| holder.entry.source() != Source::Operator) {
            self.revoke_to_wait(FloorReason::OperatorTook);
        } else {
            self.tell_floor(FloorReason::OperatorTook);
        }
    }

    fn on_operator_release(&mut self) {
        if core::mem::take(&mut self.operator_has_the_floor) {
            self.outputs.push_back(Output::Brief(Briefing::OperatorReleased));
            self.tell_floor(FloorReason::OperatorReleased);
        }
    }

    /// Words for the brain. As bounded as a claim's, because they may be kept as long.
    fn on_operator_whisper(&mut self, text: String) {
        let (got, max) = (text.len(), self.config.text_bytes_max);
        let output = match text.trim() {
            "" => Output::WhisperRefused(RefusalReason::Empty),
            _ if got > max => Output::WhisperRefused(RefusalReason::TextTooLong { got, max }),
            _ => Output::Brief(Briefing::Whisper(text)),
        };
        self.outputs.push_back(output);
    }

    fn on_closed(&mut self) {
        self.closed = true;
        self.caller = Caller::default();
        self.reply_window_until = None;
        let closed = Ending::Failed(FailReason::LineClosed);
        let carried = self.floor.holder.as_ref().map(|it| &it.entry.claim);
        let then = match carried.filter(|claim| claim.must_deliver) {
            Some(claim) => Then::Wait { restate: claim.on_interrupt == OnInterrupt::Restate },
            None => Then::End(closed.clone()),
        };
        self.revoke(then, FloorReason::LineClosed);
        self.silence_all_now(&closed);
        self.saying = Saying::default();
        // Before the others are carried: what ends so may be heard of the same that goes on after it.
        for entry in self.queue.take_all(|entry| !entry.claim.must_deliver) {
            self.end(entry, closed.clone());
        }
        for entry in self.queue.take_all(|_| true) {
            self.outputs.push_back(Output::Carried(entry.claim.id));
        }
    }

    /// The one place where a claim ends. It owns the entry, so there is no second time. If it was
    /// heard, what waits beside it ends with it, or goes on after it; what was itself begun only ends
    /// if this one was said to its end.
    fn end(&mut self, entry: Entry, ending: Ending) {
        let mut same = Vec::new();
        if let Some(until) = self.write_ended(&entry, &ending) {
            self.said.remember(entry.said(), until);
            let (key, whole) = (&entry.key, entry.is_complete());
            let ends = |other: &Entry| whole || !other.was_begun();
            same = self.queue.take_all(|other| ends(other) && other.key.is_same(key));
        }
        let heard = entry.heard_of_its_own();
        if entry.source() == Source::Operator && !heard.text.is_empty() {
            self.outputs.push_back(Output::Brief(Briefing::OperatorSaid(heard.text.clone())));
        }
        self.outputs.push_back(Output::Ended {
            source: entry.source(),
            turn: entry.claim.turn,
            ending,
            heard,
            claim: entry.claim.id,
        });
        for entry in same {
            self.end_as_said(entry);
        }
    }

    fn tell_floor(&mut self, why: FloorReason) {
        self.outputs.push_back(Output::FloorChanged { holder: self.holder().cloned(), why });
    }
}

/// A watch of no length would fire for ever at the same instant.
fn with_positive_times(mut config: GovernorConfig) -> GovernorConfig {
    const SHORTEST: Duration = Duration::from_millis(1);
    for time in
        [&mut config.decide, &mut config.caller_turn_max, &mut config.stall, &mut config.silenced]
    {
        *time = (*time).max(SHORTEST);
    }
    config
}
