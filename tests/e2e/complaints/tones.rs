//! A ladder of tones, each a little higher than the one before: on a recording it shows what was
//! heard, in which order, and how often.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use crate::support::sound::{FRAME, power_at, rms, write_wav};

const RATE_HZ: f64 = 8_000.0;
pub const STEPS: usize = 20;
/// Packets of 20 ms that a step lasts.
pub const STEP_FRAMES: usize = 10;
const LOWEST_HZ: f64 = 500.0;
const APART_HZ: f64 = 100.0;
const LOUDNESS: f64 = 8_000.0;

fn hz(step: usize) -> f64 {
    LOWEST_HZ + step as f64 * APART_HZ
}

/// The ladder as a file for `xenline say --wav`.
pub fn ladder(dir: &Path) -> PathBuf {
    let path = dir.join("ladder.wav");
    let at = |step, n| ((n as f64 * hz(step) * TAU / RATE_HZ).sin() * LOUDNESS) as i16;
    let samples = (0..STEPS).flat_map(|step| (0..STEP_FRAMES * FRAME).map(move |n| at(step, n)));
    write_wav(&path, 8_000, samples);
    path
}

/// How many packets of each step are in `sound`, and whether a lower one ever follows a higher.
pub fn steps_in(sound: &[i16]) -> ([usize; STEPS], bool) {
    let (mut frames, mut highest, mut falls) = ([0; STEPS], 0, false);
    for step in sound.chunks_exact(FRAME).filter_map(step_of) {
        frames[step] += 1;
        falls |= step < highest;
        highest = highest.max(step);
    }
    (frames, falls)
}

/// The step that is all there is in this packet; `None`: something else, or between two of them.
fn step_of(frame: &[i16]) -> Option<usize> {
    let power = rms(frame).powi(2);
    if power < 1_000_000.0 {
        return None;
    }
    let share = |step: &usize| power_at(frame, hz(*step)) / power;
    let step = (0..STEPS).max_by(|a, b| share(a).total_cmp(&share(b)))?;
    (share(&step) > 0.8).then_some(step)
}

#[test]
fn a_ladder_is_read_as_it_was_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let sound = crate::support::sound::channel(&ladder(dir.path()), 0);
    assert_eq!(steps_in(&sound), ([STEP_FRAMES; STEPS], false));
    let twice = [&sound[..], &sound[..]].concat();
    assert_eq!(steps_in(&twice), ([2 * STEP_FRAMES; STEPS], true));
}
