//! The core that ties hearing together, one per line.

mod decoding;
mod endings;

use std::collections::VecDeque;

use decoding::Job;

use super::activity::{ActivityConfig, SpeechActivity, Transition, VadFrame};
use super::barge_in::{BargeIn, BargeInConfig, BargeInOutput, FrameKind};
use super::sound::{SAMPLES_PER_MS, Sound};
use super::turn::Turn;
use super::voicing::{PITCHED, Steadiness, Voicing};
use super::{EarConfig, EchoEstimate, EchoGate, Endpointing, NoiseFloor};
use crate::plugin::VoiceActivity;
use crate::resample::Resampler;
use crate::{HearingEvent, MonoTime, SampleRate, Verdict, level};

/// Names a decode job. A later job of the same [`Ear`] supersedes an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
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

/// One detector frame, remembered for pre-roll and cutting.
#[derive(Clone, Copy, Debug)]
struct Recent {
    end: u64,
    level_dbov: f32,
    audible: bool,
    echo: bool,
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

    fn next_vad_frame(&mut self) {
        let count = self.vad_frame.len();
        for (to, from) in self.vad_frame.iter_mut().zip(self.vad_input.drain(..count)) {
            *to = from;
        }
        let probability = self.vad.speech_probability(&self.vad_frame);
        let level_dbov = level::dbov(&self.vad_frame);
        let length = (self.vad_frame.len() as u64) * u64::from(RECOGNISER_RATE.hz())
            / u64::from(self.vad.sample_rate().hz());
        let start = self.next_frame;
        self.next_frame += length;
        let ms = (length / SAMPLES_PER_MS) as u32;
        let pitched = self.voicing.strength() >= PITCHED;
        let tone = self.steadiness.is_tone(level_dbov, pitched, ms);
        let audible = level_dbov >= self.audible_dbov();
        self.noise.push(level_dbov, pitched && audible && !tone, ms);
        let suspicious = audible && probability >= self.config.off_probability;
        let echo = suspicious && self.echo.is_echo(level_dbov);
        self.remember(Recent { end: self.next_frame, level_dbov, audible, echo });
        let excluded = echo || tone;
        let end = self.next_frame;
        let distinct = level_dbov >= self.noise.dbov() + DISTINCT_ABOVE_NOISE_DB;
        let frame = VadFrame { start, end, probability, audible, distinct, pitched, excluded };
        self.on_frame(frame, level_dbov, echo);
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
        let before = self.recent.iter().rev().skip_while(|frame| frame.end > start);
        let (mut sound_start, mut echo_end) = (start, 0);
        for frame in before {
            if frame.echo {
                echo_end = frame.end;
                break;
            }
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
        earliest.max(self.done_until).max(self.sound.start()).max(echo_end)
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

    fn remember(&mut self, frame: Recent) {
        if self.recent.len() == RECENT_FRAMES {
            self.recent.pop_front();
        }
        self.recent.push_back(frame);
    }

    /// Lets go of sound that no utterance can need any more.
    fn forget(&mut self) {
        let spare = u64::from(self.config.preroll_ms + NOTICED_LATE_MS) * SAMPLES_PER_MS
            + LEAD_MS_MAX * SAMPLES_PER_MS;
        let recent = self.sound.end().saturating_sub(spare);
        let open = self.open.as_ref().map_or(recent, |turn| turn.audio_start);
        let closing = self.closing.as_ref().map_or(recent, |(turn, _)| turn.audio_start);
        self.sound.forget_before(recent.min(open).min(closing));
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
/// 1.6 s of detector frames: more than pre-roll and cutting look back.
const RECENT_FRAMES: usize = 100;
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
