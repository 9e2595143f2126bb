//! A peer whom somebody else carries: it says a tone and keeps what it is sent.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use media_core::playout::Pulled;
use media_core::plugin::{AudioSink, AudioSource, Circle};
use media_core::{MonoTime, SampleRate};
use media_engine::Carrier;
use rtrb::{Consumer, Producer, RingBuffer};

/// How much of what it was sent is kept until somebody listens: ten seconds at 48 kHz.
const KEPT_SAMPLES: usize = 480_000;

/// The test's side of a carried peer.
pub struct Peer {
    pub rate: SampleRate,
    speaks: Arc<AtomicBool>,
    pulled: Arc<AtomicU64>,
    gone: Arc<AtomicBool>,
    heard: Consumer<i16>,
}

/// The engine's side.
struct Mouth {
    rate: SampleRate,
    hz: f64,
    said: u64,
    speaks: Arc<AtomicBool>,
    pulled: Arc<AtomicU64>,
}

struct Ear {
    rate: SampleRate,
    heard: Producer<i16>,
    circle: Option<Circle>,
    /// Set when the engine lets go of it.
    gone: Arc<AtomicBool>,
}

/// A peer that says `hz` at `rate` from the first tick on, and is sent audio at `hears`.
pub fn peer(hz: f64, rate: SampleRate, hears: SampleRate) -> (Peer, Carrier) {
    peer_of(None, hz, rate, hears)
}

/// One that hears those of `circle` anyway.
pub fn peer_of(
    circle: Option<Circle>,
    hz: f64,
    rate: SampleRate,
    hears: SampleRate,
) -> (Peer, Carrier) {
    let (speaks, pulled) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let gone = Arc::new(AtomicBool::new(false));
    let (heard_in, heard) = RingBuffer::new(KEPT_SAMPLES);
    let mouth =
        Mouth { rate, hz, said: 0, speaks: Arc::clone(&speaks), pulled: Arc::clone(&pulled) };
    let ear = Ear { rate: hears, heard: heard_in, circle, gone: Arc::clone(&gone) };
    let carrier = Carrier::Ends { source: Box::new(mouth), sink: Box::new(ear) };
    (Peer { rate: hears, speaks, pulled, gone, heard }, carrier)
}

impl Peer {
    /// Says its tone, or nothing.
    pub fn speak(&self, speaks: bool) {
        self.speaks.store(speaks, Ordering::Relaxed);
    }

    /// Ticks in which it was asked for what it says.
    pub fn ticks(&self) -> u64 {
        self.pulled.load(Ordering::Relaxed)
    }

    /// Whether the engine has let go of its ends.
    pub fn is_released(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// What it was sent since it was last asked.
    pub fn take_heard(&mut self) -> Vec<i16> {
        std::iter::from_fn(|| self.heard.pop().ok()).collect()
    }
}

impl AudioSource for Mouth {
    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn pull(&mut self, _: MonoTime, out: &mut [i16]) -> Pulled {
        self.pulled.fetch_add(1, Ordering::Relaxed);
        if !self.speaks.load(Ordering::Relaxed) {
            out.fill(0);
            return Pulled { silent: out.len(), ..Pulled::default() };
        }
        for sample in out.iter_mut() {
            let phase = self.said as f64 * self.hz * TAU / f64::from(self.rate.hz());
            *sample = (phase.sin() * 6_000.0).round() as i16;
            self.said += 1;
        }
        Pulled { received: out.len(), ..Pulled::default() }
    }

    fn delay_ms(&self) -> u32 {
        40
    }
}

impl AudioSink for Ear {
    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn push(&mut self, frame: &[i16]) {
        for sample in frame {
            let _ = self.heard.push(*sample);
        }
    }

    fn circle(&self) -> Option<Circle> {
        self.circle
    }

    /// Ticks that a busy machine leaves out are no sound, and no silence either.
    fn pass(&mut self, _: usize) {}
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}
