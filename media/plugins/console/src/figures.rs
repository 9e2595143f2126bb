//! How a device goes, as both its sides and whoever looks can count it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI8, AtomicI32, AtomicU32, AtomicU64, AtomicUsize};

use media_core::level::SILENCE_DBOV;

/// How an open device goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    /// Level of the last 10 ms, in dBov: what was let through, or what was played.
    pub level_dbov: i8,
    /// How much faster than the line's the device's clock runs, in millionths.
    pub drift_ppm: i32,
    /// What lies between the device and the line, in milliseconds; the device's own buffer comes on
    /// top.
    pub delay_ms: u32,
    /// Gaps and stumbles that the device itself reports (xruns).
    pub xruns: u64,
    /// Times that one side had nothing when the other wanted some.
    pub starved: u64,
    /// Milliseconds that were left out: no room, or far too late.
    pub skipped_ms: u64,
    /// The device is gone, refused to go on, has stood still for seconds, or has never begun.
    pub gone: bool,
}

/// Shared between the device's thread, the audio thread and whoever looks.
#[derive(Debug)]
pub(crate) struct Counters {
    pub level_dbov: AtomicI8,
    pub drift_ppm: AtomicI32,
    pub delay_ms: AtomicU32,
    pub xruns: AtomicU64,
    pub starved: AtomicU64,
    pub skipped: AtomicU64,
    pub gone: AtomicBool,
    /// Steps for which the device has stood still, one after the other.
    pub still: AtomicU32,
    /// The device has reported a stumble, and gone on with nothing since.
    pub stumbling: AtomicBool,
    /// How often a loudspeaker has asked for a block, or the line for a step of the microphone's.
    pub blocks: AtomicU32,
    /// The least that lay in the ring after the device took from it, since somebody asked.
    pub least: AtomicUsize,
    per_ms: u64,
}

impl Counters {
    pub fn new(device_hz: u32) -> Arc<Self> {
        Arc::new(Self {
            level_dbov: AtomicI8::new(SILENCE_DBOV as i8),
            drift_ppm: AtomicI32::new(0),
            delay_ms: AtomicU32::new(0),
            xruns: AtomicU64::new(0),
            starved: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            gone: AtomicBool::new(false),
            still: AtomicU32::new(0),
            stumbling: AtomicBool::new(false),
            blocks: AtomicU32::new(0),
            least: AtomicUsize::new(usize::MAX),
            per_ms: u64::from(device_hz / 1_000).max(1),
        })
    }

    pub fn figures(&self) -> Figures {
        Figures {
            level_dbov: self.level_dbov.load(Relaxed),
            drift_ppm: self.drift_ppm.load(Relaxed),
            delay_ms: self.delay_ms.load(Relaxed),
            xruns: self.xruns.load(Relaxed),
            starved: self.starved.load(Relaxed),
            skipped_ms: self.skipped.load(Relaxed) / self.per_ms,
            gone: self.gone.load(Relaxed) || self.still.load(Relaxed) > self.patience_steps(),
        }
    }

    /// The device reports that something went wrong. It may say so a thousand times before it goes
    /// on, and that is one stumble.
    pub fn stumbles(&self) {
        if !self.stumbling.swap(true, Relaxed) {
            self.xruns.fetch_add(1, Relaxed);
        }
    }

    /// Whether a device has found its pace: a sound server asks for some blocks at once and then
    /// takes a second or two to start, and a microphone is open before anybody sits at the line.
    pub fn is_settled(&self) -> bool {
        self.blocks.load(Relaxed) > SETTLED_BLOCKS
    }

    /// A step of 10 ms in which the device brought or took something, or stood still.
    pub fn moves(&self, moves: bool) {
        let before = self.still.load(Relaxed);
        self.still.store(if moves { 0 } else { before.saturating_add(1) }, Relaxed);
    }

    /// A device that has not found its pace is waited for.
    fn patience_steps(&self) -> u32 {
        if self.is_settled() { STILL_STEPS } else { BEGINS_STEPS }
    }

    /// Of the ring: so many samples lie there.
    pub fn lying(&self, samples: usize) {
        self.delay_ms.store((samples as u64 / self.per_ms) as u32, Relaxed);
    }
}

/// A second of the usual blocks, and more than any server wants in advance.
const SETTLED_BLOCKS: u32 = 100;
/// Three seconds: a sound server that changes its device takes one or two.
const STILL_STEPS: u32 = 300;
/// Six seconds: longer than a sound server takes that has to be started first.
const BEGINS_STEPS: u32 = 600;
