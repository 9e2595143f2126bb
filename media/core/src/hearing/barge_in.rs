use super::Reaction;
use crate::{MonoTime, Verdict};

/// How an onset is judged. Times in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BargeInConfig {
    /// From the onset to the verdict at the latest.
    pub decide_ms: u32,
    /// How often the core is asked: what would be decided later than that before the deadline
    /// must be decided now.
    pub tick_ms: u32,
}

/// What a stretch of sound after an onset was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FrameKind {
    /// Speech, as far as sound tells.
    Voiced,
    /// Our own voice.
    Echo,
    /// Neither.
    Quiet,
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BargeInOutput {
    /// Decode the speech so far and call [`BargeIn::on_text`].
    Probe,
    /// The verdict on the onset.
    Verdict(Verdict),
}

/// Judges what an onset of sound was: exactly one verdict each, within `decide_ms`.
///
/// While we do not speak, the sound decides. While we do, the words decide if the recogniser is
/// quick enough, and the sound otherwise.
#[derive(Clone, Debug)]
pub struct BargeIn {
    config: BargeInConfig,
    pending: Option<Pending>,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    since: MonoTime,
    over_agent: bool,
    voiced_ms: u32,
    echo_ms: u32,
    quiet_ms: u32,
    probes: u8,
    waiting_for_text: bool,
    reaction: Option<Reaction>,
}

impl BargeIn {
    /// Nothing to judge.
    #[must_use]
    pub fn new(config: BargeInConfig) -> Self {
        Self { config, pending: None }
    }

    /// Whether an onset waits for its verdict.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether the onset that waits was sound into our own speech.
    #[must_use]
    pub fn is_over_agent(&self) -> bool {
        self.pending.is_some_and(|p| p.over_agent)
    }

    /// An onset after `voiced_ms` of speech. `false` if the one before still waits, and this
    /// sound goes into its verdict.
    pub fn onset(&mut self, now: MonoTime, voiced_ms: u32, over_agent: bool) -> bool {
        if self.pending.is_some() {
            return false;
        }
        self.pending = Some(Pending {
            since: now,
            over_agent,
            voiced_ms,
            echo_ms: 0,
            quiet_ms: 0,
            probes: 0,
            waiting_for_text: false,
            reaction: None,
        });
        true
    }

    /// The next `ms` milliseconds of sound.
    pub fn frame(&mut self, kind: FrameKind, ms: u32, agent_speaking: bool) {
        let Some(pending) = &mut self.pending else { return };
        pending.over_agent |= agent_speaking;
        match kind {
            FrameKind::Voiced => {
                pending.voiced_ms += ms;
                pending.quiet_ms = 0;
            }
            FrameKind::Echo => {
                pending.echo_ms += ms;
                pending.quiet_ms += ms;
            }
            FrameKind::Quiet => pending.quiet_ms += ms,
        }
    }

    /// What the recogniser made of the speech so far.
    pub fn on_text(&mut self, reaction: Reaction) {
        if let Some(pending) = &mut self.pending {
            pending.waiting_for_text = false;
            pending.reaction = Some(reaction);
        }
    }

    /// The recogniser failed, or its answer no longer matters.
    pub fn on_no_text(&mut self) {
        if let Some(pending) = &mut self.pending {
            pending.waiting_for_text = false;
        }
    }

    /// What is to be done now. `looks_like_echo` is asked at most once per call, and only where
    /// its answer matters.
    pub fn poll(
        &mut self,
        now: MonoTime,
        looks_like_echo: impl FnOnce() -> bool,
    ) -> Option<BargeInOutput> {
        let pending = self.pending.as_mut()?;
        let age_ms = now.since(pending.since).as_millis() as u32;
        let due = age_ms + self.config.tick_ms > self.config.decide_ms;
        let verdict = if pending.over_agent {
            pending.over_our_speech(due, looks_like_echo)
        } else {
            pending.over_silence(due)
        };
        if let Some(verdict) = verdict {
            self.pending = None;
            return Some(BargeInOutput::Verdict(verdict));
        }
        if pending.wants_probe(age_ms, self.config.decide_ms) {
            pending.probes += 1;
            pending.waiting_for_text = true;
            pending.reaction = None;
            return Some(BargeInOutput::Probe);
        }
        None
    }
}

impl Pending {
    fn ended(&self) -> bool {
        self.quiet_ms >= ENDED_MS
    }

    fn over_silence(&self, due: bool) -> Option<Verdict> {
        if self.voiced_ms >= SPEECH_OVER_SILENCE_MS {
            Some(Verdict::Speech)
        } else if due {
            Some(Verdict::Noise)
        } else {
            None
        }
    }

    fn over_our_speech(
        &self,
        due: bool,
        looks_like_echo: impl FnOnce() -> bool,
    ) -> Option<Verdict> {
        let verdict = match self.reaction {
            Some(Reaction::Command | Reaction::Speech) => Some(Verdict::Speech),
            Some(Reaction::Backchannel) if self.ended() => Some(Verdict::Backchannel),
            Some(Reaction::Nothing) if self.ended() => Some(Verdict::Noise),
            // "right" and still speaking: "right, but…".
            _ if due => Some(self.by_sound()),
            _ => None,
        }?;
        Some(if self.echo_ms > self.voiced_ms || looks_like_echo() {
            Verdict::Echo
        } else {
            verdict
        })
    }

    fn by_sound(&self) -> Verdict {
        if self.voiced_ms >= SPEECH_OVER_OURS_MS { Verdict::Speech } else { Verdict::Noise }
    }

    /// Once when the sound has ended, and once, early enough before the deadline, while it lasts.
    fn wants_probe(&self, age_ms: u32, decide_ms: u32) -> bool {
        if !self.over_agent || self.waiting_for_text || self.probes >= PROBES_MAX {
            return false;
        }
        let time_left = age_ms + DECODE_ALLOWANCE_MS / 2 <= decide_ms;
        let late_enough = age_ms + DECODE_ALLOWANCE_MS >= decide_ms;
        time_left && (self.ended() && self.probes < 2 || late_enough && self.probes == 0)
    }
}

/// Quiet that makes a word a finished one.
const ENDED_MS: u32 = 64;
/// While nobody of us speaks, this much of it is speech; less was a knock.
const SPEECH_OVER_SILENCE_MS: u32 = 112;
/// Without words, this much sound within `decide_ms` is an interruption. Vocal enough to be more
/// than a cough, short enough for "stop".
const SPEECH_OVER_OURS_MS: u32 = 240;
/// What a decode may take, queueing included, to be of use to the verdict.
const DECODE_ALLOWANCE_MS: u32 = 140;
/// A recogniser that answers every probe with nothing is not asked for ever.
const PROBES_MAX: u8 = 3;
