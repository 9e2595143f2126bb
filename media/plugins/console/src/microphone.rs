//! The operator's microphone as a leg's source.

use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use media_core::playout::Pulled;
use media_core::plugin::AudioSource;
use media_core::{MonoTime, SampleRate, level};
use rtrb::{Consumer, RingBuffer};

use crate::bend::{Bend, STEP_MS, rounded};
use crate::device::{Direction, SoundError, choose, id_of};
use crate::drift::{Bent, Drift};
use crate::figures::{Counters, Figures};
use crate::stream;
use crate::talk::{Talk, TalkMode};

/// An open microphone: the device runs until this is dropped.
pub struct OpenMicrophone {
    _stream: cpal::Stream,
    name: String,
    counters: Arc<Counters>,
    switch: Switch,
}

impl OpenMicrophone {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it goes.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.counters.figures()
    }

    /// What lets it through.
    #[must_use]
    pub fn switch(&self) -> &Switch {
        &self.switch
    }
}

impl std::fmt::Debug for OpenMicrophone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenMicrophone").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The keys of the microphone. Cheap to clone; takes effect within 10 ms.
#[derive(Clone, Debug, Default)]
pub struct Switch(Arc<AtomicU8>);

impl Switch {
    /// When it is open.
    pub fn set_mode(&self, mode: TalkMode) {
        self.put(OPEN_MIC, mode == TalkMode::OpenMic);
    }

    /// When it is open.
    #[must_use]
    pub fn mode(&self) -> TalkMode {
        if self.has(OPEN_MIC) { TalkMode::OpenMic } else { TalkMode::PushToTalk }
    }

    /// Whether the key to talk is down.
    pub fn press(&self, down: bool) {
        self.put(PRESSED, down);
    }

    /// Whether nothing is let through, whatever else is said.
    pub fn mute(&self, muted: bool) {
        self.put(MUTED, muted);
    }

    /// Whether anything is let through now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.has(OPEN) && !self.has(MUTED)
    }

    fn has(&self, bit: u8) -> bool {
        self.0.load(Relaxed) & bit != 0
    }

    fn put(&self, bit: u8, on: bool) {
        if on {
            self.0.fetch_or(bit, Relaxed);
        } else {
            self.0.fetch_and(!bit, Relaxed);
        }
    }
}

const OPEN_MIC: u8 = 1;
const PRESSED: u8 = 2;
const MUTED: u8 = 4;
/// Not a key: what came of them.
const OPEN: u8 = 8;

/// The end of the microphone that an audio thread pulls. 48 kHz.
pub struct Microphone {
    ring: Consumer<i16>,
    bend: Bend,
    drift: Drift,
    talk: Talk,
    /// What the loudspeaker was given; `None` without one.
    played: Option<Consumer<i16>>,
    played_step: [i16; STEP],
    counters: Arc<Counters>,
    switch: Switch,
    primed: bool,
    /// Steps since it was.
    steps: u32,
}

impl Microphone {
    /// Opens the microphone that `name` means, or the system's own choice. `played`: what
    /// [`crate::Speaker`] says it was given, where a loudspeaker stands beside it.
    ///
    /// # Errors
    /// [`SoundError`].
    pub fn open(
        name: Option<&str>,
        played: Option<Consumer<i16>>,
    ) -> Result<(OpenMicrophone, Microphone), SoundError> {
        let device = choose(Direction::In, name)?;
        let terms = stream::terms(Direction::In, &device)?;
        let hz = terms.config.sample_rate;
        let (to_us, ring) = RingBuffer::new((hz / 1_000 * RING_MS) as usize);
        let counters = Counters::new(hz);
        let stream = stream::record(&device, terms, to_us, &counters)?;
        let switch = Switch::default();
        let end = Microphone::new(hz, ring, played, Arc::clone(&counters), switch.clone());
        let name = id_of(&device);
        Ok((OpenMicrophone { _stream: stream, name, counters, switch }, end))
    }

    fn new(
        hz: u32,
        ring: Consumer<i16>,
        played: Option<Consumer<i16>>,
        counters: Arc<Counters>,
        switch: Switch,
    ) -> Self {
        Self {
            ring,
            bend: Bend::inward(hz, RATE),
            drift: Drift::new(hz),
            talk: Talk::new(),
            played,
            played_step: [0; STEP],
            counters,
            switch,
            primed: false,
            steps: 0,
        }
    }

