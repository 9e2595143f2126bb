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
mod tests {
    use std::f64::consts::TAU;

    use assert_no_alloc::assert_no_alloc;
    use rtrb::Producer;

    use super::*;

    /// A device at 44.1 kHz whose clock is `ppm` fast: a tone, in blocks.
    struct FakeDevice {
        to: Producer<i16>,
        made: u64,
        hz: f64,
    }

    impl FakeDevice {
        fn run_until(&mut self, seconds: f64) {
            while ((self.made + 441) as f64) < seconds * self.hz {
                for _ in 0..441 {
                    let at = self.made as f64 / self.hz;
                    let _ = self.to.push(((at * 1_000.0 * TAU).sin() * 8_000.0) as i16);
                    self.made += 1;
                }
            }
        }
    }

    #[test]
    fn a_tone_of_a_fast_clock_comes_out_whole_and_at_its_own_pitch() {
        let (to, ring) = RingBuffer::new(44_100);
        let counters = Counters::new(44_100);
        let switch = Switch::default();
        let mut microphone =
            Microphone::new(44_100, ring, None, Arc::clone(&counters), switch.clone());
        let mut device = FakeDevice { to, made: 0, hz: 44_100.0 * (1.0 + 200e-6) };
        switch.press(true);
        let (mut frame, mut heard) = ([0; 2 * STEP], Vec::new());
        for tick in 0..3_000u32 {
            device.run_until(f64::from(tick) * 0.02 + 0.03);
            assert_no_alloc(|| microphone.pull(MonoTime::default(), &mut frame));
            heard.extend_from_slice(&frame);
        }
        let figures = counters.figures();
        assert_eq!((figures.starved, figures.skipped_ms), (0, 0), "{figures:?}");
        assert!((100..300).contains(&figures.drift_ppm), "{figures:?}");
        assert!(figures.delay_ms < 60, "{figures:?}");
        // A sine is told from the samples two apart: what does not fit is noise of the conversion.
        let last = &heard[heard.len() - 48_000..];
        let turn = 2.0 * (TAU * 1_000.0 / 48_000.0).cos();
        let off = |w: &[i16]| {
            let (a, b, c) = (f64::from(w[0]), f64::from(w[1]), f64::from(w[2]));
            (a + c - turn * b).powi(2)
        };
        let noise = (last.windows(3).map(off).sum::<f64>() / last.len() as f64).sqrt();
        assert!(noise < 8.0, "{noise} of 8000: the tone is bent or torn");
        assert!(figures.level_dbov > -18, "{figures:?}");
    }

    #[test]
    fn what_was_recorded_before_somebody_listened_is_neither_heard_nor_called_lost() {
        let (to, ring) = RingBuffer::new(44_100 * 2 / 5);
        let counters = Counters::new(44_100);
        let mut microphone =
            Microphone::new(44_100, ring, None, Arc::clone(&counters), Switch::default());
        let mut device = FakeDevice { to, made: 0, hz: 44_100.0 };
        device.run_until(1.0);
        let mut frame = [0; 2 * STEP];
        for tick in 0..100u32 {
            microphone.pull(MonoTime::default(), &mut frame);
            device.run_until(1.03 + f64::from(tick) * 0.02);
        }
        let figures = counters.figures();
        assert!(figures.delay_ms < 60, "{figures:?}");
        assert_eq!(figures.skipped_ms, 0, "{figures:?}");
    }

    #[test]
    fn nothing_is_let_through_before_the_key_is_down_or_while_it_is_muted() {
        let (to, ring) = RingBuffer::new(44_100);
        let switch = Switch::default();
        let counters = Counters::new(44_100);
        let mut microphone = Microphone::new(44_100, ring, None, counters, switch.clone());
        let mut device = FakeDevice { to, made: 0, hz: 44_100.0 };
        let (mut frame, mut tick) = ([0; 2 * STEP], 0);
        let mut loudest = |switch: &Switch| {
            let mut loudest = 0;
            for _ in 0..20 {
                tick += 1;
                device.run_until(f64::from(tick) * 0.02 + 0.03);
                microphone.pull(MonoTime::default(), &mut frame);
                loudest = frame.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
            }
            (loudest, switch.is_open())
        };
        assert_eq!(loudest(&switch), (0, false));
        switch.press(true);
        assert!(matches!(loudest(&switch), (7_000.., true)));
        switch.mute(true);
        assert_eq!(loudest(&switch), (0, false));
        switch.mute(false);
        switch.press(false);
        assert_eq!(loudest(&switch), (0, false));
    }
}
