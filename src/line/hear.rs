//! From the caller's mouth to the brain: what hearing and playout report.

use brain_protocol::{LineMessage, Speaker};
use media_core::{HearingEvent, MonoTime, UtteranceTimes, Verdict};
use media_engine::LineEvent;
use queue_governor::{Input, LedgerWord, TurnId};
use sip_bridge::HangupReason;
use std::time::Duration;

use super::conversation::{Action, CallerState, Conversation};
use super::keys::KeyPath;
use super::labels;
use crate::replay::Entry;
use crate::report::{CallEvent, TurnTimes};

impl Conversation {
    /// The media line reports.
    pub fn media(&mut self, now: MonoTime, event: LineEvent) {
        match event {
            LineEvent::Hearing(heard) => self.hearing(now, heard),
            LineEvent::Listened { steps } => {
                if self.is_logged {
                    self.actions.push_back(Action::Log(Entry::Ear(steps)));
                }
            }
            LineEvent::Level { at, speech, .. } => self.level(at, speech),
            LineEvent::Dtmf { at, digit } => self.digit(at, digit, KeyPath::Media),
            LineEvent::Dropped { what, count, at } => {
                let text = format!("{count} {what} left out: the machine is too slow");
                self.record(at, CallEvent::Note { text });
            }
            // Whatever brain and voice are doing: nobody is there to hear it.
            LineEvent::MediaTimeout { at } => {
                let text = "no sound from the caller any more: hanging up".to_owned();
                self.record(at, CallEvent::Note { text });
                let (after, reason) = (Duration::ZERO, HangupReason::MediaTimeout);
                self.actions.push_back(Action::HangUp { after, reason });
            }
            LineEvent::MediaStarted { .. } | LineEvent::Closed { .. } => {}
            playout => self.playout(now, playout),
        }
    }

    /// The caller pressed a key, in the media or in signalling.
    pub fn digit(&mut self, at: MonoTime, digit: char, way: KeyPath) {
        if !self.keys.count(way) {
            return;
        }
        self.record(at, CallEvent::Dtmf { digit });
        let line = self.brain_line();
        self.tell(LineMessage::Digit { line, digit });
    }

    fn level(&mut self, at: MonoTime, speech: bool) {
        if core::mem::replace(&mut self.caller.speaking, speech) != speech {
            self.record(at, CallEvent::CallerVad { on: speech });
        }
    }

    fn hearing(&mut self, now: MonoTime, heard: HearingEvent) {
        let line = self.brain_line();
        match heard {
            HearingEvent::Onset { at } => self.onset(now, at),
            HearingEvent::Verdict { at, verdict } => self.verdict(now, at, verdict),
            HearingEvent::Partial { at, text } => {
                self.record(at, CallEvent::Partial { text: text.clone() });
                self.tell(LineMessage::CallerPartial { line, text });
            }
            HearingEvent::Final { text, times, .. } => self.utterance(now, text, times),
            HearingEvent::NotUnderstood { times } => {
                let understood_as_speech = self.caller.understood_as_speech;
                self.caller.finished();
                self.figures.dead_air.caller(times.speech_end, false);
                let speech_end_ms = self.record_ms(times.speech_end);
                self.record(times.endpoint, CallEvent::NotUnderstood { speech_end_ms });
                self.govern(now, Input::CallerSilent);
                if understood_as_speech {
                    self.tell(LineMessage::CallerNotUnderstood { line });
                }
            }
        }
    }

    fn onset(&mut self, now: MonoTime, at: MonoTime) {
        self.figures.dead_air.caller(at, true);
        self.caller.onset = Some(now);
        self.caller.agent_had_floor = self.governor.holder().is_some();
        if self.caller.agent_had_floor {
            self.record(at, CallEvent::Onset);
        }
        self.govern(now, Input::CallerOnset);
        let line = self.brain_line();
        self.tell(LineMessage::CallerSpeaking { line });
    }

