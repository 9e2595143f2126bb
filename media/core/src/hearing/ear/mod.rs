//! The core that ties hearing together, one per line.

mod decoding;
mod endings;
mod listening;

use std::collections::VecDeque;

use decoding::Job;
use listening::{RECENT_FRAMES, Recent};

use super::activity::{ActivityConfig, SpeechActivity};
use super::barge_in::{BargeIn, BargeInConfig, BargeInOutput};
use super::sound::{SAMPLES_PER_MS, Sound};
use super::turn::Turn;
use super::voicing::{Steadiness, Voicing};
use super::{EarConfig, EchoEstimate, EchoGate, Endpointing, NoiseFloor};
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
    resampler: Resampler,
    upsampled: Vec<i16>,
    sound: Sound,
    vad: Box<dyn VoiceActivity>,
    /// Converts to the detector's rate where that is not the recogniser's.
    vad_resampler: Option<Resampler>,
    vad_input: VecDeque<i16>,
    vad_converted: Vec<i16>,
    vad_frame: Vec<i16>,
    /// Position of the next sample that the detector has not seen.
    next_frame: u64,
    noise: NoiseFloor,
    voicing: Voicing,
    steadiness: Steadiness,
    /// Loudest recent speech, falling slowly.
    speech_dbov: f32,
    echo: EchoGate,
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
}

impl Ear {
    /// An ear for one line. `vad`: the detector; its rate may be 8 or 16 kHz.
    #[must_use]
    pub fn new(config: EarConfig, vad: Box<dyn VoiceActivity>) -> Self {
        let resampler = Resampler::new(config.sample_rate, RECOGNISER_RATE);
        let vad_resampler = (vad.sample_rate() != RECOGNISER_RATE)
            .then(|| Resampler::new(config.sample_rate, vad.sample_rate()));
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
            sound: Sound::new(resampler.delay_samples()),
            upsampled: vec![0; RECOGNISER_RATE.samples_in_ms(PUSH_MS_MAX)],
            vad_converted: vec![0; RECOGNISER_RATE.samples_in_ms(PUSH_MS_MAX)],
            vad_frame: vec![0; vad.frame_samples().max(1)],
            vad_input: VecDeque::new(),
            next_frame: 0,
            noise: NoiseFloor::new(),
            voicing: Voicing::new(config.sample_rate),
            steadiness: Steadiness::new(),
            speech_dbov: level::SILENCE_DBOV,
            echo: EchoGate::new(config.sample_rate),
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
            resampler,
            vad,
            vad_resampler,
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
        self.now = self.now.max(at);
        self.agent_speaking = agent_speaking;
        let longest = self.config.sample_rate.samples_in_ms(PUSH_MS_MAX);
        let heard = &heard[..heard.len().min(longest)];
        self.echo.push(heard, sent);
        self.voicing.push(heard);
        let count = self.resampler.process(heard, &mut self.upsampled);
        self.sound.push(self.now, &self.upsampled[..count]);
        match &mut self.vad_resampler {
            None => self.vad_input.extend(&self.upsampled[..count]),
            Some(resampler) => {
                let count = resampler.process(heard, &mut self.vad_converted);
                self.vad_input.extend(&self.vad_converted[..count]);
            }
        }
        while self.vad_input.len() >= self.vad_frame.len() {
            self.next_vad_frame();
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
        self.echo.estimate()
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
        let echo = &mut self.echo;
        match self.barge_in.poll(self.now, || echo.explains_last(since_onset_ms)) {
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
