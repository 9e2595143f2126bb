use super::super::Reaction;
use super::super::sound::SAMPLES_PER_MS;
use super::super::turn::Turn;
use super::facts::{EarFacts, EarInput, Understanding};
use super::{DecodeJobId, Ear, EarOutput};
use crate::plugin::{SttError, Transcript};
use crate::{HearingEvent, MonoTime};

/// The one decode that is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    id: DecodeJobId,
    of: Whose,
    /// End of the speech that it was made from.
    covers: u64,
    started: MonoTime,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whose {
    Open,
    Closing,
}

impl Ear {
    /// Takes the result of a decode job. Results of superseded jobs change nothing.
    ///
    /// `at`: when the decode was done.
    pub fn decoded(
        &mut self,
        at: MonoTime,
        job: DecodeJobId,
        result: Result<Transcript, SttError>,
    ) {
        let understood = result.ok().map(|transcript| Understanding::of(&transcript));
        if self.config.traced {
            let facts = EarFacts::Decoded { job, understood: understood.clone() };
            self.note = Some(EarInput { at, facts, explained: None });
        }
        self.understand(at, job, understood);
    }

    /// Takes what came of a decode job; `None`: nothing did.
    pub(super) fn understand(
        &mut self,
        at: MonoTime,
        job: DecodeJobId,
        understood: Option<Understanding>,
    ) {
        self.now = self.now.max(at);
        let Some(done) = self.job.filter(|j| j.id == job) else { return };
        self.job = None;
        match done.of {
            Whose::Closing => self.closing_decoded(done, understood),
            Whose::Open => self.open_decoded(done, understood),
        }
        self.judge();
        self.settle();
    }

    /// Asks for a decode of the open utterance as far as it goes. `false` if that must wait.
    pub(super) fn request_decode(&mut self) -> bool {
        if self.job.is_some_and(|job| job.of == Whose::Closing) {
            return false;
        }
        let Some((audio, covers)) = self.open.as_ref().map(|turn| self.audio_of(turn)) else {
            return false;
        };
        self.start_job(Whose::Open, covers, audio);
        true
    }

    /// Asks for a decode of the utterance that was cut off.
    pub(super) fn request_closing_decode(&mut self) {
        let Some((audio, covers)) = self.closing.as_ref().map(|(turn, _)| self.audio_of(turn))
        else {
            return;
        };
        self.start_job(Whose::Closing, covers, audio);
    }

    /// Whether a decode of everything said in the open utterance is under way.
    pub(super) fn decode_is_under_way(&self) -> bool {
        let wanted = self.open.as_ref().map_or(0, |turn| turn.speech_end);
        self.job.is_some_and(|job| job.of == Whose::Closing || job.covers >= wanted)
    }

    /// Takes back the open utterance's job, if there is one.
    pub(super) fn cancel_open_job(&mut self) {
        if self.job.is_some_and(|job| job.of == Whose::Open) {
            self.cancel_job();
        }
    }

    pub(super) fn cancel_closing_job(&mut self) {
        if self.job.is_some_and(|job| job.of == Whose::Closing) {
            self.cancel_job();
        }
    }

    /// The sound of a turn with a little silence after it, no longer than the engine takes.
    fn audio_of(&self, turn: &Turn) -> (Vec<i16>, u64) {
        let longest = u64::from(self.config.utterance_ms_max) * SAMPLES_PER_MS;
        let tail = turn.speech_end + TAIL_MS * SAMPLES_PER_MS;
        let end = tail.min(self.sound.end()).min(turn.audio_start + longest);
        (self.sound.cut(turn.audio_start, end), turn.speech_end)
    }

    fn start_job(&mut self, of: Whose, covers: u64, samples: Vec<i16>) {
        self.cancel_job();
        self.jobs += 1;
        let id = DecodeJobId(self.jobs);
        self.job = Some(Job { id, of, covers, started: self.now });
        self.outputs.push_back(EarOutput::Decode { job: id, samples });
    }

    /// The job's result is no longer wanted; if it was not even fetched yet, neither is the job.
    fn cancel_job(&mut self) {
        if let Some(job) = self.job.take() {
            self.outputs
                .retain(|o| !matches!(o, EarOutput::Decode { job: id, .. } if *id == job.id));
        }
    }

    fn open_decoded(&mut self, job: Job, understood: Option<Understanding>) {
        let Some(turn) = &mut self.open else { return };
        let Some(understood) = understood else {
            turn.failed_at = Some(job.covers);
            self.barge_in.on_no_text();
            return;
        };
        let (text, reaction) = (understood.text.clone(), understood.reaction);
        turn.understand(understood, job.covers, job.started, self.now);
        self.barge_in.on_text(reaction);
        if reaction != Reaction::Nothing {
            self.event(HearingEvent::Partial { at: self.now, text });
        }
    }

    fn closing_decoded(&mut self, job: Job, understood: Option<Understanding>) {
        if let (Some((turn, _)), Some(understood)) = (&mut self.closing, understood) {
            turn.understand(understood, job.covers, job.started, self.now);
        }
        self.finish_closing();
    }
}

/// Silence after the last word that goes to the recogniser: enough for a fading consonant.
const TAIL_MS: u64 = 160;