    /// One step from the ring. `false`: there is too little in it.
    fn record(&mut self, out: &mut [i16]) -> bool {
        let wants = self.bend.wants();
        if !self.primed {
            self.prime(wants);
        }
        let lying = self.ring.slots();
        let enough = self.primed && lying >= wants;
        let taken = self.ring.read_chunk(if enough { wants } else { 0 });
        let samples = taken.ok().into_iter().flatten();
        for (out, sample) in out.iter_mut().zip(self.bend.step(samples)) {
            *out = rounded(*sample);
        }
        if self.primed {
            self.steps = self.steps.saturating_add(1);
            self.follow(enough);
        } else {
            // It may never begin, and somebody is waiting for it.
            self.counters.moves(false);
        }
        enough
    }

    /// Begins with what is new: what was recorded before anybody sat at the line is left out.
    fn prime(&mut self, wants: usize) {
        let (enough, lying) = (wants + self.drift.margin_samples(), self.ring.slots());
        self.primed = lying >= enough;
        // What a pull or two takes may have come with the last block.
        let old = lying.saturating_sub(enough + 2 * wants);
        if let Ok(chunk) = self.ring.read_chunk(old) {
            chunk.commit_all();
        }
    }

    /// Keeps up with the device's clock.
    fn follow(&mut self, enough: bool) {
        if !enough && self.steps > SETTLED_STEPS {
            self.counters.starved.fetch_add(1, Relaxed);
        }
        let lying = if enough { self.ring.slots() } else { 0 };
        self.counters.blocks.fetch_add(1, Relaxed);
        self.counters.moves(enough);
        self.counters.lying(lying);
        match self.drift.step(Some(lying)) {
            Some(Bent::Ratio(ratio)) => self.bend.set(ratio),
            Some(Bent::Skip(samples)) => {
                let samples = samples.min(self.ring.slots());
                if let Ok(chunk) = self.ring.read_chunk(samples) {
                    chunk.commit_all();
                }
                self.counters.skipped.fetch_add(samples as u64, Relaxed);
            }
            None => return,
        }
        self.counters.drift_ppm.store(self.drift.difference_ppm(), Relaxed);
    }

    /// What the loudspeaker was given for these 10 ms.
    fn listen_to_speaker(&mut self) {
        let Some(played) = &mut self.played else { return };
        let there = played.slots().min(STEP);
        let taken = played.read_chunk(there).ok().into_iter().flatten();
        for (slot, sample) in self.played_step.iter_mut().zip(taken.chain(std::iter::repeat(0))) {
            *slot = sample;
        }
    }

    fn step(&mut self, out: &mut [i16]) -> bool {
        let received = self.record(out);
        self.listen_to_speaker();
        let (mode, pressed) = (self.switch.mode(), self.switch.has(PRESSED));
        self.talk.step(out, &self.played_step, mode, pressed);
        self.switch.put(OPEN, self.talk.is_open());
        if self.switch.has(MUTED) {
            out.fill(0);
        }
        self.counters.level_dbov.store(level::dbov_i8(out), Relaxed);
        received
    }
}

impl AudioSource for Microphone {
    fn sample_rate(&self) -> SampleRate {
        RATE
    }

    /// `out`: a multiple of 10 ms; what is left over is silence.
    fn pull(&mut self, _deadline: MonoTime, out: &mut [i16]) -> Pulled {
        let mut pulled = Pulled::default();
        let mut steps = out.chunks_exact_mut(STEP);
        for step in &mut steps {
            if self.step(step) {
                pulled.received += STEP;
            } else {
                pulled.silent += STEP;
            }
        }
        let rest = steps.into_remainder();
        pulled.silent += rest.len();
        rest.fill(0);
        pulled
    }

    fn delay_ms(&self) -> u32 {
        self.counters.figures().delay_ms
    }
}

pub(crate) const RATE: SampleRate = SampleRate::Hz48000;
/// 10 ms of it.
pub(crate) const STEP: usize = RATE.samples_in_ms(STEP_MS);
/// Full: what comes is lost and counted. Empty: silence. Longer than any device's block; and the
/// rest is skipped long before.
pub(crate) const RING_MS: u32 = 400;
/// Two seconds: what a device stumbles over when it starts is not held against it.
pub(crate) const SETTLED_STEPS: u32 = 200;

#[cfg(test)]
mod tests;
