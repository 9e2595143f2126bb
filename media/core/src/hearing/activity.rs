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
    /// Our own voice come back: not speech, whatever the probability.
    pub echo: bool,
}

/// How frames become speech.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ActivityConfig {
    /// Speech that makes a start, in samples.
    pub onset_samples: u64,
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
        let threshold =
            if self.speaking { self.config.off_probability } else { self.config.on_probability };
        frame.probability >= threshold && frame.audible && !frame.echo
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
        let candidate = match (self.candidate, voiced) {
            (None, false) => return None,
            (None, true) => Candidate { start: frame.start, voiced: length },
            (Some(c), true) => Candidate { voiced: c.voiced + length, ..c },
            (Some(c), false) => Candidate { voiced: c.voiced.saturating_sub(length), ..c },
        };
        self.candidate = (candidate.voiced > 0).then_some(candidate);
        if voiced && candidate.voiced >= self.config.onset_samples {
            self.speaking = true;
            self.last_voiced_end = frame.end;
            return Some(Transition::Started { at: candidate.start });
        }
        None
    }
}
