use super::super::sound::SAMPLES_PER_MS;
use super::super::turn::Turn;
use super::super::{Completeness, Reaction};
use super::Ear;
use crate::{EndReason, HearingEvent};

impl Ear {
    /// Commits, cuts or waits.
    pub(super) fn settle(&mut self) {
        self.give_up_closing_when_due();
        if self.activity.is_speaking() {
            self.cut_if_too_long();
        } else {
            self.commit_if_finished();
        }
    }

    /// Forgets the open utterance: it was our own voice.
    pub(super) fn abandon_open(&mut self) {
        self.open = None;
        self.cancel_open_job();
        self.done_until = self.sound.end();
    }

    fn commit_if_finished(&mut self) {
        // An onset gets its verdict before its utterance gets its end.
        if self.barge_in.is_pending() {
            return;
        }
        let Some(turn) = &self.open else { return };
        let silence_ms = (self.sound.end().saturating_sub(turn.speech_end) / SAMPLES_PER_MS) as u32;
        let completeness = match turn.current() {
            Some(decoded) => Some(decoded.said.completeness),
            None if turn.failed() => Some(Completeness::Nothing),
            None => None,
        };
        if completeness.is_none() && !self.decode_is_under_way() {
            self.request_decode();
        }
        if let Some(reason) = self.endpointing.decide(completeness, silence_ms) {
            self.commit(reason);
        }
    }

    fn commit(&mut self, reason: EndReason) {
        self.cancel_open_job();
        if let Some(turn) = self.open.take() {
            self.done_until = turn.speech_end;
            self.report(&turn, reason);
        }
    }

    /// An utterance longer than the engine takes is cut at its quietest recent moment; the rest
    /// opens the next one.
    fn cut_if_too_long(&mut self) {
        let longest =
            u64::from(self.config.utterance_ms_max.saturating_sub(CUT_AHEAD_MS)) * SAMPLES_PER_MS;
        let Some(turn) = &self.open else { return };
        if turn.speech_end.saturating_sub(turn.audio_start) < longest {
            return;
        }
        self.finish_closing();
        let cut = self.quietest_moment();
        let Some(mut first) = self.open.take() else { return };
        let rest = Turn { voiced_ms: 0, ..Turn::new(cut, cut, first.speech_end.max(cut)) };
        first.speech_end = cut;
        self.open = Some(rest);
        self.closing = Some((first, self.now));
        self.request_closing_decode();
    }

    fn quietest_moment(&self) -> u64 {
        let since = self.next_frame.saturating_sub(CUT_BACK_MS * SAMPLES_PER_MS);
        let candidates = self.recent.iter().filter(|frame| frame.end > since);
        candidates
            .min_by(|a, b| a.level_dbov.total_cmp(&b.level_dbov))
            .map_or(self.next_frame, |frame| frame.end)
    }

    pub(super) fn finish_closing(&mut self) {
        self.cancel_closing_job();
        if let Some((turn, _)) = self.closing.take() {
            self.report(&turn, EndReason::TooLong);
        }
    }

    fn give_up_closing_when_due(&mut self) {
        let due = self.closing.as_ref().is_some_and(|(_, since)| {
            self.now.since(*since).as_millis() >= u128::from(self.config.silence_cap_ms)
        });
        if due {
            self.finish_closing();
        }
    }

    /// Tells the line how an utterance ended.
    fn report(&mut self, turn: &Turn, reason: EndReason) {
        let said = turn.understood.as_ref().map(|decoded| &decoded.said);
        let text = said.map_or("", |said| said.text.as_str());
        let reaction = said.map_or(Reaction::Nothing, |said| said.reaction);
        let times = turn.times(|position| self.sound.arrival(position), self.now);
        if reaction == Reaction::Nothing || self.is_a_guess(turn) {
            if turn.deserves_an_answer(self.noise.dbov()) {
                self.event(HearingEvent::NotUnderstood { times });
            }
            return;
        }
        // "mm-hm" into our own speech wants no answer. If our speech is over by now it may well
        // have been one: "shall I?" – "yeah".
        let only_listening = turn.listening_sounds_only
            && self.agent_speaking
            && reaction == Reaction::Backchannel
            && !self.config.report_backchannels;
        if !only_listening {
            self.event(HearingEvent::Final { text: text.to_owned(), times, reason });
        }
    }
}

impl Ear {
    /// Whether the recogniser itself hardly believes what it understood. A small model forces
    /// speech that it does not know into words that it does, commands included.
    fn is_a_guess(&self, turn: &Turn) -> bool {
        let confidence = turn.understood.as_ref().and_then(|decoded| decoded.said.confidence);
        confidence.is_some_and(|confidence| confidence < self.config.confidence_min)
    }
}

/// The cut happens this long before the engine's limit, so that the last frames still fit.
const CUT_AHEAD_MS: u32 = 200;
/// How far back the quietest moment is looked for.
const CUT_BACK_MS: u64 = 1_500;