    fn verdict(&mut self, now: MonoTime, at: MonoTime, verdict: Verdict) {
        let onset = self.caller.onset.take().unwrap_or(at);
        let decide_ms = at.since(onset).as_secs_f64() * 1_000.0;
        if self.caller.agent_had_floor {
            self.record(at, CallEvent::Verdict { verdict: labels::verdict(verdict), decide_ms });
        }
        let speech = verdict == Verdict::Speech;
        self.figures.dead_air.caller(at, speech);
        self.caller.understood_as_speech = speech;
        self.caller.barged_in |= speech && self.caller.agent_had_floor;
        if self.caller.agent_had_floor {
            self.figures.barge_ins += u32::from(speech);
            self.figures.false_barge_ins += u32::from(!speech);
        }
        self.govern(now, Input::CallerVerdict(verdict));
    }

    fn utterance(&mut self, now: MonoTime, text: String, times: UtteranceTimes) {
        let barged_in = self.caller.finished().barged_in;
        self.turns += 1;
        let turn = self.turns;
        self.figures.turns += 1;
        self.context.memory.said(times.speech_end, Speaker::Caller, &text);
        self.figures.awaited = Some((turn, times.speech_end));
        self.figures.dead_air.asked(times.speech_end, TurnId(turn));
        let times = self.turn_times(times);
        self.record(now, CallEvent::CallerTurn { turn, text: text.clone(), barged_in, times });
        self.govern(now, Input::CallerTurn(TurnId(turn)));
        self.hand_to_brain(now, turn, text, barged_in);
    }

    fn turn_times(&self, times: UtteranceTimes) -> TurnTimes {
        TurnTimes {
            speech_start_ms: self.record_ms(times.speech_start),
            speech_end_ms: self.record_ms(times.speech_end),
            vad_off_ms: self.record_ms(times.vad_off),
            decode_start_ms: self.record_ms(times.decode_start),
            decode_end_ms: self.record_ms(times.decode_end),
            endpoint_ms: self.record_ms(times.endpoint),
        }
    }

    fn playout(&mut self, now: MonoTime, event: LineEvent) {
        let input = match event {
            LineEvent::SpeechChunk { at, generation, samples, words, .. } => {
                self.first_synthesis(at, generation);
                let words = words.iter().map(LedgerWord::from).collect();
                Input::SpeechChunk { generation, samples, words }
            }
            LineEvent::SpeechDone { generation, samples, .. } => {
                Input::SpeechDone { generation, samples }
            }
            LineEvent::SpeechFailed { generation, error, .. } => {
                Input::SpeechFailed { generation, reason: error }
            }
            LineEvent::FirstSample { at, generation } => {
                self.first_sample(at, generation);
                Input::FirstSample { generation }
            }
            LineEvent::Played { generation, samples, .. } => Input::Played { generation, samples },
            LineEvent::Drained { at, generation, samples } => {
                self.figures.dead_air.voice(at, false);
                Input::Drained { generation, samples }
            }
            LineEvent::Silenced { at, generation, samples } => {
                self.figures.dead_air.voice(at, false);
                self.silenced(at, generation);
                Input::Silenced { generation, samples }
            }
            LineEvent::Paused { at, generation, samples } => {
                self.figures.dead_air.voice(at, false);
                if let Some(claim) = self.spoken(generation).map(|s| s.claim.to_string()) {
                    self.record(at, CallEvent::Paused { claim });
                }
                Input::Played { generation, samples }
            }
            LineEvent::Resumed { at, generation, samples } => {
                self.figures.dead_air.voice(at, true);
                if let Some(claim) = self.spoken(generation).map(|s| s.claim.to_string()) {
                    self.record(at, CallEvent::Resumed { claim });
                }
                Input::Played { generation, samples }
            }
            _ => return,
        };
        self.govern(now, input);
    }
}

impl CallerState {
    /// The utterance is over; what it was, for a last look.
    fn finished(&mut self) -> CallerState {
        let speaking = self.speaking;
        let mut was = core::mem::take(self);
        self.speaking = speaking;
        // A verdict that is still open belongs to the next utterance.
        self.onset = was.onset.take();
        was
    }
}
