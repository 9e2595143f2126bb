//! The core that ties hearing together, one per line.

mod decoding;
mod endings;
mod facts;
mod listening;
mod replay;
mod senses;

use std::collections::VecDeque;

use decoding::Job;
pub use facts::{EarDecision, EarFacts, EarInput, EarStep, SoundFrame, Understanding};
use listening::{RECENT_FRAMES, Recent};
pub use replay::EarReplay;
use senses::{Live, Senses};

use super::activity::{ActivityConfig, SpeechActivity};
use super::barge_in::{BargeIn, BargeInConfig, BargeInOutput};
use super::sound::{SAMPLES_PER_MS, Sound};
use super::turn::Turn;
use super::voicing::Steadiness;
use super::{EarConfig, EchoEstimate, Endpointing, NoiseFloor};
use crate::plugin::VoiceActivity;
use crate::resample::Resampler;
use crate::{HearingEvent, MonoTime, SampleRate, Verdict, level};

/// Names a decode job. A later job of the same [`Ear`] supersedes an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DecodeJobId(pub u64);

/// What an [`Ear`] wants done or known.
#[derive(Clone, PartialEq, Debug)]
pub enum EarOutput {
    /// To be told to the line.
    Event(HearingEvent),
    /// To be decoded, and the result given to [`Ear::decoded`]. There is at most one job
    /// outstanding: a newer one supersedes it, and its result is no longer waited for.
    Decode {
        /// Names the job.
        job: DecodeJobId,
        /// Mono, 16 kHz, at most `utterance_ms_max` long.
        samples: Vec<i16>,
    },
}

/// Listens to one line: frames in, [`EarOutput`]s out. After every [`Ear::push`] and
/// [`Ear::decoded`], drain [`Ear::poll_output`] until it yields nothing.
///
/// Every `Onset` is followed by exactly one `Verdict`, within `decide_ms` and before the `Final`
/// of the same sound.
pub struct Ear {
    config: EarConfig,
    now: MonoTime,
    agent_speaking: bool,
    senses: Senses,
    sound: Sound,
    /// Position of the next sample that the detector has not seen.
    next_frame: u64,
    noise: NoiseFloor,
    steadiness: Steadiness,
    /// Loudest recent speech, falling slowly.
    speech_dbov: f32,
    activity: SpeechActivity,
    barge_in: BargeIn,
    endpointing: Endpointing,
    recent: VecDeque<Recent>,
    /// The utterance that is being said.
    open: Option<Turn>,
    /// An utterance that was cut for its length and waits for its text.
    closing: Option<(Turn, MonoTime)>,
    /// Where the sound of the onset under judgement began.
    onset_start: u64,
    /// Before this position all sound belongs to utterances that are done with, or to nobody.
    done_until: u64,
    job: Option<Job>,
    jobs: u64,
    outputs: VecDeque<EarOutput>,
    /// What this step decided on, if that is noted.
    note: Option<EarInput>,
}

impl Ear {
    /// An ear for one line. `vad`: the detector; its rate may be 8 or 16 kHz.
    #[must_use]
    pub fn new(config: EarConfig, vad: Box<dyn VoiceActivity>) -> Self {
        let live = Live::new(&config, vad);
        Self::with(config, Senses::Live(Box::new(live)))
    }

    fn with(config: EarConfig, senses: Senses) -> Self {
        let delay_samples = Resampler::new(config.sample_rate, RECOGNISER_RATE).delay_samples();
        let activity = SpeechActivity::new(ActivityConfig {
            onset_samples: u64::from(config.onset_ms) * SAMPLES_PER_MS,
            pitched_samples: u64::from(config.onset_ms / 2) * SAMPLES_PER_MS,
            off_samples: u64::from(config.vad_off_ms) * SAMPLES_PER_MS,
            on_probability: config.on_probability,
            off_probability: config.off_probability,
        });
        let barge_in = BargeInConfig { decide_ms: config.decide_ms.min(500), tick_ms: TICK_MS };
        let endpointing = Endpointing {
            complete_ms: config.complete_ms,
            incomplete_ms: config.incomplete_ms,
            digits_ms: config.digits_ms,
            silence_cap_ms: config.silence_cap_ms,
        };
        Self {
            now: MonoTime::ZERO,
            agent_speaking: false,
            senses,
            sound: Sound::new(delay_samples),
            next_frame: 0,
            noise: NoiseFloor::new(),
            steadiness: Steadiness::new(),
            speech_dbov: level::SILENCE_DBOV,
            activity,
            barge_in: BargeIn::new(barge_in),
            endpointing,
            recent: VecDeque::with_capacity(RECENT_FRAMES),
            open: None,
            closing: None,
            onset_start: 0,
            done_until: 0,
            job: None,
            jobs: 0,
            outputs: VecDeque::new(),
            note: None,
            config,
        }
    }

