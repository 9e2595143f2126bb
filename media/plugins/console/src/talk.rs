//! What of the microphone is let through.

use media_core::SampleRate;
use media_core::hearing::{EchoGate, EnergyVad};
use media_core::level;
use media_core::mix::Fader;
use media_core::plugin::VoiceActivity;
use media_core::resample::Resampler;

/// When the microphone is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TalkMode {
    /// While the key says so, and not while the loudspeaker is the louder of the two.
    #[default]
    PushToTalk,
    /// While there is speech that is not the loudspeaker's.
    OpenMic,
}

/// Lets through what the operator says, in steps of 10 ms at 48 kHz.
///
/// In [`TalkMode::OpenMic`] speech opens it, and the loudspeaker's sound come back does not
/// ([`EchoGate`], from what was played): half duplex where the room is loud, full duplex with a
/// headset, without anything to set. Until the room is known it stays closed while the loudspeaker
/// sounds, for two seconds of that at most; who has not come back by then wears a headset.
/// Measured (`tests/room.rs`): a room that returns the line's voice 0 to 25 dB weaker has nothing of
/// it let through, which a canceller could not better; it would only help while both speak, when
/// the operator is the louder of the two anyway. So there is none.
/// What is let through is 60 ms old then, so that the beginning
/// of a word is not what opened the door.
///
/// In [`TalkMode::PushToTalk`] the key opens it, but for what is no louder than the loudspeaker's
/// sound comes back in this room, once that is known. Real-time safe once built.
pub struct Talk {
    low: [Resampler; 2],
    heard_low: [i16; STEP_LOW],
    played_low: [i16; STEP_LOW],
    echo: EchoGate,
    /// What was played, in dBov per step, the newest last.
    played_dbov: [f32; PLAYED_STEPS],
    /// Steps for which somebody is louder than the loudspeaker.
    louder_for: u32,
    /// Steps for which the loudspeaker is taken to be what is heard.
    echo_for: u32,
    vad: EnergyVad,
    frame: Vec<i16>,
    /// Steps in which the loudspeaker sounded, while the room is unknown.
    sounded: u32,
    open_for: u32,
    lately: Vec<i16>,
    at: usize,
    fader: Fader,
    open: bool,
}

impl Talk {
    /// Closed.
    #[must_use]
    pub fn new() -> Self {
        let low = || Resampler::new(SampleRate::Hz48000, SampleRate::Hz16000);
        let vad = EnergyVad::new();
        Self {
            low: [low(), low()],
            heard_low: [0; STEP_LOW],
            played_low: [0; STEP_LOW],
            echo: EchoGate::new(SampleRate::Hz16000),
            played_dbov: [level::SILENCE_DBOV; PLAYED_STEPS],
            louder_for: 0,
            echo_for: 0,
            frame: Vec::with_capacity(vad.frame_samples()),
            vad,
            sounded: 0,
            open_for: 0,
            lately: vec![0; SampleRate::Hz48000.samples_in_ms(BEFORE_MS)],
            at: 0,
            fader: Fader::silent(),
            open: false,
        }
    }

    /// Whether anything is let through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Takes 10 ms. `heard`: what the microphone has, replaced by what is let through. `played`: what
    /// the loudspeaker was given meanwhile. `pressed`: what the key says.
    pub fn step(&mut self, heard: &mut [i16], played: &[i16], mode: TalkMode, pressed: bool) {
        // The ear listens in either mode, so that it knows the room when it is asked.
        let speech = self.listen(heard, played);
        let louder = self.is_louder(heard, played);
        self.open = match mode {
            TalkMode::PushToTalk => pressed && louder,
            TalkMode::OpenMic => speech,
        };
        if mode == TalkMode::OpenMic {
            self.delay(heard);
        }
        self.fader.set(if self.open { 1.0 } else { 0.0 });
        self.fader.apply(heard);
    }

