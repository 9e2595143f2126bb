/// One frame as the detector saw it. Positions count samples at the detector's rate since the
/// line was opened.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct VadFrame {
    /// Position of its first sample.
    pub start: u64,
    /// Position after its last sample.
    pub end: u64,
    /// Probability of speech, 0 to 1.
    pub probability: f32,
    /// Loud enough to be worth a thought.
    pub audible: bool,
    /// Far above the background.
    pub distinct: bool,
    /// Repeats itself as vowels do.
    pub pitched: bool,
    /// Our own voice come back, or a tone: not speech, whatever the probability.
    pub excluded: bool,
}

/// How frames become speech.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ActivityConfig {
    /// Speech that makes a start, in samples.
    pub onset_samples: u64,
    /// How much of it must have a pitch. Noise has none; a hissing consonant waits for its vowel.
    pub pitched_samples: u64,
    /// Silence that makes a stop, in samples.
    pub off_samples: u64,
    /// Probability at which a frame counts as speech while there is none.
    pub on_probability: f32,
    /// Probability at which it still does while there is some.
    pub off_probability: f32,
}

/// Speech began or ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transition {
    /// Speech has started, at this position, some frames ago.
    Started {
        /// First sample of the first frame that counts.
        at: u64,
    },
    /// Speech has stopped.
    Stopped {
        /// Position after the last frame that counted.
        at: u64,
    },
}

/// Smooths frames into speech and silence: a start needs some speech within a little more time,
/// a stop needs silence throughout.
#[derive(Clone, Debug)]
pub struct SpeechActivity {
    config: ActivityConfig,
    speaking: bool,
    candidate: Option<Candidate>,
    last_voiced_end: u64,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    start: u64,
    voiced: u64,
    pitched: u64,
}

impl Candidate {
    /// Noise that goes on for long is no beginning of the speech that follows it.
    fn no_longer_than(self, now: u64) -> Self {
        Self { start: self.start.max(now.saturating_sub(CANDIDATE_SAMPLES_MAX)), ..self }
    }
}

impl SpeechActivity {
    /// Starts in silence.
    #[must_use]
    pub fn new(config: ActivityConfig) -> Self {
        Self { config, speaking: false, candidate: None, last_voiced_end: 0 }
    }

    /// Whether there is speech now, short pauses included.
    #[must_use]
    pub fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// Position after the last frame that counted as speech.
    #[must_use]
    pub fn last_voiced_end(&self) -> u64 {
        self.last_voiced_end
    }

    /// Whether `frame` counts as speech in the present state.
    #[must_use]
    pub fn is_voiced(&self, frame: &VadFrame) -> bool {
        // A pitch that stands out is evidence of its own: the network lags by its window.
        let likely = self.speaking || frame.pitched && frame.distinct;
        let threshold =
            if likely { self.config.off_probability } else { self.config.on_probability };
        frame.probability >= threshold && frame.audible && !frame.excluded
    }

    /// Takes what there was of speech as ended, so that more of it is a new start. `false` if
    /// there was none.
    pub fn end_now(&mut self) -> bool {
        self.candidate = None;
        core::mem::take(&mut self.speaking)
    }

    /// Takes the next frame.
    pub fn push(&mut self, frame: VadFrame) -> Option<Transition> {
        let voiced = self.is_voiced(&frame);
        if self.speaking {
            self.while_speaking(&frame, voiced)
        } else {
            self.while_silent(&frame, voiced)
        }
    }

    fn while_speaking(&mut self, frame: &VadFrame, voiced: bool) -> Option<Transition> {
        if voiced {
            self.last_voiced_end = frame.end;
            return None;
        }
        if frame.end.saturating_sub(self.last_voiced_end) < self.config.off_samples {
            return None;
        }
        self.speaking = false;
        self.candidate = None;
        Some(Transition::Stopped { at: self.last_voiced_end })
    }

    fn while_silent(&mut self, frame: &VadFrame, voiced: bool) -> Option<Transition> {
        let length = frame.end - frame.start;
        let mut candidate = match (self.candidate, voiced) {
            (None, false) => return None,
            (None, true) => Candidate { start: frame.start, voiced: 0, pitched: 0 },
            (Some(candidate), _) => candidate,
        };
        if voiced {
            candidate.voiced += length;
            candidate.pitched += if frame.pitched { length } else { 0 };
        } else {
            candidate.voiced = candidate.voiced.saturating_sub(length);
        }
        self.candidate = (candidate.voiced > 0).then_some(candidate.no_longer_than(frame.end));
        if voiced
            && candidate.voiced >= self.config.onset_samples
            && candidate.pitched >= self.config.pitched_samples
        {
            self.speaking = true;
            self.last_voiced_end = frame.end;
            return Some(Transition::Started { at: candidate.start });
        }
        None
    }
}

/// 200 ms at 16 kHz: no consonant before a vowel is longer.
const CANDIDATE_SAMPLES_MAX: u64 = 3_200;
