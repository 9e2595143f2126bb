use super::super::activity::{Transition, VadFrame};
use super::super::barge_in::FrameKind;
use super::super::sound::SAMPLES_PER_MS;
use super::super::turn::Turn;
use super::super::voicing::PITCHED;
use super::Ear;
use super::facts::{EarFacts, EarInput, SoundFrame};
use crate::{HearingEvent, level};

/// One detector frame, remembered for pre-roll and cutting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recent {
    pub(super) end: u64,
    pub(super) level_dbov: f32,
    audible: bool,
    echo: bool,
}

impl Ear {
    /// Judges the next frame of sound.
    pub(super) fn next_vad_frame(&mut self, sound: SoundFrame) {
        let (probability, level_dbov) = (sound.speech_probability(), sound.level_dbov());
        let length = u64::from(sound.samples);
        let start = self.next_frame;
        self.next_frame += length;
        let ms = (length / SAMPLES_PER_MS) as u32;
        let pitched = sound.periodicity() >= PITCHED;
        let tone = self.steadiness.is_tone(level_dbov, pitched, ms);
        let audible = level_dbov >= self.audible_dbov();
        self.noise.push(level_dbov, pitched && audible && !tone, ms);
        let suspicious = audible && probability >= self.config.off_probability;
        let echo = suspicious && self.senses.is_echo(level_dbov);
        self.note_frame(SoundFrame { echo: suspicious.then_some(echo), ..sound });
        self.remember(Recent { end: self.next_frame, level_dbov, audible, echo });
        let excluded = echo || tone;
        let end = self.next_frame;
        let distinct = level_dbov >= self.noise.dbov() + DISTINCT_ABOVE_NOISE_DB;
        let frame = VadFrame { start, end, probability, audible, distinct, pitched, excluded };
        self.on_frame(frame, level_dbov, echo);
    }

    fn note_frame(&mut self, frame: SoundFrame) {
        if let Some(EarInput { facts: EarFacts::Sound { frames, .. }, .. }) = &mut self.note {
            frames.push(frame);
        }
    }

    fn on_frame(&mut self, frame: VadFrame, level_dbov: f32, echo: bool) {
        let voiced = self.activity.is_voiced(&frame);
        let ms = ((frame.end - frame.start) / SAMPLES_PER_MS) as u32;
        match self.activity.push(frame) {
            Some(Transition::Started { at }) => self.speech_started(at, frame.end),
            Some(Transition::Stopped { .. }) => self.speech_stopped(),
            None => {
                let kind = match (voiced, echo) {
                    (_, true) => FrameKind::Echo,
                    (true, _) => FrameKind::Voiced,
                    _ => FrameKind::Quiet,
                };
                self.barge_in.frame(kind, ms, self.agent_speaking);
            }
        }
        if let (true, true, Some(turn)) = (voiced, self.activity.is_speaking(), &mut self.open) {
            turn.speech_end = frame.end;
            turn.voiced_ms += ms;
            turn.loudest_dbov = turn.loudest_dbov.max(level_dbov);
            let fallen = self.speech_dbov - SPEECH_FALL_DB_PER_SECOND * ms as f32 / 1_000.0;
            self.speech_dbov = fallen.max(level_dbov);
        }
    }

    /// Level from which sound can be speech: above the background, and while somebody speaks not
    /// too far below that. The network lingers for a tenth of a second after a word; this does not.
    fn audible_dbov(&self) -> f32 {
        let floor = (self.noise.dbov() + AUDIBLE_ABOVE_NOISE_DB).max(AUDIBLE_DBOV);
        if self.activity.is_speaking() {
            floor.max(self.speech_dbov - TAIL_BELOW_SPEECH_DB)
        } else {
            floor
        }
    }

    fn speech_started(&mut self, start: u64, end: u64) {
        if self.open.is_none() {
            self.speech_dbov = level::SILENCE_DBOV;
            let start = start.max(self.done_until);
            self.open = Some(Turn::new(self.preroll_start(start), start, end));
        }
        let voiced_ms = ((end - start) / SAMPLES_PER_MS) as u32;
        if self.barge_in.onset(self.now, voiced_ms, self.agent_speaking) {
            self.onset_start = start;
            let at = self.sound.arrival(start);
            self.event(HearingEvent::Onset { at });
        }
    }

    fn speech_stopped(&mut self) {
        if let Some(turn) = &mut self.open {
            turn.vad_off = Some(self.now);
            self.request_decode();
        }
    }

    /// Where the recording of an utterance begins whose speech was noticed at `start`: earlier,
    /// and before any sound that led up to it, but not in an utterance before it, nor in our own
    /// echo.
    fn preroll_start(&self, start: u64) -> u64 {
        let before = || self.recent.iter().rev().skip_while(|frame| frame.end > start);
        let mut sound_start = start;
        for frame in before() {
            if sound_start - frame.end > LEAD_GAP_MS * SAMPLES_PER_MS
                || start - frame.end > LEAD_MS_MAX * SAMPLES_PER_MS
            {
                break;
            }
            if frame.audible {
                sound_start = frame.end;
            }
        }
        let preroll = u64::from(self.config.preroll_ms) * SAMPLES_PER_MS;
        let earliest = start.saturating_sub(preroll).min(sound_start.saturating_sub(preroll / 2));
        let echo_end = before().find(|frame| frame.echo).map_or(0, |frame| frame.end);
        earliest.max(self.done_until).max(self.sound.start()).max(echo_end)
    }

    fn remember(&mut self, frame: Recent) {
        if self.recent.len() == RECENT_FRAMES {
            self.recent.pop_front();
        }
        self.recent.push_back(frame);
    }

    /// Lets go of sound that no utterance can need any more.
    pub(super) fn forget(&mut self) {
        let spare = u64::from(self.config.preroll_ms + NOTICED_LATE_MS) * SAMPLES_PER_MS
            + LEAD_MS_MAX * SAMPLES_PER_MS;
        let recent = self.sound.end().saturating_sub(spare);
        let open = self.open.as_ref().map_or(recent, |turn| turn.audio_start);
        let closing = self.closing.as_ref().map_or(recent, |(turn, _)| turn.audio_start);
        self.sound.forget_before(recent.min(open).min(closing));
    }
}

/// 1.6 s of detector frames: more than pre-roll and cutting look back.
pub(super) const RECENT_FRAMES: usize = 100;
/// An onset is noticed this much after its first sample at the latest.
const NOTICED_LATE_MS: u32 = 300;
/// Sound that leads up to an onset, as "s" does to "set", with gaps no longer than that of a
/// plosive.
const LEAD_GAP_MS: u64 = 80;
const LEAD_MS_MAX: u64 = 400;
/// Speech stands out of the background by this much, or it is not worth a thought.
const AUDIBLE_ABOVE_NOISE_DB: f32 = 6.0;
/// Speech stands out by this much where its pitch alone is to be believed.
const DISTINCT_ABOVE_NOISE_DB: f32 = 12.0;
/// Nobody speaks more quietly than this on a telephone.
const AUDIBLE_DBOV: f32 = -60.0;
/// The end of a word is at most this much quieter than its loudest part.
const TAIL_BELOW_SPEECH_DB: f32 = 28.0;
const SPEECH_FALL_DB_PER_SECOND: f32 = 6.0;