    /// Whether the operator speaks, or has just done so.
    fn listen(&mut self, heard: &[i16], played: &[i16]) -> bool {
        self.low[0].process(heard, &mut self.heard_low);
        self.low[1].process(played, &mut self.played_low);
        self.echo.push(&self.heard_low, &self.played_low);
        if self.echo.could_be_echo() {
            self.sounded = self.sounded.saturating_add(1);
        }
        for sample in self.heard_low {
            self.frame.push(sample);
            if self.frame.len() == self.vad.frame_samples() {
                if self.is_speech() {
                    self.open_for = HOLD_STEPS;
                }
                self.frame.clear();
            }
        }
        self.open_for = self.open_for.saturating_sub(1);
        self.open_for > 0
    }

    /// Whether there is more to be heard than the loudspeaker in this room, or was a moment ago.
    fn is_louder(&mut self, heard: &[i16], played: &[i16]) -> bool {
        self.played_dbov.rotate_left(1);
        self.played_dbov[PLAYED_STEPS - 1] = level::dbov(played);
        let Some(room) = self.echo.estimate() else { return true };
        // The reflections of some steps before are heard as well.
        let newest = PLAYED_STEPS.saturating_sub(room.delay_ms as usize / 10);
        let oldest = newest.saturating_sub(REFLECTED_STEPS);
        let loudest = self.played_dbov[oldest..newest].iter().copied().fold(f32::MIN, f32::max);
        if loudest < AUDIBLE_DBOV {
            return true;
        }
        self.look_for_echo();
        if level::dbov(heard) > loudest - room.loss_db + LOUDER_DB {
            self.louder_for = LOUDER_STEPS;
        }
        self.louder_for = self.louder_for.saturating_sub(1);
        self.louder_for > 0 || self.echo_for == 0
    }

    /// What was heard lately must be explained by what was played: where two voices resemble each
    /// other for a moment, or there is a headset now, the level alone says nothing.
    fn look_for_echo(&mut self) {
        self.echo_for = self.echo_for.saturating_sub(1);
        if self.echo_for.is_multiple_of(LOOK_STEPS) && self.echo.explains_last(LOOK_MS) {
            self.echo_for = ECHO_STEPS;
        }
    }

    /// Whether the frame is speech of the operator's.
    fn is_speech(&mut self) -> bool {
        if self.vad.speech_probability(&self.frame) < SPEECH {
            return false;
        }
        // Asked in any case: it learns from it.
        let echo = self.echo.is_echo(level::dbov(&self.frame));
        let unknown = self.echo.estimate().is_none() && self.sounded < UNKNOWN_STEPS_MAX;
        !(echo || unknown && self.echo.could_be_echo())
    }

    /// Replaces `heard` by what came [`BEFORE_MS`] before it.
    fn delay(&mut self, heard: &mut [i16]) {
        for sample in heard {
            std::mem::swap(sample, &mut self.lately[self.at]);
            self.at = (self.at + 1) % self.lately.len();
        }
    }
}

impl Default for Talk {
    fn default() -> Self {
        Self::new()
    }
}

/// 10 ms at 16 kHz.
const STEP_LOW: usize = 160;
/// Two detector frames and a consonant.
const BEFORE_MS: u32 = 60;
/// Half a second, in steps: pauses between words stay open.
const HOLD_STEPS: u32 = 50;
const SPEECH: f32 = 0.5;
/// As much as the echo gate looks back.
const PLAYED_STEPS: usize = 70;
/// 150 ms, in which a room's sound has decayed by 30 dB.
const REFLECTED_STEPS: usize = 15;
/// Above what is expected to come back: what a room adds at some frequencies.
const LOUDER_DB: f32 = 6.0;
/// What is played more quietly does not come back as anything audible.
const AUDIBLE_DBOV: f32 = -60.0;
/// Some syllables, so that two voices do not look alike.
const LOOK_MS: u32 = 500;
/// The search costs as much as a step.
const LOOK_STEPS: u32 = 5;
/// Longer than a pause between words.
const ECHO_STEPS: u32 = 50;
/// 100 ms: a consonant is as quiet as an echo.
const LOUDER_STEPS: u32 = 10;
/// Two seconds: a room is known after three syllables.
const UNKNOWN_STEPS_MAX: u32 = 200;
