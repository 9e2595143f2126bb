//! From the caller's mouth to the brain: what hearing and playout report.

use brain_protocol::{LineMessage, Speaker};
use media_core::{HearingEvent, MonoTime, UtteranceTimes, Verdict};
use media_engine::LineEvent;
use queue_governor::{Input, LedgerWord, TurnId};
use sip_bridge::HangupReason;
use std::time::Duration;

use super::action::Action;
use super::conversation::Conversation;
use super::keys::KeyPath;
use super::labels;
use super::legs::{LegId, Part};
use crate::replay::Entry;
use crate::report::{CallEvent, TurnTimes};

impl Conversation {
    /// The media line reports.
    pub fn media(&mut self, now: MonoTime, event: LineEvent) {
        match event {
            LineEvent::Hearing(heard) => self.hearing(now, LegId::FIRST, heard),
            LineEvent::Listened { steps } => {
                if self.is_logged {
                    self.actions.push_back(Action::Log(Entry::Ear(steps)));
                }
            }
            LineEvent::Level { at, speech, .. } => self.level(at, LegId::FIRST, speech),
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
            LineEvent::MediaStarted { .. }
            | LineEvent::MediaQuiet { .. }
            | LineEvent::MediaBack { .. }
            | LineEvent::Closed { .. } => {}
            playout => self.playout(now, playout),
        }
    }

    /// The caller pressed a key, in the media or in signalling.
    pub fn digit(&mut self, at: MonoTime, digit: char, way: KeyPath) {
        if !self.keys.count(way) {
            return;
        }
        self.pressed(at, digit);
    }

    pub(super) fn pressed(&mut self, at: MonoTime, digit: char) {
        self.record(at, CallEvent::Dtmf { digit });
        let line = self.brain_line();
        self.tell(LineMessage::Digit { line, digit });
    }

    pub(super) fn hearing(&mut self, now: MonoTime, leg: LegId, heard: HearingEvent) {
        let Some(of) = self.company.leg(leg) else { return };
        if of.part != Part::Caller {
            return self.operator_heard(now, leg, heard);
        }
        match heard {
            HearingEvent::Onset { at } => self.onset(now, leg, at),
            HearingEvent::Verdict { at, verdict } => self.verdict(now, leg, at, verdict),
            HearingEvent::Partial { at, text } => self.partial(at, leg, text),
            HearingEvent::Final { text, times, .. } => self.utterance(now, leg, text, times),
            HearingEvent::NotUnderstood { times } => self.not_understood(now, leg, times),
        }
    }

    fn partial(&mut self, at: MonoTime, leg: LegId, text: String) {
        let (line, speaker) = (self.brain_line(), self.company.label(leg));
        self.record(at, CallEvent::Partial { text: text.clone(), speaker: speaker.clone() });
        self.tell(LineMessage::CallerPartial { line, text, speaker });
    }

    fn onset(&mut self, now: MonoTime, leg: LegId, at: MonoTime) {
        self.figures.dead_air.caller(at, true);
        let agent_had_floor = self.governor.holder().is_some();
        if let Some(of) = self.company.leg(leg) {
            of.utterance.onset = Some(now);
            of.utterance.agent_had_floor = agent_had_floor;
        }
        if agent_had_floor {
            self.record(at, CallEvent::Onset);
        }
        for input in self.company.ears.onset(leg) {
            self.govern(now, input);
        }
        let line = self.brain_line();
        self.tell(LineMessage::CallerSpeaking { line });
    }

    fn verdict(&mut self, now: MonoTime, leg: LegId, at: MonoTime, verdict: Verdict) {
        let speech = verdict == Verdict::Speech;
        let inputs = self.company.ears.verdict(leg, verdict);
        let anybody = self.company.ears.are_open();
        let Some(of) = self.company.leg(leg) else { return };
        let onset = of.utterance.onset.take().unwrap_or(at);
        let agent_had_floor = of.utterance.agent_had_floor;
        of.utterance.understood_as_speech = speech;
        of.utterance.barged_in |= speech && agent_had_floor;
        if agent_had_floor {
            let decide_ms = at.since(onset).as_secs_f64() * 1_000.0;
            self.record(at, CallEvent::Verdict { verdict: labels::verdict(verdict), decide_ms });
            self.figures.barge_ins += u32::from(speech);
            self.figures.false_barge_ins += u32::from(!speech);
        }
        self.figures.dead_air.caller(at, speech || anybody);
        for input in inputs {
            self.govern(now, input);
        }
    }

    fn not_understood(&mut self, now: MonoTime, leg: LegId, times: UtteranceTimes) {
        let inputs = self.company.ears.silent(leg);
        let anybody = self.company.ears.are_open();
        let Some(of) = self.company.leg(leg) else { return };
        let understood_as_speech = of.utterance.finished().understood_as_speech;
        self.figures.dead_air.caller(times.speech_end, anybody);
        let speech_end_ms = self.record_ms(times.speech_end);
        self.record(times.endpoint, CallEvent::NotUnderstood { speech_end_ms });
        for input in inputs {
            self.govern(now, input);
        }
        if understood_as_speech {
            let line = self.brain_line();
            self.tell(LineMessage::CallerNotUnderstood { line });
        }
    }

    fn utterance(&mut self, now: MonoTime, leg: LegId, text: String, times: UtteranceTimes) {
        let Some(of) = self.company.leg(leg) else { return };
        let barged_in = of.utterance.finished().barged_in;
        let speaker = of.label.clone();
        self.turns += 1;
        let turn = self.turns;
        self.figures.turns += 1;
        self.context.memory.said(times.speech_end, Speaker::Caller, &text);
        self.figures.awaited = Some((turn, times.speech_end));
        self.figures.dead_air.asked(times.speech_end, TurnId(turn));
        let times = self.turn_times(times);
        let (said, by) = (text.clone(), speaker.clone());
        self.record(now, CallEvent::CallerTurn { turn, text: said, barged_in, times, speaker: by });
        for input in self.company.ears.turn(leg, TurnId(turn)) {
            self.govern(now, input);
        }
        self.hand_to_brain(now, turn, (text, speaker), barged_in);
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