    /// Takes the audio of one tick.
    ///
    /// - `at`: when its last sample arrived.
    /// - `heard`: decoded audio, mono at `sample_rate`, a multiple of 10 ms, 60 ms at most.
    /// - `sent`: what was transmitted in the same tick, the reference for echo. Taken as silence
    ///   where it is shorter.
    /// - `agent_speaking`: whether a voice of ours has the floor, paused or not.
    pub fn push(&mut self, at: MonoTime, heard: &[i16], sent: &[i16], agent_speaking: bool) {
        self.begin(at, agent_speaking);
        let longest = self.config.sample_rate.samples_in_ms(PUSH_MS_MAX);
        let heard = &heard[..heard.len().min(longest)];
        let Senses::Live(live) = &mut self.senses else { return };
        let sound = live.push(heard, sent);
        if self.config.traced {
            let samples = sound.len() as u32;
            let facts = EarFacts::Sound { samples, agent_speaking, frames: Vec::new() };
            self.note = Some(EarInput { at, facts, explained: None });
        }
        self.sound.push(self.now, sound);
        self.listen();
    }

    /// What the step before decided on, if [`EarConfig::traced`]. Once.
    pub fn take_note(&mut self) -> Option<EarInput> {
        self.note.take()
    }

    fn begin(&mut self, at: MonoTime, agent_speaking: bool) {
        self.now = self.now.max(at);
        self.agent_speaking = agent_speaking;
    }

    /// Judges the sound that has come in.
    fn listen(&mut self) {
        while let Some(frame) = self.senses.next_frame() {
            self.next_vad_frame(frame);
        }
        self.judge();
        self.settle();
        self.forget();
    }

    /// What is to be done or told next.
    pub fn poll_output(&mut self) -> Option<EarOutput> {
        self.outputs.pop_front()
    }

    /// Whether the caller is speaking now, short pauses included.
    #[must_use]
    pub fn is_speech(&self) -> bool {
        self.activity.is_speaking()
    }

    /// Whether an utterance has begun and is not committed yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some() || self.closing.is_some()
    }

    /// The call's echo path, once one was heard.
    #[must_use]
    pub fn echo_estimate(&self) -> Option<EchoEstimate> {
        self.senses.echo_estimate()
    }

    /// Level of the caller's background.
    #[must_use]
    pub fn noise_dbov(&self) -> f32 {
        self.noise.dbov()
    }

    /// Asks the barge-in core, and does what it says.
    fn judge(&mut self) {
        if !self.barge_in.is_pending() {
            return;
        }
        let since_onset_ms =
            (self.sound.end().saturating_sub(self.onset_start) / SAMPLES_PER_MS) as u32;
        let (senses, mut asked) = (&mut self.senses, None);
        let explains = || *asked.insert(senses.explains_last(since_onset_ms));
        let decided = self.barge_in.poll(self.now, explains);
        if let (Some(note), Some(_)) = (&mut self.note, asked) {
            note.explained = asked;
        }
        match decided {
            Some(BargeInOutput::Verdict(verdict)) => self.on_verdict(verdict),
            Some(BargeInOutput::Probe) if !self.request_decode() => self.barge_in.on_no_text(),
            Some(BargeInOutput::Probe) | None => {}
        }
    }

    fn on_verdict(&mut self, verdict: Verdict) {
        self.event(HearingEvent::Verdict { at: self.now, verdict });
        // Our speech goes on; if the caller's does, too, that is a new onset.
        let ended = verdict != Verdict::Speech && self.activity.end_now();
        let Some(turn) = &mut self.open else { return };
        if ended {
            turn.vad_off = Some(self.now);
        }
        let began_with_onset = turn.speech_start >= self.onset_start;
        match verdict {
            Verdict::Echo if began_with_onset => self.abandon_open(),
            Verdict::Echo => {}
            Verdict::Noise | Verdict::Backchannel => turn.listening_sounds_only |= began_with_onset,
            Verdict::Speech => turn.listening_sounds_only = false,
        }
    }

    fn event(&mut self, event: HearingEvent) {
        self.outputs.push_back(EarOutput::Event(event));
    }
}

/// What the recogniser hears.
const RECOGNISER_RATE: SampleRate = SampleRate::Hz16000;
/// The line's tick.
const TICK_MS: u32 = 20;
/// Longest packet time there is.
const PUSH_MS_MAX: u32 = 60;
