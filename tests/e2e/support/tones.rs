//! Who is heard, where everybody has a tone: frame by frame, at 8 kHz.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use super::sound::{FRAME, power_at, rms, write_wav};

/// Power of a tone that is heard, 12 dB below what [`tone`] is made with.
pub const THERE: f64 = 2_000.0 * 2_000.0 / 2.0;
/// Louder than this is something.
pub const LOUD: f64 = 300.0;
/// The codec's steps and a fader's end.
pub const QUIET: f64 = 20.0;

/// A tone at `rate` Hz.
pub fn tone(hz: f64, seconds: usize, rate: u32) -> Vec<i16> {
    let at = |n: usize| (n as f64 * hz * TAU / f64::from(rate)).sin() * 8_000.0;
    (0..seconds * rate as usize).map(|n| at(n) as i16).collect()
}

/// A file with the agent's tone.
pub fn tone_file(dir: &Path, hz: f64, seconds: usize) -> PathBuf {
    let path = dir.join("agent.wav");
    write_wav(&path, 8_000, tone(hz, seconds, 8_000));
    path
}

/// What comes after so many samples, from the next whole frame on.
pub fn after(samples: &[i16], from: usize) -> &[i16] {
    samples.get(from.next_multiple_of(FRAME)..).unwrap_or_default()
}

/// Frames that are this tone and nothing else.
pub fn count(samples: &[i16], hz: f64) -> usize {
    samples.chunks_exact(FRAME).filter(|it| rms(it) > LOUD && share(it, hz) > 0.8).count()
}

/// How much of a frame's power is this tone.
pub fn share(frame: &[i16], hz: f64) -> f64 {
    power_at(frame, hz) / rms(frame).powi(2).max(1.0)
}
