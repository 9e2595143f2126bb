//! Who else is on the line: their media, and how they come and go.

use std::collections::BTreeMap;

use media_core::MonoTime;
use media_core::hearing::EarConfig;
use media_engine::{Carrier, LegSpec, LineEvent, OpenError};
use sip_bridge::{CallOutcome, HangupBy, HangupReason};
use tokio::sync::mpsc;

use super::Task;
use crate::line::company::{AgentState, Arrival};
use crate::line::inputs::{LegInput, LineInput};
use crate::line::legs::{LegId, OperatorPart, Part};
use crate::line::seat::{SeatEvent, Seated, Sitting};
use crate::replay::Entry;

/// Everybody who came by a door.
#[derive(Default)]
pub(super) struct Seats {
    of: BTreeMap<LegId, Sitter>,
    shown: AgentState,
    /// The line ends for everybody: who is on it first takes the others along.
    pub closing: bool,
    /// How the line ended, once it has.
    over: Option<CallOutcome>,
}

/// Somebody who came by a door.
struct Sitter {
    label: String,
    part: Part,
    muted: bool,
    /// `None`: the line's own, which the first peer has.
    media: Option<media_engine::Leg>,
    events: mpsc::Sender<SeatEvent>,
}

impl Seats {
    /// How the line ended, if it has.
    pub fn take_over(&mut self) -> Option<CallOutcome> {
        self.over.take()
    }

    /// Everybody is told.
    pub fn line_closes(&mut self, reason: &str) {
        for (_, sitter) in std::mem::take(&mut self.of) {
            // Who does not read it sees the channel's end.
            let _ = sitter.events.try_send(SeatEvent::LineClosed { reason: reason.to_owned() });
        }
    }
}

impl Task {
    /// Whoever opened the line by a door sits on its first seat.
    pub(super) fn seat_the_opener(&mut self) {
        let Some(opener) = self.parts.opener.take() else { return };
        self.conversation.opened_by(opener.label.clone());
        let (label, events) = (opener.label, opener.events);
        let sitter = Sitter { label, part: Part::Caller, muted: false, media: None, events };
        self.seats.of.insert(LegId::FIRST, sitter);
        let up = self.parts.brain.is_connected();
        self.conversation.established(self.parts.clock.now(), up);
    }

    pub(super) fn sit(&mut self, now: MonoTime, sitting: Sitting) {
        let Sitting { arrival, carrier, answer } = sitting;
        let seated = self.join(now, arrival, carrier);
        // Who has gone meanwhile drops the seat, and so leaves.
        let _ = answer.send(seated);
    }

    fn join(
        &mut self,
        now: MonoTime,
        arrival: Arrival,
        carrier: Carrier,
    ) -> Result<Seated, OpenError> {
        let (label, part, rate) = (arrival.label.clone(), arrival.part, carrier.sample_rate());
        // Nobody hears the operator before the agent is silent.
        let quiet = match part {
            Part::Caller => Part::Caller,
            Part::Operator(_) => Part::Operator(OperatorPart::Listen),
        };
        let leg = self.conversation.leg_joined(now, Arrival { part: quiet, ..arrival });
        let ear = EarConfig { sample_rate: rate, ..self.parts.ear.clone() };
        let inputs = self.parts.inputs.clone();
        let sink = Box::new(move |event| {
            // As for the line itself: what finds it hopelessly behind is lost.
            let _ = inputs.try_send(LineInput::Leg(leg, LegInput::Media(event)));
        });
        let spec = LegSpec { carrier, ear: Some(ear.clone()), mix: quiet.mix(false) };
        let media = match self.parts.media.join(&self.parts.line, spec, sink) {
            Ok(media) => media,
            Err(error) => {
                self.conversation.leg_left(now, leg, &error.to_string());
                return Err(error);
            }
        };
        if let Some(log) = &mut self.log {
            log.put(Entry::LegEar { leg: leg.0, at: now, ear: Box::new(ear) });
        }
        let line = self.conversation.config.line;
        let (seated, events) = Seated::new(line, leg, self.parts.inputs.clone());
        tracing::info!(%line, %leg, part = %part.kind(), "somebody joined the line");
        let _ = events.try_send(SeatEvent::State(self.conversation.agent_state()));
        let sitter = Sitter { label, part: quiet, muted: false, media: Some(media), events };
        self.seats.of.insert(leg, sitter);
        if part != quiet {
            self.take_part(now, leg, part);
        }
        Ok(seated)
    }

    pub(super) fn leg(&mut self, now: MonoTime, leg: LegId, input: LegInput) {
        match input {
            LegInput::Media(LineEvent::MediaTimeout { .. }) => {
                self.leave(now, leg, "no sound from it any more");
            }
            LegInput::Media(event) => {
                self.meter(now, leg, &event);
                self.conversation.leg_media(now, leg, event);
            }
            LegInput::Part(part) => self.take_part(now, leg, Part::Operator(part)),
            LegInput::Mute(muted) => self.mute(now, leg, muted),
            LegInput::Press(keys) => {
                for key in keys.chars() {
                    self.conversation.leg_digit(now, leg, key);
                }
            }
            LegInput::Leave => self.leave(now, leg, "left"),
        }
    }

