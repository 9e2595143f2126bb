//! A peer whom the test carries itself, as a browser or a room would be: it says a tone when it is
//! told to, and keeps what it is sent.

use std::f64::consts::TAU;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use media_core::playout::Pulled;
use media_core::plugin::{AudioSink, AudioSource};
use media_core::{MonoTime, SampleRate};
use media_engine::Carrier;

/// The test's side.
pub struct Peer {
    shared: Arc<Shared>,
}

struct Shared {
    hz: f64,
    speaks: AtomicBool,
    ticks: AtomicU64,
    /// Ends that the line still holds.
    held: AtomicU64,
    heard: Mutex<Vec<i16>>,
}

struct End {
    shared: Arc<Shared>,
    said: u64,
}

const RATE: SampleRate = SampleRate::Hz48000;
const LOUDNESS: f64 = 6_000.0;

/// A peer that says `hz`.
pub fn peer(hz: f64) -> (Peer, Carrier) {
    let shared = Arc::new(Shared {
        hz,
        speaks: AtomicBool::new(false),
        ticks: AtomicU64::new(0),
        held: AtomicU64::new(2),
        heard: Mutex::default(),
    });
    let end = || Box::new(End { shared: shared.clone(), said: 0 });
    let carrier = Carrier::Ends { source: end(), sink: end() };
    (Peer { shared }, carrier)
}

impl Peer {
    pub fn speak(&self, speaks: bool) {
        self.shared.speaks.store(speaks, SeqCst);
    }

    /// Ticks in which it was asked for its sound.
    pub fn ticks(&self) -> u64 {
        self.shared.ticks.load(SeqCst)
    }

    /// Whether the line has let go of both ends.
    pub fn is_released(&self) -> bool {
        self.shared.held.load(SeqCst) == 0
    }

    /// What it was sent since it was last asked, at 48 kHz.
    pub fn take_heard(&self) -> Vec<i16> {
        std::mem::take(&mut *self.shared.heard.lock().expect("no panic"))
    }
}

impl AudioSource for End {
    fn sample_rate(&self) -> SampleRate {
        RATE
    }

    fn pull(&mut self, _: MonoTime, out: &mut [i16]) -> Pulled {
        self.shared.ticks.fetch_add(1, SeqCst);
        if !self.shared.speaks.load(SeqCst) {
            out.fill(0);
            return Pulled { silent: out.len(), ..Pulled::default() };
        }
        for sample in out.iter_mut() {
            let phase = self.said as f64 * self.shared.hz * TAU / f64::from(RATE.hz());
            *sample = (phase.sin() * LOUDNESS) as i16;
            self.said += 1;
        }
        Pulled { received: out.len(), ..Pulled::default() }
    }

    fn delay_ms(&self) -> u32 {
        0
    }
}

impl AudioSink for End {
    fn sample_rate(&self) -> SampleRate {
        RATE
    }

    fn push(&mut self, frame: &[i16]) {
        self.shared.heard.lock().expect("no panic").extend(frame);
    }

    /// A tick that a busy machine left out is no sound.
    fn pass(&mut self, _: usize) {}
}

impl Drop for End {
    fn drop(&mut self) {
        self.shared.held.fetch_sub(1, SeqCst);
    }
}
