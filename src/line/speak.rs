//! From the governor's decision to the caller's ear: what the governor says is to be done.

use brain_protocol::{LineMessage, Speaker};
use media_core::{Generation, MonoTime};
use media_engine::Speech;
use queue_governor::{
    ClaimId, Content, Ending, FailReason, FloorReason, Heard, Output, RefusalReason, TurnId, Voice,
};
use sip_bridge::HangupReason;
use std::time::Duration;

use super::action::{Action, News};
use super::conversation::{Conversation, Known, Origin};
use super::labels;
use crate::report::CallEvent;
use crate::say::{NOBODY, named};

/// After the last sample is sent the far end's jitter buffer still holds some of it.
const FAREWELL_TAIL: Duration = Duration::from_millis(300);
/// Replies whose times are kept for the call's record: days of talk.
const REPLIES_MAX: usize = 10_000;

impl Conversation {
    pub(super) fn carry_out(&mut self, now: MonoTime, output: Output) {
        match output {
            Output::Journal(record) => self.actions.push_back(Action::Journal(record)),
            Output::Accepted(claim) => self.accepted(now, &claim),
            Output::Grant { claim, generation, speech, voice } => {
                self.remember(generation, claim);
                let fallback = voice == Voice::Fallback;
                let speech = speech_of(speech);
                self.actions.push_back(Action::Grant { generation, speech, fallback });
            }
            Output::Revoke(generation) => {
                if let Some(spoken) = self.spoken(generation) {
                    spoken.revoked_at = Some(now);
                }
                self.actions.push_back(Action::Revoke(generation));
            }
            Output::Pause(generation) => self.actions.push_back(Action::Pause(generation)),
            Output::Resume(generation) => self.actions.push_back(Action::Resume(generation)),
            Output::Ended { claim, ending, heard, .. } => {
                self.keep_in_memory(now, &claim, &ending, &heard);
                let reason = labels::ending_reason(&ending);
                self.ended(now, &claim, &ending, heard, reason);
            }
            Output::Carried(claim) => self.carried(now, &claim),
            Output::Brief(briefing) => self.brief(now, briefing),
            Output::WhisperRefused(reason) => self.whisper_refused = Some(reason),
            Output::FloorChanged { holder, why } => self.floor_changed(now, holder, &why),
        }
    }

    fn keep_in_memory(&mut self, now: MonoTime, id: &ClaimId, ending: &Ending, heard: &Heard) {
        self.context.memory.said(now, Speaker::Agent, &heard.text);
        let cut_off = *ending == Ending::Failed(FailReason::LineClosed);
        if let Some(known) = self.claims.get(id).filter(|known| known.origin == Origin::Brain)
            && cut_off
        {
            self.context.memory.not_said(&known.text, &heard.text);
        }
    }

    fn accepted(&mut self, now: MonoTime, id: &ClaimId) {
        let line = self.brain_line();
        let Some(Known { source, turn, text, origin, .. }) = self.claims.get(id) else { return };
        let event = CallEvent::ClaimAccepted {
            claim: id.to_string(),
            source: labels::source(*source),
            turn: turn.map(|turn| turn.0),
            text: text.clone(),
        };
        let origin = *origin;
        self.figures.dead_air.proposed(id, *turn);
        self.record(now, event);
        match origin {
            Origin::Outside => {
                self.actions.push_back(Action::Answer { claim: id.clone(), news: News::Accepted });
            }
            Origin::Brain => {
                if let Ok(claim) = brain_protocol::ClaimId::new(id.as_str()) {
                    self.tell(LineMessage::ClaimAccepted { line, claim, kept: true });
                }
            }
            Origin::Line => {}
        }
    }

    /// The call is over for it, the claim is not: it waits for the next call. Only its own call's
    /// record and brain hear of an ending.
    fn carried(&mut self, now: MonoTime, id: &ClaimId) {
        let from_the_brain = self.claims.get(id).is_some_and(|known| known.origin == Origin::Brain);
        let is_named = named(&self.config.caller, &self.config.identity) != NOBODY;
        let (ending, reason) = labels::carried(from_the_brain, is_named);
        if let Some(known) = self.claims.get_mut(id)
            && known.origin == Origin::Outside
        {
            known.origin = Origin::Line;
        }
        self.ended(now, id, &ending, Heard::default(), Some(reason));
    }