    /// Shows a leg its levels, and sees whether anybody is still there to look at them.
    fn meter(&mut self, now: MonoTime, leg: LegId, event: &LineEvent) {
        let LineEvent::Level { heard_dbov, sent_dbov, .. } = event else { return };
        let (line, t_ms) = (self.conversation.config.line, self.conversation.record_ms(now));
        self.parts.journal.show_level(line, leg, t_ms, event);
        let Some(sitter) = self.seats.of.get(&leg) else { return };
        if sitter.events.is_closed() {
            return self.leave(now, leg, "gone without a word");
        }
        let (heard_dbov, sent_dbov) = (*heard_dbov, *sent_dbov);
        let _ = sitter.events.try_send(SeatEvent::Level { heard_dbov, sent_dbov });
    }

    /// The operator does something else. The agent is silent before everybody hears the operator,
    /// and nobody hears the operator when the agent goes on.
    fn take_part(&mut self, now: MonoTime, leg: LegId, part: Part) {
        let Some(sitter) = self.seats.of.get_mut(&leg) else { return };
        if sitter.part == part || sitter.part == Part::Caller {
            return;
        }
        sitter.part = part;
        let muted = sitter.muted;
        if let Part::Operator(part) = part {
            let _ = sitter.events.try_send(SeatEvent::Part(part));
        }
        if part.takes_the_floor() {
            self.conversation.leg_part(now, leg, part, muted);
            self.act();
            self.mix(leg);
        } else {
            self.mix(leg);
            self.conversation.leg_part(now, leg, part, muted);
        }
    }

    fn mute(&mut self, now: MonoTime, leg: LegId, muted: bool) {
        let Some(sitter) = self.seats.of.get_mut(&leg) else { return };
        if std::mem::replace(&mut sitter.muted, muted) == muted {
            return;
        }
        let part = sitter.part;
        self.mix(leg);
        self.conversation.leg_part(now, leg, part, muted);
    }

    fn mix(&self, leg: LegId) {
        let Some(Sitter { part, muted, media, .. }) = self.seats.of.get(&leg) else { return };
        let mix = part.mix(*muted);
        match media {
            Some(media) => media.set_mix(mix),
            None => self.parts.line.set_mix(mix),
        }
    }

    /// The floor is handed back for everybody who took it.
    pub(super) fn operators_step_back(&mut self, now: MonoTime) {
        let barging =
            |(leg, sitter): (&LegId, &Sitter)| sitter.part.takes_the_floor().then_some(*leg);
        let legs: Vec<LegId> = self.seats.of.iter().filter_map(barging).collect();
        for leg in legs {
            self.take_part(now, leg, Part::Operator(OperatorPart::Listen));
        }
    }

    fn leave(&mut self, now: MonoTime, leg: LegId, reason: &str) {
        let Some(sitter) = self.seats.of.remove(&leg) else { return };
        let reason = format!("{}: {reason}", sitter.label);
        if leg == LegId::FIRST {
            return self.first_left(left(reason));
        }
        // Its sound fades from the next tick on; the agent goes on after it.
        drop(sitter.media);
        self.conversation.leg_left(now, leg, &reason);
        if self.conversation.callers() == 0 {
            self.seats.over = Some(left(reason));
        }
    }

    /// The peer that the line was opened with has left. The line goes on if other callers are there
    /// and nobody ended it for them.
    pub(super) fn first_left(&mut self, outcome: CallOutcome) {
        let was_here = self.conversation.is_at_the_line(LegId::FIRST);
        if self.seats.closing || !was_here || self.conversation.callers() <= 1 {
            self.seats.over = Some(outcome);
            return;
        }
        self.seats.of.remove(&LegId::FIRST);
        let now = self.parts.clock.now();
        self.parts.line.vacate();
        self.conversation.leg_left(now, LegId::FIRST, &outcome.reason);
        (self.parts.goes_on)();
    }

    /// Shows everybody what the agent does, where that has changed.
    pub(super) fn show_state(&mut self) {
        let state = self.conversation.agent_state();
        if std::mem::replace(&mut self.seats.shown, state) == state {
            return;
        }
        for sitter in self.seats.of.values() {
            let _ = sitter.events.try_send(SeatEvent::State(state));
        }
    }
}

/// The last caller who came by a door has left.
fn left(reason: String) -> CallOutcome {
    let q850 = Some(HangupReason::Normal.q850());
    CallOutcome { hangup_by: HangupBy::Peer, sip_status: 200, reason, q850 }
}
