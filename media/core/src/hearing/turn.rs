use super::ear::Understanding;
use crate::{MonoTime, UtteranceTimes};

/// An utterance on its way: from the first sound to its commitment.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// First sample that goes to the recogniser, pre-roll included.
    pub(super) audio_start: u64,
    pub(super) speech_start: u64,
    /// After the last sample that counted as speech.
    pub(super) speech_end: u64,
    pub(super) voiced_ms: u32,
    pub(super) loudest_dbov: f32,
    pub(super) vad_off: Option<MonoTime>,
    pub(super) understood: Option<Understood>,
    /// The recogniser failed on the utterance as it stands.
    pub(super) failed_at: Option<u64>,
    /// Every verdict so far said that nothing was meant for us.
    pub(super) listening_sounds_only: bool,
}

/// What the newest decode made of a turn.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Understood {
    pub(super) said: Understanding,
    /// End of the speech that it was made from.
    pub(super) covers: u64,
    pub(super) decode_start: MonoTime,
    pub(super) decode_end: MonoTime,
}

impl Turn {
    pub(super) fn new(audio_start: u64, speech_start: u64, speech_end: u64) -> Self {
        Self {
            audio_start,
            speech_start,
            speech_end,
            voiced_ms: 0,
            loudest_dbov: crate::level::SILENCE_DBOV,
            vad_off: None,
            understood: None,
            failed_at: None,
            listening_sounds_only: false,
        }
    }

    /// The newest text, if it was made from all the speech there is.
    pub(super) fn current(&self) -> Option<&Understood> {
        self.understood.as_ref().filter(|u| u.covers >= self.speech_end)
    }

    /// Whether the recogniser failed on all the speech there is.
    pub(super) fn failed(&self) -> bool {
        self.failed_at.is_some_and(|covers| covers >= self.speech_end)
    }

    pub(super) fn understand(
        &mut self,
        said: Understanding,
        covers: u64,
        start: MonoTime,
        end: MonoTime,
    ) {
        self.understood = Some(Understood { said, covers, decode_start: start, decode_end: end });
    }

    pub(super) fn times(&self, arrival: impl Fn(u64) -> MonoTime, now: MonoTime) -> UtteranceTimes {
        let decoded = self.understood.as_ref();
        UtteranceTimes {
            speech_start: arrival(self.speech_start),
            speech_end: arrival(self.speech_end),
            vad_off: self.vad_off.unwrap_or(now),
            decode_start: decoded.map_or(now, |u| u.decode_start),
            decode_end: decoded.map_or(now, |u| u.decode_end),
            endpoint: now,
        }
    }

    /// Whether it is worth telling the caller that nothing was understood: long and loud enough
    /// to have been words.
    pub(super) fn deserves_an_answer(&self, noise_dbov: f32) -> bool {
        self.voiced_ms >= WORDS_MS
            && self.loudest_dbov >= noise_dbov + WORDS_ABOVE_NOISE_DB
            && !self.listening_sounds_only
    }
}

/// Half a second of voice is at least two syllables.
const WORDS_MS: u32 = 480;
const WORDS_ABOVE_NOISE_DB: f32 = 12.0;