    fn ended(
        &mut self,
        now: MonoTime,
        id: &ClaimId,
        ending: &Ending,
        heard: Heard,
        reason: Option<String>,
    ) {
        let refused_twin = matches!(ending, Ending::Refused(RefusalReason::IdInUse));
        // The ending of a second submission under a live name says nothing about the live claim.
        let origin = if refused_twin {
            self.claims.get(id).map(|known| known.origin)
        } else {
            self.figures.dead_air.ended(now, id);
            self.claims.remove(id).map(|known| known.origin)
        };
        self.record(
            now,
            CallEvent::ClaimEnded {
                claim: id.to_string(),
                ending: labels::ending(ending),
                reason: reason.clone(),
                heard_text: heard.text.clone(),
            },
        );
        match origin {
            Some(Origin::Brain) => self.tell_ended(id, ending, heard, reason),
            Some(Origin::Outside) => {
                let news = news_of(ending, reason, heard);
                self.actions.push_back(Action::Answer { claim: id.clone(), news });
            }
            Some(Origin::Line) | None => {}
        }
        if !refused_twin {
            self.transfer_that_waited(id);
        }
        if !refused_twin && self.hang_up_after.as_ref() == Some(id) {
            self.hang_up_after = None;
            let (after, reason) = (FAREWELL_TAIL, HangupReason::Normal);
            self.actions.push_back(Action::HangUp { after, reason });
        }
    }

    fn tell_ended(&mut self, id: &ClaimId, ending: &Ending, heard: Heard, reason: Option<String>) {
        let line = self.brain_line();
        let Ok(claim) = brain_protocol::ClaimId::new(id.as_str()) else { return };
        self.tell(LineMessage::ClaimEnded {
            line,
            claim,
            ending: labels::brain_ending(ending),
            heard_text: heard.text,
            heard_ms: heard.ms,
            reason,
        });
    }

    fn floor_changed(&mut self, now: MonoTime, holder: Option<ClaimId>, why: &FloorReason) {
        let known = holder.as_ref().and_then(|id| self.claims.get(id));
        let source = known.map(|known| labels::source(known.source));
        let text = labels::floor_reason(why, known.map(|known| (known.source, known.turn)));
        let generation = holder.as_ref().and_then(|id| {
            self.generations
                .iter()
                .rev()
                .find(|s| s.claim == *id)
                .map(|s| u64::from(s.generation.0))
        });
        let taken = labels::takes_the_floor_away(why);
        if let (true, Some(spoken)) = (taken, self.generations.back())
            && spoken.revoked_at == Some(now)
        {
            let event = CallEvent::Revoked { claim: spoken.claim.to_string(), why: text.clone() };
            self.record(now, event);
        }
        let holder = holder.map(|id| id.to_string());
        self.record(now, CallEvent::Floor { holder, source, why: text, generation });
    }

    pub(super) fn first_synthesis(&mut self, at: MonoTime, generation: Generation) {
        let Some(spoken) = self.spoken(generation) else { return };
        if !core::mem::replace(&mut spoken.synthesised, true) {
            let claim = spoken.claim.to_string();
            self.record(at, CallEvent::FirstSynth { claim });
        }
    }

    pub(super) fn first_sample(&mut self, at: MonoTime, generation: Generation) {
        let Some(id) = self.spoken(generation).map(|spoken| spoken.claim.clone()) else { return };
        self.record(at, CallEvent::FirstSample { claim: id.to_string() });
        let line = self.brain_line();
        let Some(known) = self.claims.get_mut(&id) else { return };
        self.figures.dead_air.begins(at, known.turn);
        match self.figures.awaited {
            Some((turn, speech_end)) if known.turn == Some(TurnId(turn)) => {
                self.figures.awaited = None;
                if self.figures.reply_ms.len() < REPLIES_MAX {
                    let ms = u32::try_from(at.since(speech_end).as_millis()).unwrap_or(u32::MAX);
                    self.figures.reply_ms.push(ms);
                }
            }
            _ => {}
        }
        let first = !core::mem::replace(&mut known.started, true);
        if first
            && known.origin == Origin::Brain
            && let Ok(claim) = brain_protocol::ClaimId::new(id.as_str())
        {
            self.tell(LineMessage::ClaimStarted { line, claim });
        }
    }

    pub(super) fn silenced(&mut self, at: MonoTime, generation: Generation) {
        let Some(spoken) = self.spoken(generation) else { return };
        let (claim, revoked_at) = (spoken.claim.to_string(), spoken.revoked_at.unwrap_or(at));
        let revoke_to_silence_ms = at.since(revoked_at).as_secs_f64() * 1_000.0;
        self.record(at, CallEvent::Silenced { claim, revoke_to_silence_ms });
    }
}

fn speech_of(content: Content) -> Speech {
    match content {
        Content::Text(text) => Speech::Text(text),
        Content::Audio { samples, rate, .. } => Speech::Shared { samples, rate },
    }
}

/// What another program is told of an ending. A refusal that is only for now is none.
fn news_of(ending: &Ending, reason: Option<String>, heard: Heard) -> News {
    match ending {
        Ending::Refused(now @ (RefusalReason::QueueFull { .. } | RefusalReason::LineClosed)) => {
            News::NotNow { reason: now.to_string() }
        }
        _ => News::Ended { ending: labels::ending(ending).to_string(), reason, heard: heard.text },
    }
}
