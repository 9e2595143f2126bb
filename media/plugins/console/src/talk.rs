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
    /// While the key says so. The microphone hears nothing otherwise, so no loudspeaker either.
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
/// Measured (`tests/room.rs`): a room that returns the line's voice 6 to 25 dB weaker has nothing of
/// it let through, which a canceller could not better; it would only help while both speak, when
/// the operator is the louder of the two anyway. So there is none.
/// What is let through is 60 ms old then, so that the beginning
/// of a word is not what opened the door. Real-time safe once built.
pub struct Talk {
    low: [Resampler; 2],
    heard_low: [i16; STEP_LOW],
    played_low: [i16; STEP_LOW],
    echo: EchoGate,
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
        self.open = match mode {
            TalkMode::PushToTalk => pressed,
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
/// Two seconds: a room is known after three syllables.
const UNKNOWN_STEPS_MAX: u32 = 200;
